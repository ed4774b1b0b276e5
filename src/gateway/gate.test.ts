/**
 * The gate against an oracle: slow, obvious, from the events alone, sharing no code with the
 * checks. Random histories, random moments, one answer.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AuthorisationFacts } from '../authorisation/check.ts';
import { decideOne } from '../authorisation/decide.ts';
import { loadProfile } from '../authorisation/profile.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
  fold,
  NEXT_EVENTS,
} from '../authorisation/record.ts';
import { sampleRecord } from '../authorisation/sample-record.ts';
import { type Entry, prepare, storeEntries } from '../authorisation/store.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { decidePeriod, furnishing } from './gate.ts';
import type { Gateway } from './gateway.ts';

const PROVIDER = '00000000-0000-4000-8000-0000000000aa';
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();
const idOf = (prefix: number, n: number) =>
  `00000000-0000-4000-8000-${String(prefix * 1000 + n).padStart(12, '0')}`;

interface Person {
  readonly minor: boolean;
  readonly late: boolean;
  readonly closed: boolean;
  readonly loan: boolean;
  readonly authorisations: readonly Given[];
}
interface Given {
  readonly steps: readonly { readonly pick: number; readonly gap: number }[];
  readonly purpose: 'F1' | 'F2';
  readonly loan: boolean;
  readonly starts: number;
  readonly expires: number | null;
  readonly from: string | null;
  readonly conditional: boolean;
  readonly necessity: boolean;
  readonly onetime: boolean;
  readonly notice: number;
  readonly frequency: number | null;
  readonly uses: readonly number[];
  readonly condition: 'LOAN_ACTIVE' | 'OVERDUE_GT_1D' | null;
  readonly view: boolean;
  readonly history: boolean;
  readonly other: boolean;
  readonly legitimate: boolean;
  readonly guardian: boolean;
  readonly voice: boolean;
  readonly onward: 'NONE' | 'registry' | 'lender';
}
/** What the law of the place says: the flags of the profile. */
interface Law {
  readonly guardian_may_answer: boolean;
  readonly written_consent: boolean;
  readonly separate_per_recipient: boolean;
}

const GIVEN: fc.Arbitrary<Given> = fc.record({
  steps: fc.array(fc.record({ pick: fc.nat(9), gap: fc.nat(20) }), { minLength: 1, maxLength: 4 }),
  purpose: fc.constantFrom('F1', 'F1', 'F2'),
  loan: fc.boolean(),
  starts: fc.nat(30),
  expires: fc.option(fc.integer({ min: 20, max: 90 })),
  from: fc.constantFrom(null, null, '2025-12', '2026-02'),
  conditional: fc.boolean(),
  necessity: fc.boolean(),
  onetime: fc.boolean(),
  notice: fc.constantFrom(1, 2, 2, 2),
  frequency: fc.constantFrom(null, null, 1, 2),
  uses: fc.array(fc.nat(100), { maxLength: 3 }),
  condition: fc.constantFrom(null, null, 'LOAN_ACTIVE', 'OVERDUE_GT_1D'),
  view: fc.constantFrom(false, false, false, true),
  history: fc.constantFrom(true, true, false),
  other: fc.constantFrom(false, false, false, true),
  legitimate: fc.constantFrom(false, false, false, false, true),
  guardian: fc.constantFrom(false, false, true),
  voice: fc.constantFrom(false, false, false, true),
  onward: fc.constantFrom('NONE', 'NONE', 'registry', 'lender'),
});
const LAW: fc.Arbitrary<Law> = fc.record({
  guardian_may_answer: fc.boolean(),
  written_consent: fc.boolean(),
  separate_per_recipient: fc.boolean(),
});
const PERSON: fc.Arbitrary<Person> = fc.record({
  minor: fc.constantFrom(false, false, false, true),
  late: fc.boolean(),
  closed: fc.constantFrom(false, false, true),
  loan: fc.boolean(),
  authorisations: fc.array(GIVEN, { maxLength: 3 }),
});

/** A legal walk through the life cycle, steered by the random picks. */
function eventsOf(given: Given): AuthorisationEvent[] {
  const events: AuthorisationEvent[] = [];
  let [state, at] = ['', 0];
  for (const { pick, gap } of given.steps) {
    const choices: readonly EventType[] = NEXT_EVENTS[state] ?? [];
    const type = choices[pick % Math.max(1, choices.length)];
    if (type === undefined) break;
    at += gap;
    events.push({ seq: events.length + 1, type, at: day(at), by_party: PROVIDER, reason: null });
    state = EVENT_STATES[type];
  }
  return events;
}

