/** docs/ERRORS.md has one section for every code and none besides; UPDATE=1 writes it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_KINDS } from '../src/model/error.ts';

const PATH = new URL('../docs/ERRORS.md', import.meta.url);

function page(): string {
  const sections = Object.entries(ERROR_KINDS)
    .sort(([left], [right]) => left.localeCompare(right))
    .map(
      ([code, kind]) =>
        `## ${code}\n\n${kind.title} HTTP status ${kind.status}.\n\n${kind.remedy}\n`,
    );
  return `# Errors\n\nEvery failure has a stable code. On the command line it is printed with its remedy on standard\nerror; over HTTP it is a problem document (RFC 9457) whose \`code\` it is. No error holds an\nidentity value.\n\n${sections.join('\n')}`;
}

it('documents every error code', () => {
  if (process.env['UPDATE'] === '1') writeFileSync(PATH, page());
  expect(readFileSync(PATH, 'utf8')).toBe(page());
});
