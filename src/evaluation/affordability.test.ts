import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burdenOf, instalmentOf, type OpenAccount, obligationOf } from './affordability.ts';

const LOAN: OpenAccount = {
  currency: 'CNY',
  kind: 'instalment_loan',
  balance_minor: 90_000,
  due_minor: null,
  past_due_minor: null,
  limit_minor: null,
  term_months: 12,
  months_since_opened: 3,
  mean_balance_6m_minor: 95_000,
};
const LINE: OpenAccount = { ...LOAN, kind: 'revolving_line', limit_minor: 200_000 };

describe('what an account takes each month', () => {
  it('is a loan’s due, and at least the balance over the months left', () => {
    expect(obligationOf(LOAN)).toEqual({ amount_minor: 10_000, basis: 'balance_over_term' });
    expect(obligationOf({ ...LOAN, due_minor: 11_000 })).toEqual({
      amount_minor: 11_000,
      basis: 'due',
    });
    expect(obligationOf({ ...LOAN, due_minor: 9_000 }).amount_minor).toBe(10_000);
  });

  it('is the whole balance of a loan past its term', () => {
    expect(obligationOf({ ...LOAN, months_since_opened: 30 }).amount_minor).toBe(90_000);
  });

  it('is a line’s due, or a tenth of its mean use, and says so', () => {
    expect(obligationOf({ ...LINE, due_minor: 0 })).toEqual({ amount_minor: 0, basis: 'due' });
    expect(obligationOf(LINE)).toEqual({ amount_minor: 9_500, basis: 'assumed_tenth' });
  });
});

describe('an instalment', () => {
  it('is the amount over the months without interest, rounded up', () => {
    expect(instalmentOf(120_000, 12, 0)).toBe(10_000);
    expect(instalmentOf(100_000, 12, 0)).toBe(8_334);
  });

  it('agrees with the annuity formula to a minor unit or two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10_000, max: 100_000_000 }),
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 4_000 }),
        (amount, months, rate) => {
          const r = rate / 120_000;
          const annuity = (amount * r) / (1 - (1 + r) ** -months);
          expect(Math.abs(instalmentOf(amount, months, rate) - annuity)).toBeLessThanOrEqual(2);
        },
      ),
    );
  });

  it('rises with the rate and falls with the term', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 5_000 }),
        (amount, months, rate) => {
          const here = instalmentOf(amount, months, rate);
          expect(instalmentOf(amount, months, rate + 100)).toBeGreaterThanOrEqual(here);
          expect(instalmentOf(amount, months + 1, rate)).toBeLessThanOrEqual(here + 1);
        },
      ),
    );
  });
});

describe('the burden', () => {
  const application = {
    amount_minor: 120_000,
    currency: 'CNY',
    term_months: 12,
    annual_rate_bp: null,
    income_minor: 100_000,
  };

  it('adds the new loan, in one currency, and says what was assumed', () => {
    const dollars = { ...LINE, currency: 'USD' };
    expect(burdenOf([LOAN, LINE, dollars], application)).toEqual({
      currency: 'CNY',
      now_minor: 19_500,
      with_new_minor: 29_500,
      new_instalment_minor: 10_000,
      past_due_minor: 0,
      assumed_accounts: 2,
      other_currency_accounts: 1,
      now_of_income_bp: 1950,
      with_new_of_income_bp: 2950,
    });
  });

  it('has no share of an income that is not told', () => {
    const { now_of_income_bp } = burdenOf([LOAN], { ...application, income_minor: null });
    expect(now_of_income_bp).toBeNull();
  });
});
