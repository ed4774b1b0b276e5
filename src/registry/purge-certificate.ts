/**
 * The certificate of a purge: how many rows of what, and the Merkle root (RFC 9162) over their
 * names in order. Nothing of what they said, nor of whom.
 */
import type { Session } from '../database/database.ts';
import { leafHash, rootOf } from '../log/merkle.ts';
import type { Registry } from './registry.ts';

export interface PurgedRow {
  readonly leaf: string;
  /** Of a month: the submission that brought it. */
  readonly submission_id?: string;
}

/** Certifies what was purged, in its transaction; nothing when nothing was. */
export async function certifyPurge(
  registry: Registry,
  session: Session,
  kind: string,
  keptMonths: number,
  rows: readonly PurgedRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const leaves = rows.map(({ leaf }) => leaf).sort();
  const root = rootOf(Buffer.concat(leaves.map((leaf) => leafHash(Buffer.from(leaf)))));
  const certificate_id = registry.newId();
  await session.query(
    `insert into purge_certificate (certificate_id, kind, purged_at, kept_months, purged_rows,
       merkle_root) values ($1, $2, $3, $4, $5, $6)`,
    [certificate_id, kind, registry.now(), keptMonths, rows.length, root],
  );
  const counts = new Map<string, number>();
  for (const { submission_id: id } of rows) if (id) counts.set(id, (counts.get(id) ?? 0) + 1);
  await session.query(
    `insert into purged_submission (certificate_id, submission_id, months)
     select $1::uuid, t.id, t.n from unnest($2::uuid[], $3::bigint[]) t (id, n)`,
    [certificate_id, [...counts.keys()], [...counts.values()]],
  );
}
