/**
 * What an operator may call about people's identity: cases, merges, splits, corrections, erasure.
 *
 * What must stay true: identities come in bodies and leave only where a look is traced; nothing of
 * an identity stands in an address.
 */
import { type TProperties, Type } from 'typebox';
import { IDENTITY_KINDS } from '../model/record.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import {
  previewErasure,
  readCertificate,
  requestErasure,
  STAY_REASONS,
  sweepErasures,
} from '../registry/erasures.ts';
import {
  listIdentityEvents,
  merge,
  type SplitRequest,
  split,
  undo,
} from '../registry/identity-actions.ts';
import { CASE_STATES, listCases, resolveCase, viewCase } from '../registry/identity-cases.ts';
import { correctIdentity } from '../registry/identity-correction.ts';
import { fitMatching } from '../registry/identity-pieces.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const closed = <T extends TProperties>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Union([type, Type.Null()]);
const WHY = Type.String({ minLength: 3, maxLength: 500 });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const MOMENT = Type.Unsafe<Date>({ type: 'string', format: 'date-time' });
const CASE_PARAMS = Type.Object({ case_id: UUID });
const SUBJECT_PARAMS = Type.Object({ subject_id: UUID });
const IDS = Type.Array(UUID, { maxItems: 10_000 });
const EVENT = { 200: Type.Object({ event_id: UUID }) };

const IDENTITY = closed({
  kind: Type.Enum([...IDENTITY_KINDS]),
  country: orNull(Type.String({ minLength: 2, maxLength: 2 })),
  number: Type.String({ minLength: 1, maxLength: 64 }),
  name: Type.String({ minLength: 1, maxLength: 200 }),
  birth_date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
});

const CASE_FIELDS = {
  case_id: UUID,
  kind: Type.Enum(['details', 'likeness']),
  known_id: UUID,
  other_id: UUID,
  state: Type.Enum([...CASE_STATES]),
  opened_at: MOMENT,
  weight: orNull(Type.Number()),
  probability: orNull(Type.Number()),
  agreed: Type.Array(Type.String()),
  model_version: orNull(Type.Integer()),
  furnisher_id: orNull(UUID),
  resolved_at: orNull(MOMENT),
  resolved_by: orNull(UUID),
  why: orNull(Type.String()),
  event_id: orNull(UUID),
};
const OPENED = orNull(Type.Record(Type.String(), Type.Unknown()));

const READS = { access: { roles: ['operator' as const], scope: 'identity:read' as const } };
const WRITES = { access: { roles: ['operator' as const], scope: 'identity:write' as const } };
const ERASES = { access: { roles: ['operator' as const], scope: 'people:erase' as const } };

function addCases(app: Server, registry: Registry): void {
  app.get(
    '/v1/identity-cases',
    {
      config: READS,
      schema: {
        summary: 'List cases of identity, oldest first; nothing of an identity is in them',
        querystring: Type.Object({
          state: Type.Optional(Type.Enum([...CASE_STATES])),
          after: Type.Optional(UUID),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
        }),
        response: {
          200: Type.Object({ cases: Type.Array(Type.Object(CASE_FIELDS)), next: orNull(UUID) }),
        },
      },
    },
    async ({ query: { state = null, after = '', limit = 100 } }) =>
      (await listCases(registry, { state, after, limit })) as never,
  );
  app.post(
    '/v1/identity-cases/:case_id/views',
    {
      config: READS,
      schema: {
        summary: 'Open both identities of a case; the look is traced with both people',
        params: CASE_PARAMS,
        body: closed({ reason: WHY }),
        response: { 200: Type.Object({ ...CASE_FIELDS, known: OPENED, other: OPENED }) },
      },
    },
    async ({ params, body, caller }) =>
      (await viewCase(registry, params.case_id, {
        participant_id: caller.participant_id,
        reason: body.reason,
      })) as never,
  );
  app.post(
    '/v1/identity-cases/:case_id/resolution',
    {
      config: WRITES,
      schema: {
        summary: 'Decide a case: one person (match) or two (no_match, never raised again)',
        params: CASE_PARAMS,
        body: closed({
          outcome: Type.Enum(['match', 'no_match']),
          why: WHY,
          evidence_sha256: Type.Optional(SHA256),
        }),
        response: { 200: Type.Object(CASE_FIELDS) },
      },
    },
    async ({ params, body: { outcome, why, evidence_sha256 = null }, caller }) =>
      (await resolveCase(registry, params.case_id, {
        outcome,
        why,
        evidence_sha256,
        by_party: caller.participant_id,
      })) as never,
  );
}

const DECISION = { why: WHY, evidence_sha256: Type.Optional(SHA256) };

