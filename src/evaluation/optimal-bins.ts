/**
 * Optimal binning: fine bins put together so that the likelihood of good and bad, less a price for
 * each bin, is greatest among all ways that are monotone and have bins of a least size (dynamic
 * programming; compare Navas-Palencia 2020, "Optimal binning", arXiv:2001.08025). Weight of
 * evidence and information value (Siddiqi 2006).
 *
 * What must stay true: missing is a bin of its own; categories are grouped by their rate of bad;
 * a direction that is given holds for the rates of the bins in their order.
 */
import type { FineBins } from './fine-bins.ts';

export interface Counts {
  readonly good: Float64Array;
  readonly bad: Float64Array;
}

/** Good and bad ones at each code. @param rows of the fit */
export function countCodes(
  codes: Uint8Array,
  size: number,
  target: Uint8Array,
  rows: Uint32Array,
): Counts {
  const good = new Float64Array(size);
  const bad = new Float64Array(size);
  for (const row of rows) {
    const code = codes[row] as number;
    if (target[row] === 1) bad[code] = (bad[code] as number) + 1;
    else good[code] = (good[code] as number) + 1;
  }
  return { good, bad };
}

/** ln(share of good / share of bad); half a person is added to both, so that none is infinite. */
export function woeOf(good: number, bad: number, totalGood: number, totalBad: number): number {
  return Math.log((good + 0.5) / (totalGood + 1) / ((bad + 0.5) / (totalBad + 1)));
}

/** The information value of groups. */
export function informationValue({ good, bad }: Counts): number {
  const totalGood = good.reduce((sum, n) => sum + n, 0);
  const totalBad = bad.reduce((sum, n) => sum + n, 0);
  let value = 0;
  for (let at = 0; at < good.length; at += 1) {
    const g = good[at] as number;
    const b = bad[at] as number;
    if (g + b === 0) continue;
    value += (g / totalGood - b / totalBad) * woeOf(g, b, totalGood, totalBad);
  }
  return value;
}

/** Which way the rate of bad goes along the codes: the sign of their covariance. */
export function directionOf({ good, bad }: Counts, ordered: number): -1 | 1 {
  let n = 0;
  let codes = 0;
  let bads = 0;
  let both = 0;
  for (let code = 0; code < ordered; code += 1) {
    const b = bad[code] as number;
    const all = b + (good[code] as number);
    n += all;
    codes += code * all;
    bads += b;
    both += code * b;
  }
  return both * n >= codes * bads ? 1 : -1;
}

/** Log likelihood that a bin must win, as in Akaike's criterion: one for its one rate. */
const PRICE_OF_A_BIN = 1;

const entropy = (good: number, bad: number) => {
  const all = good + bad;
  return (good > 0 ? good * Math.log(good / all) : 0) + (bad > 0 ? bad * Math.log(bad / all) : 0);
};

/**
 * Where each group begins, of codes `order[0..n)`, by dynamic programming over (begin, end).
 * @param sign how the rate of bad must move along the order; 0: as it likes
 * @param least people in a group at least
 */
function groupStarts(
  counts: Counts,
  order: readonly number[],
  sign: -1 | 0 | 1,
  least: number,
): number[] {
  const n = order.length;
  const good = [0];
  const bad = [0];
  for (const [at, code] of order.entries()) {
    good.push((good[at] as number) + (counts.good[code] as number));
    bad.push((bad[at] as number) + (counts.bad[code] as number));
  }
  const price = PRICE_OF_A_BIN;
  const rate = new Float64Array(n * n);
  const best = new Float64Array(n * n).fill(-Infinity);
  const before = new Int16Array(n * n).fill(-1);
  for (let end = 0; end < n; end += 1) {
    for (let begin = 0; begin <= end; begin += 1) {
      const g = (good[end + 1] as number) - (good[begin] as number);
      const b = (bad[end + 1] as number) - (bad[begin] as number);
      if (g + b < least) continue;
      const own = begin * n + end;
      rate[own] = (b + 0.5) / (g + b + 1);
      const value = entropy(g, b) - price;
      if (begin === 0) best[own] = value;
      for (let start = 0; start < begin; start += 1) {
        const other = start * n + begin - 1;
        const isAllowed = sign * ((rate[own] as number) - (rate[other] as number)) >= 0;
        const sum = (best[other] as number) + value;
        if (isAllowed && sum > (best[own] as number)) {
          best[own] = sum;
          before[own] = start;
        }
      }
    }
  }
  let begin = 0;
  for (let start = 1; start < n; start += 1)
    if ((best[start * n + n - 1] as number) > (best[begin * n + n - 1] as number)) begin = start;
  const starts: number[] = [];
  for (let end = n - 1; begin >= 0 && end >= 0; ) {
    starts.unshift(begin);
    const next = before[begin * n + end] as number;
    end = begin - 1;
    begin = next;
  }
  if (starts[0] !== 0) return [0];
  return starts;
}

/**
 * The group of every code, from 0; `missing` (and, of a category, `other`) each have their own.
 * @param leastShare of the people, that a group must have
 */
export function optimalGroups(
  bins: FineBins,
  counts: Counts,
  sign: -1 | 0 | 1,
  leastShare: number,
): Uint8Array {
  const plain = bins.size - (bins.kind === 'number' ? 1 : 2);
  const groups = new Uint8Array(bins.size);
  const total = [...counts.good, ...counts.bad].reduce((sum, n) => sum + n, 0);
  const order = Array.from({ length: plain }, (_, code) => code);
  const rateOf = (code: number) =>
    ((counts.bad[code] as number) + 0.1) /
    ((counts.bad[code] as number) + (counts.good[code] as number) + 1);
  if (bins.kind === 'category') order.sort((a, b) => rateOf(a) - rateOf(b) || a - b);
  const least = Math.max(1, leastShare * total);
  const starts =
    plain > 0 ? groupStarts(counts, order, bins.kind === 'category' ? 1 : sign, least) : [];
  let group = -1;
  for (const [at, code] of order.entries()) {
    if (starts[group + 1] === at) group += 1;
    groups[code] = group;
  }
  for (let code = plain; code < bins.size; code += 1) {
    group += 1;
    groups[code] = group;
  }
  return groups;
}
