/** Rows as CSV for a spreadsheet: BOM, CRLF, and no field that it would take for a formula. */
import { printPiece } from './print.ts';

function cell(value: unknown): string {
  const text = String(value ?? '');
  const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The lines alone; header and BOM are `printCsv`'s. */
export function csvLines<Row extends object>(
  rows: readonly Row[],
  columns: readonly (keyof Row)[],
): string {
  return rows.map((row) => `${columns.map((column) => cell(row[column])).join(',')}\r\n`).join('');
}

/** Prints pages of rows under one header, holding one page at a time. */
export async function printCsv<Row extends object>(
  pages: AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>,
  columns: readonly (keyof Row & string)[],
): Promise<void> {
  let header = `\ufeff${columns.join(',')}\r\n`;
  for await (const page of pages) {
    if (!(await printPiece(header + csvLines(page, columns)))) return;
    header = '';
  }
  await printPiece(header);
}
