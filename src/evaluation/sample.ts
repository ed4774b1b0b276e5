/**
 * A development sample: a table with a target that is good or bad, and what may be an input.
 *
 * What must stay true: protected columns, ids and the target are never inputs; whatever is left
 * out is said, with the reason.
 */
import { AssentError } from '../model/error.ts';
import { type Column, type Table, takeRows } from './table.ts';

export interface SampleOptions {
  readonly target: string;
  /** Values that mean bad; null: recognised when they are plain (1, yes, bad …). */
  readonly bad: readonly string[] | null;
  /** Values that mean good; null: all others. Rows with neither are left out. */
  readonly good: readonly string[] | null;
  /** Never inputs, nor used otherwise. */
  readonly exclude: readonly string[];
  /** Never inputs; fairness is measured by them. */
  readonly protect: readonly string[];
  readonly id: string | null;
}

export interface Sample {
  /** 1 is bad. */
  readonly target: Uint8Array;
  readonly bad: number;
  readonly columns: readonly Column[];
  readonly protected_columns: readonly Column[];
  readonly warnings: readonly string[];
}

/** Classes this small give no sound card. */
const LEAST_OF_A_CLASS = 20;
/** Fewer bad ones than this: the card is a sketch. */
const FEW_BAD = 200;

const unfit = (detail: string): never => {
  throw new AssentError('sample_unfit', { detail });
};

/** Pairs whose meaning nobody doubts: [bad, good]. `1` and `2` is not among them. */
const PLAIN_PAIRS: readonly (readonly [string, string])[] = [
  ['1', '0'],
  ['yes', 'no'],
  ['y', 'n'],
  ['true', 'false'],
  ['t', 'f'],
  ['bad', 'good'],
  ['b', 'g'],
  ['default', 'paid'],
  ['default', 'no default'],
  ['default', 'non-default'],
  ['charged off', 'fully paid'],
];

/** The text of each value of a column, and which each row has (-1: none). */
export function textsOf(column: Column): { labels: string[]; codes: Int32Array } {
  if (column.kind === 'category') return { labels: [...column.labels], codes: column.codes };
  const labels = new Map<number, number>();
  const codes = new Int32Array(column.values.length).fill(-1);
  for (let row = 0; row < codes.length; row += 1) {
    const value = column.values[row] as number;
    if (Number.isNaN(value)) continue;
    const code = labels.get(value) ?? labels.size;
    labels.set(value, code);
    codes[row] = code;
  }
  const unit = 10 ** column.decimals;
  return { labels: [...labels.keys()].map((value) => String(value / unit)), codes };
}

function columnOf(table: Table, name: string, what: string): Column {
  const column = table.columns.find((each) => each.name === name);
  if (column) return column;
  const close = table.columns
    .map((each) => each.name)
    .slice(0, 12)
    .join(', ');
  throw new AssentError('sample_unfit', {
    detail: `${what}: there is no column ${name}; there are ${close} …`,
  });
}

const isOneOf = (text: string, list: readonly string[]) =>
  list.some((each) => each.trim().toLowerCase() === text.toLowerCase());

function recognisedBad(labels: readonly string[], target: string): string[] {
  const pair = PLAIN_PAIRS.find(
    ([bad, good]) =>
      labels.length === 2 &&
      labels.some((l) => isOneOf(l, [bad])) &&
      labels.some((l) => isOneOf(l, [good])),
  );
  if (pair) return [pair[0]];
  const shown = labels
    .slice(0, 8)
    .map((label) => label.slice(0, 40))
    .join(', ');
  return unfit(
    `column ${target} holds ${labels.length} values (${shown}): say with --bad which mean bad, and with --good which mean good when others are to be left out`,
  );
}

/** 1 bad, 0 good, 255 neither, of every row. @throws sample_unfit */
export function classesOf(
  table: Table,
  options: Pick<SampleOptions, 'target' | 'bad' | 'good'>,
): Uint8Array {
  const column = columnOf(table, options.target, 'the target');
  const { labels, codes } = textsOf(column);
  if (labels.length === 0) unfit(`column ${options.target} holds nothing`);
  const bad = options.bad ?? (labels.length === 1 ? ['1'] : recognisedBad(labels, options.target));
  const good = options.good;
  const rest = good === null ? 0 : 255;
  if (good === null && labels.length > 2 && options.bad === null)
    recognisedBad(labels, options.target);
  if (good === null && labels.length > 10)
    unfit(
      `column ${options.target} holds ${labels.length} values: a target holds two; name the good ones with --good`,
    );
  const classOf = labels.map((label) =>
    isOneOf(label, bad) ? 1 : good && isOneOf(label, good) ? 0 : rest,
  );
  return Uint8Array.from(codes, (code) => (code < 0 ? 255 : (classOf[code] as number)));
}

/** @throws sample_unfit when a column is not there or a class is too small */
export function sampleOf(table: Table, options: SampleOptions): Sample {
  const classes = classesOf(table, options);
  for (const name of options.exclude) columnOf(table, name, '--exclude');
  const guarded = options.protect.map((name) => columnOf(table, name, '--protected'));
  if (options.id !== null) columnOf(table, options.id, '--id');
  const rows = Uint32Array.from(classes.keys()).filter((row) => classes[row] !== 255);
  const target = Uint8Array.from(rows, (row) => classes[row] as number);
  const bad = target.reduce((sum, each) => sum + each, 0);
  const good = target.length - bad;
  if (bad === 0 || good === 0)
    unfit(`column ${options.target} has ${bad} bad and ${good} good rows: both are needed`);
  if (Math.min(bad, good) < LEAST_OF_A_CLASS)
    unfit(
      `${bad} bad and ${good} good rows: at least ${LEAST_OF_A_CLASS} of each are needed, better ${FEW_BAD} bad`,
    );
  const out = new Set([options.target, ...options.exclude, ...options.protect, options.id]);
  const isWhole = rows.length === table.rows;
  const take = (column: Column) => (isWhole ? column : takeRows(column, rows));
  const left = table.rows - rows.length;
  return {
    target,
    bad,
    columns: table.columns.filter(({ name }) => !out.has(name)).map(take),
    protected_columns: guarded.map(take),
    warnings: [
      ...table.warnings,
      ...(left > 0 ? [`${left} rows are neither good nor bad and were left out`] : []),
      ...(bad < FEW_BAD
        ? [`only ${bad} bad rows: the card is a sketch, better have ${FEW_BAD}`]
        : []),
    ],
  };
}
