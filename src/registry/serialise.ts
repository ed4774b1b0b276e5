/**
 * Who waits for whom at the registry: changes of a furnisher's authorisations against the months
 * that are being stored on their strength.
 *
 * What must stay true: a change takes the furnisher's lock alone and ticks its clock; a part of
 * months commits while it shares the lock, after it has seen that none of its people changed
 * since they were judged. So no row is stored on the strength of a state that had ended when the
 * row was committed. The lock is held only while the database works, never while another part is
 * waited for. Parts that find people share one lock which a merge, a split, an erasure takes alone:
 * no row is stored under a person who was merged away meanwhile.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';

/** Changes remembered; a part that has been judged longer ago than these is judged again. */
const CHANGES_KEPT = 100_000;

/** A key in the advisory lock space for one furnisher's authorisations. */
function lockKey(furnisherId: string): number {
  return createHash('sha256').update(furnisherId).digest().readInt32BE(0);
}

/** Until the transaction ends, nobody else changes this furnisher's authorisations or relies on them. */
export async function lockAuthorisations(session: Session, furnisherId: string): Promise<void> {
  await session.query('select pg_advisory_xact_lock($1)', [lockKey(furnisherId)]);
}

/** Until the transaction ends, nobody changes this furnisher's authorisations. */
export async function relyOnAuthorisations(session: Session, furnisherId: string): Promise<void> {
  await session.query('select pg_advisory_xact_lock_shared($1)', [lockKey(furnisherId)]);
}

/** A key of our own in the advisory lock space ("peop"). */
const PEOPLE_LOCK = 0x70656f70;

/**
 * Until the transaction ends, nobody else finds or makes people, or moves what is theirs. Take it
 * before `lockAuthorisations`.
 */
export async function lockPeople(session: Session): Promise<void> {
  await session.query('select pg_advisory_xact_lock($1)', [PEOPLE_LOCK]);
}

/** Until the transaction ends, nobody is merged, split or erased: who was found stays who it is. */
export async function relyOnPeople(session: Session): Promise<void> {
  await session.query('select pg_advisory_xact_lock_shared($1)', [PEOPLE_LOCK]);
}

/** The furnisher's clock: how many changes there were. */
export async function readClock(session: Session, furnisherId: string): Promise<number> {
  const { rows } = await session.query<{ ticks: number }>(
    'select ticks from authorisation_clock where provider_id = $1',
    [furnisherId],
  );
  return rows[0]?.ticks ?? 0;
}

/** Notes that authorisations of these people changed. Call it with `lockAuthorisations`. */
export async function tickClock(
  session: Session,
  furnisherId: string,
  subjectIds: readonly string[],
): Promise<void> {
  if (subjectIds.length === 0) return;
  const { rows } = await session.query<{ ticks: number }>(
    `insert into authorisation_clock (provider_id, ticks) values ($1, $2)
     on conflict (provider_id) do update set ticks = authorisation_clock.ticks + excluded.ticks
     returning ticks`,
    [furnisherId, subjectIds.length],
  );
  const last = rows[0]?.ticks ?? 0;
  await session.query(
    `insert into authorisation_change (provider_id, tick, subject_id)
     select $1::uuid, $2::bigint + s.n, s.subject_id
     from unnest($3::uuid[]) with ordinality as s (subject_id, n)`,
    [furnisherId, last - subjectIds.length, [...subjectIds]],
  );
  await session.query('delete from authorisation_change where provider_id = $1 and tick <= $2', [
    furnisherId,
    last - CHANGES_KEPT,
  ]);
}

/**
 * Whether people of the staged months changed, or anybody was erased, since the clock stood at
 * `since`. Call it with `relyOnAuthorisations`: then the answer holds until the transaction ends.
 */
export async function hasChangedSince(
  session: Session,
  furnisherId: string,
  since: number,
): Promise<boolean> {
  const clock = await readClock(session, furnisherId);
  if (clock === since) return false;
  if (clock - since >= CHANGES_KEPT) return true;
  const { rows } = await session.query<{ changed: boolean }>(
    `select exists (select 1 from authorisation_change c
         join account_locator l on l.subject_id = c.subject_id and l.furnisher_id = c.provider_id
         join stage_month m on m.account_ref = l.account_ref
         where c.provider_id = $1 and c.tick > $2)
       or exists (select 1 from authorisation_change c
         left join subject s on s.subject_id = c.subject_id
         where c.provider_id = $1 and c.tick > $2 and s.subject_id is null) as changed`,
    [furnisherId, since],
  );
  return rows[0]?.changed !== false;
}
