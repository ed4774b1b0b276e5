/**
 * What a file comes to across lenders: counted and added up from its facts, pure.
 *
 * What must stay true: integers only; amounts are added within one currency; nothing that is not
 * in the facts counts; every sum says as of which days its figures are.
 * Source: domain facts 1.3 (summary blocks), 1.9 (windows), 5.2 (enquiries that count once), 5.5
 * (due per month).
 */
import { agreementsOf, isInForce, unusedOf, usedOf } from './agreement.ts';
import {
  type AccountFacts,
  type FileFacts,
  isOpen,
  LOOK_KINDS,
  type LookFacts,
  type LookKind,
  newestOf,
} from './file-facts.ts';
import { addMonths, dayMonthsBefore, monthsBetween, periodOf } from './period.ts';

export const LOOK_WINDOWS = [1, 3, 6, 12, 24] as const;
export const LATE_WINDOWS = [3, 6, 12, 24, 60] as const;
type Windows<W extends number> = Readonly<Record<`m${W}`, number>>;

export interface CurrencySummary {
  readonly accounts_open: number;
  /** Oldest and newest day of the figures that are added up; null without any. */
  readonly as_of_from: string | null;
  readonly as_of_to: string | null;
  readonly balance_minor: number;
  readonly currency: string;
  /** Open accounts whose due amount was not furnished and is reckoned. */
  readonly due_estimated: number;
  readonly due_per_month_minor: number;
  /** Of open revolving lines, and of agreements in force, each once whatever was drawn under it. */
  readonly limit_minor: number;
  readonly past_due_minor: number;
  readonly unused_minor: number;
  readonly used_minor: number;
}

export interface FileSummary {
  readonly accounts: number;
  readonly accounts_open: number;
  /** Under which some of the accounts were drawn. */
  readonly agreements: number;
  readonly agreements_open: number;
  readonly amounts: readonly CurrencySummary[];
  readonly enquiries: Readonly<Record<LookKind, Windows<(typeof LOOK_WINDOWS)[number]>>>;
  readonly lenders: number;
  readonly months_late: Windows<(typeof LATE_WINDOWS)[number]>;
  readonly months_shown: number;
  readonly newest_opened_on: string | null;
  readonly oldest_opened_on: string | null;
  readonly worst_days_past_due: Windows<(typeof LATE_WINDOWS)[number]>;
}

/** Tenths of the average use by which a revolving line is reckoned when no due amount is known. */
const REVOLVING_SHARE = 10;
const USE_MONTHS = 6;

/**
 * What an open account asks for in a month, minor units. As furnished; else of a revolving line a
 * tenth of its average balance over six months, of a loan its balance over the months left (one
 * at least). Rounded up.
 */
export function duePerMonth(account: AccountFacts): { minor: number; is_estimated: boolean } {
  const newest = newestOf(account);
  if (!newest || newest.balance_minor <= 0)
    return { minor: newest?.due_minor ?? 0, is_estimated: false };
  if (account.kind === 'instalment_loan' && account.term_months && account.opened_on) {
    const gone = monthsBetween(periodOf(account.opened_on), newest.period);
    const spread = Math.ceil(newest.balance_minor / Math.max(1, account.term_months - gone));
    return { minor: Math.max(newest.due_minor ?? 0, spread), is_estimated: !newest.due_minor };
  }
  if (newest.due_minor !== null) return { minor: newest.due_minor, is_estimated: false };
  const since = addMonths(newest.period, -USE_MONTHS);
  const used = account.months.filter((month) => month.period > since);
  const sum = used.reduce((total, month) => total + Math.max(0, month.balance_minor), 0);
  return { minor: Math.ceil(sum / (used.length * REVOLVING_SHARE)), is_estimated: true };
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}

interface Limit {
  readonly limit: number;
  readonly unused: number;
  readonly used: number;
}

/** Limits that stand on their own, and what is owed and left under each. */
function limitsOf(accounts: readonly AccountFacts[], day: string): Limit[] {
  const shared = agreementsOf(accounts).filter(({ limit_minor }) => limit_minor !== null);
  const gathered = new Set(shared.flatMap(({ draws }) => draws));
  const lines = accounts
    .filter((each) => each.kind === 'revolving_line' && isOpen(each) && !gathered.has(each))
    .flatMap((account) => newestOf(account) ?? []);
  return [
    ...lines.map(({ limit_minor, balance_minor }) => ({
      limit: limit_minor ?? 0,
      unused: Math.max(0, (limit_minor ?? 0) - Math.max(0, balance_minor)),
      used: Math.max(0, balance_minor),
    })),
    ...shared
      .filter((agreement) => isInForce(agreement, day))
      .map((agreement) => ({
        limit: agreement.limit_minor ?? 0,
        unused: unusedOf(agreement, day) ?? 0,
        used: usedOf(agreement),
      })),
  ];
}

