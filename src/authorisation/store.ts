/**
 * Authorisations in a database, the gateway's or the registry's: the same tables, the same rules.
 *
 * What must stay true: append-only; an exact retry changes nothing; one with another record, other
 * past events, another person or another provider is refused and leaves a trace;
 * `authorisation.state` is written with the event that makes it true; every event names the leaf
 * of the signed batch that vouches for it.
 */
import type { Session } from '../database/database.ts';
import { canonicalRecord } from './canonical-record.ts';
import { authorisationLeaf, eventChain, sha256Hex } from './hash.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  eventProblems,
  fold,
  recordProblems,
} from './record.ts';
import {
  authorisationRow,
  EVENT_COLUMNS,
  eventRow,
  recordRow,
  STORED_COLUMNS,
} from './stored-columns.ts';

export interface Entry {
  readonly subject_id: string;
  /** The collector's number of the person; at the gateway the subject_id itself. */
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}

/** What of a known authorisation differs: the `why` of a refusal's trace. */
export type Difference = 'record' | 'events' | 'person' | 'provider';

export type EntryResult =
  /** New, or known with new events. */
  | { readonly result: 'stored' }
  | { readonly result: 'unchanged' }
  | { readonly result: 'refused'; readonly why: Difference }
  /** A field or the order of the events is not as it must be; the first problem named. */
  | { readonly result: 'invalid'; readonly problem: string };

/** An entry that was checked and hashed, which needs no database. */
export interface Prepared {
  readonly entry: Entry;
  readonly problem: string | null;
  readonly canonical: string;
  /** In hex. */
  readonly record_sha256: string;
  /** Hashes of all its events in order, in hex. */
  readonly chain: readonly string[];
  /** The state after each event, and after the last. */
  readonly states: readonly string[];
  readonly state: string;
}

/** NUL, which no database stores; a text that spells its escape out is refused with it. */
const NUL = '\\u0000';

function problemOf(entry: Entry): string | null {
  const [field] = recordProblems(entry.record);
  if (field !== undefined) return field;
  const [event] = eventProblems(entry.events);
  if (event !== undefined) return `event ${event}`;
  return null;
}

const UNSOUND = { canonical: '', record_sha256: '', chain: [], states: [], state: '' };

/** Checks and hashes an entry. */
export function prepare(entry: Entry): Prepared {
  const problem = problemOf(entry);
  if (problem !== null) return { entry, problem, ...UNSOUND };
  const folded = fold(entry.events);
  if (!folded.ok) return { entry, problem: `event ${folded.seq} may not follow`, ...UNSOUND };
  const canonical = canonicalRecord(entry.record);
  const hasNul = canonical.includes(NUL) || entry.events.some((e) => e.reason?.includes('\0'));
  if (hasNul) return { entry, problem: 'a text with NUL', ...UNSOUND };
  const record_sha256 = sha256Hex(canonical);
  const chain = eventChain(entry.record.authorisation_id, record_sha256, entry.events);
  const { state, states } = folded;
  return { entry, problem: null, canonical, record_sha256, chain, states, state };
}

interface Held {
  readonly subject_id: string;
  readonly subject_ref: string;
  readonly provider_id: string;
  readonly record_sha256: string;
  readonly chain: readonly string[];
  /** What this call adds to it. */
  readonly addition: Addition | null;
}

interface Addition {
  prepared: Prepared;
  /** Events that were there before this call. */
  readonly known: number;
  leaf_index: number;
}

const HASH_HEX = 64;

async function findHeld(
  session: Session,
  prepared: readonly Prepared[],
): Promise<Map<string, Held>> {
  // Of sound entries alone: an id of another form is none that a query could ask for.
  const ids = prepared.flatMap(({ problem, entry }) =>
    problem === null ? [entry.record.authorisation_id] : [],
  );
  if (ids.length === 0) return new Map();
  // Where nobody has gathered statistics yet (a first import; PGlite never does by itself) a
  // planner takes some thousand ids for the whole table, and reads all of it for every chunk.
  await session.query('set local enable_seqscan = off');
  const { rows } = await session.query<
    Omit<Held, 'chain' | 'addition'> & { authorisation_id: string; chain: string }
  >(
    `select a.authorisation_id, a.subject_id, a.subject_ref, a.provider_id,
       encode(a.record_sha256, 'hex') as record_sha256, e.chain
     from authorisation a
     cross join lateral (
       select string_agg(encode(v.hash, 'hex'), '' order by v.seq) as chain
       from authorisation_event v
       where v.subject_id = a.subject_id and v.authorisation_id = a.authorisation_id) e
     where a.authorisation_id = any($1::uuid[])`,
    [ids],
  );
  await session.query('set local enable_seqscan = on');
  return new Map(
    rows.map(({ authorisation_id, chain, ...row }) => {
      const hashes = chain.match(new RegExp(`.{${HASH_HEX}}`, 'g')) ?? [];
      return [authorisation_id, { ...row, chain: hashes, addition: null }];
    }),
  );
}

