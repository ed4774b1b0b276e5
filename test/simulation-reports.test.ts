/**
 * Random lives whose every report is made again at the end, or has had its time (docs/TESTING.md).
 * SIM_SEED and SIM_REPORTS set the first seed and the number; `npm run simulate -- --level reports`
 * lives more.
 */
import { describe, expect, it } from 'vitest';
import { BACKENDS, SERVER_URL } from './pair.ts';
import { liveAll, openLevel } from './simulation/levels.ts';

const SEED = Number(process.env['SIM_SEED'] ?? 1);
const LIVES = Number(process.env['SIM_REPORTS'] ?? 300);

describe.each(BACKENDS)('lives and their reports, on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }

  it('every report says what was furnished and may be shown, and is the same at the end', async () => {
    const level = await openLevel('reports', backend);
    try {
      const totals = await liveAll(level, SEED, backend === 'pglite' ? LIVES : LIVES / 3);
      const { issued = 0, answered_purged = 0 } = totals;
      expect(totals['rebuilt']).toBe(issued - answered_purged);
      const rare = ['records_purged', 'enquiries_purged'];
      for (const [what, count] of Object.entries(totals))
        if (!rare.includes(what)) expect(count, what).toBeGreaterThan(0);
    } finally {
      await level.close();
    }
  }, 900_000);
});
