/**
 * Makes `examples/full.scorecard.json` and `thin.scorecard.json`: the registry's characteristics of
 * 30,000 real card clients (UCI, Taiwan 2005, CC BY 4.0), and whether they defaulted in the month
 * after. `node examples/make-scorecards.ts <UCI_Credit_Card.csv.gz>`, with Node 24.
 *
 * What must stay true: the cards read the catalogue alone, so the first run and a new registry
 * have something to show; they are examples, made of one lender's clients of long ago.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { catalogueSettings, SAMPLE_TARGET } from '../src/evaluation/catalogue-fit.ts';
import { fitCard } from '../src/evaluation/fit.ts';
import { reportHtml } from '../src/evaluation/report.ts';
import { reportOfFit } from '../src/evaluation/report-data.ts';
import { sampleOf } from '../src/evaluation/sample.ts';
import { readTable } from '../src/evaluation/table.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { loadTape } from '../src/gateway/load-tape.ts';
import { createKeyFile, loadKeyFile } from '../src/keys/key-file.ts';
import { EVERYBODY, readCharacteristics } from '../src/registry/characteristics.ts';
import type { Registry } from '../src/registry/registry.ts';
import { parseMapping } from '../src/tape/mapping.ts';

const HERE = new URL('.', import.meta.url);
const MAPPING = new URL('uci-default-credit-card.mapping.json', HERE);
const OUTCOME = 'default.payment.next.month';
const NOBODY = '00000000-0000-4000-8000-000000000000';
const CARDS = [
  { name: 'example-full', kind: 'full', day: '2005-09-30', file: 'full.scorecard' },
  { name: 'example-thin', kind: 'thin', day: '2005-06-30', file: 'thin.scorecard' },
] as const;
const BAD_MEANS = 'default on the payment of the next month, 30,000 card clients of Taiwan in 2005';

const now = () => new Date('2005-12-31T12:00:00Z');
const random = (bytes: number) => randomBytes(bytes);

async function loadBook(path: string, folder: string): Promise<Database> {
  const db = await openPglite();
  await migrate(db, 'gateway', now);
  createKeyFile(join(folder, 'keys.json'), { random, now });
  const gateway = {
    db,
    ring: loadKeyFile(join(folder, 'keys.json'), { random }),
    furnisher_id: NOBODY,
    notices: {},
    profile: loadProfile('EU'),
    now,
    newId: randomUUID,
  } as unknown as Gateway;
  const source = {
    bytes: createReadStream(path),
    name: 'uci',
    size: null,
    mapping: parseMapping(JSON.parse(readFileSync(MAPPING, 'utf8'))),
    mapping_sha256: 'uci',
  };
  const { counts } = await loadTape(gateway, source, {
    check: false,
    sign_off: 'an example',
    progress: () => {},
  });
  process.stderr.write(`${counts.rows} months read, ${counts.rejected} rejected\n`);
  return db;
}

/** The book's months in a registry's store, as if all had approved. */
async function storeAll(book: Database): Promise<Registry> {
  const db = await openPglite();
  await migrate(db, 'registry', now);
  await db.query('create table account_month_all partition of account_month default');
  const columns = `a.subject_id, m.account_id, m.period, m.revision, m.as_of, m.status, m.limit_minor,
    m.borrowed_minor, m.balance_minor, m.due_minor, m.paid_minor, m.days_past_due, m.past_due_minor`;
  await db.copyIn(
    `copy account_month (subject_id, account_id, period, revision, as_of, status, limit_minor,
       borrowed_minor, balance_minor, due_minor, paid_minor, days_past_due, past_due_minor,
       authorisation_id, submission_id, row_number) from stdin`,
    // sql: made of this file's constants.
    book.copyOut(`copy (select ${columns}, '${NOBODY}'::uuid, '${NOBODY}'::uuid, 1
      from account_month m join account a on a.account_id = m.account_id) to stdout`),
  );
  await db.copyIn(
    `copy account (subject_id, account_id, revision, furnisher_id, account_ref, kind, currency,
       opened_on, submission_id) from stdin`,
    // sql: made of this file's constants.
    book.copyOut(`copy (select subject_id, account_id, revision, '${NOBODY}'::uuid, account_id, kind,
      currency, opened_on, '${NOBODY}'::uuid from account) to stdout`),
  );
  await db.query('analyze');
  const profile = loadProfile('US'); // Hides no month of these years.
  return { db, now, newId: randomUUID, profile, notices: {} } as unknown as Registry;
}

/** What became of each client, by the lender's number. */
async function readOutcomes(path: string): Promise<Map<string, string>> {
  const rows = createReadStream(path)
    .pipe(createGunzip())
    .pipe(parse({ columns: true }));
  const outcomes = new Map<string, string>();
  for await (const row of rows as AsyncIterable<Record<string, string>>)
    outcomes.set(row['ID'] ?? '', row[OUTCOME] ?? '');
  return outcomes;
}

async function make(path: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'assent-cards-'));
  const book = await loadBook(path, folder);
  const { rows } = await book.query<{ subject_id: string; subject_ref: string }>(
    'select subject_id, subject_ref from customer',
  );
  const refs = new Map(rows.map((row) => [row.subject_id, row.subject_ref]));
  const registry = await storeAll(book);
  const outcomes = await readOutcomes(path);
  for (const { name, kind, day, file } of CARDS) {
    const people = await readCharacteristics(registry, registry.db, day, EVERYBODY);
    const ids = Object.keys(people[0]?.values ?? {});
    const lines = people
      .toSorted((a, b) => Number(refs.get(a.subject_id)) - Number(refs.get(b.subject_id)))
      .map(({ subject_id, values }) =>
        [...ids.map((id) => values[id] ?? ''), outcomes.get(refs.get(subject_id) ?? '')].join(','),
      );
    const csv = [[...ids, SAMPLE_TARGET].join(','), ...lines, ''].join('\n');
    const table = await readTable(Readable.from([Buffer.from(csv)]), {});
    const sample = sampleOf(table, {
      ...{ target: SAMPLE_TARGET, bad: ['1'], good: null, exclude: [], protect: [], id: null },
    });
    const settings = {
      ...catalogueSettings({ name, version: 1, kind }, [1]),
      bad_means: BAD_MEANS,
    };
    const result = await fitCard(sample, table.data_sha256, settings, () => {});
    const { auc, ks } = result.out_of_fold.measured;
    const { characteristics } = result.card;
    process.stderr.write(
      `${name}: AUC ${auc.toFixed(4)}, KS ${ks.toFixed(4)}: ${characteristics.map((each) => each.name).join(', ')}\n`,
    );
    writeFileSync(new URL(`${file}.json`, HERE), `${JSON.stringify(result.card, null, 1)}\n`);
    writeFileSync(new URL(`${file}.html`, HERE), reportHtml(reportOfFit(result, [], now())));
  }
  await registry.db.close();
  await book.close();
  rmSync(folder, { recursive: true, force: true });
}

const [path] = process.argv.slice(2);
if (path === undefined)
  process.stderr.write('usage: node examples/make-scorecards.ts UCI_Credit_Card.csv.gz\n');
else await make(path);
