/**
 * The reports level can fail: each deliberate fault is found within a bounded number of lives.
 * `UPDATE=1` writes what was found into the table of docs/TESTING.md. On PostgreSQL where there is
 * one: it is the faster.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVER_URL } from '../pair.ts';
import { writeFound } from './found-table.ts';
import { mutated } from './mutants.ts';
import { LIVES } from './report-birth.ts';
import { liveReports } from './report-lives.ts';
import { editsOf, REPORT_FAULTS } from './report-mutants.ts';
import { LivesFailed, ReportWorld } from './report-scene.ts';

const BATCHES_MAX = 40;

let world: ReportWorld;
const found = new Map<string, readonly number[]>();
beforeAll(async () => {
  world = await ReportWorld.open(SERVER_URL ? 'postgresql' : 'pglite', 'sim_report_mutants');
}, 120_000);
afterAll(async () => {
  await world.close();
  if (process.env['UPDATE'] === '1') writeFound('report-mutants', ['found within (lives)'], found);
});

/** Lives until a batch fails; null when none does. Never because a statement does. */
async function livesUntilFound(): Promise<number | null> {
  for (let batch = 1; batch <= BATCHES_MAX; batch += 1) {
    const failure = await liveReports(world, batch).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure).toBeInstanceOf(LivesFailed);
    return batch * LIVES;
  }
  return null;
}

describe('a fault of the registry is found', () => {
  it.each(REPORT_FAULTS.map(([fault, ...edits]) => ({ fault, edits })))(
    '$fault',
    async ({ fault, edits }) => {
      const healthy = world.store.current;
      const faulty = mutated(healthy, editsOf(fault, edits));
      world.store.current = faulty;
      const lived = await livesUntilFound().finally(() => {
        world.store.current = healthy;
      });
      expect(faulty.edits(), 'the fault no longer fits the statements: renew it').toBeGreaterThan(
        0,
      );
      expect(lived, `not found in ${BATCHES_MAX * LIVES} lives`).not.toBeNull();
      found.set(fault, [lived ?? 0]);
    },
    600_000,
  );
});
