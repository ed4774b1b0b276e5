/**
 * What the card is compared with in the same folds: plain logistic regression on the raw columns.
 *
 * What must stay true: means, spreads and labels come from the rows of each fit alone.
 */

import type { Column } from './table.ts';
import { rowsOf } from './validate.ts';
import { fitLogistic } from './woe-logistic.ts';

/** Labels of a category that get an input of their own. */
const LABELS = 10;
const RIDGE = 1;

/** Standardised inputs of a column for all rows: itself, or one for each common label. */
function inputsOf(column: Column, isIn: Uint8Array): Float64Array[] {
  if (column.kind === 'category') {
    const counts = new Float64Array(column.labels.length);
    for (let row = 0; row < isIn.length; row += 1) {
      const code = column.codes[row] as number;
      if (code >= 0 && isIn[row] === 1) counts[code] = (counts[code] as number) + 1;
    }
    return [...counts.keys()]
      .sort((a, b) => (counts[b] as number) - (counts[a] as number))
      .slice(0, LABELS)
      .map((code) => Float64Array.from(column.codes, (own) => (own === code ? 1 : 0)));
  }
  let n = 0;
  let sum = 0;
  let square = 0;
  for (let row = 0; row < isIn.length; row += 1) {
    const value = column.values[row] as number;
    if (isIn[row] === 0 || Number.isNaN(value)) continue;
    n += 1;
    sum += value;
    square += value * value;
  }
  const mean = n === 0 ? 0 : sum / n;
  const spread = Math.sqrt(Math.max(0, square / Math.max(1, n) - mean * mean)) || 1;
  return [column.values.map((value) => (Number.isNaN(value) ? 0 : (value - mean) / spread))];
}

/** The logit of bad of every row of a fold, by a fit on all others. @param fold of every row */
export function plainLogistic(
  columns: readonly Column[],
  target: Uint8Array,
  fold: Uint8Array,
  folds: number,
): Float64Array {
  const risk = new Float64Array(target.length);
  for (let out = 0; out < folds; out += 1) {
    const isIn = fold.map((own) => (own === out ? 0 : 1));
    const rows = rowsOf(isIn, 1);
    const inputs = columns.flatMap((column) => inputsOf(column, isIn));
    const some = inputs.map((input) => Float64Array.from(rows, (row) => input[row] as number));
    const own = Uint8Array.from(rows, (row) => target[row] as number);
    const { intercept, weights } = fitLogistic(some, own, { ridge: RIDGE, isSigned: false });
    for (const row of rowsOf(isIn, 0)) {
      let logit = intercept;
      for (const [at, input] of inputs.entries())
        logit += (weights[at] as number) * (input[row] as number);
      risk[row] = logit;
    }
  }
  return risk;
}
