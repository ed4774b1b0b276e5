/**
 * The daily purge: random histories against an independent reckoning of the clock; never re-aged;
 * what was purged does not come back; crashes; what else has its time.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { audit } from '../src/registry/audit.ts';
import { eraseMonths } from '../src/registry/effects.ts';
import { listPurgeCertificates, purge } from '../src/registry/purge.ts';
import { quotaOf } from '../src/registry/quota.ts';
import { readFacts } from '../src/registry/report-facts.ts';
import { atEvery } from './at-every.ts';
import { furnish, heldOf } from './dispute-world.ts';
import { BACKENDS, lateMonthRow, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

interface Month {
  /** Months after 2010-01. */
  readonly at: number;
  readonly revision: number;
  readonly late: boolean;
  /** Months before `at` that the delinquency is said to have begun; null: not said. */
  readonly since: number | null;
}

const dayOf = (at: number, day = 15) =>
  new Date(Date.UTC(2010, at, day)).toISOString().slice(0, 10);
const first = (at: number) => dayOf(at, 1);

/** The days that may stay on `today`, from a definition that shares nothing with the program. */
function expectedToStay(
  months: readonly Month[],
  kept: number,
  from: 'end_of_event' | 'first_delinquency',
  today: string,
): number[] {
  const newest = new Map<number, Month>();
  for (const month of months)
    if ((newest.get(month.at)?.revision ?? 0) < month.revision) newest.set(month.at, month);
  const standing = [...newest.values()].sort((a, b) => a.at - b.at);
  const stays: number[] = [];
  for (const month of standing) {
    if (!month.late) {
      stays.push(month.at);
      continue;
    }
    const cure = standing.find((other) => other.at > month.at && !other.late);
    const relapse = standing.filter((other) => other.at < month.at && !other.late).at(-1);
    const run = standing.filter(
      (other) => other.at > (relapse?.at ?? -1e9) && other.at < (cure?.at ?? 1e9),
    );
    const said = months
      .filter((other) => run.some(({ at }) => at === other.at) && other.since !== null)
      .map((other) => dayOf(other.at - (other.since ?? 0)));
    const began = [...run.map(({ at }) => dayOf(at)), ...said].sort()[0] ?? '';
    const ended = dayOf(cure?.at ?? standing.at(-1)?.at ?? 0);
    const starts = new Date(`${from === 'end_of_event' ? ended : began}T00:00:00Z`);
    starts.setUTCMonth(starts.getUTCMonth() + kept);
    if (starts.toISOString().slice(0, 10) > today) stays.push(month.at);
  }
  return stays;
}

async function insertMonths(
  db: Database,
  subjectId: string,
  accountId: string,
  all: readonly Month[],
) {
  for (const { at, revision, late, since } of all)
    await db.query(
      `insert into account_month (subject_id, account_id, period, revision, as_of, status,
         balance_minor, days_past_due, first_delinquency_on, authorisation_id, submission_id,
         row_number) values ($1, $2, $3, $4, $5, 'open', 0, $6, $7, $1, $1, $8)`,
      [
        ...[subjectId, accountId, first(at), revision, dayOf(at), late ? 45 : 0],
        ...[late && since !== null ? dayOf(at - since) : null, at * 10 + revision],
      ],
    );
}

const history = fc
  .uniqueArray(
    fc.record({
      at: fc.integer({ min: 0, max: 60 }),
      revision: fc.integer({ min: 1, max: 3 }),
      late: fc.boolean(),
      since: fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }),
    }),
    { minLength: 1, maxLength: 14, selector: ({ at, revision }) => `${at} ${revision}` },
  )
  .map((months) => months.map((each) => (each.late ? each : { ...each, since: null })));

