/**
 * The house in order: rooms import only what the plan allows, files say what they own, names are
 * plain, SQL takes values as parameters, migrations are numbered without a gap.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url).pathname;
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));
}

const SOURCES = filesUnder('src', '.ts');
const CODE = [...SOURCES, ...filesUnder('test', '.ts'), ...filesUnder('bench', '.ts')];

/** The plan: the table of rooms in docs/ARCHITECTURE.md. */
const ROOMS = new Map(
  [...read('docs/ARCHITECTURE.md').matchAll(/^\| `(\w+)\/` \|.*\| ([\w, ]+) \|$/gm)].map(
    ([, room, allowed]) => [room ?? '', (allowed ?? '').split(', ')],
  ),
);

describe('rooms', () => {
  it('are those of the plan', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    expect([...ROOMS.keys()].sort()).toEqual(folders.sort());
  });

  it('import what the plan allows, tests included', () => {
    const wrong = SOURCES.flatMap((path) => {
      const [, room = '', rest] = path.split('/');
      if (rest === undefined) return []; // main.ts, which may.
      const imported = [...read(path).matchAll(/from '\.\.\/([\w-]+)[/.]/g)];
      return imported
        .map(([, other = '']) => other)
        .filter((other) => !ROOMS.get(room)?.includes(other))
        .map((other) => `${path} imports ${other}/`);
    });
    expect(wrong).toEqual([]);
  });

  it('have the same walls in the linter', () => {
    const { overrides } = JSON.parse(read('biome.json')) as {
      overrides: { includes: string[]; linter: object }[];
    };
    for (const [room, allowed] of ROOMS) {
      const wall = overrides.find(({ includes }) => includes.includes(`src/${room}/**`));
      const text = JSON.stringify(wall?.linter ?? '');
      for (const other of ROOMS.keys()) {
        const isOpen = other === room || allowed.includes(other);
        expect(text.includes(`../${other}/**`), `${room} → ${other}`).toBe(!isOpen);
      }
    }
  });
});

describe('files', () => {
  it('begin with what they own', () => {
    const bare = CODE.filter((path) => !path.endsWith('.test.ts')).filter(
      (path) => !/^(#!.*\n)?\/\*\*/.test(read(path)),
    );
    expect(bare).toEqual([]);
  });

  it('have plain names in kebab-case', () => {
    const odd = CODE.filter(
      (path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.browser)?(\.test)?\.ts$/.test(basename(path)),
    );
    const banned = CODE.filter((path) => /util|helper|manager|common|misc/.test(basename(path)));
    expect([...odd, ...banned]).toEqual([]);
  });

  it('stay short enough to read', () => {
    const long = SOURCES.filter((path) => read(path).split('\n').length > 420);
    expect(long).toEqual([]);
  });

  it('say beside every text put into SQL why it is no value', () => {
    const wrong = SOURCES.filter((path) => !path.endsWith('.test.ts')).flatMap((path) => {
      const text = read(path);
      const asked = [...text.matchAll(/\.query(?:<[^(]*>)?\(\s*`([^`]*)`/g)];
      return asked
        .filter(([, sql]) => /\$\{(?![A-Z_]+\})/.test(sql ?? '')) // Capitals are constants.
        .filter((match) => !/sql:/.test(text.slice(Math.max(0, match.index - 600), match.index)))
        .map((match) => `${path}: ${match[1]?.trim().slice(0, 60)}`);
    });
    expect(wrong).toEqual([]);
  });

  it('print to the terminal in the rooms of the commands alone', () => {
    const wrong = SOURCES.filter(
      (path) => /console\.|process\.std(out|err)/.test(read(path)) && !/src\/(cli|main)/.test(path),
    );
    expect(wrong).toEqual([]);
  });
});

describe.each(['gateway', 'registry'])('migrations of the %s', (program) => {
  it('are numbered without a gap', () => {
    const names = readdirSync(join(ROOT, 'sql/migrations', program)).sort();
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, n) => n + 1));
  });
});
