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
  const cases = card.characteristics.map((each) => pointsCase(each, bind));
  const { lowest, highest } = card.scale;
  const key = source.key.map((name) => `${quoted(name)}, `).join('');
  // The points stand in one array, for a card may have more characteristics than columns are
  // read with comfort; the sum unnests it. `offset 0` keeps the array from being made twice.
  // sql: names are quoted, all else are whole numbers of a checked card.
  const text = `
    select ${key}score, points_total, (array[${card.bad_ppm.join(',')}])[score - ${lowest - 1}] as bad_ppm, points
      from (select ${key}points, points_total,
                   greatest(${lowest}, least(${highest}, points_total)) as score
              from (select ${key}points,
                           ${card.base_points} + (select sum(p)::integer from unnest(points) as p) as points_total
                      from (select ${key}array[${cases.join(',\n')}]::integer[] as points
                              from ${source.from} offset 0) as pointed) as summed) as scored`;
  return { text, values };
}
