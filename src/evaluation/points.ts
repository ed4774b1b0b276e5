/**
 * From the shapes of a model to whole points of few bins.
 *
 * What must stay true: Score = offset − factor · logit(bad), factor = double / ln 2, offset =
 * score − factor · ln(odds) (Siddiqi 2006); the offset is spread evenly over the characteristics
 * and the base takes what is left; rounding and grouping keep every direction.
 */
import type { Scale } from './card.ts';
import type { Model, Part } from './model.ts';

export interface PointedPart {
  readonly part: Part;
  /** The bin of the card of every fine code; `other` and `missing` come last, as codes do. */
  readonly groups: Uint8Array;
  /** Points of every fine code: those of its bin. */
  readonly points: Int32Array;
}

export interface Pointed {
  readonly base: number;
  readonly parts: readonly PointedPart[];
}

/** What one more bin must win: squared points of error, mean over the people. */
const PRICE_OF_A_BIN = 0.005;
/** People in a bin of the card at least. */
const LEAST_SHARE = 0.005;

export const factorOf = ({ double }: Scale): number => double / Math.LN2;

/**
 * Cuts an ordered list into segments: least squared error plus a price for each, by dynamic
 * programming. @returns the segment of each place, from 0
 */
function segments(values: readonly number[], weights: readonly number[]): number[] {
  const n = values.length;
  const mass = [0];
  const sum = [0];
  const square = [0];
  for (const [at, value] of values.entries()) {
    const w = (weights[at] as number) + 1e-9;
    mass.push((mass[at] as number) + w);
    sum.push((sum[at] as number) + w * value);
    square.push((square[at] as number) + w * value * value);
  }
  const span = (list: number[], from: number, to: number) =>
    (list[to] as number) - (list[from] as number);
  const cost = [0];
  const from = [0];
  for (let end = 1; end <= n; end += 1) {
    let best = Infinity;
    let start = 0;
    for (let begin = 0; begin < end; begin += 1) {
      const w = span(mass, begin, end);
      const error = Math.max(0, span(square, begin, end) - span(sum, begin, end) ** 2 / w);
      const small = w < LEAST_SHARE && end - begin < n ? 1 : 0; // Dear, not forbidden.
      const total = (cost[begin] as number) + error + PRICE_OF_A_BIN + small;
      if (total < best) {
        best = total;
        start = begin;
      }
    }
    cost.push(best);
    from.push(start);
  }
  const segment = new Array<number>(n).fill(0);
  const starts: number[] = [];
  for (let end = n; end > 0; end = from[end] as number) starts.unshift(from[end] as number);
  for (let at = 0, own = -1; at < n; at += 1) {
    if (starts[own + 1] === at) own += 1;
    segment[at] = own;
  }
  return segment;
}

/** People at each code, as shares. */
function sharesOf({ bins }: Part, rows: Uint32Array): Float64Array {
  const shares = new Float64Array(bins.size);
  for (const row of rows)
    shares[bins.codes[row] as number] = (shares[bins.codes[row] as number] as number) + 1;
  return shares.map((count) => count / rows.length);
}

function pointPart(
  part: Part,
  wished: Float64Array,
  rows: Uint32Array,
  share: number,
): PointedPart & { error: number } {
  const { bins } = part;
  const shares = sharesOf(part, rows);
  const plain = bins.size - (bins.kind === 'number' ? 1 : 2);
  const order = Array.from({ length: plain }, (_, code) => code);
  if (bins.kind === 'category')
    order.sort((a, b) => (wished[b] as number) - (wished[a] as number) || a - b);
  const segment = segments(
    order.map((code) => wished[code] as number),
    order.map((code) => shares[code] as number),
  );
  const means = new Map<number, { mass: number; sum: number }>();
  for (const [at, code] of order.entries()) {
    const own = means.get(segment[at] as number) ?? { mass: 0, sum: 0 };
    const w = (shares[code] as number) + 1e-9;
    means.set(segment[at] as number, {
      mass: own.mass + w,
      sum: own.sum + w * (wished[code] as number),
    });
  }
  const groups = new Uint8Array(bins.size);
  const points = new Int32Array(bins.size);
  let group = -1;
  let last: number | null = null;
  for (const [at, code] of order.entries()) {
    const mean = means.get(segment[at] as number);
    const own = Math.round((mean ? mean.sum / mean.mass : 0) + share);
    if (own !== last) group += 1; // Neighbours with equal points are one bin.
    last = own;
    groups[code] = group;
    points[code] = own;
  }
  for (let code = plain; code < bins.size; code += 1) {
    group += 1;
    groups[code] = group;
    // Nobody was there to learn from: neither gained nor lost.
    const own = (shares[code] as number) === 0 ? 0 : (wished[code] as number);
    points[code] = Math.round(own + share);
  }
  let error = 0;
  for (let code = 0; code < bins.size; code += 1)
    error +=
      (shares[code] as number) * ((points[code] as number) - share - (wished[code] as number));
  return { part, groups, points, error };
}

/** Whole points of a model. @param rows of the fit, whose shares weigh the bins */
export function toPoints(model: Model, rows: Uint32Array, scale: Scale): Pointed {
  const factor = factorOf(scale);
  const total = scale.score - factor * Math.log(scale.odds) - factor * model.intercept;
  const share = model.parts.length === 0 ? 0 : Math.floor(total / model.parts.length);
  const parts = model.parts.map((part, at) => {
    const wished = (model.shapes[at] as Float64Array).map((logit) => -factor * logit);
    return pointPart(part, wished, rows, share);
  });
  // The mean of all roundings goes into the base, so that the scale holds for the mean person.
  const error = parts.reduce((sum, part) => sum + part.error, 0);
  const base = Math.round(total - share * model.parts.length - error);
  return { base, parts: parts.map(({ part, groups, points }) => ({ part, groups, points })) };
}

/** The score of a row before it is cut to the scale. */
export function totalOf({ base, parts }: Pointed, row: number): number {
  let total = base;
  for (let at = 0; at < parts.length; at += 1) {
    const own = parts[at] as PointedPart;
    total += own.points[own.part.bins.codes[row] as number] as number;
  }
  return total;
}
