/**
 * Authorisations that supersede others, stored: the old one is superseded in the transaction in
 * which the new one is given.
 *
 * What must stay true: never a gap and never two in force in one arrangement, under concurrency
 * too.
 */
import {
  type Succession,
  type SuccessionRefusal,
  storeJudged,
} from '../authorisation/judge-succession.ts';
import { type Entry, entriesOf } from '../authorisation/store.ts';
import { givenAt, isInForce, wasSuperseded } from '../authorisation/succession.ts';
import type { Session } from '../database/database.ts';
import { withEvent } from './append.ts';
import { type BatchInHand, type EndedById, storeInBatch } from './collect.ts';
import type { Gateway } from './gateway.ts';

/** The events that end those of the old ones that are in force. */
function endings(gateway: Gateway, given: readonly Succession[]): Entry[] {
  return given
    .filter(({ old }) => isInForce(old.state))
    .map(({ next, old }) =>
      withEvent(gateway, old.entry, {
        authorisation_id: old.record.authorisation_id,
        type: 'superseded',
        at: new Date(givenAt(next.events) ?? ''),
        reason: next.record.authorisation_id,
      }),
    );
}

/**
 * Stores entries as `storeInBatch` does, and with each that supersedes another what becomes of
 * that one. Call it in a transaction that is run again on a conflict (`retried`).
 */
export async function storeSucceeding(
  session: Session,
  gateway: Gateway,
  entries: readonly Entry[],
  batch: BatchInHand,
): Promise<{ readonly outcome: EndedById; readonly refusals: readonly SuccessionRefusal[] }> {
  const outcome: EndedById = { stored: [], unchanged: [], altered: [], invalid: [] };
  const refusals = await storeJudged(session, entries, {
    owner: { provider_id: gateway.furnisher_id, recipient_id: null },
    must_have_ended: false,
    store: async (round) => {
      const ended = await storeInBatch(session, gateway, round, batch);
      for (const part of ['stored', 'unchanged', 'altered', 'invalid'] as const)
        outcome[part].push(...(ended[part] as never[]));
      return ended.stored;
    },
    succeed: async (given) => {
      await storeInBatch(session, gateway, endings(gateway, given), batch);
    },
  });
  return { outcome, refusals };
}

/**
 * What a withdrawal reaches: whoever withdraws by an old link means what has taken its place.
 * @returns the one of the arrangement that is in force, else the last that was given; the entry
 * itself if nothing took its place
 */
export async function newestOf(session: Session, entry: Entry): Promise<Entry> {
  const { arrangement_id, authorisation_id, purpose } = entry.record;
  if (!wasSuperseded(entry.events)) return entry;
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select a.authorisation_id from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.type = 'given'
     where a.subject_id = $1 and a.arrangement_id = $2 and a.purpose = $3
       and a.authorisation_id <> $4 and a.state <> 'superseded'
     order by a.state in ('given', 'paused') desc, e.at desc, e.recorded_at desc limit 1`,
    [entry.subject_id, arrangement_id, purpose.code, authorisation_id],
  );
  const held = await entriesOf(
    session,
    rows.map((row) => row.authorisation_id),
  );
  return held[0] ?? entry;
}

/**
 * The superseded ones of an arrangement that the registry knows, when it does not know the newest:
 * a withdrawal of that one is told to it as theirs, or its rows would be shown for ever.
 */
export async function knownInPlaceOf(session: Session, entry: Entry): Promise<Entry[]> {
  const { arrangement_id, authorisation_id, purpose } = entry.record;
  if (entry.record.supersedes === null) return [];
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select a.authorisation_id from authorisation a
     join furnished_authorisation f on f.authorisation_id = a.authorisation_id
     where a.subject_id = $1 and a.arrangement_id = $2 and a.purpose = $3
       and a.state = 'superseded' and not exists (
         select 1 from furnished_authorisation k where k.authorisation_id = $4)
     order by a.authorisation_id`,
    [entry.subject_id, arrangement_id, purpose.code, authorisation_id],
  );
  return entriesOf(
    session,
    rows.map((row) => row.authorisation_id),
  );
}
