/**
 * Fine bins: every column as at most 64 small codes a row, cut on the rows of a fit alone.
 *
 * What must stay true: rows outside of the fit are coded by edges they had no part in; the last
 * code is missing, and of a category the one before it is every value not met often enough.
 */
import type { CategoryColumn, Column, NumberColumn } from './table.ts';

export interface FineBins {
  readonly kind: 'number' | 'category';
  readonly name: string;
  /** The code of every row of the table. */
  readonly codes: Uint8Array;
  /** How many codes there are, with `other` and `missing`. */
  readonly size: number;
  /** Of a number: how each bin but the last ends, ascending; a bin has what equals its end. */
  readonly edges: Float64Array;
  /** Of a category: the labels of each code but `other` and `missing`. */
  readonly labels: readonly string[];
}

/** A column with its rows in order of value, found once for all folds. */
export interface Prepared {
  readonly column: Column;
  /** Of a number: rows that hold one, ascending. Of a category: empty. */
  readonly order: Uint32Array;
}

export function prepare(column: Column): Prepared {
  if (column.kind === 'category') return { column, order: new Uint32Array(0) };
  const { values } = column;
  const order = Uint32Array.from(values.keys()).filter((row) => !Number.isNaN(values[row]));
  return { column, order: order.sort((a, b) => (values[a] as number) - (values[b] as number)) };
}

/**
 * Ends of bins of about equal size; a value that is common enough has a bin of its own.
 * @param isIn 1 for each row of the fit
 */
function edgesOf(
  { values }: NumberColumn,
  order: Uint32Array,
  isIn: Uint8Array,
  most: number,
): number[] {
  const distinct: number[] = [];
  const counts: number[] = [];
  let total = 0;
  for (const row of order) {
    if (isIn[row] === 0) continue;
    const value = values[row] as number;
    if (distinct.at(-1) === value) counts[counts.length - 1] = (counts.at(-1) ?? 0) + 1;
    else {
      distinct.push(value);
      counts.push(1);
    }
    total += 1;
  }
  if (distinct.length <= most) return distinct.slice(0, -1);
  const edges: number[] = [];
  let left = total;
  let inBin = 0;
  for (let at = 0; at < distinct.length - 1; at += 1) {
    const wanted = left / (most - edges.length);
    inBin += counts[at] as number;
    const next = counts[at + 1] as number;
    // A common value behind would fill a bin by itself: end here.
    if (inBin >= wanted || (next >= wanted && inBin > wanted / 4)) {
      edges.push(distinct[at] as number);
      left -= inBin;
      inBin = 0;
      if (edges.length === most - 1) break;
    }
  }
  return edges;
}

function numberBins(
  prepared: Prepared,
  column: NumberColumn,
  isIn: Uint8Array,
  most: number,
): FineBins {
  const edges = Float64Array.from(edgesOf(column, prepared.order, isIn, most));
  const size = edges.length + 2;
  const codes = new Uint8Array(column.values.length).fill(size - 1);
  let bin = 0;
  for (const row of prepared.order) {
    const value = column.values[row] as number;
    while (bin < edges.length && value > (edges[bin] as number)) bin += 1;
    codes[row] = bin;
  }
  return { kind: 'number', name: column.name, codes, size, edges, labels: [] };
}

/** Labels that too few have would be learned by heart. */
function categoryBins(
  column: CategoryColumn,
  isIn: Uint8Array,
  most: number,
  least: number,
): FineBins {
  const counts = new Uint32Array(column.labels.length);
  for (let row = 0; row < isIn.length; row += 1) {
    const code = column.codes[row] as number;
    if (code >= 0 && isIn[row] === 1) counts[code] = (counts[code] as number) + 1;
  }
  const kept = [...counts.keys()]
    .filter((code) => (counts[code] as number) >= least)
    .sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b)
    .slice(0, most - 1);
  const size = kept.length + 2;
  const codeOf = new Uint8Array(column.labels.length).fill(size - 2);
  for (const [to, from] of kept.entries()) codeOf[from] = to;
  const codes = new Uint8Array(isIn.length).fill(size - 1);
  for (let row = 0; row < codes.length; row += 1) {
    const code = column.codes[row] as number;
    if (code >= 0) codes[row] = codeOf[code] as number;
  }
  const labels = kept.map((code) => column.labels[code] ?? '');
  return { kind: 'category', name: column.name, codes, size, edges: new Float64Array(0), labels };
}

/** @param least rows that a label must have to get a code of its own */
export function fineBins(
  prepared: Prepared,
  isIn: Uint8Array,
  most: number,
  least: number,
): FineBins {
  const { column } = prepared;
  return column.kind === 'number'
    ? numberBins(prepared, column, isIn, most)
    : categoryBins(column, isIn, most, least);
}
