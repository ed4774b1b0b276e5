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
  /** Leaf hash of row `firstRow + i` at `i * 32`; malformed rows are zero. */
  readonly leaves: Buffer;
  readonly firstRow: number;
  readonly firstRef: string | null;
  readonly lastRef: string | null;
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
export function readMonthPart(
  content: Buffer,
  period: string,
  firstRow: number,
  checkDates: boolean,
): MonthPart {
  const text = content.toString('latin1');
  const pattern = new RegExp(MONTH_LINE, 'y');
  const hashLeaf = monthLeafHasher(period);
  const total = text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const leaves = Buffer.alloc(total * HASH_BYTES);
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
      hashLeaf(content.subarray(at, end - 1), leaves, row - firstRow);
    } else {
      malformed.push(row);
      if (at > keptFrom) kept.push(content.subarray(keptFrom, at));
      keptFrom = end;
    }
    at = end;
    row += 1;
  }
  if (text.length > keptFrom) kept.push(content.subarray(keptFrom));
  return {
    text: kept.length === 1 && kept[0] ? kept[0] : Buffer.concat(kept),
    rows: row - firstRow,
    good: row - firstRow - malformed.length,
    malformed,
    leaves,
    firstRow,
    firstRef,
    lastRef,
  };
}

/** The leaf hashes less those of the rows not accepted. */
export function acceptedLeaves(part: MonthPart, lost: ReadonlySet<number>): Uint8Array {
  if (lost.size === 0) return part.leaves;
  const kept: Uint8Array[] = [];
  for (let index = 0; index < part.rows; index++) {
    if (lost.has(part.firstRow + index)) continue;
    kept.push(part.leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
  }
  return Buffer.concat(kept);
}
