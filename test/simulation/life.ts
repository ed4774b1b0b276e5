/**
 * Random lives: a person with accounts, months and approvals, and what happened to each approval.
 *
 * What must stay true: a life is made from a sound, wide approval by a few random restrictions, so
 * that each limit is often the only thing in the way (a mutant of that limit shows); every moment
 * is a whole day, so that moments meet; the same seed makes the same lives.
 */
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
  NEXT_EVENTS,
} from '../../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../../src/authorisation/sample-record.ts';
import type { Seeded } from '../../src/world/seeded.ts';
import { type Approval, monthsLater } from './oracle.ts';

export const PROVIDER = '00000000-0000-4000-8000-0000000000aa';
const OTHER_PROVIDER = '00000000-0000-4000-8000-0000000000bb';
const REGISTRY = '00000000-0000-4000-8000-0000000000ee';
const SOMEBODY = '00000000-0000-4000-8000-0000000000cc';
/** Days that a life lasts. */
export const LIFE_DAYS = 100;
/** The notice every approval showed; version 2 is the oldest that still authorises. */
export const NOTICES = { n: 2 };

export interface Month {
  readonly period: string;
  readonly revision: number;
  readonly days_past_due: number;
  readonly status: 'open' | 'closed';
}

export interface Account {
  readonly account_id: string;
  readonly kind: 'revolving_line' | 'instalment_loan';
  readonly months: readonly Month[];
}

export interface LivedApproval extends Approval {
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}

export interface Life {
  readonly subject_id: string;
  readonly adult_from: string | null;
  readonly accounts: readonly Account[];
  readonly approvals: readonly LivedApproval[];
}

/** The days of one world, counted from its origin. */
export interface Calendar {
  /** ISO instant of midnight, `n` days after the origin. */
  readonly day: (n: number) => string;
  /** Three periods: the one before the origin's, the origin's, the next. */
  readonly periods: readonly [string, string, string];
  /** Days on which this database learned of events. */
  readonly waves: readonly number[];
}

// The second has the day in it from which two of the profiles are in force.
const ORIGINS = ['2023-12-05', '2025-10-31', '2025-12-20', '2026-10-31', '2027-12-15'] as const;

export function calendarOf(random: Seeded): Calendar {
  const origin = random.pick(ORIGINS);
  const start = `${origin}T00:00:00.000Z`;
  const day = (n: number) => new Date(Date.parse(start) + n * 86_400_000).toISOString();
  const period = (months: number) => monthsLater(start, months).slice(0, 7);
  return { day, periods: [period(-1), period(0), period(1)], waves: [0, 9, 20, 33, 50, 70] };
}

export interface Draft {
  readonly random: Seeded;
  readonly calendar: Calendar;
  readonly accounts: readonly Pick<Account, 'account_id'>[];
}

