/**
 * `npm run bench:import`: how long the import of authorisations takes, as a ratio to a raw COPY of
 * the same CSV lines into a table with the same key, on the same database in the same run. Each
 * measurement is a process of its own, so that its peak memory is its own. Nothing here is a test.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { AUTHORISATION_COLUMNS } from '../src/authorisation/from-columns.ts';
import { proveAuthorisation } from '../src/authorisation/proof.ts';
import { createGatewayHome, openGateway } from '../src/cli/home.ts';
import type { Database } from '../src/database/database.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { approvalsOf } from './lender.ts';

const USAGE = `npm run bench:import -- [--authorisations 100000,1000000] [--backends pglite,postgresql]

Needs BENCH_DATABASE_URL (a PostgreSQL of which it may drop the schema
assent_bench_import) for the backend postgresql; without it, only PGlite is measured.`;

/** Of its own, so that no other work is dropped. */
const SCHEMA = 'assent_bench_import';

interface Measured {
  readonly backend: string;
  readonly authorisations: number;
  readonly copy_rate: number;
  readonly import_rate: number;
  readonly seconds: number;
  /** Of processor time that this process took meanwhile: on PGlite that is all of the work. */
  readonly cpu_seconds: number;
  /** For the proof of one authorisation out of the whole batch. */
  readonly proof_seconds: number;
  readonly peak_mebibytes: number;
  /** Of one minute, when the measurement ended; 2 cores are busy at 2. */
  readonly load: number;
}

const { values } = parseArgs({
  options: {
    authorisations: { type: 'string', default: '100000,1000000' },
    backends: {
      type: 'string',
      default: process.env['BENCH_DATABASE_URL'] ? 'pglite,postgresql' : 'pglite',
    },
    one: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** Seconds of wall clock. */
async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}

/** The borrowers of the approvals, without a tape. */
async function fillBook(db: Database, borrowers: number): Promise<void> {
  await db.query(
    `insert into customer (subject_id, subject_ref, identity_kind, identity_hash, identity_version,
       wrapped_key, identity_sealed, tape_id)
     select gen_random_uuid(), 'c' || n, 'furnisher_reference', '', 1, '', '', gen_random_uuid()
     from generate_series(1, $1::int) n`,
    [borrowers],
  );
  await db.query('analyze customer');
}

async function* withoutHeader(chunks: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  let isFirst = true;
  for await (const chunk of chunks) {
    yield isFirst ? chunk.subarray(chunk.indexOf(10) + 1) : chunk;
    isFirst = false;
  }
}

/** Raw COPY of the same lines, all columns as text. */
async function baselineSeconds(db: Database, authorisations: number): Promise<number> {
  const columns = AUTHORISATION_COLUMNS.map((column) => `"${column}" text`).join(', ');
  await db.query(
    `create table raw_authorisation (${columns}, primary key (subject_ref, authorisation_id))`,
  );
  const seconds = await timed(() =>
    db.copyIn(
      'copy raw_authorisation from stdin (format csv)',
      withoutHeader(approvalsOf(authorisations)),
    ),
  );
  await db.query('drop table raw_authorisation');
  return seconds;
}

async function proveOne(db: Database): Promise<void> {
  const { rows } = await db.query<{ authorisation_id: string }>(
    'select authorisation_id from authorisation limit 1',
  );
  const authorisation_id = rows[0]?.authorisation_id ?? '';
  await proveAuthorisation(db, { authorisation_id, provider_id: null });
}

async function measureHere(backend: string, authorisations: number): Promise<Measured> {
  delete process.env['DATABASE_URL'];
  const url = process.env['BENCH_DATABASE_URL'];
  if (backend === 'postgresql') {
    if (!url) throw new Error('BENCH_DATABASE_URL is not set');
    process.env['DATABASE_URL'] = url;
    process.env['DATABASE_SCHEMA'] = SCHEMA;
    const bare = await openPostgresql(url);
    await bare.query(`drop schema if exists ${SCHEMA} cascade`);
    await bare.close();
  }
  const home = mkdtempSync(join(tmpdir(), 'assent-bench-'));
  createGatewayHome(home, { name: 'Bench', profile: 'EU' });
  const open = await openGateway(home);
  const { db } = open.gateway;
  await fillBook(db, authorisations);
  const baseline = await baselineSeconds(db, authorisations);
  const before = process.cpuUsage();
  const seconds = await timed(async () => {
    const report = await importAuthorisations(open.gateway, approvalsOf(authorisations));
    if (report.stored !== authorisations) throw new Error('not all were stored');
  });
  const cpu = process.cpuUsage(before);
  const proving = await timed(() => proveOne(db));
  await open.close();
  rmSync(home, { recursive: true, force: true });
  return {
    backend,
    authorisations,
    copy_rate: Math.round(authorisations / baseline),
    import_rate: Math.round(authorisations / seconds),
    seconds,
    cpu_seconds: (cpu.user + cpu.system) / 1e6,
    proof_seconds: proving,
    peak_mebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
    load: loadavg()[0] ?? 0,
  };
}

function measureApart(backend: string, authorisations: string): Measured | null {
  const options = ['--one', '--backends', backend, '--authorisations', authorisations];
  const child = spawnSync(process.execPath, [new URL(import.meta.url).pathname, ...options], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return child.status === 0 ? (JSON.parse(child.stdout) as Measured) : null;
}

function printTable(): void {
  const table = new Table({
    head: [
      'backend',
      'authorisations',
      'import ÷ COPY',
      'COPY rows/s',
      'authorisations/s',
      'seconds',
      'own CPU, s',
      'one proof, s',
      'peak MiB',
      'load',
    ],
    style: { head: [], border: [] },
  });
  for (const backend of values.backends.split(','))
    for (const authorisations of values.authorisations.split(',')) {
      const one = measureApart(backend, authorisations);
      if (!one) {
        process.stderr.write(`${backend} at ${authorisations} failed\n`);
        process.exitCode = 1;
        continue;
      }
      table.push([
        backend,
        one.authorisations.toLocaleString('en'),
        (one.import_rate / one.copy_rate).toFixed(2),
        one.copy_rate.toLocaleString('en'),
        one.import_rate.toLocaleString('en'),
        one.seconds.toFixed(1),
        one.cpu_seconds.toFixed(1),
        one.proof_seconds.toFixed(2),
        one.peak_mebibytes.toLocaleString('en'),
        one.load.toFixed(1),
      ]);
    }
  process.stdout.write(`${table.toString()}\n`);
}

if (values.help) process.stdout.write(`${USAGE}\n`);
else if (values.one) {
  const measured = await measureHere(values.backends, Number(values.authorisations));
  process.stdout.write(`${JSON.stringify(measured)}\n`);
} else printTable();