describe.each(BACKENDS)('the purge, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 300_000);
  let pair: Pair;

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'purge');
    await pair.registry.db.query(
      `create table account_month_long_ago partition of account_month
         for values from ('2010-01-01') to ('2016-01-01')`,
    );
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (!missing) await pair.empty();
  });

  const on = (today: string, profile: string) => ({
    ...pair.registry,
    profile: loadProfile(profile),
    now: () => new Date(`${today}T12:00:00Z`),
  });
  const addAccount = async (): Promise<[string, string]> => {
    const [subjectId, accountId] = [randomUUID(), randomUUID()];
    await pair.registry.db.query(
      `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind,
         currency, submission_id) values ($1, $2, 1, $1, $2, 'revolving_line', 'CNY', $1)`,
      [subjectId, accountId],
    );
    return [subjectId, accountId];
  };
  /** Erases what nothing keeps of the months that `insertMonths` made. */
  const erase = (registry: ReturnType<typeof on>, subjectId: string) =>
    registry.db.transaction((session) => eraseMonths(registry, session, subjectId, [subjectId]));
  const stored = async (accountId: string) => {
    const { rows } = await pair.registry.db.query<{ period: string }>(
      'select distinct period from account_month where account_id = $1 order by period',
      [accountId],
    );
    return rows.map((row) => row.period);
  };

  test('deletes what its clock has run out for, and nothing that should stay', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(history, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('CN', 'US', 'EU', 'UK'),
        fc.integer({ min: 40, max: 160 }),
        async (histories, profile, at) => {
          const today = dayOf(at);
          const registry = on(today, profile);
          const { months, from } = registry.profile.adverse_retention;
          const accounts = [];
          for (const all of histories) {
            const [subjectId, accountId] = await addAccount();
            await insertMonths(registry.db, subjectId, accountId, all);
            accounts.push({ accountId, all });
          }
          await purge(registry);
          for (const { accountId, all } of accounts)
            expect(await stored(accountId)).toEqual(
              expectedToStay(all, months, from, today).map(first),
            );
          expect(await purge(registry)).toMatchObject({ adverse_months: 0 });
        },
      ),
      { numRuns: backend === 'pglite' ? 40 : 15 },
    );
  });

  test('is never re-aged: neither by a later date, nor by what was purged before', async () => {
    const [subjectId, accountId] = await addAccount();
    const late = (at: number, since: number | null, revision = 1): Month => ({
      ...{ at, revision, late: true, since },
    });
    await insertMonths(pair.registry.db, subjectId, accountId, [late(0, null), late(1, 0, 1)]);
    const us = on(dayOf(84), 'US');
    expect(await purge(on(dayOf(84, 14), 'US'))).toMatchObject({ adverse_months: 0 });
    expect(await purge(us)).toMatchObject({ adverse_months: 2 });
    // The same delinquency goes on, with another date or none: its clock ran out long ago.
    await insertMonths(pair.registry.db, subjectId, accountId, [late(2, 0), late(3, null)]);
    expect(await purge(us)).toMatchObject({ adverse_months: 2 });
    // After a cure it is another one.
    const cure = { at: 4, revision: 1, late: false, since: null };
    await insertMonths(pair.registry.db, subjectId, accountId, [cure, late(5, 0)]);
    expect(await purge(us)).toMatchObject({ adverse_months: 0 });
    expect(await stored(accountId)).toEqual([first(4), first(5)]);
  });

  test('leaves nothing to be shown as if it were younger, until it is purged too', async () => {
    await furnish(pair);
    const { subject_id, account_id } = await heldOf(pair, 1);
    const late = (at: number): Month => ({ at, revision: 1, late: true, since: null });
    await insertMonths(pair.registry.db, subject_id, account_id, [late(0), late(30)]);
    const us = on(dayOf(84), 'US');
    const shown = async () => {
      const facts = await readFacts(us, us.db, subject_id);
      return facts?.accounts.flatMap(({ months }) => months.map(({ period }) => period));
    };
    expect(await purge(us)).toMatchObject({ adverse_months: 2 });
    await insertMonths(pair.registry.db, subject_id, account_id, [late(60)]);
    expect(await shown()).toEqual(['2026-01']);
    // After a cure it is another event.
    const cure = { at: 61, revision: 1, late: false, since: null };
    await insertMonths(pair.registry.db, subject_id, account_id, [cure, late(62)]);
    expect(await shown()).toEqual(['2015-02', '2015-03', '2026-01']);
  });

  test('heeds the clock that late months had when others of the account were erased', async () => {
    await fc.assert(
      fc.asyncProperty(
        history.map((all) =>
          all.map(({ at, late }): Month => ({ at, late, revision: 1, since: null })),
        ),
        fc.constantFrom('CN', 'US', 'UK'),
        fc.array(fc.integer({ min: 62, max: 160 }), { minLength: 2, maxLength: 4 }),
        async (months, profile, moments) => {
          const all = [...new Map(months.map((month) => [month.at, month])).values()];
          const [subjectId, accountId] = await addAccount();
          const late = new Set(all.flatMap((month) => (month.late ? [month.at] : [])));
          await insertMonths(pair.registry.db, subjectId, accountId, all);
          for (const [n, at] of moments.sort((a, b) => a - b).entries()) {
            const registry = on(dayOf(at), profile);
            const { months: kept, from } = registry.profile.adverse_retention;
            if (n % 2 === 0) await erase(registry, subjectId);
            await purge(registry);
            const stays = expectedToStay(all, kept, from, dayOf(at)).filter((each) =>
              late.has(each),
            );
            expect(await stored(accountId)).toEqual(stays.map(first));
          }
        },
      ),
      { numRuns: backend === 'pglite' ? 40 : 25 },
    );
  });

  test('keeps a late month apart from one that was purged, though what divided them is erased', async () => {
    const [subjectId, accountId] = await addAccount();
    const month = (at: number, late: boolean): Month => ({ at, late, revision: 1, since: null });
    await insertMonths(pair.registry.db, subjectId, accountId, [
      ...[month(0, true), month(1, false), month(60, true)],
    ]);
    const us = on(dayOf(86), 'US');
    expect(await purge(us)).toMatchObject({ adverse_months: 1 });
    await erase(us, subjectId);
    expect(await stored(accountId)).toEqual([first(60)]);
    // Looked at again, when something else of the person ends.
    await erase(us, subjectId);
    expect(await purge(us)).toMatchObject({ adverse_months: 0 });
    expect(await stored(accountId)).toEqual([first(60)]);
    // What follows it is of the same event.
    await insertMonths(us.db, subjectId, accountId, [month(61, true)]);
    expect(await purge(on(dayOf(144, 14), 'US'))).toMatchObject({ adverse_months: 0 });
    expect(await purge(on(dayOf(144), 'US'))).toMatchObject({ adverse_months: 2 });
    const { rows } = await us.db.query('select 1 from kept_clock');
    expect(rows).toEqual([]);
  });

  test('certifies what it deleted, and intake takes none of it again', async () => {
    const old = { opened_on: '2015-01-01' };
    const late = { ...lateMonthRow(1, '2016-01'), ...old, first_delinquency_on: '2015-12-01' };
    await furnish(pair, [
      late,
      { ...monthRow(1, '2016-02'), ...old },
      { ...monthRow(2, '2016-01'), ...old },
    ]);
    const { account_id } = await heldOf(pair, 1);
    expect(await stored(account_id)).toEqual(['2016-01-01', '2016-02-01']);
    expect(await purge(on('2026-11-26', 'EU'))).toMatchObject({ adverse_months: 1 });
    expect(await stored(account_id)).toEqual(['2016-02-01']);
    expect(await listPurgeCertificates(pair.registry)).toMatchObject([
      { kind: 'adverse_months', kept_months: 60, purged_rows: 1 },
    ]);
    for (const line of await audit(pair.registry)) expect(line.violations, line.check).toBe(0);
    const again = async (row: Record<string, string>) => {
      await load(pair.gateway, tapeText([{ ...row, ...old }]));
      const { receipt } = await handOver(pair.gateway, pair.link(), row['period'] ?? '');
      return { ...receipt?.outcomes.month, rules: receipt?.faults_by_rule };
    };
    expect(await again({ ...late, past_due_minor: '501' })).toMatchObject({
      rejected: 1,
      rules: { V16_PURGED: 1 },
    });
    // Nor as a month that is not late.
    expect(await again({ ...monthRow(1, '2016-01'), balance_minor: '8' })).toMatchObject({
      rules: { V16_PURGED: 1 },
    });
    // The month after it is corrected as ever: what was purged is no gap.
    expect(await again({ ...monthRow(1, '2016-02'), balance_minor: '9' })).toMatchObject({
      accepted: 1,
    });
  });

  test('goes on where it was cut off, each row in one certificate', async () => {
    const work = async () => void (await purge(on(dayOf(90), 'US')));
    const died = await atEvery(pair, 'registryStore', {
      prepare: async () => {
        const [subjectId, accountId] = await addAccount();
        const late = { at: 0, revision: 1, late: true, since: null };
        const later = { at: 71, revision: 1, late: false, since: null };
        await insertMonths(pair.registry.db, subjectId, accountId, [late, later]);
        await pair.registry.db.query(
          `insert into message (subject_id, message_id, kind, facts, at)
           values ($1, $1, 'x', '{}', '2010-01-01')`,
          [subjectId],
        );
      },
      work,
      resume: work,
      check: async (where) => {
        const { rows } = await pair.registry.db.query<{ kind: string; n: number }>(
          'select kind, sum(purged_rows)::int as n from purge_certificate group by 1 order by 1',
        );
        expect(rows, where).toEqual([
          { kind: 'adverse_months', n: 1 },
          { kind: 'message', n: 1 },
        ]);
        const { rows: left } = await pair.registry.db.query(
          'select days_past_due from account_month',
        );
        expect(left, where).toEqual([{ days_past_due: 0 }]);
        const { rows: guards } = await pair.registry.db.query('select 1 from reinsertion_guard');
        expect(guards, where).toHaveLength(1);
      },
    });
    expect(died).toBeGreaterThan(8);
  });

  test('lets traces and messages go after their time, where they have one', async () => {
    const { db } = pair.registry;
    const id = randomUUID();
    const trace = (at: string) =>
      db.query(
        `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
         values ($1, $2, $1, 'Q1', 'permitted', $3)`,
        [id, randomUUID(), at],
      );
    await trace('2024-11-25T00:00:00Z');
    await trace('2024-11-27T00:00:00Z');
    expect(await purge(on('2026-11-26', 'IN'))).toMatchObject({ access: 0 });
    expect(await purge(on('2026-11-26', 'CN'))).toMatchObject({ access: 1 });
    expect((await db.query('select 1 from access')).rows).toHaveLength(1);
  });
});

describe('free reports', () => {
  const extras = [{ from: '2026-01-01', to: '2026-06-30', reports: 2 }];
  it('are as many as the law says, and two more in a half-year of 2026', () => {
    expect(quotaOf('2026-03-01', [], 2, extras)).toEqual({ allowed: true, left: 4, used: 0 });
    const spring = ['2026-02-01', '2026-02-02', '2026-02-03'];
    expect(quotaOf('2026-03-01', spring, 2, extras).left).toBe(1);
    // The extra ones are those that were used first.
    expect(quotaOf('2026-07-01', spring, 2, extras).left).toBe(1);
    expect(quotaOf('2026-07-01', [], 2, extras).left).toBe(2);
    expect(quotaOf('2026-07-01', [...spring, '2026-07-01'], 2, extras).allowed).toBe(false);
    expect(quotaOf('2027-01-01', [], 2, extras).left).toBe(2);
    expect(quotaOf('2026-07-01', spring, null, []).allowed).toBe(true);
  });
});
