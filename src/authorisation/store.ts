/**
 * Authorisations in a database, the gateway's or the registry's: the same tables, the same rules.
 *
 * What must stay true: append-only; an exact retry changes nothing, an altered one is refused;
 * `authorisation.state` is written with the event that makes it true.
 */
import type { Session } from '../database/database.ts';
import { eventHashes, recordHash } from './hash.ts';
import { intervalText } from './moment.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  eventProblems,
  fold,
  recordProblems,
} from './record.ts';

export interface Entry {
  readonly subject_id: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}

/** How entries ended, by authorisation_id. */
export interface StoreOutcome {
  /** New, or known with new events. */
  readonly stored: string[];
  readonly unchanged: string[];
  /** Known with another record, other past events, or another person. */
  readonly altered: string[];
  /** A field or the order of the events is not as it must be; the first problem named. */
  readonly invalid: { readonly authorisation_id: string; readonly problem: string }[];
}

interface Known {
  readonly authorisation_id: string;
  readonly subject_id: string;
  readonly provider_id: string;
  readonly record_sha256: Uint8Array;
  readonly last_seq: number;
  readonly hash: Uint8Array;
}

async function findKnown(session: Session, entries: readonly Entry[]): Promise<Map<string, Known>> {
  const { rows } = await session.query<Known>(
    `select a.authorisation_id, a.subject_id, a.provider_id, a.record_sha256, a.last_seq, e.hash
     from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
     where a.authorisation_id = any($1::uuid[])`,
    [entries.map((entry) => entry.record.authorisation_id)],
  );
  return new Map(rows.map((row) => [row.authorisation_id, row]));
}

function problemOf(entry: Entry): string | null {
  const [field] = recordProblems(entry.record);
  if (field !== undefined) return field;
  const [event] = eventProblems(entry.events);
  if (event !== undefined) return `event ${event}`;
  const folded = fold(entry.events);
  return folded.ok ? null : `event ${folded.seq} may not follow`;
}

interface Hashed {
  readonly entry: Entry;
  readonly record_sha256: Uint8Array;
  /** Of all its events, in order. */
  readonly hashes: readonly Uint8Array[];
}

function hashed(entry: Entry): Hashed {
  const record_sha256 = recordHash(entry.record);
  const hashes = eventHashes(entry.record.authorisation_id, record_sha256, entry.events);
  return { entry, record_sha256, hashes };
}

const sameBytes = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

/** New events of a known authorisation, or null when what is known differs from the entry. */
function newEvents(
  { entry, record_sha256, hashes }: Hashed,
  known: Known,
): AuthorisationEvent[] | null {
  const isSame =
    known.subject_id === entry.subject_id && sameBytes(known.record_sha256, record_sha256);
  if (!isSame) return null;
  const shared = Math.min(known.last_seq, entry.events.length);
  // A shorter list is a late retry: the chain behind our last event is not at hand, so it is
  // compared only where it reaches that event.
  if (shared === known.last_seq) {
    const hash = hashes[shared - 1];
    if (hash === undefined || !sameBytes(hash, known.hash)) return null;
  }
  return entry.events.slice(known.last_seq);
}

/** Columns of `authorisation` as they are written, with their types; `recorded_at` comes besides. */
const COLUMNS = {
  subject_id: 'uuid',
  authorisation_id: 'uuid',
  arrangement_id: 'uuid',
  supersedes: 'uuid',
  profile: 'text',
  provider_id: 'uuid',
  recipient_class: 'text',
  recipient_id: 'uuid',
  purpose: 'text',
  legal_basis: 'text',
  products: 'text[]',
  accounts: 'text[]',
  classes: 'text[]',
  mode: 'text',
  range_from: 'date',
  range_to: 'date',
  fetch_type: 'text',
  frequency_n: 'int',
  frequency_window: 'interval',
  data_life: 'interval',
  condition_state: 'text',
  starts_at: 'timestamptz',
  expires_at: 'timestamptz',
  service_conditional: 'boolean',
  has_necessity: 'boolean',
  has_alternative: 'boolean',
  notice_id: 'text',
  notice_version: 'int',
  withdrawal_effect: 'text',
  record: 'jsonb',
  record_sha256: 'text',
  state: 'text',
  last_seq: 'int',
} as const;
const NAMES = Object.keys(COLUMNS).join(', ');
const READ = NAMES.replace('record_sha256', `decode(record_sha256, 'hex')`);
const TYPED = Object.entries(COLUMNS)
  .map(([name, type]) => `${name} ${type}`)
  .join(', ');

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

