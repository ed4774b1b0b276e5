/**
 * Authorisations one by one: recorded, continued by an event, shown.
 *
 * What must stay true: the same rules as the import's, by the same code; a retry changes nothing.
 */

import { eventFault } from '../authorisation/event-order.ts';
import {
  type AuthorisationColumns,
  type EventColumns,
  entryOfColumns,
  type ImportedEntry,
} from '../authorisation/from-columns.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  type EventType,
  mayFollow,
  stateOf,
} from '../authorisation/record.ts';
import { entriesOf, lockWriters, prepare, traceRefusals } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { UUID } from '../model/uuid.ts';
import { retried, withEvent } from './append.ts';
import { inOneBatch, type Ready, readyEntries } from './collect.ts';
import type { Gateway } from './gateway.ts';
import type { ImportReport } from './import-authorisations.ts';
import { knownInPlaceOf, newestOf, storeSucceeding } from './succession.ts';
import { type Taken, takeEntries } from './take-entries.ts';
import { type Use, usesOf } from './uses.ts';

export interface Recorded {
  readonly authorisation_id: string;
  readonly state: string;
  readonly result: 'stored' | 'unchanged';
}

function entryOf(gateway: Gateway, columns: AuthorisationColumns): ImportedEntry {
  const context = { provider_id: gateway.furnisher_id, profile: gateway.profile?.name ?? '' };
  const entry = entryOfColumns(columns, context);
  if ('problem' in entry)
    throw new AssentError('authorisation_invalid', { detail: `${entry.field} ${entry.problem}` });
  return entry;
}

/** Takes ready entries in one transaction and one batch of their own. */
async function take(gateway: Gateway, ready: Ready): Promise<Taken> {
  const taken = await retried(() =>
    gateway.db.transaction((session) =>
      inOneBatch(session, gateway, (batch) => takeEntries(session, gateway, ready, batch)),
    ),
  );
  gateway.announce?.();
  return taken;
}

/**
 * Records one authorisation.
 * @throws authorisation_invalid, authorisation_altered, event_*, supersedes_invalid,
 * authorisation_superseded, amendment_unanswered, subject_deceased
 */
export async function recordOne(
  gateway: Gateway,
  columns: AuthorisationColumns,
): Promise<Recorded> {
  const entry = entryOf(gateway, columns);
  const ready = await readyEntries(gateway, [entry]);
  const taken = await take(gateway, ready);
  const [fault] = [...ready.faults, ...taken.faults];
  if (fault) {
    const detail = `${fault.field} ${fault.problem}`;
    throw new AssentError(fault.code ?? 'authorisation_invalid', { detail });
  }
  return {
    authorisation_id: entry.record.authorisation_id,
    state: stateOf(entry.events),
    result: taken.stored > 0 ? 'stored' : 'unchanged',
  };
}

/** Records some thousand authorisations at most, each once; faults are named, not thrown. */
export async function recordMany(
  gateway: Gateway,
  many: readonly AuthorisationColumns[],
): Promise<ImportReport> {
  const ready = await readyEntries(
    gateway,
    many.map((columns) => entryOf(gateway, columns)),
  );
  const { stored, unchanged, faults } = await take(gateway, ready);
  const all = [...ready.faults, ...faults];
  return { stored, unchanged, not_taken: all.length, faults: all };
}

/** Writes the trace of a refusal; the caller throws after the transaction that keeps it. */
async function refuse(
  gateway: Gateway,
  session: Session,
  refused: { readonly id: string; readonly why: 'unknown' | 'event' },
  error: AssentError,
): Promise<AssentError> {
  const authorisation_id = UUID.test(refused.id) ? refused.id : null;
  await traceRefusals(session, [{ authorisation_id, why: refused.why }], {
    by_party: gateway.furnisher_id,
    newId: gateway.newId,
    recorded_at: gateway.now(),
  });
  return error;
}

