/** What the commands print: tables for people, JSON for machines, progress on a terminal. */
import Table from 'cli-table3';
import type { Progress } from '../gateway/gateway.ts';
import { AssentError } from '../model/error.ts';

/** Prints JSON when asked to, else what `human` makes of the value. */
export function print<T>(value: T, asJson: boolean, human: (value: T) => string): void {
  process.stdout.write(`${asJson ? JSON.stringify(value, null, 2) : human(value)}\n`);
}

export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const drawn = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows)
    drawn.push(
      row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en') : (cell ?? ''))),
    );
  return drawn.toString();
}

export const percent = (share: number | null) =>
  share === null ? '–' : `${(share * 100).toFixed(1)} %`;

/** Progress on stderr, once a quarter of a second, on a terminal alone. */
export function progressBar(): Progress {
  if (!process.stderr.isTTY) return () => {};
  const startedAt = Date.now();
  let shownAt = 0;
  return (step, done, total) => {
    if (Date.now() - shownAt < 250) return;
    shownAt = Date.now();
    const share = total ? ` ${((done / total) * 100).toFixed(0)} %` : '';
    const left =
      total && done > 0
        ? `, ${Math.ceil((((Date.now() - startedAt) / done) * (total - done)) / 1000)} s left`
        : '';
    process.stderr.write(`\r\x1b[K${step}${share} (${done.toLocaleString('en')}${left})`);
  };
}

/** Prints a failure to stderr and sets the exit code: 2 for a wrong call, 1 for all else. */
export function printFailure(error: unknown): void {
  if (error instanceof AssentError) {
    process.stderr.write(`error ${error.code}: ${error.detail}\n  ${error.remedy}\n`);
    process.exitCode = error.code === 'argument_invalid' ? 2 : 1;
  } else {
    const name = error instanceof Error ? error.name : 'Error';
    const frames =
      error instanceof Error
        ? (error.stack ?? '')
            .split('\n')
            .filter((line) => line.startsWith('    at '))
            .join('\n')
        : '';
    process.stderr.write(`internal error (${name})\n${frames}\n`);
    process.exitCode = 70;
  }
}
