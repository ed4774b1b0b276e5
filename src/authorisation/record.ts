/**
 * The authorisation record and its events: one person × one provider × one recipient class × one
 * purpose. ISO/IEC TS 27560 in structure, ReBIT limits inside, DPV's life cycle as states.
 *
 * What must stay true: the record never changes; the state is the fold of the events.
 * Source: domain facts 3.7, design.md 6.
 */

import { ACCOUNT_KINDS } from '../model/record.ts';
import { UUID } from '../model/uuid.ts';

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

/**
 * Which events may follow which state. '' is the beginning. After an end only a stricter end may
 * follow: of two sides that ended one authorisation, the stricter end wins on both (docs/FEED.md).
 */
export const NEXT_EVENTS: Readonly<Record<string, readonly EventType[]>> = {
  '': ['requested', 'given'],
  requested: ['given', 'refused', 'lapsed', 'invalidated'],
  given: ['paused', 'withdrawn', 'expired', 'revoked', 'invalidated', 'superseded'],
  paused: ['resumed', 'withdrawn', 'expired', 'revoked', 'invalidated', 'superseded'],
  superseded: ['revoked', 'invalidated', 'withdrawn'],
  expired: ['revoked', 'invalidated', 'withdrawn'],
  revoked_by_other: ['invalidated', 'withdrawn'],
  invalidated: ['withdrawn'],
};

/** Events that end an authorisation that was given. */
const ENDS: readonly EventType[] = ['superseded', 'expired', 'revoked', 'invalidated', 'withdrawn'];
const isEnd = (type: EventType): boolean => isOneOf(ENDS, type);
/** True for the states of those ends. */
export const hasEnded = (state: string): boolean =>
  ENDS.some((type) => EVENT_STATES[type] === state);

export const PURPOSES = ['F1', 'F2', 'Q1', 'Q2', 'Q3', 'E1', 'E2', 'R1'] as const;
export type Purpose = (typeof PURPOSES)[number];
/** Those for which an enquirer asks leave to look. */
export const LOOK_PURPOSES = ['Q1', 'Q2', 'Q3', 'E1'] as const satisfies readonly Purpose[];

/** What each purpose is for, and who may be its recipient. S1 (supervisor) is never consent. */
export const PURPOSE_RECIPIENTS: Readonly<Record<Purpose, readonly RecipientClass[]>> = {
  F1: ['registry'],
  F2: ['registry'],
  Q1: ['lender'],
  Q2: ['lender'],
  Q3: ['lender'],
  E1: ['lender'],
  E2: ['subject'],
  R1: ['research'],
};

export const RECIPIENT_CLASSES = ['registry', 'lender', 'subject', 'research'] as const;
export type RecipientClass = (typeof RECIPIENT_CLASSES)[number];

export const LEGAL_BASES = [
  'consent',
  'contract',
  'legal_obligation',
  'public_task',
  'legitimate_interest',
] as const;
export type LegalBasis = (typeof LEGAL_BASES)[number];

export const DATA_CLASSES = [
  'IDENTITY',
  'ACCOUNT_BASIC',
  'MONTHLY_PERFORMANCE',
  'HISTORY',
  'ENQUIRY',
  'SCORE',
] as const;

export const TIME_UNITS = ['HOUR', 'DAY', 'MONTH', 'YEAR'] as const;
/** ReBIT's `{unit, value}`: `n` of a calendar unit. */
export interface Span {
  readonly n: number;
  readonly unit: (typeof TIME_UNITS)[number];
}

export const CONDITIONS = ['LOAN_ACTIVE', 'OVERDUE_GT_1D'] as const;
export const WITHDRAWAL_EFFECTS = ['STOP_NEW', 'STOP_AND_RESTRICT', 'STOP_AND_ERASE'] as const;
export type WithdrawalEffect = (typeof WITHDRAWAL_EFFECTS)[number];
export const EVIDENCE_METHODS = ['CLICK', 'ESIGN', 'PAPER', 'VOICE'] as const;

