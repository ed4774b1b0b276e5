/** Monitoring of a card on a table of people: all figures of monitor.ts at once. Pure. */
import { binsOf, type Card } from './card.ts';
import {
  type Band,
  bandCounts,
  bandEnds,
  binIndex,
  calibrationBands,
  characteristicStability,
  LIMITS,
  type Light,
  type Performance,
  performanceOf,
  rankReversals,
  reversalLight,
  type Stability,
  scoreStability,
  stabilityIndex,
} from './monitor.ts';
import { classesOf } from './sample.ts';
import { type ScoredTable, valueAt } from './score-table.ts';
import type { Column, Table } from './table.ts';

export interface MonitorResult {
  readonly people: number;
  readonly score: Stability;
  readonly characteristics: readonly (Stability & { readonly name: string })[];
  /** Null without a target. */
  readonly performance: Performance | null;
  readonly bands: readonly Band[] | null;
  readonly reversals: number | null;
  readonly reversal_light: Light | null;
  readonly warnings: readonly string[];
}

/** People in each bin of each characteristic, in the order of `binsOf`. */
export function binCounts(card: Card, { rows, columns }: ScoredTable): Float64Array[] {
  return card.characteristics.map((characteristic, at) => {
    const counts = new Float64Array(binsOf(characteristic).length);
    const column = columns[at] as Column;
    for (let row = 0; row < rows; row += 1) {
      const bin = binIndex(characteristic, valueAt(column, characteristic, row));
      counts[bin] = (counts[bin] as number) + 1;
    }
    return counts;
  });
}

/** Stability of each characteristic against the people of the card, or of a reference. */
export function characteristicsStability(
  card: Card,
  now: ScoredTable,
  reference: ScoredTable | null,
): MonitorResult['characteristics'] {
  const before = reference
    ? binCounts(card, reference)
    : card.characteristics.map((each) => binsOf(each).map(({ count }) => count));
  return binCounts(card, now).map((counts, at) => ({
    name: card.characteristics[at]?.name ?? '',
    ...characteristicStability(before[at] ?? [], counts),
  }));
}

/** PSI of the score against the bands that the card remembers. */
export function stabilityToCard(card: Card, scores: Float64Array): Stability {
  const { score_bands } = card.training;
  if (score_bands.length < 2) return { psi: Number.NaN, light: 'unknown' };
  const ends = score_bands.flatMap(({ upto }) => upto ?? []);
  const psi = stabilityIndex(
    score_bands.map(({ count }) => count),
    bandCounts(scores, ends),
  );
  const { amber, red } = LIMITS.psi;
  const light =
    scores.length < 100 ? 'unknown' : psi > red ? 'red' : psi > amber ? 'amber' : 'green';
  return { psi, light };
}

export interface MonitorOptions {
  readonly reference: ScoredTable | null;
  readonly target: { readonly column: string; readonly bad: readonly string[] | null } | null;
}

/** @throws sample_unfit when the target is not there or not of two values */
export function monitorTable(
  card: Card,
  table: Table,
  scored: ScoredTable,
  options: MonitorOptions,
): MonitorResult {
  const { reference, target } = options;
  const score = reference
    ? scoreStability(reference.scores, scored.scores)
    : stabilityToCard(card, scored.scores);
  const shared = {
    people: scored.rows,
    score,
    characteristics: characteristicsStability(card, scored, reference),
    warnings: table.warnings,
  };
  if (!target)
    return { ...shared, performance: null, bands: null, reversals: null, reversal_light: null };
  const classes = classesOf(table, { target: target.column, bad: target.bad, good: null });
  const rows = Uint32Array.from(classes.keys()).filter((row) => classes[row] !== 255);
  const scores = Float64Array.from(rows, (row) => scored.scores[row] as number);
  const own = Uint8Array.from(rows, (row) => classes[row] as number);
  const bands = calibrationBands(card, scores, own);
  const reversals = rankReversals(bands);
  return {
    ...shared,
    performance: performanceOf(scores, own, card.training.auc_e4),
    bands,
    reversals,
    reversal_light: bandEnds(scores).length < 2 ? 'unknown' : reversalLight(reversals),
  };
}
