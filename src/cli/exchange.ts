/**
 * The gateway's loop: events go to the registry and come from it.
 *
 * What must stay true: a registry that is away delays an event and loses none.
 */
import { exchangeEvents } from '../gateway/feed.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Registry as RegistryLink } from '../gateway/hand-over.ts';
import { AssentError } from '../model/error.ts';
import { type Loop, startLoop } from './loop.ts';

/** How often the registry's feed is read; `--poll` of `gateway start` says otherwise. */
export const POLL_S = 5;

/**
 * Exchanges events with the registry until stopped: at once after an event here or a webhook,
 * else every `everyMs`.
 */
export function startExchange(
  gateway: Gateway,
  link: RegistryLink,
  everyMs: number,
  onFailure: (error: unknown) => void,
): Loop {
  let told = '';
  const run = async () => {
    await exchangeEvents(gateway, link);
    told = '';
  };
  return startLoop(run, everyMs, (error) => {
    // A registry that is away for the night is told of once.
    const what = error instanceof AssentError ? error.code : String(error);
    if (what !== told) onFailure(error);
    told = what;
  });
}
