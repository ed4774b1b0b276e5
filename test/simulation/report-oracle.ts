/**
 * The oracle of reports: a ledger of what was furnished and done, and what a report may say of it
 * at a moment, worked out slowly from the ledger alone.
 *
 * What must stay true: nothing of `src/` is imported. What was purged leaves its age behind: what
 * follows it without an interruption is as old as it was.
 * Source: domain facts 1.10, 2.1 C4, 2.2 U2, 3.7 (c) to (e), 8.2; FCRA 605B.
 */
import { monthsLater } from './oracle.ts';

/** A person of the ledger. */
export interface Person {
  readonly subject_id: string;
  /** Into whom they were merged. */
  merged_into: Person | null;
  is_erased: boolean;
}

export interface Revision {
  readonly revision: number;
  readonly days_past_due: number;
  readonly balance_minor: number;
  readonly is_open: boolean;
  /** Of the row: its submission and row number. */
  readonly row: string;
}

/** A month that the registry holds. The newest revision is the last. */
export interface Month {
  readonly period: string;
  readonly revisions: Revision[];
  /** The day its clock started, as it was when others of the account were erased. */
  kept_clock?: string;
}

/** The agreement of an account, as the account's newest revision says it. */
export interface Agreement {
  readonly agreement_id: string;
  readonly limit_minor: number | null;
  readonly ends_on: string | null;
}

export interface Account {
  readonly account_id: string;
  readonly account_ref: string;
  readonly furnisher_id: string;
  readonly authorisation_id: string;
  readonly erases: boolean;
  readonly opened_on: string;
  owner: Person;
  agreement: Agreement | null;
  revision: number;
  /** Ascending by period. */
  months: Month[];
  /** Purged late months, and since when their clock ran. */
  readonly purged: { readonly period: string; readonly began: string }[];
  /** The next period that was never furnished. */
  next: string;
  /** Its approval has ended: what is not late is hidden or gone. */
  is_ended: boolean;
}

/** What the law of the place says, as far as reports go. */
export interface ReportLaw {
  readonly name: string;
  readonly adverse: { readonly months: number; readonly from: string };
  readonly validity_months: number | null;
  readonly report_months: number | null;
  /** Null: for ever. */
  readonly enquiry_months: number | null;
  readonly access_months: number | null;
  /** How long a fraud alert stands. */
  readonly alert_months: number;
  readonly theft_days: { readonly days: number; readonly business: boolean };
}

const GRID_MONTHS = 60;
/** Every line of the level has this limit of its own. */
export const LINE_LIMIT = 100_000;
/** Every approval of the level starts then. */
export const APPROVED_AT = '2025-12-01T00:00:00.000Z';

export function newest({ revisions }: Month): Revision {
  const last = revisions.at(-1);
  if (!last) throw new Error('a month without a revision');
  return last;
}
/** Every month of the level is furnished as of its 28th. */
export const asOf = ({ period }: Pick<Month, 'period'>) => `${period}-28`;
const isLate = (month: Month) => newest(month).days_past_due > 0;

/**
 * The day on which the clock of a late month starts. Order 631, article 16: the end of the event,
 * which is the first month afterwards that is not late, or the newest while none is; no earlier
 * than the month itself. FCRA 605(c): the first of the late months in a row, whether that one is
 * still held or was purged.
 */
export function clockStart(month: Month, account: Account, from: string): string {
  if (from === 'end_of_event') {
    if (month.kept_clock !== undefined) return month.kept_clock;
    const after = account.months.filter((each) => each.period > month.period);
    return asOf(after.find((later) => !isLate(later)) ?? after.at(-1) ?? month);
  }
  const before = account.months.filter((each) => each.period < month.period);
  const paid = before.findLast((earlier) => !isLate(earlier))?.period ?? '';
  const run = before.filter((each) => each.period > paid);
  const kept = [...run, month].findLast((each) => each.kept_clock !== undefined)?.kept_clock;
  if (kept !== undefined) return kept;
  const row = run.map(asOf);
  const gone = account.purged.filter(({ period }) => period > paid && period < month.period);
  return [asOf(month), ...row, ...gone.map(({ began }) => began)].sort()[0] ?? '';
}

/** The statutory clock of a late month has not run out. */
export function clockRuns(month: Month, account: Account, law: ReportLaw, now: string): boolean {
  const { months, from } = law.adverse;
  const start = `${clockStart(month, account, from)}T00:00:00.000Z`;
  return isLate(month) && now < monthsLater(start, months);
}

/** Its own approval covers the account now; the level has no other one that could. */
export const isCovered = ({ is_ended }: Account, law: ReportLaw, now: string): boolean =>
  !is_ended &&
  (law.validity_months === null || now < monthsLater(APPROVED_AT, law.validity_months));

