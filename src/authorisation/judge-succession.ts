/**
 * Records that supersede others, judged against what a store holds and stored in their order: at
 * the gateway, where they are made, and again at the registry, which believes nobody.
 *
 * What must stay true: a record is stored only if what it supersedes is here, is its owner's and
 * may be superseded by it (`successionFault`); one is superseded at most once; what is another's
 * is answered like what is not here; uses of a limited authorisation go on counting unless the
 * person answered anew. Under `lockWriters`, so that of two that come together one wins.
 */
import type { Session } from '../database/database.ts';
import { fold } from './record.ts';
import { type Entry, entriesOf, lockWriters } from './store.ts';
import {
  answeredAt,
  BACKDATED,
  givenAt,
  isAnsweredAnew,
  isInForce,
  type Standing,
  type SuccessionFault,
  successionFault,
} from './succession.ts';

export interface SuccessionRefusal extends SuccessionFault {
  readonly authorisation_id: string;
}

/** Whose authorisations a record may name. */
export interface Owner {
  readonly provider_id: string;
  /** Of authorisations that their recipient collects; null: any recipient's. */
  readonly recipient_id: string | null;
}

export interface Stands<E extends Entry = Entry> extends Standing {
  readonly entry: E;
}

/** A record and the one in whose place it comes. */
export interface Succession<E extends Entry = Entry> {
  readonly next: Stands<E>;
  readonly old: Stands;
}

export interface Judging<E extends Entry> {
  readonly owner: Owner;
  /** True for a store that ends nothing by itself: what is superseded must have ended before. */
  readonly must_have_ended: boolean;
  /** Stores entries in the caller's way. @returns ids of those that are new or have grown */
  readonly store: (entries: readonly E[]) => Promise<readonly string[]>;
  /** What becomes of the superseded ones when their successors are given; before uses count on. */
  readonly succeed?: (given: readonly Succession<E>[]) => Promise<void>;
}

function standingOf<E extends Entry>(entry: E): Stands<E> | null {
  const folded = fold(entry.events);
  if (!folded.ok) return null;
  const { subject_id, record, events } = entry;
  return { entry, subject_id, record, events, state: folded.state };
}

