/**
 * Authorisations on their way into the gateway's store, from a file or one by one: tape numbers
 * become ids, entries are checked and hashed, then written under a batch of their collector.
 *
 * What must stay true: one writer at a time, so that one id is stored once; an entry that cannot
 * be taken is a fault with its row, and what was altered leaves a trace.
 */
import { closeBatch, collectEntries } from '../authorisation/batch.ts';
import { eventFault } from '../authorisation/event-order.ts';
import type { ImportedEntry, ImportFault } from '../authorisation/from-columns.ts';
import { recordProblems } from '../authorisation/record.ts';
import {
  type Entry,
  type EntryResult,
  lockWriters,
  type Prepared,
  prepare,
} from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import type { Gateway } from './gateway.ts';
import { queueEvents } from './outbox.ts';

/** Entries that may be written, with their rows, and those that may not. */
export interface Ready {
  readonly prepared: readonly Prepared[];
  readonly rows: readonly number[];
  readonly faults: readonly ImportFault[];
}

interface Book {
  /** subject_id by subject_ref, account_id by account_ref. */
  readonly subjects: ReadonlyMap<string, string>;
  readonly accounts: ReadonlyMap<string, string>;
}

async function lookUp(session: Session, entries: readonly ImportedEntry[]): Promise<Book> {
  const { rows: people } = await session.query<{ subject_ref: string; subject_id: string }>(
    'select subject_ref, subject_id from customer where subject_ref = any($1::text[])',
    [entries.map((entry) => entry.subject_ref)],
  );
  const refs = entries.flatMap(({ record }) =>
    record.data.accounts === 'ALL' ? [] : [...record.data.accounts],
  );
  const subjects = new Map(people.map((row) => [row.subject_ref, row.subject_id]));
  if (refs.length === 0) return { subjects, accounts: new Map() };
  const { rows } = await session.query<{ account_ref: string; account_id: string }>(
    'select account_ref, account_id from account where account_ref = any($1::text[])',
    [refs],
  );
  return { subjects, accounts: new Map(rows.map((row) => [row.account_ref, row.account_id])) };
}

function resolved(entry: ImportedEntry, book: Book): Entry | ImportFault {
  const { row, record, events } = entry;
  const subject_id = book.subjects.get(entry.subject_ref);
  if (subject_id === undefined)
    return { row, field: 'subject_ref', problem: 'is not in the book: load the tape first' };
  const { data } = record;
  if (data.accounts === 'ALL') return { subject_id, subject_ref: subject_id, record, events };
  const accounts = data.accounts.flatMap((ref) => book.accounts.get(ref) ?? []);
  if (accounts.length < data.accounts.length)
    return { row, field: 'accounts', problem: 'names an account that is not in the book' };
  const own = { ...record, data: { ...data, accounts } };
  return { subject_id, subject_ref: subject_id, record: own, events };
}

/** Why the events of a sound record cannot be believed, with the row of the event. */
function orderFault(prepared: Prepared, row: number, now: Date): ImportFault | null {
  const { record, events } = prepared.entry;
  // What is wrong with the record itself is said when it is taken.
  if (prepared.problem !== null && recordProblems(record).length > 0) return null;
  const fault = eventFault(events, now);
  if (!fault) return null;
  const { seq, code, field, problem } = fault;
  return { row: row + seq - 1, code, field, problem };
}

/** Resolves, checks and hashes entries; needs no transaction. */
export async function readyEntries(
  gateway: Gateway,
  entries: readonly ImportedEntry[],
): Promise<Ready> {
  if (entries.length === 0) return { prepared: [], rows: [], faults: [] };
  const book = await lookUp(gateway.db, entries);
  const prepared: Prepared[] = [];
  const rows: number[] = [];
  const faults: ImportFault[] = [];
  for (const each of entries) {
    const entry = resolved(each, book);
    if ('problem' in entry) {
      faults.push(entry);
      continue;
    }
    const ready = prepare(entry);
    const fault = orderFault(ready, each.row, gateway.now());
    if (fault) faults.push(fault);
    else {
      prepared.push(ready);
      rows.push(each.row);
    }
  }
  return { prepared, rows, faults };
}

