/**
 * An answer that may take minutes or hours: spaces go out before the JSON, so that nobody on the
 * way takes silence for a broken connection.
 *
 * What must stay true: what is done, or fails, before the first space is answered as any other;
 * after it a failure breaks the connection, for the status is out.
 */
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';

/** Proxies and clients give up after a minute or more of silence. */
const BEAT_MS = 15_000;

/** The value of the work, or null when it is not there within a beat. */
const within = async <T>(work: Promise<T>, beatMs: number) =>
  Promise.race([
    work.then((value) => ({ value })),
    sleep(beatMs, null, { ref: false }), // A server that stops does not wait for it.
  ]);

async function* beating<T>(work: Promise<T>, beatMs: number): AsyncGenerator<string> {
  for (;;) {
    yield ' ';
    const done = await within(work, beatMs);
    if (done) return yield JSON.stringify(done.value);
  }
}

/**
 * Answers with the value of the work once it is there.
 * @param work ends in a value that JSON can hold, without members beyond the route's schema
 * @throws what the work throws within the first beat
 */
export async function answerSlowly<T>(
  reply: { readonly type: (type: string) => unknown },
  work: Promise<T>,
  beatMs = BEAT_MS,
): Promise<T> {
  const done = await within(work, beatMs);
  if (done) return done.value;
  // A handler that has sent its answer itself returns the reply, whatever the route's schema says.
  const own = reply.type('application/json') as FastifyReply;
  return own.send(Readable.from(beating(work, beatMs))) as T;
}
