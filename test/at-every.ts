/**
 * Test support: does some work with a database that dies at its statement 1, 2, 3 …, before and
 * after, until it lives to the end; resumes with a healthy one and checks, each time.
 */
import { type CrashingDatabase, crashing } from '../src/database/crashing.ts';
import type { Pair } from './pair.ts';

export interface Round {
  readonly prepare: () => Promise<void>;
  readonly work: () => Promise<void>;
  readonly resume: () => Promise<void>;
  readonly check: (where: string) => Promise<void>;
}

/** Returns at how many statements it died. */
export async function atEvery(
  pair: Pair,
  store: 'gatewayStore' | 'registryStore',
  round: Round,
): Promise<number> {
  const healthy = pair[store].current;
  for (let statement = 1; ; statement++) {
    let dying: CrashingDatabase | null = null;
    for (const when of ['before', 'after'] as const) {
      await pair.empty();
      await round.prepare();
      dying = crashing(healthy, { statement, when });
      pair[store].current = dying;
      await round.work().catch((error: unknown) => {
        if (!dying?.isDead()) throw error;
      });
      await pair.work;
      pair[store].current = healthy;
      await round.resume();
      await pair.work;
      await round.check(`${when} statement ${statement}`);
    }
    if (dying?.count() !== undefined && dying.count() < statement) return statement - 1;
  }
}
