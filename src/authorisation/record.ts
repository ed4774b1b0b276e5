/**
 * The authorisation record and its events: one person × one provider × one recipient class × one
 * purpose. ISO/IEC TS 27560 in structure, ReBIT limits inside, DPV's life cycle as states.
 *
 * What must stay true: the record never changes; the state is the fold of the events.
 * Source: domain facts 3.7, design.md 6.
 */

export const EVENT_STATES = {
  requested: 'requested',
  given: 'given',
  refused: 'refused',
  lapsed: 'lapsed',
  paused: 'paused',
  resumed: 'given',
  withdrawn: 'withdrawn',
  expired: 'expired',
  revoked: 'revoked_by_other',
  invalidated: 'invalidated',
  superseded: 'superseded',
} as const;
export type EventType = keyof typeof EVENT_STATES;
export type AuthorisationState = (typeof EVENT_STATES)[EventType];

/** Which events may follow which state; an absent state is an end. `null` is the beginning. */
export const NEXT_EVENTS: Readonly<Record<string, readonly EventType[]>> = {
  '': ['requested', 'given'],
  requested: ['given', 'refused', 'lapsed', 'invalidated'],
  given: ['paused', 'withdrawn', 'expired', 'revoked', 'invalidated', 'superseded'],
  paused: ['resumed', 'withdrawn', 'expired', 'revoked', 'invalidated', 'superseded'],
};

export const PURPOSES = ['F1', 'F2', 'Q1', 'Q2', 'Q3', 'E1', 'E2', 'R1'] as const;

export interface AuthorisationRecord {
  readonly schema_version: 1;
  readonly authorisation_id: string;
  /** Stable over renewals and amendments. */
  readonly arrangement_id: string;
  readonly supersedes: string | null;
  readonly profile: string;
  readonly language: string;
  readonly principal: { readonly auth_level: string; readonly on_behalf_of: string | null };
  readonly notice: {
    readonly id: string;
    readonly version: number;
    readonly sha256: string;
    readonly channel: string;
  };
  readonly legal_basis: string;
  readonly parties: { readonly provider_id: string; readonly recipient_class: string };
  readonly purpose: {
    readonly code: (typeof PURPOSES)[number];
    readonly service_conditional: boolean;
    readonly necessity_text: string | null;
    readonly alternative_offered: string | null;
  };
  readonly data: {
    readonly classes: readonly string[];
    readonly products: readonly string[];
    /** `ALL`, or account ids of the provider's gateway. */
    readonly accounts: 'ALL' | readonly string[];
    /** Periods `YYYY-MM`, inclusive. */
    readonly range_from: string | null;
    readonly range_to: string | null;
  };
  readonly limits: {
    readonly mode: string;
    readonly fetch: 'PERIODIC' | 'ONETIME';
    readonly starts_at: string;
    readonly expires_at: string | null;
    readonly data_life: string | null;
    readonly onward: string;
  };
  readonly withdrawal: { readonly effect: string };
  readonly evidence: { readonly method: string; readonly sha256: string };
}

export interface AuthorisationEvent {
  readonly seq: number;
  readonly type: EventType;
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly by_party: string;
  readonly reason: string | null;
}

export type Folded =
  | { readonly ok: true; readonly state: AuthorisationState; readonly last_seq: number }
  | { readonly ok: false; readonly seq: number };

/** The state after the events, or the first event that may not follow the ones before it. */
export function fold(events: readonly Pick<AuthorisationEvent, 'seq' | 'type'>[]): Folded {
  let state = '';
  for (const [index, event] of events.entries()) {
    const mayFollow = NEXT_EVENTS[state]?.includes(event.type) === true;
    if (event.seq !== index + 1 || !mayFollow) return { ok: false, seq: event.seq };
    state = EVENT_STATES[event.type];
  }
  if (state === '') return { ok: false, seq: 0 };
  return { ok: true, state: state as AuthorisationState, last_seq: events.length };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const PERIOD = /^[0-9]{4}-(0[1-9]|1[0-2])$/;

function isInstant(text: unknown): text is string {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text))
    return false;
  const time = Date.parse(text);
  return Number.isFinite(time) && new Date(time).toISOString() === text;
}

/** Fields of a record that are not as they must be; empty when it is sound. */
export function recordProblems(record: AuthorisationRecord): string[] {
  const { data, limits, notice, evidence, purpose, parties } = record;
  const checks: readonly (readonly [string, boolean])[] = [
    ['authorisation_id', UUID.test(record.authorisation_id)],
    ['arrangement_id', UUID.test(record.arrangement_id)],
    ['supersedes', record.supersedes === null || UUID.test(record.supersedes)],
    ['provider_id', UUID.test(parties.provider_id)],
    ['purpose', PURPOSES.includes(purpose.code)],
    [
      'products',
      data.products.length > 0 &&
        data.products.every((kind) => kind === 'revolving_line' || kind === 'instalment_loan'),
    ],
    [
      'accounts',
      data.accounts === 'ALL' ||
        (data.accounts.length > 0 && data.accounts.every((id) => UUID.test(id))),
    ],
    ['range_from', data.range_from === null || PERIOD.test(data.range_from)],
    ['range_to', data.range_to === null || PERIOD.test(data.range_to)],
    ['fetch', limits.fetch === 'PERIODIC' || limits.fetch === 'ONETIME'],
    ['starts_at', isInstant(limits.starts_at)],
    ['expires_at', limits.expires_at === null || isInstant(limits.expires_at)],
    ['notice_id', notice.id !== ''],
    ['notice_version', Number.isInteger(notice.version) && notice.version > 0],
    ['notice_sha256', SHA256.test(notice.sha256)],
    ['evidence_sha256', SHA256.test(evidence.sha256)],
  ];
  return checks.filter(([, isRight]) => !isRight).map(([field]) => field);
}

/** Events that are not as they must be, by their number. */
export function eventProblems(events: readonly AuthorisationEvent[]): number[] {
  return events
    .filter((event, index) => {
      const before = events[index - 1];
      return (
        !isInstant(event.at) ||
        !UUID.test(event.by_party) ||
        (before !== undefined && before.at > event.at)
      );
    })
    .map((event) => event.seq);
}
