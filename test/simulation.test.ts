/**
 * Random histories at the gate against the independent oracle (docs/TESTING.md). SIM_SEED and
 * SIM_HISTORIES set the first seed and the number; `npm run simulate` lives many more.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Level, liveAll, openLevel } from './simulation/levels.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
const HISTORIES = Number(process.env['SIM_HISTORIES'] ?? 1_000);

let level: Level;
beforeAll(async () => {
  level = await openLevel('gate');
});
afterAll(() => level.close());

it('every form of the gate says what the oracle says, in every history', async () => {
  const totals = await liveAll(level, SEED, HISTORIES);
  // A simulation in which nothing happens would be right as well.
  expect(totals['histories']).toBeGreaterThanOrEqual(HISTORIES);
  for (const what of ['decisions', 'released', 'named'])
    expect(totals[what], what).toBeGreaterThan(0);
}, 900_000);
