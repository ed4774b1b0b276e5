/**
 * The gateway's API inside the lender: its app records what borrowers answer, its officers see
 * what that means. The registry never calls it.
 *
 * What must stay true: identity documents appear in no request and no answer.
 */

import { type TSchema, Type } from 'typebox';
import { EVENT_STATES } from '../authorisation/record.ts';
import { appendEvent, findAuthorisation, recordOne } from '../gateway/authorisations.ts';
import { coverage } from '../gateway/coverage.ts';
import { explainAccount } from '../gateway/explain.ts';
import { previewGate } from '../gateway/gate.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { ACCOUNT_KINDS } from '../model/record.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import type { Server } from './instance.ts';

const TEXT = Type.String({ maxLength: 2000 });
const UUID = Type.String({
  pattern: UUID_PATTERN,
  description: 'UUID, lower case',
});
/** Any text: what is no id is answered like an id that is not here. */
const AUTHORISATION_PARAMS = Type.Object({ authorisation_id: Type.String({ maxLength: 200 }) });
const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const MOMENT = Type.String({ format: 'date-time', description: 'ISO 8601 with an offset' });
const COUNTS = Type.Record(Type.String(), Type.Integer());
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

const EVENT = Type.Object(
  {
    event: Type.Enum(Object.keys(EVENT_STATES)),
    event_at: MOMENT,
    event_reason: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
);

/** What may be absent: docs/DATA.md says what absence means; it is never more than was approved. */
const OPTIONAL_FIELDS = {
  legal_basis: Type.Optional(TEXT),
  auth_level: Type.Optional(TEXT),
  on_behalf_of: Type.Optional(TEXT),
  shown_at: Type.Optional(MOMENT),
  recipient_class: Type.Optional(TEXT),
  recipient_id: Type.Optional(UUID),
  brand: Type.Optional(TEXT),
  classes: Type.Optional(Type.Array(TEXT, { minItems: 1, maxItems: 20 })),
  sensitive: Type.Optional(Type.Boolean()),
  mode: Type.Optional(TEXT),
  frequency: Type.Optional(TEXT),
  data_life: Type.Optional(TEXT),
  onward: Type.Optional(Type.Array(TEXT, { minItems: 1, maxItems: 20 })),
  condition: Type.Optional(TEXT),
  withdrawal_effect: Type.Optional(TEXT),
  withdrawal_uri: Type.Optional(TEXT),
  evidence_witness: Type.Optional(TEXT),
};

const AUTHORISATION = Type.Object(
  {
    ...OPTIONAL_FIELDS,
    authorisation_id: UUID,
    subject_ref: Type.String({ maxLength: 200, description: "the lender's number of the person" }),
    arrangement_id: Type.Optional(UUID),
    supersedes: Type.Optional(UUID),
    purpose: TEXT,
    products: Type.Array(Type.Enum([...ACCOUNT_KINDS]), { minItems: 1 }),
    accounts: Type.Union([
      Type.Literal('ALL'),
      Type.Array(Type.String({ pattern: '^[^;]{1,200}$' }), { minItems: 1, maxItems: 1000 }),
    ]),
    range_from: Type.Optional(PERIOD),
    range_to: Type.Optional(PERIOD),
    fetch: Type.Enum(['PERIODIC', 'ONETIME']),
    starts_at: MOMENT,
    expires_at: Type.Optional(MOMENT),
    notice_id: TEXT,
    notice_version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
    notice_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    language: TEXT,
    channel: TEXT,
    evidence_method: TEXT,
    evidence_sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    service_conditional: Type.Boolean(),
    necessity_text: Type.Optional(TEXT),
    alternative_offered: Type.Optional(TEXT),
    events: Type.Array(EVENT, { minItems: 1, maxItems: 100 }),
  },
  { additionalProperties: false },
);

const RECORDED = Type.Object({
  authorisation_id: UUID,
  state: Type.String(),
  result: Type.Enum(['stored', 'unchanged']),
});

function addAuthorisations(app: Server, gateway: Gateway): void {
  const writes = {
    access: { roles: ['app'] as const, scope: 'authorisations:write' as const },
  };
  app.post(
    '/v1/authorisations',
    {
      config: writes,
      schema: {
        summary: 'Record one authorisation with its events; the same again changes nothing',
        body: AUTHORISATION,
        response: { 200: RECORDED },
      },
    },
    async (request) => recordOne(gateway, request.body),
  );
  app.post(
    '/v1/authorisations/:authorisation_id/events',
    {
      config: writes,
      schema: {
        summary: 'Append an event, such as `withdrawn`; the same again changes nothing',
        params: AUTHORISATION_PARAMS,
        body: EVENT,
        response: { 200: RECORDED },
      },
    },
    async (request) => appendEvent(gateway, request.params.authorisation_id, request.body),
  );
  app.get(
    '/v1/authorisations/:authorisation_id',
    {
      config: { access: { roles: ['app', 'officer'], scope: 'authorisations:read' } },
      schema: {
        summary: 'Show an authorisation: its record, its events, its state and its uses',
        params: AUTHORISATION_PARAMS,
        response: {
          200: Type.Object({
            subject_ref: Type.String(),
            state: Type.String(),
            record: Type.Record(Type.String(), Type.Unknown()),
            events: Type.Array(Type.Record(Type.String(), Type.Unknown())),
            use: Type.Object({
              count: Type.Integer(),
              last_used_at: nullable(Type.String()),
            }),
          }),
        },
      },
    },
    async (request) => (await findAuthorisation(gateway, request.params.authorisation_id)) as never,
  );
}

function addOfficerRoutes(app: Server, gateway: Gateway): void {
  const config = { access: { roles: ['officer'] as const, scope: 'coverage:read' as const } };
  const share = nullable(Type.Number());
  const count = Type.Integer();
  app.get(
    '/v1/coverage',
    {
      config,
      schema: {
        summary: 'How much of the book went, against both denominators, and why the rest stayed',
        querystring: Type.Object({ period: Type.Optional(PERIOD) }),
        response: {
          200: Type.Object({
            coverage: Type.Array(
              Type.Object({
                period: PERIOD,
                in_scope: count,
                eligible: count,
                authorised: count,
                handed_over: count,
                withheld: COUNTS,
                of_in_scope: share,
                of_eligible: share,
                of_authorised: share,
              }),
            ),
          }),
        },
      },
    },
    async (request) => ({ coverage: await coverage(gateway, request.query.period ?? null) }),
  );
  app.get(
    '/v1/periods/:period/gate',
    {
      config,
      schema: {
        summary: 'Preview the gate: rows released and withheld by reason, as of any moment',
        params: Type.Object({ period: PERIOD }),
        querystring: Type.Object({ at: Type.Optional(MOMENT) }),
        response: {
          200: Type.Object({ period: PERIOD, in_scope: count, released: count, withheld: COUNTS }),
        },
      },
    },
    async (request) =>
      previewGate(gateway, request.params.period, momentOf(gateway, request.query.at)),
  );
  app.post(
    '/v1/periods/:period/decisions',
    {
      config,
      schema: {
        summary: 'Explain the decision for one account of a period, as of any moment',
        params: Type.Object({ period: PERIOD }),
        body: Type.Object(
          { account_ref: Type.String({ maxLength: 200 }), at: Type.Optional(MOMENT) },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            account_ref: Type.String(),
            period: PERIOD,
            authorisation_id: nullable(UUID),
            reason: nullable(Type.String()),
          }),
        },
      },
    },
    async (request) => {
      const { account_ref, at } = request.body;
      const { rows } = await explainAccount(
        gateway,
        account_ref,
        request.params.period,
        momentOf(gateway, at),
      );
      return rows[0] as NonNullable<(typeof rows)[0]>;
    },
  );
}

const momentOf = (gateway: Gateway, at: string | undefined) =>
  at === undefined ? gateway.now() : new Date(at);

/** Adds the gateway's routes to a server. */
export function gatewayRoutes(gateway: Gateway): (app: Server) => void {
  return (app) => {
    addAuthorisations(app, gateway);
    addOfficerRoutes(app, gateway);
  };
}
