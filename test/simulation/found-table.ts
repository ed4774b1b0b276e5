/** Writes where and within how many histories each fault was found into its table of docs/TESTING.md. */
import { readFileSync, writeFileSync } from 'node:fs';

/**
 * @param file name of the test file, which the table's comment names
 * @param columns of the numbers that were found, as a heading names them
 */
export function writeFound(
  file: string,
  columns: readonly string[],
  found: ReadonlyMap<string, readonly number[]>,
): void {
  if (found.size === 0) return;
  const path = new URL('../../docs/TESTING.md', import.meta.url);
  const head = `| ${['fault', ...columns].join(' | ')} |`;
  const rows = [...found].map(([fault, numbers]) => `| ${[fault, ...numbers].join(' | ')} |`);
  const table = [head, `|---|${columns.map(() => '---:|').join('')}`, ...rows].join('\n');
  const text = readFileSync(path, 'utf8');
  const begin = `<!-- mutants: UPDATE=1 npx vitest run test/simulation/${file}.test.ts -->`;
  const end = '<!-- end of mutants -->';
  const [before, rest] = text.split(begin);
  if (rest === undefined) throw new Error(`docs/TESTING.md has no table of ${file}`);
  const after = rest.slice(rest.indexOf(end));
  writeFileSync(path, `${before}${begin}\n\n${table}\n\n${after}`);
}
