/**
 * Out-of-fold validation: everything that looks at the target (bins, directions, the choice
 * between models, points) is made anew on the rows of each fold's fit.
 *
 * What must stay true: what is measured is the whole-point score as a card would give it, on rows
 * that its fold has not seen; folds are stratified and come from the seed alone.
 */
import type { Scale } from './card.ts';
import { type FineBins, fineBins, type Prepared } from './fine-bins.ts';
import { type Discrimination, discrimination, meanOf, spreadOf } from './measure.ts';
import {
  type Candidate,
  chooseCandidate,
  type Directions,
  fitModel,
  type ModelOptions,
} from './model.ts';
import { type Pointed, toPoints, totalOf } from './points.ts';
import { foldsOf, type Random, randomOf } from './random.ts';

export interface FitPlan {
  readonly directions: Directions;
  readonly candidates: readonly [Candidate, ...Candidate[]];
  readonly model: ModelOptions;
  readonly scale: Scale;
  /** Fine bins of a column at most. */
  readonly fine_bins: number;
  /** Rows that a label must have. */
  readonly label_rows: number;
}

export interface Fitted {
  readonly pointed: Pointed;
  readonly chosen: Candidate;
  readonly losses: readonly { readonly candidate: Candidate; readonly log_loss: number }[];
}

/** Bins, chooses, fits and gives points, on some rows alone. */
export function fitRows(
  prepared: readonly Prepared[],
  target: Uint8Array,
  isIn: Uint8Array,
  plan: FitPlan,
  random: Random,
): Fitted {
  const all: FineBins[] = prepared.map((each) =>
    fineBins(each, isIn, plan.fine_bins, plan.label_rows),
  );
  const rows = rowsOf(isIn, 1);
  const { directions, candidates, model } = plan;
  const choice = chooseCandidate(all, target, rows, directions, candidates, model, random);
  const fitted = fitModel(all, target, rows, directions, choice.chosen, model);
  return { pointed: toPoints(fitted, rows, plan.scale), ...choice };
}

/** Rows where a mark stands. */
export function rowsOf(marks: Uint8Array, mark: number): Uint32Array {
  return Uint32Array.from(marks.keys()).filter((row) => marks[row] === mark);
}

/** Mean and spread (standard deviation) over the folds of all seeds. */
export interface Measured {
  readonly auc: number;
  readonly auc_spread: number;
  readonly ks: number;
  readonly ks_spread: number;
  /** Over all rows of a seed at once, mean over the seeds. */
  readonly auc_pooled: number;
  readonly ks_pooled: number;
}

export const pick = (values: Float64Array, rows: Uint32Array): Float64Array =>
  Float64Array.from(rows, (row) => values[row] as number);
export const pickTarget = (target: Uint8Array, rows: Uint32Array): Uint8Array =>
  Uint8Array.from(rows, (row) => target[row] as number);

/** How a risk for every row does, fold by fold. @param risks one for each seed, out of fold */
export function measureFolds(
  risks: readonly Float64Array[],
  folds: readonly Uint8Array[],
  target: Uint8Array,
  count: number,
): Measured {
  const each: Discrimination[] = [];
  const pooled: Discrimination[] = [];
  for (const [at, risk] of risks.entries()) {
    for (let fold = 0; fold < count; fold += 1) {
      const rows = rowsOf(folds[at] as Uint8Array, fold);
      each.push(discrimination(pick(risk, rows), pickTarget(target, rows)));
    }
    pooled.push(discrimination(risk, target));
  }
  const aucs = each.map(({ auc }) => auc);
  const kss = each.map(({ ks }) => ks);
  return {
    auc: meanOf(aucs),
    auc_spread: spreadOf(aucs),
    ks: meanOf(kss),
    ks_spread: spreadOf(kss),
    auc_pooled: meanOf(pooled.map(({ auc }) => auc)),
    ks_pooled: meanOf(pooled.map(({ ks }) => ks)),
  };
}

export interface OutOfFold {
  /** For each seed, the score of every row (before the cut) by the card that did not see it. */
  readonly totals: readonly Float64Array[];
  readonly folds: readonly Uint8Array[];
  readonly measured: Measured;
  /** How often each candidate was chosen. */
  readonly chosen: ReadonlyMap<string, number>;
}

export const candidateName = ({ algorithm, ridge }: Candidate): string =>
  `${algorithm}, ridge ${ridge}`;

/** @param progress called with the number of fits done */
export async function validate(
  prepared: readonly Prepared[],
  target: Uint8Array,
  plan: FitPlan,
  seeds: readonly number[],
  foldCount: number,
  progress: (done: number, total: number) => void | Promise<void>,
): Promise<OutOfFold> {
  const totals: Float64Array[] = [];
  const folds: Uint8Array[] = [];
  const chosen = new Map<string, number>();
  for (const [at, seed] of seeds.entries()) {
    const fold = foldsOf(target, foldCount, randomOf(seed));
    const total = new Float64Array(target.length);
    for (let out = 0; out < foldCount; out += 1) {
      const isIn = fold.map((own) => (own === out ? 0 : 1));
      const fitted = fitRows(prepared, target, isIn, plan, randomOf(seed * 1009 + out));
      for (const row of rowsOf(isIn, 0)) total[row] = totalOf(fitted.pointed, row);
      const name = candidateName(fitted.chosen);
      chosen.set(name, (chosen.get(name) ?? 0) + 1);
      await progress(at * foldCount + out + 1, seeds.length * foldCount);
    }
    totals.push(total);
    folds.push(fold);
  }
  const risks = totals.map((total) => total.map((score) => -score));
  return { totals, folds, measured: measureFolds(risks, folds, target, foldCount), chosen };
}
