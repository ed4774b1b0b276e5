/**
 * The commands as people and machines call them, in this process: each answer in both forms, and
 * every wrong call with its code, its exit code, and nothing of a person or of our stack.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { type OpenRegistry, openRegistry, operatorClient } from '../src/cli/home.ts';
import { ERROR_KINDS } from '../src/model/error.ts';
import type { SubmissionPage } from '../src/registry/submissions.ts';
import { makeWorld } from '../src/world/world.ts';
import { freePort } from './free-port.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const MAPPING = join(ROOT, 'examples/canonical.mapping.json');
const NOBODY = '0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f';
const folder = mkdtempSync(join(tmpdir(), 'assent-commands-'));
const at = (name: string) => join(folder, name);
const R = ['--home', at('r')];
const G = ['--home', at('g')];
const E = ['--home', at('e')];
/** Everything printed by any command. */
const printed: string[] = [];
let registry: OpenRegistry;
let port = 0;

interface Said {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}

async function assent(...words: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const keep = (to: 'out' | 'err') => (text: unknown) => {
    said[to] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('out') as never);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('err') as never);
  process.exitCode = 0;
  try {
    await main(['node', 'assent', ...words]);
    return { ...said, exit: Number(process.exitCode) };
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
    printed.push(said.out, said.err);
  }
}

async function json<T>(...words: string[]): Promise<T> {
  const { out, err, exit } = await assent(...words, '--json');
  expect(`${words.join(' ')}: ${exit} ${err}`).toBe(`${words.join(' ')}: 0 `);
  return JSON.parse(out) as T;
}

