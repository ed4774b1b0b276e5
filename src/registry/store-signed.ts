/**
 * Events that are written down at the registry itself, not brought by a submission: a batch of
 * their own, which the registry signs.
 *
 * What must stay true: one writer of authorisations at a time, so that one id is stored once.
 */
import { closeBatch, collectEntries } from '../authorisation/batch.ts';
import { type Entry, type EntryResult, lockWriters, prepare } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import type { Registry } from './registry.ts';

/** Stores one entry in a transaction. @param byParty who brought it; named where it is refused */
export async function storeSigned(
  registry: Registry,
  session: Session,
  entry: Entry,
  byParty: string,
): Promise<EntryResult> {
  await lockWriters(session);
  const { results, batch_id } = await collectEntries(session, [prepare(entry)], {
    recorded_at: registry.now(),
    by_party: byParty,
    collector_id: registry.registry_id,
    newId: registry.newId,
    batch_id: null,
  });
  if (batch_id !== null)
    await closeBatch(session, batch_id, { ring: registry.ring, at: registry.now() });
  const [result] = results;
  if (!result) throw new Error('an entry without a result');
  return result;
}
