/**
 * The shape of a record and its events as JSON from outside: over the wire or the gateway's API.
 *
 * What must stay true: whatever passes here can be read by `recordProblems` and stored; what the
 * values must be is said there.
 */

import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { UUID_PATTERN } from '../model/uuid.ts';
import { type AuthorisationEvent, type AuthorisationRecord, EVENT_STATES } from './record.ts';

const TEXT = Type.String({ maxLength: 2000 });
const TEXTS = Type.Array(TEXT, { maxItems: 1000 });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const SPAN = closed({ n: Type.Integer({ minimum: 1, maximum: 1000 }), unit: TEXT });

const RECORD = closed({
  schema_version: Type.Literal(1),
  authorisation_id: TEXT,
  arrangement_id: TEXT,
  supersedes: orNull(TEXT),
  profile: TEXT,
  language: TEXT,
  principal: closed({ auth_level: TEXT, on_behalf_of: orNull(TEXT) }),
  notice: closed({
    id: TEXT,
    version: Type.Integer({ maximum: 2_147_483_647 }),
    sha256: TEXT,
    channel: TEXT,
    shown_at: orNull(TEXT),
  }),
  legal_basis: TEXT,
  parties: closed({
    provider_id: TEXT,
    recipient_class: TEXT,
    recipient_id: orNull(TEXT),
    brand: orNull(TEXT),
  }),
  purpose: closed({
    code: TEXT,
    service_conditional: Type.Boolean(),
    necessity_text: orNull(TEXT),
    alternative_offered: orNull(TEXT),
  }),
  data: closed({
    classes: TEXTS,
    products: TEXTS,
    accounts: Type.Union([Type.Literal('ALL'), TEXTS]),
    range_from: orNull(TEXT),
    range_to: orNull(TEXT),
    sensitive: Type.Boolean(),
  }),
  limits: closed({
    mode: TEXT,
    fetch: TEXT,
    frequency: orNull(SPAN),
    starts_at: TEXT,
    expires_at: orNull(TEXT),
    data_life: orNull(SPAN),
    onward: Type.Union([Type.Literal('NONE'), TEXTS]),
    condition: orNull(TEXT),
  }),
  withdrawal: closed({ effect: TEXT, method_uri: orNull(TEXT) }),
  evidence: closed({ method: TEXT, sha256: TEXT, witness: orNull(TEXT) }),
});

const EVENT = closed({
  seq: Type.Integer({ minimum: 1, maximum: 100_000 }),
  type: Type.Enum(Object.keys(EVENT_STATES)),
  at: TEXT,
  by_party: TEXT,
  reason: orNull(TEXT),
});

const UUID = Type.String({
  pattern: UUID_PATTERN,
});
const WIRE_ENTRY = Compile(
  closed({ subject_ref: UUID, record: RECORD, events: Type.Array(EVENT, { minItems: 1 }) }),
);

/** One line of kind authorisation; `subject_ref` is the gateway's subject_id. */
export interface WireEntry {
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  readonly events: AuthorisationEvent[];
}

export function isWireEntry(value: unknown): value is WireEntry {
  return WIRE_ENTRY.Check(value);
}