beforeAll(async () => {
  delete process.env['DATABASE_URL'];
  const [lender] = makeWorld({
    seed: 9,
    borrowers: 60,
    months: 3,
    last_period: '2026-10',
    made_at: new Date(),
  });
  if (!lender) throw new Error('a world without a lender');
  writeFileSync(at('tape.csv'), lender.tape);
  writeFileSync(at('authorisations.csv'), lender.authorisations);
  writeFileSync(at('bad.json'), '{');
  writeFileSync(at('rubbish.json'), '{"a": 1}');
  writeFileSync(
    at('mistakes.json'),
    JSON.stringify({
      ...(JSON.parse(readFileSync(MAPPING, 'utf8')) as object),
      file: { currency: 'XXX' },
      account: { account_ref: { column: 'a', constant: 'b' }, colour: { column: 'c' } },
      wide: [{ period: '2026-13', columns: {} }],
    }),
  );
  mkdirSync(at('empty'));
  port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await assent('registry', 'init', '--url', url, '--profile', 'CN', ...R);
  registry = await openRegistry(at('r'), (error) => printed.push(String(error)));
  await registry.server.listen({ port, host: '127.0.0.1' });
  await assent('gateway', 'init', '--name', 'Lender', '--profile', 'CN', ...G);
  await assent('registry', 'admit', at('g/participant.json'), '--licence', '1', ...R);
  await assent('gateway', 'connect', '--registry', url, ...G);
});
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a lender and its registry', () => {
  it('see every step in both forms', async () => {
    const tape = ['gateway', 'load', at('tape.csv'), '--mapping', MAPPING, ...G];
    const checked = await json<{ state: string }>(...tape.with(1, 'check'));
    expect(checked.state).toBe('checked');
    const loaded = await json<{ tape_id: string; counts: Record<string, number> }>(...tape);
    expect((await assent(...tape)).out).toContain('already_loaded');
    expect((await assent('gateway', 'tapes', ...G)).out).toContain(loaded.tape_id);
    const faults = await json<{ rule: string }[]>('gateway', 'faults', loaded.tape_id, ...G);
    const csv = await assent('gateway', 'faults', loaded.tape_id, ...G);
    expect(csv.out.trim().split('\r\n').length).toBe(faults.length + 1);

    const imported = await assent(
      'gateway',
      'import-authorisations',
      at('authorisations.csv'),
      ...G,
    );
    expect(imported.out).toMatch(/^stored [1-9]/);
    const gate = await json<{ in_scope: number; released: number }>(
      'gateway',
      'gate',
      '2026-10',
      ...G,
    );
    expect(gate.released).toBeGreaterThan(0);
    const one = await json<{ state: string }[]>('gateway', 'hand-over', ...G);
    expect(one.map((report) => report.state)).toEqual(['received', 'received', 'received']);
    expect((await assent('gateway', 'hand-over', '2026-10', ...G)).out).toMatch(
      /^2026-10: nothing_to_hand_over, in scope [1-9]/,
    );
    const listed = await json<{ state: string }[]>('gateway', 'hand-overs', '2026-10', ...G);
    expect(listed.map((line) => line.state)).toEqual(['nothing', 'received']);
    expect((await assent('gateway', 'hand-overs', ...G)).out).toContain('received: the registry');

    const [line] = await json<{ handed_over: number; of_authorised: number }[]>(
      ...['gateway', 'coverage', '2026-10', ...G],
    );
    expect(line).toMatchObject({ handed_over: gate.released, of_authorised: 1 });
    expect((await assent('gateway', 'coverage', ...G)).out).toContain('never_asked');
    const receipt = await json<{
      handover_id: string;
      compact: string;
      receipt: { merkle: { size: number } };
    }>(...['gateway', 'receipt', '2026-10', ...G]);
    expect(receipt.receipt.merkle.size).toBe(gate.released);
    const compact = await assent('gateway', 'receipt', '2026-10', '--compact', ...G);
    expect(compact.out.trim()).toBe(receipt.compact);
    expect((await assent('gateway', 'receipt', '2026-10', ...G)).out).toContain(
      'signature checked',
    );
    await json('gateway', 'faults', receipt.handover_id, ...G);

    const submissions = await json<{ submission_id: string }[]>('registry', 'submissions', ...R);
    expect(submissions).toHaveLength(3);
    expect(await json<unknown[]>('registry', 'submissions', '--limit', '2', ...R)).toHaveLength(2);
    const operator = operatorClient(at('r'));
    const pageAfter = (before: Record<string, string>) =>
      operator.json<SubmissionPage>({
        method: 'GET',
        path: '/v1/all/submissions',
        query: { limit: '2', ...before },
      });
    const first = await pageAfter({});
    const second = await pageAfter({ before: first.next ?? '' });
    const paged = [...first.submissions, ...second.submissions].map((each) => each.submission_id);
    expect(paged).toEqual(submissions.map((each) => each.submission_id));
    expect(second.next).toBeNull();
    const id = submissions[0]?.submission_id ?? '';
    expect(await json('registry', 'submission', id, ...R)).toMatchObject({ state: 'received' });
    await json('registry', 'faults', id, ...R);
    expect(await json<unknown[]>('registry', 'participants', ...R)).toHaveLength(2);
    for (const words of [['submission', id], ['submissions'], ['participants'], ['audit']])
      expect(await assent('registry', ...words, ...R)).toMatchObject({ exit: 0, err: '' });
    expect(await json<unknown[]>('registry', 'audit', ...R)).toHaveLength(10);
  });

  it('see a file with a trace, and an authorisation to its withdrawal', async () => {
    const { rows } = await registry.registry.db.query<{ id: string; subject: string }>(
      'select authorisation_id as id, subject_id as subject from authorisation order by 1 limit 1',
    );
    const { id = '', subject = '' } = rows[0] ?? {};
    const shown = await assent('registry', 'file', subject, '--reason', 'a test', ...R);
    expect(shown.out).toContain('under authorisation');
    const looks = await registry.registry.db.query('select reason from access');
    expect(looks.rows).toEqual([{ reason: 'a test' }]);
    expect((await assent('gateway', 'authorisation', id, ...G)).out).toContain('given');
    const event = ['gateway', 'event', id, 'withdrawn', '--at', '2026-11-25T00:00:00Z', ...G];
    expect((await assent(...event)).out).toMatch(
      new RegExp(`^${id}: withdrawn \\(stored\\); .+\n$`),
    );
    expect(await json(...event)).toMatchObject({ state: 'withdrawn', result: 'unchanged' });
  });

  it('let an enquirer look as often as the person agreed', async () => {
    const url = `http://127.0.0.1:${port}`;
    const made = await assent('enquirer', 'init', '--name', 'Other Lender', ...E);
    expect(made.out).toContain('--role enquirer');
    const card = at('e/participant.json');
    await json('registry', 'admit', card, '--licence', '2', '--role', 'enquirer', ...R);
    expect((await assent('enquirer', 'permit', NOBODY, '--purpose', 'Q1', ...E)).err).toContain(
      'registry_unset',
    );
    const connected = await json<{ keys: string[] }>(
      'enquirer',
      'connect',
      '--registry',
      url,
      ...E,
    );
    expect(connected.keys).toHaveLength(1);
    expect((await assent('enquirer', 'connect', '--registry', url, ...E)).out).toContain('compare');

    const doc = readFileSync(join(ROOT, 'docs/DATA.md'), 'utf8');
    const [, example = ''] = /### An enquirer's[\s\S]*?```json\n([\s\S]*?)```/.exec(doc) ?? [];
    const { authorisation_id: id } = JSON.parse(example) as { authorisation_id: string };
    writeFileSync(at('enquiry.json'), example);
    const authorise = ['enquirer', 'authorise', at('enquiry.json'), ...E];
    expect((await assent(...authorise)).out).toBe(`${id}: given (stored)\n`);
    expect(await json(...authorise)).toMatchObject({ state: 'given', result: 'unchanged' });

    const permit = ['enquirer', 'permit', id, '--purpose', 'Q1'];
    const first = await json<{ use_id: string; permitted: boolean }>(...permit, ...E);
    expect(first).toMatchObject({ permitted: true, reason: null });
    const again = await assent(...permit, '--use-id', first.use_id, ...E);
    expect(again).toMatchObject({ exit: 0, err: '' });
    expect(again.out).toContain('permitted: 0 accounts');
    const second = await assent(...permit, ...E);
    expect(second.exit).toBe(1);
    expect(second.out).toContain('not permitted: limit_reached');

    const proof = await assent('enquirer', 'prove', id, ...E);
    writeFileSync(at('proof.json'), proof.out);
    const verify = await assent('verify-authorisation', at('proof.json'), '--keys', card);
    expect(verify).toMatchObject({ exit: 0, err: '' });
    expect(verify.out).toContain(`proven: authorisation ${id}, given`);
  });

  it('admit an app by its card', async () => {
    await json('card', '--home', at('card'), '--name', 'App');
    const card = at('card/participant.json');
    await json('gateway', 'admit', card, '--role', 'app', ...G);
    expect((await assent('gateway', 'admit', card, '--role', 'king', ...G)).exit).toBe(2);
  });
});

