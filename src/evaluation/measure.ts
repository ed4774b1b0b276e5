/**
 * How well scores part good from bad: AUC, Gini, KS, Brier, calibration, rank order. Pure.
 *
 * What must stay true: `risk` is higher for worse; ties count half, so a coarse score is not
 * flattered.
 */

export interface Discrimination {
  readonly auc: number;
  readonly gini: number;
  readonly ks: number;
}

/** Rows ordered by risk, ascending. */
function orderOf(risk: Float64Array): Uint32Array {
  const order = Uint32Array.from(risk.keys());
  return order.sort((a, b) => (risk[a] as number) - (risk[b] as number));
}

/** One step of the curve for each value of risk, from the highest risk down. */
export interface CurvePoint {
  /** Share of the good ones at this risk or above. */
  readonly good: number;
  /** Share of the bad ones at this risk or above. */
  readonly bad: number;
}

/** The ROC curve, its area, and the greatest gap. NaN figures when a class is empty. */
export function discrimination(
  risk: Float64Array,
  target: Uint8Array,
  curve?: CurvePoint[],
): Discrimination {
  const order = orderOf(risk);
  let totalBad = 0;
  for (const each of target) totalBad += each;
  const totalGood = target.length - totalBad;
  let good = 0;
  let bad = 0;
  let area = 0;
  let ks = 0;
  for (let at = order.length - 1; at >= 0; ) {
    const value = risk[order[at] as number] as number;
    const goodBefore = good;
    const badBefore = bad;
    while (at >= 0 && (risk[order[at] as number] as number) === value) {
      if (target[order[at] as number] === 1) bad += 1;
      else good += 1;
      at -= 1;
    }
    area += ((good - goodBefore) * (bad + badBefore)) / 2;
    ks = Math.max(ks, Math.abs(bad / totalBad - good / totalGood));
    curve?.push({ good: good / totalGood, bad: bad / totalBad });
  }
  const auc = area / (totalGood * totalBad);
  return { auc, gini: 2 * auc - 1, ks: totalGood > 0 && totalBad > 0 ? ks : Number.NaN };
}

/** People with one score. */
export interface ScoreCount {
  readonly score: number;
  readonly good: number;
  readonly bad: number;
}

/** z of a two-sided interval of 95 %. */
const Z95 = 1.959964;

/**
 * The 95 % interval of the AUC of scores of which lower is worse, from counts by score.
 * Source: DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988), for one curve. NaN when a class
 * has fewer than two.
 */
export function aucInterval(counts: readonly ScoreCount[]): {
  readonly from: number;
  readonly upto: number;
} {
  const sorted = [...counts].sort((left, right) => left.score - right.score);
  const good = sorted.reduce((sum, each) => sum + each.good, 0);
  const bad = sorted.reduce((sum, each) => sum + each.bad, 0);
  if (good < 2 || bad < 2) return { from: Number.NaN, upto: Number.NaN };
  let [goodBelow, badBelow] = [0, 0];
  const placed = sorted.map((each) => {
    // Share of the good above a bad one here, and of the bad below a good one: ties count half.
    const ofBad = 1 - (goodBelow + each.good / 2) / good;
    const ofGood = (badBelow + each.bad / 2) / bad;
    goodBelow += each.good;
    badBelow += each.bad;
    return { ...each, ofBad, ofGood };
  });
  const auc = placed.reduce((sum, each) => sum + each.bad * each.ofBad, 0) / bad;
  const ofBad = placed.reduce((sum, each) => sum + each.bad * (each.ofBad - auc) ** 2, 0);
  const ofGood = placed.reduce((sum, each) => sum + each.good * (each.ofGood - auc) ** 2, 0);
  const error = Math.sqrt(ofBad / (bad - 1) / bad + ofGood / (good - 1) / good);
  return { from: Math.max(0, auc - Z95 * error), upto: Math.min(1, auc + Z95 * error) };
}

/** Mean squared distance of the probability from what happened. */
export function brier(probability: Float64Array, target: Uint8Array): number {
  let sum = 0;
  for (let row = 0; row < target.length; row += 1) {
    sum += ((probability[row] as number) - (target[row] as number)) ** 2;
  }
  return sum / target.length;
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Standard deviation over a sample; 0 for fewer than two. */
export function spreadOf(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = meanOf(values);
  return Math.sqrt(
    values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1),
  );
}

export const logistic = (logit: number): number => 1 / (1 + Math.exp(-logit));
