/**
 * The explanation always gives the gate's decision: random people, histories, moments of
 * happening and of learning, and uses, explained row by row and decided as a set.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AUTHORISATION_CHECKS, ROW_CHECKS } from '../authorisation/check.ts';
import { loadProfile } from '../authorisation/profile.ts';
import {
  type AuthorisationEvent,
  EVENT_STATES,
  type EventType,
  NEXT_EVENTS,
} from '../authorisation/record.ts';
import { sampleRecord } from '../authorisation/sample-record.ts';
import { prepare, storeEntries } from '../authorisation/store.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import type { AssentError } from '../model/error.ts';
import { explainAccount, explainSubject } from './explain.ts';
import { decidePeriod } from './gate.ts';
import type { Gateway } from './gateway.ts';

const PROVIDER = '00000000-0000-4000-8000-0000000000aa';
const day = (n: number) => new Date(Date.UTC(2026, 0, 1 + n));
const idOf = (kind: number, n: number) =>
  `00000000-0000-4000-8000-${String(kind * 1000 + n).padStart(12, '0')}`;

const GIVEN = fc.record({
  picks: fc.array(fc.nat(9), { minLength: 1, maxLength: 4 }),
  gap: fc.nat(15),
  /** How late the gateway learned of the events. */
  learned: fc.nat(20),
  adverse: fc.boolean(),
  loan: fc.constantFrom(false, false, true),
  expires: fc.option(fc.integer({ min: 10, max: 80 })),
  onetime: fc.boolean(),
  frequency: fc.constantFrom(null, 1, 2),
  uses: fc.uniqueArray(fc.nat(80), { maxLength: 3 }),
  other: fc.constantFrom(false, false, true),
  lender: fc.constantFrom(false, false, false, true),
  basis: fc.constantFrom('consent', 'consent', 'consent', 'legitimate_interest'),
});
const PERSON = fc.record({
  late: fc.boolean(),
  minor: fc.constantFrom(false, false, true),
  given: fc.array(GIVEN, { maxLength: 4 }),
});
type Given = typeof GIVEN extends fc.Arbitrary<infer T> ? T : never;
type Person = typeof PERSON extends fc.Arbitrary<infer T> ? T : never;

function eventsOf({ picks, gap }: Given): AuthorisationEvent[] {
  const events: AuthorisationEvent[] = [];
  let state = '';
  for (const pick of picks) {
    const choices: readonly EventType[] = NEXT_EVENTS[state] ?? [];
    const type = choices[pick % Math.max(1, choices.length)];
    if (type === undefined) break;
    const at = day(events.length * gap).toISOString();
    events.push({ seq: events.length + 1, type, at, by_party: PROVIDER, reason: null });
    state = EVENT_STATES[type];
  }
  return events;
}

const recordOf = (given: Given, id: string) =>
  sampleRecord({
    authorisation_id: id,
    arrangement_id: id,
    legal_basis: given.basis as 'consent',
    parties: {
      provider_id: given.other ? idOf(9, 9) : PROVIDER,
      recipient_class: given.lender ? 'lender' : 'registry',
    },
    purpose: { code: given.lender ? 'Q1' : given.adverse ? 'F2' : 'F1' },
    data: { products: [given.loan ? 'instalment_loan' : 'revolving_line'] },
    limits: {
      fetch: given.onetime ? 'ONETIME' : 'PERIODIC',
      frequency: given.frequency === null ? null : { n: given.frequency, unit: 'MONTH' },
      expires_at: given.expires === null ? null : day(given.expires).toISOString(),
    },
  });

let db: Database;
let gateway: Gateway;
beforeAll(async () => {
  db = await openPglite();
  await migrate(db, 'gateway', () => day(0));
  const base = { db, ring: {} as never, furnisher_id: PROVIDER, profile: loadProfile('CN') };
  gateway = { ...base, notices: {}, now: () => day(40), newId: () => '' };
});
afterAll(() => db.close());

