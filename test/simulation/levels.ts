/**
 * The levels of the simulation behind one shape: open, live a batch of histories from a seed,
 * close. The tests and the command drive them.
 *
 * What must stay true: a batch of a level has always the same size, because its histories come
 * from its seed and its size; batch `n` of seed `s` is batch 0 of seed `s + n`.
 */
import type { Database } from '../../src/database/database.ts';
import { migrate } from '../../src/database/migrate.ts';
import { openPglite } from '../../src/database/pglite.ts';
import type { Backend } from '../pair.ts';
import { liveEndToEnd, PEOPLE } from './end-to-end.ts';
import { type Fault, putIn } from './end-to-end-mutants.ts';
import { liveAtTheGate } from './gate-level.ts';
import { LIVES } from './report-birth.ts';
import { liveReports } from './report-lives.ts';
import { ReportWorld } from './report-scene.ts';
import { World } from './world.ts';

export const LEVELS = ['gate', 'end-to-end', 'reports'] as const;
export type LevelName = (typeof LEVELS)[number];

export interface Level {
  readonly name: LevelName;
  /** Histories of a batch. */
  readonly batch: number;
  /** Lives one batch and counts what was compared. @throws with the case of one person */
  readonly live: (seed: number) => Promise<Readonly<Record<string, number>>>;
  readonly close: () => Promise<void>;
}

const GATE_BATCH = 100;
/**
 * Batches that share their databases. PostgreSQL in WebAssembly never gives memory back: what one
 * history needed most, all those after it would hold.
 */
const BATCHES_A_WORLD = 50;

/** Lives in databases of its own, new ones after every so many batches. */
async function inTurns<W extends { close(): Promise<void> }>(
  open: () => Promise<W>,
  live: (world: W, seed: number) => Promise<Readonly<Record<string, number>>>,
): Promise<Pick<Level, 'live' | 'close'>> {
  let world = await open();
  let lived = 0;
  return {
    live: async (seed) => {
      if (lived > 0 && lived % BATCHES_A_WORLD === 0) {
        await world.close();
        world = await open();
      }
      lived += 1;
      return live(world, seed);
    },
    close: () => world.close(),
  };
}

/** A gateway's database in memory, in which one batch after another is lived. */
async function openGate(): Promise<Level> {
  const open = async () => {
    const db = await openPglite();
    await migrate(db, 'gateway', () => new Date(0));
    return db;
  };
  const live = async (db: Database, seed: number) => ({
    ...(await liveAtTheGate(db, seed, GATE_BATCH)),
  });
  return { name: 'gate', batch: GATE_BATCH, ...(await inTurns(open, live)) };
}

/** Two lenders and a registry, in which one episode after another is lived. */
async function openEndToEnd(backend: Backend, fault: Fault | null): Promise<Level> {
  const open = async () => {
    const world = await World.open(backend);
    if (fault) putIn(world, fault);
    return world;
  };
  const live = async (world: World, seed: number) => {
    const { outcomes, ...tally } = await liveEndToEnd(world, seed);
    return { ...tally, ...outcomes };
  };
  const turns = await inTurns(open, live);
  return { name: 'end-to-end', batch: PEOPLE, ...turns };
}

/** A registry whose reports are all made again at the end of an episode. */
async function openReports(backend: Backend): Promise<Level> {
  const live = async (world: ReportWorld, seed: number) => ({
    ...(await liveReports(world, seed)),
  });
  const turns = await inTurns(() => ReportWorld.open(backend), live);
  return { name: 'reports', batch: LIVES, ...turns };
}

/**
 * @param backend of the levels that have a registry; the gate level lives on PGlite
 * @param fault put into the programs end to end; null: they are as they are
 */
export function openLevel(
  name: LevelName,
  backend: Backend = 'pglite',
  fault: Fault | null = null,
): Promise<Level> {
  if (name === 'gate') return openGate();
  return name === 'reports' ? openReports(backend) : openEndToEnd(backend, fault);
}

/** How many batches so many histories are. */
export const batchesOf = ({ batch }: Level, histories: number) => Math.ceil(histories / batch);

/** The command that lives one batch again. */
export const replayOf = ({ name, batch }: Level, seed: number) =>
  `npm run simulate -- --level ${name} --seed ${seed} --histories ${batch}`;

/** Adds what a batch counted to what those before it did. */
export function addTo(
  totals: Record<string, number>,
  tally: Readonly<Record<string, number>>,
): void {
  for (const [name, count] of Object.entries(tally)) totals[name] = (totals[name] ?? 0) + count;
}

/** What went wrong, for a reader. */
export const failureText = (error: unknown) =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/**
 * Lives so many histories of a level, from a seed on.
 * @throws at the first batch that fails, with the command that lives it again
 */
export async function liveAll(
  level: Level,
  seed: number,
  histories: number,
): Promise<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (let n = 0; n < batchesOf(level, histories); n += 1) {
    try {
      addTo(totals, await level.live(seed + n));
    } catch (error) {
      throw new Error(`replay with: ${replayOf(level, seed + n)}\n${failureText(error)}`);
    }
  }
  return totals;
}
