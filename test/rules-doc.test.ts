/** docs/RULES.md lists the rule book; UPDATE=1 writes it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { READER_RULES } from '../src/tape/reader-rules.ts';
import { MONTH_RULES, OTHER_RULES, RULE_SET_VERSION } from '../src/tape/rule-book.ts';

const PATH = new URL('../docs/RULES.md', import.meta.url);

function page(): string {
  const lines = [...READER_RULES, ...OTHER_RULES, ...MONTH_RULES].map(
    (r) =>
      `| ${r.id} | ${r.severity} | ${r.kind} | ${r.field ?? ''} | ${r.explanation} | ${r.remedy} |`,
  );
  return `# Rules\n\nRule set version ${RULE_SET_VERSION}. T rules: the reader. V rules: the rule book, applied by the gateway\nand again by the registry. W and A rules: the registry alone.\n\n| rule | severity | of | field | what must hold | remedy |\n|---|---|---|---|---|---|\n${lines.join('\n')}\n`;
}

it('documents every rule, each id once', () => {
  if (process.env['UPDATE'] === '1') writeFileSync(PATH, page());
  expect(readFileSync(PATH, 'utf8')).toBe(page());
  const ids = [...MONTH_RULES, ...OTHER_RULES, ...READER_RULES].map((rule) => rule.id);
  expect(new Set(ids).size).toBe(ids.length);
});
