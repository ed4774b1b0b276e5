import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeMonotone } from './boost.ts';
import { fairnessOf } from './fairness.ts';
import { discrimination } from './measure.ts';
import {
  bandEnds,
  calibrationBands,
  compareCards,
  rankReversals,
  scoreStability,
  stabilityIndex,
} from './monitor.ts';
import { sampleCard } from './sample-card.ts';

const PEOPLE = fc.array(fc.record({ risk: fc.integer({ min: 0, max: 20 }), bad: fc.boolean() }), {
  minLength: 2,
  maxLength: 60,
});

describe('AUC and KS', () => {
  it('are what counting every pair and every cut-off gives', () => {
    fc.assert(
      fc.property(PEOPLE, (people) => {
        const risk = Float64Array.from(people, ({ risk: own }) => own);
        const target = Uint8Array.from(people, ({ bad }) => (bad ? 1 : 0));
        const bad = people.filter((each) => each.bad);
        const good = people.filter((each) => !each.bad);
        fc.pre(bad.length > 0 && good.length > 0);
        const wins = bad.flatMap((b) =>
          good.map((g) => (b.risk > g.risk ? 1 : b.risk === g.risk ? 0.5 : 0)),
        );
        const auc = wins.reduce((sum: number, win) => sum + win, 0) / wins.length;
        const shareFrom = (list: typeof people, cut: number) =>
          list.filter((each) => each.risk >= cut).length / list.length;
        const gaps = people.map((each) =>
          Math.abs(shareFrom(bad, each.risk) - shareFrom(good, each.risk)),
        );
        const found = discrimination(risk, target);
        expect(found.auc).toBeCloseTo(auc, 10);
        expect(found.ks).toBeCloseTo(Math.max(...gaps), 10);
      }),
    );
  });
});

describe('stability', () => {
  it('is nothing between equals and grows with the difference', () => {
    expect(stabilityIndex([10, 20, 30], [100, 200, 300])).toBeCloseTo(0, 10);
    expect(stabilityIndex([50, 50], [90, 10])).toBeCloseTo(0.8789, 3);
    const scores = Array.from({ length: 1000 }, (_, at) => 400 + (at % 200));
    expect(scoreStability(scores, scores)).toEqual({ psi: 0, light: 'green' });
    expect(
      scoreStability(
        scores,
        scores.map((score) => score + 120),
      ).light,
    ).toBe('red');
    expect(scoreStability(scores, scores.slice(0, 50)).light).toBe('unknown');
  });

  it('cuts bands that hold everybody', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 300, max: 320 }), { minLength: 1 }), (scores) => {
        const ends = bandEnds(scores);
        expect(ends).toEqual([...new Set(ends)].sort((a, b) => a - b));
        expect(ends.every((end) => end < Math.max(...scores))).toBe(true);
      }),
    );
  });
});

it('bands compare what was expected with what came', () => {
  const card = { ...sampleCard(), bad_ppm: sampleCard().bad_ppm.map(() => 500_000) };
  const scores = Float64Array.from({ length: 400 }, (_, at) => 400 + (at % 2) * 100);
  const target = Uint8Array.from({ length: 400 }, (_, at) =>
    at % 2 === 0 ? 1 : at % 4 === 1 ? 1 : 0,
  );
  const bands = calibrationBands(card, scores, target);
  expect(bands.map(({ people, bad, ratio, light }) => [people, bad, ratio, light])).toEqual([
    [200, 200, 2, 'red'],
    [200, 100, 1, 'green'],
  ]);
  expect(rankReversals(bands)).toBe(0);
  expect(rankReversals([...bands].reverse())).toBe(1);
});

it('a promotion is blocked when over 0.5 % of scores move by more than 10 points', () => {
  const before = Array.from({ length: 1000 }, () => 500);
  const moved = (n: number, by: number) => before.map((score, at) => (at < n ? score + by : score));
  expect(compareCards(before, moved(5, 11)).is_blocked).toBe(false);
  expect(compareCards(before, moved(6, -11))).toMatchObject({
    moved: 6,
    is_blocked: true,
    greatest_change: -11,
  });
  expect(compareCards(before, moved(900, 10)).is_blocked).toBe(false);
});

it('no group too small to judge is flagged', () => {
  const labels = ['large', 'small'];
  const codes = Int32Array.from({ length: 2014 }, (_, at) => (at < 2000 ? 0 : 1));
  const column = { kind: 'category' as const, name: 'group', labels, codes };
  const scores = Float64Array.from(codes, (code) => (code === 0 ? 600 : 400));
  const target = Uint8Array.from(codes, (_, at) => (at % 4 === 0 ? 1 : 0));
  const expected = scores.map(() => 0.25);
  const small = fairnessOf(column, scores, expected, target, 500).groups[1];
  expect(small).toMatchObject({
    group: 'small',
    approval_ratio: 0,
    is_large_enough: false,
    flags: [],
  });
  const half = { ...column, codes: codes.map((_, at) => at % 2) };
  const unequal = Float64Array.from(half.codes, (code) => (code === 0 ? 600 : 400));
  const balanced = Uint8Array.from(half.codes, (_, at) => (at % 4 < 2 ? 1 : 0));
  const groups = fairnessOf(half, unequal, expected, balanced, 500).groups;
  expect(groups[1]?.flags).toContain('approval below four fifths');
});

it('pooling gives the nearest monotone steps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 1, maxLength: 30 }),
      (list) => {
        const made = Float64Array.from(list);
        const weights = made.map((_, at) => 1 + (at % 3));
        makeMonotone(made, weights, made.length, 1);
        expect(made.every((value, at) => at === 0 || value >= (made[at - 1] ?? value))).toBe(true);
        const mean = (values: ArrayLike<number>) =>
          Array.from(values).reduce((sum, v, at) => sum + v * (weights[at] ?? 0), 0);
        expect(mean(made)).toBeCloseTo(mean(list), 5);
        const again = made.slice();
        makeMonotone(again, weights, made.length, 1);
        expect([...again].map((v) => v.toFixed(9))).toEqual([...made].map((v) => v.toFixed(9)));
      },
    ),
  );
});
