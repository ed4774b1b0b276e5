/**
 * `npm run bench:gate`: the gate with all its checks against the gate of the first cut, over the
 * same book in the same run, in turns. Prints the ratio of the medians; 1.3 is the most allowed.
 */
import { parseArgs } from 'node:util';
import { loadProfile } from '../src/authorisation/profile.ts';
import { sampleRecord } from '../src/authorisation/sample-record.ts';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { decidePeriod } from '../src/gateway/gate.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { decideAsFirstCut } from './first-cut.ts';

const USAGE = `npm run bench:gate -- [--rows 1000000] [--rounds 5] [--backends pglite,postgresql]

Needs BENCH_DATABASE_URL for PostgreSQL (drops the schema assent_bench there).`;
const PERIOD = '2026-01';
const PROVIDER = '00000000-0000-4000-8000-0000000000aa';

/** Spread over the states and limits a book has; one person in ten was never asked. */
async function fill(db: Database, rows: number): Promise<void> {
  const id = (kind: string) => `md5('${kind}' || n)::uuid`;
  const steps = [
    `insert into customer select ${id('s')}, 's' || n, 'passport', '\\x00', 1, '\\x00', '\\x00', null, ${id('t')}
     from generate_series(1, $1::int) n`,
    `insert into account (account_id, account_ref, subject_id, revision, kind, currency, tape_id)
     select ${id('a')}, 'a' || n, ${id('s')}, 1, 'revolving_line', 'CNY', ${id('t')} from generate_series(1, $1::int) n`,
    `insert into account_month (account_id, period, revision, as_of, status, balance_minor, days_past_due, tape_id)
     select ${id('a')}, '2026-01-01', 1, '2026-01-31', 'open', n, case when n % 50 = 0 then 5 else 0 end, ${id('t')}
     from generate_series(1, $1::int) n`,
    `insert into authorisation (subject_id, authorisation_id, arrangement_id, profile, provider_id,
       recipient_class, purpose, legal_basis, products, classes, mode, fetch_type, starts_at,
       service_conditional, has_necessity, notice_id, notice_version, record_sha256,
       recorded_at, state, last_seq, subject_ref, in_writing, widens_recipients)
     select ${id('s')}, ${id('u')}, ${id('u')}, 'EU', '${PROVIDER}', 'registry', 'F1', 'consent',
       '{revolving_line}', '{IDENTITY,MONTHLY_PERFORMANCE,HISTORY}', 'STORE', 'PERIODIC', '2025-06-01',
       false, false, 'n', 1, '\\x00', '2025-06-01',
       case when n % 5 = 0 then 'refused' else 'given' end, 1, ${id('s')}, true, false
     from generate_series(1, $1::int) n where n % 10 <> 0`,
    `insert into authorisation_event (subject_id, authorisation_id, seq, type, state, at, recorded_at, by_party, hash)
     select subject_id, authorisation_id, 1, state, state, '2025-06-01', '2025-06-01', '${PROVIDER}', '\\x00'
     from authorisation`,
    `insert into authorisation_record (subject_id, authorisation_id, record)
     select subject_id, authorisation_id, $1::json from authorisation`,
  ];
  for (const [index, text] of steps.entries()) {
    // sql: made of this file's constants.
    const params = [[rows], [rows], [rows], [rows], [], [JSON.stringify(sampleRecord())]][index];
    await db.query(text, params);
  }
  await db.query('analyze');
}

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

const median = (values: number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

async function measure(db: Database, rows: number, rounds: number): Promise<string> {
  await migrate(db, 'gateway', () => new Date());
  await fill(db, rows);
  const gateway = {
    db,
    furnisher_id: PROVIDER,
    notices: {},
    profile: loadProfile('EU'),
  } as unknown as Gateway;
  const moment = new Date('2026-02-01T00:00:00Z');
  const first: number[] = [];
  const full: number[] = [];
  for (let round = 0; round < rounds; round++) {
    first.push(
      await seconds(() =>
        db.transaction((session) => decideAsFirstCut(session, PROVIDER, '2026-01-01', moment)),
      ),
    );
    full.push(
      await seconds(() =>
        db.transaction((session) => decidePeriod(session, gateway, PERIOD, moment)),
      ),
    );
  }
  const [a, b] = [median(first), median(full)];
  return `${db.backend}: ${rows.toLocaleString('en')} rows, first cut ${a.toFixed(2)} s, full checks ${b.toFixed(2)} s, ratio ${(b / a).toFixed(2)} (${rounds} rounds in turns, medians)`;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    backends: {
      type: 'string',
      default: process.env['BENCH_DATABASE_URL'] ? 'pglite,postgresql' : 'pglite',
    },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) process.stdout.write(`${USAGE}\n`);
else {
  for (const backend of values.backends.split(',')) {
    let db: Database;
    if (backend === 'postgresql') {
      const url = process.env['BENCH_DATABASE_URL'] ?? '';
      const bare = await openPostgresql(url, 'assent_bench');
      await bare.query('drop schema assent_bench cascade');
      await bare.close();
      db = await openPostgresql(url, 'assent_bench');
    } else db = await openPglite();
    process.stdout.write(`${await measure(db, Number(values.rows), Number(values.rounds))}\n`);
    await db.close();
  }
}
