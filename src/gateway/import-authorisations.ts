/**
 * Authorisations collected elsewhere enter the gateway, in bulk from CSV.
 *
 * What must stay true: one that cannot be taken is named with its row and does not stop the rest;
 * the same file twice changes nothing. `accounts` holds account numbers of the tape, which become
 * the gateway's account ids here.
 */
import { eventFault } from '../authorisation/event-order.ts';
import {
  AUTHORISATION_COLUMNS,
  type AuthorisationLine,
  completeLine,
  entryOfLines,
  type ImportedEntry,
  type ImportFault,
} from '../authorisation/from-columns.ts';
import { recordProblems } from '../authorisation/record.ts';
import type { Entry } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { readCsv } from '../tape/csv.ts';
import { decodeText } from '../tape/decode.ts';
import { retried } from './append.ts';
import { withoutDeceased } from './death.ts';
import type { Gateway, Progress } from './gateway.ts';
import { storeSucceeding } from './succession.ts';

export interface ImportReport {
  readonly stored: number;
  readonly unchanged: number;
  /** Authorisations that could not be taken. */
  readonly not_taken: number;
  /** Why, of the first FAULTS_MAX of them. */
  readonly faults: readonly ImportFault[];
}

const BATCH = 2_000;
/** Faults listed in the report; `not_taken` counts them all. */
const FAULTS_MAX = 10_000;

/** Lines of one authorisation at most. */
const LINES_MAX = 1_000;

function tooLong(lines: readonly { readonly row: number }[]): ImportFault {
  return {
    row: lines[0]?.row ?? 0,
    field: 'authorisation_id',
    problem: `stands on more than ${LINES_MAX} lines`,
  };
}

async function* groupedLines(bytes: AsyncIterable<Uint8Array>) {
  let header: string[] | null = null;
  let group: { row: number; line: AuthorisationLine }[] = [];
  for await (const { row, fields } of readCsv(decodeText(bytes, 'utf-8'), ',')) {
    if (fields === null) continue;
    if (!header) {
      header = fields.map((name) => name.trim());
      const missing = AUTHORISATION_COLUMNS.filter((column) => !header?.includes(column));
      if (missing.length > 0)
        throw new AssentError('tape_header_missing', { detail: missing.join(', ') });
      continue;
    }
    const source: Record<string, string> = {};
    for (const [index, name] of header.entries()) source[name] = (fields[index] ?? '').trim();
    const typed = completeLine(source);
    if (group[0] && group[0].line.authorisation_id !== typed.authorisation_id) {
      yield group;
      group = [];
    }
    // No history is that long; a file whose ids are all blank must not be held in memory.
    if (group.length <= LINES_MAX) group.push({ row, line: typed });
  }
  if (!header) throw new AssentError('tape_empty', { detail: 'the file has no header' });
  if (group.length > 0) yield group;
}

async function resolve(
  session: Session,
  entries: readonly ImportedEntry[],
  faults: ImportFault[],
): Promise<(Entry & { row: number })[]> {
  const { rows: people } = await session.query<{ subject_ref: string; subject_id: string }>(
    'select subject_ref, subject_id from customer where subject_ref = any($1::text[])',
    [entries.map((entry) => entry.subject_ref)],
  );
  const refs = entries.flatMap(({ record }) =>
    record.data.accounts === 'ALL' ? [] : [...record.data.accounts],
  );
  const { rows: accounts } = await session.query<{ account_ref: string; account_id: string }>(
    'select account_ref, account_id from account where account_ref = any($1::text[])',
    [refs],
  );
  const subjects = new Map(people.map((row) => [row.subject_ref, row.subject_id]));
  const ids = new Map(accounts.map((row) => [row.account_ref, row.account_id]));
  return entries.flatMap((entry) => {
    const subject_id = subjects.get(entry.subject_ref);
    if (subject_id === undefined) {
      faults.push({
        row: entry.row,
        field: 'subject_ref',
        problem: 'is not in the book: load the tape first',
      });
      return [];
    }
    const { data } = entry.record;
    const named = data.accounts === 'ALL' ? null : data.accounts.map((ref) => ids.get(ref));
    if (named?.includes(undefined)) {
      faults.push({
        row: entry.row,
        field: 'accounts',
        problem: 'names an account that is not in the book',
      });
      return [];
    }
    const resolved = named === null ? 'ALL' : named.flatMap((id) => (id === undefined ? [] : [id]));
    const record = { ...entry.record, data: { ...data, accounts: resolved } as typeof data };
    return [{ row: entry.row, subject_id, record, events: entry.events }];
  });
}

