/**
 * After an erasure: the files of the database are written anew, so that no byte of what was
 * deleted is left in them. A deleted row stays in its page, and a sample of it in the planner's
 * statistics, until something else is written there.
 *
 * What must stay true: only tables that hold something of an identity are rewritten; each is
 * locked while it is. On an embedded database the write-ahead log is cut too; on a server it is
 * the server's (docs/OPERATIONS.md).
 */
import type { Database } from '../database/database.ts';
import { allOwnedTables } from './owned-tables.ts';

/** Tables with hashes of identities, besides those with a column `…_sealed`. */
const HASHED: readonly string[] = [
  'subject',
  'subject_document',
  'identity_case',
  'identity_decision',
  'identity_event',
  'match_key',
  'match_record',
  'match_term',
  'match_waiting',
];

/** Rewrites what holds identities. Not to be called within a transaction. */
export async function rewriteErased(db: Database): Promise<void> {
  const owned = await allOwnedTables(db);
  const sealed = owned.filter(({ columns }) => columns.some((name) => name.endsWith('_sealed')));
  const names = new Set([...HASHED, ...sealed.map(({ name }) => name)]);
  for (const name of [...names].sort()) {
    // sql: names of tables, constants or from the catalogue, quoted; VACUUM takes no parameters.
    await db.query(`vacuum (full, analyze) "${name}"`);
  }
  await db.query('vacuum full pg_statistic');
  if (db.backend !== 'pglite') return;
  // One process is the whole server here: what it sets, the checkpoint heeds.
  await db.query('set wal_recycle to off');
  await db.query('select pg_switch_wal()');
  await db.query('checkpoint');
}
