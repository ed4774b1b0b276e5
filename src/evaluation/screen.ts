/**
 * Looks at each column before the fit: how much it tells, and whether it tells too much.
 *
 * What must stay true: a column that cannot be a sound input (constant, an id, free text, a date,
 * a copy of the target) is left out and said; one that is only suspect is kept and said.
 */
import { fineBins, type Prepared } from './fine-bins.ts';
import { countCodes, directionOf, informationValue, optimalGroups } from './optimal-bins.ts';
import type { Column } from './table.ts';

export interface ScreenedColumn {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly missing: number;
  readonly distinct: number;
  readonly iv: number;
  /** Of the column alone by its best monotone bins; 0.5 says nothing. */
  readonly auc: number;
  /** Why it is no input; null: it is one. */
  readonly left_out: string | null;
  readonly warning: string | null;
}

const COPY_AUC = 0.98;
const SUSPECT_AUC = 0.9;
const SUSPECT_IV = 1.5;
/** IV above 0.5 is usually too good to be true (Siddiqi 2006), so it is worth a second look. */
const STRONG_IV = 0.5;
const MANY_LABELS = 1000;

const DATE =
  /^(?:\d{4}-\d\d?-\d\d?(?:[T ].*)?|\d\d?[/.-]\d\d?[/.-]\d{2,4}(?: .*)?|[A-Za-z]{3}[- ]\d{2,4}|\d{1,2}-[A-Za-z]{3}-?\d{0,4}|\d{4}\/\d\d?\/\d\d?(?: .*)?)$/;
const ID_NAME =
  /(?:^|[_\s.-])(?:id|uuid|guid|key|index|no|nr|number|row)$|^(?:id|sk_id|column_1|unnamed)/i;

function distinctOf(column: Column, order: Uint32Array): number {
  if (column.kind === 'category') return new Set(column.codes.filter((code) => code >= 0)).size;
  let distinct = 0;
  let last = Number.NaN;
  for (const row of order) {
    const value = column.values[row] as number;
    if (value !== last) distinct += 1;
    last = value;
  }
  return distinct;
}

/** Whether the values only ever rise in the order of the file, as a running number does. */
function isRunning({ values }: Extract<Column, { kind: 'number' }>): boolean {
  for (let row = 1; row < values.length; row += 1)
    if (!((values[row] as number) > (values[row - 1] as number))) return false;
  return true;
}

function isNameLike(column: Column, distinct: number, known: number): boolean {
  if (known < 20 || distinct < known) return false;
  if (column.kind === 'category') return true;
  if (column.decimals > 0) return false;
  return ID_NAME.test(column.name) || isRunning(column);
}

function leftOut(column: Column, distinct: number, known: number): string | null {
  if (known === 0) return 'it holds nothing';
  if (distinct === 1 && known === (column.kind === 'number' ? column.values : column.codes).length)
    return 'it is constant';
  if (isNameLike(column, distinct, known)) return 'it names rows: every value is another';
  if (column.kind === 'number') return null;
  const some = column.labels.slice(0, 200);
  if (some.filter((label) => DATE.test(label)).length > 0.9 * some.length)
    return 'it holds dates: a moment is no characteristic; make days or months of it first';
  if (distinct > MANY_LABELS || (distinct > 50 && distinct > known / 4))
    return `it is free text: ${distinct} different values`;
  return null;
}

/** AUC of groups by their rate of bad, exactly, from counts. */
function aucOf(good: Float64Array, bad: Float64Array): number {
  const rate = (at: number) => (bad[at] as number) / ((bad[at] as number) + (good[at] as number));
  const order = [...good.keys()]
    .filter((at) => (good[at] as number) + (bad[at] as number) > 0)
    .sort((a, b) => rate(b) - rate(a));
  let area = 0;
  let badAbove = 0;
  for (const at of order) {
    area += (good[at] as number) * (badAbove + (bad[at] as number) / 2);
    badAbove += bad[at] as number;
  }
  return area / (good.reduce((s, n) => s + n, 0) * badAbove);
}

function warningOf(name: string, auc: number, iv: number): string | null {
  if (auc >= SUSPECT_AUC || iv >= SUSPECT_IV)
    return `${name} alone has an AUC of ${auc.toFixed(3)} (IV ${iv.toFixed(2)}): is it known only after the outcome?`;
  return null;
}

/** One line for all inputs that are worth a second look; null when there is none. */
export function strongColumns(screened: readonly ScreenedColumn[]): string | null {
  const strong = screened
    .filter(({ iv, left_out, warning }) => iv >= STRONG_IV && left_out === null && warning === null)
    .sort((a, b) => b.iv - a.iv);
  if (strong.length === 0) return null;
  const shown = strong.slice(0, 6).map(({ name, iv }) => `${name} (IV ${iv.toFixed(2)})`);
  const more = strong.length > 6 ? ` and ${strong.length - 6} more` : '';
  return `very strong, so make sure that they are known before the decision: ${shown.join(', ')}${more}`;
}

/** @param keep columns that stay inputs whatever is found */
export function screenColumn(
  prepared: Prepared,
  target: Uint8Array,
  keep: ReadonlySet<string>,
): ScreenedColumn {
  const { column, order } = prepared;
  const rows = Uint32Array.from(target.keys());
  const known =
    column.kind === 'number' ? order.length : column.codes.filter((code) => code >= 0).length;
  const distinct = distinctOf(column, order);
  const bins = fineBins(
    prepared,
    new Uint8Array(target.length).fill(1),
    50,
    Math.max(5, target.length / 500),
  );
  const counts = countCodes(bins.codes, bins.size, target, rows);
  const sign = column.kind === 'number' ? directionOf(counts, bins.size - 1) : 0;
  const groups = optimalGroups(bins, counts, sign, 0.01);
  const good = new Float64Array(bins.size);
  const bad = new Float64Array(bins.size);
  for (const [code, group] of groups.entries()) {
    good[group] = (good[group] as number) + (counts.good[code] as number);
    bad[group] = (bad[group] as number) + (counts.bad[code] as number);
  }
  const iv = informationValue({ good, bad });
  const auc = aucOf(good, bad);
  const copies =
    auc >= COPY_AUC ? `it nearly copies the target: an AUC of ${auc.toFixed(3)} alone` : null;
  const reason = keep.has(column.name) ? null : (leftOut(column, distinct, known) ?? copies);
  const warning =
    reason === null ? warningOf(column.name, auc, iv) : `${column.name} is left out: ${reason}`;
  const { name, kind } = column;
  return {
    name,
    kind,
    missing: target.length - known,
    distinct,
    iv,
    auc,
    left_out: reason,
    warning,
  };
}
