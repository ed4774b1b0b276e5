/**
 * The recipe: engineered characteristics as data. Each step makes one new column of whole numbers
 * from columns that are there; nothing in it can see the target.
 *
 * What must stay true: a step is total (any input gives a value or null) and exact, so that the
 * same columns give the same characteristics at the fit and at every later score.
 */
import { type Static, type TSchema, Type } from 'typebox';

const closed = <T extends Record<string, TSchema>>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const NAME = Type.String({ minLength: 1, maxLength: 200 });
const OF = Type.Array(NAME, { minItems: 1, maxItems: 200 });
const MULTIPLIER = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
const THRESHOLD = Type.Number();

const STEP = Type.Union([
  /** One figure of several columns, of those that are not missing. */
  closed({
    name: NAME,
    make: Type.Union([
      Type.Literal('max'),
      Type.Literal('min'),
      Type.Literal('sum'),
      Type.Literal('mean'),
      Type.Literal('range'),
    ]),
    of: OF,
  }),
  /** How many of the columns stand so to the threshold; missing ones do not count. */
  closed({
    name: NAME,
    make: Type.Union([Type.Literal('count_at_least'), Type.Literal('count_at_most')]),
    of: OF,
    threshold: THRESHOLD,
  }),
  /** The place (from 0) of the first column that reaches the threshold: months since, when the
   * columns are months and the newest is first. None: the number of columns. */
  closed({ name: NAME, make: Type.Literal('first_at_least'), of: OF, threshold: THRESHOLD }),
  /** `of` over `per`, times `times`, cut to whole; `per` not above zero: null. */
  closed({ name: NAME, make: Type.Literal('ratio'), of: NAME, per: NAME, times: MULTIPLIER }),
  closed({ name: NAME, make: Type.Literal('difference'), of: NAME, less: NAME }),
  /** The slope by least squares per place, times `times`, newest first: above zero is rising. */
  closed({ name: NAME, make: Type.Literal('trend'), of: OF, times: MULTIPLIER }),
  /** Kept between two bounds. */
  closed({
    name: NAME,
    make: Type.Literal('clamp'),
    of: NAME,
    least: Type.Integer(),
    most: Type.Integer(),
  }),
  /**
   * Two facts as one category: the bands of each column, numbered from 0 by ascending ends (a
   * value that equals an end is below it), joined as "2|0"; a missing value is band "-".
   */
  closed({
    name: NAME,
    make: Type.Literal('combine'),
    of: Type.Array(closed({ column: NAME, ends: Type.Array(Type.Number(), { maxItems: 50 }) }), {
      minItems: 2,
      maxItems: 4,
    }),
  }),
]);

export const RECIPE = closed({
  steps: Type.Array(STEP, { maxItems: 500 }),
  /** Columns that are only for the steps, not characteristics themselves. */
  drop: Type.Array(NAME, { maxItems: 1000 }),
});
/** What a recipe file may hold beside the recipe: all that a person knows of a kind of sample. */
export const RECIPE_FILE = closed({
  description: Type.Optional(Type.String({ maxLength: 2000 })),
  steps: RECIPE.properties.steps,
  drop: RECIPE.properties.drop,
  /** Directions that meaning demands; those of the other columns are found from the data. */
  directions: Type.Optional(
    Type.Record(
      Type.String(),
      Type.Union([
        Type.Literal('more_is_worse'),
        Type.Literal('more_is_better'),
        Type.Literal('free'),
      ]),
    ),
  ),
  /** What others measured on the same data, shown beside what this run measures. */
  published: Type.Optional(
    Type.Array(
      closed({
        model: NAME,
        auc: Type.Number({ minimum: 0, maximum: 1 }),
        ks: Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()]),
        source: Type.String({ maxLength: 300 }),
      }),
      { maxItems: 50 },
    ),
  ),
});
export type RecipeFile = Static<typeof RECIPE_FILE>;

export type Recipe = Static<typeof RECIPE>;
export type RecipeStep = Static<typeof STEP>;

export const NO_RECIPE: Recipe = { steps: [], drop: [] };
