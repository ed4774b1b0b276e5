/**
 * Text → records of a CSV file, numbered as a spreadsheet numbers them (the header is row 1).
 * The parsing itself is csv-parse's.
 *
 * What must stay true: one record that cannot be read does not stop the rest; a record longer
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

/** Fails on the 2 GB single line before the parser has to hold it. */
async function* bounded(text: AsyncIterable<string>): AsyncGenerator<string> {
  let sinceLineEnd = 0;
  for await (const chunk of text) {
    const end = Math.max(chunk.lastIndexOf('\n'), chunk.lastIndexOf('\r'));
    sinceLineEnd = end < 0 ? sinceLineEnd + chunk.length : chunk.length - end - 1;
    if (sinceLineEnd > RECORD_MAX) {
      throw new AssentError('tape_record_too_long', {
        detail: `more than ${RECORD_MAX} characters without a line end`,
      });
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

/** Records in order. @throws tape_record_too_long, tape_quote_open. */
export async function* readCsv(
  text: AsyncIterable<string>,
  delimiter: string,
): AsyncGenerator<CsvRecord> {
  let row = 0;
  const options: Options<string[]> = {
    bom: true,
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
  const input = Readable.from(bounded(text), { objectMode: false, encoding: 'utf8' });
  input.on('error', (error) => parser.destroy(error));
  try {
    for await (const record of input.pipe(parser)) yield record as CsvRecord;
  } catch (error) {
    throw fatal(error);
  } finally {
    input.destroy();
  }
}
