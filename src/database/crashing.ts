/**
 * Test support: a database that dies at its nth statement, before or after it takes effect, and
 * stays dead. `begin` and `commit` count as statements.
 *
 * What must stay true: a death before `commit` rolls back, a death after it does not; nothing
 * that runs afterwards reaches the database, as if the process were gone.
 */
import type { Database, Session } from './database.ts';

export class Crash extends Error {
  constructor() {
    super('the process died here');
    this.name = 'Crash';
  }
}

export interface CrashPlan {
  /** The statement to die at, from 1; `Infinity` never dies and only counts. */
  readonly statement: number;
  readonly when: 'before' | 'after';
}

export interface CrashingDatabase extends Database {
  /** Statements so far. */
  readonly count: () => number;
  readonly isDead: () => boolean;
}

export function crashing(db: Database, plan: CrashPlan): CrashingDatabase {
  let count = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Crash();
  };
  /** Runs one statement; `after` dies once it has taken effect. */
  async function step<T>(run: () => Promise<T>): Promise<T> {
    if (isDead) throw new Crash();
    count += 1;
    if (count !== plan.statement) return run();
    if (plan.when === 'before') die();
    await run();
    return die();
  }
  const over = (session: Session): Session => ({
    query: (text, params, options) => step(() => session.query(text, params, options)),
    copyIn: (text, chunks) => step(() => session.copyIn(text, chunks)),
    async *copyOut(text) {
      await step(async () => {});
      yield* session.copyOut(text);
    },
  });
  return {
    ...over(db),
    backend: db.backend,
    concurrency: db.concurrency,
    count: () => count,
    isDead: () => isDead,
    close: () => db.close(),
    async transaction(run) {
      let diesAfterCommit = false;
      const value = await db.transaction(async (session) => {
        await step(async () => {});
        const result = await run(over(session));
        if (isDead) throw new Crash();
        count += 1;
        if (count === plan.statement) {
          if (plan.when === 'before') die();
          diesAfterCommit = true;
        }
        return result;
      });
      return diesAfterCommit ? die() : value;
    },
  };
}
