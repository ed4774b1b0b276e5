/**
 * The scorecard as data: JSON with a schema, known by the hash of its canonical form.
 *
 * What must stay true: a card is everything that scoring needs and nothing that must be computed
 * again, so every number in it is a whole number and a score is a sum of points, one bin of each
 * characteristic. Values of characteristics are whole numbers (minor units, basis points, counts,
 * days; a decimal of a CSV times ten to the power of `decimals`), texts (`category`), or null.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { RECIPE } from './recipe-schema.ts';

const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const NAME = Type.String({ minLength: 1, maxLength: 200 });
const COUNT = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const VALUE = Type.Integer({
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
});
const POINTS = Type.Integer({ minimum: -100_000, maximum: 100_000 });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });

/**
 * What every bin has: its points and, of the sample it was fitted on, people, bad ones, and the
 * weight of evidence ln(share of good / share of bad) in ten-thousandths.
 */
const BIN = { points: POINTS, count: COUNT, bad: COUNT, woe_e4: Type.Integer() };

const WORDS = closed({
  /** Why points were lost. */
  says: Type.String({ minLength: 1, maxLength: 500 }),
  /** What would improve it; empty when a person can do nothing. */
  improve: Type.String({ maxLength: 500 }),
});

const REASON = closed({
  /** Stable: never given to another reason, whatever becomes of the card. */
  id: Type.String({ pattern: '^[A-Z0-9_]{1,80}$' }),
  /** Enquiries come as a fifth reason whenever they cost points (15 USC 1681g(f)(1)(C) and (9)). */
  is_enquiries: Type.Boolean(),
  texts: closed({ en: WORDS, zh: WORDS }),
});

/**
 * `more_is_worse`: points never rise as the value rises; `more_is_better`: they never fall;
 * `free`: they may do both.
 */
export const DIRECTIONS = ['more_is_worse', 'more_is_better', 'free'] as const;
export type Direction = (typeof DIRECTIONS)[number];

const NUMBER_CHARACTERISTIC = closed({
  kind: Type.Literal('number'),
  name: NAME,
  decimals: Type.Integer({ minimum: 0, maximum: 9 }),
  direction: Type.Enum([...DIRECTIONS]),
  /** In ascending order; `upto` belongs to the bin; the last has no end: null. */
  bins: Type.Array(closed({ upto: Type.Union([VALUE, Type.Null()]), ...BIN }), {
    minItems: 1,
    maxItems: 256,
  }),
  missing: closed(BIN),
  reason: REASON,
});

const CATEGORY_CHARACTERISTIC = closed({
  kind: Type.Literal('category'),
  name: NAME,
  bins: Type.Array(
    closed({ values: Type.Array(Type.String({ maxLength: 500 }), { minItems: 1 }), ...BIN }),
    { maxItems: 256 },
  ),
  /** Whatever no bin names. */
  other: closed(BIN),
  missing: closed(BIN),
  reason: REASON,
});

const SCALE = closed({
  /** `score` stands for `odds` good to one bad, and every `double` points double them. */
  score: Type.Integer({ minimum: 0, maximum: 10_000 }),
  odds: Type.Integer({ minimum: 1, maximum: 10_000 }),
  double: Type.Integer({ minimum: 1, maximum: 1_000 }),
  lowest: Type.Integer({ minimum: 0, maximum: 10_000 }),
  highest: Type.Integer({ minimum: 1, maximum: 10_000 }),
});
export type Scale = Static<typeof SCALE>;

/** 600 points at 50:1, 20 points to double the odds; scores from 300 to 850. */
export const DEFAULT_SCALE: Scale = {
  score: 600,
  odds: 50,
  double: 20,
  lowest: 300,
  highest: 850,
};

const CARD = closed({
  schema_version: Type.Literal(1),
  name: Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,60}$' }),
  version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  /** A person with little history is scored by a card of their own, of kind `thin`. */
  kind: Type.Union([Type.Literal('full'), Type.Literal('thin')]),
  /** What is predicted, in words: "90 or more days late within 12 months". */
  bad_means: Type.String({ minLength: 1, maxLength: 500 }),
  scale: SCALE,
  base_points: POINTS,
  characteristics: Type.Array(Type.Union([NUMBER_CHARACTERISTIC, CATEGORY_CHARACTERISTIC]), {
    minItems: 1,
    maxItems: 500,
  }),
  /** For each score from `scale.lowest` to `scale.highest`: bad in a million. Never rises. */
  bad_ppm: Type.Array(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  /**
   * How far a score reaches to both sides. `by` names a characteristic (months of history, say)
   * whose value chooses the step as a bin does; null: one step for all. A missing value takes
   * the first step, which must be the widest.
   */
  range: closed({
    by: Type.Union([NAME, Type.Null()]),
    steps: Type.Array(
      closed({
        upto: Type.Union([VALUE, Type.Null()]),
        half_width: Type.Integer({ minimum: 0, maximum: 10_000 }),
      }),
      { minItems: 1, maxItems: 100 },
    ),
  }),
  /** How characteristics come from the columns of a CSV; empty when they are its columns. */
  recipe: RECIPE,
  /** The columns of a CSV that recipe and characteristics read; empty for a card of no CSV. */
  inputs: Type.Array(
    closed({
      name: NAME,
      kind: Type.Union([Type.Literal('number'), Type.Literal('category')]),
      decimals: Type.Integer({ minimum: 0, maximum: 9 }),
    }),
    { maxItems: 5000 },
  ),
  training: closed({
    /** SHA-256 over the bytes that were read. */
    data_sha256: SHA256,
    rows: COUNT,
    bad: COUNT,
    /** All that the fit was told, so that the same bytes give the same card. */
    parameters: Type.Record(Type.String(), Type.Unknown()),
    /** Measured out of fold, in ten-thousandths; null when it was not. */
    auc_e4: Type.Union([Type.Integer(), Type.Null()]),
    ks_e4: Type.Union([Type.Integer(), Type.Null()]),
    /** How many of the sample scored so: what the stability of later scores is measured against. */
    score_bands: Type.Array(closed({ upto: Type.Union([VALUE, Type.Null()]), count: COUNT }), {
      maxItems: 100,
    }),
  }),
});

