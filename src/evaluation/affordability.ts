/**
 * What a person must pay each month over all lenders, and what a new loan would add.
 *
 * What must stay true: integer minor units, one currency at a time, nothing converted; what is
 * assumed is said; what cannot be known is null, never nought.
 * Source: domain facts 5.5: the due of the month; for a loan at least the balance over the months
 * left; for a line of which no due is known 10 per cent of its mean use over six months.
 */

/** One open account as it stands; amounts in minor units of `currency`. */
export interface OpenAccount {
  readonly currency: string;
  readonly kind: string;
  readonly balance_minor: number;
  readonly due_minor: number | null;
  readonly past_due_minor: number | null;
  readonly limit_minor: number | null;
  readonly term_months: number | null;
  readonly months_since_opened: number | null;
  /** Mean of the balances of the last six months that are shown. */
  readonly mean_balance_6m_minor: number;
}

/** What somebody asks for. */
export interface Application {
  readonly amount_minor: number;
  /** ISO 4217. */
  readonly currency: string;
  readonly term_months: number;
  /** Yearly nominal rate in basis points, paid monthly; null: not told, taken as nought. */
  readonly annual_rate_bp: number | null;
  /** Net income a month; only where the law lets the lender ask for it. */
  readonly income_minor: number | null;
}

/** How a monthly amount was found. */
export type ObligationBasis = 'due' | 'balance_over_term' | 'assumed_tenth';

export interface Obligation {
  readonly amount_minor: number;
  readonly basis: ObligationBasis;
}

const BASIS_POINTS = 10_000n;
const MONTHS = 12n;
/** A line of which no due is known: one part in ten of what is used on the mean. */
const TENTH = 10n;

const divideUp = (left: bigint, right: bigint) => (left + right - 1n) / right;

/** What an open account takes each month. */
export function obligationOf(account: OpenAccount): Obligation {
  const due = account.due_minor;
  if (account.kind === 'revolving_line') {
    if (due !== null) return { amount_minor: due, basis: 'due' };
    const mean = BigInt(Math.max(account.mean_balance_6m_minor, 0));
    return { amount_minor: Number(divideUp(mean, TENTH)), basis: 'assumed_tenth' };
  }
  const left = Math.max((account.term_months ?? 1) - (account.months_since_opened ?? 0), 1);
  const spread = divideUp(BigInt(Math.max(account.balance_minor, 0)), BigInt(left));
  return due !== null && BigInt(due) >= spread
    ? { amount_minor: due, basis: 'due' }
    : { amount_minor: Number(spread), basis: 'balance_over_term' };
}

/** What is owed after so many equal instalments; interest is rounded half up each month. */
function leftAfter(amount: bigint, rate: bigint, months: number, instalment: bigint): bigint {
  const year = BASIS_POINTS * MONTHS;
  let owed = amount;
  for (let month = 0; month < months && owed > 0n; month++)
    owed = owed + (2n * owed * rate + year) / (2n * year) - instalment;
  return owed;
}

/**
 * The least equal monthly instalment that repays an amount with its interest in the term, in minor
 * units. Found by halving, so it is exact and the same on every machine.
 */
export function instalmentOf(
  amount_minor: number,
  term_months: number,
  annual_rate_bp: number,
): number {
  const [amount, rate] = [BigInt(amount_minor), BigInt(annual_rate_bp)];
  let low = 0n;
  let high = amount + (amount * rate) / BASIS_POINTS + 1n;
  while (low < high) {
    const middle = (low + high) / 2n;
    if (leftAfter(amount, rate, term_months, middle) <= 0n) high = middle;
    else low = middle + 1n;
  }
  return Number(low);
}

export interface Burden {
  readonly currency: string;
  /** Each month for what is open now, and with the new loan. */
  readonly now_minor: number;
  readonly with_new_minor: number;
  readonly new_instalment_minor: number;
  readonly past_due_minor: number;
  /** Accounts whose monthly amount was assumed, not furnished. */
  readonly assumed_accounts: number;
  /** Accounts in other currencies: counted nowhere above. */
  readonly other_currency_accounts: number;
  /** Share of the income in basis points; null without an income. */
  readonly now_of_income_bp: number | null;
  readonly with_new_of_income_bp: number | null;
}

function ofIncome(amount: number, income: number | null): number | null {
  if (income === null || income <= 0) return null;
  return Number((BigInt(amount) * BASIS_POINTS) / BigInt(income));
}

/** Debt burden in the currency of the application. */
export function burdenOf(accounts: readonly OpenAccount[], application: Application): Burden {
  const own = accounts.filter((each) => each.currency === application.currency);
  const obligations = own.map(obligationOf);
  const now_minor = obligations.reduce((total, each) => total + each.amount_minor, 0);
  const new_instalment_minor = instalmentOf(
    application.amount_minor,
    application.term_months,
    application.annual_rate_bp ?? 0,
  );
  const with_new_minor = now_minor + new_instalment_minor;
  return {
    currency: application.currency,
    now_minor,
    with_new_minor,
    new_instalment_minor,
    past_due_minor: own.reduce((total, each) => total + (each.past_due_minor ?? 0), 0),
    assumed_accounts: obligations.filter((each) => each.basis !== 'due').length,
    other_currency_accounts: accounts.length - own.length,
    now_of_income_bp: ofIncome(now_minor, application.income_minor),
    with_new_of_income_bp: ofIncome(with_new_minor, application.income_minor),
  };
}
