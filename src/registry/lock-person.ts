/**
 * Holding a person's row: whoever looks, merges, erases or ends an authorisation of theirs waits
 * for the others.
 *
 * What must stay true: who was waited for may have moved the authorisation to another person, so
 * whose it is is asked again once the row is held.
 */
import type { Session } from '../database/database.ts';

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
