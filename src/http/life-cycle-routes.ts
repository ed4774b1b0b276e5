/**
 * The gateway's API for the life of an authorisation: who is to be told of its end, a death, why a
 * row was decided as it was, and the record in the form of a standard.
 *
 * What must stay true: identity documents appear in no request and no answer; numbers of people
 * and accounts come in bodies, never in addresses.
 */

import { type TSchema, Type } from 'typebox';
import { recordDeath } from '../gateway/death.ts';
import { explainAccount, explainSubject } from '../gateway/explain.ts';
import { EXPORT_FORMS, exportAuthorisation } from '../gateway/exports.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { noticesDue } from '../gateway/notices-due.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({
  pattern: UUID_PATTERN,
  description: 'UUID, lower case',
});
const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const MOMENT = Type.String({ format: 'date-time', description: 'ISO 8601 with an offset' });
const REF = Type.String({ minLength: 1, maxLength: 200 });
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const WORDS = Type.Object({ en: Type.String(), zh: Type.String() });

function addNotices(app: Server, gateway: Gateway): void {
  app.get(
    '/v1/expiry-notices',
    {
      config: { access: { roles: ['app'], scope: 'authorisations:read' } },
      schema: {
        summary: 'Who is to be told that an approval ends or has ended; go on with `next`',
        querystring: Type.Object({
          after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
        }),
        response: {
          200: Type.Object({
            notices: Type.Array(
              Type.Object({
                position: Type.Integer(),
                kind: Type.Enum(['expiring', 'expired', 'of_age']),
                days_before: Type.Integer(),
                subject_ref: Type.String(),
                authorisation_id: UUID,
                arrangement_id: UUID,
                purpose: Type.String(),
                language: Type.String(),
                channel: Type.String(),
                ends_at: Type.String(),
                state: Type.String(),
              }),
            ),
            next: Type.Integer({ description: '`after` of the next request' }),
          }),
        },
      },
    },
    async (request) => {
      const { after = 0, limit = 1_000 } = request.query;
      const notices = await noticesDue(gateway.db, after, limit);
      return { notices, next: notices.at(-1)?.position ?? after };
    },
  );
}

function addDeaths(app: Server, gateway: Gateway): void {
  app.post(
    '/v1/deaths',
    {
      config: { access: { roles: ['app'], scope: 'authorisations:write' } },
      schema: {
        summary: 'Record that a borrower died, or that this was a mistake',
        body: Type.Object(
          {
            subject_ref: REF,
            evidence_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
            mistaken: Type.Optional(Type.Boolean()),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            subject_ref: Type.String(),
            result: Type.Enum(['stored', 'unchanged']),
            ended: Type.Integer(),
          }),
        },
      },
    },
    async (request) => recordDeath(gateway, request.body),
  );
}

const EXPLANATION = Type.Object({
  moment: Type.String(),
  profile: nullable(Type.String()),
  rows: Type.Array(
    Type.Object({
      account_ref: Type.String(),
      period: PERIOD,
      authorisation_id: nullable(UUID),
      reason: nullable(Type.String()),
      words: WORDS,
      barred_by: nullable(Type.String()),
      candidates: Type.Array(
        Type.Object({
          authorisation_id: UUID,
          check: nullable(Type.String()),
          reason: nullable(Type.String()),
          words: WORDS,
        }),
      ),
    }),
  ),
  authorisations: Type.Array(
    Type.Object({
      authorisation_id: UUID,
      arrangement_id: UUID,
      supersedes: nullable(UUID),
      purpose: Type.String(),
      state: Type.String(),
      events: Type.Array(
        Type.Object({
          seq: Type.Integer(),
          type: Type.String(),
          at: Type.String(),
          recorded_at: Type.String(),
          by_party: UUID,
          reason: nullable(Type.String()),
          hash: Type.String(),
        }),
      ),
    }),
  ),
});

function addExplanations(app: Server, gateway: Gateway): void {
  const closed = { additionalProperties: false };
  const at = Type.Optional(MOMENT);
  app.post(
    '/v1/explanations',
    {
      config: { access: { roles: ['officer'], scope: 'authorisations:read' } },
      schema: {
        summary: 'Why the rows of an account and period, or of a person, are decided as they are',
        body: Type.Union([
          Type.Object({ account_ref: REF, period: PERIOD, at }, closed),
          Type.Object({ subject_ref: REF, at }, closed),
        ]),
        response: { 200: EXPLANATION },
      },
    },
    async (request) => {
      const { body } = request;
      const moment = body.at === undefined ? gateway.now() : new Date(body.at);
      // What is read is not written to: the serialiser's type asks for arrays that may be.
      const explanation =
        'subject_ref' in body
          ? await explainSubject(gateway, body.subject_ref, moment)
          : await explainAccount(gateway, body.account_ref, body.period, moment);
      return explanation as never;
    },
  );
}

function addExports(app: Server, gateway: Gateway): void {
  app.get(
    '/v1/authorisations/:authorisation_id/export',
    {
      config: { access: { roles: ['app', 'officer'], scope: 'authorisations:read' } },
      schema: {
        summary: 'An authorisation in the form of a standard (docs/LIFE_CYCLE.md)',
        params: Type.Object({ authorisation_id: UUID }),
        querystring: Type.Object({ as: Type.Enum([...EXPORT_FORMS]) }),
        response: { 200: Type.Record(Type.String(), Type.Unknown()) },
      },
    },
    async (request) => {
      const { authorisation_id } = request.params;
      return (await exportAuthorisation(gateway, authorisation_id, request.query.as)) as never;
    },
  );
}

/** Adds the routes of the life cycle to a gateway's server. */
export function lifeCycleRoutes(gateway: Gateway): (app: Server) => void {
  return (app) => {
    addNotices(app, gateway);
    addDeaths(app, gateway);
    addExplanations(app, gateway);
    addExports(app, gateway);
  };
}
