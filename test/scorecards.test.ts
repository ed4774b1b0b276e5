/**
 * Scorecards at the registry: what may be added, who moves it on, what blocks it; and everybody
 * scored, cut off and gone on with.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crashing } from '../src/database/crashing.ts';
import { isThin } from '../src/evaluation/evaluate.ts';
import { catalogueBins, catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { scoreRecord } from '../src/evaluation/score.ts';
import { EVERYBODY, readCharacteristics } from '../src/registry/characteristics.ts';
import type { Registry } from '../src/registry/registry.ts';
import {
  activeCards,
  addScorecard,
  type CardState,
  listScorecards,
  promoteScorecard,
} from '../src/registry/scorecards.ts';
import { scoreEverybody } from '../src/registry/scoring-runs.ts';
import { DAY, openFiles, PERSON, storeFiles } from './file-rows.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

describe.each(BACKENDS)('scorecards on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let registry: Registry;
  const by = { party: randomUUID(), why: 'a test' };
  const move = (version: number, to: CardState, sign_off = false) =>
    promoteScorecard(registry, { scorecard_id: 'test-full', version, to, by, sign_off });
  const states = async () =>
    Object.fromEntries((await listScorecards(registry)).map((each) => [each.version, each.state]));

  beforeAll(async () => {
    if (missing) return;
    registry = await openFiles(backend, 'scorecards');
    const people = fc.sample(PERSON, { numRuns: 300, seed: 7 });
    await storeFiles(
      registry.db,
      people.map((each) => ({ ...each, subject_id: randomUUID() })),
    );
  });
  afterAll(async () => {
    if (!missing) await registry.db.close();
  });

  test('are added once; a changed one needs another version', async () => {
    const first = await addScorecard(registry, catalogueCard(1, 40), 'report', by);
    expect(first).toMatchObject({ version: 1, kind: 'full', state: 'draft', has_report: true });
    expect(await addScorecard(registry, catalogueCard(1, 40), 'report', by)).toEqual(first);
    await expect(addScorecard(registry, catalogueCard(1, 41), 'report', by)).rejects.toMatchObject({
      code: 'scorecard_exists',
    });
  });

  test('read the catalogue alone, in its direction', async () => {
    const age = catalogueBins('age_in_years', [[null, 1]]);
    const turned = {
      ...catalogueBins('utilisation', [[null, 1]]),
      direction: 'more_is_better' as const,
    };
    for (const [each, said] of [
      [age, 'age_in_years is not in the catalogue'],
      [turned, 'utilisation must be more_is_worse'],
    ] as const)
      await expect(
        addScorecard(
          registry,
          catalogueCard(9, 0, { characteristics: [each as never] }),
          'report',
          by,
        ),
      ).rejects.toMatchObject({ code: 'scorecard_invalid', detail: said });
    await expect(addScorecard(registry, { any: 1 }, null, by)).rejects.toMatchObject({
      code: 'scorecard_invalid',
    });
  });

  test('go from draft to shadow to active, and no other way', async () => {
    await expect(move(1, 'active')).rejects.toMatchObject({ code: 'scorecard_step' });
    await move(1, 'shadow');
    const { scorecard, canary } = await move(1, 'active');
    expect(canary).toBeNull();
    expect(scorecard.events.map(({ state }) => state)).toEqual(['draft', 'shadow', 'active']);
    expect((await activeCards(registry)).full?.version).toBe(1);
    await expect(move(7, 'shadow')).rejects.toMatchObject({ code: 'scorecard_unknown' });
  });

  test('are blocked without a report, or when scores move, unless that is signed off', async () => {
    await addScorecard(registry, catalogueCard(2, 45), null, by);
    await move(2, 'shadow');
    await expect(move(2, 'active')).rejects.toMatchObject({
      code: 'scorecard_blocked',
      detail: 'it has no validation report',
    });
    await addScorecard(registry, catalogueCard(3, 55), 'report', by);
    await move(3, 'shadow');
    await expect(move(3, 'active')).rejects.toMatchObject({ code: 'scorecard_blocked' });
    expect(await states()).toEqual({ 1: 'active', 2: 'shadow', 3: 'shadow' });
    const { canary } = await move(3, 'active', true);
    expect(canary).toMatchObject({ most: 15, is_blocked: true });
    expect(await states()).toEqual({ 1: 'retired', 2: 'shadow', 3: 'active' });
    // Five points more than the active one move nobody by more than ten.
    await addScorecard(registry, catalogueCard(4, 60), 'report', by);
    await move(4, 'shadow');
    expect((await move(4, 'active')).canary).toMatchObject({ moved: 0, most: 5 });
  });

  test('score everybody once, also when cut off at any statement', async () => {
    const card = catalogueCard(4, 60);
    const expected = (await readCharacteristics(registry, DAY, EVERYBODY)).flatMap(
      ({ subject_id, values }) =>
        isThin(values) ? [] : [{ subject_id, score: scoreRecord(card, values).score }],
    );
    for (let statement = 1; statement < 60; statement += 7) {
      const db = crashing(registry.db, { statement, when: 'after' });
      await scoreEverybody({ ...registry, db }, card, DAY).catch(() => {});
    }
    const run = await scoreEverybody(registry, card, DAY);
    expect(run).toMatchObject({ people: expected.length, ranges: 1, ranges_done: 1 });
    expect(expected.length).toBeGreaterThan(50);
    const { rows } = await registry.db.query(
      'select subject_id, score from score where run_id = $1 order by subject_id',
      [run.run_id],
    );
    expect(rows).toEqual(expected);
    expect(await scoreEverybody(registry, card, DAY)).toEqual(run);
  });
});
