/**
 * An authorisation as OAuth `authorization_details` (RFC 9396), so that a token can prove it.
 *
 * What must stay true: one object, whose common fields mean what the RFC says and whose own fields
 * carry our limits; `status` is there because details of what was refused are details as well.
 * Source: RFC 9396 section 2, domain facts 3.6.
 */
import { type Static, Type } from 'typebox';
import { closed, durationText, type Exported, MOMENT, some, TEXT, UUID } from './export-terms.ts';
import { DATA_CLASSES, PURPOSES, type Purpose } from './record.ts';

const PERIOD = Type.String({ pattern: '^\\d{4}-\\d\\d$' });
const DURATION = Type.String({ pattern: '^P(\\d+[DMY]|T\\d+H)$' });

const DETAIL = closed({
  type: Type.Literal('assent_credit_data'),
  locations: some(TEXT),
  actions: some(Type.Enum(['furnish', 'furnish_adverse', 'enquire', 'evaluate', 'research'])),
  datatypes: some(Type.Enum([...DATA_CLASSES])),
  /** The arrangement, which is the same over renewals. */
  identifier: UUID,
  privileges: some(Type.Enum(['store', 'query', 'view'])),
  authorisation_id: UUID,
  status: TEXT,
  subject: TEXT,
  provider: UUID,
  purpose: Type.Enum([...PURPOSES]),
  products: some(TEXT),
  accounts: Type.Union([Type.Literal('ALL'), some(TEXT)]),
  limits: closed({
    fetch: Type.Enum(['PERIODIC', 'ONETIME']),
    not_before: MOMENT,
    expires: Type.Optional(MOMENT),
    range_from: Type.Optional(PERIOD),
    range_to: Type.Optional(PERIOD),
    frequency: Type.Optional(closed({ uses: Type.Integer({ minimum: 1 }), within: DURATION })),
    data_life: Type.Optional(DURATION),
    onward: Type.Array(TEXT),
    condition: Type.Optional(TEXT),
  }),
});

/** The whole export, as a JSON schema. */
export const RFC9396 = closed({ authorization_details: some(DETAIL) });

const ACTIONS: Readonly<Record<Purpose, Static<typeof DETAIL>['actions'][0]>> = {
  F1: 'furnish',
  F2: 'furnish_adverse',
  Q1: 'enquire',
  Q2: 'enquire',
  Q3: 'enquire',
  E1: 'evaluate',
  E2: 'evaluate',
  R1: 'research',
};
const PRIVILEGES = { STORE: 'store', QUERY: 'query', VIEW: 'view' } as const;

/** An optional member: absent where there is no value. */
const member = <K extends string, V>(name: K, value: V | null) =>
  (value === null ? {} : { [name]: value }) as { [Name in K]?: V };

function limitsOf({ record, ends_at }: Exported): Static<typeof DETAIL>['limits'] {
  const { limits, data } = record;
  const { frequency } = limits;
  const rate = frequency && {
    uses: frequency.n,
    within: durationText({ n: 1, unit: frequency.unit }) ?? '',
  };
  return {
    fetch: limits.fetch,
    not_before: limits.starts_at,
    ...member('expires', ends_at),
    ...member('range_from', data.range_from),
    ...member('range_to', data.range_to),
    ...member('frequency', rate),
    ...member('data_life', durationText(limits.data_life)),
    onward: limits.onward === 'NONE' ? [] : [...limits.onward],
    ...member('condition', limits.condition),
  };
}

/** The authorization details. @param locations URIs of the recipient's API; the class if unknown */
export function exportRfc9396(
  exported: Exported,
  locations: readonly string[],
): Static<typeof RFC9396> {
  const { record, account_refs } = exported;
  const { parties, data, purpose } = record;
  const unknown = `urn:assent:recipient-class:${parties.recipient_class}`;
  const detail: Static<typeof DETAIL> = {
    type: 'assent_credit_data',
    locations: locations.length > 0 ? [...locations] : [unknown],
    actions: [ACTIONS[purpose.code]],
    datatypes: data.classes as (typeof DATA_CLASSES)[number][],
    identifier: record.arrangement_id,
    privileges: [PRIVILEGES[record.limits.mode]],
    authorisation_id: record.authorisation_id,
    status: exported.state,
    subject: exported.principal_ref,
    provider: parties.provider_id,
    purpose: purpose.code,
    products: [...data.products],
    accounts: account_refs === 'ALL' ? 'ALL' : [...account_refs],
    limits: limitsOf(exported),
  };
  return { authorization_details: [detail] };
}
