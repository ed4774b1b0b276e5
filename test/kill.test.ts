/**
 * SIGKILL in the middle of the work, to the real programs on their real folders, then the same
 * command again: exactly once. KILL_ROWS=1000000 makes it a long evening; KILL_SEED repeats one.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { approvalsOf, tapeOf } from '../bench/lender.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { seeded } from '../src/world/seeded.ts';
import { freePort } from './free-port.ts';
import { BACKENDS, ownDatabase, SERVER_URL } from './pair.ts';

const ROWS = Number(process.env['KILL_ROWS'] ?? 6_000);
const SEED = Number(process.env['KILL_SEED'] ?? 1);
const KILLS = 3;
const PERIOD = '2026-01';
const LIMIT_MS = 60_000 + ROWS * 10;
const ROOT = new URL('..', import.meta.url);

const running = new Set<ChildProcess>();
const homes: string[] = [];
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

class Programs {
  readonly home: string;
  readonly #environment: NodeJS.ProcessEnv;
  #registry: ChildProcess | null = null;
  #port = 0;

  constructor(home: string, url: string | undefined) {
    this.home = home;
    this.#environment = { ...process.env };
    delete this.#environment['DATABASE_URL'];
    if (url) this.#environment['DATABASE_URL'] = url;
  }

  /** Runs a command to its end and returns what it printed. */
  run(...command: string[]): string {
    const done = spawnSync(process.execPath, ['bin/assent.ts', ...command], {
      cwd: ROOT,
      env: this.#environment,
      encoding: 'utf8',
      timeout: LIMIT_MS,
    });
    if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.status} ${done.stderr}`);
    return done.stdout;
  }

  start(...command: string[]): ChildProcess {
    const child = spawn(process.execPath, ['bin/assent.ts', ...command], {
      cwd: ROOT,
      env: this.#environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stderr?.resume();
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  }

  async setUp(): Promise<void> {
    this.#port = await freePort();
    const address = `http://127.0.0.1:${this.#port}`;
    this.run('registry', 'init', '--home', `${this.home}/r`, '--url', address, '--profile', 'EU');
    await this.startRegistry();
    const gateway = `${this.home}/g`;
    this.run('gateway', 'init', '--home', gateway, '--name', 'Kill', '--profile', 'EU');
    const card = `${gateway}/participant.json`;
    this.run('registry', 'admit', card, '--home', `${this.home}/r`, '--licence', 'k');
    this.run('gateway', 'connect', '--home', gateway, '--registry', address);
  }

  async startRegistry(): Promise<void> {
    const child = this.start(
      'registry',
      'start',
      '--home',
      `${this.home}/r`,
      '--port',
      String(this.#port),
    );
    this.#registry = child;
    await new Promise<void>((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`the registry ended with ${code}`)));
    });
  }

  async stopRegistry(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#registry;
    if (!child || child.exitCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}

describe.each(BACKENDS)('SIGKILL on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  it.skipIf(missing)(
    `${ROWS} rows are handed over exactly once${missing ? ' (skipped: TEST_DATABASE_URL is not set)' : ''}`,
    async () => {
      const home = mkdtempSync(join(tmpdir(), 'assent-kill-'));
      homes.push(home);
      const url = await ownDatabase(backend, 'assent_kill');
      const tape = join(home, 'tape.csv');
      const approvals = join(home, 'approvals.csv');
      await pipeline(tapeOf(ROWS, PERIOD), createWriteStream(tape));
      await pipeline(approvalsOf(ROWS / 2), createWriteStream(approvals));
      const programs = new Programs(home, url);
      await programs.setUp();
      const random = seeded(SEED);
      const gateway = ['--home', `${home}/g`];

      /** Kills the command, or the registry while it runs, then lets it run to its end. */
      async function killed(command: string[], withRegistry: boolean): Promise<void> {
        const startedAt = Date.now();
        programs.run('gateway', 'tapes', ...gateway);
        const toStart = Date.now() - startedAt;
        for (let kill = 0; kill < KILLS; kill++) {
          const child = programs.start(...command);
          const after = toStart * 0.6 + random.between(0, 400 + ROWS / 20);
          await Promise.race([once(child, 'exit'), new Promise((wake) => setTimeout(wake, after))]);
          if (withRegistry && kill % 2 === 1) {
            await programs.stopRegistry('SIGKILL');
            await programs.startRegistry();
          }
          if (child.exitCode === null) {
            child.kill('SIGKILL');
            await once(child, 'exit');
          }
        }
        programs.run(...command);
      }

      const mapping = ['--mapping', 'examples/canonical.mapping.json'];
      await killed(['gateway', 'load', tape, ...mapping, ...gateway], false);
      await killed(['gateway', 'import-authorisations', approvals, ...gateway], false);
      await killed(['gateway', 'hand-over', PERIOD, ...gateway], true);

      const [line] = JSON.parse(
        programs.run('gateway', 'coverage', PERIOD, '--json', ...gateway),
      ) as { in_scope: number; authorised: number; handed_over: number }[];
      expect(line).toMatchObject({
        in_scope: ROWS,
        authorised: ROWS / 2,
        handed_over: ROWS / 2,
      });
      programs.run('registry', 'audit', '--home', `${home}/r`);
      await programs.stopRegistry('SIGTERM');
      const db = url
        ? await openPostgresql(url, 'assent_registry')
        : await openPglite(join(home, 'r', 'database'));
      const { rows } = await db.query(
        `select (select count(*) from account_month) as months,
                (select count(distinct account_id) from account_month) as accounts,
                (select count(*) from subject) as people,
                (select count(*) from authorisation_event) as events,
                (select count(*) from submission where state = 'received') as receipts`,
      );
      await db.close();
      const half = ROWS / 2;
      expect(rows[0]).toEqual({
        months: half,
        accounts: half,
        people: half,
        events: half,
        receipts: 1,
      });
    },
    LIMIT_MS * 10,
  );
});
