/**
 * docs/LAW.md drops no rule: every id once, every file and test it names is there, every field of
 * a profile has its place. UPDATE=1 writes the part that shows the profiles.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadProfile, PROFILE_FIELDS, PROFILE_NAMES } from '../src/authorisation/profile.ts';

const ROOT = new URL('..', import.meta.url);
const PATH = new URL('docs/LAW.md', ROOT);
const page = () => readFileSync(PATH, 'utf8');

/** Domain facts 2.1 to 2.4. */
const RULES = ['C 25', 'U 12', 'E 8', 'F 5', 'N 1', 'I 7'].flatMap((group) => {
  const [letter, last] = group.split(' ');
  return Array.from({ length: Number(last) }, (_, index) => `${letter}${index + 1}`);
});

interface Line {
  readonly id: string;
  readonly rule: string;
  readonly where: string;
  readonly shown: string;
}

const lines = (): Line[] =>
  [...page().matchAll(/^\| ([A-Z]\d+) \| (.*) \| (.*) \| (.*) \|$/gm)].map(
    ([, id = '', rule = '', where = '', shown = '']) => ({ id, rule, where, shown }),
  );
const tests = (text: string) =>
  [...text.matchAll(/`([\w/-]+\.test\.ts)` › "([^"]+)"/g)].map(([, file = '', name = '']) => ({
    file,
    name,
  }));

const PROFILES = PROFILE_NAMES.map(loadProfile);
const SHOWN = PROFILE_FIELDS.filter((field) => !['name', 'title', 'sources'].includes(field));

/** What null means in the fields that may be null. */
const NULL_TEXTS: Readonly<Record<string, string>> = {
  validity_months: 'no bound',
  free_reports_per_year: 'any number',
  access_history_months: 'all',
};

function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join('; ');
  if (typeof value !== 'object') return String(value);
  const { basis, purposes, rows, ...rest } = value as Record<string, unknown>;
  if (basis !== undefined)
    return `${basis}: ${(purposes as string[]).join(' ')}${rows === 'all' ? '' : ` (${rows})`}`;
  return Object.entries(rest)
    .map(([name, each]) => `${name} ${valueText(each)}`)
    .join(', ');
}

const cellText = (field: string, value: unknown) =>
  value === null ? (NULL_TEXTS[field] ?? '') : valueText(value);

function valueTable(): string {
  const rows = SHOWN.map(
    (field) =>
      `| \`${field}\` | ${PROFILES.map((profile) => cellText(field, profile[field])).join(' | ')} |`,
  );
  const columns = PROFILES.map((profile) => `${profile.name} |`).join(' ');
  return `| field | ${columns}\n|---|${PROFILES.map(() => '---|').join('')}\n${rows.join('\n')}`;
}

/** One line for each source of a field, with the profiles that name it. */
function sourceList(): string {
  return SHOWN.map((field) => {
    const sources = new Map<string, string[]>();
    for (const { name, sources: own } of PROFILES)
      sources.set(own[field] ?? '', [...(sources.get(own[field] ?? '') ?? []), name]);
    const said = [...sources].map(([source, names]) => `  - ${names.join(', ')}: ${source}`);
    return `- \`${field}\`\n${said.join('\n')}`;
  }).join('\n');
}

const BEGIN = '<!-- generated: profiles -->\n';
const END = '<!-- end -->';
const generated = () =>
  `${BEGIN}\n${PROFILES.map(({ name, title }) => `${name}: ${title}.`).join(' ')}\n\n${valueTable()}\n\n### Where the values come from\n\n${sourceList()}\n\n${END}`;

describe('docs/LAW.md', () => {
  it('has every rule of the domain facts once, and no other', () => {
    expect(lines().map(({ id }) => id)).toEqual(RULES);
  });

  it('says of each rule what it is, and which test shows it or what it is open for', () => {
    for (const { id, rule, where, shown } of lines()) {
      expect(rule.length, id).toBeGreaterThan(15);
      const open = /open: (.*)$/.exec(shown)?.[1] ?? '';
      const isLater = /credit file|enquiries|evaluation|supervisor|disputes|operations/.test(open);
      expect(tests(shown).length > 0 || isLater, id).toBe(true);
      expect(shown.includes('open:'), id).toBe(isLater);
      // What a test shows is enforced somewhere.
      if (tests(shown).length > 0) expect(where, id).toMatch(/`src\/[\w/.-]+\.ts`/);
    }
  });

  it('names only files that exist, and tests that are in them', () => {
    const files = [...page().matchAll(/`((?:src|test|docs|bench)\/[\w./-]+)`/g)];
    expect(files.length).toBeGreaterThan(50);
    for (const [, file = ''] of files) expect(existsSync(new URL(file, ROOT)), file).toBe(true);
    for (const { file, name } of tests(page())) {
      const text = readFileSync(new URL(file, ROOT), 'utf8');
      expect(text.includes(name), `${file}: ${name}`).toBe(true);
    }
  });

  it('names checks that are in the ordered table', () => {
    const table = readFileSync(new URL('src/authorisation/check.ts', ROOT), 'utf8');
    const named = [...page().matchAll(/check\.ts` \(((?:`\w+`(?:, )?)+)/g)].flatMap(
      ([, names = '']) => [...names.matchAll(/\w+/g)].map(([name]) => name),
    );
    expect(named.length).toBeGreaterThan(10);
    for (const name of named) expect(table.includes(`name: '${name}'`), name).toBe(true);
  });

  it('has a place for every field of a profile', () => {
    const text = page();
    const written = text.slice(0, text.indexOf(BEGIN));
    for (const field of PROFILE_FIELDS) expect(written.includes(`\`${field}\``), field).toBe(true);
  });

  it('shows every value of every profile with its source', () => {
    const text = page();
    const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
    expect(begin).toBeGreaterThan(0);
    const whole = `${text.slice(0, begin)}${generated()}${text.slice(end + END.length)}`;
    if (process.env['UPDATE'] === '1') writeFileSync(PATH, whole);
    expect(page()).toBe(whole);
  });
});
