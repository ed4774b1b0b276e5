/**
 * `npm run bench:score`: everybody scored from stored months, beside a plain `count(*)` over the
 * same months in the same run. Prints months a second and the ratio.
 */
import { parseArgs } from 'node:util';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { CHARACTERISTICS } from '../src/evaluation/catalogue.ts';
import { catalogueBins, catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { addMonths, firstDay } from '../src/model/period.ts';
import type { Registry } from '../src/registry/registry.ts';
import { scoreEverybody } from '../src/registry/scoring-runs.ts';

const USAGE = `npm run bench:score -- [--subjects 100000] [--months 24] [--backends pglite,postgresql]

Needs BENCH_DATABASE_URL for PostgreSQL (drops the schema assent_bench there). A million subjects
fit on PostgreSQL alone: --subjects 1000000 --backends postgresql, and some 10 GB of disk.`;
const NEWEST = '2026-06';
const DAY = '2026-06-30';
/** Months lie as the intake lays them down: part by part, each in the order of the key. */
const PART_ROWS = 50_000;
const NOBODY = '00000000-0000-4000-8000-0000000000aa';

/** One account for each subject, every second a loan; one in thirty is late in a month. */
async function fill(db: Database, subjects: number, months: number): Promise<void> {
  const id = (kind: string) => `md5('${kind}' || n)::uuid`;
  // sql: made of this file's constants.
  await db.query(
    `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind,
       currency, opened_on, original_amount_minor, term_months, submission_id)
     select ${id('s')}, ${id('a')}, 1, md5('f' || n % 50)::uuid, ${id('a')},
       case when n % 2 = 0 then 'revolving_line' else 'instalment_loan' end, 'CNY',
       date '2020-01-01' + n % 2000, 500000, 48, '${NOBODY}' from generate_series(1, $1::int) n`,
    [subjects],
  );
  // sql: made of this file's constants.
  await db.query(
    `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
       created_at)
     select ${id('s')}, 'passport', '\\x00', '\\x00', '\\x00', '2024-01-01'
     from generate_series(1, $1::int) n`,
    [subjects],
  );
  for (let age = months - 1; age >= 0; age--) {
    const period = addMonths(NEWEST, -age);
    const name = `account_month_${period.replace('-', '_')}`;
    // Filled before it is a partition: its indexes are sorted once, not grown row by row.
    // sql: made of checked periods; DDL takes no parameters.
    await db.query(`create table ${name} (like account_month including defaults)`);
    // sql: made of checked periods and this file's constants.
    await db.query(
      `insert into ${name} (subject_id, account_id, period, revision, as_of, status,
         limit_minor, balance_minor, due_minor, paid_minor, days_past_due, past_due_minor,
         authorisation_id, submission_id, row_number)
       select ${id('s')}, ${id('a')}, $2::date, 1, $2::date + 27, 'open',
         case when n % 2 = 0 then 1000000 end, (n::bigint * 7919 + $3::int * 104729) % 900000,
         20000, case when (n + $3::int) % 17 = 0 then 0 else 20000 end,
         case when (n + $3::int) % 30 = 0 then 5 + n % 90 else 0 end,
         case when (n + $3::int) % 30 = 0 then 900 end, '${NOBODY}', '${NOBODY}', n
       from generate_series(1, $1::int) n order by n / ${PART_ROWS}, 1`,
      [subjects, firstDay(period), age],
    );
    // sql: made of checked periods; DDL takes no parameters.
    await db.query(`alter table account_month attach partition ${name}
      for values from ('${firstDay(period)}') to ('${firstDay(addMonths(period, 1))}')`);
    process.stderr.write(`\rfilled ${months - age} of ${months} months `);
  }
  process.stderr.write('\n');
  await db.query('analyze account, account_month');
}

/** Every characteristic of the catalogue in five bins. */
const wideCard = () =>
  catalogueCard(1, 0, {
    characteristics: CHARACTERISTICS.map(({ id, direction }) =>
      catalogueBins(
        id,
        [0, 5, 30, 5000, null].map((upto, at) => [
          upto,
          direction === 'more_is_worse' ? 9 - at : at,
        ]),
      ),
    ),
  });

async function seconds(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

async function measure(db: Database, subjects: number, months: number): Promise<string> {
  await migrate(db, 'registry', () => new Date());
  const filled = await seconds(() => fill(db, subjects, months));
  const registry = {
    db,
    now: () => new Date(`${DAY}T12:00:00Z`),
    newId: () => crypto.randomUUID(),
    profile: loadProfile('CN'),
    notices: {},
  } as unknown as Registry;
  const count = async () => void (await db.query('select count(*) from account_month'));
  await count(); // So that both find the months where the first left them.
  const scan = await seconds(count);
  const score = await seconds(() => scoreEverybody(registry, wideCard(), DAY));
  const { rows } = await db.query<{ n: number }>('select count(*) as n from score');
  if (rows[0]?.n !== subjects) throw new Error(`${rows[0]?.n} of ${subjects} were scored`);
  const rate = (time: number) => Math.round((subjects * months) / time).toLocaleString('en');
  const people = Math.round(subjects / score).toLocaleString('en');
  return (
    `${db.backend}: ${subjects.toLocaleString('en')} subjects, ${months} months each: filled in ` +
    `${filled.toFixed(0)} s, scored ` +
    `${rate(score)} months/s (${people} subjects/s, ${score.toFixed(1)} s), count(*) ` +
    `${rate(scan)} months/s, ratio ${(scan / score).toFixed(3)}`
  );
}

const { values } = parseArgs({
  options: {
    subjects: { type: 'string', default: '100000' },
    months: { type: 'string', default: '24' },
    backends: { type: 'string', default: 'pglite,postgresql' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(`${USAGE}\n`);
else {
  for (const backend of values.backends.split(',')) {
    const url = process.env['BENCH_DATABASE_URL'];
    if (backend === 'postgresql' && !url) {
      process.stdout.write('postgresql: skipped, BENCH_DATABASE_URL is not set\n');
      continue;
    }
    let db: Database;
    if (backend === 'postgresql') {
      const bare = await openPostgresql(url ?? '');
      await bare.query('drop schema if exists assent_bench cascade');
      await bare.close();
      db = await openPostgresql(url ?? '', 'assent_bench');
    } else db = await openPglite();
    const line = await measure(db, Number(values.subjects), Number(values.months));
    process.stdout.write(`${line}\n`);
    await db.close();
  }
}