function recordOf(given: Given, id: string): AuthorisationRecord {
  return sampleRecord({
    authorisation_id: id,
    arrangement_id: id,
    principal: { on_behalf_of: given.guardian ? 'g-1' : null },
    notice: { version: given.notice, shown_at: day(0) },
    evidence: given.voice ? { method: 'VOICE', witness: 'w-1' } : { method: 'CLICK' },
    legal_basis: given.legitimate ? 'legitimate_interest' : 'consent',
    parties: { provider_id: PROVIDER, recipient_id: given.other ? idOf(9, 9) : null },
    purpose: {
      code: given.purpose,
      service_conditional: given.conditional,
      necessity_text: given.necessity ? 'needed' : null,
    },
    data: {
      classes: given.history ? ['MONTHLY_PERFORMANCE', 'HISTORY'] : ['MONTHLY_PERFORMANCE'],
      products: [given.loan ? 'instalment_loan' : 'revolving_line'],
      range_from: given.from,
    },
    limits: {
      mode: given.view ? 'VIEW' : 'STORE',
      fetch: given.onetime ? 'ONETIME' : 'PERIODIC',
      frequency: given.frequency === null ? null : { n: given.frequency, unit: 'MONTH' },
      starts_at: day(given.starts),
      expires_at: given.expires === null ? null : day(given.expires),
      condition: given.condition,
      onward: given.onward === 'NONE' ? 'NONE' : [given.onward],
    },
  });
}

/** The same day of the month before (the tests stay clear of the 29th to 31st's shortening). */
function monthBefore(text: string): string {
  const moment = new Date(text);
  const last = new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), 0)).getUTCDate();
  return new Date(
    Date.UTC(
      moment.getUTCFullYear(),
      moment.getUTCMonth() - 1,
      Math.min(moment.getUTCDate(), last),
    ),
  ).toISOString();
}

interface Judged {
  readonly step: number;
  /** Null when it covers the row. */
  readonly reason: string | null;
}

/** Why one authorisation does not cover the row, and how far it got; null when it is not there. */
function judge(person: Person, given: Given, now: string, law: Law): Judged | null {
  const past = eventsOf(given).filter((event) => event.at <= now);
  const last = past.at(-1);
  if (!last) return null;
  const words: Record<string, string> = {
    requested: 'pending',
    revoked: 'revoked',
    superseded: 'invalidated',
  };
  if (person.minor && !(given.guardian && law.guardian_may_answer))
    return { step: 0, reason: 'minor' };
  if (given.guardian && !law.guardian_may_answer) return { step: 1, reason: 'out_of_scope' };
  if (last.type !== 'given' && last.type !== 'resumed')
    return { step: 2, reason: words[last.type] ?? last.type };
  if (day(given.starts) > now) return { step: 3, reason: 'pending' };
  if (given.expires !== null && day(given.expires) <= now) return { step: 4, reason: 'expired' };
  if (given.legitimate) return { step: 6, reason: 'condition_unlawful' };
  if (given.conditional && !given.necessity) return { step: 8, reason: 'condition_unlawful' };
  if (given.voice && law.written_consent) return { step: 9, reason: 'condition_unlawful' };
  if (given.notice < 2) return { step: 10, reason: 'notice_outdated' };
  if (given.other) return { step: 11, reason: 'out_of_scope' };
  if (given.onward === 'lender' && law.separate_per_recipient)
    return { step: 12, reason: 'out_of_scope' };
  return judgeScope(person, given, now);
}

/** The same of what is asked for and how often. */
function judgeScope(person: Person, given: Given, now: string): Judged {
  if (given.purpose === 'F2' && !person.late) return { step: 13, reason: 'out_of_scope' };
  if (given.view) return { step: 14, reason: 'out_of_scope' };
  if (given.loan !== person.loan) return { step: 15, reason: 'out_of_scope' };
  if (given.from !== null && given.from > '2026-01') return { step: 17, reason: 'out_of_scope' };
  if (!given.history && day(given.starts) > '2026-02') return { step: 18, reason: 'out_of_scope' };
  if (given.condition === 'LOAN_ACTIVE' && person.closed)
    return { step: 19, reason: 'out_of_scope' };
  if (given.condition === 'OVERDUE_GT_1D' && !person.late)
    return { step: 19, reason: 'out_of_scope' };
  const used = [...new Set(given.uses)].map(day).filter((at) => at <= now);
  if (given.onetime && used.length > 0) return { step: 20, reason: 'limit_reached' };
  const lately = used.filter((at) => at > monthBefore(now)).length;
  if (given.frequency !== null && lately >= given.frequency)
    return { step: 21, reason: 'limit_reached' };
  return { step: 22, reason: null };
}

/** Every answer the oracle allows: ties between equally far authorisations are the system's choice. */
function allowed(person: Person, now: string, law: Law): (string | null)[] {
  const judged = person.authorisations.flatMap((given) => judge(person, given, now, law) ?? []);
  if (judged.length === 0) return [person.minor ? 'minor' : 'never_asked'];
  const furthest = Math.max(...judged.map((each) => each.step));
  return judged.filter((each) => each.step === furthest).map((each) => each.reason);
}

let db: Database;
beforeAll(async () => {
  db = await openPglite();
  await migrate(db, 'gateway', () => new Date(day(0)));
});
afterAll(() => db.close());