export interface AuthorisationRecord {
  readonly schema_version: 1;
  readonly authorisation_id: string;
  /** Stable over renewals and amendments. */
  readonly arrangement_id: string;
  readonly supersedes: string | null;
  readonly profile: string;
  /** BCP 47; the language in which the person was asked. */
  readonly language: string;
  readonly principal: {
    /** How surely the person was identified when asked: L1 (weakest) to L3. */
    readonly auth_level: string;
    /** The provider's reference of the guardian who answered for the person; null: the person. */
    readonly on_behalf_of: string | null;
  };
  readonly notice: {
    readonly id: string;
    readonly version: number;
    readonly sha256: string;
    readonly channel: string;
    readonly shown_at: string | null;
  };
  readonly legal_basis: LegalBasis;
  readonly parties: {
    readonly provider_id: string;
    readonly recipient_class: RecipientClass;
    /** One recipient of the class; null: any of the class that the notice names. */
    readonly recipient_id: string | null;
    /** The platform brand under which the provider trades. */
    readonly brand: string | null;
  };
  readonly purpose: {
    readonly code: Purpose;
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
    readonly sensitive: boolean;
  };
  /** ReBIT's limits. A use is one hand-over or one enquiry. */
  readonly limits: {
    readonly mode: 'STORE' | 'QUERY' | 'VIEW';
    readonly fetch: 'PERIODIC' | 'ONETIME';
    /** At most `n` uses within any one `unit`. */
    readonly frequency: Span | null;
    readonly starts_at: string;
    readonly expires_at: string | null;
    /** How long the recipient may keep what it got; null: as long as the statute says. */
    readonly data_life: Span | null;
    readonly onward: 'NONE' | readonly RecipientClass[];
    readonly condition: (typeof CONDITIONS)[number] | null;
  };
  readonly withdrawal: { readonly effect: WithdrawalEffect; readonly method_uri: string | null };
  readonly evidence: {
    readonly method: (typeof EVIDENCE_METHODS)[number];
    /** Of the artefact kept by the collector: the page as shown, the scan, the recording. */
    readonly sha256: string;
    /** Reference of a person who was present (paper, voice); never a name. */
    readonly witness: string | null;
  };
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
  | {
      readonly ok: true;
      readonly state: AuthorisationState;
      readonly last_seq: number;
      /** The state after each event. */
      readonly states: readonly AuthorisationState[];
    }
  | { readonly ok: false; readonly seq: number };

type FoldedEvent = Pick<AuthorisationEvent, 'seq' | 'type'> &
  Partial<Pick<AuthorisationEvent, 'by_party'>>;

/** True when the event may follow the state and changes it. */
export const mayFollow = (state: string, type: string): boolean =>
  NEXT_EVENTS[state]?.some((next) => next === type) === true;

/**
 * The state after the events, or the first event that may not follow the ones before it.
 * An event that comes after an end which another party made, and which is not itself a stricter
 * end, was overtaken: its party did not know of the end yet. It stays in the history and leaves
 * the state as it is.
 */
export function fold(events: readonly FoldedEvent[]): Folded {
  const states: AuthorisationState[] = [];
  let state = '';
  let ender: FoldedEvent | null = null;
  for (const [index, event] of events.entries()) {
    const isOvertaken: boolean = ender !== null && ender.by_party !== event.by_party;
    const follows = mayFollow(state, event.type);
    if (event.seq !== index + 1 || !(follows || isOvertaken)) return { ok: false, seq: event.seq };
    if (follows) {
      state = EVENT_STATES[event.type];
      if (isEnd(event.type)) ender = event;
    }
    states.push(state as AuthorisationState);
  }
  if (state === '') return { ok: false, seq: 0 };
  return { ok: true, state: state as AuthorisationState, last_seq: events.length, states };
}

/** The state after events that were checked before; ones that do not fold are a programmer's error. */
export function stateOf(events: readonly FoldedEvent[]): AuthorisationState {
  const folded = fold(events);
  if (!folded.ok) throw new Error('events that are stored fold');
  return folded.state;
}

/** True when the answer can be read again; a voice is heard (Order 631, articles 18 and 29). */
export const isWritten = ({ evidence }: AuthorisationRecord) =>
  isOneOf(['CLICK', 'ESIGN', 'PAPER'], evidence.method);

/** True when the record lets data pass on to a class of recipients besides its own. */
export function widensRecipients({ limits, parties }: AuthorisationRecord): boolean {
  return limits.onward !== 'NONE' && limits.onward.some((name) => name !== parties.recipient_class);
}

const SHA256 = /^[0-9a-f]{64}$/;
/** Years 0001 to 9999: a database has no year 0. */
const PERIOD = /^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])$/;
/** An opaque reference: printable, without spaces, so that no name is written into it. */
const REFERENCE = /^[\x21-\x7e]{1,100}$/;

/** A moment of a day that every month has: most are, and need no calendar. */
const INSTANT =
  /^(?!0000)\d{4}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** ISO 8601, UTC, milliseconds: the one form of a moment. */
export function isInstant(text: unknown): text is string {
  if (typeof text !== 'string') return false;
  if (INSTANT.test(text)) return true;
  if (!/^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(text)) return false;
  const time = Date.parse(text);
  return Number.isFinite(time) && new Date(time).toISOString() === text;
}

