/**
 * From a sample to a card and everything its validation report shows.
 *
 * What must stay true: the same bytes and settings give the same card, byte for byte (no clock,
 * no chance but the seeds); every figure of validation is out of fold, on whole-point scores.
 */

import { AssentError } from '../model/error.ts';
import { plainLogistic } from './baseline.ts';
import { calibrate, cutScores } from './calibration.ts';
import { type Card, type Direction, parseCard, type Scale } from './card.ts';
import { type Fairness, fairnessOf } from './fairness.ts';
import { type Prepared, prepare } from './fine-bins.ts';
import { characteristicOf } from './make-card.ts';
import type { Candidate, Directions } from './model.ts';
import { bandCounts, bandEnds } from './monitor.ts';
import { type Pointed, totalOf } from './points.ts';
import { randomOf } from './random.ts';
import type { WordsFile } from './reason-words.ts';
import { columnsBehind, followRecipe, neededSteps } from './recipe.ts';
import type { Recipe } from './recipe-schema.ts';
import type { Sample } from './sample.ts';
import { type ScreenedColumn, screenColumn, strongColumns } from './screen.ts';
import {
  candidateName,
  type FitPlan,
  fitRows,
  type Measured,
  measureFolds,
  type OutOfFold,
  validate,
} from './validate.ts';

export interface FitSettings {
  readonly name: string;
  readonly version: number;
  readonly kind: Card['kind'];
  readonly bad_means: string;
  readonly scale: Scale;
  readonly seeds: readonly number[];
  readonly folds: number;
  readonly directions: Readonly<Record<string, Direction>>;
  readonly algorithm: 'best' | Candidate['algorithm'];
  /** Characteristics in the card at most. */
  readonly characteristics: number;
  readonly recipe: Recipe;
  readonly words: WordsFile;
  /** Columns that stay inputs whatever the screening says. */
  readonly keep: readonly string[];
  /** Share of people approved, at which fairness is measured. */
  readonly approval: number;
  /** Whether the two plain models are measured beside it. */
  readonly compare: boolean;
}

export interface Compared {
  readonly model: string;
  readonly measured: Measured;
}

export interface FitResult {
  readonly card: Card;
  readonly screened: readonly ScreenedColumn[];
  readonly warnings: readonly string[];
  readonly out_of_fold: OutOfFold;
  /** Scores of the first seed, out of fold, cut to the scale. */
  readonly scores: Float64Array;
  readonly target: Uint8Array;
  readonly chosen: Candidate;
  readonly losses: readonly { readonly candidate: Candidate; readonly log_loss: number }[];
  readonly compared: readonly Compared[];
  readonly fairness: readonly Fairness[];
  readonly calibration_slope: number;
  readonly sample: Sample;
  readonly approval: number;
}

/** Tells how far a fit is; what it returns is waited for. */
export type FitProgress = (step: string, done: number, total: number) => void | Promise<void>;

const MODEL = { sweeps: 12, rate: 0.3, bin_share: 0.05 } as const;
const FINE_BINS = 32;
/** With few rows less is shrunk away that would be missed; with many it makes no difference. */
const BOOSTING_OF_FEW: Candidate = { algorithm: 'boosting', ridge: 10 };
const FEW_ROWS = 10_000;
const BOOSTING: readonly [Candidate, ...Candidate[]] = [
  { algorithm: 'boosting', ridge: 30 },
  { algorithm: 'boosting', ridge: 100 },
];
const WOE: Candidate = { algorithm: 'woe_logistic', ridge: 10 };
/** Bad ones that each fold must have, so that its figures mean something. */
const BAD_OF_A_FOLD = 5;
/** The range covers this share of the changes of a score from fit to fit. */
const RANGE_SHARE = 0.95;

const SIGN = { more_is_worse: 1, more_is_better: -1, free: 0 } as const;

function candidatesOf(
  algorithm: FitSettings['algorithm'],
  rows: number,
): [Candidate, ...Candidate[]] {
  if (algorithm === 'woe_logistic') return [WOE];
  const few = rows < FEW_ROWS ? [BOOSTING_OF_FEW] : [];
  return [...BOOSTING, ...few, ...(algorithm === 'boosting' ? [] : [WOE])];
}

