/**
 * What a person must pay each month over all lenders, and what a new loan would add.
 *
 * What must stay true: integer minor units, one currency at a time, nothing converted; what is
 * reckoned is said; what cannot be known is null, never nought.
 * Source: domain facts 5.5; what an account asks for is reckoned in model/file-summary.ts.
 */
import { type AccountFacts, isOpen, newestOf } from '../model/file-facts.ts';
import { duePerMonth } from '../model/file-summary.ts';

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

const BASIS_POINTS = 10_000n;
const MONTHS = 12n;
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
  /** Accounts whose monthly amount is reckoned, not furnished. */
  readonly estimated_accounts: number;
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

/** Debt burden in the currency of the application, from what the open accounts ask for. */
export function burdenOf(accounts: readonly AccountFacts[], application: Application): Burden {
  const open = accounts.filter(isOpen);
  const own = open.filter(({ currency }) => currency === application.currency);
  const dues = own.map(duePerMonth);
  const now_minor = dues.reduce((total, { minor }) => total + minor, 0);
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
    past_due_minor: own.reduce(
      (total, account) => total + (newestOf(account)?.past_due_minor ?? 0),
      0,
    ),
    estimated_accounts: dues.filter(({ is_estimated }) => is_estimated).length,
    other_currency_accounts: open.length - own.length,
    now_of_income_bp: ofIncome(now_minor, application.income_minor),
    with_new_of_income_bp: ofIncome(with_new_minor, application.income_minor),
  };
}
