/**
 * Merges and splits of people: events, with the exact list of what moved, which can be undone.
 *
 * What must stay true: everything a person owns is with one person at any time; whoever holds the
 * id of one who was merged away is led to the person (`livingSubject`); what was sealed stays as
 * it was sealed, the wrapped key of whoever owns it now opens it; parts of months that were judged
 * before are judged again. Undoing moves back what moved and what came to it since, newest first.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { followersOf } from './followers.ts';
import {
  type Choice,
  type Moved,
  moveRows,
  ownedTables,
  type RowKey,
  sealedSamples,
} from './owned-tables.ts';
import {
  holdPeople,
  livingSubject,
  notMovable,
  passKeys,
  rowOf,
  type SubjectRow,
} from './people.ts';
import { tellPerson } from './person.ts';
import type { Registry } from './registry.ts';
import { lockPeople } from './serialise.ts';

/** Who decided, and why. */
export interface Decision {
  readonly by_party: string;
  readonly why: string;
  /** SHA-256 of what was seen for it, lower-case hex; null: nothing was. */
  readonly evidence_sha256: string | null;
}

export interface IdentityEvent extends Decision {
  readonly event_id: string;
  readonly kind: 'merge' | 'split' | 'undo' | 'correct';
  readonly from_id: string;
  readonly to_id: string;
  readonly at: Date;
  readonly undoes: string | null;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

/** Moves rows of every owned table; `choiceOf` says which of a table, null: all. */
async function moveAll(
  session: Session,
  way: { readonly from: string; readonly to: string },
  choiceOf: (table: string) => Choice | null,
): Promise<Moved> {
  const moved: Record<string, readonly RowKey[]> = {};
  const claims = choiceOf('claim');
  const following = claims === null ? {} : await followersOf(session, way.from, claims);
  for (const table of await ownedTables(session)) {
    const chosen = choiceOf(table.name);
    const choice = chosen && {
      ...chosen,
      keys: [...chosen.keys, ...(following[table.name] ?? [])],
    };
    const keys = await moveRows(session, table, way, choice);
    if (keys.length > 0) moved[table.name] = keys;
  }
  return moved;
}

/** No month is left with a person who has not the authorisation it stands under. */
async function refuseTorn(session: Session, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { rows } = await session.query<{ authorisation_id: string }>(
      `select m.authorisation_id from account_month m
       left join authorisation a on a.subject_id = m.subject_id
         and a.authorisation_id = m.authorisation_id
       where m.subject_id = $1 and a.authorisation_id is null limit 1`,
      [id],
    );
    if (rows[0])
      notMovable(`months under authorisation ${rows[0].authorisation_id} would be parted from it`);
  }
}

interface Recording extends Decision {
  readonly kind: IdentityEvent['kind'];
  readonly from_id: string;
  readonly to_id: string;
  readonly undoes?: string;
  readonly moved?: Moved;
  /** Who was an alias before and leads elsewhere now. */
  readonly aliases?: readonly string[];
  readonly prior_keys?: Readonly<Record<string, string>>;
}

