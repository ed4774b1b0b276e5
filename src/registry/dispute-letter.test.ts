/** The letter says of every claim what became of it, in both languages. */
import { describe, expect, it } from 'vitest';
import { type DisputeOutcome, fieldName, letterOf, letterText } from '../model/dispute-letter.ts';
import { CLAIM_FIELDS } from '../wire/claim.ts';

const outcome = (over: object = {}): DisputeOutcome => ({
  dispute_id: 'd1',
  state: 'decided',
  opened_on: '2026-01-01',
  answer_due_on: '2026-01-31',
  ended_on: '2026-01-20',
  claims: [
    {
      ...{ claim_id: 'c1', field: 'balance_minor', period: '2025-12', furnisher: 'A lender' },
      currency: 'USD',
      ...{ held_value: '100', claimed_value: '7', state: 'corrected', decided_by: 'furnisher' },
      ...{ answer_value: '8', source_sha256: null, reason: 'a slip' },
    },
  ],
  compensation: { amount_minor: 30_000, currency: 'INR' },
  regulator: {
    name_en: 'The Bureau',
    name_zh: '监管局',
    url: 'https://x.example',
    answer_days: 30,
  },
  ...over,
});

describe('the letter', () => {
  it('in English', () => {
    expect(letterText(letterOf(outcome(), 'en'))).toBe(`The result of your dispute

You opened dispute d1 on 2026-01-01. It ended on 2026-01-20.

1. balance, 2025-12, furnished by A lender
   The file said: $1.00.
   You said: $0.07.
   The lender corrects it to: $0.08. The old value is not shown any more.
   Reason: a slip

The answer came late. You are owed ₹300.00.
Whoever was shown what was wrong has been told.
You may add a statement to your file, or open a new dispute with new evidence.
If you do not agree, you may complain to The Bureau: https://x.example (answered within 30 days)
`);
  });

  it('in Chinese, of the same claims', () => {
    const letter = letterOf(outcome(), 'zh');
    expect(letter.claims[0]?.heading).toBe('余额，2025-12，报送机构：A lender');
    expect(letter.claims[0]?.sentences).toHaveLength(4);
    expect(letter.closing).toHaveLength(4);
  });

  it('knows every field that can be contested', () => {
    const known = CLAIM_FIELDS.filter((field) => /[一-鿿]/.test(fieldName(field, 'zh')));
    expect(known).toEqual([...CLAIM_FIELDS]);
  });
});