function planOf(settings: FitSettings, rows: number, names: ReadonlySet<string>): FitPlan {
  const wrong = Object.keys(settings.directions).find((name) => !names.has(name));
  if (wrong !== undefined)
    throw new AssentError('sample_unfit', { detail: `direction: there is no column ${wrong}` });
  const directions: Directions = new Map(
    Object.entries(settings.directions).map(([name, direction]) => [name, SIGN[direction]]),
  );
  return {
    directions,
    candidates: candidatesOf(settings.algorithm, rows),
    model: { ...MODEL, characteristics: settings.characteristics },
    scale: settings.scale,
    fine_bins: FINE_BINS,
    label_rows: Math.max(10, Math.round(rows / 1000)),
  };
}

/** The widest change that RANGE_SHARE of the people see when the card is fitted on others. */
function rangeOf(scores: Float64Array, unseen: Float64Array): number {
  const changes = scores.map((score, row) => Math.abs(score - (unseen[row] as number))).sort();
  return changes[Math.floor(RANGE_SHARE * (changes.length - 1))] ?? 0;
}

/** A second reason of the same id gets a number. */
function withOwnIds(characteristics: Card['characteristics']): Card['characteristics'] {
  const seen = new Map<string, number>();
  return characteristics.map((each) => {
    const { id } = each.reason;
    const times = (seen.get(id) ?? 0) + 1;
    seen.set(id, times);
    return times === 1
      ? each
      : { ...each, reason: { ...each.reason, id: `${id.slice(0, 76)}_${times}` } };
  });
}

async function compare(
  sample: Sample,
  raw: readonly Prepared[],
  plan: FitPlan,
  found: OutOfFold,
  settings: FitSettings,
  progress: FitProgress,
): Promise<Compared[]> {
  const { seeds, folds } = settings;
  const risks: Float64Array[] = [];
  const columns = raw.map(({ column }) => column);
  for (const [at, fold] of found.folds.entries()) {
    await progress('plain models beside it', at, 2 * seeds.length);
    risks.push(plainLogistic(columns, sample.target, fold, folds));
  }
  const plain = measureFolds(risks, found.folds, sample.target, folds);
  const own: FitPlan = { ...plan, candidates: [WOE], directions: new Map() };
  const woe = await validate(raw, sample.target, own, seeds, folds, (done, total) =>
    progress('plain models beside it', seeds.length * (1 + done / total), 2 * seeds.length),
  );
  return [
    { model: 'logistic regression on the raw columns', measured: plain },
    { model: 'weight-of-evidence logistic on the raw columns', measured: woe.measured },
  ];
}

interface Made {
  readonly pointed: Pointed;
  readonly chosen: Candidate;
  readonly measured: Measured;
  readonly bad_ppm: number[];
  readonly half_width: number;
  /** Out of fold, cut to the scale. */
  readonly scores: Float64Array;
}

/** How many people are in each band of equal size. */
function bandsOf(scores: Float64Array): Card['training']['score_bands'] {
  const ends = bandEnds(scores);
  const counts = bandCounts(scores, ends);
  return Array.from(counts, (count, at) => ({ upto: ends[at] ?? null, count }));
}

function cardOf(
  sample: Sample,
  data_sha256: string,
  prepared: readonly Prepared[],
  settings: FitSettings,
  made: Made,
  plan: FitPlan,
): Card {
  const { pointed, chosen, measured } = made;
  const characteristics = pointed.parts.map((part) => {
    const column = prepared.find(({ column: { name } }) => name === part.part.bins.name)?.column;
    if (!column) throw new Error('a part of no column');
    return characteristicOf(part, column, sample.target, settings.words);
  });
  const { seeds, folds, directions, algorithm, keep } = settings;
  const names = characteristics.map(({ name }) => name);
  const behind = columnsBehind(settings.recipe, names);
  return parseCard({
    schema_version: 1,
    name: settings.name,
    version: settings.version,
    kind: settings.kind,
    bad_means: settings.bad_means,
    scale: settings.scale,
    base_points: pointed.base,
    characteristics: withOwnIds(characteristics),
    bad_ppm: made.bad_ppm,
    range: { by: null, steps: [{ upto: null, half_width: made.half_width }] },
    recipe: neededSteps(settings.recipe, names),
    inputs: sample.columns
      .filter(({ name }) => behind.has(name))
      .map((column) => ({
        name: column.name,
        kind: column.kind,
        decimals: column.kind === 'number' ? column.decimals : 0,
      })),
    training: {
      data_sha256,
      rows: sample.target.length,
      bad: sample.bad,
      parameters: {
        algorithm,
        chosen: candidateName(chosen),
        candidates: plan.candidates.map(candidateName),
        characteristics: settings.characteristics,
        columns: prepared.map(({ column }) => column.name),
        directions,
        folds,
        fine_bins: plan.fine_bins,
        keep,
        label_rows: plan.label_rows,
        rate: String(plan.model.rate),
        seeds,
        sweeps: plan.model.sweeps,
      },
      auc_e4: Math.round(measured.auc * 1e4),
      ks_e4: Math.round(measured.ks * 1e4),
      score_bands: bandsOf(made.scores),
    },
  });
}

