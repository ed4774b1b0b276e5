/**
 * The two levels of the simulation behind one shape: open, live a batch of histories from a seed,
 * close. The test and the command both drive them.
 *
 * What must stay true: a batch has always the same size, because its histories come from its seed
 * and its size; batch `n` of seed `s` is batch 0 of seed `s + n`.
 */
import { migrate } from '../../src/database/migrate.ts';
import { openPglite } from '../../src/database/pglite.ts';
import { liveEndToEnd, PEOPLE } from './end-to-end.ts';
import { liveAtTheGate } from './gate-level.ts';
import { World } from './world.ts';

export const LEVELS = ['gate', 'end-to-end'] as const;
export type LevelName = (typeof LEVELS)[number];

export interface Level {
  readonly name: LevelName;
  /** Histories of a batch. */
  readonly batch: number;
  /** Share of all histories that are lived at this level. */
  readonly share: number;
  /** Counts of what was compared; throws what went wrong, told for a reader. */
  readonly live: (seed: number) => Promise<Readonly<Record<string, number>>>;
  readonly close: () => Promise<void>;
}

const GATE_BATCH = 100;

async function openGate(): Promise<Level> {
  const db = await openPglite();
  await migrate(db, 'gateway', () => new Date(0));
  return {
    name: 'gate',
    batch: GATE_BATCH,
    share: 0.8,
    live: async (seed) => ({ ...(await liveAtTheGate(db, seed, GATE_BATCH)) }),
    close: () => db.close(),
  };
}

async function openEndToEnd(): Promise<Level> {
  const world = await World.open();
  return {
    name: 'end-to-end',
    batch: PEOPLE,
    share: 0.2,
    live: async (seed) => {
      const { outcomes, ...tally } = await liveEndToEnd(world, seed);
      return { ...tally, ...outcomes };
    },
    close: () => world.close(),
  };
}

export function openLevel(name: LevelName): Promise<Level> {
  return name === 'gate' ? openGate() : openEndToEnd();
}

/** Batches of a level for so many histories of all levels together. */
export const batchesOf = ({ share, batch }: Level, histories: number) =>
  Math.ceil((histories * share) / batch);

/** The command that lives one batch again. */
export const replayOf = ({ name, batch }: Level, seed: number) =>
  `npm run simulate -- --level ${name} --seed ${seed} --histories ${batch}`;
