/**
 * The first run as a user sees it: twice, in one folder, through the real program.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { REASON_WORDS } from '../src/authorisation/plain-words.ts';
import { freePort } from './free-port.ts';

const ROOT = new URL('..', import.meta.url);
const home = mkdtempSync(join(tmpdir(), 'assent-first-run-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function run(port: number | string, borrowers = '200') {
  const environment = { ...process.env };
  delete environment['DATABASE_URL'];
  return spawnSync(
    process.execPath,
    [
      'src/main.ts',
      'world',
      '--exit',
      '--home',
      home,
      '--port',
      String(port),
      '--borrowers',
      borrowers,
    ],
    { cwd: ROOT, encoding: 'utf8', env: environment, timeout: 300_000 },
  );
}

it('hands over, keeps its promises, and changes nothing when it is run again', async () => {
  const port = await freePort();
  const first = run(port);
  expect(first.stderr).not.toMatch(/broken|error/);
  expect(first.stdout).toContain('Every promise held.');
  // Every reason but that of a gate without a law, and of the freeze, which is later work.
  const shown = new Set([...first.stdout.matchAll(/withheld: (\w+)/g)].map(([, reason]) => reason));
  const reasons = Object.keys(REASON_WORDS).filter((each) => !/^(no_profile|frozen)$/.test(each));
  expect([...shown].sort()).toEqual(reasons.sort());
  expect(first.status).toBe(0);
  const second = run(port);
  expect(second.status).toBe(0);
  expect(second.stdout).toContain('tape already_loaded');
  expect(second.stdout.match(/0 of 24 periods handed over/g)).toHaveLength(2);
  // No identity value of the made-up people in anything that was printed.
  const ids = /[0-9]{2}9999[0-9]{11}[0-9X]/;
  expect(first.stdout + first.stderr + second.stdout + second.stderr).not.toMatch(ids);
  expect(readFileSync(join(home, 'registry', 'config.json'), 'utf8')).not.toMatch(ids);
}, 700_000);

it.each([
  ['8088', '0', '--borrowers is a whole number above 0'],
  ['8088', 'abc', '--borrowers is a whole number above 0'],
  ['8088', '3', '--borrowers is at least 20'],
  ['abc', '200', 'a port is a whole number'],
])('refuses port %s and %s borrowers before anything is made', (port, borrowers, why) => {
  const refused = run(port, borrowers);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain(`error argument_invalid: ${why}`);
  expect(refused.stderr).not.toContain('    at ');
});

it('keeps the size of its world, and says who has the port', async () => {
  const other = run(await freePort(), '300');
  expect(other.status).toBe(2);
  expect(other.stderr).toContain('the world of this home has 200 borrowers');
  const taken = createServer();
  await new Promise<void>((ready) => taken.listen(0, '127.0.0.1', ready));
  const address = taken.address();
  const refused = run(typeof address === 'object' && address ? address.port : 0);
  await new Promise((closed) => taken.close(closed));
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain('error address_unusable: 127.0.0.1:');
}, 300_000);
