/**
 * From a score to a probability: a logistic link over the score (Platt 1999), fitted to scores
 * out of fold, kept as a table of whole numbers.
 *
 * What must stay true: the probability never rises as the score rises; a score that tells nothing
 * gets the rate of the sample.
 */
import type { Scale } from './card.ts';
import { logistic } from './measure.ts';
import { fitLogistic } from './woe-logistic.ts';

/** Scores cut to the scale, as whole numbers. */
export function cutScores(totals: Float64Array, { lowest, highest }: Scale): Float64Array {
  return totals.map((total) => Math.max(lowest, Math.min(highest, Math.round(total))));
}

export interface Calibration {
  /** For each score from the lowest to the highest. */
  readonly bad_ppm: number[];
  /** Logit of bad for one unit of the scale's logit: 1 when the scale holds as it is. */
  readonly slope: number;
}

/** @param scores cut to the scale, of rows that the card behind them had not seen */
export function calibrate(scores: Float64Array, target: Uint8Array, scale: Scale): Calibration {
  const factor = scale.double / Math.LN2;
  const scaleLogit = (score: number) => -Math.log(scale.odds) - (score - scale.score) / factor;
  const logits = scores.map(scaleLogit);
  const { intercept, weights } = fitLogistic([logits], target, { ridge: 1e-3, isSigned: true });
  const slope = weights[0] as number;
  const bad_ppm: number[] = [];
  for (let score = scale.lowest; score <= scale.highest; score += 1)
    bad_ppm.push(Math.round(1e6 * logistic(intercept + slope * scaleLogit(score))));
  return { bad_ppm, slope };
}
