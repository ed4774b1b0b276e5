/**
 * The registry that a gateway or an enquirer knows: its address, and the keys it signs with.
 *
 * What must stay true: keys are pinned when they are first seen, and others are taken only when
 * somebody says so.
 */
import type { PublicJwk } from '../keys/key-ring.ts';
import { AssentError } from '../model/error.ts';
import { print } from './print.ts';

async function fetchKeys(url: string): Promise<PublicJwk[]> {
  const answer = await fetch(`${url}/.well-known/jwks.json`, {
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  }).catch(() => null);
  if (!answer?.ok)
    throw new AssentError('registry_unreachable', { detail: 'its keys cannot be fetched' });
  const body = (await answer.json().catch(() => null)) as { keys?: PublicJwk[] } | null;
  if (!Array.isArray(body?.keys) || body.keys.length === 0)
    throw new AssentError('registry_refused', { detail: 'what answers there shows no keys' });
  return body.keys;
}

export interface Connection {
  readonly url: string;
  readonly keys: readonly PublicJwk[];
}

/**
 * The registry at an address with the keys that it signs with, to be pinned. A rotation keeps
 * older keys on show, so a set without any of those pinned before belongs to someone else.
 * @param url without a slash at its end
 * @param replaceKeys take whatever is shown
 * @throws registry_unreachable, registry_refused, registry_keys_changed
 */
export async function connectionTo(
  url: string,
  before: Connection | undefined,
  replaceKeys: boolean,
): Promise<Connection> {
  const keys = await fetchKeys(url);
  const pinned = before?.keys ?? [];
  const isKnown = pinned.length === 0 || keys.some((key) => pinned.some((p) => p.kid === key.kid));
  if (!isKnown && !replaceKeys) throw new AssentError('registry_keys_changed');
  return { url, keys };
}

/** Shows what was pinned, and asks for the comparison that no program can make. */
export function printConnection({ url, keys }: Connection, asJson: boolean): void {
  const ids = keys.map((key) => key.kid);
  print(
    { url, keys: ids },
    asJson,
    () =>
      `connected to ${url}\ncompare its key with the operator by another channel:\n  ${ids.join('\n  ')}`,
  );
}
