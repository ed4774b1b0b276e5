/**
 * The facts of a person's file as they stood at a moment: what every report, page and evaluation
 * starts from. Names no identity; the only words of the person are their statements.
 *
 * What must stay true: only what may be shown is in it; every month says as of which day its
 * figures are; money is integer minor units of the account's currency; accounts ascend by opening
 * and id, months by period, looks and marks by time.
 */

/** Account management and own looks never count as looks for new credit. */
export const LOOK_KINDS = ['new_credit', 'account_management', 'own', 'other'] as const;
export type LookKind = (typeof LOOK_KINDS)[number];

export const BLOCK_KINDS = ['freeze', 'fraud_alert', 'credit_ban'] as const;
export type BlockKind = (typeof BLOCK_KINDS)[number];

/** One month of an account, its newest revision. Members in the order of their names. */
export interface MonthFacts {
  readonly as_of: string;
  readonly balance_minor: number;
  readonly borrowed_minor: number | null;
  readonly days_past_due: number;
  readonly due_minor: number | null;
  readonly first_delinquency_on: string | null;
  readonly five_class: number | null;
  readonly last_paid_on: string | null;
  readonly limit_minor: number | null;
  readonly paid_minor: number | null;
  readonly past_due_minor: number | null;
  /** `YYYY-MM` */
  readonly period: string;
  readonly revision: number;
  /** open, closed, written_off or transferred. */
  readonly status: string;
}

/** A field that the person disputes and nobody has decided on yet. */
export interface ClaimMark {
  readonly account_id: string | null;
  readonly claim_id: string;
  readonly field: string;
  readonly opened_at: string;
  /** `YYYY-MM`; null: a field of the account, or of the file. */
  readonly period: string | null;
}

/** What is said of an agreement is absent from facts that were sealed before there were any. */
export interface AccountFacts {
  readonly account_id: string;
  readonly agreement_ends_on?: string | null;
  /** The credit agreement that it was drawn under, as its lender names it; null: none. */
  readonly agreement_id?: string | null;
  /** Shared by everything that is drawn under it. */
  readonly agreement_limit_minor?: number | null;
  readonly agreement_opened_on?: string | null;
  /** The platform under which the person knows it; null: the lender's own name. */
  readonly brand: string | null;
  readonly claims: readonly ClaimMark[];
  readonly closed_on: string | null;
  readonly currency: string;
  readonly kind: string;
  readonly lender: {
    readonly licence_id: string;
    readonly name: string;
    readonly participant_id: string;
  };
  /** Those of the last 60 that may be shown. */
  readonly months: readonly MonthFacts[];
  readonly opened_on: string | null;
  readonly original_amount_minor: number | null;
  readonly term_months: number | null;
}

export const newestOf = (account: AccountFacts): MonthFacts | null => account.months.at(-1) ?? null;

/** Open by its newest month; without one, by its dates. */
export function isOpen(account: AccountFacts): boolean {
  const newest = newestOf(account);
  return newest ? newest.status === 'open' : account.closed_on === null;
}

/** A look that was answered with a report. */
export interface LookFacts {
  /** ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly enquirer: string;
  readonly enquirer_id: string;
  readonly kind: LookKind;
  readonly purpose: string;
}

/** In force at the moment. */
export interface BlockFacts {
  readonly expires_at: string | null;
  readonly kind: BlockKind;
  readonly placed_at: string;
}

export interface StatementFacts {
  /** Null: about the file. */
  readonly account_id: string | null;
  readonly language: string;
  readonly made_at: string;
  readonly statement_id: string;
  readonly text: string;
}

/** A late month that a dated rule of the profile keeps from display. */
export interface HiddenMonth {
  readonly account_id: string;
  readonly period: string;
  readonly rule: string;
}

export interface FileFacts {
  readonly accounts: readonly AccountFacts[];
  /** The moment at which they stood so; ISO 8601, UTC, milliseconds. */
  readonly at: string;
  readonly blocks: readonly BlockFacts[];
  /** Marks that belong to no account that is shown. */
  readonly claims: readonly ClaimMark[];
  /** Told to the person and the operator, to no enquirer. */
  readonly hidden: readonly HiddenMonth[];
  /** Day since which the history is incomplete by choice of the person; or null. */
  readonly incomplete_since: string | null;
  /** Accounts that the registry knows, shown or not. */
  readonly known_accounts: number;
  readonly looks: readonly LookFacts[];
  readonly statements: readonly StatementFacts[];
}
