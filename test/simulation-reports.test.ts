/**
 * Random lives whose every report is made again at the end (docs/TESTING.md). SIM_SEED and
 * SIM_REPORTS set the first seed and the number; `npm run simulate -- --level reports` lives more.
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
      expect(totals['rebuilt']).toBe(totals['issued']);
      for (const what of ['issued', 'refused', 'corrected', 'ended', 'claimed'])
        expect(totals[what], what).toBeGreaterThan(0);
    } finally {
      await level.close();
    }
  }, 900_000);
});