const period = '2026-10';
const tape = (...words: string[]) => ['gateway', 'load', ...words, ...G];
/** Words, the code they end with and the exit code. */
const WRONG: readonly [string[], string, number][] = [
  [['frobnicate'], 'argument_invalid', 2],
  [['gateway', 'frobnicate'], 'argument_invalid', 2],
  [['gateway', 'tapes', '--colour'], 'argument_invalid', 2],
  [['gateway', 'gate', ...G], 'argument_invalid', 2],
  [tape(at('tape.csv')), 'argument_invalid', 2],
  [['gateway', 'tapes', '--home', at('empty')], 'home_missing', 1],
  [['gateway', 'tapes', '--home', at('nowhere')], 'home_missing', 1],
  [['gateway', 'tapes', '--home', at('r')], 'home_missing', 1],
  [['registry', 'audit', '--home', at('g')], 'home_missing', 1],
  [['gateway', 'init', '--name', 'x', ...G], 'home_exists', 1],
  [['gateway', 'init', '--name', 'x', '--profile', 'ZZ', '--home', at('z')], 'profile_unknown', 1],
  [['registry', 'init', '--url', 'x', '--home', at('z')], 'argument_invalid', 2],
  [['gateway', 'init', '--name', 'x', '--home', at('tape.csv/x')], 'file_unreadable', 1],
  [['registry', 'start', ...R, '--port', 'abc'], 'argument_invalid', 2],
  [['registry', 'start', ...R], 'database_in_use', 1],
  [['gateway', 'start', '--port', '99999', ...G], 'argument_invalid', 2],
  [['gateway', 'connect', '--registry', 'nonsense', ...G], 'argument_invalid', 2],
  [['gateway', 'connect', '--registry', 'http://127.0.0.1:1', ...G], 'registry_unreachable', 1],
  [tape(at('none.csv'), '--mapping', MAPPING), 'file_unreadable', 1],
  [tape(folder, '--mapping', MAPPING), 'file_unreadable', 1],
  [tape(at('tape.csv'), '--mapping', at('none.json')), 'file_unreadable', 1],
  [tape(at('tape.csv'), '--mapping', folder), 'file_unreadable', 1],
  [tape(at('tape.csv'), '--mapping', at('bad.json')), 'mapping_invalid', 1],
  [tape(at('tape.csv'), '--mapping', at('mistakes.json')), 'mapping_invalid', 1],
  [tape(at('authorisations.csv'), '--mapping', MAPPING), 'tape_header_missing', 1],
  [['gateway', 'import-authorisations', at('tape.csv'), ...G], 'tape_header_missing', 1],
  [['gateway', 'import-authorisations', folder, ...G], 'file_unreadable', 1],
  [['gateway', 'authorise', at('bad.json'), ...G], 'argument_invalid', 2],
  [['gateway', 'authorise', at('rubbish.json'), ...G], 'argument_invalid', 2],
  [['gateway', 'event', 'x', 'withdrawn', ...G], 'argument_invalid', 2],
  [['gateway', 'event', NOBODY, 'withdrawn', ...G], 'authorisation_unknown', 1],
  [['gateway', 'event', NOBODY, 'withdrawn', '--at', 'x', ...G], 'argument_invalid', 2],
  [['gateway', 'authorisation', NOBODY, ...G], 'authorisation_unknown', 1],
  [['gateway', 'faults', NOBODY, ...G], 'tape_unknown', 1],
  [['gateway', 'gate', '2026-13', ...G], 'argument_invalid', 2],
  [['gateway', 'gate', '2031-01', ...G], 'period_unknown', 1],
  [['gateway', 'gate', period, '--at', 'gestern', ...G], 'argument_invalid', 2],
  [['gateway', 'gate', period, '--account', 'nobody', ...G], 'not_found', 1],
  [['gateway', 'hand-over', '2031-01', ...G], 'period_unknown', 1],
  [['gateway', 'coverage', '2031-01', ...G], 'period_unknown', 1],
  [['gateway', 'receipt', '2031-01', ...G], 'receipt_unknown', 1],
  [['gateway', 'hand-overs', '--limit', '0', ...G], 'argument_invalid', 2],
  [['registry', 'admit', at('bad.json'), '--licence', '1', ...R], 'argument_invalid', 2],
  [['registry', 'admit', at('rubbish.json'), '--licence', '1', ...R], 'argument_invalid', 2],
  [['registry', 'admit', folder, '--licence', '1', ...R], 'file_unreadable', 1],
  [['enquirer', 'init', '--name', 'x', ...E], 'home_exists', 1],
  [['enquirer', 'permit', NOBODY, '--purpose', 'Q1', ...G], 'home_missing', 1],
  [['gateway', 'tapes', ...E], 'home_missing', 1],
  [['enquirer', 'permit', 'x', '--purpose', 'Q1', ...E], 'argument_invalid', 2],
  [['enquirer', 'permit', NOBODY, '--purpose', 'F1', ...E], 'argument_invalid', 2],
  [['enquirer', 'permit', NOBODY, '--purpose', 'Q1', ...E], 'authorisation_unknown', 1],
  [['enquirer', 'prove', NOBODY, ...E], 'authorisation_unknown', 1],
  [['enquirer', 'authorise', at('bad.json'), ...E], 'argument_invalid', 2],
  [['enquirer', 'authorise', at('rubbish.json'), ...E], 'argument_invalid', 2],
  [['registry', 'submission', 'x', ...R], 'argument_invalid', 2],
  [['registry', 'submission', NOBODY, ...R], 'submission_unknown', 1],
  [['registry', 'faults', NOBODY, ...R], 'submission_unknown', 1],
  [['registry', 'file', NOBODY, '--reason', 'a test', ...R], 'file_unknown', 1],
  [['registry', 'file', NOBODY, ...R], 'argument_invalid', 2],
];

