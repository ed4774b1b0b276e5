/**
 * Ctrl-C. Work is interrupted at once: every step of this program may be cut off anywhere and
 * repeated, so there is nothing to wind up. A server stops when its running requests have ended.
 *
 * Known limit: while an embedded database runs one long statement the process does not listen.
 */
const INTERRUPTED = 130;

let isServing = false;

/**
 * From now on SIGINT and SIGTERM end the process with a word for people and exit code 130.
 * @returns stops listening
 */
export function exitOnInterrupt(): () => void {
  const end = () => {
    if (isServing) return;
    process.stderr.write(
      '\ninterrupted: nothing half-done was kept; the same command goes on where this one stopped\n',
    );
    process.exit(INTERRUPTED);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return () => {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
  };
}

/** Resolves when the process is told to stop. */
export async function untilInterrupted(): Promise<void> {
  isServing = true;
  await new Promise<void>((stop) => {
    process.once('SIGINT', () => stop());
    process.once('SIGTERM', () => stop());
  });
}
