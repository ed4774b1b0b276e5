/**
 * Characteristics against a slow, obvious re-computation from the rows; and what they must not
 * read: months that may not be shown, and whatever is later than the day.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { CHARACTERISTICS } from '../src/evaluation/catalogue.ts';
import { addMonths, firstDay } from '../src/model/period.ts';
import { EVERYBODY, readCharacteristics } from '../src/registry/characteristics.ts';
import type { Registry } from '../src/registry/registry.ts';
import { BACKENDS, openStore, SERVER_URL } from './pair.ts';

const DAY = '2026-06-30';
const THIS_MONTH = '2026-06';
const LENDERS = [randomUUID(), randomUUID(), randomUUID()];

const money = fc.integer({ min: 0, max: 1_000_000 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const month = fc.record({
  status: fc.constantFrom('open', 'open', 'open', 'closed', 'written_off'),
  limit_minor: orNull(money),
  balance_minor: money,
  due_minor: orNull(money),
  paid_minor: orNull(fc.oneof(fc.constant(0), money)),
  days_past_due: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 0, max: 400 })),
  past_due_minor: orNull(money),
});
type Month = typeof month extends fc.Arbitrary<infer T> ? T : never;
const account = fc.record({
  kind: fc.constantFrom('revolving_line', 'instalment_loan'),
  lender: fc.constantFrom(...LENDERS),
  opened_age: orNull(fc.integer({ min: 0, max: 80 })),
  original_amount_minor: orNull(fc.integer({ min: 0, max: 1_000_000 })),
  // Months by their age; some are missing, a negative age is later than the day.
  months: fc.uniqueArray(fc.tuple(fc.integer({ min: -2, max: 70 }), month), {
    selector: ([age]) => age,
    minLength: 1,
    maxLength: 14,
  }),
});
type Account = typeof account extends fc.Arbitrary<infer T> ? T : never;
const look = fc.record({
  lender: fc.constantFrom(...LENDERS),
  days: fc.integer({ min: -5, max: 420 }),
  kind: fc.constantFrom('new_credit', 'account_management'),
});
const person = fc.record({
  accounts: fc.array(account, { minLength: 1, maxLength: 3 }),
  looks: fc.array(look, { maxLength: 5 }),
});
type Person = typeof person extends fc.Arbitrary<infer T> ? T : never;

const dayBefore = (days: number) => new Date(Date.parse(`${DAY}T12:00:00Z`) - days * 86_400_000);

/** Basis points, rounded half up, at most 100 times the whole; null of nothing. */
function share(part: number, whole: number): number | null {
  return whole > 0 ? Math.min(Math.floor((20_000 * part + whole) / (2 * whole)), 1_000_000) : null;
}
const sum = (values: readonly (number | null)[]) =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);
const most = (values: readonly number[]) => (values.length > 0 ? Math.max(...values) : null);

interface Seen extends Month {
  readonly age: number;
  readonly account: Account;
}

/** The same from the rows of one person, one characteristic after another; null: nothing is known. */
function expected(someone: Person): Record<string, number | null> | null {
  const ofAccount = (each: Account): Seen[] =>
    each.months
      .filter(([age]) => age >= 0 && age <= 60)
      .map(([age, values]) => ({ ...values, age, account: each }));
  const seen = someone.accounts.flatMap(ofAccount);
  if (seen.length === 0) return null;
  const young = (limit: number) => seen.filter(({ age }) => age < limit);
  const isLine = (each: Seen) =>
    each.account.kind === 'revolving_line' && (each.limit_minor ?? 0) > 0;
  const used = (months: readonly Seen[]) => {
    const lines = months.filter(isLine);
    return share(
      sum(lines.map((each) => each.balance_minor)),
      sum(lines.map((each) => each.limit_minor)),
    );
  };
  const latest = someone.accounts.flatMap((each) =>
    ofAccount(each)
      .filter(({ age }) => age <= 3)
      .sort((a, b) => a.age - b.age)
      .slice(0, 1),
  );
  const open = latest.filter(({ status }) => status === 'open');
  const loans = open.filter(
    ({ account: of }) => of.kind === 'instalment_loan' && (of.original_amount_minor ?? 0) > 0,
  );
  const paid = (limit: number) => {
    const asked = young(limit).filter(
      (each) => each.paid_minor !== null && (each.due_minor ?? 0) > 0,
    );
    return share(
      sum(asked.map((each) => each.paid_minor)),
      sum(asked.map((each) => each.due_minor)),
    );
  };
  const trend = [used(young(3)), used(seen.filter(({ age }) => age >= 3 && age <= 11))] as const;
  const kept = someone.accounts.filter((each) => ofAccount(each).length > 0);
  const opened = kept.map((each) =>
    Math.max(each.opened_age ?? 0, ...ofAccount(each).map(({ age }) => age)),
  );
  const late = seen.filter((each) => each.days_past_due > 0);
  const looked = (months: number) => {
    const since = new Date(`${DAY}T00:00:00Z`);
    since.setUTCDate(since.getUTCDate() + 1);
    since.setUTCMonth(since.getUTCMonth() - months);
    const found = someone.looks.filter(
      ({ kind, days }) => kind === 'new_credit' && days >= 0 && dayBefore(days) > since,
    );
    return new Set(found.map(({ lender }) => lender)).size;
  };
  return {
    days_past_due_now: most(open.map((each) => each.days_past_due)) ?? 0,
    ...Object.fromEntries(
      [3, 6, 12, 24, 60].map((n) => [
        `worst_days_past_due_${n}m`,
        most(young(n).map((each) => each.days_past_due)),
      ]),
    ),
    late_months_12m: late.filter(({ age }) => age < 12).length,
    late_months_24m: late.filter(({ age }) => age < 24).length,
    months_30_days_late_24m: late.filter((each) => each.age < 24 && each.days_past_due >= 30)
      .length,
    months_since_late: late.length > 0 ? Math.min(...late.map(({ age }) => age)) : null,
    past_due_share: share(
      sum(open.map((each) => each.past_due_minor)),
      sum(open.map((each) => each.balance_minor)),
    ),
    utilisation: used(open),
    utilisation_highest: most(
      open.filter(isLine).map((each) => share(each.balance_minor, each.limit_minor ?? 0) ?? 0),
    ),
    utilisation_6m: used(young(6)),
    utilisation_trend: trend[0] === null || trend[1] === null ? null : trend[0] - trend[1],
    loan_left: share(
      sum(loans.map((each) => each.balance_minor)),
      sum(loans.map((each) => each.account.original_amount_minor)),
    ),
    balance_trend: share(
      sum(young(3).map((each) => each.balance_minor)),
      sum(seen.filter(({ age }) => age >= 3 && age <= 5).map((each) => each.balance_minor)),
    ),
    paid_to_due_3m: paid(3),
    paid_to_due_12m: paid(12),
    unpaid_months_6m: young(6).filter((each) => (each.due_minor ?? 0) > 0 && each.paid_minor === 0)
      .length,
    lenders: new Set(open.map((each) => each.account.lender)).size,
    accounts_open: open.length,
    accounts_ended_well: kept.filter((each) => {
      const months = ofAccount(each);
      const isClosed = months.some(({ status }) => status === 'closed');
      return isClosed && !months.some(({ age, days_past_due }) => age < 12 && days_past_due > 0);
    }).length,
    accounts_opened_12m: opened.filter((age) => age < 12).length,
    months_since_opened: Math.min(...opened),
    file_age: Math.max(...opened),
    months_shown: new Set(seen.map(({ age }) => age)).size,
    ...Object.fromEntries([1, 3, 6, 12].map((n) => [`enquiries_${n}m`, looked(n)])),
  };
}

