/** Serves until the process is told to stop, then lets running requests end. */
import type { Server } from '../http/instance.ts';

export async function serveUntilStopped(
  server: Server,
  place: { readonly host: string; readonly port: string },
): Promise<void> {
  await server.listen({ port: Number(place.port), host: place.host });
  process.stdout.write(
    `listening on ${place.host}:${place.port}; documentation at /documentation\n`,
  );
  await new Promise<void>((stop) => {
    process.once('SIGINT', () => stop());
    process.once('SIGTERM', () => stop());
  });
  await server.close();
}
