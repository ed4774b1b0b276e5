/**
 * Fellegi–Sunter: how much each level of agreement speaks for and against one person, fitted
 * without labels; pure arithmetic.
 *
 * What must stay true: a field that is missing on either side says nothing; probabilities of the
 * levels of a field sum to one; a fit depends on its counts alone.
 * Source: Fellegi & Sunter 1969 (weights), Winkler 2000 (EM); u from random pairs as in Splink.
 */

/** 0 equal, then ever less alike; see `LEVEL_FLOORS` in compare.ts. */
export const LEVELS = 5;

/** How often a pattern of levels (one for each field, null: missing) was seen. */
export interface PatternCount {
  readonly levels: readonly (number | null)[];
  readonly pairs: number;
}

export interface MatchModel {
  /** P(level | same person), by field and level. */
  readonly m: readonly (readonly number[])[];
  /** P(level | different people), by field and level. */
  readonly u: readonly (readonly number[])[];
}

/** m and u of one field, level by level. */
type FieldOdds = readonly [readonly number[], readonly number[]];
const NAME: FieldOdds = [
  [0.65, 0.06, 0.13, 0.04, 0.12],
  [0.004, 0.0004, 0.002, 0.013, 0.9806],
];
const STREET: FieldOdds = [
  [0.55, 0.34, 0.06, 0.01, 0.04],
  [0.0008, 0.0004, 0.007, 0.1, 0.8918],
];
/** In the order of FIELDS (features.ts); rounded from the fit to FEBRL 3. */
const DEFAULT: readonly FieldOdds[] = [
  NAME,
  NAME,
  [
    [0.9, 0.015, 0.02, 0.025, 0.04],
    [0.0006, 0.001, 0.0974, 0.285, 0.616],
  ],
  [
    [0.8, 0.003, 0.015, 0.03, 0.152],
    [0.014, 0.004, 0.038, 0.154, 0.79],
  ],
  STREET,
  STREET,
  [
    [0.64, 0.14, 0.11, 0.01, 0.1],
    [0.001, 0.0002, 0.0009, 0.008, 0.9899],
  ],
  [
    [0.76, 0.001, 0.075, 0.14, 0.024],
    [0.0015, 0.0001, 0.012, 0.1, 0.8864],
  ],
  [
    [0.935, 0.0005, 0.0005, 0.014, 0.05],
    [0.2, 0.0005, 0.0005, 0.003, 0.796],
  ],
];
/** What a store begins with, until weights are fitted to its own records. */
export const DEFAULT_MODEL: MatchModel = {
  m: DEFAULT.map(([m]) => m),
  u: DEFAULT.map(([, u]) => u),
};

/**
 * Whether in every field that was seen equal values speak for one person and quite different ones
 * against: a fit to records that hold no pair of one person may say the opposite.
 */
export function isSound({ m, u }: MatchModel): boolean {
  return m.every((levels, field) => {
    const other = u[field] ?? [];
    const last = LEVELS - 1;
    return (levels[0] ?? 0) > (other[0] ?? 1) && (levels[last] ?? 1) < (other[last] ?? 0);
  });
}

const ROUNDS = 50;
const START = [0.8, 0.1, 0.05, 0.03, 0.02];
/** So that no level is impossible because a sample did not have it. */
const SMOOTHING = 0.5;

const shares = (counts: readonly number[]): number[] => {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => count / total);
};

function tally(
  fields: number,
  patterns: readonly PatternCount[],
  weightOf: (pattern: PatternCount) => number,
): number[][] {
  const counts = Array.from({ length: fields }, () => Array<number>(LEVELS).fill(SMOOTHING));
  for (const pattern of patterns) {
    const weight = weightOf(pattern) * pattern.pairs;
    for (const [field, level] of pattern.levels.entries()) {
      const row = counts[field];
      if (row && level !== null) row[level] = (row[level] ?? 0) + weight;
    }
  }
  return counts.map(shares);
}

/** log2 of P(pattern | same) / P(pattern | different). */
export function weightOf(model: MatchModel, levels: readonly (number | null)[]): number {
  let weight = 0;
  for (const [field, level] of levels.entries()) {
    if (level === null) continue;
    weight += Math.log2((model.m[field]?.[level] ?? 1) / (model.u[field]?.[level] ?? 1));
  }
  return weight;
}

/**
 * Fits m by expectation maximisation over pairs that share a key, with u fixed by random pairs.
 * @param blocked patterns of pairs that share a key
 * @param random patterns of pairs drawn at random, practically none of one person
 */
export function fitModel(
  fields: number,
  blocked: readonly PatternCount[],
  random: readonly PatternCount[],
): MatchModel {
  const u = tally(fields, random, () => 1);
  const total = blocked.reduce((sum, pattern) => sum + pattern.pairs, 0);
  let m = Array.from({ length: fields }, () => [...START]);
  let share = 0.1;
  for (let round = 0; round < ROUNDS; round++) {
    const model = { m, u };
    const odds = share / (1 - share);
    let matched = 0;
    const belief = new Map<PatternCount, number>();
    for (const pattern of blocked) {
      const likely = 2 ** weightOf(model, pattern.levels) * odds;
      const probability = Number.isFinite(likely) ? likely / (1 + likely) : 1;
      belief.set(pattern, probability);
      matched += probability * pattern.pairs;
    }
    share = Math.min(0.9, Math.max(0.0001, matched / Math.max(1, total)));
    m = tally(fields, blocked, (pattern) => belief.get(pattern) ?? 0);
  }
  return { m, u };
}

/** P(same person) of a weight, when one in `records` is the one sought. */
export function probabilityOf(weight: number, records: number): number {
  const odds = 2 ** weight / Math.max(1, records);
  return Number.isFinite(odds) ? odds / (1 + odds) : 1;
}
