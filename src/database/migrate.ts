/**
 * Forward-only numbered SQL, each file in one transaction under an advisory lock.
 *
 * What must stay true: an applied file never changes (its checksum is stored), and an older
 * program refuses a database that a newer one has migrated.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { AssentError } from '../model/error.ts';
import type { Database, Session } from './database.ts';

/** A key of our own in the advisory lock space ("assent" in ASCII, cut to 31 bits). */
const MIGRATION_LOCK = 0x61737365;

const MIGRATIONS = new URL('../../sql/migrations/', import.meta.url);

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly text: string;
  readonly checksum: string;
}

/** The migrations of one program, in order. */
export function readMigrations(program: 'gateway' | 'registry'): Migration[] {
  const folder = new URL(`${program}/`, MIGRATIONS);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, folder), 'utf8');
      const checksum = createHash('sha256').update(text).digest('hex');
      return { number: Number(file.slice(0, 4)), name: file, text, checksum };
    });
}

async function applyOne(session: Session, migration: Migration, at: Date): Promise<void> {
  // Statements run one by one: the port, like the extended protocol, takes one at a time.
  for (const statement of statementsOf(migration.text)) await session.query(statement);
  await session.query(
    'insert into schema_migration (number, name, checksum, applied_at) values ($1, $2, $3, $4)',
    [migration.number, migration.name, migration.checksum, at],
  );
}

/** Splits on a semicolon at a line's end; our migrations hold no function bodies. */
export function statementsOf(text: string): string[] {
  return text
    .replace(/^\s*--.*$/gm, '')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/**
 * Brings a database to the newest schema; returns the names of the files applied.
 * @throws migration_changed when an applied file was edited, database_newer when the database
 * knows a migration that this program does not.
 */
export async function migrate(
  db: Database,
  program: 'gateway' | 'registry',
  now: () => Date,
): Promise<string[]> {
  const migrations = readMigrations(program);
  return db.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]);
    await session.query(
      `create table if not exists schema_migration (
         number int primary key, name text not null, checksum text not null,
         applied_at timestamptz not null)`,
    );
    const { rows } = await session.query<{ number: number; name: string; checksum: string }>(
      'select number, name, checksum from schema_migration order by number',
    );
    for (const row of rows) {
      const known = migrations.find((migration) => migration.number === row.number);
      if (!known) throw new AssentError('database_newer', { detail: `it has ${row.name}` });
      if (known.checksum !== row.checksum) {
        throw new AssentError('migration_changed', { detail: row.name });
      }
    }
    const todo = migrations.filter((m) => !rows.some((row) => row.number === m.number));
    for (const migration of todo) await applyOne(session, migration, now());
    return todo.map((migration) => migration.name);
  });
}
