/**
 * Work that is done again and again beside a server: at once when poked, else at intervals.
 *
 * What must stay true: it never runs twice at a time; a poke while it runs makes it run again; a
 * failure is told and the next run comes all the same.
 */

export interface Loop {
  /** Run soon. */
  readonly poke: () => void;
  /** Ends after the run that is under way. */
  readonly stop: () => Promise<void>;
}

/** @param everyMs between the end of one run and the beginning of the next */
export function startLoop(
  run: () => Promise<unknown>,
  everyMs: number,
  onFailure: (error: unknown) => void,
): Loop {
  let isStopped = false;
  let isPoked = false;
  let wake: () => void = () => {};
  const rest = () =>
    new Promise<void>((done) => {
      const timer = setTimeout(done, everyMs);
      wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  const work = (async () => {
    while (!isStopped) {
      isPoked = false;
      await run().catch(onFailure);
      if (!isPoked && !isStopped) await rest();
    }
  })();
  return {
    poke: () => {
      isPoked = true;
      wake();
    },
    stop: async () => {
      isStopped = true;
      wake();
      await work;
    },
  };
}
