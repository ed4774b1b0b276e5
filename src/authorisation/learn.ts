/**
 * Learning an event that happened on the other side: gateway from registry, registry from gateway.
 *
 * What must stay true: an event is learnt once, whatever the number of times it is told; one that
 * was altered is never learnt; both sides that know the same events are in the same state,
 * whatever the order in which they heard of them. Why: until an end there is one writer, the
 * gateway; ends are ordered by strictness, and the strictest known one is the state (`fold`).
 * The rule in words is in docs/FEED.md.
 */
import type { Session } from '../database/database.ts';
import { canonicalRecord } from './canonical-record.ts';
import { eventHash, sha256Hex } from './hash.ts';
import { type AuthorisationEvent, EVENT_STATES, stateOf } from './record.ts';
import { type Entry, entriesOf } from './store.ts';

/** An event as told: `event` is as it stands in the chain of the side where it happened. */
export interface Told {
  readonly authorisation_id: string;
  readonly record_sha256: string;
  readonly event: Omit<AuthorisationEvent, 'type'> & { readonly type: string };
  readonly prev_hash: string | null;
  readonly event_id: string;
  /** The teller's own event before this one; null or absent: it need not be known. */
  readonly after?: string | null;
}

export type Learnt =
  | {
      readonly result: 'stored' | 'unchanged';
      readonly entry: Entry;
      /** Before and after. */
      readonly before: string;
      readonly state: string;
    }
  /** unknown: no such authorisation of that provider; out_of_order: `after` is not known yet. */
  | { readonly result: 'unknown' | 'altered' | 'out_of_order' | 'invalid' };

export interface LearnContext {
  /** Whose authorisation it must be. */
  readonly provider_id: string;
  /** The JWS under which it was told; kept. */
  readonly signed: string;
  readonly recorded_at: Date;
  /** Stores the entry with its new event under a batch of the learner's; false when it may not. */
  readonly store: (session: Session, entry: Entry) => Promise<boolean>;
}

interface KnownEvent {
  readonly seq: number;
  readonly hash: string;
  readonly by_party: string;
  /** Name and number on the other side, when it was learnt from there. */
  readonly told_id: string | null;
  readonly told_seq: number | null;
}

async function knownEvents(session: Session, entry: Entry): Promise<KnownEvent[]> {
  const { rows } = await session.query<KnownEvent>(
    `select e.seq, encode(e.hash, 'hex') as hash, e.by_party, l.event_id as told_id,
            l.told_seq
     from authorisation_event e
     left join learnt_event l on l.subject_id = e.subject_id
       and l.authorisation_id = e.authorisation_id and l.seq = e.seq
     where e.subject_id = $1 and e.authorisation_id = $2 order by e.seq`,
    [entry.subject_id, entry.record.authorisation_id],
  );
  return rows;
}

/** True when the hash that names the event is the hash of what is told. */
function isWhole(told: Told, ofRecord: string): boolean {
  const event = told.event as AuthorisationEvent;
  const hash = eventHash(told.authorisation_id, ofRecord, event, told.prev_hash ?? '');
  return (
    told.record_sha256 === ofRecord &&
    Object.hasOwn(EVENT_STATES, told.event.type) &&
    hash === told.event_id
  );
}

/** Locks one authorisation until the transaction ends and reads it; null when there is none. */
export async function lockEntry(session: Session, id: string): Promise<Entry | null> {
  // Two events at once: the second sees the first, and is judged after it.
  await session.query('select 1 from authorisation where authorisation_id = $1::uuid for update', [
    id,
  ]);
  const [entry] = await entriesOf(session, [id]);
  return entry ?? null;
}

/** Learns one event. Call it in a transaction. */
export async function learnEvent(
  session: Session,
  told: Told,
  context: LearnContext,
): Promise<Learnt> {
  const entry = await lockEntry(session, told.authorisation_id);
  if (entry?.record.parties.provider_id !== context.provider_id) return { result: 'unknown' };
  if (!isWhole(told, sha256Hex(canonicalRecord(entry.record)))) return { result: 'altered' };
  const known = await knownEvents(session, entry);
  const knows = (id: string) => known.some((each) => each.hash === id || each.told_id === id);
  const before = stateOf(entry.events);
  if (knows(told.event_id)) return { result: 'unchanged', entry, before, state: before };
  const hasOther = known.some(
    (each) =>
      each.by_party === told.event.by_party && (each.told_seq ?? each.seq) === told.event.seq,
  );
  if (hasOther) return { result: 'altered' };
  if (told.after && !knows(told.after)) return { result: 'out_of_order' };
  const seq = entry.events.length + 1;
  const events = [...entry.events, { ...(told.event as AuthorisationEvent), seq }];
  const grown = { ...entry, events };
  // Before it is stored: what was learnt is not told back.
  await session.query(
    `insert into learnt_event (subject_id, authorisation_id, seq, event_id, told_seq, signed,
       learnt_at) values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      entry.subject_id,
      told.authorisation_id,
      seq,
      told.event_id,
      told.event.seq,
      context.signed,
      context.recorded_at,
    ],
  );
  if (!(await context.store(session, grown))) {
    await session.query(
      'delete from learnt_event where subject_id = $1 and authorisation_id = $2 and seq = $3',
      [entry.subject_id, told.authorisation_id, seq],
    );
    return { result: 'invalid' };
  }
  return { result: 'stored', entry: grown, before, state: stateOf(grown.events) };
}
