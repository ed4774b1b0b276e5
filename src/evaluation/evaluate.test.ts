/** The evaluation as a whole: how much is known, what costs nothing, and what would help. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addMonths } from '../model/period.ts';
import { sampleAccount, sampleFacts, sampleMonth } from '../model/sample-facts.ts';
import { adverseAction } from './adverse-action.ts';
import { characteristicsOf } from './characteristics-of.ts';
import { type EvaluationFacts, evaluate, improvements, simulate } from './evaluate.ts';
import { ANY_CARD, anyRecord } from './sample-card.ts';
import { catalogueCard } from './sample-catalogue-card.ts';

const account = (months: number, over = {}) =>
  sampleAccount({
    opened_on: `${addMonths('2026-02', 1 - months)}-01`,
    months: Array.from({ length: months }, (_, at) =>
      sampleMonth(addMonths('2026-02', at + 1 - months), { limit_minor: 1000, ...over }),
    ),
  });
const on = (over: Parameters<typeof sampleFacts>[0]): EvaluationFacts => ({
  facts: sampleFacts(over),
  thin: { months_open: 6, months_shown: 6 },
  counts_once_days: 14,
  application: null,
});
const full = catalogueCard();
const cards = { full, thin: null };

describe('how much is known', () => {
  it('is nothing, hidden, thin or enough; what is not known has no score', () => {
    const of = (facts: EvaluationFacts, withCards: Parameters<typeof evaluate>[1] = cards) => {
      const { sufficiency, score } = evaluate(facts, withCards);
      return [sufficiency, score !== null];
    };
    const known = on({ accounts: [account(12)] });
    expect(of(known)).toEqual(['scored', true]);
    expect(of(known, { full: null, thin: null })).toEqual(['scored', false]);
    expect(of(on({}))).toEqual(['no_hit', false]);
    expect(of(on({ known_accounts: 1 }))).toEqual(['suppressed', false]);
    const frozen = { kind: 'freeze' as const, placed_at: '2026-01-01', expires_at: null };
    expect(of(on({ accounts: [account(12)], blocks: [frozen] }))).toEqual(['suppressed', false]);
    const young = on({ accounts: [account(5)] });
    expect(of(young)).toEqual(['thin', false]);
    expect(of(young, { full, thin: full })).toEqual(['thin', true]);
  });

  it('costs no point when it is less by the person’s own choice, and is said', () => {
    const chosen = evaluate(on({ accounts: [account(12)], incomplete_since: '2026-01-01' }), cards);
    expect(chosen.score).toEqual(evaluate(on({ accounts: [account(12)] }), cards).score);
    expect(chosen.incomplete_since).toBe('2026-01-01');
  });

  it('makes the range of the score narrower', () => {
    const width = (months: number) => {
      const range = evaluate(on({ accounts: [account(months)] }), cards).score?.range;
      return range ? range.to - range.from : null;
    };
    expect([width(12), width(13)]).toEqual([50, 20]);
  });
});

describe('the score', () => {
  it('falls with lateness, and its first reason says so in both languages', () => {
    const late = evaluate(on({ accounts: [account(12, { days_past_due: 45 })] }), cards).score;
    const good = evaluate(on({ accounts: [account(12)] }), cards).score;
    expect((good?.value ?? 0) - (late?.value ?? 0)).toBe(100);
    expect(late?.reasons[0]).toMatchObject({
      characteristic: 'worst_days_past_due_12m',
      points_lost: 100,
      texts: {
        en: { says: 'A payment was late in the last 12 months' },
        zh: { says: '近12个月内有逾期' },
      },
    });
  });
});

describe('the same facts and cards', () => {
  it('give the same evaluation', () => {
    const facts = on({ accounts: [account(12)] });
    const once = JSON.stringify(evaluate(facts, cards));
    expect(JSON.stringify(evaluate(structuredClone(facts), structuredClone(cards)))).toBe(once);
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
          const values = record as Record<string, number | null>;
          for (const { characteristic, value, score, gain } of improvements(willing, values)) {
            const { now, changed } = simulate(willing, values, { [characteristic]: value });
            expect([changed, changed - now]).toEqual([score, gain]);
            expect(gain).toBeGreaterThan(0);
          }
        },
      ),
    );
  });

  it('names what a person can do, the most first', () => {
    const facts = sampleFacts({
      accounts: [account(12, { days_past_due: 45, balance_minor: 900 })],
    });
    const values = characteristicsOf(facts);
    if (!values) throw new Error('nothing is seen');
    expect(improvements(full, values)).toEqual([
      { characteristic: 'worst_days_past_due_12m', value: 0, score: 535, gain: 100 },
      { characteristic: 'utilisation', value: 5000, score: 455, gain: 20 },
    ]);
  });
});

describe('the notice of a refusal', () => {
  it('has every field in both languages', () => {
    const { score } = evaluate(on({ accounts: [account(12, { days_past_due: 45 })] }), cards);
    if (!score) throw new Error('a score');
    const source = { name: 'Registry', address: 'https://registry.example' };
    const notice = adverseAction(score, source, 'US');
    expect(notice.score).toEqual({
      value: score.value,
      lowest: 300,
      highest: 850,
      day: '2026-03-05',
    });
    expect(notice.key_factors.length).toBeGreaterThan(0);
    expect(notice.key_factors.length).toBeLessThanOrEqual(5);
    expect(notice.free_copy.en).toContain('60 days');
    expect(adverseAction(score, source, 'CN').free_copy.en).not.toContain('60');
    for (const { en, zh } of [notice.not_decided_here, notice.dispute, notice.human_review])
      expect([en.length > 0, /[\u4e00-\u9fff]/.test(zh)]).toEqual([true, true]);
  });
});
