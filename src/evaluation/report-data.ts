/**
 * What a validation report shows, gathered: of a fit (out of fold) or of a card on a new sample.
 *
 * What must stay true: a figure says whether it was measured out of fold, on a new sample, or is
 * somebody's published one.
 */
import { type Card, cardDigest } from './card.ts';
import { type Fairness, fairnessOf } from './fairness.ts';
import type { FitResult } from './fit.ts';
import { type CurvePoint, type Discrimination, discrimination } from './measure.ts';
import {
  type Band,
  calibrationBands,
  rankReversals,
  type Stability,
  scoreStability,
} from './monitor.ts';
import { characteristicsStability, stabilityToCard } from './monitor-table.ts';
import { type SampleOptions, sampleOf } from './sample.ts';
import { characteristicColumns, scoreTable } from './score-table.ts';
import type { ScreenedColumn } from './screen.ts';
import { type Table, takeRows } from './table.ts';
import { pick, rowsOf } from './validate.ts';

export interface ComparisonRow {
  readonly model: string;
  readonly auc: number;
  readonly auc_spread: number | null;
  readonly ks: number | null;
  readonly ks_spread: number | null;
  /** Measured in this run, or whose figure it is. */
  readonly from: string;
}

export interface ReportData {
  readonly card: Card;
  readonly card_sha256: string;
  readonly made_on: string;
  /** On whom it was measured, in words. */
  readonly measured_on: string;
  readonly people: number;
  readonly bad: number;
  readonly scores: Float64Array;
  readonly target: Uint8Array;
  readonly measured: Discrimination;
  readonly curve: readonly CurvePoint[];
  readonly bands: readonly Band[];
  readonly reversals: number;
  readonly comparison: readonly ComparisonRow[];
  readonly stability_of: string;
  readonly score_stability: Stability;
  readonly characteristics_stability: readonly (Stability & { readonly name: string })[];
  readonly fairness: readonly Fairness[];
  readonly approval: number;
  /** Null for a card on a new sample. */
  readonly screened: readonly ScreenedColumn[] | null;
  readonly warnings: readonly string[];
}

function figures(card: Card, scores: Float64Array, target: Uint8Array) {
  const curve: CurvePoint[] = [];
  const measured = discrimination(
    scores.map((score) => -score),
    target,
    curve,
  );
  const bands = calibrationBands(card, scores, target);
  return { scores, target, measured, curve, bands, reversals: rankReversals(bands) };
}

const dayOf = (now: Date) => now.toISOString().slice(0, 10);

/** The report of a fit: the first seed's scores out of fold. */
export function reportOfFit(
  result: FitResult,
  comparison: readonly ComparisonRow[],
  now: Date,
): ReportData {
  const { card, scores, target, sample } = result;
  const fold = result.out_of_fold.folds[0] as Uint8Array;
  const [inside, outside] = [
    rowsOf(fold, 0),
    Uint32Array.from(fold.keys()).filter((row) => fold[row] !== 0),
  ];
  const columns = characteristicColumns(card, sample.columns);
  const part = (rows: Uint32Array) => ({
    rows: rows.length,
    scores: pick(scores, rows),
    points: [],
    columns: columns.map((column) => takeRows(column, rows)),
  });
  return {
    card,
    card_sha256: cardDigest(card),
    made_on: dayOf(now),
    measured_on:
      'the development sample, out of fold: each person scored by a card that had not seen them',
    people: target.length,
    bad: sample.bad,
    ...figures(card, scores, target),
    comparison,
    stability_of: 'one fold against the others: how much chance alone moves',
    score_stability: scoreStability(pick(scores, outside), pick(scores, inside)),
    characteristics_stability: characteristicsStability(card, part(inside), part(outside)),
    fairness: result.fairness,
    approval: result.approval,
    screened: result.screened,
    warnings: result.warnings,
  };
}

/** The report of a card on a sample of later. @throws sample_unfit */
export function reportOfCard(
  card: Card,
  table: Table,
  options: SampleOptions,
  approval: number,
  now: Date,
): ReportData {
  const sample = sampleOf(table, { ...options, exclude: [], id: null });
  // A protected column may not be an input, yet a card may have been made without this promise.
  const scored = scoreTable(card, { rows: sample.target.length, columns: sample.columns });
  const own = figures(card, scored.scores, sample.target);
  const sorted = scored.scores.slice().sort();
  const cutOff = sorted[Math.floor((1 - approval) * sorted.length)] ?? card.scale.lowest;
  const expected = scored.scores.map(
    (score) => (card.bad_ppm[score - card.scale.lowest] ?? 0) / 1e6,
  );
  return {
    card,
    card_sha256: cardDigest(card),
    made_on: dayOf(now),
    measured_on: 'a sample of its own',
    people: sample.target.length,
    bad: sample.bad,
    ...own,
    comparison: [
      {
        model: 'this card on this sample',
        ...own.measured,
        auc_spread: null,
        ks_spread: null,
        from: 'measured in this run',
      },
      ...(card.training.auc_e4 === null
        ? []
        : [
            {
              model: 'this card when it was made',
              auc: card.training.auc_e4 / 1e4,
              auc_spread: null,
              ks: card.training.ks_e4 === null ? null : card.training.ks_e4 / 1e4,
              ks_spread: null,
              from: 'the card: out of fold',
            },
          ]),
    ],
    stability_of: 'this sample against the people the card was fitted on',
    score_stability: stabilityToCard(card, scored.scores),
    characteristics_stability: characteristicsStability(card, scored, null),
    fairness: sample.protected_columns.map((column) =>
      fairnessOf(column, scored.scores, expected, sample.target, cutOff),
    ),
    approval,
    screened: null,
    warnings: sample.warnings,
  };
}
