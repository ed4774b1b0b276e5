/**
 * Test support: a database that says each statement before it runs it, so that a test can look or
 * do something in between.
 */
import type { Database, Session } from '../src/database/database.ts';

/** @param before called with the text of a query or COPY in; with nothing before others and commits */
export function attended(
  db: Database,
  before: (text: string, session: Session) => Promise<void>,
): Database {
  const step = async <T>(session: Session, run: () => Promise<T>, text = ''): Promise<T> => {
    await before(text, session);
    return run();
  };
  const over = (session: Session): Session => ({
    query: (text, params, options) =>
      step(session, () => session.query(text, params, options), text),
    copyIn: (text, chunks) => step(session, () => session.copyIn(text, chunks)),
    async *copyOut(text) {
      await step(session, async () => {});
      yield* session.copyOut(text);
    },
  });
  return {
    ...over(db),
    backend: db.backend,
    concurrency: db.concurrency,
    close: () => db.close(),
    transaction: (run) =>
      db.transaction(async (session) => {
        const value = await run(over(session));
        await step(session, async () => {}); // Before the commit.
        return value;
      }),
  };
}
