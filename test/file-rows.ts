/**
 * Test support: made-up files of people, written straight into a registry's store.
 *
 * What must stay true: months stand under one authorisation that has no effect, so all are shown.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { addMonths, firstDay } from '../src/model/period.ts';
import type { Registry } from '../src/registry/registry.ts';
import { type Backend, openStore } from './pair.ts';

export const DAY = '2026-06-30';
export const THIS_MONTH = '2026-06';
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
  days: fc.integer({ min: -5, max: 800 }),
  kind: fc.constantFrom('new_credit', 'account_management'),
});
export const PERSON = fc.record({
  accounts: fc.array(account, { minLength: 1, maxLength: 3 }),
  looks: fc.array(look, { maxLength: 5 }),
});
export type Person = typeof PERSON extends fc.Arbitrary<infer T> ? T : never;

/** The same person, seen every month and never late. */
export const steady = (someone: Person): Person => ({
  ...someone,
  accounts: someone.accounts.map((account) => {
    const [first] = account.months;
    if (!first) return account;
    const paid = { ...first[1], days_past_due: 0, status: 'open' as const };
    return { ...account, months: Array.from({ length: 24 }, (_, age) => [age, paid]) };
  }),
});

export const dayBefore = (days: number) =>
  new Date(Date.parse(`${DAY}T12:00:00Z`) - days * 86_400_000);

export const openedOn = ({ opened_age }: Account) =>
  opened_age === null ? null : firstDay(addMonths(THIS_MONTH, -opened_age));

/** Every row under one authorisation that has no effect. */
export async function storeFiles(
  db: Database,
  people: readonly (Person & { subject_id: string })[],
) {
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
        opened_on: openedOn(each),
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
        outcome: 'report',
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

/** A registry's store under a law that hides no month of five years, with one partition for every period. */
export async function openFiles(backend: Backend, schema: string): Promise<Registry> {
  const db = await openStore(backend, 'registry', schema);
  await db.query('create table account_month_all partition of account_month default');
  return {
    db,
    now: () => new Date(`${DAY}T12:00:00Z`),
    newId: randomUUID,
    profile: loadProfile('US'),
    notices: {},
  } as unknown as Registry;
}

/** Nobody is left. */
export async function emptyFiles(db: Database): Promise<void> {
  await db.query('delete from account_month');
  await db.query('delete from account');
  await db.query('delete from access');
}
