/**
 * A month or an account that was refuted as a whole is erased, where the profile says so.
 *
 * What must stay true: with all revisions, in the transaction that refuted it, and with the same
 * certificate as every other erasure; the guard stays, so that it does not come back.
 */
import type { Session } from '../database/database.ts';
import { certifyErasure, ERASED_LEAF, type ErasedRow } from './effects.ts';
import type { Registry } from './registry.ts';

export async function eraseWhole(
  registry: Registry,
  session: Session,
  whole: {
    readonly subject_id: string;
    readonly account_id: string;
    readonly period: string | null;
  },
): Promise<void> {
  // sql: a constant text.
  const { rows } = await session.query<ErasedRow & { row_number: number }>(
    `delete from account_month n where n.subject_id = $1 and n.account_id = $2
       and ($3::date is null or n.period = $3::date)
     returning n.authorisation_id, n.submission_id, n.row_number, ${ERASED_LEAF} as leaf`,
    [whole.subject_id, whole.account_id, whole.period],
  );
  await certifyErasure(registry, session, whole.subject_id, rows);
}