/** The owner's entries of the arrangements that these join or name, as they stand. */
async function standing(
  session: Session,
  entries: readonly Entry[],
  owner: Owner,
): Promise<Map<string, Stands>> {
  const named = entries.map(({ record }) => record.supersedes ?? '').filter((id) => id !== '');
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select authorisation_id from authorisation
     where provider_id = $3::uuid
       and (arrangement_id = any($1::uuid[]) or authorisation_id = any($2::uuid[]))`,
    [entries.map(({ record }) => record.arrangement_id), named, owner.provider_id],
  );
  const ids = rows.map(({ authorisation_id }) => authorisation_id);
  const known = ids.length === 0 ? [] : await entriesOf(session, ids);
  return new Map(
    known.flatMap((entry) => {
      const { authorisation_id, parties } = entry.record;
      const isTheirs = owner.recipient_id === null || parties.recipient_id === owner.recipient_id;
      const stands = isTheirs ? standingOf(entry) : null;
      return stands ? [[authorisation_id, stands] as const] : [];
    }),
  );
}

/** Who was given in the place of whom: superseding id by superseded id. */
function successors(known: ReadonlyMap<string, Stands>): Map<string, string> {
  return new Map(
    [...known.values()].flatMap(({ record, events }) => {
      const { supersedes, authorisation_id } = record;
      return supersedes !== null && givenAt(events) !== null
        ? [[supersedes, authorisation_id] as const]
        : [];
    }),
  );
}

/** The arrangement goes on: what was used of the old record counts for the new one. */
const CARRY_USES = `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
  select u.subject_id, t.next_id, u.use_id, u.used_at
  from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as t (subject_id, next_id, old_id)
  join authorisation_use u on u.subject_id = t.subject_id and u.authorisation_id = t.old_id
  on conflict (subject_id, authorisation_id, use_id) do nothing`;

async function carryUses(session: Session, given: readonly Succession[]): Promise<void> {
  const carried = given.filter(({ next, old }) => !isAnsweredAnew(next, old));
  if (carried.length === 0) return;
  await session.query(CARRY_USES, [
    carried.map(({ next }) => next.subject_id),
    carried.map(({ next }) => next.record.authorisation_id),
    carried.map(({ old }) => old.record.authorisation_id),
  ]);
}

const UNKNOWN: SuccessionFault = {
  code: 'supersedes_invalid',
  field: 'supersedes',
  problem: 'names no authorisation that is known here',
};
const TAKEN: SuccessionFault = {
  code: 'authorisation_superseded',
  field: 'supersedes',
  problem: 'names an authorisation whose place another has taken',
};
const IN_FORCE: SuccessionFault = {
  code: 'supersedes_invalid',
  field: 'supersedes',
  problem: 'names an authorisation that is in force: its event superseded comes first',
};

/** Somebody of its arrangement was withdrawn after what it rests on was answered. */
function isWithdrawnSince(next: Stands, known: ReadonlyMap<string, Stands>): boolean {
  const { authorisation_id, arrangement_id, purpose } = next.record;
  const answered = answeredAt(next, known);
  return [...known.values()].some(
    ({ record, events }) =>
      record.arrangement_id === arrangement_id &&
      record.purpose.code === purpose.code &&
      record.authorisation_id !== authorisation_id &&
      events.some(({ type, at }) => type === 'withdrawn' && answered < at),
  );
}

/** What rests on an earlier answer is held to every step since: what had ended was taken unjudged. */
function earlierFault(next: Stands, known: ReadonlyMap<string, Stands>): SuccessionFault | null {
  for (let each = next; ; ) {
    const old = known.get(each.record.supersedes ?? '');
    const before = known.get(old?.record.supersedes ?? '');
    if (!old || !before || isAnsweredAnew(each, old)) return null;
    const fault = successionFault({ ...old, state: 'given' }, before);
    if (fault) return fault;
    each = old;
  }
}

interface Known {
  /** Of the arrangements that are judged, by authorisation_id. */
  readonly standing: ReadonlyMap<string, Stands>;
  /** Superseding id by superseded id. */
  readonly taken: Map<string, string>;
}

function faultOf(next: Stands, old: Stands, known: Known, judging: Bounds) {
  const fault = successionFault(next, old);
  if (fault || givenAt(next.events) === null) return fault;
  const id = next.record.authorisation_id;
  if ((known.taken.get(old.record.authorisation_id) ?? id) !== id) return TAKEN;
  if (isInForce(next.state)) {
    if (isWithdrawnSince(next, known.standing)) return BACKDATED;
    const earlier = earlierFault(next, known.standing);
    if (earlier) return earlier;
  }
  return judging.must_have_ended && isInForce(old.state) ? IN_FORCE : null;
}

type Bounds = Pick<Judging<Entry>, 'owner' | 'must_have_ended'>;

interface Judged<E extends Entry> {
  readonly refusals: SuccessionRefusal[];
  readonly accepted: Succession<E>[];
}

/** Judges entries, none of which supersedes another of them. */
async function judge<E extends Entry>(
  session: Session,
  entries: readonly E[],
  judging: Bounds,
): Promise<Judged<E>> {
  const stands = await standing(session, entries, judging.owner);
  const known: Known = { standing: stands, taken: successors(stands) };
  const judged: Judged<E> = { refusals: [], accepted: [] };
  for (const entry of entries) {
    const { authorisation_id, supersedes } = entry.record;
    const old = stands.get(supersedes ?? '');
    const next = standingOf(entry);
    const fault = old && next ? faultOf(next, old, known, judging) : UNKNOWN;
    if (fault) judged.refusals.push({ authorisation_id, ...fault });
    else if (old && next) {
      if (givenAt(next.events) !== null)
        known.taken.set(old.record.authorisation_id, authorisation_id);
      judged.accepted.push({ next, old });
    }
  }
  return judged;
}

/** A record that shares an arrangement, for the same purpose, must say which one it supersedes. */
async function intruders(
  session: Session,
  entries: readonly Entry[],
  owner: Owner,
): Promise<SuccessionRefusal[]> {
  const joining = entries.filter(
    ({ record }) => record.supersedes === null && record.arrangement_id !== record.authorisation_id,
  );
  if (joining.length === 0) return [];
  // Another owner's arrangement of the same id is not this one, and nobody learns of it.
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select distinct t.authorisation_id
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
       as t (authorisation_id, arrangement_id, subject_id, purpose)
     join authorisation a on a.arrangement_id = t.arrangement_id
       and a.authorisation_id <> t.authorisation_id
       and (a.subject_id <> t.subject_id or a.purpose = t.purpose)
     where a.provider_id = $5::uuid and ($6::uuid is null or a.recipient_id = $6::uuid)
       and not exists (select 1 from authorisation k where k.authorisation_id = t.authorisation_id)`,
    [
      joining.map(({ record }) => record.authorisation_id),
      joining.map(({ record }) => record.arrangement_id),
      joining.map(({ subject_id }) => subject_id),
      joining.map(({ record }) => record.purpose.code),
      owner.provider_id,
      owner.recipient_id,
    ],
  );
  return rows.map(({ authorisation_id }) => ({
    authorisation_id,
    code: 'supersedes_invalid',
    field: 'supersedes',
    problem: 'is missing: the arrangement has an authorisation already',
  }));
}

