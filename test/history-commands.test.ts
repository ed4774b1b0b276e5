/**
 * The commands that work on the registry's history, as an operator calls them, in this process:
 * score everybody and tell, watch month by month, write the sample of a fit.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { type OpenRegistry, openRegistry } from '../src/cli/home.ts';
import { catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { readTable } from '../src/evaluation/table.ts';
import { PERSON, steady, storeFiles } from './file-rows.ts';
import { freePort } from './free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'assent-history-'));
const at = (name: string) => join(folder, name);
const R = ['--home', at('r')];
let open: OpenRegistry;

async function assent(...words: string[]): Promise<string> {
  let said = '';
  const keep = (text: unknown) => {
    said += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep as never);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep as never);
  try {
    await main(['node', 'assent', ...words]);
    return said;
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
  }
}

beforeAll(async () => {
  delete process.env['DATABASE_URL'];
  const port = await freePort();
  await assent('registry', 'init', '--url', `http://127.0.0.1:${port}`, '--profile', 'US', ...R);
  open = await openRegistry(at('r'), () => {});
  await open.server.listen({ port, host: '127.0.0.1' });
  const { db } = open.registry;
  await db.query('create table account_month_all partition of account_month default');
  const people = fc.sample(PERSON, { numRuns: 200, seed: 5 });
  await storeFiles(
    db,
    people.map((each, n) => ({ ...(n % 2 === 0 ? each : steady(each)), subject_id: randomUUID() })),
  );
  writeFileSync(at('card.json'), JSON.stringify(catalogueCard(1)));
  writeFileSync(at('report.html'), 'a report');
  const report = ['--report', at('report.html'), '--why', 'a test'];
  await assent('registry', 'add-scorecard', at('card.json'), ...report, ...R);
  for (const state of ['shadow', 'active'])
    await assent('registry', 'promote-scorecard', 'test-full', '1', state, '--why', 'test', ...R);
}, 240_000);
afterAll(async () => {
  await open.close();
  rmSync(folder, { recursive: true, force: true });
});

it('score everybody and tell who watches', async () => {
  const said = await assent('registry', 'score-everybody', 'test-full', '1', '--furnish', ...R);
  expect(said).toMatch(/\d+ people scored in run [0-9a-f-]{36}/);
  expect(said).toContain('0 scores told to 0 enquirers');
  const run = /run ([0-9a-f-]{36})/.exec(said)?.[1] ?? '';
  const again = await assent('registry', 'furnish-scores', run, '--json', ...R);
  expect(JSON.parse(again)).toMatchObject({ run_id: run, told: 0, is_done: true });
  const old = ['score-everybody', 'test-full', '1', '--day', '2025-01-31', '--furnish'];
  expect(await assent('registry', ...old, ...R)).toContain('scoring_run_unfit');
}, 60_000);

it('watch a card month by month, with a report', async () => {
  const last = new Date(Date.now() - 40 * 86_400_000).toISOString().slice(0, 7);
  const monitor = ['registry', 'monitor-scorecard', 'test-full', '1'];
  const ofMonths = (from: string, to: string) => ['--from', from, '--to', to];
  const said = await assent(...monitor, ...ofMonths('2025-06', '2025-07'), ...R);
  expect(said).toMatch(/2025-06.* bad\).*0\.\d{4} \(0\.\d{4} to \d\.\d{4}\)/);
  const report = ['--report', at('months.html')];
  expect(await assent(...monitor, ...ofMonths(last, last), ...report, ...R)).toContain(
    'not over yet',
  );
  expect(readFileSync(at('months.html'), 'utf8')).toMatch(/<svg[\s\S]*not over yet/);
  expect(await assent(...monitor, '--from', '2025-06', ...R)).toContain('argument_invalid');
  expect(await assent(...monitor, '--day', '2026-06-30', ...R)).toContain('PSI of the score');
}, 60_000);

it('write the sample of a fit as one CSV', async () => {
  const to = ['--day', '2025-06-30', '--out', at('sample.csv')];
  const said = await assent('registry', 'development-sample', ...to, ...R);
  expect(said).toMatch(/\d+ good, \d+ bad; left out: doubtful \d+, hardly_seen \d+, disputed 0/);
  const { rows, columns } = await readTable(createReadStream(at('sample.csv')));
  expect(rows).toBeGreaterThan(0);
  expect(columns.at(-1)?.name).toBe('bad');
}, 60_000);
