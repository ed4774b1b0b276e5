/**
 * The characteristics of one file, from its facts: what an evaluation of one person reads.
 *
 * What must stay true: the same values as the statement that reads many people at once
 * (registry/characteristics.ts), which a property test compares; only what is in the facts counts,
 * so an authorisation that opens less gives an evaluation of less.
 * Source: evaluation/catalogue.ts says what each one means.
 */
import type { AccountFacts, FileFacts, MonthFacts } from '../model/file-facts.ts';
import { dayMonthsBefore, monthsBetween, periodOf } from '../model/period.ts';
import { CHARACTERISTICS, type CharacteristicValues, CURRENT_MONTHS } from './catalogue.ts';

const LATE_DAYS = 30;

interface Seen extends MonthFacts {
  /** Months from its period to that of the facts; 0 is the same. */
  readonly age: number;
  readonly account: AccountFacts;
}

/** Basis points, rounded half up, at most a hundred times the whole; null of nothing. */
function share(part: number, whole: number): number | null {
  if (whole <= 0) return null;
  const points = (20_000n * BigInt(Math.max(part, 0)) + BigInt(whole)) / (2n * BigInt(whole));
  return Number(points < 1_000_000n ? points : 1_000_000n);
}

const sum = (values: readonly (number | null)[]) =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);
const most = (values: readonly number[]) => (values.length > 0 ? Math.max(...values) : null);
const least = (values: readonly number[]) => (values.length > 0 ? Math.min(...values) : null);
const distinct = (values: readonly (string | number)[]) => new Set(values).size;

const isLine = ({ account, limit_minor }: Seen) =>
  account.kind === 'revolving_line' && (limit_minor ?? 0) > 0;
const used = (months: readonly Seen[]) => {
  const lines = months.filter(isLine);
  return share(
    sum(lines.map(({ balance_minor }) => Math.max(balance_minor, 0))),
    sum(lines.map(({ limit_minor }) => limit_minor)),
  );
};

function ofMonths(seen: readonly Seen[]): CharacteristicValues {
  const young = (months: number) => seen.filter(({ age }) => age < months);
  const late = (months: number, days: number) =>
    young(months).filter(({ days_past_due }) => days_past_due >= days).length;
  const paid = (months: number) => {
    const asked = young(months).filter(
      ({ paid_minor, due_minor }) => paid_minor !== null && (due_minor ?? 0) > 0,
    );
    return share(
      sum(asked.map(({ paid_minor }) => paid_minor)),
      sum(asked.map(({ due_minor }) => due_minor)),
    );
  };
  const [lately, before] = [used(young(3)), used(seen.filter(({ age }) => age >= 3 && age < 12))];
  const balances = (months: readonly Seen[]) => sum(months.map((each) => each.balance_minor));
  return {
    ...Object.fromEntries(
      [3, 6, 12, 24, 60].map((months) => [
        `worst_days_past_due_${months}m`,
        most(young(months).map(({ days_past_due }) => days_past_due)),
      ]),
    ),
    late_months_12m: late(12, 1),
    late_months_24m: late(24, 1),
    months_30_days_late_24m: late(24, LATE_DAYS),
    months_since_late: least(
      seen.filter(({ days_past_due }) => days_past_due > 0).map(({ age }) => age),
    ),
    utilisation_6m: used(young(6)),
    utilisation_trend: lately === null || before === null ? null : lately - before,
    balance_trend: share(
      balances(young(3)),
      balances(seen.filter(({ age }) => age >= 3 && age < 6)),
    ),
    paid_to_due_3m: paid(3),
    paid_to_due_12m: paid(12),
    unpaid_months_6m: young(6).filter(
      ({ due_minor, paid_minor }) => (due_minor ?? 0) > 0 && paid_minor === 0,
    ).length,
    months_shown: distinct(seen.map(({ period }) => period)),
  };
}

/** Of the accounts' current months. */
function ofCurrent(latest: readonly Seen[]): CharacteristicValues {
  const open = latest.filter(({ status, age }) => age <= CURRENT_MONTHS && status === 'open');
  const loans = open.filter(
    ({ account }) => account.kind === 'instalment_loan' && (account.original_amount_minor ?? 0) > 0,
  );
  return {
    days_past_due_now: most(open.map(({ days_past_due }) => days_past_due)) ?? 0,
    past_due_share: share(
      sum(open.map(({ past_due_minor }) => past_due_minor)),
      sum(open.map(({ balance_minor }) => balance_minor)),
    ),
    utilisation: used(open),
    utilisation_highest: most(open.filter(isLine).map((each) => used([each]) ?? 0)),
    loan_left: share(
      sum(loans.map(({ balance_minor }) => Math.max(balance_minor, 0))),
      sum(loans.map(({ account }) => account.original_amount_minor)),
    ),
    lenders: distinct(open.map(({ account }) => account.lender.participant_id)),
    accounts_open: open.length,
  };
}

function ofAccounts(accounts: readonly (readonly Seen[])[], newest: string): CharacteristicValues {
  const opened = accounts.map((months) => {
    const [first] = months;
    const since = months.map(({ age }) => age);
    const opened_on = first?.account.opened_on ?? null;
    return Math.max(
      ...since,
      opened_on === null ? 0 : Math.max(0, monthsBetween(periodOf(opened_on), newest)),
    );
  });
  const endedWell = accounts.filter(
    (months) =>
      months.some(({ status }) => status === 'closed') &&
      !months.some(({ age, days_past_due }) => age < 12 && days_past_due > 0),
  );
  return {
    accounts_ended_well: endedWell.length,
    accounts_opened_12m: opened.filter((age) => age < 12).length,
    months_since_opened: least(opened),
    file_age: most(opened),
  };
}

/** Lenders that looked for new credit: one that looked again within the window counts once. */
function ofLooks(facts: FileFacts, day: string): CharacteristicValues {
  const looks = facts.looks.filter(({ kind }) => kind === 'new_credit');
  const since = (months: number) => {
    const from = dayMonthsBefore(day, months);
    return distinct(
      looks.filter(({ at }) => at.slice(0, 10) > from).map((each) => each.enquirer_id),
    );
  };
  return Object.fromEntries(
    [1, 3, 6, 12, 24].map((months) => [`enquiries_${months}m`, since(months)]),
  );
}

/** Every characteristic of the catalogue; null when the facts show no month. */
export function characteristicsOf(facts: FileFacts): CharacteristicValues | null {
  const day = facts.at.slice(0, 10);
  const newest = periodOf(day);
  const accounts = facts.accounts
    .map((account) =>
      account.months
        .map((month) => ({ ...month, account, age: monthsBetween(month.period, newest) }))
        .filter(({ age, as_of }) => age >= 0 && as_of <= day),
    )
    .filter((months) => months.length > 0);
  const seen = accounts.flat();
  if (seen.length === 0) return null;
  const latest = accounts.flatMap((months) =>
    months.filter(({ age }) => age === least(months.map((each) => each.age))),
  );
  const values: CharacteristicValues = {
    ...ofMonths(seen),
    ...ofCurrent(latest),
    ...ofAccounts(accounts, newest),
    ...ofLooks(facts, day),
  };
  return Object.fromEntries(CHARACTERISTICS.map(({ id }) => [id, values[id] ?? null]));
}
