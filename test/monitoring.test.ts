/**
 * A card watched month by month on stored months, and the sample of a fit part by part: the same as
 * in one piece.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { samplePart } from '../src/registry/development-sample.ts';
import type { Registry } from '../src/registry/registry.ts';
import { monitorMonths, monitorScorecard } from '../src/registry/scorecard-monitoring.ts';
import { DAY, openFiles, PERSON, steady, storeFiles } from './file-rows.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

const OVER = '2025-06';

describe.each(BACKENDS)('monitoring on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let registry: Registry;
  const card = catalogueCard(1);

  beforeAll(async () => {
    if (missing) return;
    registry = await openFiles(backend, 'monitoring');
    const people = fc.sample(PERSON, { numRuns: 400, seed: 5 });
    await storeFiles(
      registry.db,
      people.map((each, at) => ({
        ...(at % 2 === 0 ? each : steady(each)),
        subject_id: randomUUID(),
      })),
    );
  });
  afterAll(async () => {
    if (!missing) await registry.db.close();
  });

  test('gives every month its stability, and an outcome once its year is over', async () => {
    const months = await monitorMonths(registry, card, { from: '2025-05', to: '2025-08' });
    expect(months.map(({ period, outcome }) => [period, outcome !== null])).toEqual([
      ['2025-05', true],
      [OVER, true],
      ['2025-07', false],
      ['2025-08', false],
    ]);
    for (const { people, characteristics } of months) {
      expect(people).toBeGreaterThan(50);
      expect(characteristics).toHaveLength(card.characteristics.length);
    }
    const { day, outcome } = await monitorScorecard(registry, card, DAY);
    expect([day, outcome.day]).toEqual([DAY, '2025-06-30']);
    expect(outcome.bad).toBeGreaterThan(10);
    const { day: _, ...figures } = outcome;
    expect(months[1]?.outcome).toEqual(figures);
    const [month] = await monitorMonths(registry, card, { from: OVER, to: OVER });
    const alone = await monitorScorecard(registry, card, '2025-06-30');
    expect(month?.score).toEqual(alone.score);
  });

  test('refuses what is no stretch of months that are over', async () => {
    for (const [from, to] of [
      ['2026-06', '2026-07'],
      ['2026-02', '2026-01'],
      ['2019-01', '2026-01'],
    ] as const)
      await expect(monitorMonths(registry, card, { from, to })).rejects.toMatchObject({
        code: 'request_invalid',
      });
  });

  test('has a sample by parts that is the whole one', async () => {
    const day = '2025-06-30';
    const whole = await samplePart(registry, day, { part: 0, parts: null });
    expect(whole.parts).toBe(1);
    const parts = await Promise.all(
      Array.from({ length: 16 }, (_, part) => samplePart(registry, day, { part, parts: 16 })),
    );
    const lines = (texts: readonly string[]) => texts.join('').split('\n').sort();
    expect(lines(parts.map(({ csv }) => csv))).toEqual(lines([whole.csv]));
    expect(parts.reduce((sum, { bad }) => sum + bad, 0)).toBe(whole.bad);
    expect(parts.reduce((sum, each) => sum + each.left_out.hardly_seen, 0)).toBe(
      whole.left_out.hardly_seen,
    );
    expect([whole.good > 0, whole.bad > 0]).toEqual([true, true]);
    for (const wrong of [
      { part: 16, parts: 16 },
      { part: 0, parts: 3 },
    ])
      await expect(samplePart(registry, day, wrong)).rejects.toMatchObject({
        code: 'request_invalid',
      });
  });
});