function addMerges(app: Server, registry: Registry): void {
  app.post(
    '/v1/identity-merges',
    {
      config: WRITES,
      schema: {
        summary: 'Merge one person into another; all that is theirs follows',
        body: closed({ from_id: UUID, into_id: UUID, ...DECISION }),
        response: EVENT,
      },
    },
    async ({ body: { from_id, into_id, why, evidence_sha256 = null }, caller }) => {
      const by_party = caller.participant_id;
      const decision = { by_party, why, evidence_sha256 };
      return { event_id: await merge(registry, { from_id, into_id }, decision) };
    },
  );
  app.post(
    '/v1/identity-splits',
    {
      config: WRITES,
      schema: {
        summary: "Take what is somebody else's out of a mixed file",
        body: closed({
          from_id: UUID,
          to: Type.Union([closed({ subject_id: UUID }), closed({ identity: IDENTITY })]),
          locators: Type.Array(closed({ subject_ref: UUID, furnisher_id: UUID }), {
            maxItems: 1000,
          }),
          account_ids: IDS,
          authorisation_ids: IDS,
          ...DECISION,
        }),
        response: { 200: Type.Object({ event_id: UUID, to_id: UUID }) },
      },
    },
    async ({ body: { why, evidence_sha256 = null, ...wanted }, caller }) =>
      split(registry, wanted as SplitRequest, {
        by_party: caller.participant_id,
        why,
        evidence_sha256,
      }),
  );
  app.get(
    '/v1/identity-events',
    {
      config: READS,
      schema: {
        summary: 'List merges, splits, corrections and what undid them, newest first',
        querystring: Type.Object({
          subject_id: Type.Optional(UUID),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
        }),
        response: {
          200: Type.Object({
            events: Type.Array(
              Type.Object({
                event_id: UUID,
                kind: Type.Enum(['merge', 'split', 'undo', 'correct']),
                from_id: UUID,
                to_id: UUID,
                at: MOMENT,
                by_party: UUID,
                why: Type.String(),
                evidence_sha256: orNull(Type.String()),
                undoes: orNull(UUID),
                rows: Type.Record(Type.String(), Type.Integer()),
              }),
            ),
          }),
        },
      },
    },
    async ({ query: { subject_id = null, limit = 100 } }) =>
      ({ events: await listIdentityEvents(registry, subject_id, limit) }) as never,
  );
  app.post(
    '/v1/identity-events/:event_id/undo',
    {
      config: WRITES,
      schema: {
        summary: 'Undo a merge or a split: what moved goes back, with what came for it since',
        params: Type.Object({ event_id: UUID }),
        body: closed(DECISION),
        response: EVENT,
      },
    },
    async ({ params, body: { why, evidence_sha256 = null }, caller }) => {
      const by_party = caller.participant_id;
      const decision = { by_party, why, evidence_sha256 };
      return { event_id: await undo(registry, params.event_id, decision) };
    },
  );
  app.post(
    '/v1/matching/fits',
    {
      config: WRITES,
      schema: {
        summary: 'Fit the weights of matching to the people of the store, without labels',
        response: { 200: Type.Object({ version: Type.Integer(), records: Type.Integer() }) },
      },
    },
    async () => fitMatching(registry),
  );
}

function addCorrections(app: Server, registry: Registry): void {
  app.post(
    '/v1/subjects/:subject_id/identity',
    {
      config: WRITES,
      schema: {
        summary: "Correct a person's name, birth date or document, on evidence",
        params: SUBJECT_PARAMS,
        body: closed({ identity: IDENTITY, why: WHY, evidence_sha256: SHA256 }),
        response: EVENT,
      },
    },
    async ({ params, body: { identity, why, evidence_sha256 }, caller }) => {
      const by_party = caller.participant_id;
      const correction = { by_party, why, evidence_sha256 };
      const given = identity as Parameters<typeof correctIdentity>[2];
      return { event_id: await correctIdentity(registry, params.subject_id, given, correction) };
    },
  );
}

const PREVIEW_FIELDS = {
  subject_id: UUID,
  stays: Type.Array(
    Type.Object({
      reason: Type.Enum(Object.keys(STAY_REASONS)),
      why: Type.String(),
      rows: Type.Integer(),
      until: orNull(Type.String()),
    }),
  ),
  months_going: Type.Integer(),
  goes: Type.Record(Type.String(), Type.Integer()),
  approval_records: Type.Object({ rows: Type.Integer(), until: orNull(Type.String()) }),
  notice_hours: Type.Integer(),
};

function addErasures(app: Server, registry: Registry): void {
  app.get(
    '/v1/subjects/:subject_id/erasure',
    {
      config: ERASES,
      schema: {
        summary: 'What an erasure would do today: what must stay and why, what goes',
        params: SUBJECT_PARAMS,
        response: { 200: Type.Object(PREVIEW_FIELDS) },
      },
    },
    async ({ params }) =>
      registry.db.transaction((session) =>
        previewErasure(registry, session, params.subject_id),
      ) as never,
  );
  app.post(
    '/v1/subjects/:subject_id/erasure',
    {
      config: ERASES,
      schema: {
        summary: "Take down a person's request to be erased; done after the profile's notice",
        params: SUBJECT_PARAMS,
        body: closed({ evidence_sha256: SHA256 }),
        response: {
          200: Type.Object({ ...PREVIEW_FIELDS, request_id: UUID, due_at: MOMENT }),
        },
      },
    },
    async ({ params, body, caller }) =>
      (await requestErasure(registry, params.subject_id, {
        by_party: caller.participant_id,
        evidence_sha256: body.evidence_sha256,
      })) as never,
  );
  app.post(
    '/v1/erasures/sweep',
    {
      config: ERASES,
      schema: {
        summary: 'Erase whoever is due; meant to be called daily',
        body: closed({ rewrite: Type.Boolean() }),
        response: { 200: Type.Object({ erased: Type.Integer(), partly: Type.Integer() }) },
      },
    },
    async ({ body }) => sweepErasures(registry, body.rewrite),
  );
  app.get(
    '/v1/erasures/:request_id',
    {
      config: ERASES,
      schema: {
        summary: 'The certificate of an erasure',
        params: Type.Object({ request_id: UUID }),
        response: {
          200: Type.Object({
            request_id: UUID,
            asked_at: MOMENT,
            erased_at: MOMENT,
            erased_rows: Type.Record(Type.String(), Type.Integer()),
          }),
        },
      },
    },
    async ({ params }) => (await readCertificate(registry, params.request_id)) as never,
  );
}

/** Adds the routes of identity to the registry's server. */
export function identityRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addCases(app, registry);
    addMerges(app, registry);
    addCorrections(app, registry);
    addErasures(app, registry);
  };
}
