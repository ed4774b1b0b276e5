/** Sound cards for tests: one by hand, and random ones with everything a card may hold. */
import fc from 'fast-check';
import {
  type Card,
  type CategoryCharacteristic,
  DEFAULT_SCALE,
  type Direction,
  type NumberCharacteristic,
  parseCard,
  type Scale,
} from './card.ts';
import { NO_RECIPE } from './recipe-schema.ts';
import type { CharacteristicRecord, CharacteristicValue } from './score.ts';

const facts = (points: number) => ({ points, count: 100, bad: 10, woe_e4: points * 100 });

const reasonOf = (id: string, is_enquiries = false) => ({
  id,
  is_enquiries,
  texts: { en: { says: id, improve: '' }, zh: { says: id, improve: '' } },
});

const tableOf = ({ lowest, highest }: Scale) =>
  Array.from({ length: highest - lowest + 1 }, (_, at) => Math.max(0, 900_000 - 1_000 * at));

function cardOf(
  characteristics: Card['characteristics'],
  base_points: number,
  scale: Scale = DEFAULT_SCALE,
): Card {
  return parseCard({
    schema_version: 1,
    name: 'sample',
    version: 1,
    kind: 'full',
    bad_means: '90 or more days late within 12 months',
    scale,
    base_points,
    characteristics,
    bad_ppm: tableOf(scale),
    range: { by: null, steps: [{ upto: null, half_width: 15 }] },
    recipe: NO_RECIPE,
    inputs: [],
    training: {
      data_sha256: '0'.repeat(64),
      rows: 1000,
      bad: 100,
      parameters: {},
      auc_e4: null,
      ks_e4: null,
      score_bands: [],
    },
  });
}

/** Days past due, purpose, and enquiries. */
export function sampleCard(): Card {
  return cardOf(
    [
      {
        kind: 'number',
        name: 'days_past_due_max',
        decimals: 0,
        direction: 'more_is_worse',
        bins: [
          { upto: 0, ...facts(60) },
          { upto: 29, ...facts(20) },
          { upto: null, ...facts(-40) },
        ],
        missing: facts(0),
        reason: reasonOf('DAYS_PAST_DUE_MAX'),
      },
      {
        kind: 'category',
        name: 'purpose',
        bins: [{ values: ['car', 'home'], ...facts(15) }],
        other: facts(-5),
        missing: facts(0),
        reason: reasonOf('PURPOSE'),
      },
      {
        kind: 'number',
        name: 'enquiries_6m',
        decimals: 0,
        direction: 'more_is_worse',
        bins: [
          { upto: 2, ...facts(5) },
          { upto: null, ...facts(-10) },
        ],
        missing: facts(5),
        reason: reasonOf('ENQUIRIES_6M', true),
      },
    ],
    500,
  );
}

const POINTS = fc.integer({ min: -80, max: 80 });
const EDGE = fc.oneof(
  fc.integer({ min: -20, max: 20 }),
  fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
);
/** Texts that quoting must survive. */
const TEXT = fc.oneof(
  fc.constantFrom('', 'a', "o'x", '"', '{a,b}', 'null', '\\', '$1', '房'),
  fc.string({ maxLength: 6 }).map((text) => text.replaceAll('\0', '')),
);

function ordered(points: number[], direction: Direction): number[] {
  if (direction === 'free') return points;
  const ascending = [...points].sort((a, b) => a - b);
  return direction === 'more_is_better' ? ascending : ascending.reverse();
}

const numberOf = (at: number): fc.Arbitrary<NumberCharacteristic> =>
  fc
    .record({
      ends: fc.uniqueArray(EDGE, { maxLength: 6 }),
      points: fc.array(POINTS, { minLength: 7, maxLength: 7 }),
      missing: POINTS,
      direction: fc.constantFrom<Direction>('more_is_worse', 'more_is_better', 'free'),
    })
    .map(({ ends, points, missing, direction }) => {
      const bounds = [...ends.sort((a, b) => a - b), null];
      const own = ordered(points.slice(0, bounds.length), direction);
      return {
        kind: 'number',
        name: `n ${at}"`,
        decimals: 0,
        direction,
        bins: bounds.map((upto, bin) => ({ upto, ...facts(own[bin] ?? 0) })),
        missing: facts(missing),
        reason: reasonOf(`N${at}`, at === 1),
      };
    });

const categoryOf = (at: number): fc.Arbitrary<CategoryCharacteristic> =>
  fc
    .record({
      values: fc.uniqueArray(TEXT, { maxLength: 6 }),
      points: fc.array(POINTS, { minLength: 8, maxLength: 8 }),
    })
    .map(({ values, points }) => {
      const cut = Math.ceil(values.length / 2);
      const groups = [values.slice(0, cut), values.slice(cut)].filter((each) => each.length > 0);
      return {
        kind: 'category',
        name: `c${at}`,
        bins: groups.map((each, bin) => ({ values: each, ...facts(points[bin] ?? 0) })),
        other: facts(points[6] ?? 0),
        missing: facts(points[7] ?? 0),
        reason: reasonOf(`C${at}`),
      };
    });

/** Any sound card of up to six characteristics. */
export const ANY_CARD: fc.Arbitrary<Card> = fc
  .tuple(
    fc
      .integer({ min: 1, max: 4 })
      .chain((n) => fc.tuple(...Array.from({ length: n }, (_, at) => numberOf(at)))),
    fc
      .integer({ min: 0, max: 2 })
      .chain((n) => fc.tuple(...Array.from({ length: n }, (_, at) => categoryOf(at)))),
    fc.integer({ min: 300, max: 700 }),
  )
  .map(([numbers, categories, base]) => cardOf([...numbers, ...categories], base));

/** A record for a card: edges of bins, their neighbours, values of no bin, nothing. */
export function anyRecord(card: Card): fc.Arbitrary<CharacteristicRecord> {
  const value = (each: Card['characteristics'][number]): fc.Arbitrary<CharacteristicValue> => {
    if (each.kind === 'category') {
      const known = each.bins.flatMap(({ values }) => values);
      return fc.oneof(
        fc.constant(null),
        TEXT,
        ...(known.length > 0 ? [fc.constantFrom(...known)] : []),
      );
    }
    const near = each.bins
      .flatMap(({ upto }) => (upto === null ? [] : [upto - 1, upto, upto + 1]))
      .filter(Number.isSafeInteger);
    return fc.oneof(
      fc.constant(null),
      EDGE,
      ...(near.length > 0 ? [fc.constantFrom(...near)] : []),
    );
  };
  return fc.record(
    Object.fromEntries(card.characteristics.map((each) => [each.name, value(each)])),
  );
}