/** What differs between what is held and an entry of the same id; null when nothing does. */
function differenceOf(held: Held, { entry, record_sha256, chain }: Prepared): Difference | null {
  if (held.provider_id !== entry.record.parties.provider_id) return 'provider';
  if (held.subject_id !== entry.subject_id || held.subject_ref !== entry.subject_ref)
    return 'person';
  if (held.record_sha256 !== record_sha256) return 'record';
  // A hash of the chain covers all events before it: the last that both have says it for all,
  // also for a late retry, which knows fewer events than are held.
  const last = Math.min(held.chain.length, chain.length) - 1;
  return held.chain[last] === chain[last] ? null : 'events';
}

/** Where the leaf of an entry stands: `nth` of those stored by this call, from 0. */
export type LeafIndex = (position: number, nth: number) => number;

/** Sorts entries into results; what is to be written stands in `additions`. */
function judge(
  prepared: readonly Prepared[],
  held: Map<string, Held>,
  leafIndex: LeafIndex,
): { results: EntryResult[]; additions: Addition[] } {
  const additions: Addition[] = [];
  const results = prepared.map((each, position): EntryResult => {
    const { entry, problem } = each;
    if (problem !== null) return { result: 'invalid', problem };
    const id = entry.record.authorisation_id;
    const before = held.get(id);
    const why = before ? differenceOf(before, each) : null;
    if (why !== null) return { result: 'refused', why };
    const known = before?.chain.length ?? 0;
    if (known >= entry.events.length) return { result: 'unchanged' };
    let addition = before?.addition ?? null;
    if (addition) {
      // The same authorisation twice in one call: the longer one says all.
      addition.prepared = each;
      addition.leaf_index = leafIndex(position, additions.indexOf(addition));
    } else {
      addition = { prepared: each, known, leaf_index: leafIndex(position, additions.length) };
      additions.push(addition);
    }
    held.set(id, {
      subject_id: entry.subject_id,
      subject_ref: entry.subject_ref,
      provider_id: entry.record.parties.provider_id,
      record_sha256: each.record_sha256,
      chain: each.chain,
      addition,
    });
    return { result: 'stored' };
  });
  return { results, additions };
}

function rowOf({ entry, canonical, record_sha256, state }: Prepared) {
  const last_seq = entry.events.length;
  return { ...entry, canonical, record_sha256, state, last_seq };
}

function eventRows({ prepared, known, leaf_index }: Addition, batch_id: string, at: string) {
  const { entry, chain, states } = prepared;
  const { subject_id } = entry;
  const { authorisation_id } = entry.record;
  let text = '';
  for (const event of entry.events.slice(known)) {
    const hash = chain[event.seq - 1] ?? '';
    const prev_hash = chain[event.seq - 2] ?? null;
    const state = states[event.seq - 1] ?? '';
    const of = { subject_id, authorisation_id, event, state, prev_hash, hash };
    const row = { ...of, batch_id, leaf_index };
    text += eventRow(row, at);
  }
  return text;
}

async function write(
  session: Session,
  additions: readonly Addition[],
  facts: StoreFacts,
): Promise<void> {
  const at = facts.recorded_at.toISOString();
  const fresh = additions.filter(({ known }) => known === 0);
  const grown = additions.filter(({ known }) => known > 0);
  if (fresh.length > 0) {
    const rows = fresh.map(({ prepared }) => rowOf(prepared));
    const text = rows.map((row) => authorisationRow(row, at)).join('');
    // sql: the columns are constants of stored-columns.ts.
    await session.copyIn(`copy authorisation (${STORED_COLUMNS}) from stdin`, [Buffer.from(text)]);
    await session.copyIn(
      'copy authorisation_record (subject_id, authorisation_id, record) from stdin',
      [Buffer.from(rows.map(recordRow).join(''))],
    );
  }
  if (grown.length > 0) {
    await session.query(
      `update authorisation set state = t.state, last_seq = t.last_seq
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[])
         as t (subject_id, authorisation_id, state, last_seq)
       where authorisation.subject_id = t.subject_id
         and authorisation.authorisation_id = t.authorisation_id`,
      [
        grown.map(({ prepared }) => prepared.entry.subject_id),
        grown.map(({ prepared }) => prepared.entry.record.authorisation_id),
        grown.map(({ prepared }) => prepared.state),
        grown.map(({ prepared }) => prepared.entry.events.length),
      ],
    );
  }
  const events = additions.map((each) => eventRows(each, facts.batch_id, at)).join('');
  // sql: the columns are constants of stored-columns.ts.
  await session.copyIn(`copy authorisation_event (${EVENT_COLUMNS}) from stdin`, [
    Buffer.from(events),
  ]);
}

