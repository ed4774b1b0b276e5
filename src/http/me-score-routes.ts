/**
 * A person's own score, over the API: read it, try other facts, contest an evaluation.
 *
 * What must stay true: as `me-routes.ts`.
 */
import { Type } from 'typebox';
import { askReview, listOwnReviews } from '../registry/evaluation-reviews.ts';
import { listEvaluationsOf, ownEvaluation, readOwnScore } from '../registry/evaluations.ts';
import type { Registry } from '../registry/registry.ts';
import { sendJson } from './enquiry-routes.ts';
import {
  APPLICATION,
  applicationOf,
  REVIEW,
  type SentBody,
  shownReview,
} from './evaluation-routes.ts';
import type { Server } from './instance.ts';
import { bearer, MOMENT, nullable, plain, subjectOf, tags, UUID } from './me-schema.ts';

const closed = { additionalProperties: false };
const ANY = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: 'docs/EVALUATION.md' }),
);

function addScore(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/evaluations',
    {
      config: bearer,
      schema: {
        summary: 'Every evaluation of you, and who was given it',
        tags,
        response: {
          200: Type.Object({
            evaluations: Type.Array(
              Type.Object({
                evaluation_id: UUID,
                recipient: nullable(Type.String()),
                issued_at: MOMENT,
              }),
            ),
          }),
        },
      },
    },
    async (request) =>
      plain({ evaluations: await listEvaluationsOf(registry, subjectOf(request).subject_id) }),
  );
  app.post(
    '/v1/me/evaluations',
    {
      config: bearer,
      schema: {
        summary: 'Your own evaluation, kept, so that it can be contested',
        tags,
        body: Type.Object({ application: Type.Optional(nullable(APPLICATION)) }, closed),
        response: { 200: ANY },
      },
    },
    async (request, reply) => {
      const { subject_id } = subjectOf(request);
      const application = applicationOf(registry, request.body.application as SentBody | null);
      const { text } = await ownEvaluation(registry, subject_id, application);
      return sendJson(reply, text);
    },
  );
  app.post(
    '/v1/me/simulation',
    {
      config: bearer,
      schema: {
        summary: 'Your score, what would help, and what other facts would give',
        tags,
        body: Type.Object(
          {
            changes: Type.Record(
              Type.String({ pattern: '^[a-z0-9_]{1,60}$' }),
              nullable(Type.Integer({ minimum: -1_000_000, maximum: 1_000_000 })),
            ),
          },
          closed,
        ),
        response: { 200: ANY },
      },
    },
    async (request) =>
      plain(await readOwnScore(registry, subjectOf(request).subject_id, request.body.changes)),
  );
}

function addReviews(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/reviews',
    {
      config: bearer,
      schema: {
        summary: 'The scores that you contest, and what was decided',
        tags,
        response: { 200: Type.Object({ reviews: Type.Array(REVIEW) }) },
      },
    },
    async (request) => ({
      reviews: (await listOwnReviews(registry, subjectOf(request).subject_id)).map(shownReview),
    }),
  );
  app.post(
    '/v1/me/evaluations/:evaluation_id/review',
    {
      config: bearer,
      schema: {
        summary: 'Contest an evaluation of you: a person looks at it',
        tags,
        params: Type.Object({ evaluation_id: UUID }),
        body: Type.Object({ words: Type.String({ minLength: 1, maxLength: 2000 }) }, closed),
        response: { 200: REVIEW },
      },
    },
    async (request) => {
      const { subject_id } = subjectOf(request);
      const { evaluation_id } = request.params;
      return shownReview(await askReview(registry, subject_id, evaluation_id, request.body.words));
    },
  );
}

/** Adds a person's routes of their own score. */
export function meScoreRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addScore(app, registry);
    addReviews(app, registry);
  };
}