/** Writes an event down and tells the person. */
export async function recordIdentityEvent(
  registry: Registry,
  session: Session,
  event: Recording,
): Promise<string> {
  const event_id = registry.newId();
  await session.query(
    `insert into identity_event (event_id, kind, from_id, to_id, at, by_party, why,
       evidence_sha256, undoes, moved, prior_keys)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      event_id,
      event.kind,
      event.from_id,
      event.to_id,
      registry.now(),
      event.by_party,
      event.why,
      event.evidence_sha256,
      event.undoes ?? null,
      JSON.stringify({ rows: event.moved ?? {}, aliases: event.aliases ?? [] }),
      JSON.stringify(event.prior_keys ?? {}),
    ],
  );
  const facts = { event_id, kind: event.kind };
  for (const id of new Set([event.from_id, event.to_id])) {
    if ((await livingSubject(session, id)) !== id) continue;
    await tellPerson(registry, session, id, { kind: `identity_${event.kind}`, facts });
  }
  return event_id;
}

/**
 * Merges one person into another, in the caller's transaction.
 * @returns the event's id. @throws identity_not_movable
 */
export async function mergePeople(
  registry: Registry,
  session: Session,
  way: { readonly from_id: string; readonly into_id: string },
  decision: Decision,
): Promise<string> {
  const { from_id, into_id } = way;
  if (from_id === into_id) notMovable('the two are one person already');
  const people = await holdPeople(session, [from_id, into_id]);
  const from = rowOf(people, from_id);
  const into = rowOf(people, into_id);
  if (from.merged_into !== null || into.merged_into !== null)
    notMovable('one of the two was merged into another already');
  const moved = await moveAll(session, { from: from_id, to: into_id }, () => null);
  const { rows } = await session.query<{ subject_id: string }>(
    `update subject set merged_into = $2 where subject_id = $1 or merged_into = $1
     returning subject_id`,
    [from_id, into_id],
  );
  const aliases = rows.map((row) => row.subject_id).filter((id) => id !== from_id);
  const prior_keys = await passKeys(registry, session, from, into);
  return recordIdentityEvent(registry, session, {
    ...decision,
    kind: 'merge',
    from_id,
    to_id: into_id,
    moved,
    aliases,
    prior_keys,
  });
}

/** What of a mixed file belongs to somebody else. */
export interface Parting {
  readonly from_id: string;
  /** One who was merged into `from_id` before, or has just been made and owns nothing. */
  readonly to_id: string;
  readonly locators: readonly { readonly subject_ref: string; readonly furnisher_id: string }[];
  readonly account_ids: readonly string[];
  readonly authorisation_ids: readonly string[];
  /** Documents by their hash in hexadecimal. */
  readonly documents: readonly string[];
}

/** What a locator brings along: the authorisations collected under it. */
async function withLocators(session: Session, parting: Parting): Promise<Parting> {
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select a.authorisation_id from authorisation a
     join unnest($2::uuid[], $3::uuid[]) l (subject_ref, furnisher_id)
       on l.subject_ref = a.subject_ref and l.furnisher_id = a.provider_id
     where a.subject_id = $1`,
    [
      parting.from_id,
      parting.locators.map((each) => each.subject_ref),
      parting.locators.map((each) => each.furnisher_id),
    ],
  );
  const authorisation_ids = [
    ...new Set([...parting.authorisation_ids, ...rows.map((row) => row.authorisation_id)]),
  ];
  // Accounts whose every month stands under one of these authorisations.
  const { rows: accounts } = await session.query<{ account_id: string }>(
    `select account_id from account_month where subject_id = $1
     group by account_id having bool_and(authorisation_id = any($2::uuid[]))`,
    [parting.from_id, authorisation_ids],
  );
  const account_ids = [
    ...new Set([...parting.account_ids, ...accounts.map((row) => row.account_id)]),
  ];
  return { ...parting, authorisation_ids, account_ids };
}

/**
 * Takes what is somebody else's out of a mixed file, in the caller's transaction.
 * @returns the event's id. @throws identity_not_movable: among others when an account would be
 * parted from the authorisation that its months stand under
 */
export async function splitPerson(
  registry: Registry,
  session: Session,
  wanted: Parting,
  decision: Decision,
): Promise<string> {
  const { from_id, to_id } = wanted;
  if (from_id === to_id) notMovable('nobody is parted from themselves');
  const people = await holdPeople(session, [from_id, to_id]);
  const from = rowOf(people, from_id);
  const to = rowOf(people, to_id);
  const isPrevious = to.merged_into === from_id;
  if (from.merged_into !== null || !(isPrevious || to.merged_into === null))
    notMovable('the person was merged into another');
  const parting = await withLocators(session, wanted);
  const keys: Record<string, RowKey[]> = {
    subject_locator: parting.locators.map((each) => [each.subject_ref, each.furnisher_id]),
    subject_document: parting.documents.map((hash) => [`\\x${hash}`]),
    // What a person was recognised by goes with the person that was merged.
    match_record: isPrevious ? [[to_id]] : [],
    match_waiting: isPrevious ? [[to_id]] : [],
    match_key: isPrevious ? await keysOfRecord(session, from_id, to_id) : [],
  };
  const { account_ids, authorisation_ids } = parting;
  const moved = await moveAll(session, { from: from_id, to: to_id }, (table) => ({
    keys: keys[table] ?? [],
    account_ids,
    authorisation_ids,
  }));
  if (Object.keys(moved).length === 0) notMovable('nothing of what was named is theirs');
  await refuseTorn(session, [from_id, to_id]);
  if (isPrevious)
    await session.query('update subject set merged_into = null where subject_id = $1', [to_id]);
  const prior_keys = await passKeys(registry, session, from, to);
  const aliases = isPrevious ? [to_id] : [];
  const recording = { ...decision, kind: 'split' as const, from_id, to_id, moved, aliases };
  return recordIdentityEvent(registry, session, { ...recording, prior_keys });
}

