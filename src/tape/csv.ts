/**
 * Text → records of a CSV file, numbered as a spreadsheet numbers them (the header is row 1).
 * The parsing itself is csv-parse's, from the first quotation mark on; text without one needs no
 * more than to be cut at its line ends and delimiters, which is ten times as fast.
 *
 * What must stay true: both ways give the same records (a property test); one record that cannot be read does not stop the rest; a record longer
 * than the limit does, with flat memory.
 */
import { Readable } from 'node:stream';
import { CsvError, type Options, parse } from 'csv-parse';
import { AssentError } from '../model/error.ts';

export interface CsvRecord {
  readonly row: number;
  /** Null: the record could not be read. */
  readonly fields: readonly string[] | null;
}

/** Characters of one record at most: a longer one is a file without line ends. */
const RECORD_MAX = 1024 * 1024;

function tooLong(detail: string): never {
  throw new AssentError('tape_record_too_long', { detail });
}

/** Fails on the 2 GB single line before the parser has to hold it. */
async function* bounded(text: AsyncIterable<string>): AsyncGenerator<string> {
  let sinceLineEnd = 0;
  for await (const chunk of text) {
    const end = Math.max(chunk.lastIndexOf('\n'), chunk.lastIndexOf('\r'));
    sinceLineEnd = end < 0 ? sinceLineEnd + chunk.length : chunk.length - end - 1;
    if (sinceLineEnd > RECORD_MAX) {
      tooLong(`more than ${RECORD_MAX} characters without a line end`);
    }
    yield chunk;
  }
}

function fatal(error: unknown): unknown {
  if (!(error instanceof CsvError)) return error;
  if (error.code === 'CSV_MAX_RECORD_SIZE') {
    return new AssentError('tape_record_too_long', { detail: `near line ${error['lines']}` });
  }
  return new AssentError('tape_quote_open', {
    detail: `${error.code} near line ${error['lines']}`,
  });
}

/** What was read by cutting: the records so far, and where the parser has to go on. */
interface Cut {
  row: number;
  /** From the beginning of a record; empty at the end of the text. */
  rest: string;
}

/** Where the last whole record ends; half of a `\r\n` leaves an empty line, which is no record. */
function endOfRecords(text: string): number {
  return 1 + Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r'));
}

function* cutLines(text: string, delimiter: string, cut: Cut): Generator<CsvRecord> {
  const lines = text.includes('\r') ? text.split(/\r\n|\n|\r/) : text.split('\n');
  for (const line of lines) {
    if (line === '') continue;
    cut.row += 1;
    if (line.length > RECORD_MAX) tooLong(`near line ${cut.row}`);
    yield { row: cut.row, fields: line.split(delimiter) };
  }
}

/** Records up to the first quotation mark, or to the end. */
async function* cutRecords(
  chunks: AsyncIterator<string>,
  delimiter: string,
  cut: Cut,
): AsyncGenerator<CsvRecord> {
  let isFirst = true;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    cut.rest += isFirst ? next.value.replace(/^\ufeff/, '') : next.value;
    isFirst &&= next.value === '';
    const quote = cut.rest.indexOf('"');
    const end = endOfRecords(quote < 0 ? cut.rest : cut.rest.slice(0, quote));
    const whole = cut.rest.slice(0, end);
    cut.rest = cut.rest.slice(end);
    yield* cutLines(whole, delimiter, cut);
    if (quote >= 0) return;
  }
  yield* cutLines(cut.rest, delimiter, cut);
  cut.rest = '';
}

async function* textFrom(rest: string, chunks: AsyncIterator<string>): AsyncGenerator<string> {
  yield rest;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

/** Records in order. @throws tape_record_too_long, tape_quote_open. */
export async function* readCsv(
  text: AsyncIterable<string>,
  delimiter: string,
): AsyncGenerator<CsvRecord> {
  const chunks = bounded(text);
  const cut: Cut = { row: 0, rest: '' };
  yield* cutRecords(chunks, delimiter, cut);
  if (cut.rest !== '') yield* parseCsv(textFrom(cut.rest, chunks), delimiter, cut.row);
}

/** Records by the parser, numbered after the `row`th. */
async function* parseCsv(
  text: AsyncIterable<string>,
  delimiter: string,
  before: number,
): AsyncGenerator<CsvRecord> {
  let row = before;
  const options: Options<string[]> = {
    delimiter,
    relax_column_count: true,
    skip_empty_lines: true,
    relax_quotes: true,
    // All three, so that a file with mixed line ends does not swallow rows.
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: RECORD_MAX,
    on_record: (fields) => {
      row += 1;
      return { row, fields } as unknown as string[];
    },
  };
  const parser = parse(options as Options);
  const input = Readable.from(text, { objectMode: false, encoding: 'utf8' });
  input.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of input.pipe(parser)) yield record as CsvRecord;
  } catch (error) {
    throw fatal(error);
  } finally {
    input.destroy();
  }
}