async function appendIn(
  gateway: Gateway,
  session: Session,
  id: string,
  columns: EventColumns & { readonly at: string },
): Promise<Recorded | AssentError> {
  // Two events at once: the second sees the first, and is judged after it.
  await lockWriters(session);
  const [named] = UUID.test(id) ? await entriesOf(session, [id]) : [];
  if (!named) {
    const unknown = new AssentError('authorisation_unknown');
    return refuse(gateway, session, { id, why: 'unknown' }, unknown);
  }
  const entry = columns.event === 'withdrawn' ? await newestOf(session, named) : named;
  const { authorisation_id } = entry.record;
  const { at } = columns;
  const reason = columns.event_reason ?? null;
  const isRetry = entry.events.some(
    (each) => each.type === columns.event && each.at === at && each.reason === reason,
  );
  if (isRetry) return { authorisation_id, state: stateOf(entry.events), result: 'unchanged' };
  const seq = entry.events.length + 1;
  const type = columns.event as EventType;
  const event = { seq, type, at, by_party: gateway.furnisher_id, reason };
  const events = [...entry.events, event];
  const invalid = (error: AssentError) => refuse(gateway, session, { id, why: 'event' }, error);
  const before = stateOf(entry.events);
  if (!mayFollow(before, type)) {
    const detail = `event: ${type} may not follow ${before}`;
    return invalid(new AssentError('event_not_next', { detail }));
  }
  const fault = eventFault(events, gateway.now());
  if (fault) {
    const detail = `${fault.field}: ${fault.problem}`;
    return invalid(new AssentError(fault.code, { detail }));
  }
  const { problem, state } = prepare({ ...entry, events });
  if (problem !== null)
    return invalid(new AssentError('authorisation_invalid', { detail: problem }));
  // What the registry cannot hear of the newest it hears of those before it.
  const told = type === 'withdrawn' ? await knownInPlaceOf(session, entry) : [];
  const grown = [
    { ...entry, events },
    ...told.map((each) =>
      withEvent(gateway, each, { authorisation_id, type, at: new Date(at), reason }),
    ),
  ];
  const { outcome, refusals } = await inOneBatch(session, gateway, (batch) =>
    storeSucceeding(session, gateway, grown, batch),
  );
  const [refusal] = refusals;
  if (refusal)
    return new AssentError(refusal.code, { detail: `${refusal.field} ${refusal.problem}` });
  if (outcome.stored.length === grown.length) return { authorisation_id, state, result: 'stored' };
  return new AssentError('authorisation_altered', {
    detail: 'what is stored is not what was hashed: run the audit',
  });
}

/**
 * Appends one event to a known authorisation; the registry is told through the outbox. An exact
 * retry of any of its events is `unchanged`; an id that is not here and an event that may not
 * follow leave a trace. A withdrawal of one that was superseded reaches the one that took its
 * place, which is answered.
 * @throws authorisation_unknown, authorisation_invalid, event_*; of `given`, also what
 * `recordOne` throws of an authorisation that supersedes another
 */
export async function appendEvent(
  gateway: Gateway,
  id: string,
  columns: EventColumns,
): Promise<Recorded> {
  const at = new Date(columns.event_at);
  if (Number.isNaN(at.getTime()))
    throw new AssentError('authorisation_invalid', { detail: 'event_at is no moment' });
  const ended = await retried(() =>
    gateway.db.transaction((session) =>
      appendIn(gateway, session, id, { ...columns, at: at.toISOString() }),
    ),
  );
  if (ended instanceof AssentError) throw ended;
  gateway.announce?.();
  return ended;
}

export interface ShownAuthorisation {
  readonly subject_ref: string;
  readonly state: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
  readonly use: Use;
}

/** @throws authorisation_unknown */
export async function findAuthorisation(gateway: Gateway, id: string): Promise<ShownAuthorisation> {
  if (!UUID.test(id)) throw new AssentError('authorisation_unknown');
  const [entry] = await entriesOf(gateway.db, [id]);
  if (!entry) throw new AssentError('authorisation_unknown');
  const { rows } = await gateway.db.query<{ subject_ref: string }>(
    'select subject_ref from customer where subject_id = $1',
    [entry.subject_id],
  );
  return {
    subject_ref: rows[0]?.subject_ref ?? '',
    state: stateOf(entry.events),
    record: entry.record,
    events: entry.events,
    use: await usesOf(gateway.db, id, gateway.now()),
  };
}