async function keysOfRecord(session: Session, subjectId: string, recordId: string) {
  const { rows } = await session.query<{ key: number }>(
    'select unnest(keys) as key from match_record where subject_id = $1 and record_id = $2',
    [subjectId, recordId],
  );
  return rows.map(({ key }): RowKey => [key, recordId]);
}

interface Stored {
  readonly kind: IdentityEvent['kind'];
  readonly from_id: string;
  readonly to_id: string;
  readonly moved: { readonly rows: Moved; readonly aliases: readonly string[] };
  readonly prior_keys: Readonly<Record<string, string>>;
}

/** The event, if nothing that came after it stands in the way. */
async function undoable(session: Session, eventId: string): Promise<Stored> {
  const { rows } = await session.query<Stored & { at: Date }>(
    'select kind, from_id, to_id, at, moved, prior_keys from identity_event where event_id::text = $1',
    [eventId],
  );
  const [event] = rows;
  if (!event || (event.kind !== 'merge' && event.kind !== 'split'))
    throw new AssentError('identity_event_unknown');
  const { rows: later } = await session.query<{ event_id: string }>(
    `select e.event_id from identity_event e
     where (e.undoes = $1::uuid or (e.kind in ('merge', 'split') and e.event_id <> $1::uuid
         and e.at >= $2 and (e.from_id = any($3::uuid[]) or e.to_id = any($3::uuid[]))
         and not exists (select 1 from identity_event u where u.undoes = e.event_id)))
     order by e.at desc limit 1`,
    [eventId, event.at, [event.from_id, event.to_id]],
  );
  if (later[0]) notMovable(`event ${later[0].event_id} came after it: undo that first`);
  return event;
}

/** Accounts and authorisations among what moved: what arrived for them since goes along. */
function choiceOf(moved: Moved, table: string): Choice {
  const idsOf = (name: string) => [...new Set((moved[name] ?? []).map(([id]) => String(id)))];
  return {
    keys: moved[table] ?? [],
    account_ids: idsOf('account'),
    authorisation_ids: idsOf('authorisation'),
  };
}

/**
 * Undoes a merge or a split, in the caller's transaction: what moved goes back, with what arrived
 * for the same accounts and authorisations since.
 * @returns the undoing event's id. @throws identity_event_unknown, identity_not_movable
 */
export async function undoIdentityEvent(
  registry: Registry,
  session: Session,
  eventId: string,
  decision: Decision,
): Promise<string> {
  await lockPeople(session);
  const event = await undoable(session, eventId);
  const { from_id, to_id, kind } = event;
  const people = await holdPeople(session, [from_id, to_id]);
  // Whoever was parted owned nothing before: everything goes back.
  const moved = await moveAll(session, { from: to_id, to: from_id }, (table) =>
    kind === 'split' ? null : choiceOf(event.moved.rows, table),
  );
  const { aliases } = event.moved;
  if (kind === 'merge') {
    await session.query('update subject set merged_into = null where subject_id = $1', [from_id]);
    await session.query('update subject set merged_into = $2 where subject_id = any($1::uuid[])', [
      [...aliases],
      from_id,
    ]);
  } else {
    // One who was made by the split leads back to the person from now on.
    await session.query('update subject set merged_into = $2 where subject_id = $1', [
      to_id,
      from_id,
    ]);
  }
  await restoreKeys(registry, session, event, people);
  await session.query(
    `update identity_case set state = 'open', resolved_at = null, resolved_by = null, why = null,
       event_id = null where event_id = $1::uuid`,
    [eventId],
  );
  const recording = { ...decision, kind: 'undo' as const, from_id: to_id, to_id: from_id, moved };
  return recordIdentityEvent(registry, session, { ...recording, undoes: eventId });
}

/** The wrapped keys of before, as far as they open all that is left. */
async function restoreKeys(
  registry: Registry,
  session: Session,
  event: Stored,
  people: Map<string, SubjectRow>,
): Promise<void> {
  for (const [id, hex] of Object.entries(event.prior_keys)) {
    const before = Buffer.from(hex, 'hex');
    const samples = await sealedSamples(session, id);
    if (samples.every((sealed) => registry.ring.holdsKeyOf(before, sealed)))
      await session.query('update subject set wrapped_key = $2 where subject_id = $1', [
        id,
        before,
      ]);
  }
  const from = rowOf(people, event.to_id);
  await passKeys(registry, session, from, rowOf(people, event.from_id));
}
