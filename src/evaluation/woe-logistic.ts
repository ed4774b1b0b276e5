/**
 * Logistic regression with a ridge, by Newton's method (IRLS); weights may be held at zero or
 * above. With the weight of evidence as input it is the classic scorecard (Siddiqi 2006).
 *
 * What must stay true: inputs are centred by the caller or not, the intercept bears no ridge;
 * equal inputs give equal bits.
 */
import { logistic } from './measure.ts';

export interface LogisticOptions {
  readonly ridge: number;
  /** Weights at zero or above: a weight of evidence that turned its sign would mean the contrary. */
  readonly isSigned: boolean;
}

export interface LogisticFit {
  readonly intercept: number;
  readonly weights: Float64Array;
}

const NEWTON_STEPS = 25;
const SETTLED = 1e-7;

/** Minimises the quadratic form by coordinate descent, with weights held at zero or above. */
function descend(
  gram: Float64Array,
  right: Float64Array,
  start: Float64Array,
  isSigned: boolean,
): Float64Array {
  const n = right.length;
  const found = Float64Array.from(start);
  for (let round = 0; round < 500; round += 1) {
    let moved = 0;
    for (let at = 0; at < n; at += 1) {
      let rest = right[at] as number;
      const row = at * n;
      for (let other = 0; other < n; other += 1)
        rest -= (gram[row + other] as number) * (found[other] as number);
      const diagonal = gram[row + at] as number;
      let next = (found[at] as number) + rest / (diagonal + 1e-12);
      if (isSigned && at > 0 && next < 0) next = 0;
      moved = Math.max(moved, Math.abs(next - (found[at] as number)));
      found[at] = next;
    }
    if (moved < SETTLED) break;
  }
  return found;
}

/** @param inputs one column of numbers for each weight */
export function fitLogistic(
  inputs: readonly Float64Array[],
  target: Uint8Array,
  { ridge, isSigned }: LogisticOptions,
): LogisticFit {
  const rows = target.length;
  const size = inputs.length + 1;
  const columns = [new Float64Array(rows).fill(1), ...inputs];
  let weights = new Float64Array(size);
  let bad = 0;
  for (const each of target) bad += each;
  weights[0] = Math.log((bad + 0.5) / (rows - bad + 0.5));
  const logits = new Float64Array(rows);
  const curve = new Float64Array(rows);
  const residual = new Float64Array(rows);
  for (let step = 0; step < NEWTON_STEPS; step += 1) {
    logits.fill(0);
    for (const [at, column] of columns.entries()) {
      const weight = weights[at] as number;
      if (weight === 0) continue;
      for (let row = 0; row < rows; row += 1)
        logits[row] = (logits[row] as number) + weight * (column[row] as number);
    }
    for (let row = 0; row < rows; row += 1) {
      const p = logistic(logits[row] as number);
      curve[row] = Math.max(p * (1 - p), 1e-6);
      residual[row] = (target[row] as number) - p;
    }
    const gram = gramOf(columns, curve);
    const right = new Float64Array(size);
    for (let at = 0; at < size; at += 1) {
      let sum = 0;
      const column = columns[at] as Float64Array;
      for (let row = 0; row < rows; row += 1)
        sum += (column[row] as number) * (residual[row] as number);
      // The target of the quadratic form: gradient + H·w.
      for (let other = 0; other < size; other += 1)
        sum += (gram[at * size + other] as number) * (weights[other] as number);
      right[at] = sum;
      if (at > 0) gram[at * size + at] = (gram[at * size + at] as number) + ridge;
    }
    const next = descend(gram, right, weights, isSigned);
    const moved = next.reduce(
      (most, w, at) => Math.max(most, Math.abs(w - (weights[at] as number))),
      0,
    );
    weights = next as Float64Array<ArrayBuffer>;
    if (moved < 1e-5) break;
  }
  return { intercept: weights[0] as number, weights: weights.slice(1) };
}

function gramOf(columns: readonly Float64Array[], curve: Float64Array): Float64Array {
  const size = columns.length;
  const gram = new Float64Array(size * size);
  const weighted = new Float64Array(curve.length);
  for (const [at, column] of columns.entries()) {
    for (let row = 0; row < curve.length; row += 1)
      weighted[row] = (column[row] as number) * (curve[row] as number);
    for (let other = 0; other <= at; other += 1) {
      const against = columns[other] as Float64Array;
      let sum = 0;
      for (let row = 0; row < curve.length; row += 1)
        sum += (weighted[row] as number) * (against[row] as number);
      gram[at * size + other] = sum;
      gram[other * size + at] = sum;
    }
  }
  return gram;
}
