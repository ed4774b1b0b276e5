/**
 * Events that are written down at the registry itself, not brought by a submission: a batch of
 * their own, which the registry signs.
 *
 * What must stay true: one writer of authorisations at a time, so that one id is stored once.
 */
import { closeBatch, collectEntries } from '../authorisation/batch.ts';
import {
  type Owner,
  type SuccessionRefusal,
  storeJudged,
} from '../authorisation/judge-succession.ts';
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

/** How it ended, or why it may not take the place of what it names. */
export type StoredJudged =
  | { readonly result: EntryResult; readonly refusal: null }
  | { readonly result: null; readonly refusal: SuccessionRefusal };

/** The same of an entry that may supersede another: stored if it may. */
export async function storeSignedJudged(
  registry: Registry,
  session: Session,
  entry: Entry,
  by: { readonly party: string; readonly owner: Owner },
): Promise<StoredJudged> {
  const { problem } = prepare(entry);
  if (problem !== null) return { result: { result: 'invalid', problem }, refusal: null };
  const results: EntryResult[] = [];
  const [refusal] = await storeJudged(session, [entry], {
    owner: by.owner,
    must_have_ended: true,
    store: async (entries) => {
      for (const each of entries)
        results.push(await storeSigned(registry, session, each, by.party));
      return results[0]?.result === 'stored' ? [entry.record.authorisation_id] : [];
    },
  });
  if (refusal) return { result: null, refusal };
  const [result] = results;
  if (!result) throw new Error('an entry was neither stored nor refused');
  return { result, refusal: null };
}
