/**
 * A batch of histories at the gate: the test and the command both drive it.
 *
 * What must stay true: a batch has always the same size, because its histories come from its seed
 * and its size; batch `n` of seed `s` is batch 0 of seed `s + n`.
 */
import { migrate } from '../../src/database/migrate.ts';
import { openPglite } from '../../src/database/pglite.ts';
import { type GateTally, liveAtTheGate } from './gate-level.ts';

/** Histories of a batch. */
export const BATCH = 100;

export interface Batches {
  /** Lives one batch. @throws Disagreement with the case of one person */
  readonly live: (seed: number) => Promise<GateTally>;
  readonly close: () => Promise<void>;
}

/** A gateway's database in memory, in which one batch after another is lived. */
export async function openBatches(): Promise<Batches> {
  const db = await openPglite();
  await migrate(db, 'gateway', () => new Date(0));
  return { live: (seed) => liveAtTheGate(db, seed, BATCH), close: () => db.close() };
}

/** How many batches so many histories are. */
export const batchesOf = (histories: number) => Math.ceil(histories / BATCH);

/** The command that lives one batch again. */
export const replayOf = (seed: number) => `npm run simulate -- --seed ${seed} --histories ${BATCH}`;

/** Adds what a batch counted to what those before it did. */
export function addTo(totals: Record<string, number>, tally: GateTally): void {
  for (const [name, count] of Object.entries(tally)) totals[name] = (totals[name] ?? 0) + count;
}

/** What went wrong, for a reader. */
export const failureText = (error: unknown) =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
