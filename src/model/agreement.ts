/**
 * Accounts that were drawn under one credit agreement (PBOC R4 and the like), gathered: what they
 * come to together. Pure.
 *
 * What must stay true: one lender's agreement in one currency is one; its limit counts once,
 * whatever was drawn; every account is under one agreement or stands alone, never both; nothing
 * that is not in the facts counts.
 * Source: domain facts 1.3 (PD02), 1.4 (PD01AI04), 1.10 (draws are gathered), 8.2 (one exposure is
 * counted once).
 */
import { type AccountFacts, isOpen, type MonthFacts, newestOf } from './file-facts.ts';

export interface Agreement {
  readonly agreement_id: string;
  readonly currency: string;
  /** Its last day, `YYYY-MM-DD`; null: none is agreed. */
  readonly ends_on: string | null;
  /** Null: not furnished, or found wrong. */
  readonly limit_minor: number | null;
  readonly opened_on: string | null;
  /** In the order of the file. */
  readonly draws: readonly AccountFacts[];
  /** What of it was furnished last, which speaks for the agreement. */
  readonly newest: AccountFacts;
}

/** Later than any other: by its newest month, then its opening, then its id. */
const ageKey = (account: AccountFacts) =>
  [newestOf(account)?.as_of ?? '', account.opened_on ?? '', account.account_id].join(' ');

function agreementOf(draws: readonly AccountFacts[]): Agreement {
  const [first, ...others] = draws;
  if (!first) throw new Error('an agreement without a draw');
  const newest = others.reduce((last, each) => (ageKey(each) > ageKey(last) ? each : last), first);
  return {
    agreement_id: newest.agreement_id ?? '',
    currency: newest.currency,
    draws,
    ends_on: newest.agreement_ends_on ?? null,
    limit_minor: newest.agreement_limit_minor ?? null,
    newest,
    opened_on: newest.agreement_opened_on ?? null,
  };
}

/** The agreements of a file, in the order of their first draw; accounts without one are in none. */
export function agreementsOf(accounts: readonly AccountFacts[]): Agreement[] {
  const gathered = new Map<string, AccountFacts[]>();
  for (const account of accounts) {
    const { agreement_id, currency, lender } = account;
    if (typeof agreement_id !== 'string') continue;
    const key = `${lender.participant_id} ${agreement_id} ${currency}`;
    gathered.set(key, [...(gathered.get(key) ?? []), account]);
  }
  return [...gathered.values()].map(agreementOf);
}

const hasEnded = ({ ends_on }: Agreement, day: string) => ends_on !== null && ends_on < day;

/** Something drawn is open, or its last day is still to come. @param day `YYYY-MM-DD` */
export const isInForce = (agreement: Agreement, day: string): boolean =>
  agreement.draws.some(isOpen) || (agreement.ends_on !== null && !hasEnded(agreement, day));

/** What is owed on open draws, minor units. */
export const usedOf = ({ draws }: Agreement): number =>
  draws
    .filter(isOpen)
    .reduce((sum, each) => sum + Math.max(0, newestOf(each)?.balance_minor ?? 0), 0);

/** What may still be drawn, as of a revolving limit; nothing once it has ended. Null: no limit. */
export function unusedOf(agreement: Agreement, day: string): number | null {
  if (agreement.limit_minor === null) return null;
  if (hasEnded(agreement, day)) return 0;
  return Math.max(0, agreement.limit_minor - usedOf(agreement));
}

/** From the best to the worst: what was paid off, what runs, what another has, what is given up. */
const STATUSES: readonly string[] = ['closed', 'open', 'transferred', 'written_off'];

/** The worst standing of what was drawn, by its newest months; null: no month is shown. */
export function worstStatus({ draws }: Agreement): string | null {
  const ranks = draws.flatMap((each) => STATUSES.indexOf(newestOf(each)?.status ?? ''));
  return STATUSES[Math.max(...ranks)] ?? null;
}

/** The newest month of each draw that has one. */
export const newestMonths = ({ draws }: Agreement): MonthFacts[] =>
  draws.flatMap((each) => newestOf(each) ?? []);
