/** Serves until the process is told to stop, then lets running requests end. */
import type { Server } from '../http/instance.ts';
import { AssentError } from '../model/error.ts';
import { untilInterrupted } from './interrupt.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
};

/** @throws address_unusable */
export async function listen(server: Server, { host, port }: Place): Promise<void> {
  try {
    await server.listen({ port, host });
  } catch (error) {
    const why = WHY[(error as NodeJS.ErrnoException).code ?? ''];
    if (why === undefined) throw error;
    throw new AssentError('address_unusable', { detail: `${host}:${port}: ${why}` });
  }
}

/** @param url where callers reach it, which may differ from the place (a proxy stands between) */
export async function serveUntilStopped(server: Server, place: Place, url: string): Promise<void> {
  await listen(server, place);
  process.stdout.write(
    `listening on ${place.host}:${place.port}; documentation at /documentation\n` +
      `callers must use ${url}\n`,
  );
  await untilInterrupted();
  await server.close();
}