/** Ids of those that are known as given: their succession was judged when that was new. */
async function settledAmong(session: Session, entries: readonly Entry[]): Promise<Set<string>> {
  const ids = entries.flatMap(({ record }) =>
    record.supersedes === null ? [] : [record.authorisation_id],
  );
  if (ids.length === 0) return new Set();
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select a.authorisation_id from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.type = 'given'
     where a.authorisation_id = any($1::uuid[])`,
    [ids],
  );
  return new Set(rows.map((row) => row.authorisation_id));
}

const without = <E extends Entry>(
  entries: readonly E[],
  refusals: readonly SuccessionRefusal[],
) => {
  const refused = new Set(refusals.map((each) => each.authorisation_id));
  return entries.filter(({ record }) => !refused.has(record.authorisation_id));
};

/**
 * Stores sound entries; those that supersede others only if they may, each after what it
 * supersedes. Call it in a transaction.
 * @returns those that may not, which were not stored
 */
export async function storeJudged<E extends Entry>(
  session: Session,
  entries: readonly E[],
  judging: Judging<E>,
): Promise<SuccessionRefusal[]> {
  await lockWriters(session); // Whoever comes second waits here, and sees what the first did.
  const refusals = await intruders(session, entries, judging.owner);
  const sound = without(entries, refusals);
  const settled = await settledAmong(session, sound);
  const isFirst = ({ record }: E) =>
    record.supersedes === null || settled.has(record.authorisation_id);
  const first = sound.filter(isFirst);
  if (first.length > 0) await judging.store(first);
  let waiting = sound.filter((entry) => !isFirst(entry));
  // A chain within one batch: each round stores those whose predecessor is stored.
  while (waiting.length > 0) {
    const pending = new Set(waiting.map(({ record }) => record.authorisation_id));
    const free = waiting.filter(({ record }) => !pending.has(record.supersedes ?? ''));
    // A ring of records that supersede each other has no beginning: none is known here.
    const round = free.length > 0 ? free : waiting;
    const judged = await judge(session, round, judging);
    refusals.push(...judged.refusals);
    const stored = new Set(await judging.store(judged.accepted.map(({ next }) => next.entry)));
    const given = judged.accepted.filter(
      ({ next }) => stored.has(next.record.authorisation_id) && givenAt(next.events) !== null,
    );
    await judging.succeed?.(given);
    await carryUses(session, given);
    const done = new Set(round);
    waiting = waiting.filter((entry) => !done.has(entry));
  }
  return refusals;
}
