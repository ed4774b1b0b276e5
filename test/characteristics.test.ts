/**
 * Characteristics against a slow, obvious re-computation from the rows; and what they must not
 * read: months that may not be shown, and whatever is later than the day.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHARACTERISTICS } from '../src/evaluation/catalogue.ts';
import { EVERYBODY, readCharacteristics } from '../src/registry/characteristics.ts';
import type { Registry } from '../src/registry/registry.ts';
import {
  type Account,
  DAY,
  dayBefore,
  emptyFiles,
  type Month,
  openFiles,
  PERSON,
  type Person,
  storeFiles,
} from './file-rows.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

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
    ...Object.fromEntries([1, 3, 6, 12, 24].map((n) => [`enquiries_${n}m`, looked(n)])),
  };
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
    if (!missing) registry = await openFiles(backend, 'characteristics');
  });
  afterAll(async () => {
    if (!missing) await registry.db.close();
  });

  test('are the catalogue’s, in its order', async () => {
    const subject_id = randomUUID();
    const [someone] = fc.sample(PERSON, { numRuns: 1, seed: 1 });
    if (!someone) throw new Error('nobody');
    await storeFiles(registry.db, [{ ...someone, subject_id }]);
    const [found] = await readCharacteristics(registry, registry.db, DAY, {
      first: subject_id,
      last: subject_id,
    });
    expect(Object.keys(found?.values ?? {})).toEqual(CHARACTERISTICS.map(({ id }) => id));
  });

  test('agree with a plain computation from the rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(PERSON, { minLength: 1, maxLength: 12 }), async (people) => {
        await emptyFiles(registry.db);
        const stored = people.map((each) => ({ ...each, subject_id: randomUUID() }));
        await storeFiles(registry.db, stored);
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