describe('a wrong call', () => {
  it.each(WRONG)('%j ends with %s', async (words, code, exit) => {
    const said = await assent(...words);
    expect(said).toMatchObject({ out: '', exit });
    expect(said.err).toContain(`error ${code}: `);
    expect(said.err).not.toMatch(/ {4}at |internal error/);
  });

  it.each([
    [['gateway', 'gate', '2026-13', ...G], 'argument_invalid'],
    [['gateway', 'gate', '2031-01', ...G], 'period_unknown'],
    [['registry', 'submission', NOBODY, ...R], 'submission_unknown'],
  ])('%j tells a machine %s', async (words, code) => {
    const said = await assent(...words, '--json');
    const { error } = JSON.parse(said.err) as { error: Record<string, string> };
    expect(error).toMatchObject({ code, remedy: ERROR_KINDS[code as 'not_found'].remedy });
    expect(said.out).toBe('');
  });

  it('names all mistakes of a mapping', async () => {
    const said = await assent(...tape(at('tape.csv'), '--mapping', at('mistakes.json')));
    for (const place of [
      '/account/account_ref',
      '/account/colour',
      '/wide/0/period',
      '/account: lacks',
    ])
      expect(said.err).toContain(place);
  });

  it('leaves no half of a home behind', () => {
    expect(existsSync(at('z'))).toBe(false);
  });

  it('to a database that is not there says so', async () => {
    process.env['DATABASE_URL'] = 'postgres://nobody:secret@127.0.0.1:1/x';
    const said = await assent('gateway', 'tapes', ...G);
    delete process.env['DATABASE_URL'];
    expect(said.err).toMatch(/^error database_unreachable: SQLSTATE 08006\n/);
    expect(said.err).not.toContain('secret');
  });
});

