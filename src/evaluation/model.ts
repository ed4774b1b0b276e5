/**
 * The two additive models over the same fine bins, and the choice between them.
 *
 * What must stay true: every figure that the choice rests on comes from the rows of the fit; both
 * give shapes over the fine codes, from which a card is made in the same way.
 */
import { type BoostOptions, boost, type Feature, type Shapes } from './boost.ts';
import type { FineBins } from './fine-bins.ts';
import { logistic } from './measure.ts';
import { countCodes, directionOf, informationValue, optimalGroups, woeOf } from './optimal-bins.ts';
import { foldsOf, type Random } from './random.ts';
import { fitLogistic } from './woe-logistic.ts';

export type Algorithm = 'boosting' | 'woe_logistic';

export interface Candidate {
  readonly algorithm: Algorithm;
  readonly ridge: number;
}

/** A characteristic with the direction it is held to. */
export interface Part {
  readonly bins: FineBins;
  /** How the logit of bad may move along the codes. */
  readonly sign: -1 | 0 | 1;
}

export interface Model extends Shapes {
  readonly parts: readonly Part[];
}

/** What the models are told; every number of it stands in the card. */
export interface ModelOptions {
  readonly sweeps: number;
  readonly rate: number;
  /** Characteristics in a card at most. */
  readonly characteristics: number;
  /** Share of the people that a bin of the classic binning has at least. */
  readonly bin_share: number;
}

/** Columns that are looked at, at most: the best by information value. */
const LOOKED_AT = 120;
/** A characteristic moves the logit by this much (standard deviation) or is left out. */
const WORTH_KEEPING = 0.01;

/** Sweeps of the short fit that finds which characteristics are worth a place in the card. */
const LOOKING_SWEEPS = 4;
/** The penalty on jumps between neighbours, as a multiple of the ridge. */
const SMOOTH_OF_RIDGE = 2;

/** Signs of directions that were declared; the others are found from the rows. */
export type Directions = ReadonlyMap<string, -1 | 0 | 1>;

function partsOf(
  all: readonly FineBins[],
  target: Uint8Array,
  rows: Uint32Array,
  directions: Directions,
) {
  return all.map((bins) => {
    const counts = countCodes(bins.codes, bins.size, target, rows);
    const ordered = bins.kind === 'number' ? bins.size - 1 : 0;
    const sign =
      bins.kind === 'category' ? 0 : (directions.get(bins.name) ?? directionOf(counts, ordered));
    return { part: { bins, sign }, counts };
  });
}

function featureOf({ bins, sign }: Part, rows: Uint32Array): Feature {
  const codes = new Uint8Array(rows.length);
  for (let at = 0; at < codes.length; at += 1) codes[at] = bins.codes[rows[at] as number] as number;
  return { codes, size: bins.size, ordered: bins.kind === 'number' ? bins.size - 1 : 0, sign };
}

const targetOf = (target: Uint8Array, rows: Uint32Array) => {
  const own = new Uint8Array(rows.length);
  for (let at = 0; at < own.length; at += 1) own[at] = target[rows[at] as number] as number;
  return own;
};

/** Standard deviation of what each characteristic adds to the logit. */
function importance(features: readonly Feature[], shapes: readonly Float64Array[]): number[] {
  return features.map(({ codes }, at) => {
    const shape = shapes[at] ?? new Float64Array(0);
    let sum = 0;
    for (const code of codes) sum += (shape[code] as number) ** 2; // Shapes have a mean of zero.
    return Math.sqrt(sum / codes.length);
  });
}

function fitBoosting(
  parts: readonly Part[],
  target: Uint8Array,
  rows: Uint32Array,
  ridge: number,
  options: ModelOptions,
): Model {
  const own = targetOf(target, rows);
  const features = parts.map((part) => featureOf(part, rows));
  const { sweeps, rate } = options;
  const settings: BoostOptions = { sweeps, rate, ridge, smooth: SMOOTH_OF_RIDGE * ridge };
  const first = boost(features, own, { ...settings, sweeps: LOOKING_SWEEPS });
  const weights = importance(features, first.shapes);
  const kept = [...parts.keys()]
    .filter((at) => (weights[at] as number) >= WORTH_KEEPING)
    .sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b)
    .slice(0, options.characteristics);
  const second = boost(
    kept.map((at) => features[at] as Feature),
    own,
    settings,
  );
  return { ...second, parts: kept.map((at) => parts[at] as Part) };
}

