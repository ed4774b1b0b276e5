/**
 * Lays lives into a gateway's database: the book in bulk, the events wave by wave, as it would
 * have learned of them.
 *
 * What must stay true: events enter through the store that the programs use, and entering twice
 * changes nothing.
 */
import { randomUUID } from 'node:crypto';
import { type Entry, prepare, storeEntries } from '../../src/authorisation/store.ts';
import type { Database } from '../../src/database/database.ts';
import { type Calendar, type Life, PROVIDER } from './life.ts';

/** The system and the oracle differ. The message is the whole case, for one person. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement';
}

/** Stores entries as of a moment; returns how many came to which result. */
export async function store(
  db: Database,
  entries: readonly Entry[],
  at: string,
): Promise<Readonly<Record<string, number>>> {
  const { results } = await storeEntries(db, entries.map(prepare), {
    recorded_at: new Date(at),
    by_party: PROVIDER,
    newId: randomUUID,
    batch_id: PROVIDER,
    leafIndex: (position) => position,
  });
  const counts: Record<string, number> = {};
  for (const { result } of results) counts[result] = (counts[result] ?? 0) + 1;
  return counts;
}

/** Empties a gateway's database and lays the lives into it. @throws Disagreement */
export async function fill(
  db: Database,
  lives: readonly Life[],
  calendar: Calendar,
): Promise<void> {
  await db.query(
    'truncate customer, account, account_month, authorisation, authorisation_record, authorisation_event, authorisation_use',
  );
  const accounts = lives.flatMap((life) =>
    life.accounts.map((account) => ({ subject_id: life.subject_id, ...account })),
  );
  await db.query(
    `insert into customer (subject_id, subject_ref, identity_kind, identity_hash, identity_version,
       wrapped_key, identity_sealed, adult_from, tape_id)
     select subject_id, subject_id::text, 'passport', '\\x00', 1, '\\x00', '\\x00', adult_from, subject_id
     from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, adult_from date)`,
    [JSON.stringify(lives.map(({ subject_id, adult_from }) => ({ subject_id, adult_from })))],
  );
  await db.query(
    `insert into account (account_id, account_ref, subject_id, revision, kind, currency, tape_id)
     select account_id, account_id::text, subject_id, 1, kind, 'CNY', subject_id
     from jsonb_to_recordset($1::jsonb) as t (account_id uuid, subject_id uuid, kind text)`,
    [JSON.stringify(accounts)],
  );
  await db.query(
    `insert into account_month (account_id, period, revision, as_of, status, balance_minor,
       days_past_due, tape_id)
     select account_id, (period || '-01')::date, revision, (period || '-28')::date, status, 1,
       days_past_due, account_id
     from jsonb_to_recordset($1::jsonb) as t (account_id uuid, period text, revision int,
       status text, days_past_due int)`,
    [
      JSON.stringify(
        accounts.flatMap(({ account_id, months }) =>
          months.map((month) => ({ account_id, ...month })),
        ),
      ),
    ],
  );
  await record(db, lives, calendar);
}

/** Events arrive wave by wave, as the database would have learned of them. */
async function record(db: Database, lives: readonly Life[], calendar: Calendar): Promise<void> {
  const uses = [];
  for (const wave of calendar.waves) {
    const recorded_at = calendar.day(wave);
    const entries: Entry[] = lives.flatMap(({ subject_id, approvals }) =>
      approvals
        .filter(({ happenings }) => happenings.some((each) => each.recorded_at === recorded_at))
        .map(({ record, events, happenings }) => ({
          subject_id,
          subject_ref: subject_id,
          record,
          events: events.filter((_, n) => (happenings[n]?.recorded_at ?? '') <= recorded_at),
        })),
    );
    if (entries.length === 0) continue;
    const first = await store(db, entries, recorded_at);
    if (first['stored'] !== entries.length)
      throw new Disagreement(`not stored: ${JSON.stringify(first)}`);
    const again = await store(db, entries, recorded_at);
    if (again['unchanged'] !== entries.length)
      throw new Disagreement(`stored twice: ${JSON.stringify(again)}`);
  }
  for (const { subject_id, approvals } of lives) {
    for (const approval of approvals) {
      const { authorisation_id } = approval.record;
      uses.push(...approval.uses.map((use) => ({ subject_id, authorisation_id, ...use })));
    }
  }
  await db.query(
    `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
     select * from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, authorisation_id uuid,
       use_id uuid, used_at timestamptz)`,
    [JSON.stringify(uses)],
  );
}
