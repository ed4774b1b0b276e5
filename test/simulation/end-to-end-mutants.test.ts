/**
 * The end-to-end level can fail: each deliberate fault is found, by the batch that is noted with
 * it or soon after. `UPDATE=1` writes what was found into the table of docs/TESTING.md, and
 * `npm run simulate -- --level end-to-end --fault NAME` looks for such a batch.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EpisodeFailed, liveEndToEnd, PEOPLE } from './end-to-end.ts';
import { EMPTY_FEED, FAULTS, putIn } from './end-to-end-mutants.ts';
import { writeFound } from './found-table.ts';
import { World } from './world.ts';

/** What is changed moves the histories: then the next batches may find it. */
const EPISODES_MAX = 8;

let world: World;
const found = new Map<string, readonly number[]>();
beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => {
  await world.close();
  if (process.env['UPDATE'] === '1')
    writeFound('end-to-end-mutants', ['from seed', 'found within (histories)'], found);
});

/** Lives until an episode fails; never because a statement does. */
async function expectFound(fault: string, from: number): Promise<void> {
  for (let episode = 1; episode <= EPISODES_MAX; episode += 1) {
    const failure = await liveEndToEnd(world, from + episode - 1).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure).toBeInstanceOf(EpisodeFailed);
    expect(String(failure)).not.toContain('SQLSTATE');
    found.set(fault, [from, episode * PEOPLE]);
    return;
  }
  expect.fail(`not found in ${EPISODES_MAX * PEOPLE} histories from seed ${from}`);
}

describe('a fault of the programs is found', () => {
  it.each(FAULTS)(
    '$fault',
    async (fault) => {
      const { edits, takeOut } = putIn(world, fault);
      await expectFound(fault.fault, fault.seed).finally(takeOut);
      expect(edits(), 'the fault no longer fits the statements: renew it').toBeGreaterThan(0);
    },
    300_000,
  );

  it('the feed comes empty', async () => {
    world.isFeedEmpty = true;
    try {
      await expectFound('the feed comes empty', EMPTY_FEED);
    } finally {
      world.isFeedEmpty = false;
    }
  }, 300_000);
});
