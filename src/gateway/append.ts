/**
 * Events that the gateway itself appends to many authorisations at once: superseded, expired,
 * lapsed, revoked.
 *
 * What must stay true: writers come one after the other (`lockWriters`), and each reads what it
 * continues after it has the lock, so that the second is judged after the first.
 */
import type { AuthorisationEvent, EventType } from '../authorisation/record.ts';
import { type Entry, entriesOf, lockWriters } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { DatabaseFailure } from '../database/driver-error.ts';
import { inOneBatch, storeInBatch } from './collect.ts';
import type { Gateway } from './gateway.ts';

export interface Addition {
  readonly authorisation_id: string;
  readonly type: EventType;
  readonly at: Date;
  readonly reason: string | null;
}

/** Unique violation, serialization failure, deadlock: another was first, and is now to be seen. */
const CONFLICTS = ['23505', '40001', '40P01'];
const ATTEMPTS = 5;

/** Runs a transaction again when another one came first. */
export async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const isConflict = error instanceof DatabaseFailure && CONFLICTS.includes(error.sqlstate);
      if (!isConflict || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The entry with one more event, of this gateway's. */
export function withEvent(gateway: Gateway, entry: Entry, addition: Addition): Entry {
  const event: AuthorisationEvent = {
    seq: entry.events.length + 1,
    type: addition.type,
    at: addition.at.toISOString(),
    by_party: gateway.furnisher_id,
    reason: addition.reason,
  };
  return { ...entry, events: [...entry.events, event] };
}

/**
 * Appends one event to each authorisation, in the caller's transaction.
 * @returns ids of those appended; one that another changed meanwhile is left for the next time
 */
export async function appendEach(
  session: Session,
  gateway: Gateway,
  additions: readonly Addition[],
): Promise<string[]> {
  await lockWriters(session);
  const byId = new Map(additions.map((each) => [each.authorisation_id, each]));
  const entries = await entriesOf(session, [...byId.keys()]);
  const continued = entries.flatMap((entry) => {
    const addition = byId.get(entry.record.authorisation_id);
    return addition ? [withEvent(gateway, entry, addition)] : [];
  });
  const ended = await inOneBatch(session, gateway, (batch) =>
    storeInBatch(session, gateway, continued, batch),
  );
  return ended.stored;
}
