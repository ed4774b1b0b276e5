/**
 * What the commands print: tables for people, JSON for machines, failures with their remedy.
 *
 * What must stay true: results go to standard output, everything else to standard error; with
 * `--json` standard output is exactly one JSON document; no stack trace unless the program itself
 * is at fault, and then no message, which might quote a value.
 */

import { once } from 'node:events';
import Table from 'cli-table3';
import { AssentError } from '../model/error.ts';
import type { Outcome } from '../wire/part.ts';
import { clearProgress } from './progress.ts';

/** Prints JSON when asked to, else what `human` makes of the value. */
export function print<T>(value: T, asJson: boolean, human: (value: T) => string): void {
  clearProgress();
  process.stdout.write(`${asJson ? JSON.stringify(value, null, 2) : human(value)}\n`);
}

let isReaderGone = false;

/** A reader that has seen enough (`… | head`) ends the output, not the work behind it. */
export function outliveReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      isReaderGone = true;
    });
  }
}

/** Writes to standard output no faster than it is read. @returns whether anyone still reads */
export async function printPiece(text: string): Promise<boolean> {
  if (isReaderGone) return false;
  if (!process.stdout.write(text)) {
    const settled = [once(process.stdout, 'drain'), once(process.stdout, 'close')];
    await Promise.race(settled).catch(() => {}); // An error ends the wait as well.
  }
  return !isReaderGone;
}

/** Prints pages as one JSON array, holding one page at a time. */
export async function printJsonPages(pages: AsyncIterable<readonly object[]>): Promise<void> {
  let isFirst = true;
  for await (const page of pages) {
    if (page.length === 0) continue;
    const texts = page.map((each) => JSON.stringify(each));
    if (!(await printPiece(`${isFirst ? '[' : ','}\n${texts.join(',\n')}`))) return;
    isFirst = false;
  }
  await printPiece(isFirst ? '[]\n' : '\n]\n');
}

export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const drawn = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows)
    drawn.push(
      row.map((cell) =>
        typeof cell === 'number'
          ? { hAlign: 'right' as const, content: cell.toLocaleString('en') }
          : (cell ?? ''),
      ),
    );
  return drawn.toString();
}

export const percent = (share: number | null) =>
  share === null ? '–' : `${(share * 100).toFixed(1)} %`;

/** Counts by name on lines of three, most first. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  const texts = Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${n.toLocaleString('en')}`);
  const lines: string[] = [];
  for (let at = 0; at < texts.length; at += 3) lines.push(texts.slice(at, at + 3).join(', '));
  return lines.join('\n');
}

/** What the system says of a file or an address: its code and its call, never the path. */
function systemFault(error: unknown): AssentError | null {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const isFileFault = /^(EACCES|EPERM|ENOENT|ENOTDIR|EISDIR|EROFS|ENAMETOOLONG|ELOOP)$/;
  if (code === 'ENOSPC') return new AssentError('database_full', { detail: 'the disk is full' });
  if (!code || !isFileFault.test(code)) return null;
  return new AssentError('file_unreadable', { detail: `${code} (${syscall ?? 'file'})` });
}

export const EXIT = { failure: 1, wrong_call: 2, internal: 70 } as const;

/** Prints a failure to standard error and sets the exit code (docs/OPERATIONS.md). */
export function printFailure(thrown: unknown, asJson = false): void {
  clearProgress();
  const error = thrown instanceof AssentError ? thrown : (systemFault(thrown) ?? thrown);
  if (error instanceof AssentError) {
    const { code, detail, remedy } = error;
    process.stderr.write(
      asJson
        ? `${JSON.stringify({ error: { code, detail, remedy } }, null, 2)}\n`
        : `error ${code}: ${detail}\n  ${remedy}\n`,
    );
    process.exitCode = code === 'argument_invalid' ? EXIT.wrong_call : EXIT.failure;
    return;
  }
  const name = error instanceof Error ? error.name : 'Error';
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  process.stderr.write(`internal error (${name})\n${frames.join('\n')}\n`);
  process.exitCode = EXIT.internal;
}

/** How the rows of each kind ended. @param declared what the reader calls those that came */
export function outcomeTable(
  outcomes: Readonly<Record<string, Outcome>>,
  declared: 'sent' | 'declared',
): string {
  return table(
    ['rows', declared, 'accepted', 'unchanged', 'rejected', 'held', 'refused'],
    Object.entries(outcomes).map(([kind, o]) => [
      kind,
      o.declared,
      o.accepted,
      o.unchanged,
      o.rejected,
      o.held,
      o.refused,
    ]),
  );
}
