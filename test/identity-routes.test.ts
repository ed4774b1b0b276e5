/**
 * The operator's commands of identity, from the queue to the certificate, over the real program;
 * nothing of an identity is printed but where the look is traced, and nothing is logged.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { type OpenRegistry, openRegistry } from '../src/cli/home.ts';
import { compareWaiting } from '../src/registry/identity-pieces.ts';
import { locate, type Sent, send } from './identity-world.ts';

const folder = mkdtempSync(join(tmpdir(), 'assent-identity-commands-'));
const HOME = ['--home', join(folder, 'r')];
const printed: string[] = [];
let registry: OpenRegistry;
let port = 0;

async function assent(...words: string[]): Promise<string> {
  let said = '';
  const keep = (text: unknown) => {
    said += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep as never);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep as never);
  process.exitCode = 0;
  try {
    await main(['node', 'assent', 'registry', ...words, ...HOME]);
    return said;
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
    printed.push(said);
  }
}
const json = async <T>(...words: string[]): Promise<T> =>
  JSON.parse(await assent(...words, '--json')) as T;

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

const start = async () => {
  registry = await openRegistry(join(folder, 'r'), (error) => {
    throw error;
  });
  await registry.server.listen({ port, host: '127.0.0.1' });
};

beforeAll(async () => {
  port = await freePort();
  await assent('init', '--url', `http://127.0.0.1:${port}`, '--profile', 'EU');
  await start();
});
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

const CANARY = 'Kanarienvogel';
const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const person = (n: number, over: Partial<Sent> = {}): Sent => ({
  ref: uuid(n),
  kind: 'passport',
  number: `C01X00T4${n}`,
  name: `Gelb ${CANARY}`,
  birth_date: '1983-07-01',
  ...over,
});

interface Case {
  readonly case_id: string;
  readonly kind: string;
  readonly known_id: string;
  readonly other_id: string;
}

it('goes from the queue to the certificate', async () => {
  const evidence = join(folder, 'letter.txt');
  const identity = join(folder, 'identity.json');
  writeFileSync(evidence, 'the letter');
  const db = registry.registry.db;
  await send(registry.registry, uuid(99), [person(1), person(2)]);
  await compareWaiting(registry.registry);
  const [found, ...none] = await json<Case[]>('cases');
  expect([found?.kind, none]).toEqual(['likeness', []]);
  const id = found?.case_id ?? '';
  expect(await assent('cases')).toContain(id);
  const shown = await assent('case', id, '--reason', 'the queue');
  expect(shown).toContain(CANARY);
  printed.pop(); // The one place where an identity is shown: the look is traced.
  const { rows: looks } = await db.query('select 1 from access');
  expect(looks.length).toBe(2);
  expect(await assent('resolve', id, 'perhaps', '--why', 'papers')).toContain('argument_invalid');
  expect(await assent('resolve', id, 'match', '--why', 'papers')).toContain('match: merged');
  expect(await assent('resolve', id, 'match', '--why', 'papers')).toContain('case_decided');
  const events = await json<{ event_id: string; kind: string }[]>('identity-events');
  expect(events.map((each) => each.kind)).toEqual(['merge']);
  const event = events[0]?.event_id ?? '';
  expect(await assent('undo', event, '--why', 'a slip')).toContain('event');
  expect(await assent('undo', event, '--why', 'a slip')).toContain('identity_not_movable');
  const [one, other] = [await locate(db, uuid(1)), await locate(db, uuid(2))];
  await assent('merge', other, one, '--why', 'papers', '--evidence', evidence);
  expect(await locate(db, uuid(2))).toBe(one);
  // The id of before still leads to the person.
  expect(await json('file', other, '--reason', 'an old letter')).toMatchObject({ subject_id: one });
  printed.pop();
  const locator = `${uuid(99)}:${uuid(2)}`;
  await assent('split', one, '--to', other, '--locator', locator, '--why', 'two after all');
  expect(await locate(db, uuid(2))).toBe(other);
  const apart = { kind: 'passport', country: 'DE', number: 'C01X00T49', name: `X ${CANARY}` };
  writeFileSync(identity, JSON.stringify({ ...apart, birth_date: '1990-01-01' }));
  await send(registry.registry, uuid(98), [person(1, { ref: uuid(3) })]);
  const mixed = ['--locator', `${uuid(98)}:${uuid(3)}`, '--why', 'another'];
  const split = await json<{ to_id: string }>('split', one, '--identity', identity, ...mixed);
  expect(await locate(db, uuid(3))).toBe(split.to_id);
  writeFileSync(
    identity,
    JSON.stringify({ ...apart, number: 'C01X00T41', birth_date: '1983-07-02' }),
  );
  const because = ['--why', 'the letter', '--evidence', evidence];
  expect(await assent('correct-identity', one, '--identity', identity, ...because)).toContain(
    'event',
  );
  const again = await send(registry.registry, uuid(99), [person(1, { version: 2 })]);
  expect([again.outcome.accepted, again.faults.map((each) => each.rule)]).toEqual([
    1,
    ['V03_FORMER'],
  ]);
  expect(await locate(db, uuid(1))).toBe(one);
  writeFileSync(
    identity,
    JSON.stringify({ ...apart, number: 'C01X00T42', birth_date: '1983-07-02' }),
  );
  expect(await assent('correct-identity', one, '--identity', identity, ...because)).toContain(
    'identity_taken',
  );
  expect(await assent('erase', one, '--preview')).toContain('nothing must stay');
  const request = await json<{ request_id: string }>('erase', one, '--evidence', evidence);
  await db.query(`update erasure_request set due_at = '2020-01-01T00:00:00Z'`);
  expect(await assent('sweep-erasures')).toContain('erased 1');
  expect(await assent('erasure', request.request_id)).toContain('subject_document');
  expect(await assent('erasure', one)).toContain('erasure_unknown');
  expect(await assent('fit-matching')).toContain('matching_unfit');
  expect(printed.join('\n')).not.toContain(CANARY);
});

it('rotates the keys of a registry that is stopped', async () => {
  await registry.close();
  expect(await json('rotate-keys', '--new')).toMatchObject({ rotated: 2 });
  expect(await json('rotate-keys')).toMatchObject({ rotated: 0 });
  await start();
  const { rows } = await registry.registry.db.query<{ id: string }>(
    'select subject_id as id from subject where merged_into is null',
  );
  expect(await assent('file', rows[0]?.id ?? '', '--reason', 'it opens', '--json')).toContain(
    CANARY,
  );
});
