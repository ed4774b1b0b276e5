/**
 * The SQL text of a card: scores a table of characteristics set-based, as score.ts does one.
 *
 * What must stay true: equal points and scores for every row (a property test); the text holds
 * only whole numbers and quoted names of a card that parseCard let through; what categories are
 * called goes in as parameters. Plain `case`, so PGlite, PostgreSQL 15 and Citus run the same.
 */
import type { Card, Characteristic } from './card.ts';

export interface CardSql {
  /**
   * A select with the key columns, `score`, `points_total`, `bad_ppm` (bigint, integer) and
   * `points integer[]` in the order of the card, for `explainPoints`.
   */
  readonly text: string;
  /** Values of the parameters, from `firstParameter` on: arrays of text. */
  readonly values: readonly (readonly string[])[];
}

export interface CardSqlSource {
  /**
   * What stands after `from`: a table, or a subquery in brackets with its alias. One column for
   * each characteristic by its name: bigint for a number, text for a category.
   */
  readonly from: string;
  /** Columns that say whose row it is. */
  readonly key: readonly string[];
  /** The number of the first parameter that is free; default 1. */
  readonly firstParameter?: number;
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** `case` of one characteristic; `bind` puts a list of texts away and names its parameter. */
function pointsCase(each: Characteristic, bind: (values: readonly string[]) => string): string {
  const column = quoted(each.name);
  const whenMissing = `when ${column} is null then ${each.missing.points}`;
  if (each.kind === 'category') {
    const bins = each.bins.map(
      ({ values, points }) => `when ${column} = any(${bind(values)}::text[]) then ${points}`,
    );
    return `case ${[whenMissing, ...bins].join(' ')} else ${each.other.points} end`;
  }
  const bins = each.bins.flatMap(({ upto, points }) =>
    upto === null ? [] : [`when ${column} <= ${upto} then ${points}`],
  );
  return `case ${[whenMissing, ...bins].join(' ')} else ${each.bins.at(-1)?.points ?? 0} end`;
}

/** The card as one select. Whoever runs it stands for `from` and `key`: they are no values. */
export function scoreSql(card: Card, source: CardSqlSource): CardSql {
  const values: (readonly string[])[] = [];
  const first = source.firstParameter ?? 1;
  const bind = (list: readonly string[]) => {
    values.push(list);
    return `$${first + values.length - 1}`;
  };
  // Names of our own that no key column has: digits after a sign that is rare in names.
  const cases = card.characteristics.map(
    (each, at) => `${pointsCase(each, bind)} as "points#${at}"`,
  );
  const names = card.characteristics.map((_, at) => `"points#${at}"`);
  const { lowest, highest } = card.scale;
  const key = source.key.map((name) => `${quoted(name)}, `).join('');
  // `offset 0` keeps each level as it is: flattened, every case would be worked out for the
  // array, for the sum and for the score again.
  // sql: names are quoted, all else are whole numbers of a checked card.
  const text = `
    select ${key}score, points_total,
           (array[${card.bad_ppm.join(',')}])[score - ${lowest - 1}] as bad_ppm, points
      from (select ${key}points, points_total,
                   greatest(${lowest}, least(${highest}, points_total)) as score
              from (select ${key}array[${names.join(', ')}]::integer[] as points,
                           ${[card.base_points, ...names].join(' + ')} as points_total
                      from (select ${key}${cases.join(',\n')}
                              from ${source.from} offset 0) as pointed offset 0) as summed
            offset 0) as scored`;
  return { text, values };
}
