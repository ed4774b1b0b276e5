/** The README's step by step, run as it is written, in an empty folder. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { makeWorld } from '../src/world/world.ts';
import { freePort } from './free-port.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'assent-readme-'));
let server: ChildProcess | null = null;
afterAll(() => {
  server?.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Words of a shell line; the README uses no more of a shell than double quotes. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

it('works from the first line to the last', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('## Step by step'));
  const block = /```sh\n([\s\S]*?)```/.exec(section)?.[1] ?? '';
  const commands = block
    .split('\n')
    .filter((line) => line.startsWith('npm run -s assent -- '))
    .map((line) => words(line.replace('npm run -s assent -- ', '')));
  expect(commands.length).toBeGreaterThan(10);

  const [lender] = makeWorld({
    seed: 5,
    borrowers: 60,
    months: 6,
    last_period: '2026-10',
    made_at: new Date(),
  });
  if (!lender) throw new Error('a world without a lender');
  writeFileSync(join(folder, 'tape.csv'), lender.tape);
  writeFileSync(join(folder, 'authorisations.csv'), lender.authorisations);
  symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
  const port = String(await freePort());
  const environment = { ...process.env };
  delete environment['DATABASE_URL'];
  for (const command of commands) {
    const words = command.map((word) => word.replace('8088', port));
    const args = [join(ROOT, 'bin/assent.ts'), ...words];
    if (words.join(' ') === 'registry start') {
      server = spawn(process.execPath, [...args, '--port', port], {
        cwd: folder,
        env: environment,
      });
      if (!server.stdout) throw new Error('no standard output');
      await once(server.stdout, 'data');
      continue;
    }
    const done = spawnSync(process.execPath, args, {
      cwd: folder,
      env: environment,
      encoding: 'utf8',
      timeout: 60_000,
    });
    // The made-up world holds approvals of a borrower whose identity was rejected: they are named.
    const status = words[1] === 'import-authorisations' ? 1 : 0;
    expect(`${words.join(' ')}: ${done.status} ${done.stderr}`).toBe(
      `${words.join(' ')}: ${status} `,
    );
    if (words[1] === 'hand-over') expect(done.stdout).toMatch(/received, in scope [1-9]/);
  }
}, 300_000);
