/**
 * What the end of an authorisation does to the months that are held under it.
 *
 * What must stay true: the effect is the stricter, for the person, of the record's and the
 * profile's, and takes place in the transaction that ends the authorisation; adverse months keep
 * their statutory clock and months that another authorisation covers stay; what is erased leaves
 * a certificate that says how many rows of which submission, never what they said.
 * The table is in docs/FEED.md.
 */
import type { Profile } from '../authorisation/profile.ts';
import { hasEnded, WITHDRAWAL_EFFECTS, type WithdrawalEffect } from '../authorisation/record.ts';
import type { Entry } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { leafHash, MerkleTree } from '../log/merkle.ts';
import type { Registry } from './registry.ts';
import {
  CLOCK,
  CLOCK_RUNS,
  CLOCK_STARTS,
  COVERED,
  MONTHS_OF_SUBJECT,
  SUBJECT,
  VISIBILITY_PARAMS,
  visibilityParams,
} from './visibility.ts';

/** The stricter of two; WITHDRAWAL_EFFECTS ascends. */
export function stricterEffect(left: WithdrawalEffect, right: WithdrawalEffect): WithdrawalEffect {
  const rank = (effect: WithdrawalEffect) => WITHDRAWAL_EFFECTS.indexOf(effect);
  return rank(left) >= rank(right) ? left : right;
}

/** The effect of a state on the rows held under a record; null when it has none. */
export function effectOf(
  state: string,
  ofRecord: WithdrawalEffect,
  profile: Profile | null,
): WithdrawalEffect | null {
  const after: readonly string[] = ['withdrawn', ...(profile?.effect_after ?? [])];
  if (!after.includes(state)) return null;
  return stricterEffect(ofRecord, profile?.withdrawal_effect ?? 'STOP_AND_RESTRICT');
}

/** The record and those before it in its arrangement, whose rows it had taken over. */
async function arrangementOf(session: Session, entry: Entry): Promise<string[]> {
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select authorisation_id from authorisation
     where subject_id = $1 and (authorisation_id = $2
       or (arrangement_id = $3 and provider_id = $4 and state = 'superseded'))
     order by authorisation_id`,
    [
      entry.subject_id,
      entry.record.authorisation_id,
      entry.record.arrangement_id,
      entry.record.parties.provider_id,
    ],
  );
  return rows.map((row) => row.authorisation_id);
}

/** The name of an erased month row `n`, as it enters the certificate. */
export const ERASED_LEAF = `'assent/erased/1' || chr(9)
    || n.submission_id || chr(9) || n.row_number || chr(9) || n.account_id || chr(9)
    || to_char(n.period, 'YYYY-MM') || chr(9) || n.revision`;

export interface ErasedRow {
  readonly authorisation_id: string;
  readonly submission_id: string;
  readonly leaf: string;
}

/** Merkle root over the names of rows, in the order of their row numbers in the submission. */
function rootOf(rows: readonly ErasedRow[]): Uint8Array {
  const tree = new MerkleTree();
  tree.addHashes(Buffer.concat(rows.map(({ leaf }) => leafHash(Buffer.from(leaf)))));
  return tree.root();
}

const IDS = `$${VISIBILITY_PARAMS + 2}::uuid[]`;

/**
 * A month is erased with all its revisions when the newest of them stands under one of these
 * authorisations and nothing lets it stay. Late months that stay keep the clock they have.
 */
const ERASE = `
  with doomed as materialized (
    select n.account_id, n.period
    from ${MONTHS_OF_SUBJECT}
    where n.authorisation_id = any(${IDS}) and $2::uuid is not null
      and not ${CLOCK_RUNS} and not ${COVERED}),
  staying as materialized (
    select n.account_id, n.period, ${CLOCK_STARTS} as starts
    from ${MONTHS_OF_SUBJECT}
    where n.days_past_due > 0 and n.account_id in (select account_id from doomed)
      and (n.account_id, n.period) not in (select account_id, period from doomed)),
  kept as (
    insert into kept_clock (subject_id, account_id, period, clock, starts)
    select ${SUBJECT}, account_id, period, ${CLOCK}, starts from staying
    where starts is not null
    on conflict do nothing)
  delete from account_month n using doomed d
  where n.subject_id = ${SUBJECT} and d.account_id = n.account_id and d.period = n.period
  returning n.authorisation_id, n.submission_id, n.row_number, ${ERASED_LEAF} as leaf`;

/** A clock goes with its month. */
const DROP_CLOCKS = `delete from kept_clock x where x.subject_id = $1 and not exists (
  select 1 from account_month n where n.subject_id = x.subject_id
    and n.account_id = x.account_id and n.period = x.period)`;

/** Erases months under these authorisations, but for those that stay, and certifies it. */
export async function eraseMonths(
  registry: Registry,
  session: Session,
  subjectId: string,
  ids: readonly string[],
): Promise<void> {
  // sql: made of the constants above.
  const { rows } = await session.query<ErasedRow & { row_number: number }>(ERASE, [
    ...visibilityParams(registry),
    subjectId,
    [...ids],
  ]);
  if (rows.length > 0) await session.query(DROP_CLOCKS, [subjectId]);
  await certifyErasure(registry, session, subjectId, rows);
}

/** Certifies what was erased, for each authorisation and submission, in that transaction. */
export async function certifyErasure(
  registry: Registry,
  session: Session,
  subjectId: string,
  rows: (ErasedRow & { readonly row_number: number })[],
): Promise<void> {
  const batches = new Map<string, ErasedRow[]>();
  for (const row of rows.sort((a, b) => a.row_number - b.row_number)) {
    const key = `${row.authorisation_id} ${row.submission_id}`;
    batches.set(key, [...(batches.get(key) ?? []), row]);
  }
  for (const batch of batches.values()) {
    const [first] = batch;
    if (!first) continue;
    await session.query(
      `insert into erasure (subject_id, authorisation_id, submission_id, erased_at, months,
         merkle_root)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        subjectId,
        first.authorisation_id,
        first.submission_id,
        registry.now(),
        batch.length,
        rootOf(batch),
      ],
    );
  }
}

