/**
 * Events that the gateway itself appends to many authorisations at once: superseded, expired,
 * lapsed, revoked.
 *
 * What must stay true: the key of the events (authorisation, seq) is the lock: of two that append
 * at once the second fails, starts again and is judged after the first. Nothing here waits for a
 * row, so the same text serves a distributed database.
 */
import type { AuthorisationEvent, EventType } from '../authorisation/record.ts';
import { type Entry, entriesOf, type StoreOutcome, storeEntries } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { DatabaseFailure } from '../database/driver-error.ts';
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

/**
 * The one door through which the life cycle stores anything, in the caller's transaction.
 * @param at when this gateway learned of it
 */
export function storeAll(
  session: Session,
  entries: readonly Entry[],
  at: Date,
): Promise<StoreOutcome> {
  return storeEntries(session, entries, { recorded_at: at });
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
  const byId = new Map(additions.map((each) => [each.authorisation_id, each]));
  const entries = await entriesOf(session, [...byId.keys()]);
  const continued = entries.flatMap((entry) => {
    const addition = byId.get(entry.record.authorisation_id);
    return addition ? [withEvent(gateway, entry, addition)] : [];
  });
  return (await storeAll(session, continued, gateway.now())).stored;
}
