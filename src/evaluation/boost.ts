/**
 * Additive boosting of binned characteristics: a generalised additive model whose shapes are
 * steps over the fine bins (Lou, Caruana, Gehrke 2012, "GA1M"), fitted by cyclic Newton boosting.
 * In each sweep every characteristic in turn takes a damped Newton step on its bins, with a ridge
 * and a penalty on jumps between neighbours, and is then made monotone (pool adjacent violators).
 *
 * What must stay true: a shape that has a direction is monotone after every step; equal inputs
 * give equal bits, so sums run in one order.
 */
import { logistic } from './measure.ts';

/** One characteristic as the fit sees it. */
export interface Feature {
  /** The code of each row. */
  readonly codes: Uint8Array;
  readonly size: number;
  /** How many codes from 0 on lie in an order; 0 for a category. */
  readonly ordered: number;
  /** How the logit of bad may move along the order. */
  readonly sign: -1 | 0 | 1;
}

export interface BoostOptions {
  readonly sweeps: number;
  /** Share of the Newton step that is taken. */
  readonly rate: number;
  readonly ridge: number;
  readonly smooth: number;
}

export interface Shapes {
  readonly intercept: number;
  /** Logit of bad for each code of each characteristic. */
  readonly shapes: readonly Float64Array[];
}

/** Weighted least squares under a direction, in place: pool adjacent violators. */
export function makeMonotone(
  values: Float64Array,
  weights: Float64Array,
  length: number,
  sign: -1 | 0 | 1,
): void {
  if (sign === 0) return;
  const means: number[] = [];
  const masses: number[] = [];
  const sizes: number[] = [];
  for (let at = 0; at < length; at += 1) {
    let mean = values[at] as number;
    let mass = (weights[at] as number) + 1e-9;
    let size = 1;
    while (means.length > 0 && sign * ((means.at(-1) as number) - mean) > 0) {
      const other = masses.pop() as number;
      mean = (mean * mass + (means.pop() as number) * other) / (mass + other);
      mass += other;
      size += sizes.pop() as number;
    }
    means.push(mean);
    masses.push(mass);
    sizes.push(size);
  }
  let at = 0;
  for (const [pool, size] of sizes.entries())
    for (const end = at + size; at < end; at += 1) values[at] = means[pool] as number;
}

/** Room for one step, reused. */
class Step {
  /** The second half is for every other row. */
  readonly gradient = new Float64Array(512);
  readonly hessian = new Float64Array(512);
  readonly delta = new Float64Array(256);
  readonly #upper = new Float64Array(256);
  readonly #next = new Float64Array(256);

  /** The damped, penalised Newton step from `shape`, into `delta`; `shape` moves with it. */
  take(shape: Float64Array, feature: Feature, { rate, ridge, smooth }: BoostOptions): void {
    const { gradient: g, hessian: h, delta } = this;
    const upper = this.#upper;
    const next = this.#next;
    const { ordered, size } = feature;
    for (let at = 0; at < size; at += 1) {
      const own = shape[at] as number;
      const before = at > 0 && at < ordered ? smooth : 0;
      const behind = at < ordered - 1 ? smooth : 0;
      let right = (g[at] as number) - ridge * own;
      if (before > 0) right -= before * (own - (shape[at - 1] as number));
      if (behind > 0) right -= behind * (own - (shape[at + 1] as number));
      // Thomas' algorithm over the chain; bins outside of it stand alone.
      const lower = -before;
      const diagonal = (h[at] as number) + ridge + before + behind;
      const pivot = before > 0 ? diagonal - lower * (upper[at - 1] as number) : diagonal;
      upper[at] = behind > 0 ? -behind / pivot : 0;
      delta[at] = (before > 0 ? right - lower * (delta[at - 1] as number) : right) / pivot;
    }
    for (let at = ordered - 2; at >= 0; at -= 1)
      delta[at] = (delta[at] as number) - (upper[at] as number) * (delta[at + 1] as number);
    for (let at = 0; at < size; at += 1)
      next[at] = (shape[at] as number) + rate * (delta[at] as number);
    makeMonotone(next, h, ordered, feature.sign);
    for (let at = 0; at < size; at += 1) {
      delta[at] = (next[at] as number) - (shape[at] as number);
      shape[at] = next[at] as number;
    }
  }
}