export interface StoreFacts {
  readonly recorded_at: Date;
  /** Who sent them: named in the trace of what is refused. */
  readonly by_party: string;
  readonly newId: () => string;
  /** The batch whose signed root vouches for what is stored. */
  readonly batch_id: string;
  readonly leafIndex: LeafIndex;
}

export interface StoreOutcome {
  /** One for each entry, in their order. */
  readonly results: readonly EntryResult[];
  /** Leaf hashes of what was stored, side by side, in the order of their first appearance. */
  readonly leaves: Uint8Array;
}

/**
 * Stores prepared entries (at most some thousand at a time), each once. Call it in a transaction
 * that keeps other writers of the same ids out; the caller adds the leaves to the batch.
 */
export async function storeEntries(
  session: Session,
  prepared: readonly Prepared[],
  facts: StoreFacts,
): Promise<StoreOutcome> {
  const held = await findHeld(session, prepared);
  const { results, additions } = judge(prepared, held, facts.leafIndex);
  if (additions.length > 0) await write(session, additions, facts);
  const refusals = results.flatMap((each, position) => {
    const id = prepared[position]?.entry.record.authorisation_id ?? null;
    return each.result === 'refused' ? [{ authorisation_id: id, why: each.why }] : [];
  });
  await traceRefusals(session, refusals, facts);
  const leaves = additions.map(({ prepared: { entry, chain } }) =>
    authorisationLeaf({
      authorisation_id: entry.record.authorisation_id,
      subject_ref: entry.subject_ref,
      seq: entry.events.length,
      event_hash: chain.at(-1) ?? '',
    }),
  );
  return { results, leaves: Buffer.concat(leaves) };
}

export interface Refusal {
  /** Null: what was given is no id. */
  readonly authorisation_id: string | null;
  /**
   * What differs; `unknown`: an id that is not here; `event`: one that may not follow;
   * `succession`: it may not take the place of what it names.
   */
  readonly why: Difference | 'unknown' | 'event' | 'succession' | 'person';
}

/** Writes down what was refused; commit it whatever the caller is answered. */
export async function traceRefusals(
  session: Session,
  refusals: readonly Refusal[],
  facts: Pick<StoreFacts, 'by_party' | 'newId' | 'recorded_at'>,
): Promise<void> {
  if (refusals.length === 0) return;
  await session.query(
    `insert into authorisation_refusal (refusal_id, authorisation_id, by_party, at, why)
     select t.refusal_id, t.authorisation_id, $4::uuid, $5::timestamptz, t.why
     from unnest($1::uuid[], $2::uuid[], $3::text[]) as t (refusal_id, authorisation_id, why)`,
    [
      refusals.map(() => facts.newId()),
      refusals.map((each) => each.authorisation_id),
      refusals.map((each) => each.why),
      facts.by_party,
      facts.recorded_at,
    ],
  );
}

/** A key of our own in the advisory lock space ("auth"). */
const WRITERS_LOCK = 0x61757468;

/**
 * Keeps other writers of authorisations out until the transaction ends, so that one id is stored
 * once; may be called again. Take it before any row is read that is written after.
 */
export async function lockWriters(session: Session): Promise<void> {
  await session.query('select pg_advisory_xact_lock($1)', [WRITERS_LOCK]);
}

/** Records with all their events, in the order of the events. */
export async function entriesOf(session: Session, ids: readonly string[]): Promise<Entry[]> {
  const { rows } = await session.query<Entry>(
    `select a.subject_id, a.subject_ref, r.record, e.events
     from authorisation a
     join authorisation_record r on r.subject_id = a.subject_id
       and r.authorisation_id = a.authorisation_id
     cross join lateral (
       select jsonb_agg(jsonb_build_object('seq', v.seq, 'type', v.type,
         'at', to_char(v.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'by_party', v.by_party, 'reason', v.reason) order by v.seq) as events
       from authorisation_event v
       where v.subject_id = a.subject_id and v.authorisation_id = a.authorisation_id) e
     where a.authorisation_id = any($1::uuid[])`,
    [ids],
  );
  return rows;
}
