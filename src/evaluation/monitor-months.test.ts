import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHARACTERISTICS, type CharacteristicValues } from './catalogue.ts';
import { aucInterval, type ScoreCount } from './measure.ts';
import { MonthCounts, type MonthFigures } from './monitor-months.ts';
import { monthsHtml } from './monitor-report.ts';
import { catalogueCard } from './sample-catalogue-card.ts';

/** DeLong's interval pair by pair, as the paper writes it. */
function byPairs(counts: readonly ScoreCount[]) {
  const list = (of: 'good' | 'bad') =>
    counts.flatMap(({ score, ...each }) => Array<number>(each[of]).fill(score));
  const [good, bad] = [list('good'), list('bad')];
  const win = (b: number, g: number) => (g > b ? 1 : g === b ? 0.5 : 0);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const variance = (values: readonly number[]) =>
    values.reduce((sum, each) => sum + (each - mean(values)) ** 2, 0) / (values.length - 1);
  const ofBad = bad.map((b) => mean(good.map((g) => win(b, g))));
  const ofGood = good.map((g) => mean(bad.map((b) => win(b, g))));
  const error = Math.sqrt(variance(ofBad) / bad.length + variance(ofGood) / good.length);
  return [Math.max(0, mean(ofBad) - 1.959964 * error), Math.min(1, mean(ofBad) + 1.959964 * error)];
}

const COUNT = fc.record({
  score: fc.integer({ min: 400, max: 420 }),
  good: fc.integer({ min: 0, max: 6 }),
  bad: fc.integer({ min: 0, max: 6 }),
});

describe('the interval of an AUC', () => {
  it('is what counting every pair gives', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(COUNT, { selector: ({ score }) => score, minLength: 1, maxLength: 12 }),
        (counts) => {
          const total = (of: 'good' | 'bad') => counts.reduce((sum, each) => sum + each[of], 0);
          fc.pre(total('good') > 1 && total('bad') > 1);
          const { from, upto } = aucInterval(counts);
          const [low = 0, high = 0] = byPairs(counts);
          expect(from).toBeCloseTo(low, 9);
          expect(upto).toBeCloseTo(high, 9);
        },
      ),
    );
  });

  it('is unknown of fewer than two of a class', () => {
    expect(aucInterval([{ score: 500, good: 9, bad: 1 }]).from).toBeNaN();
  });
});

const values = (late: number): CharacteristicValues => ({
  ...Object.fromEntries(CHARACTERISTICS.map(({ id }) => [id, 0])),
  ...{ file_age: 24, months_shown: 24, worst_days_past_due_12m: late },
});

describe('a month', () => {
  const card = catalogueCard(1);
  const counts = new MonthCounts(card);
  for (let n = 0; n < 400; n += 1)
    counts.add(values(n % 4 === 0 ? 90 : 0), n % 5 === 0 ? 'bad' : 'good');
  counts.add(values(0), null);
  counts.add({ ...values(0), file_age: 2 }, 'bad'); // For the thin card: counted nowhere.
  const month = (period: string, isOver: boolean): MonthFigures => ({
    ...{ period, day: `${period}-28`, ...counts.stability() },
    outcome: isOver ? counts.outcome() : null,
  });

  it('counts everybody for its stability, and those who turned out for its outcome', () => {
    const { people, outcome } = month('2026-01', true);
    expect(people).toBe(401);
    expect(outcome).toMatchObject({ people: 400, bad: 80 });
    const bands = outcome?.bands.reduce((sum, each) => sum + each.people, 0);
    expect(bands).toBe(400);
    const { auc } = outcome?.performance ?? { auc: 0 };
    expect(outcome?.auc_interval.from).toBeLessThan(auc);
    expect(outcome?.auc_interval.upto).toBeGreaterThan(auc);
  });

  it('is a row of the report, that says when its outcome is not known yet', () => {
    const report = {
      card: { name: 'a<b', version: 1, sha256: 'f'.repeat(64) },
      ...{ auc_e4: 7500, made_on: '2026-03-01' },
      months: [month('2026-01', true), month('2026-02', false)],
    };
    const text = monthsHtml(report);
    expect(text.match(/not over yet/g)).toHaveLength(1);
    expect(text).toContain('known of 1 of 2 months');
    expect(text).toContain('a&lt;b');
    expect(text).not.toMatch(/NaN|Infinity|undefined/);
    expect(monthsHtml({ ...report, auc_e4: null, months: [month('2026-02', false)] })).not.toMatch(
      /NaN|Infinity|undefined/,
    );
    // What came over HTTP has null where a figure is not a number.
    const sent = JSON.parse(JSON.stringify(report)) as typeof report;
    expect(monthsHtml(sent)).toBe(text);
  });
});