/** Entries whose fields are sound and whose events are in order; the others become faults. */
function inOrder<E extends Entry & { row: number }>(
  entries: readonly E[],
  now: Date,
  faults: ImportFault[],
): E[] {
  return entries.filter(({ row, record, events }) => {
    const [unsound] = recordProblems(record);
    if (unsound !== undefined) {
      faults.push({ row, field: unsound, problem: 'is not valid' });
      return false;
    }
    const fault = eventFault(events, now);
    if (fault) {
      const { seq, code, field, problem } = fault;
      faults.push({ row: row + seq - 1, code, field, problem });
    }
    return fault === null;
  });
}

/** Stores entries that are already typed (the API's one by one, the import's batches). */
export function recordAuthorisations(
  gateway: Gateway,
  entries: readonly ImportedEntry[],
): Promise<ImportReport> {
  return retried(() => recordOnce(gateway, entries));
}

async function recordOnce(
  gateway: Gateway,
  entries: readonly ImportedEntry[],
): Promise<ImportReport> {
  const faults: ImportFault[] = [];
  const outcome = await gateway.db.transaction(async (session) => {
    const resolved = await withoutDeceased(
      session,
      inOrder(await resolve(session, entries, faults), gateway.now(), faults),
      faults,
    );
    const rows = new Map(resolved.map((entry) => [entry.record.authorisation_id, entry.row]));
    const { outcome: stored, refusals } = await storeSucceeding(session, gateway, resolved);
    for (const { authorisation_id, ...fault } of refusals)
      faults.push({ row: rows.get(authorisation_id) ?? 0, ...fault });
    for (const id of stored.altered) {
      faults.push({
        row: rows.get(id) ?? 0,
        code: 'authorisation_altered',
        field: 'authorisation_id',
        problem:
          'is known with another record or other events: record a new one that supersedes it',
      });
    }
    for (const { authorisation_id, problem } of stored.invalid) {
      faults.push({
        row: rows.get(authorisation_id) ?? 0,
        field: problem,
        problem: 'is not valid',
      });
    }
    return stored;
  });
  const [stored, unchanged] = [outcome.stored.length, outcome.unchanged.length];
  return { stored, unchanged, not_taken: faults.length, faults };
}

/** Imports a CSV file (docs/DATA.md, "Authorisations"). @throws tape_* for the file as a whole */
export async function importAuthorisations(
  gateway: Gateway,
  bytes: AsyncIterable<Uint8Array>,
  progress: Progress = () => {},
): Promise<ImportReport> {
  const total = { stored: 0, unchanged: 0, not_taken: 0, faults: [] as ImportFault[] };
  const context = { provider_id: gateway.furnisher_id, profile: gateway.profile?.name ?? '' };
  let batch: ImportedEntry[] = [];
  let done = 0;
  const keep = (faults: readonly ImportFault[]) => {
    total.not_taken += faults.length;
    total.faults.push(...faults.slice(0, FAULTS_MAX - total.faults.length));
  };
  const flush = async () => {
    const report = await recordAuthorisations(gateway, batch);
    total.stored += report.stored;
    total.unchanged += report.unchanged;
    keep(report.faults);
    done += batch.length;
    progress('importing', done, null, 'authorisations');
    batch = [];
  };
  for await (const lines of groupedLines(bytes)) {
    const entry = lines.length > LINES_MAX ? tooLong(lines) : entryOfLines(lines, context);
    if ('problem' in entry) keep([entry]);
    else batch.push(entry);
    if (batch.length >= BATCH) await flush();
  }
  await flush();
  await gateway.db.query('analyze authorisation, authorisation_event');
  return total;
}