it('makes a home again whose making was cut off, with the keys it has', async () => {
  const init = ['registry', 'init', '--url', 'http://r.test', '--home', at('cut')];
  mkdirSync(at('cut/database.draft/base'), { recursive: true }); // Killed while it was unpacked.
  const first = await json<{ operator_id: string }>(...init);
  rmSync(at('cut/config.json')); // Killed before the last step.
  const keys = readFileSync(at('cut/keys.json'), 'utf8');
  expect(await json(...init)).toEqual(first);
  expect(readFileSync(at('cut/keys.json'), 'utf8')).toBe(keys);
  expect(existsSync(at('cut/database.draft'))).toBe(false);
});

it('refuses a registry that shows other keys than those pinned', async () => {
  const path = at('g/config.json');
  const before = readFileSync(path, 'utf8');
  const config = JSON.parse(before) as { registry: { keys: { kid: string }[] } };
  const [key] = config.registry.keys;
  if (!key) throw new Error('no key was pinned');
  config.registry.keys = [{ ...key, kid: 'another' }];
  writeFileSync(path, JSON.stringify(config));
  const connect = ['gateway', 'connect', '--registry', `http://127.0.0.1:${port}`, ...G];
  expect((await assent(...connect)).err).toContain('registry_keys_changed');
  expect((await assent(...connect, '--replace-keys')).exit).toBe(0);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(JSON.parse(before));
});

it('explains every command', async () => {
  const seen = new Set<string>();
  async function walk(words: string[]): Promise<void> {
    const { out, exit } = await assent(...words, '--help');
    expect(exit, words.join(' ')).toBe(0);
    expect(out).toContain('Usage: assent');
    const list = out.split('Commands:\n')[1] ?? '';
    for (const [, name = ''] of list.matchAll(/^ {2}([a-z][a-z-]*)/gm)) {
      if (name === 'help') continue;
      seen.add([...words, name].join(' '));
      await walk([...words, name]);
    }
  }
  await walk([]);
  for (const name of ['gateway receipt', 'registry faults', 'enquirer permit', 'card'])
    expect(seen).toContain(name);
});

it('printed no identity number of the made-up people', () => {
  expect(printed.join('\n')).not.toMatch(/[0-9]{2}9999[0-9]{11}[0-9X]|X00000000|Nobody Atall/);
});