/** What narrows an approval: each makes one limit of the record bite somewhere. */
const RESTRICTIONS: readonly ((draft: Draft) => RecordChanges)[] = [
  ({ random, calendar }) => ({ limits: { starts_at: calendar.day(random.between(0, LIFE_DAYS)) } }),
  ({ random, calendar }) => ({
    limits: { expires_at: calendar.day(random.between(10, LIFE_DAYS)) },
  }),
  // Twelve months old on some day of the life, for profiles that bound the validity.
  ({ random, calendar }) => ({
    limits: { starts_at: monthsLater(calendar.day(random.between(0, LIFE_DAYS)), -12) },
  }),
  ({ random }) => ({
    legal_basis: random.pick(['contract', 'legal_obligation', 'legitimate_interest'] as const),
  }),
  ({ random }) => ({
    purpose: {
      service_conditional: true,
      necessity_text: random.pick([null, '', 'needed', 'needed']),
      alternative_offered: random.pick([null, '', 'a branch']),
    },
  }),
  () => ({ notice: { version: 1 } }),
  () => ({ principal: { on_behalf_of: 'guardian-1' } }),
  ({ random, calendar }) => ({
    notice: { shown_at: calendar.day(0) },
    evidence: { method: random.pick(['VOICE', 'VOICE', 'PAPER'] as const), witness: 'witness-1' },
  }),
  ({ random }) => ({ limits: { onward: random.pick([['registry'], ['registry', 'lender']]) } }),
  () => ({ notice: { id: 'another', version: 1 } }),
  () => ({ parties: { recipient_id: SOMEBODY } }),
  () => ({ parties: { provider_id: OTHER_PROVIDER } }),
  () => ({ purpose: { code: 'F2' } }),
  ({ random }) => ({
    purpose: { code: random.pick(['Q1', 'E1'] as const) },
    parties: { recipient_class: 'lender' },
  }),
  ({ random }) => ({ limits: { mode: random.pick(['QUERY', 'VIEW'] as const) } }),
  ({ random }) => ({
    data: { products: [random.pick(['revolving_line', 'instalment_loan'] as const)] },
  }),
  ({ random, accounts }) => ({
    data: { accounts: [random.chance(0.5) ? SOMEBODY : (accounts[0]?.account_id ?? SOMEBODY)] },
  }),
  ({ random, calendar }) => ({ data: { range_from: random.pick([...calendar.periods]) } }),
  ({ random, calendar }) => ({ data: { range_to: random.pick([...calendar.periods]) } }),
  ({ random }) => ({
    data: { classes: random.chance(0.7) ? ['MONTHLY_PERFORMANCE'] : ['ACCOUNT_BASIC', 'HISTORY'] },
  }),
  ({ random }) => ({
    limits: { condition: random.pick(['LOAN_ACTIVE', 'OVERDUE_GT_1D'] as const) },
  }),
  () => ({ limits: { fetch: 'ONETIME' } }),
  ({ random }) => ({
    limits: {
      frequency: {
        n: random.between(1, 2),
        unit: random.pick(['HOUR', 'DAY', 'MONTH', 'MONTH', 'YEAR'] as const),
      },
    },
  }),
];

function merged(all: readonly RecordChanges[]): RecordChanges {
  const record: Record<string, unknown> = {};
  for (const changes of all) {
    for (const [section, change] of Object.entries(changes)) {
      const isSection = typeof change === 'object' && change !== null;
      record[section] = isSection ? { ...(record[section] as object), ...change } : change;
    }
  }
  return record as RecordChanges;
}

interface Learned {
  readonly event: AuthorisationEvent;
  readonly recorded_at: string;
}
const ENDED = ['superseded', 'expired', 'revoked_by_other', 'invalidated', 'withdrawn'];

/** The other side appends to what has ended, as it did not know; it is learned of afterwards. */
function overtake({ random, calendar }: Draft, happenings: Learned[]): void {
  const day = random.between(10, 60);
  const known = [calendar.day(day), ...happenings.flatMap((h) => [h.recorded_at, h.event.at])];
  const wave = calendar.waves.map(calendar.day).find((each) => known.every((at) => at <= each));
  if (wave === undefined) return;
  const type = random.pick(['paused', 'expired', 'superseded', 'revoked', 'withdrawn'] as const);
  const seq = happenings.length + 1;
  const event = { seq, type, at: calendar.day(day), by_party: REGISTRY, reason: null };
  happenings.push({ event, recorded_at: wave });
}

