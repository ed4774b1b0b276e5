/**
 * Authorisations one by one: recorded, continued by an event, shown.
 *
 * What must stay true: the same rules as the import's, by the same code; a retry changes nothing.
 */

import { eventFault } from '../authorisation/event-order.ts';
import {
  type AuthorisationLine,
  completeLine,
  entryOfLines,
  type ImportedEntry,
} from '../authorisation/from-columns.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  type EventType,
  fold,
} from '../authorisation/record.ts';
import { entriesOf } from '../authorisation/store.ts';
import { AssentError } from '../model/error.ts';
import type { Gateway } from './gateway.ts';
import { type ImportReport, recordAuthorisations } from './import-authorisations.ts';
import { storeSucceeding } from './succession.ts';
import { type Use, usesOf } from './uses.ts';

/** One event as it comes from outside: `event_at` is ISO 8601 with an offset. */
export interface EventColumns {
  readonly event: string;
  readonly event_at: string;
  readonly event_reason?: string;
}

/** The import's columns as JSON, lists as lists, with all events. */
export type AuthorisationColumns = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly EventColumns[]>
> & { readonly events: readonly EventColumns[] };

export interface Recorded {
  readonly authorisation_id: string;
  readonly state: string;
  readonly result: 'stored' | 'unchanged';
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join(';') : String(value);
}

function linesOf(columns: AuthorisationColumns): { row: number; line: AuthorisationLine }[] {
  return columns.events.map((event, index) => {
    const source: Readonly<Record<string, unknown>> = { ...columns, ...event };
    const texts = Object.fromEntries(
      Object.entries(source).map(([column, value]) => [column, textOf(value)]),
    );
    return { row: index + 1, line: completeLine(texts) };
  });
}

function entryOf(gateway: Gateway, columns: AuthorisationColumns): ImportedEntry {
  const context = { provider_id: gateway.furnisher_id, profile: gateway.profile?.name ?? '' };
  const entry = entryOfLines(linesOf(columns), context);
  if ('problem' in entry)
    throw new AssentError('authorisation_invalid', { detail: `${entry.field} ${entry.problem}` });
  return entry;
}

function stateOf(events: readonly AuthorisationEvent[]): string {
  const folded = fold(events);
  if (!folded.ok) throw new Error('stored events fold');
  return folded.state;
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
  const { stored, faults } = await recordAuthorisations(gateway, [entry]);
  const [fault] = faults;
  if (fault) {
    const detail = `${fault.field} ${fault.problem}`;
    throw new AssentError(fault.code ?? 'authorisation_invalid', { detail });
  }
  return {
    authorisation_id: entry.record.authorisation_id,
    state: stateOf(entry.events),
    result: stored > 0 ? 'stored' : 'unchanged',
  };
}

/** Records some thousand authorisations at most, each once; faults are named, not thrown. */
export async function recordMany(
  gateway: Gateway,
  many: readonly AuthorisationColumns[],
): Promise<ImportReport> {
  return recordAuthorisations(
    gateway,
    many.map((columns) => entryOf(gateway, columns)),
  );
}

/**
 * Appends one event to a known authorisation. An exact retry of the newest event is `unchanged`.
 * @throws authorisation_unknown, authorisation_invalid, event_*; of `given`, also what
 * `recordOne` throws of an authorisation that supersedes another
 */
export async function appendEvent(
  gateway: Gateway,
  id: string,
  columns: EventColumns,
): Promise<Recorded> {
  if (!UUID.test(id)) throw new AssentError('authorisation_unknown');
  const at = new Date(columns.event_at);
  if (Number.isNaN(at.getTime()))
    throw new AssentError('authorisation_invalid', { detail: 'event_at is no moment' });
  return gateway.db.transaction(async (session) => {
    // Two events at once: the second sees the first, and is judged after it.
    await session.query(
      'select 1 from authorisation where authorisation_id = $1::uuid for update',
      [id],
    );
    const [entry] = await entriesOf(session, [id]);
    if (!entry) throw new AssentError('authorisation_unknown');
    const reason = columns.event_reason ?? null;
    const last = entry.events.at(-1);
    const isRetry =
      last?.type === columns.event && last.at === at.toISOString() && last.reason === reason;
    if (isRetry) return { authorisation_id: id, state: stateOf(entry.events), result: 'unchanged' };
    const events: AuthorisationEvent[] = [
      ...entry.events,
      {
        seq: entry.events.length + 1,
        type: columns.event as EventType,
        at: at.toISOString(),
        by_party: gateway.furnisher_id,
        reason,
      },
    ];
    const fault = eventFault(events, gateway.now());
    if (fault) throw new AssentError(fault.code, { detail: `${fault.field}: ${fault.problem}` });
    const { outcome, refusals } = await storeSucceeding(session, gateway, [{ ...entry, events }]);
    const [refusal] = refusals;
    if (refusal)
      throw new AssentError(refusal.code, { detail: `${refusal.field} ${refusal.problem}` });
    const [problem] = outcome.invalid;
    if (problem) throw new AssentError('authorisation_invalid', { detail: problem.problem });
    return { authorisation_id: id, state: stateOf(events), result: 'stored' };
  });
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