/** The fault of an entry that is known otherwise. */
export const alteredFault = (row: number): ImportFault => ({
  row,
  code: 'authorisation_altered',
  field: 'authorisation_id',
  problem: 'is known with another record or other events: record a new one that supersedes it',
});

/** The fault of an entry whose field or event is not as it must be. */
export const invalidFault = (row: number, field: string): ImportFault => ({
  row,
  field,
  problem: 'is not valid',
});

function faultOf(result: EntryResult, row: number): ImportFault[] {
  if (result.result === 'refused') return [alteredFault(row)];
  return result.result === 'invalid' ? [invalidFault(row, result.problem)] : [];
}

export interface Written {
  readonly stored: number;
  readonly unchanged: number;
  readonly faults: readonly ImportFault[];
}

async function collect(
  session: Session,
  gateway: Gateway,
  prepared: readonly Prepared[],
  batch: BatchInHand,
): Promise<readonly EntryResult[]> {
  await lockWriters(session);
  const { results, batch_id } = await collectEntries(session, prepared, {
    recorded_at: batch.recorded_at,
    by_party: gateway.furnisher_id,
    collector_id: gateway.furnisher_id,
    newId: gateway.newId,
    batch_id: batch.id,
  });
  batch.id = batch_id;
  const stored = prepared.filter((_, place) => results[place]?.result === 'stored');
  const ids = stored.map(({ entry }) => entry.record.authorisation_id);
  await queueEvents(session, ids, batch.recorded_at);
  return results;
}

/** Writes ready entries in a transaction, as leaves of the batch in hand. */
export async function writeEntries(
  session: Session,
  gateway: Gateway,
  ready: Pick<Ready, 'prepared' | 'rows'>,
  batch: BatchInHand,
): Promise<Written> {
  if (ready.prepared.length === 0) return { stored: 0, unchanged: 0, faults: [] };
  const results = await collect(session, gateway, ready.prepared, batch);
  const count = (of: EntryResult['result']) => results.filter(({ result }) => result === of).length;
  return {
    stored: count('stored'),
    unchanged: count('unchanged'),
    faults: results.flatMap((result, place) => faultOf(result, ready.rows[place] ?? 0)),
  };
}

/** The batch that stored entries join, within one transaction or over many. */
export interface BatchInHand {
  /** Null: not begun. */
  id: string | null;
  /** One moment for all of a transaction: at none is one in force and the other not yet ended. */
  recorded_at: Date;
}

/** How entries ended, by authorisation_id. */
export interface EndedById {
  readonly stored: string[];
  readonly unchanged: string[];
  /** Known with another record, other past events, or another person; traced. */
  readonly altered: string[];
  readonly invalid: { readonly authorisation_id: string; readonly problem: string }[];
}

/** Stores entries of the gateway's own in a transaction, as leaves of the batch in hand. */
export async function storeInBatch(
  session: Session,
  gateway: Gateway,
  entries: readonly Entry[],
  batch: BatchInHand,
): Promise<EndedById> {
  const ended: EndedById = { stored: [], unchanged: [], altered: [], invalid: [] };
  if (entries.length === 0) return ended;
  const results = await collect(session, gateway, entries.map(prepare), batch);
  for (const [place, result] of results.entries()) {
    const authorisation_id = entries[place]?.record.authorisation_id ?? '';
    if (result.result === 'invalid')
      ended.invalid.push({ authorisation_id, problem: result.problem });
    else ended[result.result === 'refused' ? 'altered' : result.result].push(authorisation_id);
  }
  return ended;
}

/** Runs in a transaction; what it stores is one batch, signed before the transaction ends. */
export async function inOneBatch<T>(
  session: Session,
  gateway: Gateway,
  run: (batch: BatchInHand) => Promise<T>,
): Promise<T> {
  const batch: BatchInHand = { id: null, recorded_at: gateway.now() };
  const value = await run(batch);
  if (batch.id !== null)
    await closeBatch(session, batch.id, { ring: gateway.ring, at: gateway.now() });
  return value;
}
