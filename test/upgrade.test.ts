/**
 * A database of an older release is brought up to date with what it holds: records of
 * authorisations, byte for byte.
 */
import { afterEach, expect, it } from 'vitest';
import { canonicalRecord } from '../src/authorisation/canonical-record.ts';
import { sampleRecord } from '../src/authorisation/sample-record.ts';
import { entriesOf } from '../src/authorisation/store.ts';
import type { Database } from '../src/database/database.ts';
import { migrate, readMigrations, statementsOf } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';

const PERSON = '00000000-0000-4000-8000-0000000000aa';
/** The last migrations that kept the record among the columns of `authorisation`. */
const OLDER = { gateway: 18, registry: 24 } as const;
let db: Database | null = null;
afterEach(() => db?.close());

it.each(['gateway', 'registry'] as const)(
  'the records of a %s stay as they were hashed',
  async (program) => {
    const now = () => new Date('2026-01-01T00:00:00Z');
    db = await openPglite();
    await db.query(
      `create table schema_migration (number int primary key, name text not null,
       checksum text not null, applied_at timestamptz not null)`,
    );
    const older = readMigrations(program).filter(({ number }) => number <= OLDER[program]);
    for (const { number, name, text, checksum } of older) {
      for (const statement of statementsOf(text)) await db.query(statement);
      await db.query('insert into schema_migration values ($1, $2, $3, $4)', [
        ...[number, name, checksum, now()],
      ]);
    }
    const record = sampleRecord();
    const text = canonicalRecord(record);
    await db.query(
      `insert into authorisation (subject_id, authorisation_id, subject_ref, arrangement_id, profile,
       provider_id, recipient_class, purpose, legal_basis, products, classes, mode, fetch_type,
       starts_at, service_conditional, has_necessity, notice_id, notice_version, record,
       record_sha256, recorded_at, state, last_seq, in_writing, widens_recipients)
     values ($1, $2, $1, $2, 'EU', $3, 'registry', 'F1', 'consent', '{revolving_line}', '{HISTORY}',
       'STORE', 'PERIODIC', $4, false, false, 'n', 1, $5::json, '\\x00', $4, 'given', 1, true, false)`,
      [PERSON, record.authorisation_id, record.parties.provider_id, now(), text],
    );
    expect((await migrate(db, program, now)).length).toBeGreaterThan(0);
    const { rows } = await db.query(
      `select r.record::text as record, a.state from authorisation a join authorisation_record r
     on r.subject_id = a.subject_id and r.authorisation_id = a.authorisation_id`,
    );
    expect(rows).toEqual([{ record: text, state: 'given' }]);
    const [entry] = await entriesOf(db, [record.authorisation_id]);
    expect(entry?.record).toEqual(record);
  },
);