async function insertRecords(session: Session, fresh: readonly Hashed[], at: Date): Promise<void> {
  const rows = fresh.map(({ entry: { subject_id, record, events }, record_sha256 }) => ({
    subject_id,
    authorisation_id: record.authorisation_id,
    arrangement_id: record.arrangement_id,
    supersedes: record.supersedes,
    profile: record.profile,
    provider_id: record.parties.provider_id,
    recipient_class: record.parties.recipient_class,
    recipient_id: record.parties.recipient_id,
    purpose: record.purpose.code,
    legal_basis: record.legal_basis,
    products: record.data.products,
    accounts: record.data.accounts === 'ALL' ? null : record.data.accounts,
    range_from: record.data.range_from && `${record.data.range_from}-01`,
    range_to: record.data.range_to && `${record.data.range_to}-01`,
    classes: record.data.classes,
    mode: record.limits.mode,
    fetch_type: record.limits.fetch,
    frequency_n: record.limits.frequency?.n ?? null,
    frequency_window: intervalText(record.limits.frequency && { ...record.limits.frequency, n: 1 }),
    data_life: intervalText(record.limits.data_life),
    condition_state: record.limits.condition,
    starts_at: record.limits.starts_at,
    expires_at: record.limits.expires_at,
    service_conditional: record.purpose.service_conditional,
    has_necessity: (record.purpose.necessity_text ?? '') !== '',
    has_alternative: (record.purpose.alternative_offered ?? '') !== '',
    withdrawal_effect: record.withdrawal.effect,
    notice_id: record.notice.id,
    notice_version: record.notice.version,
    record,
    record_sha256: hex(record_sha256),
    state: stateOf(events),
    last_seq: events.length,
  }));
  await session.query(
    `insert into authorisation (${NAMES}, recorded_at)
     select ${READ}, $2::timestamptz from jsonb_to_recordset($1::jsonb) as t (${TYPED})`,
    [JSON.stringify(rows), at],
  );
}

function stateOf(events: readonly AuthorisationEvent[]): string {
  const folded = fold(events);
  if (!folded.ok) throw new Error('events were checked before');
  return folded.state;
}

interface Addition extends Hashed {
  /** Those that are new. */
  readonly events: readonly AuthorisationEvent[];
}

async function insertEvents(
  session: Session,
  additions: readonly Addition[],
  at: Date,
): Promise<void> {
  const rows = additions.flatMap(({ entry, events, hashes }) => {
    const folded = fold(entry.events);
    return events.map((event) => ({
      subject_id: entry.subject_id,
      authorisation_id: entry.record.authorisation_id,
      ...event,
      state: folded.ok ? folded.states[event.seq - 1] : null,
      hash: hex(hashes[event.seq - 1] ?? new Uint8Array()),
      prev_hash: event.seq === 1 ? null : hex(hashes[event.seq - 2] ?? new Uint8Array()),
    }));
  });
  await session.query(
    `insert into authorisation_event (subject_id, authorisation_id, seq, type, state, at,
       recorded_at, by_party, reason, prev_hash, hash)
     select subject_id, authorisation_id, seq, type, state, at, $2::timestamptz, by_party, reason,
       decode(prev_hash, 'hex'), decode(hash, 'hex')
     from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, authorisation_id uuid, seq int,
       type text, state text, at timestamptz, by_party uuid, reason text, prev_hash text, hash text)`,
    [JSON.stringify(rows), at],
  );
}

async function updateStates(session: Session, additions: readonly Addition[]): Promise<void> {
  const rows = additions.map(({ entry }) => ({
    subject_id: entry.subject_id,
    authorisation_id: entry.record.authorisation_id,
    state: stateOf(entry.events),
    last_seq: entry.events.length,
  }));
  await session.query(
    `update authorisation set state = t.state, last_seq = t.last_seq
     from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, authorisation_id uuid, state text,
       last_seq int)
     where authorisation.subject_id = t.subject_id
       and authorisation.authorisation_id = t.authorisation_id`,
    [JSON.stringify(rows)],
  );
}

/**
 * Stores entries of one provider (at most some thousand at a time), each once. Call it in a
 * transaction. Entries with the same id in one call: the last one counts.
 */
export async function storeEntries(
  session: Session,
  entries: readonly Entry[],
  facts: { readonly recorded_at: Date },
): Promise<StoreOutcome> {
  const outcome: StoreOutcome = { stored: [], unchanged: [], altered: [], invalid: [] };
  const known = await findKnown(session, entries);
  const fresh: Addition[] = [];
  const grown: Addition[] = [];
  for (const entry of new Map(
    entries.map((each) => [each.record.authorisation_id, each]),
  ).values()) {
    const id = entry.record.authorisation_id;
    const problem = problemOf(entry);
    if (problem !== null) {
      outcome.invalid.push({ authorisation_id: id, problem });
      continue;
    }
    const each = hashed(entry);
    const before = known.get(id);
    const events = before ? newEvents(each, before) : entry.events;
    if (events === null) outcome.altered.push(id);
    else if (events.length === 0) outcome.unchanged.push(id);
    else {
      outcome.stored.push(id);
      (before ? grown : fresh).push({ ...each, events });
    }
  }
  if (fresh.length > 0) await insertRecords(session, fresh, facts.recorded_at);
  if (grown.length > 0) await updateStates(session, grown);
  if (fresh.length + grown.length > 0)
    await insertEvents(session, [...fresh, ...grown], facts.recorded_at);
  return outcome;
}

/** Records with all their events, in the order of the events. */
export async function entriesOf(session: Session, ids: readonly string[]): Promise<Entry[]> {
  const { rows } = await session.query<{
    subject_id: string;
    record: AuthorisationRecord;
    events: AuthorisationEvent[];
  }>(
    `select a.subject_id, a.record, jsonb_agg(jsonb_build_object('seq', e.seq, 'type', e.type,
       'at', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
       'by_party', e.by_party, 'reason', e.reason) order by e.seq) as events
     from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id
     where a.authorisation_id = any($1::uuid[])
     group by a.subject_id, a.authorisation_id, a.record`,
    [ids],
  );
  return rows;
}
