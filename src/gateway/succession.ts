/**
 * Authorisations that supersede others, stored: the old one is superseded in the transaction in
 * which the new one is given.
 *
 * What must stay true: never a gap and never two in force in one arrangement, under concurrency
 * too; uses of a limited authorisation go on counting unless the person answered anew.
 */
import { fold } from '../authorisation/record.ts';
import { type Entry, entriesOf, lockWriters } from '../authorisation/store.ts';
import {
  givenAt,
  isAnsweredAnew,
  isInForce,
  type Standing,
  type SuccessionFault,
  successionFault,
} from '../authorisation/succession.ts';
import type { Session } from '../database/database.ts';
import { withEvent } from './append.ts';
import { type BatchInHand, type EndedById, storeInBatch } from './collect.ts';
import type { Gateway } from './gateway.ts';

export interface Refusal {
  readonly authorisation_id: string;
  readonly code: SuccessionFault['code'] | 'authorisation_superseded';
  readonly field: string;
  readonly problem: string;
}

type Stands = Entry & Standing;

function standingOf(entry: Entry): Stands | null {
  const folded = fold(entry.events);
  return folded.ok ? { ...entry, state: folded.state } : null;
}

/** Entries as they stand, by authorisation_id. */
async function standing(session: Session, ids: readonly string[]): Promise<Map<string, Stands>> {
  const entries = await entriesOf(session, ids);
  return new Map(
    entries.flatMap((entry) => {
      const stands = standingOf(entry);
      return stands ? [[entry.record.authorisation_id, stands] as const] : [];
    }),
  );
}

/** Who was given in the place of whom: superseding id by superseded id. */
async function successors(session: Session, olds: Iterable<Stands>) {
  const known = [...olds].map(({ record }) => record);
  const { rows } = await session.query<{ supersedes: string; authorisation_id: string }>(
    `select a.supersedes, a.authorisation_id from authorisation a
     where a.arrangement_id = any($1::uuid[]) and a.supersedes = any($2::uuid[])
       and exists (select 1 from authorisation_event e where e.subject_id = a.subject_id
         and e.authorisation_id = a.authorisation_id and e.type = 'given')`,
    [known.map((each) => each.arrangement_id), known.map((each) => each.authorisation_id)],
  );
  return new Map(rows.map((row) => [row.supersedes, row.authorisation_id]));
}

/** The arrangement goes on: what was used of the old record counts for the new one. */
const CARRY_USES = `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
  select u.subject_id, t.next_id, u.use_id, u.used_at
  from unnest($1::uuid[], $2::uuid[]) as t (next_id, old_id)
  join authorisation_use u on u.authorisation_id = t.old_id
  on conflict (subject_id, authorisation_id, use_id) do nothing`;

interface Judged {
  readonly refusals: Refusal[];
  readonly accepted: { readonly next: Stands; readonly old: Stands }[];
}

function judge(
  entries: readonly Entry[],
  olds: ReadonlyMap<string, Stands>,
  taken: Map<string, string>,
): Judged {
  const judged: Judged = { refusals: [], accepted: [] };
  for (const entry of entries) {
    const id = entry.record.authorisation_id;
    const old = olds.get(entry.record.supersedes ?? '');
    const next = standingOf(entry);
    if (!old || !next) {
      const problem = 'names no authorisation that is known here';
      const fault = { code: 'supersedes_invalid', field: 'supersedes', problem } as const;
      judged.refusals.push({ authorisation_id: id, ...fault });
      continue;
    }
    const fault = successionFault(next, old);
    const isGiven = givenAt(next.events) !== null;
    const other = taken.get(old.record.authorisation_id) ?? id;
    if (fault) judged.refusals.push({ authorisation_id: id, ...fault });
    else if (isGiven && other !== id) {
      const problem = 'names an authorisation whose place another has taken';
      judged.refusals.push({
        authorisation_id: id,
        code: 'authorisation_superseded',
        field: 'supersedes',
        problem,
      });
    } else {
      if (isGiven) taken.set(old.record.authorisation_id, id);
      judged.accepted.push({ next, old });
    }
  }
  return judged;
}

/** Ends the old ones that are in force, and carries their uses over. */
async function succeed(
  session: Session,
  gateway: Gateway,
  accepted: Judged['accepted'],
  batch: BatchInHand,
): Promise<void> {
  const given = accepted.filter(({ next }) => givenAt(next.events) !== null);
  const ended = given
    .filter(({ old }) => isInForce(old.state))
    .map(({ next, old }) =>
      withEvent(gateway, old, {
        authorisation_id: old.record.authorisation_id,
        type: 'superseded',
        at: new Date(givenAt(next.events) ?? ''),
        reason: next.record.authorisation_id,
      }),
    );
  await storeInBatch(session, gateway, ended, batch);
  const carried = given.filter(({ next, old }) => !isAnsweredAnew(next, old));
  if (carried.length === 0) return;
  await session.query(CARRY_USES, [
    carried.map(({ next }) => next.record.authorisation_id),
    carried.map(({ old }) => old.record.authorisation_id),
  ]);
}

