/**
 * One measurement, in a process of its own so that its peak memory is its own:
 * `node bench/measure.ts BACKEND MONTHS`. Prints one line of JSON.
 *
 * The first period brings borrowers, accounts and approvals; it is timed apart. The other periods
 * bring months only. The baseline copies the very rows that the registry then holds into a table
 * of the same columns and key, in the order in which they arrived, on the same database and right
 * after them: a machine that is slow for a while is slow for both.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  connectGateway,
  createGatewayHome,
  createRegistryHome,
  type OpenGateway,
  type OpenRegistry,
  openGateway,
  openRegistry,
  operatorClient,
} from '../src/cli/home.ts';
import type { Database } from '../src/database/database.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { previewGate } from '../src/gateway/gate.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { loadTape } from '../src/gateway/load-tape.ts';
import { addMonths } from '../src/model/period.ts';
import { parseMapping } from '../src/tape/mapping.ts';
import { approvalsOf, tapeOf } from './lender.ts';

const [backend = '', wanted = ''] = process.argv.slice(2);
const months = Number(wanted);
/** A book grows by periods beyond this: the first brings the people, and they take the longest. */
const ACCOUNTS_MOST = 200_000;
const PERIODS = Math.max(2, Math.ceil(months / ACCOUNTS_MOST));
const accounts = Math.round(months / PERIODS);
const url = process.env['BENCH_DATABASE_URL'];
const home = mkdtempSync(join(tmpdir(), 'assent-bench-'));
const mapping = parseMapping(
  JSON.parse(readFileSync(new URL('../examples/canonical.mapping.json', import.meta.url), 'utf8')),
);

/** Seconds of wall clock. */
async function timed<T>(run: () => Promise<T>): Promise<[T, number]> {
  const start = performance.now();
  const value = await run();
  return [value, (performance.now() - start) / 1000];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address ? address.port : 0;
}

async function open(): Promise<{ gateway: OpenGateway; registry: OpenRegistry }> {
  delete process.env['DATABASE_URL'];
  if (backend === 'postgresql') {
    if (!url) throw new Error('BENCH_DATABASE_URL is not set');
    process.env['DATABASE_URL'] = url;
    const db = await openPostgresql(url);
    await db.query('drop schema if exists assent_gateway cascade');
    await db.query('drop schema if exists assent_registry cascade');
    await db.close();
  }
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  await createRegistryHome(join(home, 'r'), { url: address, profile: 'EU' });
  const registry = await openRegistry(join(home, 'r'), (error) => {
    throw error;
  });
  await registry.server.listen({ port, host: '127.0.0.1' });
  createGatewayHome(join(home, 'g'), { name: 'Bench', profile: 'EU' });
  const card = JSON.parse(readFileSync(join(home, 'g', 'participant.json'), 'utf8')) as object;
  await operatorClient(join(home, 'r')).json({
    method: 'POST',
    path: '/v1/participants',
    json: { ...card, role: 'furnisher', licence_id: 'bench', brands: [] },
  });
  await connectGateway(join(home, 'g'), address);
  return { gateway: await openGateway(join(home, 'g')), registry };
}

async function load(gateway: OpenGateway, period: string): Promise<void> {
  const report = await loadTape(
    gateway.gateway,
    { bytes: tapeOf(accounts, period), name: period, size: null, mapping, mapping_sha256: '' },
    { check: false, sign_off: null, progress: () => {} },
  );
  if (report.counts.new !== accounts)
    throw new Error(`${accounts} rows went in: ${JSON.stringify(report)}`);
}

/** Seconds between a submission's completion and its end, as the registry recorded them. */
async function intakeSeconds(db: Database, id: string | null): Promise<number> {
  const { rows } = await db.query<{ completed_at: Date; ended_at: Date }>(
    'select completed_at, ended_at from submission where submission_id = $1',
    [id],
  );
  const [row] = rows;
  if (!row) throw new Error('no such submission');
  return (row.ended_at.getTime() - row.completed_at.getTime()) / 1000;
}

/** Fulfilled when the new people are compared with those known: that goes on beside the intake. */
async function peopleCompared(db: Database): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ n: number }>('select count(*) as n from match_waiting');
    if (rows[0]?.n === 0) return;
    await setTimeout(500);
  }
}

/** Raw COPY of one period's rows, again and again into an empty table with the same key. */
async function baselineSeconds(db: Database, period: string): Promise<number> {
  const chunks: Uint8Array[] = [];
  const partition = `account_month_${period.replace('-', '_')}`;
  // sql: the name is made of a period of this file.
  await db.query(`create table raw_month (like ${partition} including indexes)`);
  for await (const chunk of db.copyOut(
    `copy (select * from ${partition} order by row_number) to stdout`,
  ))
    chunks.push(chunk);
  const text = Buffer.concat(chunks);
  const seconds: number[] = [];
  for (let round = 0; round < 3; round++) {
    await db.query('truncate raw_month');
    const [, took] = await timed(() => db.copyIn('copy raw_month from stdin', [text]));
    seconds.push(took);
  }
  await db.query('drop table raw_month');
  return seconds.sort((a, b) => a - b)[1] ?? 0;
}

const { gateway, registry } = await open();
const { db } = registry.registry;
const spent = { load: 0, gate: 0, hand_over: 0, intake: 0, copy: 0 };
let firstPeriod = 0;
let importing = 0;
for (let index = 0; index < PERIODS; index++) {
  const period = addMonths('2020-01', index);
  const [, loading] = await timed(() => load(gateway, period));
  if (index === 0) {
    [, importing] = await timed(() => importAuthorisations(gateway.gateway, approvalsOf(accounts)));
  }
  const [, gate] = await timed(() => previewGate(gateway.gateway, period, new Date()));
  const [report, handing] = await timed(() => handOver(gateway.gateway, gateway.link(), period));
  if (report.receipt?.outcomes.month.accepted !== accounts) throw new Error('not all accepted');
  let ratio = '';
  if (index === 0) {
    firstPeriod = loading + handing;
    const [, comparing] = await timed(() => peopleCompared(db));
    ratio = `, then its people were compared for ${comparing.toFixed(1)} s`;
  } else {
    const intake = await intakeSeconds(db, report.handover_id);
    const copy = await baselineSeconds(db, period);
    spent.load += loading;
    spent.gate += gate;
    spent.hand_over += handing;
    spent.intake += intake;
    spent.copy += copy;
    const all = (spent.copy / spent.intake).toFixed(2);
    ratio = `, intake ${intake.toFixed(2)} s, COPY ${copy.toFixed(2)} s, ratio so far ${all}`;
  }
  const [loaded, handed] = [loading.toFixed(1), handing.toFixed(1)];
  process.stderr.write(`${backend} ${period} load ${loaded} s, hand-over ${handed} s${ratio}\n`);
}
await gateway.close();
await registry.close();
rmSync(home, { recursive: true, force: true });
const rows = accounts * (PERIODS - 1);
const rate = (seconds: number) => Math.round(rows / seconds);
process.stdout.write(
  `${JSON.stringify({
    backend,
    months: accounts * PERIODS,
    copy_rate: rate(spent.copy),
    intake_rate: rate(spent.intake),
    load_rate: rate(spent.load),
    gate_rate: rate(spent.gate),
    tape_to_receipt_rate: rate(spent.load + spent.hand_over),
    first_period_rate: Math.round(accounts / firstPeriod),
    import_rate: Math.round(accounts / importing),
    peak_mebibytes: Math.round(process.resourceUsage().maxRSS / 1024),
  })}\n`,
);
