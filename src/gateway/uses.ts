/**
 * How often an authorisation was used: the hand-overs that sent rows under it.
 *
 * What must stay true: one hand-over is one use, however many rows it sent; one that the registry
 * rejected as a whole is none. Source: ReBIT's ConsentUse (domain facts 3.4), lessons 10.
 */
import type { Session } from '../database/database.ts';

export interface Use {
  readonly count: number;
  /** ISO 8601, UTC; null when it was never used. */
  readonly last_used_at: string | null;
}

// Over the accounts of the person: a row of a hand-over is found by its account.
const USES = `
  select count(*) as count, max(used_at) as last_used_at
  from (select use_id, min(used_at) as used_at
        from (select h.handover_id as use_id, h.decided_at as used_at
              from authorisation a
              join account k on k.subject_id = a.subject_id
              cross join handover h
              join handover_row r on r.handover_id = h.handover_id and r.account_id = k.account_id
              where a.authorisation_id = $1::uuid and r.authorisation_id = a.authorisation_id
                and r.withheld_since is null and h.state <> 'rejected'
              union all
              select u.use_id, u.used_at from authorisation a
              join authorisation_use u on u.subject_id = a.subject_id
                and u.authorisation_id = a.authorisation_id
              where a.authorisation_id = $1::uuid) every_use
        where used_at <= $2::timestamptz group by use_id) each_use`;

/** Uses up to a moment. A limited authorisation also counts what it took over in its arrangement. */
export async function usesOf(session: Session, id: string, moment: Date): Promise<Use> {
  const { rows } = await session.query<{ count: number; last_used_at: Date | null }>(USES, [
    id,
    moment,
  ]);
  const [row] = rows;
  return { count: row?.count ?? 0, last_used_at: row?.last_used_at?.toISOString() ?? null };
}