/** A record that shares an arrangement, for the same purpose, must say which one it supersedes. */
async function intruders(session: Session, entries: readonly Entry[]): Promise<Refusal[]> {
  const joining = entries.filter(
    ({ record }) => record.supersedes === null && record.arrangement_id !== record.authorisation_id,
  );
  if (joining.length === 0) return [];
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select distinct t.authorisation_id
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
       as t (authorisation_id, arrangement_id, subject_id, purpose)
     join authorisation a on a.arrangement_id = t.arrangement_id
       and a.authorisation_id <> t.authorisation_id
       and (a.subject_id <> t.subject_id or a.purpose = t.purpose)
     where not exists (select 1 from authorisation k where k.authorisation_id = t.authorisation_id)`,
    [
      joining.map(({ record }) => record.authorisation_id),
      joining.map(({ record }) => record.arrangement_id),
      joining.map(({ subject_id }) => subject_id),
      joining.map(({ record }) => record.purpose.code),
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

const without = <E extends Entry>(entries: readonly E[], refusals: readonly Refusal[]): E[] => {
  const refused = new Set(refusals.map((each) => each.authorisation_id));
  return entries.filter(({ record }) => !refused.has(record.authorisation_id));
};

/**
 * Stores entries as `storeInBatch` does, and with each that supersedes another what becomes of
 * that one. Call it in a transaction that is run again on a conflict (`retried`).
 */
export async function storeSucceeding(
  session: Session,
  gateway: Gateway,
  entries: readonly Entry[],
  batch: BatchInHand,
): Promise<{ readonly outcome: EndedById; readonly refusals: Refusal[] }> {
  await lockWriters(session); // Whoever comes second waits here, and sees what the first did.
  const refusals = await intruders(session, entries);
  const sound = without(entries, refusals);
  const settled = await settledAmong(session, sound);
  const isFirst = ({ record }: Entry) =>
    record.supersedes === null || settled.has(record.authorisation_id);
  const outcome = await storeInBatch(session, gateway, sound.filter(isFirst), batch);
  let waiting = sound.filter((entry) => !isFirst(entry));
  // A chain within one batch: each round stores those whose predecessor is stored.
  while (waiting.length > 0) {
    const pending = new Set(waiting.map(({ record }) => record.authorisation_id));
    const free = waiting.filter(({ record }) => !pending.has(record.supersedes ?? ''));
    // A ring of records that supersede each other has no beginning: none is known here.
    const round = free.length > 0 ? free : waiting;
    const olds = await standing(
      session,
      free.map(({ record }) => record.supersedes ?? ''),
    );
    const judged = judge(round, olds, await successors(session, olds.values()));
    refusals.push(...judged.refusals);
    const stored = await storeInBatch(
      session,
      gateway,
      judged.accepted.map(({ next }) => next),
      batch,
    );
    for (const part of ['stored', 'unchanged', 'altered', 'invalid'] as const)
      outcome[part].push(...(stored[part] as never[]));
    const isStored = new Set(stored.stored);
    await succeed(
      session,
      gateway,
      judged.accepted.filter(({ next }) => isStored.has(next.record.authorisation_id)),
      batch,
    );
    const done = new Set(round);
    waiting = waiting.filter((entry) => !done.has(entry));
  }
  return { outcome, refusals };
}

/**
 * What a withdrawal reaches: whoever withdraws by an old link means what has taken its place.
 * @returns the newest of the arrangement that was given, held; the entry itself if it is the newest
 */
export async function newestOf(session: Session, entry: Entry): Promise<Entry> {
  const { arrangement_id, authorisation_id, purpose } = entry.record;
  if (entry.events.at(-1)?.type !== 'superseded') return entry;
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select a.authorisation_id from authorisation a
     where a.subject_id = $1 and a.arrangement_id = $2 and a.purpose = $3
       and a.authorisation_id <> $4 and a.state <> 'superseded'
       and exists (select 1 from authorisation_event e where e.subject_id = a.subject_id
         and e.authorisation_id = a.authorisation_id and e.type = 'given')`,
    [entry.subject_id, arrangement_id, purpose.code, authorisation_id],
  );
  const held = await standing(
    session,
    rows.map((row) => row.authorisation_id),
  );
  return [...held.values()][0] ?? entry;
}
