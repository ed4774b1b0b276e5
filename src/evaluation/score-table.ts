/**
 * Scores a whole table of a CSV by a card: follows the card's recipe, then gives points.
 *
 * What must stay true: every row has the score that `scoreRecord` gives its record.
 */
import { AssentError } from '../model/error.ts';
import type { Card, Characteristic } from './card.ts';
import { followRecipe } from './recipe.ts';
import { type CharacteristicValue, pointsOf } from './score.ts';
import type { Column, ColumnShape, Table } from './table.ts';

/** What `readTable` is to read for a card. */
export const shapesOf = (card: Card): readonly ColumnShape[] => card.inputs;

/** The columns of the characteristics, in the order of the card. @throws sample_unfit */
export function characteristicColumns(card: Card, columns: readonly Column[]): Column[] {
  const all = followRecipe({ ...card.recipe, drop: [] }, columns);
  return card.characteristics.map((each) => {
    const column = all.find(({ name }) => name === each.name);
    if (column) return column;
    throw new AssentError('sample_unfit', {
      detail: `the card reads a column ${each.name}, which is not there`,
    });
  });
}

/** The value of a row as its characteristic holds it. */
export function valueAt(
  column: Column,
  characteristic: Characteristic,
  row: number,
): CharacteristicValue {
  if (column.kind === 'category') {
    const code = column.codes[row] as number;
    return code < 0 ? null : (column.labels[code] ?? null);
  }
  const value = column.values[row] as number;
  if (Number.isNaN(value)) return null;
  return characteristic.kind === 'category' ? String(value / 10 ** column.decimals) : value;
}

export interface ScoredTable {
  readonly rows: number;
  /** Cut to the scale. */
  readonly scores: Float64Array;
  /** Of each characteristic in the order of the card, of each row. */
  readonly points: readonly Int32Array[];
  readonly columns: readonly Column[];
}

/** @throws sample_unfit, recipe_invalid */
export function scoreTable(card: Card, table: Pick<Table, 'rows' | 'columns'>): ScoredTable {
  const columns = characteristicColumns(card, table.columns);
  const totals = new Float64Array(table.rows).fill(card.base_points);
  const points = card.characteristics.map((characteristic, at) => {
    const column = columns[at] as Column;
    const own = new Int32Array(table.rows);
    for (let row = 0; row < table.rows; row += 1) {
      own[row] = pointsOf(characteristic, valueAt(column, characteristic, row));
      totals[row] = (totals[row] as number) + (own[row] as number);
    }
    return own;
  });
  const { lowest, highest } = card.scale;
  const scores = totals.map((total) => Math.max(lowest, Math.min(highest, total)));
  return { rows: table.rows, scores, points, columns };
}
