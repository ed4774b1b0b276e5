/** docs/REPORT.md shows every purpose of every profile. UPDATE=1 writes that part. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PROFILE_NAMES } from '../src/authorisation/profile.ts';
import { reportRulesOf } from '../src/authorisation/report-rules.ts';

const PATH = new URL('../docs/REPORT.md', import.meta.url);
const BEGIN = '<!-- generated: purposes -->\n';
const END = '<!-- end -->';

function purposes(): string {
  const rows = PROFILE_NAMES.flatMap((name) =>
    (reportRulesOf({ name })?.purposes ?? []).map(
      ({ code, meaning, kind, looks, source }) =>
        `| ${name} | \`${code}\` | ${meaning} | ${kind} | ${looks.join(', ')} | ${source} |`,
    ),
  );
  return `| profile | code | meaning | kind | under | source |\n|---|---|---|---|---|---|\n${rows.join('\n')}\n`;
}

it('has every purpose of every profile, and no other', () => {
  const text = readFileSync(PATH, 'utf8');
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  expect(begin).toBeGreaterThan(BEGIN.length);
  const whole = `${text.slice(0, begin)}\n${purposes()}\n${text.slice(text.indexOf(END))}`;
  if (process.env['UPDATE'] === '1') writeFileSync(PATH, whole);
  expect(readFileSync(PATH, 'utf8')).toBe(whole);
});
