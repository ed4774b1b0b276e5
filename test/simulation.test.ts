/**
 * Random histories against the independent oracle (docs/TESTING.md). SIM_SEED and SIM_HISTORIES
 * set the first seed and the number; `npm run simulate` lives many more.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addTo,
  type Batches,
  batchesOf,
  failureText,
  openBatches,
  replayOf,
} from './simulation/batch.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
const HISTORIES = Number(process.env['SIM_HISTORIES'] ?? 1_000);

let batches: Batches;
beforeAll(async () => {
  batches = await openBatches();
});
afterAll(() => batches.close());

it('every form of the gate says what the oracle says, in every history', async () => {
  const totals: Record<string, number> = {};
  for (let n = 0; n < batchesOf(HISTORIES); n += 1) {
    try {
      addTo(totals, await batches.live(SEED + n));
    } catch (error) {
      throw new Error(`replay with: ${replayOf(SEED + n)}\n${failureText(error)}`);
    }
  }
  // A simulation in which nothing happens would be right as well.
  expect(totals['histories']).toBeGreaterThanOrEqual(HISTORIES);
  for (const what of ['decisions', 'released', 'named'])
    expect(totals[what], what).toBeGreaterThan(0);
}, 900_000);
