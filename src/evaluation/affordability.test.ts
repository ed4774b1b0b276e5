import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleAccount, sampleMonth } from '../model/sample-facts.ts';
import { burdenOf, instalmentOf } from './affordability.ts';

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
  const owes = (balance_minor: number, due_minor: number | null = null) => [
    sampleMonth('2026-02', { balance_minor, due_minor, past_due_minor: 7 }),
  ];
  const line = sampleAccount({ months: owes(95_000) });
  const loan = sampleAccount({
    account_id: 'loan',
    kind: 'instalment_loan',
    term_months: 12,
    opened_on: '2025-11-10',
    months: owes(90_000, 9_000),
  });

  it('adds the new loan, in one currency, and says what was reckoned', () => {
    const dollars = { ...line, currency: 'USD' };
    const closed = { ...line, months: [sampleMonth('2026-02', { status: 'closed' })] };
    expect(burdenOf([loan, line, dollars, closed], application)).toEqual({
      currency: 'CNY',
      now_minor: 19_500,
      with_new_minor: 29_500,
      new_instalment_minor: 10_000,
      past_due_minor: 14,
      estimated_accounts: 1,
      other_currency_accounts: 1,
      now_of_income_bp: 1950,
      with_new_of_income_bp: 2950,
    });
  });

  it('has no share of an income that is not told', () => {
    const { now_of_income_bp } = burdenOf([loan], { ...application, income_minor: null });
    expect(now_of_income_bp).toBeNull();
  });
});
