/**
 * A CSV as columns of numbers or categories, recognised by themselves.
 *
 * What must stay true: the first fault stops the reading and is named by row and column (the
 * header is row 1), never by its value; one column costs eight bytes a row, whatever it holds.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, type Options, parse } from 'csv-parse';
import { AssentError } from '../model/error.ts';
import { decimalsOf, isMissing, isMissingAmongNumbers, numberOf, scaled } from './cell.ts';

export interface NumberColumn {
  readonly kind: 'number';
  readonly name: string;
  readonly decimals: number;
  /** Whole numbers, scaled by `decimals`; NaN is missing. */
  readonly values: Float64Array;
}

export interface CategoryColumn {
  readonly kind: 'category';
  readonly name: string;
  readonly labels: readonly string[];
  /** Places in `labels`; -1 is missing. */
  readonly codes: Int32Array;
}

export type Column = NumberColumn | CategoryColumn;

/** Rows of a column that are kept. */
export function takeRows(column: Column, rows: Uint32Array): Column {
  return column.kind === 'number'
    ? { ...column, values: Float64Array.from(rows, (row) => column.values[row] as number) }
    : { ...column, codes: Int32Array.from(rows, (row) => column.codes[row] as number) };
}

export interface Table {
  readonly rows: number;
  readonly columns: readonly Column[];
  /** SHA-256 over the bytes as they came, in lower-case hex. */
  readonly data_sha256: string;
  readonly warnings: readonly string[];
}

/** What a column is to hold, whatever this file makes it look like. */
export interface ColumnShape {
  readonly name: string;
  readonly kind: Column['kind'];
  readonly decimals: number;
}

export interface TableOptions {
  /** Columns whose numbers are names of categories. */
  readonly categories?: readonly string[];
  /** The only columns that are read, and what they hold: as a card says. */
  readonly shapes?: readonly ColumnShape[];
  /** Columns that are read beside the shapes; what they hold is recognised. */
  readonly beside?: readonly string[];
  /** Rows read so far, now and then. */
  readonly progress?: (rows: number) => void;
}

const RECORD_MAX = 1024 * 1024;
const DELIMITERS = [',', ';', '\t', '|'];
/** Characters of a category; what is longer is cut. */
const LABEL_MAX = 200;
const PROGRESS_ROWS = 20_000;
/** From here on a few cells that are no numbers are faults of a number column, not categories. */
const MOSTLY_NUMBERS = 0.98;
const NUMBERS_DISTINCT = 20;

const unreadable = (detail: string): never => {
  throw new AssentError('sample_unreadable', { detail });
};

class ColumnBuilder {
  readonly name: string;
  #numbers = new Float64Array(1024);
  #texts = new Map<string, number>();
  /** Row and code of every cell that is no number. */
  #textRows: number[] = [];
  #textCodes: number[] = [];
  #count = 0;
  #numeric = 0;
  #decimals = 0;
  #most = 0;

  constructor(name: string) {
    this.name = name;
  }