/** A walk through the life cycle; each event is learned of on the first wave after some delay. */
function happeningsOf(draft: Draft, isLimited: boolean): Learned[] {
  const { random, calendar } = draft;
  const happenings: Learned[] = [];
  // Most approvals with a limit on their uses stay in force, so that the limit is what counts.
  const isPlain = isLimited && random.chance(0.6);
  let [state, at, learned] = [isPlain ? 'requested' : '', random.between(0, 30), 0];
  for (let steps = isPlain ? 1 : random.between(1, 4); steps > 0; steps -= 1) {
    const choices: readonly EventType[] = NEXT_EVENTS[state] ?? [];
    const [first, ...others] = choices;
    if (first === undefined) break;
    // Most requests are answered with a yes, or there would be little to withdraw.
    const type: EventType =
      isPlain || (state === 'requested' && random.chance(0.6))
        ? 'given'
        : random.pick([first, ...others]);
    // Now and then an event is known before it happens, mostly a while after.
    const known = Math.max(learned, at + random.between(-5, 25));
    const wave = calendar.waves.find((each) => each >= known);
    if (wave === undefined) break;
    learned = wave;
    happenings.push({
      event: {
        seq: happenings.length + 1,
        type,
        at: calendar.day(at),
        by_party: PROVIDER,
        reason: null,
      },
      recorded_at: calendar.day(wave),
    });
    state = EVENT_STATES[type];
    at += random.between(0, 30);
  }
  if (ENDED.includes(state) && random.chance(0.3)) overtake(draft, happenings);
  return happenings;
}

function usesOf(draft: Draft, record: AuthorisationRecord): Approval['uses'] {
  const { random, calendar } = draft;
  const isLimited = record.limits.fetch === 'ONETIME' || record.limits.frequency !== null;
  const count = isLimited ? random.between(0, 3) : 0;
  return Array.from({ length: count }, (_, index) => ({
    use_id: `00000000-0000-4000-8000-0000000000${random.pick(['d', 'e'] as const)}${index}`,
    used_at: calendar.day(random.between(0, LIFE_DAYS)),
  })).filter((use, index, all) => all.findIndex((other) => other.use_id === use.use_id) === index);
}

/** A wide approval, narrowed by so many restrictions. */
export function narrowedRecord(draft: Draft, id: string, count: number): AuthorisationRecord {
  const { random, calendar } = draft;
  const restrictions = Array.from({ length: count }, () =>
    (RESTRICTIONS[random.between(0, RESTRICTIONS.length - 1)] ?? (() => ({})))(draft),
  );
  const changes = merged([
    {
      authorisation_id: id,
      arrangement_id: id,
      notice: { version: 2 },
      parties: { provider_id: PROVIDER },
      data: { products: ['revolving_line', 'instalment_loan'] },
      limits: { starts_at: calendar.day(random.between(-30, 30)) },
    },
    ...restrictions,
  ]);
  // One purpose has one class of recipient, whichever restrictions came together.
  const isFurnishing = ['F1', 'F2'].includes(changes.purpose?.code ?? 'F1');
  const recipient_class = isFurnishing ? 'registry' : 'lender';
  return sampleRecord({ ...changes, parties: { ...changes.parties, recipient_class } });
}

function approvalOf(draft: Draft, id: string): LivedApproval {
  const record = narrowedRecord(draft, id, draft.random.pick([0, 1, 1, 1, 1, 2, 2, 3]));
  const isLimited = record.limits.fetch === 'ONETIME' || record.limits.frequency !== null;
  const happenings = happeningsOf(draft, isLimited);
  return {
    record,
    terms: record,
    events: happenings.map(({ event }) => event),
    happenings: happenings.map(({ event, recorded_at }) => ({ ...event, recorded_at })),
    uses: usesOf(draft, record),
  };
}

function monthsOf({ random, calendar }: Pick<Draft, 'random' | 'calendar'>): Month[] {
  return calendar.periods.flatMap((period) => {
    if (random.chance(0.2)) return [];
    return Array.from({ length: random.pick([1, 1, 2]) }, (_, index) => ({
      period,
      revision: index + 1,
      days_past_due: random.pick([0, 0, 1, 1, 2, 40]),
      status: random.pick(['open', 'open', 'closed'] as const),
    }));
  });
}

interface Plain {
  readonly changes: RecordChanges;
  /** What happened, with its day. */
  readonly events: readonly (readonly [EventType, number])[];
  /** Days on which it was used. */
  readonly used: readonly number[];
}

