/**
 * The end-to-end level can fail: each deliberate fault is found within a bounded number of
 * histories. `UPDATE=1` writes what was found into the table of docs/TESTING.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EpisodeFailed, liveEndToEnd, PEOPLE } from './end-to-end.ts';
import { FAULTS, type Fault } from './end-to-end-mutants.ts';
import { writeFound } from './found-table.ts';
import { mutated } from './mutants.ts';
import { World } from './world.ts';

const EPISODES_MAX = 15;

let world: World;
const found = new Map<string, number>();
beforeAll(async () => {
  world = await World.open();
});
afterAll(async () => {
  await world.close();
  if (process.env['UPDATE'] === '1') writeFound('end-to-end-mutants', found);
});

/** Lives until an episode fails; never because a statement does. */
async function expectFound(fault: string): Promise<void> {
  for (let episode = 1; episode <= EPISODES_MAX; episode += 1) {
    const failure = await liveEndToEnd(world, episode).then(
      () => null,
      (error: unknown) => error,
    );
    if (failure === null) continue;
    expect(failure).toBeInstanceOf(EpisodeFailed);
    expect(String(failure)).not.toContain('SQLSTATE');
    found.set(fault, episode * PEOPLE);
    return;
  }
  expect.fail(`not found in ${EPISODES_MAX * PEOPLE} histories`);
}

async function underFault({ side, edits }: Fault, run: () => Promise<void>): Promise<number> {
  const { gateways, registry } = world.stores;
  const stores = side === 'registry' ? [registry] : gateways;
  const healthy = stores.map((store) => store.current);
  const faulty = healthy.map((db) => mutated(db, edits));
  for (const [n, store] of stores.entries()) store.current = faulty[n] ?? store.current;
  try {
    await run();
  } finally {
    for (const [n, store] of stores.entries()) store.current = healthy[n] ?? store.current;
  }
  return faulty.reduce((sum, db) => sum + db.edits(), 0);
}

describe('a fault of the programs is found', () => {
  it.each(FAULTS)(
    '$fault',
    async (fault) => {
      const edits = await underFault(fault, () => expectFound(fault.fault));
      expect(edits, 'the fault no longer fits the statements: renew it').toBeGreaterThan(0);
    },
    300_000,
  );

  it('the feed comes empty', async () => {
    world.isFeedEmpty = true;
    try {
      await expectFound('the feed comes empty');
    } finally {
      world.isFeedEmpty = false;
    }
  }, 300_000);
});
