/**
 * Acting for one person: their row held, and what they are told.
 *
 * What must stay true: whatever a person does over their file holds their row, as an enquiry does,
 * so that each comes before or after the other; who was waited for may have moved an authorisation
 * to another person, so whose it is is asked again once the row is held; the facts of a message name no identity, neither
 * theirs nor another's.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { Registry } from './registry.ts';

export interface HeldPerson {
  readonly subject_id: string;
  readonly wrapped_key: Uint8Array;
}

/** Holds the person's row until the transaction ends. @throws file_unknown */
export async function holdPerson(session: Session, subjectId: string): Promise<HeldPerson> {
  const { rows } = await session.query<HeldPerson>(
    'select subject_id, wrapped_key from subject where subject_id = $1::uuid for update',
    [subjectId],
  );
  const [person] = rows;
  if (!person) throw new AssentError('file_unknown');
  return person;
}

/** The person's row is held from here to the end of the transaction. */
export async function lockPerson(session: Session, subjectId: string): Promise<void> {
  const text = 'select 1 from subject where subject_id = $1::uuid for update';
  await session.query(text, [subjectId], { prepared: true });
}

/** Holds the person of an authorisation that names the enquirer; null: it names another, or none is there. */
export async function lockPersonOf(
  session: Session,
  authorisationId: string,
  enquirerId: string,
): Promise<string | null> {
  let locked: string | null = null;
  for (;;) {
    const { rows } = await session.query<{ subject_id: string }>(
      `select subject_id from authorisation
       where authorisation_id = $1::uuid and recipient_id = $2::uuid`,
      [authorisationId, enquirerId],
    );
    const found = rows[0]?.subject_id ?? null;
    if (found === null || found === locked) return found;
    locked = found;
    await lockPerson(session, locked);
  }
}

/** Writes a message to the person, in the transaction of what it tells. */
export async function tellPerson(
  registry: Registry,
  session: Session,
  subjectId: string,
  message: { readonly kind: string; readonly facts: Readonly<Record<string, unknown>> },
): Promise<void> {
  await session.query(
    `insert into message (subject_id, message_id, kind, facts, at) values ($1, $2, $3, $4, $5)`,
    [subjectId, registry.newId(), message.kind, JSON.stringify(message.facts), registry.now()],
  );
}

/** The trace of what was done to a file, by whom: it stands beside the looks. */
export async function traceAct(
  registry: Registry,
  session: Session,
  subjectId: string,
  act: { readonly participant_id: string; readonly purpose: string; readonly reason: string },
): Promise<void> {
  await session.query(
    `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
     values ($1, $2, $3, $4, $5, $6)`,
    [subjectId, registry.newId(), act.participant_id, act.purpose, act.reason, registry.now()],
  );
}
