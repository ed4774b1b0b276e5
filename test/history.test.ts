/** What a tape is compared with: the months before it, in the same tape or in the book. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bookPeriods } from '../src/gateway/gate.ts';
import { BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

describe.each(BACKENDS)('the months before, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const because = missing ? ' (skipped: TEST_DATABASE_URL is not set)' : '';
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'history');
  });
  beforeEach(async () => {
    if (!missing) await pair.empty();
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  const months = (...rows: readonly (readonly [number, string, string?])[]) =>
    load(
      pair.gateway,
      tapeText(
        rows.map(([n, period, late = '0']) => ({ ...monthRow(n, period), days_past_due: late })),
      ),
    );
  const gaps = async (...rows: readonly (readonly [number, string])[]) => {
    const { counts } = await months(...rows);
    return [counts.new, counts.held, counts.faults_by_rule['V13_GAP'] ?? 0];
  };

  it.skipIf(missing)(
    `hold a month that skips one, in the book or in the tape${because}`,
    async () => {
      expect(await gaps([1, '2026-01'])).toEqual([1, 0, 0]);
      expect(await gaps([1, '2026-03'], [2, '2026-03'])).toEqual([1, 1, 1]);
      expect(await gaps([1, '2026-04'], [1, '2026-02'], [1, '2026-03'])).toEqual([3, 0, 0]);
      expect(await gaps([3, '2025-01'], [3, '2025-03'])).toEqual([1, 1, 1]);
      expect(await gaps([2, '2026-02'])).toEqual([1, 0, 0]);
    },
  );

  it.skipIf(missing)(`are the newest revision of each${because}`, async () => {
    await months([1, '2026-01']);
    await months([1, '2026-01', '25']);
    // 25 days late, a month later 55: no jump. From 0 it would be one.
    const after = await months([1, '2026-02', '55']);
    expect(after.counts.faults_by_rule['V08']).toBeUndefined();
    await months([2, '2026-01']);
    expect((await months([2, '2026-02', '55'])).counts.faults_by_rule['V08']).toBe(1);
  });

  it.skipIf(missing)(`are listed by period${because}`, async () => {
    expect(await bookPeriods(pair.gateway.db)).toEqual([]);
    await months([1, '2025-12'], [1, '2026-01'], [2, '2026-01'], [4, '2025-02']);
    expect(await bookPeriods(pair.gateway.db)).toEqual(['2025-02', '2025-12', '2026-01']);
  });
});
