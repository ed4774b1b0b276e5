/**
 * Random histories against the independent oracle (docs/TESTING.md). SIM_SEED and SIM_HISTORIES
 * set the first seed and the number; `npm run simulate` lives many more.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { batchesOf, LEVELS, type Level, openLevel, replayOf } from './simulation/levels.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
const HISTORIES = Number(process.env['SIM_HISTORIES'] ?? 1_000);

describe.each(LEVELS)('the oracle is right, at the level %s', (name) => {
  let level: Level;
  beforeAll(async () => {
    level = await openLevel(name);
  });
  afterAll(() => level.close());

  it('in every history', async () => {
    const totals: Record<string, number> = {};
    for (let n = 0; n < batchesOf(level, HISTORIES); n += 1) {
      try {
        for (const [what, count] of Object.entries(await level.live(SEED + n)))
          totals[what] = (totals[what] ?? 0) + count;
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
        throw new Error(`replay with: ${replayOf(level, SEED + n)}\n${text}`);
      }
    }
    // A simulation in which nothing happens would be right as well.
    expect(totals['histories']).toBeGreaterThanOrEqual(HISTORIES * level.share);
    const busy = name === 'gate' ? ['decisions', 'named'] : ['rows', 'accepted', 'deaths', 'late'];
    for (const what of busy) expect(totals[what], what).toBeGreaterThan(0);
  }, 900_000);
});