export type Card = Static<typeof CARD>;
export type NumberCharacteristic = Static<typeof NUMBER_CHARACTERISTIC>;
export type CategoryCharacteristic = Static<typeof CATEGORY_CHARACTERISTIC>;
export type Characteristic = NumberCharacteristic | CategoryCharacteristic;
export type Reason = Static<typeof REASON>;

const invalid = (detail: string): never => {
  throw new AssentError('scorecard_invalid', { detail });
};

const isAscending = (ends: readonly (number | null)[]) =>
  ends.every((end, at) => {
    if (at === ends.length - 1) return end === null;
    const before = at === 0 ? null : (ends[at - 1] ?? null);
    return end !== null && (before === null || before < end);
  });

function isMonotone({ bins, direction }: NumberCharacteristic): boolean {
  if (direction === 'free') return true;
  const sign = direction === 'more_is_better' ? 1 : -1;
  return bins.every(({ points }, at) => {
    const before = bins[at - 1];
    return before === undefined || sign * (points - before.points) >= 0;
  });
}

function characteristicProblems(characteristic: Characteristic): string[] {
  if (characteristic.kind === 'category') {
    const values = characteristic.bins.flatMap((bin) => bin.values);
    return new Set(values).size < values.length ? ['a value stands in two bins'] : [];
  }
  const ends = characteristic.bins.map(({ upto }) => upto);
  return [
    ...(isAscending(ends) ? [] : ['the ends of the bins do not ascend to null']),
    ...(isMonotone(characteristic) ? [] : ['the points turn against the direction']),
  ];
}

const repeated = (texts: readonly string[]) =>
  texts.find((text, at) => texts.indexOf(text) < at) ?? null;

/** What the schema cannot say. */
function cardProblems(card: Card): string[] {
  const { scale, characteristics, bad_ppm, range, training } = card;
  const name = repeated(characteristics.map((each) => each.name));
  const reason = repeated(characteristics.map((each) => each.reason.id));
  const widths = range.steps.map(({ half_width }) => half_width);
  const isTableRight =
    bad_ppm.length === scale.highest - scale.lowest + 1 &&
    bad_ppm.every((ppm, at) => at === 0 || ppm <= (bad_ppm[at - 1] ?? 0));
  return [
    ...(scale.lowest < scale.highest ? [] : ['/scale: lowest is not below highest']),
    ...(name === null ? [] : [`/characteristics: ${name} stands there twice`]),
    ...(reason === null ? [] : [`/characteristics: reason ${reason} is given twice`]),
    ...(isTableRight ? [] : ['/bad_ppm: not one for each score, or it rises with the score']),
    ...(isAscending(range.steps.map(({ upto }) => upto))
      ? []
      : ['/range/steps: the ends do not ascend to null']),
    ...(widths.every((width, at) => at === 0 || width <= (widths[at - 1] ?? 0))
      ? []
      : ['/range/steps: a later step is wider than an earlier one']),
    ...(training.score_bands.length === 0 ||
    isAscending(training.score_bands.map(({ upto }) => upto))
      ? []
      : ['/training/score_bands: the ends do not ascend to null']),
    ...characteristics.flatMap((each, at) =>
      characteristicProblems(each).map((problem) => `/characteristics/${at}: ${problem}`),
    ),
  ];
}

const SHOWN_PROBLEMS = 5;

/** A card from JSON of outside. @throws scorecard_invalid, naming up to five places (RFC 6901) */
export function parseCard(value: unknown): Card {
  const malformed = Errors(CARD, value).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  const problems = malformed.length > 0 ? malformed : cardProblems(value as Card);
  if (problems.length > 0) invalid([...new Set(problems)].slice(0, SHOWN_PROBLEMS).join('; '));
  return value as Card;
}

/** The canonical JSON (RFC 8785) by whose hash a card is known, and which is stored. */
export function cardText(card: Card): string {
  return canonicalize(card) ?? invalid('the card has no canonical form');
}

/** Of cards that were hashed: a card never changes, and one evaluates many people. */
const digests = new WeakMap<Card, string>();

/** SHA-256 over the canonical JSON, in lower-case hex: the identity of the card. */
export function cardDigest(card: Card): string {
  const known = digests.get(card);
  if (known !== undefined) return known;
  const digest = hash('sha256', cardText(card), 'hex');
  digests.set(card, digest);
  return digest;
}

/** Every bin of a characteristic, in the order of the card: bins, other, missing. */
export function binsOf(characteristic: Characteristic) {
  const { bins, missing } = characteristic;
  return characteristic.kind === 'number'
    ? [...bins, missing]
    : [...bins, characteristic.other, missing];
}

/** The most points that a characteristic can give, against which losses are counted. */
export function bestPoints(characteristic: Characteristic): number {
  return binsOf(characteristic).reduce((best, { points }) => Math.max(best, points), -Infinity);
}
