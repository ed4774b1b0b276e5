/**
 * Reading a month part, byte by byte: the only per-row JavaScript on the hot path.
 *
 * What must stay true: a line is taken only in its one spelling (`MONTH_LINE`), so its bytes are
 * the leaf of the Merkle tree; rows ascend strictly by account. Hashing here instead of with
 * `sha256()` in SQL was measured at a quarter of the time on PGlite and half on PostgreSQL.
 */
import { HASH_BYTES } from '../log/merkle.ts';
import { isDate } from '../model/period.ts';
import { MONTH_LINE, monthLeafHasher } from '../wire/part.ts';

export interface MonthPart {
  /** Lines in good form, as COPY text. */
  readonly text: Buffer;
  readonly rows: number;
  readonly good: number;
  /** Row numbers of lines that have not the wire form (rule W01). */
  readonly malformed: number[];
  readonly firstRow: number;
  readonly firstRef: string | null;
  readonly lastRef: string | null;
  /** The bytes that were read, and where each line of them ends, its line feed included. */
  readonly content: Buffer;
  readonly ends: readonly number[];
}

/** Dates such as 2026-02-30 pass the pattern; the database would refuse the whole part for one. */
function hasRealDates(line: string): boolean {
  const fields = line.split('\t');
  return [fields[5], fields[14], fields[15], fields[17]].every(
    (date) => date === '\\N' || (date !== undefined && isDate(date)),
  );
}

/**
 * @param firstRow the row number that the first line must have
 * @param checkDates look at every date one by one (after the database refused one)
 */
export function readMonthPart(content: Buffer, firstRow: number, checkDates: boolean): MonthPart {
  const text = content.toString('latin1');
  const pattern = new RegExp(MONTH_LINE, 'y');
  const ends: number[] = [];
  const malformed: number[] = [];
  const kept: Buffer[] = [];
  let [keptFrom, at, row] = [0, 0, firstRow];
  let firstRef: string | null = null;
  let lastRef: string | null = null;
  while (at < text.length) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const isGood =
      match !== null &&
      Number(match[1]) === row &&
      (lastRef === null || (match[2] ?? '') > lastRef) &&
      (!checkDates || hasRealDates(match[0].slice(0, -1)));
    const lineEnd = text.indexOf('\n', at);
    const end = isGood ? pattern.lastIndex : lineEnd < 0 ? text.length : lineEnd + 1;
    if (isGood) {
      lastRef = match[2] ?? null;
      firstRef ??= lastRef;
    } else {
      malformed.push(row);
      if (at > keptFrom) kept.push(content.subarray(keptFrom, at));
      keptFrom = end;
    }
    at = end;
    ends.push(end);
    row += 1;
  }
  if (text.length > keptFrom) kept.push(content.subarray(keptFrom));
  return {
    text: kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept),
    rows: row - firstRow,
    good: row - firstRow - malformed.length,
    malformed,
    firstRow,
    firstRef,
    lastRef,
    content,
    ends,
  };
}

/** Leaf hashes of all lines, that of row `firstRow + i` at `i * 32`; malformed ones have zeros. */
export function hashLeaves(part: MonthPart, period: string): Buffer {
  const { content, ends, malformed, firstRow } = part;
  const leaves = Buffer.alloc(ends.length * HASH_BYTES);
  const hashLeaf = monthLeafHasher(period);
  let [at, skipped] = [0, 0];
  for (const [index, end] of ends.entries()) {
    if (malformed[skipped] === firstRow + index) skipped += 1;
    else hashLeaf(content.subarray(at, end - 1), leaves, index);
    at = end;
  }
  return leaves;
}

/** The leaf hashes of a part less those of the rows not accepted. */
export function acceptedLeaves(
  leaves: Buffer,
  firstRow: number,
  lost: ReadonlySet<number>,
): Uint8Array {
  if (lost.size === 0) return leaves;
  const kept: Uint8Array[] = [];
  for (let at = 0; at < leaves.length; at += HASH_BYTES) {
    if (!lost.has(firstRow + at / HASH_BYTES)) kept.push(leaves.subarray(at, at + HASH_BYTES));
  }
  return Buffer.concat(kept);
}
