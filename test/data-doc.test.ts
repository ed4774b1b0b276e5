/**
 * docs/DATA.md has every field, every option of a mapping and every column of the authorisations;
 * UPDATE=1 writes the tables that come from the code. Its one-by-one example is a sound record.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  AUTHORISATION_COLUMNS,
  type AuthorisationLine,
  completeLine,
  entryOfLines,
  OPTIONAL_COLUMNS,
} from '../src/authorisation/from-columns.ts';
import { recordProblems } from '../src/authorisation/record.ts';
import { type Field, RECORD_FIELDS } from '../src/model/record.ts';
import { MAPPING_OPTIONS } from '../src/tape/mapping.ts';

const PATH = new URL('../docs/DATA.md', import.meta.url);
const read = () => readFileSync(PATH, 'utf8');

function fieldTables(): string {
  const tables = Object.entries(RECORD_FIELDS).map(([kind, fields]) => {
    const rows = (fields as readonly Field[]).map(({ name, type, required, codes, meaning }) => {
      const form = codes ? codes.map((code) => `\`${code}\``).join(' ') : type;
      return `| \`${name}\` | ${form} | ${required ? 'yes' : ''} | ${meaning} |`;
    });
    return `**${kind}**\n\n| field | form | required | meaning |\n|---|---|---|---|\n${rows.join('\n')}`;
  });
  return tables.join('\n\n');
}

function columnLists(): string {
  const must = AUTHORISATION_COLUMNS.map((column) => `\`${column}\``).join(' ');
  const may = Object.entries(OPTIONAL_COLUMNS).map(
    ([column, absent]) => `| \`${column}\` | ${absent === '' ? 'nothing' : `\`${absent}\``} |`,
  );
  return `${must}\n\nand may have these:\n\n| column | blank or absent means |\n|---|---|\n${may.join('\n')}`;
}

function withPart(page: string, name: string, text: string): string {
  const pattern = new RegExp(`(<!-- ${name}: .*-->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  expect(page).toMatch(pattern);
  return page.replace(pattern, (_, head: string, tail: string) => `${head}${text}\n${tail}`);
}

it('lists every field and every column as the code has them', () => {
  const page = withPart(withPart(read(), 'fields', fieldTables()), 'columns', columnLists());
  if (process.env['UPDATE'] === '1') writeFileSync(PATH, page);
  expect(read()).toBe(page);
});

it('explains every part of a mapping and every option of a source', () => {
  const section = read().split('## Mapping')[1]?.split('## Authorisations')[0] ?? '';
  const missing = MAPPING_OPTIONS.filter((option) => !section.includes(`\`${option}\``));
  expect(missing).toEqual([]);
});

it('shows an authorisation that would be taken', () => {
  const [, text = ''] = /### One by one[\s\S]*?```json\n([\s\S]*?)```/.exec(read()) ?? [];
  const { events, ...columns } = JSON.parse(text) as Record<string, unknown> & {
    events: Record<string, string>[];
  };
  const lines = events.map((event, index) => {
    const texts = Object.entries({ ...columns, ...event }).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(';') : String(value),
    ]);
    const line: AuthorisationLine = completeLine(Object.fromEntries(texts));
    return { row: index + 1, line };
  });
  const provider_id = '00000000-0000-4000-8000-000000000001';
  const entry = entryOfLines(lines, { provider_id, profile: 'CN' });
  if (!('record' in entry)) throw new Error(`${entry.field} ${entry.problem}`);
  expect(recordProblems(entry.record)).toEqual([]);
});