/** Authorisations of a person with a provider whose months are to be erased once nothing covers them. */
async function erasing(session: Session, { subject_id, record }: Entry): Promise<string[]> {
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select w.authorisation_id from authorisation_effect w
     join authorisation a on a.subject_id = w.subject_id and a.authorisation_id = w.authorisation_id
     where w.subject_id = $1 and w.effect = 'STOP_AND_ERASE' and a.provider_id = $2
     order by w.authorisation_id`,
    [subject_id, record.parties.provider_id],
  );
  return rows.map((row) => row.authorisation_id);
}

interface End {
  readonly state: string;
  /** When it happened. */
  readonly since: string;
}

/**
 * Lets an authorisation's end take effect on what is held: what stood under it, and what another
 * end would have erased had this one not covered it. Call it in the transaction that stores the
 * event; again, it changes nothing.
 */
export async function takeEffect(
  registry: Registry,
  session: Session,
  entry: Entry,
  end: End,
): Promise<void> {
  // Only furnishing puts rows here; what was superseded is covered by what took its place.
  if (entry.record.parties.recipient_class !== 'registry') return;
  if (!hasEnded(end.state) || end.state === 'superseded') return;
  const effect = effectOf(end.state, entry.record.withdrawal.effect, registry.profile);
  if (effect !== null) await keepEffect(session, entry, effect, end);
  const ids = await erasing(session, entry);
  if (ids.length > 0) await eraseMonths(registry, session, entry.subject_id, ids);
}

async function keepEffect(
  session: Session,
  entry: Entry,
  effect: WithdrawalEffect,
  end: End,
): Promise<void> {
  // The names of the effects fall with their strictness: the least is the strictest. Once the
  // person has withdrawn it counts from then: an end before was not their choice.
  for (const id of await arrangementOf(session, entry)) {
    await session.query(
      `insert into authorisation_effect (subject_id, authorisation_id, effect, by_subject, since)
       values ($1, $2, $3, $4, $5)
       on conflict (subject_id, authorisation_id) do update set
         effect = least(authorisation_effect.effect, excluded.effect),
         by_subject = authorisation_effect.by_subject or excluded.by_subject,
         since = case when authorisation_effect.by_subject = excluded.by_subject
             then least(authorisation_effect.since, excluded.since)
           when excluded.by_subject then excluded.since else authorisation_effect.since end`,
      [entry.subject_id, id, effect, end.state === 'withdrawn', end.since],
    );
  }
}
