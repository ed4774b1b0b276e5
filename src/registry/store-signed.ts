/**
 * Events that are written down at the registry itself, not brought by a submission: a batch of
 * their own, which the registry signs.
 *
 * What must stay true: one writer of authorisations at a time, so that one id is stored once.
 */
import { closeBatch, collectEntries } from '../authorisation/batch.ts';
import {
  type Owner,
  type Succession,
  type SuccessionRefusal,
  storeJudged,
} from '../authorisation/judge-succession.ts';
import { type Entry, type EntryResult, lockWriters, prepare } from '../authorisation/store.ts';
import { givenAt, isInForce } from '../authorisation/succession.ts';
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

/** Ends what was in force, in the name of who signed the record that takes its place. */
async function supersede(
  registry: Registry,
  session: Session,
  given: readonly Succession[],
  byParty: string,
): Promise<void> {
  for (const { next, old } of given.filter((each) => isInForce(each.old.state))) {
    const event = {
      seq: old.events.length + 1,
      type: 'superseded' as const,
      at: givenAt(next.events) ?? '',
      by_party: byParty,
      reason: next.record.authorisation_id,
    };
    const ended = { ...old.entry, events: [...old.events, event] };
    const { result } = await storeSigned(registry, session, ended, byParty);
    if (result !== 'stored') throw new Error('what is in force may be superseded');
  }
}

/**
 * The same of an entry that may supersede another: stored if it may.
 * @param by.supersedes whether that ends the other; otherwise it must have ended before
 */
export async function storeSignedJudged(
  registry: Registry,
  session: Session,
  entry: Entry,
  by: { readonly party: string; readonly owner: Owner; readonly supersedes: boolean },
): Promise<StoredJudged> {
  const { problem } = prepare(entry);
  if (problem !== null) return { result: { result: 'invalid', problem }, refusal: null };
  const results: EntryResult[] = [];
  const [refusal] = await storeJudged(session, [entry], {
    owner: by.owner,
    must_have_ended: !by.supersedes,
    store: async (entries) => {
      for (const each of entries)
        results.push(await storeSigned(registry, session, each, by.party));
      return results[0]?.result === 'stored' ? [entry.record.authorisation_id] : [];
    },
    succeed: (given) => supersede(registry, session, given, by.party),
  });
  if (refusal) return { result: null, refusal };
  const [result] = results;
  if (!result) throw new Error('an entry was neither stored nor refused');
  return { result, refusal: null };
}