async function fill(people: readonly Person[]): Promise<void> {
  await db.query(
    'truncate customer, account, account_month, authorisation, authorisation_record, authorisation_event, authorisation_use',
  );
  for (const [index, person] of people.entries()) {
    const [subject, account] = [idOf(1, index), idOf(2, index)];
    await db.query(
      `insert into customer values ($1, $2, 'passport', '\\x00', 1, '\\x00', '\\x00', $3, $1)`,
      [subject, `s${index}`, person.minor ? '2030-01-01' : null],
    );
    await db.query(
      `insert into account (account_id, account_ref, subject_id, revision, kind, currency, tape_id) values ($1, $2, $3, 1, $4, 'CNY', $1)`,
      [account, `a${index}`, subject, person.loan ? 'instalment_loan' : 'revolving_line'],
    );
    await db.query(
      `insert into account_month (account_id, period, revision, as_of, status, balance_minor, days_past_due, tape_id) values ($1, '2026-01-01', 1, '2026-01-31', $3, 1, $2, $1)`,
      [account, person.late ? 5 : 0, person.closed ? 'closed' : 'open'],
    );
    const entries: Entry[] = person.authorisations.map((given, n) => ({
      subject_id: subject,
      subject_ref: subject,
      record: recordOf(given, idOf(3, index * 10 + n)),
      events: eventsOf(given),
    }));
    const store = async (at: number) => {
      const outcome = await storeEntries(db, entries.map(prepare), {
        recorded_at: new Date(day(at)),
        by_party: PROVIDER,
        newId: randomUUID,
        batch_id: idOf(5, index),
        leafIndex: (position) => position,
      });
      return new Set(outcome.results.map(({ result }) => result));
    };
    if (entries.length > 0) {
      expect(await store(0)).toEqual(new Set(['stored']));
      expect(await store(1)).toEqual(new Set(['unchanged']));
    }
    for (const [n, given] of person.authorisations.entries()) {
      for (const at of new Set(given.uses))
        await db.query('insert into authorisation_use values ($1, $2, $3, $4)', [
          subject,
          idOf(3, index * 10 + n),
          idOf(4, at),
          new Date(day(at)),
        ]);
    }
  }
}

/** The facts of the one-row form, from the random person and not from the database. */
function factsOf(person: Person, index: number, now: Date): AuthorisationFacts[] {
  return person.authorisations.flatMap((given, n) => {
    const past = eventsOf(given).filter((event) => new Date(event.at) <= now);
    const folded = fold(past);
    if (!folded.ok) return [];
    const record = recordOf(given, idOf(3, index * 10 + n));
    const uses = [...new Set(given.uses)].map((at) => ({
      use_id: idOf(4, at),
      used_at: new Date(day(at)),
    }));
    return [{ record, subject_id: idOf(1, index), state: folded.state, uses }];
  });
}

interface Decided {
  readonly account_id: string;
  readonly authorisation_id: string | null;
  readonly reason: string | null;
}

function decided(gateway: Gateway, moment: Date): Promise<Decided[]> {
  return db.transaction(async (session) => {
    await decidePeriod(session, gateway, '2026-01', moment);
    const { rows } = await session.query<Decided>(
      'select account_id, authorisation_id, reason from decided',
    );
    return rows;
  });
}

it('agrees with the oracle on random histories at random moments', async () => {
  const runs = Number(process.env['GATE_HISTORIES'] ?? 60);
  await fc.assert(
    fc.asyncProperty(
      fc.array(PERSON, { minLength: 1, maxLength: 8 }),
      fc.array(fc.nat(100), { minLength: 2, maxLength: 4 }),
      LAW,
      async (people, moments, law) => {
        await fill(people);
        const gateway: Gateway = {
          db,
          ring: { keyedHash: () => randomBytes(32) } as never,
          furnisher_id: PROVIDER,
          profile: { ...loadProfile('CN'), ...law },
          notices: { n: 2 },
          now: () => new Date(),
          newId: () => '',
        };
        for (const moment of moments) {
          const rows = await decided(gateway, new Date(day(moment)));
          expect(rows).toHaveLength(people.length);
          for (const row of rows) {
            const person = people[Number(row.account_id.slice(-12)) - 2000];
            if (!person) throw new Error('a row of nobody');
            expect(allowed(person, day(moment), law)).toContain(row.reason);
            expect(row.authorisation_id === null).toBe(row.reason !== null);
            const index = Number(row.account_id.slice(-12)) - 2000;
            const act = await furnishing(db, gateway, new Date(day(moment)), idOf(5, 5));
            const one = decideOne(
              {
                subject_id: idOf(1, index),
                account_ref: row.account_id,
                kind: person.loan ? 'instalment_loan' : 'revolving_line',
                period: '2026-01',
                days_past_due: person.late ? 5 : 0,
                active: !person.closed,
                adult_from: person.minor ? '2030-01-01' : null,
              },
              factsOf(person, index, act.moment),
              act,
            );
            expect(one).toEqual({ authorisation_id: row.authorisation_id, reason: row.reason });
          }
          const later = { ...loadProfile('CN'), effective_from: '2026-12-31' };
          for (const profile of [null, later]) {
            const without = await decided({ ...gateway, profile }, new Date(day(moment)));
            expect(new Set(without.map((row) => row.reason))).toEqual(new Set(['no_profile']));
          }
        }
      },
    ),
    { numRuns: runs },
  );
});