/** Months that may go because nothing keeps them: neither a clock nor an approval. */
const freeMonths = (account: Account, law: ReportLaw, now: string): Month[] =>
  account.months.filter(
    (month) => !clockRuns(month, account, law, now) && !isCovered(account, law, now),
  );

/**
 * Erases what nothing keeps. Late months that stay keep the clock they had: it is known for good
 * once the event has ended, or from the first, whatever is left of the account.
 */
export function eraseFree(account: Account, law: ReportLaw, now: string): void {
  const free = freeMonths(account, law, now);
  if (free.length === 0) return;
  const stays = account.months.filter((month) => !free.includes(month));
  const isKnown = ({ period }: Month) =>
    law.adverse.from !== 'end_of_event' ||
    account.months.some((each) => each.period > period && !isLate(each));
  const clocks = stays
    .filter((month) => isLate(month) && isKnown(month))
    .map((month) => ({ month, start: clockStart(month, account, law.adverse.from) }));
  for (const { month, start } of clocks) month.kept_clock ??= start;
  account.months = stays;
}

/** What an account shows. @param isBlocked by its person, who says that it is a crime */
export function shownMonths(
  account: Account,
  law: ReportLaw,
  now: string,
  isBlocked: boolean,
): Month[] {
  const since = monthsLater(now, -GRID_MONTHS).slice(0, 7);
  return account.months.filter((month) => {
    if (isBlocked || month.period <= since) return false;
    return isLate(month) ? clockRuns(month, account, law, now) : !account.is_ended;
  });
}

/** An account with the months that it shows: one at least. */
export interface Shown {
  readonly account: Account;
  readonly months: readonly Month[];
}

function last({ months }: Shown): Month {
  const month = months.at(-1);
  if (!month) throw new Error('an account that shows nothing');
  return month;
}
const isOpen = (shown: Shown) => newest(last(shown)).is_open;
const owed = (shown: Shown) => newest(last(shown)).balance_minor;

/** What a report says of one agreement. */
export interface ExpectedAgreement {
  readonly agreement_id: string;
  readonly account_ids: readonly string[];
  readonly ends_on: string | null;
  readonly limit_minor: number | null;
  readonly unused_minor: number | null;
  readonly used_minor: number;
  readonly is_in_force: boolean;
}

function agreementOf(draws: readonly Shown[], day: string): ExpectedAgreement {
  let speaks = draws[0];
  for (const draw of draws) {
    const [mine, theirs] = [draw, speaks].map(
      (each) => each && `${last(each).period} ${each.account.opened_on} ${each.account.account_id}`,
    );
    if (mine && theirs && mine > theirs) speaks = draw;
  }
  const said = speaks?.account.agreement;
  if (!said) throw new Error('a draw under no agreement');
  let used = 0;
  for (const draw of draws) if (isOpen(draw)) used += owed(draw);
  const { agreement_id, ends_on, limit_minor } = said;
  const hasEnded = ends_on !== null && ends_on < day;
  const left = limit_minor === null ? null : Math.max(0, limit_minor - used);
  return {
    ...{ agreement_id, ends_on, limit_minor, used_minor: used },
    account_ids: draws.map(({ account }) => account.account_id).sort(),
    unused_minor: left !== null && hasEnded ? 0 : left,
    is_in_force: draws.some(isOpen) || (ends_on !== null && !hasEnded),
  };
}

/** What was drawn under each agreement, together; by the agreement's id. */
export function expectedAgreements(shown: readonly Shown[], now: string): ExpectedAgreement[] {
  const day = now.slice(0, 10);
  const ids = new Set(shown.flatMap(({ account }) => account.agreement?.agreement_id ?? []));
  return [...ids].sort().map((id) =>
    agreementOf(
      shown.filter(({ account }) => account.agreement?.agreement_id === id),
      day,
    ),
  );
}

/** All that could be owed: each agreement in force once, and open lines outside of them. */
export function expectedLimit(shown: readonly Shown[], now: string): number {
  let sum = 0;
  const counted = expectedAgreements(shown, now).filter(({ limit_minor }) => limit_minor !== null);
  for (const agreement of counted) if (agreement.is_in_force) sum += agreement.limit_minor ?? 0;
  for (const each of shown) {
    const id = each.account.agreement?.agreement_id;
    const isWithin = counted.some(({ agreement_id }) => agreement_id === id);
    if (!isWithin && isOpen(each)) sum += LINE_LIMIT;
  }
  return sum;
}

/** So many days on; those of a weekend do not count where only business days do. */
export function daysLater(moment: string, days: number, business: boolean): string {
  let at = Date.parse(moment);
  for (let left = days; left > 0; ) {
    at += 24 * 60 * 60 * 1000;
    const weekday = new Date(at).getUTCDay();
    if (!business || (weekday !== 0 && weekday !== 6)) left -= 1;
  }
  return new Date(at).toISOString();
}