const isOneOf = (list: readonly string[], value: string) => list.includes(value);
const isSpan = (span: Span | null) =>
  span === null ||
  (Number.isInteger(span.n) && span.n > 0 && span.n <= 1000 && isOneOf(TIME_UNITS, span.unit));
const isEach = (values: readonly string[], isRight: (value: string) => boolean) =>
  values.length > 0 && new Set(values).size === values.length && values.every(isRight);
const orNull = <T>(value: T | null, isRight: (value: T) => boolean) =>
  value === null || isRight(value);

function dataProblems({ data, parties, purpose }: AuthorisationRecord): [string, boolean][] {
  return [
    ['provider_id', UUID.test(parties.provider_id)],
    ['purpose', isOneOf(PURPOSES, purpose.code)],
    [
      'recipient_class',
      PURPOSE_RECIPIENTS[purpose.code]?.includes(parties.recipient_class) === true,
    ],
    ['recipient_id', orNull(parties.recipient_id, (id) => UUID.test(id))],
    ['classes', isEach(data.classes, (name) => isOneOf(DATA_CLASSES, name))],
    ['products', isEach(data.products, (kind) => isOneOf(ACCOUNT_KINDS, kind))],
    ['accounts', data.accounts === 'ALL' || isEach(data.accounts, (id) => UUID.test(id))],
    ['range_from', orNull(data.range_from, (text) => PERIOD.test(text))],
    ['range_to', orNull(data.range_to, (text) => PERIOD.test(text))],
  ];
}

function limitProblems({ limits, withdrawal }: AuthorisationRecord): [string, boolean][] {
  return [
    ['mode', isOneOf(['STORE', 'QUERY', 'VIEW'], limits.mode)],
    ['fetch', isOneOf(['PERIODIC', 'ONETIME'], limits.fetch)],
    ['frequency', isSpan(limits.frequency)],
    ['starts_at', isInstant(limits.starts_at)],
    ['expires_at', orNull(limits.expires_at, isInstant)],
    ['data_life', isSpan(limits.data_life)],
    [
      'onward',
      limits.onward === 'NONE' || isEach(limits.onward, (name) => isOneOf(RECIPIENT_CLASSES, name)),
    ],
    ['condition', orNull(limits.condition, (name) => isOneOf(CONDITIONS, name))],
    ['withdrawal_effect', isOneOf(WITHDRAWAL_EFFECTS, withdrawal.effect)],
  ];
}

const isWitnessed = ({ evidence }: AuthorisationRecord) =>
  isOneOf(['PAPER', 'VOICE'], evidence.method);

/** Fields of a record that are not as they must be; empty when it is sound. */
export function recordProblems(record: AuthorisationRecord): string[] {
  const { notice, evidence, principal } = record;
  const checks: readonly (readonly [string, boolean])[] = [
    ['authorisation_id', UUID.test(record.authorisation_id)],
    ['arrangement_id', UUID.test(record.arrangement_id)],
    ['supersedes', orNull(record.supersedes, (id) => UUID.test(id))],
    ['legal_basis', isOneOf(LEGAL_BASES, record.legal_basis)],
    ['auth_level', /^L[1-3]$/.test(principal.auth_level)],
    ['on_behalf_of', orNull(principal.on_behalf_of, (text) => REFERENCE.test(text))],
    ['notice_id', notice.id !== ''],
    ['notice_version', Number.isInteger(notice.version) && notice.version > 0],
    ['notice_sha256', SHA256.test(notice.sha256)],
    ['shown_at', orNull(notice.shown_at, isInstant)],
    ['evidence_method', isOneOf(EVIDENCE_METHODS, evidence.method)],
    ['evidence_sha256', SHA256.test(evidence.sha256)],
    ['evidence_witness', orNull(evidence.witness, (text) => REFERENCE.test(text))],
    // What is no trace of a machine needs somebody who was there, and the time of showing.
    ['evidence_witness', !isWitnessed(record) || evidence.witness !== null],
    ['shown_at', !isWitnessed(record) || notice.shown_at !== null],
    ...dataProblems(record),
    ...limitProblems(record),
  ];
  return checks.filter(([, isRight]) => !isRight).map(([field]) => field);
}

/**
 * Events that are not as they must be, by their number. The events of one party come in the order
 * of time; two parties hear of each other's late.
 */
export function eventProblems(events: readonly AuthorisationEvent[]): number[] {
  const newest = new Map<string, AuthorisationEvent>();
  return events
    .filter((event) => {
      const before = newest.get(event.by_party);
      newest.set(event.by_party, event);
      return (
        !isInstant(event.at) ||
        !UUID.test(event.by_party) ||
        (before !== undefined && before.at > event.at)
      );
    })
    .map((event) => event.seq);
}