/** A wide approval but for these changes, to which just this happened. */
function plainApproval({ random, calendar }: Draft, plain: Plain): LivedApproval {
  const id = random.uuid();
  const { changes } = plain;
  const record = sampleRecord({
    ...changes,
    authorisation_id: id,
    arrangement_id: id,
    notice: { version: 2 },
    parties: { provider_id: PROVIDER },
    data: { products: ['revolving_line', 'instalment_loan'] },
    limits: { starts_at: calendar.day(0), ...changes.limits },
  });
  const events = plain.events.map(([type, n], index) => ({
    seq: index + 1,
    type,
    at: calendar.day(n),
    by_party: PROVIDER,
    reason: null,
  }));
  const waveOf = (at: string) => calendar.waves.map(calendar.day).find((wave) => wave >= at);
  const happenings = events.map((event) => ({ ...event, recorded_at: waveOf(event.at) ?? '' }));
  const uses = plain.used.map((n, index) => ({
    use_id: `00000000-0000-4000-8000-0000000000${random.pick(['d', 'f'] as const)}${index}`,
    used_at: calendar.day(n),
  }));
  return { record, terms: record, events, happenings, uses };
}

/** A no to a question of consent, and the same purpose tried again on another basis. */
function circumvention(draft: Draft): LivedApproval[] {
  const { random } = draft;
  const no: Plain['events'] = random.pick([
    [
      ['requested', random.between(0, 9)],
      ['refused', random.between(10, 33)],
    ],
    [
      ['given', random.between(0, 9)],
      ['withdrawn', random.between(10, 33)],
    ],
  ] as const);
  const legal_basis = random.pick(['contract', 'legitimate_interest'] as const);
  const yes: Plain['events'] = [['given', random.between(0, 33)]];
  return [
    plainApproval(draft, { changes: { legal_basis: 'consent' }, events: no, used: [] }),
    plainApproval(draft, { changes: { legal_basis }, events: yes, used: [] }),
  ];
}

/** An approval that was used as often as it may be, for a while. */
function wornOut(draft: Draft): LivedApproval[] {
  const { random } = draft;
  const unit = random.pick(['HOUR', 'DAY', 'MONTH', 'YEAR'] as const);
  const n = random.between(1, 2);
  const first = random.between(20, 60);
  const plain: Plain = {
    changes: { limits: { frequency: { n, unit } } },
    events: [['given', 0]],
    used: n === 1 ? [first] : [first, first + random.between(0, 10)],
  };
  return [plainApproval(draft, plain)];
}

/** An approval that begins later and ends: on few days, so that many do at one moment. */
function ending(draft: Draft): LivedApproval[] {
  const { calendar, random } = draft;
  const starts_at = calendar.day(random.pick([15, 25]));
  const expires_at = calendar.day(random.pick([40, 70]));
  const plain: Plain = {
    changes: { limits: { starts_at, expires_at } },
    events: [['given', 0]],
    used: [],
  };
  return [plainApproval(draft, plain)];
}

function approvalsOf(draft: Draft): LivedApproval[] {
  const { random } = draft;
  const kind = random.unit();
  if (kind < 0.05) return circumvention(draft);
  if (kind < 0.12) return wornOut(draft);
  if (kind < 0.17) return ending(draft);
  const count = random.pick([0, 1, 1, 1, 2, 2, 3]);
  return Array.from({ length: count }, () => approvalOf(draft, random.uuid()));
}

export function lifeOf(random: Seeded, calendar: Calendar): Life {
  const accounts: Account[] = Array.from({ length: random.between(1, 2) }, () => ({
    account_id: random.uuid(),
    kind: random.pick(['revolving_line', 'instalment_loan'] as const),
    months: monthsOf({ random, calendar }),
  }));
  const draft = { random, calendar, accounts };
  const isYoung = random.chance(0.08);
  return {
    subject_id: random.uuid(),
    adult_from: isYoung ? calendar.day(random.between(0, LIFE_DAYS)).slice(0, 10) : null,
    accounts,
    approvals: approvalsOf(draft).filter((approval) => approval.events.length > 0),
  };
}