  add(cell: string, hasDecimalComma: boolean): void {
    const text = cell.trim().slice(0, LABEL_MAX);
    if (this.#count === this.#numbers.length) {
      const wider = new Float64Array(this.#count * 2);
      wider.set(this.#numbers);
      this.#numbers = wider;
    }
    const value = isMissing(text) ? null : numberOf(text, hasDecimalComma);
    this.#numbers[this.#count] = value ?? Number.NaN;
    if (value !== null) {
      this.#numeric += 1;
      if (this.#decimals < 9) this.#decimals = Math.max(this.#decimals, decimalsOf(value));
      this.#most = Math.max(this.#most, Math.abs(value));
    } else if (!isMissing(text)) {
      const code = this.#texts.get(text) ?? this.#texts.size;
      if (code === this.#texts.size) this.#texts.set(text, code);
      this.#textRows.push(this.#count);
      this.#textCodes.push(code);
    }
    this.#count += 1;
  }

  #isNumber(): boolean {
    if (this.#texts.size === 0) return true;
    if (this.#numeric === 0) return false;
    if ([...this.#texts.keys()].every(isMissingAmongNumbers)) return true;
    const share = this.#numeric / (this.#numeric + this.#textRows.length);
    if (share < MOSTLY_NUMBERS) return false;
    const distinct = new Set<number>();
    for (let row = 0; row < this.#count && distinct.size <= NUMBERS_DISTINCT; row += 1) {
      const value = this.#numbers[row] as number;
      if (!Number.isNaN(value)) distinct.add(value);
    }
    return distinct.size > NUMBERS_DISTINCT;
  }

  #category(): CategoryColumn {
    const codes = new Int32Array(this.#count).fill(-1);
    for (const [at, row] of this.#textRows.entries()) codes[row] = this.#textCodes[at] as number;
    for (let row = 0; row < this.#count && this.#numeric > 0; row += 1) {
      const value = this.#numbers[row] as number;
      if (Number.isNaN(value)) continue;
      const text = String(value);
      const code = this.#texts.get(text) ?? this.#texts.size;
      this.#texts.set(text, code);
      codes[row] = code;
    }
    return { kind: 'category', name: this.name, labels: [...this.#texts.keys()], codes };
  }

  build(shape: Partial<ColumnShape>, warnings: string[]): Column {
    const kind = shape.kind ?? (this.#isNumber() ? 'number' : 'category');
    if (kind === 'category') return this.#category();
    if (this.#textRows.length > 0) {
      warnings.push(
        `${this.name}: ${this.#textRows.length} cells are no numbers and count as missing, the first in row ${(this.#textRows[0] ?? 0) + 2}`,
      );
    }
    const whole = Math.ceil(Math.log10(this.#most + 1));
    const decimals = shape.decimals ?? Math.max(0, Math.min(this.#decimals, 15 - whole));
    const values = this.#numbers.slice(0, this.#count);
    for (let row = 0; row < values.length; row += 1) {
      const value = values[row] as number;
      if (!Number.isNaN(value)) values[row] = scaled(value, decimals);
    }
    return { kind: 'number', name: this.name, decimals, values };
  }
}

/** The delimiter that the header has most of, outside quotation marks. */
function delimiterOf(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Names as they are written; one that is empty gets its place. */
function headerOf(fields: readonly string[]): string[] {
  const names = fields.map((field, at) => field.trim() || `column_${at + 1}`);
  const twice = names.findIndex((name, at) => names.indexOf(name) < at);
  if (twice >= 0) unreadable(`row 1, column ${twice + 1}: the name stands in the header twice`);
  const long = names.findIndex((name) => name.length > 200);
  if (long >= 0) unreadable(`row 1, column ${long + 1}: the name has more than 200 characters`);
  return names;
}

/** The bytes as text, unpacked when they are gzip; `digest` sees them as they come. */
async function* textOf(
  bytes: AsyncIterable<Uint8Array>,
  digest: (chunk: Uint8Array) => void,
): AsyncGenerator<string> {
  const source = bytes[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done) return;
  async function* seen() {
    for (let next: IteratorResult<Uint8Array> = first; !next.done; next = await source.next()) {
      digest(next.value);
      yield next.value;
    }
  }
  const isGzip = first.value[0] === 0x1f && first.value[1] === 0x8b;
  const plain: AsyncIterable<Uint8Array> = isGzip
    ? Readable.from(seen()).pipe(createGunzip())
    : seen();
  const decoder = new TextDecoder('utf-8', { fatal: true }); // Takes the byte order mark off.
  try {
    for await (const chunk of plain) {
      const text = decoder.decode(chunk, { stream: true });
      if (text.includes('\0')) unreadable('the file is not text: it holds a zero byte');
      yield text;
    }
    yield decoder.decode();
  } catch (error) {
    if (error instanceof AssentError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith('Z_')) unreadable('the compressed file is cut off or damaged');
    if (error instanceof TypeError) unreadable('the text is not UTF-8: export it again as UTF-8');
    throw error;
  }
}

/** Everything up to the end of the header, and the delimiter it has. */
async function peekHeader(
  chunks: AsyncIterator<string>,
): Promise<{ text: string; delimiter: string }> {
  let text = '';
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    text += next.value;
    if (/[\r\n]/.test(text.trimStart())) break;
    if (text.length > RECORD_MAX) unreadable('row 1 has no end within a million characters');
  }
  return { text, delimiter: delimiterOf(text.trimStart().split(/[\r\n]/, 1)[0] ?? '') };
}

async function* rest(text: string, chunks: AsyncIterator<string>): AsyncGenerator<string> {
  yield text;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

function parserFailure(error: unknown, row: number): unknown {
  if (!(error instanceof CsvError)) return error;
  return new AssentError('sample_unreadable', {
    detail:
      error.code === 'CSV_MAX_RECORD_SIZE'
        ? `row ${row + 1} is longer than a million characters`
        : `near row ${row + 1}: ${error.code}; check the quotation marks`,
  });
}

/** Calls `take` for every record, the header included. @returns the number of records */
async function eachRecord(
  text: AsyncIterable<string>,
  delimiter: string,
  take: (fields: readonly string[], row: number) => void,
): Promise<number> {
  let row = 0;
  const options: Options = {
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    relax_quotes: true,
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: RECORD_MAX,
  };
  const parser = parse(options);
  const input = Readable.from(text, { objectMode: false, encoding: 'utf8' });
  input.on('error', (error) => parser.destroy(error));
  try {
    for await (const fields of input.pipe(parser)) {
      row += 1;
      take(fields as string[], row);
    }
  } catch (error) {
    throw parserFailure(error, row);
  } finally {
    input.destroy();
  }
  return row;
}

/** One for each column; null where none of the shapes is. */
function buildersOf(
  names: readonly string[],
  shapes: readonly ColumnShape[] | undefined,
  beside: readonly string[],
): (ColumnBuilder | null)[] {
  const lacking = shapes?.find(({ name }) => !names.includes(name));
  if (lacking) unreadable(`row 1: there is no column ${lacking.name}, which the card reads`);
  return names.map((name) =>
    shapes && !beside.includes(name) && !shapes.some((shape) => shape.name === name)
      ? null
      : new ColumnBuilder(name),
  );
}

/**
 * Reads a CSV: UTF-8 with or without a byte order mark, plain or gzip; comma, semicolon, tab or
 * bar; the header is row 1. @throws sample_unreadable, with row and column
 */
export async function readTable(
  bytes: AsyncIterable<Uint8Array>,
  options: TableOptions = {},
): Promise<Table> {
  const digest = createHash('sha256');
  const chunks = textOf(bytes, (chunk) => digest.update(chunk));
  const head = await peekHeader(chunks);
  const hasDecimalComma = head.delimiter !== ',';
  const { shapes, categories } = options;
  let builders: (ColumnBuilder | null)[] = [];
  const records = await eachRecord(rest(head.text, chunks), head.delimiter, (fields, row) => {
    if (row === 1) {
      builders = buildersOf(headerOf(fields), shapes, options.beside ?? []);
      return;
    }
    if (fields.length !== builders.length)
      unreadable(`row ${row} has ${fields.length} fields, the header has ${builders.length}`);
    for (let at = 0; at < fields.length; at += 1)
      builders[at]?.add(fields[at] as string, hasDecimalComma);
    if (row % PROGRESS_ROWS === 0) options.progress?.(row);
  });
  if (records === 0) unreadable('the file is empty');
  const warnings: string[] = [];
  const columns = builders.flatMap((builder) => {
    if (!builder) return [];
    const shape = shapes?.find(({ name }) => name === builder.name);
    return builder.build(
      shape ?? (categories?.includes(builder.name) ? { kind: 'category' } : {}),
      warnings,
    );
  });
  return { rows: records - 1, columns, data_sha256: digest.digest('hex'), warnings };
}
