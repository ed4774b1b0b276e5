/** The evaluation as a whole: how much is known, what costs nothing, and what would help. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { adverseAction } from './adverse-action.ts';
import type { OpenAccount } from './affordability.ts';
import { CHARACTERISTICS } from './catalogue.ts';
import {
  type EvaluationFacts,
  evaluate,
  exposureOf,
  improvements,
  sealedForm,
  simulate,
} from './evaluate.ts';
import { ANY_CARD, anyRecord, sampleCard } from './sample-card.ts';

const LINE: OpenAccount = {
  currency: 'CNY',
  kind: 'revolving_line',
  balance_minor: 40_000,
  due_minor: 4_000,
  past_due_minor: null,
  limit_minor: 100_000,
  term_months: null,
  months_since_opened: 30,
  mean_balance_6m_minor: 30_000,
};
const VALUES = {
  ...Object.fromEntries(CHARACTERISTICS.map(({ id }) => [id, 0])),
  file_age: 30,
  months_shown: 24,
  lenders: 2,
};
const FACTS: EvaluationFacts = {
  day: '2026-06-30',
  values: { ...VALUES, days_past_due_max: 12, purpose: null, enquiries_6m: 4 },
  holds_hidden: false,
  accounts: [LINE],
  claims_open: 0,
  incomplete_since: null,
  application: null,
};
const cards = { full: sampleCard(), thin: null };

describe('how much is known', () => {
  it('is nothing, hidden, thin or enough; what is not known has no score', () => {
    const of = (over: Partial<EvaluationFacts>) => {
      const { sufficiency, score } = evaluate({ ...FACTS, ...over }, cards);
      return [sufficiency, score === null];
    };
    expect(of({})).toEqual(['scored', false]);
    expect(of({ values: null, accounts: [] })).toEqual(['no_hit', true]);
    expect(of({ values: null, accounts: [], holds_hidden: true })).toEqual(['suppressed', true]);
    expect(of({ values: { ...FACTS.values, months_shown: 5 } })).toEqual(['thin', true]);
    expect(of({ values: { ...FACTS.values, file_age: 3 } })).toEqual(['thin', true]);
    const thin = evaluate(
      { ...FACTS, values: { ...FACTS.values, file_age: 3 } },
      { full: null, thin: sampleCard() },
    );
    expect(thin.score).not.toBeNull();
    expect(evaluate(FACTS, { full: null, thin: null }).score).toBeNull();
  });

  it('costs no point when it is less by the person’s own choice, and is said', () => {
    const chosen = evaluate({ ...FACTS, incomplete_since: '2026-01-01' }, cards);
    expect(chosen.score).toEqual(evaluate(FACTS, cards).score);
    expect(chosen.incomplete_since).toBe('2026-01-01');
  });
});

describe('exposure', () => {
  it('keeps currencies and kinds apart, and an overdrawn line has nothing unused', () => {
    const loan = { ...LINE, kind: 'instalment_loan', balance_minor: 7_000, limit_minor: null };
    const over = { ...LINE, currency: 'USD', balance_minor: 120_000 };
    expect(exposureOf([over, LINE, loan])).toEqual([
      {
        currency: 'CNY',
        open_accounts: 2,
        limit_minor: 100_000,
        used_minor: 40_000,
        unused_minor: 60_000,
        loans_minor: 7_000,
      },
      {
        currency: 'USD',
        open_accounts: 1,
        limit_minor: 100_000,
        used_minor: 120_000,
        unused_minor: 0,
        loans_minor: 0,
      },
    ]);
  });
});

describe('the same facts and cards', () => {
  it('give the same bytes', () => {
    const once = sealedForm(evaluate(FACTS, cards));
    expect(sealedForm(evaluate(structuredClone(FACTS), structuredClone(cards)))).toEqual(once);
    expect(once.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what would help', () => {
  it('is what the card pays for: the simulator confirms each gain', () => {
    fc.assert(
      fc.property(
        ANY_CARD.chain((card) => fc.tuple(fc.constant(card), anyRecord(card))),
        ([card, record]) => {
          const willing = structuredClone(card);
          for (const each of willing.characteristics) each.reason.texts.en.improve = 'do it';
          const values = record as EvaluationFacts['values'] & object;
          for (const { characteristic, value, score, gain } of improvements(willing, values)) {
            const { now, changed } = simulate(willing, values, { [characteristic]: value });
            expect([changed, changed - now]).toEqual([score, gain]);
            expect(gain).toBeGreaterThan(0);
          }
        },
      ),
    );
  });
});

describe('the notice of a refusal', () => {
  it('has every field in both languages', () => {
    const { score } = evaluate(FACTS, cards);
    if (!score) throw new Error('a score');
    const source = { name: 'Registry', address: 'https://registry.example' };
    const notice = adverseAction(score, source, 'US');
    expect(notice.score).toEqual({ value: score.value, lowest: 300, highest: 850, day: FACTS.day });
    expect(notice.key_factors.length).toBeGreaterThan(0);
    expect(notice.key_factors.length).toBeLessThanOrEqual(5);
    expect(notice.free_copy.en).toContain('60 days');
    expect(adverseAction(score, source, 'CN').free_copy.en).not.toContain('60');
    for (const { en, zh } of [notice.not_decided_here, notice.dispute, notice.human_review])
      expect([en.length > 0, /[\u4e00-\u9fff]/.test(zh)]).toEqual([true, true]);
  });
});
