/**
 * Rows as PostgreSQL COPY text: tab between fields, `\N` for nothing, line feed at the end.
 * Source: PostgreSQL documentation, COPY, "Text Format".
 */
import { escapeField } from '../model/copy-field.ts';
import type { RecordValues } from '../model/record.ts';

export interface NumberedRow {
  readonly row: number;
  readonly values: RecordValues;
}

/** One line of values, with its end. */
export function textLine(values: RecordValues): string {
  return `${values.map((value) => (value === null ? '\\N' : escapeField(value))).join('\t')}\n`;
}

/** Each row as one line, its number first. */
export function copyText(rows: readonly NumberedRow[]): Uint8Array {
  let text = '';
  for (const { row, values } of rows) {
    text += row;
    for (const value of values) text += value === null ? '\t\\N' : `\t${escapeField(value)}`;
    text += '\n';
  }
  return Buffer.from(text, 'utf8');
}

/** What the server writes after a backslash; any other character stands for itself. */
const UNESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** One field of a COPY line back into its value. */
export function readCopyField(field: string): string | null {
  if (field === '\\N') return null;
  if (!field.includes('\\')) return field;
  return field.replace(/\\(.)/gs, (_, character: string) => UNESCAPES[character] ?? character);
}
