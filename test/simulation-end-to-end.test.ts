/**
 * Random histories of two lenders and a registry against the independent oracle
 * (docs/TESTING.md). SIM_SEED and SIM_END_TO_END set the first seed and the number;
 * `npm run simulate -- --level end-to-end` lives many more.
 */
import { describe, expect, it } from 'vitest';
import { BACKENDS, SERVER_URL } from './pair.ts';
import { liveAll, openLevel } from './simulation/levels.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
const HISTORIES = Number(process.env['SIM_END_TO_END'] ?? 120);

describe.each(BACKENDS)('histories end to end, on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }

  it('nothing is released, stored or shown but what the oracle allows, and all of that', async () => {
    const level = await openLevel('end-to-end', backend);
    try {
      const totals = await liveAll(level, SEED, HISTORIES);
      // A simulation in which nothing happens would be right as well.
      expect(totals['histories']).toBeGreaterThanOrEqual(HISTORIES);
      for (const what of [
        'rows',
        'accepted',
        'refused',
        'kept',
        'shown',
        'deaths',
        'seen',
        'heard',
      ])
        expect(totals[what], what).toBeGreaterThan(0);
    } finally {
      await level.close();
    }
  }, 900_000);
});
