/**
 * Monitoring: how a card holds up on people it was not fitted on. Pure figures with limits.
 *
 * What must stay true: limits are those of `LIMITS` (domain practice; PSI after Lewis 1994, whose
 * size depends on the sample: two random halves of 1,000 people in 10 bands already differ by
 * about 0.02); a figure without enough people has no light but "unknown".
 */
import type { Card, Characteristic } from './card.ts';
import { discrimination } from './measure.ts';

export type Light = 'green' | 'amber' | 'red' | 'unknown';

export const LIMITS = {
  psi: { amber: 0.1, red: 0.25 },
  /** Loss of AUC against the development, in hundredths of AUC over 100. */
  auc_loss: { amber: 0.02, red: 0.04 },
  /** Observed over expected bad ones, to both sides. */
  calibration: { amber: 1.25, red: 1.5 },
  /** Bands in which the bad rate does not fall as the score rises. */
  reversals: { amber: 1, red: 2 },
  /** Points by which a score may move, and the share of scores that may move further. */
  canary: { points: 10, share: 0.005 },
} as const;

/** Bands of people, from the lowest score up. */
export const BANDS = 10;
/** Fewer people than this say nothing about a distribution. */
const LEAST_PEOPLE = 100;

const lightOf = (value: number, { amber, red }: { amber: number; red: number }): Light => {
  if (!Number.isFinite(value)) return 'unknown';
  return value > red ? 'red' : value > amber ? 'amber' : 'green';
};

/** Population stability index of two lists of counts; an empty band counts as half a person. */
export function stabilityIndex(before: ArrayLike<number>, now: ArrayLike<number>): number {
  let totalBefore = 0;
  let totalNow = 0;
  for (let at = 0; at < before.length; at += 1) {
    totalBefore += before[at] as number;
    totalNow += now[at] as number;
  }
  let index = 0;
  for (let at = 0; at < before.length; at += 1) {
    const b = before[at] as number;
    const n = now[at] as number;
    if (b === 0 && n === 0) continue;
    const p = Math.max(b, 0.5) / totalBefore;
    const q = Math.max(n, 0.5) / totalNow;
    index += (q - p) * Math.log(q / p);
  }
  return index;
}

/** Scores at which bands of equal size end; the last has no end. Fewer when scores repeat. */
export function bandEnds(scores: ArrayLike<number>, bands: number = BANDS): number[] {
  const sorted = Float64Array.from(scores).sort();
  const ends: number[] = [];
  for (let band = 1; band < bands; band += 1) {
    const end = sorted[Math.floor((band * sorted.length) / bands) - 1];
    if (end !== undefined && end !== ends.at(-1) && end < (sorted.at(-1) ?? end)) ends.push(end);
  }
  return ends;
}

export function bandOf(score: number, ends: readonly number[]): number {
  const at = ends.findIndex((end) => score <= end);
  return at < 0 ? ends.length : at;
}

/** How many scores are in each band. */
export function bandCounts(scores: ArrayLike<number>, ends: readonly number[]): Float64Array {
  const counts = new Float64Array(ends.length + 1);
  for (let row = 0; row < scores.length; row += 1) {
    const band = bandOf(scores[row] as number, ends);
    counts[band] = (counts[band] as number) + 1;
  }
  return counts;
}

export interface Stability {
  readonly psi: number;
  readonly light: Light;
}

/** How far the scores of two groups of people differ, in bands of the first. */
export function scoreStability(before: ArrayLike<number>, now: ArrayLike<number>): Stability {
  const ends = bandEnds(before);
  const psi = stabilityIndex(bandCounts(before, ends), bandCounts(now, ends));
  const isEnough = Math.min(before.length, now.length) >= LEAST_PEOPLE;
  return { psi, light: isEnough ? lightOf(psi, LIMITS.psi) : 'unknown' };
}

/** The bin of a value, in the order of `binsOf`: bins, other (of a category), missing. */
export function binIndex(characteristic: Characteristic, value: number | string | null): number {
  const { bins } = characteristic;
  if (characteristic.kind === 'category') {
    if (value === null) return bins.length + 1;
    const at = characteristic.bins.findIndex(({ values }) => values.includes(String(value)));
    return at < 0 ? bins.length : at;
  }
  if (value === null) return bins.length;
  return characteristic.bins.findIndex(({ upto }) => upto === null || Number(value) <= upto);
}

/** Characteristic stability index of counts by bin, against those of the card or another sample. */
export function characteristicStability(
  before: ArrayLike<number>,
  now: ArrayLike<number>,
): Stability {
  const psi = stabilityIndex(before, now);
  const people = Array.from(now).reduce((sum, n) => sum + n, 0);
  return { psi, light: people >= LEAST_PEOPLE ? lightOf(psi, LIMITS.psi) : 'unknown' };
}

