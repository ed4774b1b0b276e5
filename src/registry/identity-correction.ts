/**
 * A person's name, birth date or document is corrected, on evidence.
 *
 * What must stay true: what was wrong stays, sealed, with what the correction was made on; the old
 * details of a document still lead to the person, so that a furnisher who sends them is told, not
 * turned away; a document that another person holds is never taken; look, event and message are
 * one transaction with the change.
 */
import type { Session } from '../database/database.ts';
import { removeRecord, storeRecords } from '../matching/match.ts';
import { AssentError } from '../model/error.ts';
import { type GivenIdentity, holderOf, prepareIdentity } from './identity-actions.ts';
import { claimHash, decide } from './identity-decisions.ts';
import { type Decision, recordIdentityEvent } from './identity-events.ts';
import { featuresOf } from './identity-pieces.ts';
import { livingSubject, notMovable } from './people.ts';
import { traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { lockPeople } from './serialise.ts';

export interface Correction extends Decision {
  /** Of what it is made on, lower-case hex. */
  readonly evidence_sha256: string;
}

interface Held {
  readonly identity_kind: string;
  readonly wrapped_key: Uint8Array;
  readonly identity_sealed: Uint8Array;
  readonly details_hash: Uint8Array;
}

const isEqual = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0;

/** The document of the identity as it is sealed; null: a furnisher's own reference. */
function documentOf(registry: Registry, id: string, held: Held): Uint8Array | null {
  const opened = registry.ring.open(held.wrapped_key, held.identity_sealed, `subject ${id}`);
  const { kind, country, number } = JSON.parse(Buffer.from(opened).toString('utf8')) as {
    kind: string;
    country: string | null;
    number: string;
  };
  if (kind === 'furnisher_reference') return null;
  return registry.ring.keyedHash('document', kind, country ?? '', '', number);
}

/** What was known until now leads to the person, and says that it was corrected. */
async function keepFormer(
  registry: Registry,
  session: Session,
  id: string,
  details: Uint8Array,
): Promise<void> {
  const { rows } = await session.query<{ document: Uint8Array }>(
    'select document_hash as document from subject_document where subject_id = $1',
    [id],
  );
  for (const { document } of rows) {
    await decide(session, claimHash(registry.ring, { document, details }), {
      subject_id: id,
      standing: 'former',
      at: registry.now(),
    });
  }
}

/** The new document is the person's, the one before is not. */
async function replaceDocument(
  session: Session,
  id: string,
  before: Uint8Array | null,
  document: Uint8Array | null,
): Promise<void> {
  if (document === null) return;
  const holder = await holderOf(session, document);
  if (holder !== null && holder !== id) throw new AssentError('identity_taken');
  if (before !== null && !isEqual(before, document))
    await session.query('delete from subject_document where document_hash = $1', [before]);
  if (holder === null)
    await session.query(
      'insert into subject_document (document_hash, subject_id) values ($1, $2)',
      [document, id],
    );
}

/**
 * Corrects a person's identity. A correction to a furnisher's own reference keeps the documents.
 * @returns the event's id. @throws identity_invalid, identity_taken, identity_not_movable
 */
export async function correctIdentity(
  registry: Registry,
  subjectId: string,
  given: GivenIdentity,
  correction: Correction,
): Promise<string> {
  const prepared = prepareIdentity(registry, given);
  return registry.db.transaction(async (session) => {
    await lockPeople(session);
    const id = (await livingSubject(session, subjectId)) ?? notMovable('there is no such person');
    const { rows } = await session.query<Held>(
      `select identity_kind, wrapped_key, identity_sealed, details_hash from subject
       where subject_id = $1 for update`,
      [id],
    );
    const held = rows[0] ?? notMovable('there is no such person');
    const before = documentOf(registry, id, held);
    await keepFormer(registry, session, id, held.details_hash);
    await replaceDocument(session, id, before, prepared.document);
    await session.query(
      `insert into identity_version (subject_id, version_id, identity_kind, identity_sealed,
         details_hash, ended_at, by_party, evidence_sha256)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        id,
        registry.newId(),
        held.identity_kind,
        held.identity_sealed,
        held.details_hash,
        registry.now(),
        correction.by_party,
        correction.evidence_sha256,
      ],
    );
    const sealed = registry.ring.seal(
      held.wrapped_key,
      Buffer.from(prepared.text),
      `subject ${id}`,
    );
    await session.query(
      `update subject set identity_kind = $2, identity_sealed = $3, details_hash = $4
       where subject_id = $1`,
      [id, given.kind, sealed, prepared.details],
    );
    await removeRecord(session, { subject_id: id, record_id: id });
    await storeRecords(session, [
      { subject_id: id, record_id: id, features: featuresOf(registry, given) },
    ]);
    await traceAct(registry, session, id, {
      participant_id: correction.by_party,
      purpose: 'identity_correction',
      reason: correction.why,
    });
    return recordIdentityEvent(registry, session, {
      ...correction,
      kind: 'correct',
      from_id: id,
      to_id: id,
    });
  });
}
