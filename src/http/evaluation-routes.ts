/**
 * Evaluations over HTTP: a lender asks for one, an operator sees to reviews.
 *
 * What must stay true: an evaluation goes out as the bytes that were hashed; who asks after people
 * without their authorisation hears what all hear.
 */
import { Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';
import { answerText } from '../registry/answer-looks.ts';
import { type EnquiryRequest, enquire } from '../registry/enquiries.ts';
import {
  decideReview,
  listOpenReviews,
  openReview,
  REVIEW_OUTCOMES,
  type Review,
} from '../registry/evaluation-reviews.ts';
import { readApplication } from '../registry/evaluations.ts';
import type { Registry } from '../registry/registry.ts';
import { PERSON } from './enquirer-routes.ts';
import { ANSWER, sendJson } from './enquiry-routes.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const MOST_MINOR = 1_000_000_000_000;
const MONEY = Type.Integer({ minimum: 0, maximum: MOST_MINOR, description: 'minor units' });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Union([type, Type.Null()]);

/** What is asked for; the shape of `SentApplication`. */
export const APPLICATION = Type.Object(
  {
    amount_minor: Type.Integer({ minimum: 1, maximum: MOST_MINOR, description: 'minor units' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
    term_months: Type.Integer({ minimum: 1, maximum: 600 }),
    annual_rate_bp: Type.Optional(
      orNull(Type.Integer({ minimum: 0, maximum: 100_000, description: 'basis points a year' })),
    ),
    income_minor: Type.Optional(orNull(MONEY)),
    income_warned: Type.Optional(
      Type.Boolean({ description: 'the person was warned of telling an income, and agreed' }),
    ),
  },
  { additionalProperties: false },
);

/** An application as a body has it. */
export interface SentBody {
  readonly amount_minor: number;
  readonly currency: string;
  readonly term_months: number;
  readonly annual_rate_bp?: number | null;
  readonly income_minor?: number | null;
  readonly income_warned?: boolean;
}

/** The application of a body, as it may be used; null: none. @throws application_invalid */
export function applicationOf(registry: Registry, body: SentBody | null | undefined) {
  if (!body) return null;
  const { annual_rate_bp, income_minor, income_warned, ...rest } = body;
  return readApplication(registry, {
    ...rest,
    annual_rate_bp: annual_rate_bp ?? null,
    income_minor: income_minor ?? null,
    income_warned: income_warned ?? false,
  });
}

function addEvaluation(app: Server, registry: Registry): void {
  app.post(
    '/v1/evaluations',
    {
      config: { access: { roles: ['enquirer'], scope: 'evaluations:request' } },
      schema: {
        summary: 'Ask for the evaluation of an applicant under their authorisation (E1)',
        description: 'docs/EVALUATION.md; the answer has the form of an enquiry’s',
        body: Type.Object(
          {
            use_id: UUID,
            authorisation_id: UUID,
            purpose: Type.String({ minLength: 1, maxLength: 40, description: 'docs/REPORT.md' }),
            person: Type.Optional(PERSON),
            application: Type.Optional(orNull(APPLICATION)),
          },
          { additionalProperties: false },
        ),
        response: { 200: ANSWER },
      },
    },
    async (request, reply) => {
      const { person, application, ...asked } = request.body;
      const answered = await enquire(registry, {
        ...asked,
        enquirer_id: request.caller.participant_id,
        form: 'evaluation',
        person: person ?? null,
        application: applicationOf(registry, application as SentBody | null | undefined),
      } as EnquiryRequest);
      return sendJson(reply, answerText(answered));
    },
  );
}

/** A review as everybody sees it who may. */
export const REVIEW = Type.Object({
  review_id: UUID,
  evaluation_id: UUID,
  state: Type.Enum(['open', ...REVIEW_OUTCOMES]),
  asked_at: Type.String(),
  due_at: Type.String(),
  ended_at: orNull(Type.String()),
  why: orNull(Type.String()),
});

export const shownReview = (review: Review) => ({
  review_id: review.review_id,
  evaluation_id: review.evaluation_id,
  state: review.state,
  asked_at: review.asked_at.toISOString(),
  due_at: review.due_at.toISOString(),
  ended_at: review.ended_at?.toISOString() ?? null,
  why: review.why,
});

const WHY = Type.String({ minLength: 3, maxLength: 2000 });

function addReviews(app: Server, registry: Registry): void {
  const config = { access: { roles: ['operator'] as const, scope: 'reviews:decide' as const } };
  app.get(
    '/v1/reviews',
    {
      config,
      schema: {
        summary: 'Scores that people contest and nobody has decided on yet',
        response: { 200: Type.Object({ reviews: Type.Array(REVIEW) }) },
      },
    },
    async () => ({ reviews: (await listOpenReviews(registry)).map(shownReview) }),
  );
  const params = Type.Object({ review_id: UUID });
  app.post(
    '/v1/reviews/:review_id/open',
    {
      config,
      schema: {
        summary: 'One review with the words of the person; the look leaves a trace',
        params,
        response: {
          200: Type.Interface([REVIEW], { subject_id: UUID, words: Type.String() }),
        },
      },
    },
    async (request) => {
      const { participant_id } = request.caller;
      const opened = await openReview(registry, request.params.review_id, participant_id);
      return { ...shownReview(opened), subject_id: opened.subject_id, words: opened.words };
    },
  );
  app.post(
    '/v1/reviews/:review_id/decision',
    {
      config,
      schema: {
        summary: 'Decide a review; the person is told why',
        params,
        body: Type.Object(
          { outcome: Type.Enum([...REVIEW_OUTCOMES]), why: WHY },
          { additionalProperties: false },
        ),
        response: { 200: REVIEW },
      },
    },
    async (request) => {
      const { outcome, why } = request.body;
      const by = request.caller.participant_id;
      return shownReview(
        await decideReview(registry, request.params.review_id, { by, outcome, why }),
      );
    },
  );
}

/** Adds the routes of evaluations and their reviews to the registry's server. */
export function evaluationRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addEvaluation(app, registry);
    addReviews(app, registry);
  };
}