function fitWoe(
  looked: ReturnType<typeof partsOf>,
  target: Uint8Array,
  rows: Uint32Array,
  ridge: number,
  options: ModelOptions,
): Model {
  const totals = looked[0]?.counts ?? { good: new Float64Array(0), bad: new Float64Array(0) };
  const totalGood = totals.good.reduce((sum, n) => sum + n, 0);
  const totalBad = totals.bad.reduce((sum, n) => sum + n, 0);
  const kept = looked.slice(0, Math.min(looked.length, options.characteristics + 10));
  const scales = kept.map(({ part, counts }) => {
    const groups = optimalGroups(part.bins, counts, part.sign, options.bin_share);
    const good = new Float64Array(part.bins.size);
    const bad = new Float64Array(part.bins.size);
    for (const [code, group] of groups.entries()) {
      good[group] = (good[group] as number) + (counts.good[code] as number);
      bad[group] = (bad[group] as number) + (counts.bad[code] as number);
    }
    // As the logit of bad, so that a sound weight is above zero; an empty bin stands for the mean.
    return Float64Array.from(groups, (group) => {
      const g = good[group] as number;
      const b = bad[group] as number;
      return g + b === 0 ? 0 : -woeOf(g, b, totalGood, totalBad);
    });
  });
  const inputs = kept.map(({ part }, at) => {
    const scale = scales[at] as Float64Array;
    return Float64Array.from(rows, (row) => scale[part.bins.codes[row] as number] as number);
  });
  const { intercept, weights } = fitLogistic(inputs, targetOf(target, rows), {
    ridge,
    isSigned: true,
  });
  const used = [...kept.keys()]
    .filter((at) => (weights[at] as number) > 1e-6)
    .slice(0, options.characteristics);
  return {
    intercept,
    parts: used.map((at) => (kept[at] as (typeof kept)[number]).part),
    shapes: used.map((at) =>
      (scales[at] as Float64Array).map((value) => value * (weights[at] as number)),
    ),
  };
}

/** Fits one candidate on some rows. */
export function fitModel(
  all: readonly FineBins[],
  target: Uint8Array,
  rows: Uint32Array,
  directions: Directions,
  candidate: Candidate,
  options: ModelOptions,
): Model {
  const looked = partsOf(all, target, rows, directions)
    .map((each) => ({ ...each, iv: informationValue(each.counts) }))
    .sort((a, b) => b.iv - a.iv) // Stable: equals stay in the order of the file.
    .slice(0, LOOKED_AT);
  const { algorithm, ridge } = candidate;
  return algorithm === 'boosting'
    ? fitBoosting(
        looked.map(({ part }) => part),
        target,
        rows,
        ridge,
        options,
      )
    : fitWoe(looked, target, rows, ridge, options);
}

/** The logit of bad of one row. */
export function logitOf(model: Model, row: number): number {
  let logit = model.intercept;
  for (let at = 0; at < model.parts.length; at += 1) {
    const code = model.parts[at]?.bins.codes[row] as number;
    logit += (model.shapes[at] as Float64Array)[code] as number;
  }
  return logit;
}

/** Mean log loss of rows that a model has not seen. */
function lossOf(model: Model, target: Uint8Array, rows: Uint32Array): number {
  let loss = 0;
  for (const row of rows) {
    const p = Math.min(1 - 1e-9, Math.max(1e-9, logistic(logitOf(model, row))));
    loss -= Math.log(target[row] === 1 ? p : 1 - p);
  }
  return loss / rows.length;
}

export interface Choice {
  readonly chosen: Candidate;
  readonly losses: readonly { readonly candidate: Candidate; readonly log_loss: number }[];
}

/** Rows of the inner cross-validation at most: enough to tell candidates apart, and quick. */
const INNER_ROWS = 8_000;
/** Below this the choice would be left to chance with two folds. */
const MANY_INNER_ROWS = 6_000;

/** The candidate with the least log loss in an inner cross-validation, within `rows` alone. */
export function chooseCandidate(
  all: readonly FineBins[],
  target: Uint8Array,
  rows: Uint32Array,
  directions: Directions,
  candidates: readonly [Candidate, ...Candidate[]],
  options: ModelOptions,
  random: Random,
): Choice {
  if (candidates.length === 1) return { chosen: candidates[0], losses: [] };
  const parts = Math.max(1, Math.ceil(rows.length / INNER_ROWS));
  const sampled = foldsOf(target, parts, random, rows);
  const some = rows.filter((row) => sampled[row] === 0);
  const folds = some.length > MANY_INNER_ROWS ? 2 : 5;
  const fold = foldsOf(target, folds, random, some);
  const losses = candidates.map((candidate) => {
    let sum = 0;
    for (let out = 0; out < folds; out += 1) {
      const model = fitModel(
        all,
        target,
        some.filter((row) => fold[row] !== out),
        directions,
        candidate,
        options,
      );
      sum += lossOf(
        model,
        target,
        some.filter((row) => fold[row] === out),
      );
    }
    return { candidate, log_loss: sum / folds };
  });
  const best = losses.reduce((a, b) => (b.log_loss < a.log_loss ? b : a));
  return { chosen: best.candidate, losses };
}