/**
 * Screens, validates out of fold, fits on all rows, calibrates, and makes the card.
 * @throws sample_unfit when nothing is left to fit on; recipe_invalid
 */
export async function fitCard(
  sample: Sample,
  data_sha256: string,
  settings: FitSettings,
  progress: FitProgress = () => {},
): Promise<FitResult> {
  const { target } = sample;
  const foldsMost = Math.floor(Math.min(sample.bad, target.length - sample.bad) / BAD_OF_A_FOLD);
  const own = { ...settings, folds: Math.max(2, Math.min(settings.folds, foldsMost)) };
  const columns = followRecipe(own.recipe, sample.columns);
  const keep = new Set(own.keep);
  const all: Prepared[] = [];
  const screened: ScreenedColumn[] = [];
  for (const [at, column] of columns.entries()) {
    await progress('looking at columns', at, columns.length);
    const each = prepare(column);
    all.push(each);
    screened.push(screenColumn(each, target, keep));
  }
  const inputs = all.filter((_, at) => screened[at]?.left_out === null);
  if (inputs.length === 0)
    throw new AssentError('sample_unfit', { detail: 'no column is left that could be an input' });
  const plan = planOf(own, target.length, new Set(columns.map(({ name }) => name)));
  const found = await validate(inputs, target, plan, own.seeds, own.folds, (done, total) =>
    progress('validating out of fold', done, total),
  );
  await progress('fitting the card', 0, 1);
  const fitted = fitRows(
    inputs,
    target,
    new Uint8Array(target.length).fill(1),
    plan,
    randomOf(own.seeds[0] ?? 1),
  );
  if (fitted.pointed.parts.length === 0)
    throw new AssentError('sample_unfit', { detail: 'no column tells good from bad' });
  const unseen = found.totals[0] as Float64Array;
  const scores = cutScores(unseen, own.scale);
  const { bad_ppm, slope } = calibrate(scores, target, own.scale);
  const final = Float64Array.from(target, (_, row) => totalOf(fitted.pointed, row));
  const half_width = rangeOf(cutScores(final, own.scale), scores);
  const { chosen, losses, pointed } = fitted;
  const made = { pointed, chosen, measured: found.measured, bad_ppm, half_width, scores };
  const card = cardOf(sample, data_sha256, inputs, own, made, plan);
  const warnings = [...screened.map(({ warning }) => warning), strongColumns(screened)].flatMap(
    (warning) => warning ?? [],
  );
  const raw = all.filter(
    ({ column: { name } }, at) =>
      sample.columns.some((c) => c.name === name) && screened[at]?.left_out === null,
  );
  return {
    card,
    screened,
    warnings: [...sample.warnings, ...warnings],
    out_of_fold: found,
    scores,
    target,
    chosen,
    losses,
    compared:
      own.compare && raw.length > 0 ? await compare(sample, raw, plan, found, own, progress) : [],
    fairness: fairnesses(sample, card, scores, own.approval),
    calibration_slope: slope,
    sample,
    approval: own.approval,
  };
}

/** Fairness by each protected column, at the cut-off that approves the share. */
function fairnesses(
  sample: Sample,
  card: Card,
  scores: Float64Array,
  approval: number,
): Fairness[] {
  const sorted = scores.slice().sort();
  const cutOff = sorted[Math.floor((1 - approval) * sorted.length)] ?? card.scale.lowest;
  const expected = scores.map((score) => (card.bad_ppm[score - card.scale.lowest] ?? 0) / 1e6);
  return sample.protected_columns.map((column) =>
    fairnessOf(column, scores, expected, sample.target, cutOff),
  );
}
