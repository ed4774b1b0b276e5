/**
 * The records of approvals and refusals of people who were erased: the proof that what was done
 * was approved, kept for the years of the profile.
 *
 * What must stay true: a record holds no identity, and the id it stands under leads to nobody at
 * the registry; when its time has run out it goes as well.
 * Sources: GDPR 7(1) and 17(3)(e); DPDP rules (seven years); profile field `record_kept_months`.
 */
import type { Session } from '../database/database.ts';
import type { Registry } from './registry.ts';

/** An authorisation, its events, what was signed, and what its end had as effect. */
export const RECORD_TABLES: readonly string[] = [
  'authorisation',
  'authorisation_effect',
  'authorisation_event',
  'authorisation_record',
  'brought_authorisation',
  'learnt_event',
];

interface Kept {
  readonly authorisation_ids: readonly string[];
  /** When the last of them may go; null: there are none. */
  readonly until: Date | null;
}

/** Records whose time has not run out. */
export async function keptRecords(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<Kept> {
  const { rows } = await session.query<{ authorisation_id: string; until: Date }>(
    `select authorisation_id, max(at) + make_interval(months => $2::int) as until
     from authorisation_event where subject_id = $1 group by authorisation_id
     having max(at) + make_interval(months => $2::int) > $3`,
    [subjectId, registry.profile?.record_kept_months ?? 0, registry.now()],
  );
  const until = rows.reduce<Date | null>(
    (latest, row) => (latest === null || row.until > latest ? row.until : latest),
    null,
  );
  return { authorisation_ids: rows.map((row) => row.authorisation_id), until };
}

/** Deletes the records that need not stay; how many rows. @param table one of RECORD_TABLES */
export async function deleteOtherRecords(
  session: Session,
  table: string,
  subjectId: string,
  kept: readonly string[],
): Promise<number> {
  // sql: a name of RECORD_TABLES, quoted.
  const { affected } = await session.query(
    `delete from "${table}" where subject_id = $1 and authorisation_id <> all($2::uuid[])`,
    [subjectId, [...kept]],
  );
  return affected;
}

/** Deletes the records whose time has run out. */
export async function purgeRecords(registry: Registry): Promise<void> {
  await registry.db.transaction(async (session) => {
    const { rows } = await session.query<{ subject_id: string }>(
      'select subject_id from erased_person where records_until <= $1 order by subject_id',
      [registry.now()],
    );
    for (const { subject_id } of rows) {
      for (const table of RECORD_TABLES) await deleteOtherRecords(session, table, subject_id, []);
      await session.query('delete from erased_person where subject_id = $1', [subject_id]);
    }
  });
}