function currencySummary(
  currency: string,
  accounts: readonly AccountFacts[],
  day: string,
): CurrencySummary {
  const open = accounts.filter(isOpen);
  const counted = accounts.flatMap((account) => newestOf(account) ?? []);
  const limits = limitsOf(accounts, day);
  const days = counted.map(({ as_of }) => as_of).sort();
  const dues = open.map(duePerMonth);
  return {
    accounts_open: open.length,
    as_of_from: days[0] ?? null,
    as_of_to: days.at(-1) ?? null,
    balance_minor: sumOf(counted, (month) => month.balance_minor),
    currency,
    due_estimated: dues.filter(({ is_estimated }) => is_estimated).length,
    due_per_month_minor: sumOf(dues, ({ minor }) => minor),
    limit_minor: sumOf(limits, ({ limit }) => limit),
    past_due_minor: sumOf(counted, (month) => month.past_due_minor ?? 0),
    unused_minor: sumOf(limits, ({ unused }) => unused),
    used_minor: sumOf(limits, ({ used }) => used),
  };
}

const DAY_MS = 86_400_000;

/**
 * Looks for new credit with repeats left out: of one enquirer for one purpose, within so many days
 * of one that counts. The trace keeps them all.
 * @param looks ascending by time
 */
export function countedOnce(looks: readonly LookFacts[], days: number): LookFacts[] {
  const counted = new Map<string, number>();
  return looks.filter(({ enquirer_id, purpose, at }) => {
    const key = `${enquirer_id} ${purpose}`;
    const before = counted.get(key);
    const time = Date.parse(at);
    if (before !== undefined && time < before + days * DAY_MS) return false;
    counted.set(key, time);
    return true;
  });
}

type Named<W extends number> = readonly (readonly [`m${W}`, W])[];

/** Members stand in the order of their names, as canonical JSON has them. */
const byName = <W extends number>(windows: readonly W[]): Named<W> =>
  windows
    .map((months) => [`m${months}`, months] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
const LOOKS_BY_NAME = byName(LOOK_WINDOWS);
const LATE_BY_NAME = byName(LATE_WINDOWS);
const KINDS_BY_NAME = LOOK_KINDS.toSorted();

const windowsOf = <W extends number>(windows: Named<W>, of: (months: W) => number) =>
  Object.fromEntries(windows.map(([name, months]) => [name, of(months)])) as Windows<W>;

function enquiriesOf(facts: FileFacts, onceDays: number): FileSummary['enquiries'] {
  const today = facts.at.slice(0, 10);
  const entries = KINDS_BY_NAME.map((kind) => {
    const all = facts.looks.filter((look) => look.kind === kind);
    const looks = kind === 'new_credit' ? countedOnce(all, onceDays) : all;
    const days = looks.map(({ at }) => at.slice(0, 10));
    const within = (months: number) => {
      if (days.length === 0) return 0;
      const since = dayMonthsBefore(today, months);
      return days.filter((day) => day > since).length;
    };
    return [kind, windowsOf(LOOKS_BY_NAME, within)];
  });
  return Object.fromEntries(entries) as FileSummary['enquiries'];
}

/**
 * The summary of a file.
 * @param onceDays looks for new credit of one enquirer for one purpose within so many days count
 * once
 */
export function summaryOf(facts: FileFacts, onceDays: number): FileSummary {
  const { accounts } = facts;
  const day = facts.at.slice(0, 10);
  const period = periodOf(day);
  const months = accounts.flatMap((account) => account.months);
  const within = (window: number) => {
    const since = addMonths(period, -window);
    return months.filter((month) => month.period > since);
  };
  const opened = accounts.flatMap(({ opened_on }) => opened_on ?? []).sort();
  const currencies = [...new Set(accounts.map(({ currency }) => currency))].sort();
  const agreements = agreementsOf(accounts);
  return {
    accounts: accounts.length,
    accounts_open: accounts.filter(isOpen).length,
    agreements: agreements.length,
    agreements_open: agreements.filter((each) => isInForce(each, day)).length,
    amounts: currencies.map((currency) =>
      currencySummary(
        currency,
        accounts.filter((account) => account.currency === currency),
        day,
      ),
    ),
    enquiries: enquiriesOf(facts, onceDays),
    lenders: new Set(accounts.map(({ lender }) => lender.participant_id)).size,
    months_late: windowsOf(
      LATE_BY_NAME,
      (window) => within(window).filter((month) => month.days_past_due > 0).length,
    ),
    months_shown: months.length,
    newest_opened_on: opened.at(-1) ?? null,
    oldest_opened_on: opened[0] ?? null,
    worst_days_past_due: windowsOf(LATE_BY_NAME, (window) =>
      Math.max(0, ...within(window).map((month) => month.days_past_due)),
    ),
  };
}
