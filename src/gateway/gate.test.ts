/**
 * The gate against an oracle: slow, obvious, from the events alone, sharing no code with the
 * checks. Random histories, random moments, one answer.
 */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { loadProfile } from '../authorisation/profile.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
  NEXT_EVENTS,
} from '../authorisation/record.ts';
import { type Entry, storeEntries } from '../authorisation/store.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { decidePeriod } from './gate.ts';
import type { Gateway } from './gateway.ts';

const PROVIDER = '00000000-0000-4000-8000-0000000000aa';
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n)).toISOString();
const idOf = (prefix: number, n: number) =>
  `00000000-0000-4000-8000-${String(prefix * 1000 + n).padStart(12, '0')}`;

interface Person {
  readonly minor: boolean;
  readonly late: boolean;
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
});
const PERSON: fc.Arbitrary<Person> = fc.record({
  minor: fc.constantFrom(false, false, false, true),
  late: fc.boolean(),
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
  return {
    schema_version: 1,
    authorisation_id: id,
    arrangement_id: id,
    supersedes: null,
    profile: 'CN',
    language: 'zh',
    principal: { auth_level: 'L1', on_behalf_of: null },
    notice: { id: 'n', version: given.notice, sha256: 'a'.repeat(64), channel: 'app' },
    legal_basis: 'consent',
    parties: { provider_id: PROVIDER, recipient_class: 'registry' },
    purpose: {
      code: given.purpose,
      service_conditional: given.conditional,
      necessity_text: given.necessity ? 'needed' : null,
      alternative_offered: null,
    },
    data: {
      classes: [],
      products: [given.loan ? 'instalment_loan' : 'revolving_line'],
      accounts: 'ALL',
      range_from: given.from,
      range_to: null,
    },
    limits: {
      mode: 'STORE',
      fetch: given.onetime ? 'ONETIME' : 'PERIODIC',
      starts_at: day(given.starts),
      expires_at: given.expires === null ? null : day(given.expires),
      data_life: null,
      onward: 'NONE',
    },
    withdrawal: { effect: 'STOP_AND_RESTRICT' },
    evidence: { method: 'click', sha256: 'b'.repeat(64) },
  };
}

/** Why one authorisation does not cover the row, and how far it got; null reason when it does. */
function judge(
  person: Person,
  given: Given,
  now: string,
): { step: number; reason: string | null } | null {
  const past = eventsOf(given).filter((event) => event.at <= now);
  const last = past.at(-1);
  if (!last) return null;
  const words: Record<string, string> = {
    requested: 'pending',
    revoked: 'revoked',
    superseded: 'invalidated',
  };
  if (last.type !== 'given' && last.type !== 'resumed')
    return { step: 0, reason: words[last.type] ?? last.type };
  if (day(given.starts) > now) return { step: 1, reason: 'pending' };
  if (given.expires !== null && day(given.expires) <= now) return { step: 2, reason: 'expired' };
  if (given.conditional && !given.necessity) return { step: 4, reason: 'condition_unlawful' };
  if (given.notice < 2) return { step: 5, reason: 'notice_outdated' };
  if (given.purpose === 'F2' && !person.late) return { step: 7, reason: 'out_of_scope' };
  if (given.loan !== person.loan) return { step: 8, reason: 'out_of_scope' };
  if (given.from !== null && given.from > '2026-01') return { step: 10, reason: 'out_of_scope' };
  return given.onetime ? { step: 11, reason: 'limit_reached' } : { step: 12, reason: null };
}

/** Every answer the oracle allows: ties between equally far authorisations are the system's choice. */
function allowed(person: Person, now: string): (string | null)[] {
  if (person.minor) return ['minor'];
  const judged = person.authorisations.flatMap((given) => judge(person, given, now) ?? []);
  if (judged.length === 0) return ['never_asked'];
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
  await db.query('truncate customer, account, account_month, authorisation, authorisation_event');
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
      `insert into account_month (account_id, period, revision, as_of, status, balance_minor, days_past_due, tape_id) values ($1, '2026-01-01', 1, '2026-01-31', 'open', 1, $2, $1)`,
      [account, person.late ? 5 : 0],
    );
    const entries: Entry[] = person.authorisations.map((given, n) => ({
      subject_id: subject,
      record: recordOf(given, idOf(3, index * 10 + n)),
      events: eventsOf(given),
    }));
    const outcome = await storeEntries(db, entries, { recorded_at: new Date(day(0)) });
    expect(outcome.altered.length + outcome.invalid.length).toBe(0);
    expect((await storeEntries(db, entries, { recorded_at: new Date(day(1)) })).stored).toEqual([]);
  }
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
      async (people, moments) => {
        await fill(people);
        const gateway: Gateway = {
          db,
          ring: { keyedHash: () => randomBytes(32) } as never,
          furnisher_id: PROVIDER,
          profile: loadProfile('CN'),
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
            expect(allowed(person, day(moment))).toContain(row.reason);
            expect(row.authorisation_id === null).toBe(row.reason !== null);
          }
          const without = await decided({ ...gateway, profile: null }, new Date(day(moment)));
          expect(new Set(without.map((row) => row.reason))).toEqual(new Set(['no_profile']));
        }
      },
    ),
    { numRuns: runs },
  );
});
