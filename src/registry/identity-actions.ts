/**
 * What an operator does to people of the store, each in a transaction of its own: merge, split,
 * undo; and the list of what was done.
 *
 * What must stay true: a person who is parted off gets an identity that was seen, sealed under a
 * key of their own; a document moves with the person it belongs to.
 */
import type { Session } from '../database/database.ts';
import { storeRecords } from '../matching/match.ts';
import { AssentError } from '../model/error.ts';
import { checkIdentityNumber, normaliseName } from '../model/identity-number.ts';
import type { IdentityKind } from '../model/record.ts';
import {
  type Decision,
  type IdentityEvent,
  mergePeople,
  type Parting,
  splitPerson,
  undoIdentityEvent,
} from './identity-events.ts';
import { featuresOf } from './identity-pieces.ts';
import { livingSubject, notMovable } from './people.ts';
import type { Registry } from './registry.ts';
import { lockPeople } from './serialise.ts';

/** An identity as the operator has seen it. */
export interface GivenIdentity {
  readonly kind: IdentityKind;
  readonly country: string | null;
  readonly number: string;
  readonly name: string;
  readonly birth_date: string;
}

export interface PreparedIdentity {
  /** Null: a furnisher's own reference, which is nobody's document. */
  readonly document: Uint8Array | null;
  readonly details: Uint8Array;
  /** What is sealed. */
  readonly text: string;
}

/** Checks, normalises and hashes an identity as intake does. @throws identity_invalid */
export function prepareIdentity(registry: Registry, given: GivenIdentity): PreparedIdentity {
  const { kind, country, name, birth_date } = given;
  const today = registry.now().toISOString().slice(0, 10);
  const checked = checkIdentityNumber(kind, given.number, { country, today });
  if (!checked.ok) throw new AssentError('identity_invalid', { detail: checked.reason });
  const number = checked.normalised;
  return {
    document:
      kind === 'furnisher_reference'
        ? null
        : registry.ring.keyedHash('document', kind, country ?? '', '', number),
    details: registry.ring.keyedHash('details', normaliseName(name), birth_date),
    text: JSON.stringify({ kind, country, number, name, birth_date }),
  };
}

/** Who holds a document; null: nobody. */
export async function holderOf(session: Session, document: Uint8Array): Promise<string | null> {
  const { rows } = await session.query<{ subject_id: string }>(
    'select subject_id from subject_document where document_hash = $1',
    [document],
  );
  return rows[0]?.subject_id ?? null;
}

/** Merges one person into another. @throws identity_not_movable */
export async function merge(
  registry: Registry,
  way: { readonly from_id: string; readonly into_id: string },
  decision: Decision,
): Promise<string> {
  return registry.db.transaction((session) => mergePeople(registry, session, way, decision));
}

/** Undoes a merge or a split. @throws identity_event_unknown, identity_not_movable */
export async function undo(registry: Registry, id: string, decision: Decision): Promise<string> {
  return registry.db.transaction((session) => undoIdentityEvent(registry, session, id, decision));
}

export interface SplitRequest
  extends Pick<Parting, 'from_id' | 'locators' | 'account_ids' | 'authorisation_ids'> {
  /** One who was merged into the person before; or the identity of whom to part off. */
  readonly to: { readonly subject_id: string } | { readonly identity: GivenIdentity };
}

async function makePerson(
  registry: Registry,
  session: Session,
  given: GivenIdentity,
  fromId: string,
): Promise<{ readonly to_id: string; readonly documents: readonly string[] }> {
  const prepared = prepareIdentity(registry, given);
  const to_id = registry.newId();
  const key = registry.ring.newSubjectKey();
  await session.query(
    `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
       created_at) values ($1, $2, $3, $4, $5, $6)`,
    [
      to_id,
      given.kind,
      key.wrapped,
      key.seal(Buffer.from(prepared.text), `subject ${to_id}`),
      prepared.details,
      registry.now(),
    ],
  );
  const features = featuresOf(registry, given);
  await storeRecords(session, [{ subject_id: to_id, record_id: to_id, features }]);
  if (prepared.document === null) return { to_id, documents: [] };
  const holder = await holderOf(session, prepared.document);
  if (holder === fromId)
    return { to_id, documents: [Buffer.from(prepared.document).toString('hex')] };
  if (holder !== null) throw new AssentError('identity_taken');
  await session.query('insert into subject_document (document_hash, subject_id) values ($1, $2)', [
    prepared.document,
    to_id,
  ]);
  return { to_id, documents: [] };
}

/** Documents that came with one who was merged: those of the merge's own list. */
async function documentsOf(session: Session, fromId: string, toId: string): Promise<string[]> {
  const { rows } = await session.query<{ key: string }>(
    `select k.value ->> 0 as key from identity_event e
     cross join jsonb_array_elements(coalesce(e.moved #> '{rows,subject_document}', '[]')) k
     where e.kind = 'merge' and e.from_id = $1 and e.to_id = $2`,
    [toId, fromId],
  );
  return rows.map(({ key }) => key.replace(/^\\x/, ''));
}

/**
 * Takes what is somebody else's out of a mixed file.
 * @returns the event and who it went to. @throws identity_not_movable, identity_taken,
 * identity_invalid
 */
export async function split(
  registry: Registry,
  request: SplitRequest,
  decision: Decision,
): Promise<{ readonly event_id: string; readonly to_id: string }> {
  const { to, ...wanted } = request;
  return registry.db.transaction(async (session) => {
    await lockPeople(session);
    if ((await livingSubject(session, wanted.from_id)) !== wanted.from_id)
      notMovable('there is no such person, or it was merged into another');
    if ('subject_id' in to && (await livingSubject(session, to.subject_id)) !== wanted.from_id)
      notMovable('only one who was merged into the person, or a new one, can be parted off');
    const { to_id, documents } =
      'identity' in to
        ? await makePerson(registry, session, to.identity, wanted.from_id)
        : {
            to_id: to.subject_id,
            documents: await documentsOf(session, wanted.from_id, to.subject_id),
          };
    const parting = { ...wanted, to_id, documents };
    return { event_id: await splitPerson(registry, session, parting, decision), to_id };
  });
}

/** What was done to people, newest first. @param subjectId null: to anybody */
export async function listIdentityEvents(
  registry: Registry,
  subjectId: string | null,
  limit: number,
): Promise<IdentityEvent[]> {
  const { rows } = await registry.db.query<IdentityEvent>(
    `select e.event_id, e.kind, e.from_id, e.to_id, e.at, e.by_party, e.why, e.evidence_sha256,
       e.undoes, (select coalesce(jsonb_object_agg(r.key, jsonb_array_length(r.value)), '{}')
         from jsonb_each(e.moved -> 'rows') r) as rows
     from identity_event e
     where $1::text is null or e.from_id::text = $1 or e.to_id::text = $1
     order by e.at desc, e.event_id limit $2`,
    [subjectId, limit],
  );
  return rows;
}