/** Moves each shape to a mean of zero over the rows, and the means into the intercept. */
function centre(
  intercept: number,
  features: readonly Feature[],
  shapes: readonly Float64Array[],
): Shapes {
  let moved = intercept;
  const centred = shapes.map((shape, at) => {
    const codes = features[at]?.codes ?? new Uint8Array(0);
    const counts = new Float64Array(256);
    for (const code of codes) counts[code] = (counts[code] as number) + 1;
    let mean = 0;
    for (let bin = 0; bin < shape.length; bin += 1)
      mean += ((counts[bin] as number) * (shape[bin] as number)) / Math.max(1, codes.length);
    moved += mean;
    return shape.map((value) => value - mean);
  });
  return { intercept: moved, shapes: centred };
}

/** Rows of a sweep: what each still misses, and how much it weighs. */
interface Rows {
  readonly residual: Float64Array;
  readonly weight: Float64Array;
}

/**
 * Gradient and hessian of each code. Two sums each, for neighbouring rows often share a code and
 * would wait for one another.
 */
function addUp(codes: Uint8Array, { residual, weight }: Rows, { gradient, hessian }: Step): void {
  gradient.fill(0);
  hessian.fill(0);
  const even = codes.length - (codes.length % 2);
  for (let row = 0; row < even; row += 2) {
    const a = codes[row] as number;
    const b = 256 + (codes[row + 1] as number);
    gradient[a] = (gradient[a] as number) + (residual[row] as number);
    gradient[b] = (gradient[b] as number) + (residual[row + 1] as number);
    hessian[a] = (hessian[a] as number) + (weight[row] as number);
    hessian[b] = (hessian[b] as number) + (weight[row + 1] as number);
  }
  if (even < codes.length) {
    const a = codes[even] as number;
    gradient[a] = (gradient[a] as number) + (residual[even] as number);
    hessian[a] = (hessian[a] as number) + (weight[even] as number);
  }
  for (let code = 0; code < 256; code += 1) {
    gradient[code] = (gradient[code] as number) + (gradient[256 + code] as number);
    hessian[code] = (hessian[code] as number) + (hessian[256 + code] as number);
  }
}

/** Residuals follow a step by their first order; the next sweep computes them again. */
function takeOff(codes: Uint8Array, moved: Float64Array, { residual, weight }: Rows): void {
  for (let row = 0; row < codes.length; row += 1)
    residual[row] =
      (residual[row] as number) - (weight[row] as number) * (moved[codes[row] as number] as number);
}

/** Fits the shapes on every row that is given. */
export function boost(
  features: readonly Feature[],
  target: Uint8Array,
  options: BoostOptions,
): Shapes {
  const rows = target.length;
  let bad = 0;
  for (const each of target) bad += each;
  let intercept = Math.log((bad + 0.5) / (rows - bad + 0.5));
  const logits = new Float64Array(rows).fill(intercept);
  const residual = new Float64Array(rows);
  const started = new Float64Array(rows);
  const weight = new Float64Array(rows);
  const shapes = features.map(({ size }) => new Float64Array(size));
  const step = new Step();
  for (let sweep = 0; sweep < options.sweeps; sweep += 1) {
    let sumResidual = 0;
    let sumWeight = 0;
    for (let row = 0; row < rows; row += 1) {
      const p = logistic(logits[row] as number);
      started[row] = (target[row] as number) - p;
      weight[row] = p * (1 - p) + 1e-12;
      sumResidual += started[row] as number;
      sumWeight += weight[row] as number;
    }
    const shift = sumResidual / (sumWeight + 1e-9);
    intercept += shift;
    for (let row = 0; row < rows; row += 1)
      residual[row] = (started[row] as number) - (weight[row] as number) * shift;
    for (const [at, feature] of features.entries()) {
      addUp(feature.codes, { residual, weight }, step);
      step.take(shapes[at] as Float64Array, feature, options);
      takeOff(feature.codes, step.delta, { residual, weight });
    }
    // How far a logit has moved is what its residual has lost, by weight.
    for (let row = 0; row < rows; row += 1)
      logits[row] =
        (logits[row] as number) +
        ((started[row] as number) - (residual[row] as number)) / (weight[row] as number);
  }
  return centre(intercept, features, shapes);
}
