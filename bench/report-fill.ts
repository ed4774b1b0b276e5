/**
 * A registry full of people for the bench of reports: one account each, 24 months, an approval to
 * furnish and one to look. Made by the database itself, so that a million take minutes.
 */
import { createHash } from 'node:crypto';
import { sampleRecord } from '../src/authorisation/sample-record.ts';
import type { Database } from '../src/database/database.ts';
import { publicJwks } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { addMonths, firstDay, lastDay, nextPeriod } from '../src/model/period.ts';
import { admitParticipant } from '../src/participants/participant.ts';

export const MONTHS = 24;
const FIRST_PERIOD = '2024-06';
export const FURNISHER = '00000000-0000-4000-8000-0000000000f1';
export const ENQUIRER = '00000000-0000-4000-8000-0000000000e1';
export const REGISTRY = '00000000-0000-4000-8000-0000000000a0';
const SUBMISSION = '00000000-0000-4000-8000-0000000000d1';

/** SQL of person `n`'s ids; the same text serves the server, the clients and pgbench. */
export const idSql = (kind: 's' | 'a' | 'f' | 'q' | 'e', n: string) =>
  `md5('${kind}' || ${n})::uuid`;

/** The same in JavaScript. */
export const uuidOf = (kind: string, n: number) =>
  createHash('md5')
    .update(`${kind}${n}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const AUTHORISATION = `
  insert into authorisation (subject_id, authorisation_id, arrangement_id, profile, provider_id,
    recipient_class, recipient_id, purpose, legal_basis, products, classes, mode, fetch_type,
    starts_at, service_conditional, has_necessity, notice_id, notice_version, record_sha256,
    recorded_at, state, last_seq, subject_ref, in_writing, widens_recipients)
  select md5('s' || n)::uuid, md5($2 || n)::uuid, md5($2 || n)::uuid, 'CN', $3::uuid, $4, $5::uuid,
    $6, 'consent', '{revolving_line}', '{IDENTITY,MONTHLY_PERFORMANCE,HISTORY}', $7, 'PERIODIC',
    '2024-01-01', false, false, 'n', 1, '\\x00', '2024-01-01', 'given', 1, md5('s' || n)::uuid, true, false
  from generate_series(1, $1::int) n`;
/** $1 how many, $2 of which kind, $3 the record of one of them. */
const RECORD = `
  insert into authorisation_record (subject_id, authorisation_id, record)
  select md5('s' || n)::uuid, md5($2 || n)::uuid,
    replace($3, '00000000-0000-4000-8000-000000000001', (md5($2 || n)::uuid)::text)::json
  from generate_series(1, $1::int) n`;

async function fillMonths(db: Database, subjects: number): Promise<void> {
  for (let index = 0; index < MONTHS; index += 1) {
    const period = addMonths(FIRST_PERIOD, index);
    const name = `account_month_${period.replace('-', '_')}`;
    // sql: a period of this file's own; DDL takes no parameters.
    await db.query(`create table if not exists ${name} partition of account_month
      for values from ('${firstDay(period)}') to ('${firstDay(nextPeriod(period))}')`);
    await db.query(
      `insert into account_month (subject_id, account_id, period, revision, as_of, status,
         limit_minor, borrowed_minor, balance_minor, due_minor, paid_minor, days_past_due,
         past_due_minor, first_delinquency_on, authorisation_id, submission_id, row_number)
       select md5('s' || n)::uuid, md5('a' || n)::uuid, $2::date, 1, $3::date, 'open', 500000, 1000,
         100000 + n % 1000, 10000, 9000,
         case when (n + $4::int) % 50 = 0 then 20 else 0 end,
         case when (n + $4::int) % 50 = 0 then 700 end, null, md5('f' || n)::uuid, $5::uuid, n
       from generate_series(1, $1::int) n order by 1`,
      [subjects, firstDay(period), lastDay(period), index, SUBMISSION],
    );
  }
}

/** Fills an empty, migrated registry. Every subject's key is the same: there is one to open. */
export async function fillRegistry(
  db: Database,
  ring: KeyRing,
  enquirerRing: KeyRing,
  subjects: number,
): Promise<void> {
  for (const [participant_id, role, own] of [
    [FURNISHER, 'furnisher', ring],
    [ENQUIRER, 'enquirer', enquirerRing],
  ] as const)
    await admitParticipant(db, {
      ...{ participant_id, role, name: role, licence_id: role, brands: [] },
      jwks: publicJwks(own),
      admitted_at: new Date('2024-01-01T00:00:00Z'),
    });
  await db.query(
    `insert into submission (submission_id, furnisher_id, period, state, profile, rule_set_version,
       declared_at, completed_at) values ($1, $2, '2024-06-01', 'done', 'CN', 1, '2024-07-01', '2024-07-01')`,
    [SUBMISSION, FURNISHER],
  );
  await db.query(
    `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash, created_at)
     select md5('s' || n)::uuid, 'passport', $2, '\\x00', '\\x00', '2024-01-01'
     from generate_series(1, $1::int) n order by 1`,
    [subjects, ring.newSubjectKey().wrapped],
  );
  await db.query(
    `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind, currency,
       opened_on, submission_id)
     select md5('s' || n)::uuid, md5('a' || n)::uuid, 1, $2, md5('r' || n)::uuid, 'revolving_line', 'CNY',
       '2024-01-15', $3 from generate_series(1, $1::int) n order by 1`,
    [subjects, FURNISHER, SUBMISSION],
  );
  const look = sampleRecord({
    parties: { provider_id: REGISTRY, recipient_class: 'lender', recipient_id: ENQUIRER },
    purpose: { code: 'Q1' },
    limits: { mode: 'VIEW', starts_at: '2024-01-01T00:00:00.000Z' },
  });
  const furnish = sampleRecord({
    parties: { provider_id: FURNISHER },
    limits: { starts_at: '2024-01-01T00:00:00.000Z' },
  });
  await db.query(AUTHORISATION, [subjects, 'q', REGISTRY, 'lender', ENQUIRER, 'Q1', 'VIEW']);
  await db.query(RECORD, [subjects, 'q', JSON.stringify(look)]);
  await db.query(AUTHORISATION, [subjects, 'f', FURNISHER, 'registry', null, 'F1', 'STORE']);
  await db.query(RECORD, [subjects, 'f', JSON.stringify(furnish)]);
  await fillMonths(db, subjects);
  await db.query('vacuum analyze');
  // What filling left to be written is written now, and not while something is measured. Needs the
  // role pg_checkpoint.
  await db.query('checkpoint').catch(() => {});
}
