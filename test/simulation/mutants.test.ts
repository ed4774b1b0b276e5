/**
 * The simulation can fail: each deliberate fault is found within a bounded number of histories.
 * `UPDATE=1` writes what was found into the table of docs/TESTING.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUTHORISATION_CHECKS, ROW_CHECKS } from '../../src/authorisation/check.ts';
import type { Database } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openPglite } from '../../src/database/pglite.ts';
import { writeFound } from './found-table.ts';
import { Disagreement } from './gate-fill.ts';
import { liveAtTheGate } from './gate-level.ts';
import {
  CHECK_MUTANTS,
  mutated,
  OTHER_MUTANTS,
  withBlindCheck,
  withWeakWithdrawals,
} from './mutants.ts';

const HISTORIES_AT_A_TIME = 60;
const HISTORIES_MAX = 1_200;

let db: Database;
const found = new Map<string, readonly number[]>();
beforeAll(async () => {
  db = await openPglite();
  await migrate(db, 'gateway', () => new Date(0));
});
afterAll(async () => {
  await db.close();
  if (process.env['UPDATE'] === '1') writeFound('mutants', ['found within (histories)'], found);
});

/** Histories lived until the fault showed; null when none of HISTORIES_MAX shows it. */
async function historiesUntilFound(live: (seed: number) => Promise<unknown>) {
  for (let lived = 0; lived < HISTORIES_MAX; lived += HISTORIES_AT_A_TIME) {
    try {
      await live(1 + lived / HISTORIES_AT_A_TIME);
    } catch (error) {
      if (error instanceof Disagreement) return lived + HISTORIES_AT_A_TIME;
      throw error;
    }
  }
  return null;
}

/** Lives under a fault that is no edit of SQL. */
async function expectFound(
  fault: string,
  under: (run: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  let lived: number | null = null;
  await under(async () => {
    lived = await historiesUntilFound((seed) => liveAtTheGate(db, seed, HISTORIES_AT_A_TIME));
  });
  expect(lived, `not found in ${HISTORIES_MAX} histories`).not.toBeNull();
  found.set(fault, [lived ?? 0]);
}

describe('a fault is found', () => {
  it.each([...CHECK_MUTANTS, ...OTHER_MUTANTS])('$fault', async (mutant) => {
    const mutant_db = mutated(db, [mutant]);
    const lived = await historiesUntilFound((seed) =>
      liveAtTheGate(mutant_db, seed, HISTORIES_AT_A_TIME),
    );
    expect(mutant_db.edits(), 'the fault no longer fits the statements: renew it').toBeGreaterThan(
      0,
    );
    expect(lived, `not found in ${HISTORIES_MAX} histories`).not.toBeNull();
    found.set(mutant.fault, [lived ?? 0]);
  });

  it.each([...ROW_CHECKS, ...AUTHORISATION_CHECKS])(
    'check $name always passes, in the one-row form',
    (check) =>
      expectFound(`check ${check.name} always passes, in the one-row form`, (run) =>
        withBlindCheck(check, run),
      ),
  );

  it('a weaker end follows a withdrawal', () =>
    expectFound('a weaker end follows a withdrawal', withWeakWithdrawals));
});