async function fill(people: readonly Person[]): Promise<void> {
  await db.query(
    'truncate customer, account, account_month, authorisation, authorisation_record, authorisation_event, authorisation_use',
  );
  for (const [n, person] of people.entries()) {
    const [subject, account] = [idOf(1, n), idOf(2, n)];
    await db.query(
      `insert into customer values ($1, $2, 'passport', '\\x00', 1, '\\x00', '\\x00', $3, $1)`,
      [subject, `c${n}`, person.minor ? '2026-02-01' : null],
    );
    await db.query(
      `insert into account (account_id, account_ref, subject_id, revision, kind, currency, tape_id)
       values ($1, $2, $3, 1, 'revolving_line', 'CNY', $1)`,
      [account, `a${n}`, subject],
    );
    for (const [period, revision, days] of [
      ['2026-01', 1, 0],
      ['2026-01', 2, person.late ? 5 : 0],
      ['2026-02', 1, 0],
    ] as const)
      await db.query(
        `insert into account_month (account_id, period, revision, as_of, status, balance_minor,
           days_past_due, tape_id) values ($1, $2, $3, $2, 'open', 1, $4, $1)`,
        [account, `${period}-01`, revision, days],
      );
    for (const [k, given] of person.given.entries()) {
      const id = idOf(3, n * 10 + k);
      const record = recordOf(given, id);
      // One by one, as they came: what was not yet known did not yet count.
      for (let known = 1; known <= eventsOf(given).length; known++) {
        const events = eventsOf(given).slice(0, known);
        const recorded_at = day((known - 1) * given.gap + given.learned);
        const entry = { subject_id: subject, subject_ref: subject, record, events };
        await storeEntries(db, [prepare(entry)], {
          recorded_at,
          by_party: PROVIDER,
          newId: randomUUID,
          batch_id: idOf(5, n * 10 + k),
          leafIndex: () => known,
        });
      }
      for (const at of given.uses)
        await db.query('insert into authorisation_use values ($1, $2, $3, $4)', [
          ...[subject, id, idOf(4, at)],
          day(at),
        ]);
    }
  }
}

async function decided(period: string, moment: Date) {
  return db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    const { rows } = await session.query<{
      account_ref: string;
      authorisation_id: string | null;
      reason: string | null;
    }>(
      `select k.account_ref, d.authorisation_id, d.reason from decided d
       join account k on k.account_id = d.account_id`,
    );
    return rows;
  });
}

const CHECKS = [...ROW_CHECKS, ...AUTHORISATION_CHECKS].map(({ name }) => name);

it('agrees with the set-based gate on random histories, and says which check failed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(PERSON, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(90), { minLength: 1, maxLength: 3 }),
      async (people, moments) => {
        await fill(people);
        for (const moment of moments.map(day))
          for (const period of ['2026-01', '2026-02'])
            for (const { account_ref, ...decision } of await decided(period, moment)) {
              const one = await explainAccount(gateway, account_ref, period, moment);
              const [row] = one.rows;
              expect(row).toMatchObject({ account_ref, period, ...decision });
              const isBarred = (row?.barred_by ?? null) !== null;
              const reasons = row?.candidates.map(({ reason }) => reason) ?? [];
              if (!isBarred && reasons.length > 0) expect(reasons).toContain(decision.reason);
              for (const { check, reason } of row?.candidates ?? []) {
                expect(check === null).toBe(reason === null);
                expect(check === null || CHECKS.includes(check)).toBe(true);
              }
              const whole = await explainSubject(gateway, account_ref.replace('a', 'c'), moment);
              expect(whole.rows.find((each) => each.period === period)).toEqual(row);
              expect(whole.authorisations).toEqual(one.authorisations);
            }
      },
    ),
    { numRuns: Number(process.env['EXPLAIN_HISTORIES'] ?? 25) },
  );
});

it('shows the events that were known, with their hashes, and speaks both languages', async () => {
  const given: Given = {
    ...{ picks: [1, 1], gap: 10, learned: 5, adverse: false, loan: false, expires: null },
    ...{ onetime: false, frequency: null, uses: [], other: false, lender: false },
    basis: 'consent',
  };
  await fill([{ late: false, minor: false, given: [given] }]);
  const at = (n: number) => explainAccount(gateway, 'a0', '2026-01', day(n));
  expect((await at(4)).rows[0]).toMatchObject({ reason: 'never_asked', candidates: [] });
  const [authorisation] = (await at(5)).authorisations;
  expect(authorisation?.events).toMatchObject([
    {
      seq: 1,
      type: 'given',
      recorded_at: day(5).toISOString(),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ]);
  const withdrawn = (await at(15)).rows[0];
  expect(withdrawn).toMatchObject({ reason: 'withdrawn', words: { zh: '本人已撤回授权。' } });
  expect(withdrawn?.candidates).toMatchObject([{ check: 'given', reason: 'withdrawn' }]);
  const none = { ...gateway, profile: null };
  const barred = await explainAccount(none, 'a0', '2026-01', day(5));
  expect(barred.rows[0]).toMatchObject({ reason: 'no_profile', barred_by: ROW_CHECKS[0]?.name });
});

it('refuses what the book does not have', async () => {
  const codes = await Promise.all(
    [
      explainAccount(gateway, 'nobody', '2026-01', day(5)),
      explainAccount(gateway, 'a0', '2031-01', day(5)),
      explainAccount(gateway, 'a0', 'soon', day(5)),
      explainSubject(gateway, 'nobody', day(5)),
    ].map((run) => run.catch((error: AssentError) => error.code)),
  );
  expect(codes).toEqual(['not_found', 'not_found', 'argument_invalid', 'subject_unknown']);
});