export interface Band {
  /** Scores up to here, from the end of the band before; null: no end. */
  readonly upto: number | null;
  readonly people: number;
  readonly bad: number;
  readonly bad_rate: number;
  /** Mean probability of bad by the card. */
  readonly expected: number;
  /** Observed over expected. */
  readonly ratio: number;
  readonly light: Light;
}

/** Fewer than five bad ones, seen and expected, say nothing. @param ratio observed over expected */
export const calibrationLight = (ratio: number, bad: number, expected: number): Light => {
  if (Math.max(bad, expected) < 5) return 'unknown';
  return lightOf(Math.max(ratio, 1 / ratio), LIMITS.calibration);
};

/** Observed and expected by band of score, from the lowest up. */
export function calibrationBands(
  card: Pick<Card, 'scale' | 'bad_ppm'>,
  scores: ArrayLike<number>,
  target: Uint8Array,
  bands: number = BANDS,
): Band[] {
  const ends = bandEnds(scores, bands);
  const people = new Float64Array(ends.length + 1);
  const bad = new Float64Array(ends.length + 1);
  const expected = new Float64Array(ends.length + 1);
  for (let row = 0; row < target.length; row += 1) {
    const score = scores[row] as number;
    const band = bandOf(score, ends);
    people[band] = (people[band] as number) + 1;
    bad[band] = (bad[band] as number) + (target[row] as number);
    const ppm = card.bad_ppm[score - card.scale.lowest] ?? 0;
    expected[band] = (expected[band] as number) + ppm / 1e6;
  }
  return Array.from(people, (n, at) => {
    const observed = bad[at] as number;
    const wanted = expected[at] as number;
    const ratio = observed / wanted;
    return {
      upto: ends[at] ?? null,
      people: n,
      bad: observed,
      bad_rate: observed / n,
      expected: wanted / n,
      ratio,
      light: calibrationLight(ratio, observed, wanted),
    };
  });
}

/** Bands whose bad rate is not below that of the band under them. */
export function rankReversals(bands: readonly Pick<Band, 'bad_rate'>[]): number {
  return bands.filter(({ bad_rate }, at) => at > 0 && bad_rate > (bands[at - 1]?.bad_rate ?? 1))
    .length;
}

export const reversalLight = (reversals: number): Light =>
  reversals >= LIMITS.reversals.red
    ? 'red'
    : reversals >= LIMITS.reversals.amber
      ? 'amber'
      : 'green';

export interface Performance {
  readonly auc: number;
  readonly gini: number;
  readonly ks: number;
  /** Against the AUC of the development; unknown without it or with few bad ones. */
  readonly light: Light;
}

/** @param developed the AUC out of fold when the card was made, in ten-thousandths */
export function performanceOf(
  scores: ArrayLike<number>,
  target: Uint8Array,
  developed: number | null,
): Performance {
  const risk = Float64Array.from(target, (_, row) => -(scores[row] as number));
  const measured = discrimination(risk, target);
  const bad = target.reduce((sum, each) => sum + each, 0);
  const loss = (developed ?? Number.NaN) / 10_000 - measured.auc;
  return { ...measured, light: bad < 50 ? 'unknown' : lightOf(loss, LIMITS.auc_loss) };
}

export interface CardsCompared {
  readonly people: number;
  readonly moved: number;
  readonly moved_share: number;
  readonly mean_change: number;
  readonly greatest_change: number;
  /** More than 0.5 % of scores move by more than 10 points: not without a signature. */
  readonly is_blocked: boolean;
}

/**
 * The canary of a promotion: how far scores move from one card to the next (lesson of CFPB v.
 * Equifax 2025: a change of code that silently moved scores).
 */
export function compareCards(before: ArrayLike<number>, after: ArrayLike<number>): CardsCompared {
  if (before.length !== after.length) throw new Error('scores of different people');
  const people = before.length;
  let moved = 0;
  let sum = 0;
  let greatest = 0;
  for (let row = 0; row < people; row += 1) {
    const change = (after[row] as number) - (before[row] as number);
    if (Math.abs(change) > LIMITS.canary.points) moved += 1;
    if (Math.abs(change) > Math.abs(greatest)) greatest = change;
    sum += change;
  }
  const moved_share = people === 0 ? 0 : moved / people;
  return {
    people,
    moved,
    moved_share,
    mean_change: people === 0 ? 0 : sum / people,
    greatest_change: greatest,
    is_blocked: moved_share > LIMITS.canary.share,
  };
}