/** Every row under one authorisation that has no effect. */
async function store(db: Database, people: readonly (Person & { subject_id: string })[]) {
  const rows = { account: [] as unknown[], month: [] as unknown[], look: [] as unknown[] };
  for (const { subject_id, accounts, looks } of people) {
    for (const each of accounts) {
      const account_id = randomUUID();
      rows.account.push({
        subject_id,
        account_id,
        revision: 1,
        furnisher_id: each.lender,
        account_ref: randomUUID(),
        kind: each.kind,
        currency: 'CNY',
        opened_on:
          each.opened_age === null ? null : firstDay(addMonths(THIS_MONTH, -each.opened_age)),
        original_amount_minor: each.original_amount_minor,
        submission_id: LENDERS[0],
      });
      for (const [age, values] of each.months) {
        const period = addMonths(THIS_MONTH, -age);
        rows.month.push({
          ...values,
          subject_id,
          account_id,
          period: firstDay(period),
          revision: 1,
          as_of: `${period}-28`,
          authorisation_id: LENDERS[0],
          submission_id: LENDERS[0],
          row_number: 1,
        });
      }
    }
    for (const each of looks) {
      rows.look.push({
        subject_id,
        access_id: randomUUID(),
        participant_id: each.lender,
        purpose: 'Q1',
        reason: 'test',
        at: dayBefore(each.days),
        kind: each.kind,
      });
    }
  }
  const put = (table: string, values: readonly unknown[]) =>
    // sql: the name of a table, from this file.
    db.query(`insert into ${table} select * from jsonb_populate_recordset(null::${table}, $1)`, [
      JSON.stringify(values),
    ]);
  await put('account', rows.account);
  await put('account_month', rows.month);
  await put('access', rows.look);
}

describe.each(BACKENDS)('characteristics on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let registry: Registry;

  beforeAll(async () => {
    if (missing) return;
    const db = await openStore(backend, 'registry', 'characteristics');
    await db.query('alter table access add column if not exists kind text');
    await db.query('create table account_month_all partition of account_month default');
    registry = {
      db,
      now: () => new Date(`${DAY}T12:00:00Z`),
      newId: randomUUID,
      profile: loadProfile('CN'),
      notices: {},
    } as unknown as Registry;
  });
  afterAll(async () => {
    if (!missing) await registry.db.close();
  });

  test('are the catalogue’s, in its order', async () => {
    const subject_id = randomUUID();
    const [someone] = fc.sample(person, { numRuns: 1, seed: 1 });
    if (!someone) throw new Error('nobody');
    await store(registry.db, [{ ...someone, subject_id }]);
    const [found] = await readCharacteristics(registry, registry.db, DAY, {
      first: subject_id,
      last: subject_id,
    });
    expect(Object.keys(found?.values ?? {})).toEqual(CHARACTERISTICS.map(({ id }) => id));
  });

  test('agree with a plain computation from the rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(person, { minLength: 1, maxLength: 12 }), async (people) => {
        await registry.db.query('delete from account_month');
        await registry.db.query('delete from account');
        await registry.db.query('delete from access');
        const stored = people.map((each) => ({ ...each, subject_id: randomUUID() }));
        await store(registry.db, stored);
        const found = await readCharacteristics(registry, registry.db, DAY, EVERYBODY);
        const wanted = stored.flatMap((each) => {
          const values = expected(each);
          return values ? [{ subject_id: each.subject_id, values }] : [];
        });
        wanted.sort((a, b) => (a.subject_id < b.subject_id ? -1 : 1));
        expect(found).toEqual(wanted);
        const [one] = wanted;
        if (!one) return;
        const own = { first: one.subject_id, last: one.subject_id };
        expect(await readCharacteristics(registry, registry.db, DAY, own)).toEqual([one]);
      }),
      { numRuns: 60 },
    );
  });
});
