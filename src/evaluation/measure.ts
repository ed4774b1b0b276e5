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
  // Sorting the numbers themselves, with their places packed beside, is several times as fast as
  // a comparison by index; places are found again by the value.
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
