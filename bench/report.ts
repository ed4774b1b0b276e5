/**
 * `npm run bench:report`: reports a second over HTTP, trace included, beside pgbench running the
 * same SQL statements on the same database in the same run. Prints the ratio; 0.4 is the mark.
 *
 * The server runs in a process of its own, the clients in this one. The statements are those that
 * one real enquiry sent, recorded, with the person drawn at random.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadProfile } from '../src/authorisation/profile.ts';
import { SOURCES } from '../src/cli/home.ts';
import type { Database, Session } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { registryApi } from '../src/http/registry-api.ts';
import { buildServer } from '../src/http/server.ts';
import { issueToken } from '../src/http/token.ts';
import { createKeyFile, loadKeyFile } from '../src/keys/key-file.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { openParticipantStore } from '../src/participants/participant.ts';
import { enquire } from '../src/registry/enquiries.ts';
import type { Registry } from '../src/registry/registry.ts';
import { pgbench, quantile, type Rate, type Statement, scriptOf } from './pgbench.ts';
import { ENQUIRER, fillRegistry, MONTHS, REGISTRY, uuidOf } from './report-fill.ts';

const USAGE = `npm run bench:report -- [--subjects 100000,1000000] [--seconds 20] [--clients 8] [--keep]

Needs BENCH_DATABASE_URL (PostgreSQL; drops the schema assent_report there) and pgbench.`;
const SCHEMA = 'assent_report';
const ISSUER = 'http://registry.bench';
const WARM_UP_S = 3;
const { now, random } = SOURCES;
const url = process.env['BENCH_DATABASE_URL'] ?? '';

function registryOver(db: Database, ring: KeyRing): Registry {
  return {
    ...{ db, ring, registry_id: REGISTRY, issuer: ISSUER, notices: {}, now },
    newId: () => randomUUID(),
    profile: loadProfile('CN'),
  };
}

const keysOf = (ring: KeyRing) => ({
  kid: ring.signing.kid,
  signing: ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never,
  publicKeys: ring.publicKeys as never,
});

/** The server's process: serves until it is killed, and tells where. */
async function serve(folder: string): Promise<void> {
  const ring = loadKeyFile(join(folder, 'registry.json'), { random });
  const db = await openPostgresql(url, SCHEMA);
  const registry = registryOver(db, ring);
  const server = await buildServer({
    ...{ issuer: ISSUER, audience: ISSUER, now, random, version: 'bench', keys: keysOf(ring) },
    participants: openParticipantStore(db),
    routes: registryApi({ registry, process: () => {}, loopback: true }),
    ...{ title: 'Bench', description: 'Bench', probe: async () => true },
    limits: { requestsPerMinute: 100_000_000, tokenRequestsPerMinute: 1000 },
  });
  process.once('SIGTERM', () => process.exit()); // So that a profile of it is written.
  process.on('message', () => process.send?.(process.cpuUsage()));
  process.send?.(await server.listen({ port: 0, host: '127.0.0.1' }));
}

/** The statements of one enquiry, as it sent them. */
async function record(registry: Registry, n: number): Promise<{ sent: Statement[]; use: string }> {
  const sent: Statement[] = [];
  const over = (session: Session): Session => ({
    ...session,
    query: (text, params = [], options) => {
      sent.push({ text, params, withNext: options?.withNext ?? false });
      return session.query(text, params, options);
    },
  });
  const { db } = registry;
  const recording = {
    ...db,
    transaction: <T>(run: (session: Session) => Promise<T>) =>
      db.transaction((session) => run(over(session))),
  };
  const use = randomUUID();
  await enquire(
    { ...registry, db: recording },
    {
      ...{ enquirer_id: ENQUIRER, use_id: use, authorisation_id: uuidOf('q', n) },
      ...{ purpose: '02', form: 'full', person: null },
    },
  );
  return { sent, use };
}

/**
 * One client on one connection. As little as HTTP/1.1 asks for, as pgbench is as little as its
 * protocol asks for: clients share the processors with what is measured.
 */
async function connectTo(at: URL, token: string) {
  const socket = connect({ host: at.hostname, port: Number(at.port), noDelay: true });
  await once(socket, 'connect');
  const head = [
    'POST /v1/enquiries HTTP/1.1',
    ...[`host: ${at.host}`, `authorization: Bearer ${token}`, 'content-type: application/json'],
    'content-length: ',
  ].join('\r\n');
  let settle: { done: (answer: Buffer) => void; fail: (error: Error) => void } | null = null;
  let read: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk]);
    const body = read.indexOf('\r\n\r\n') + 4;
    if (body < 4) return;
    const length = /^content-length: (\d+)/im.exec(read.toString('latin1', 0, body))?.[1];
    if (read.length < body + Number(length)) return;
    const answer = read;
    read = Buffer.alloc(0);
    settle?.done(answer);
  });
  socket.on('close', () => settle?.fail(new Error('the server closed the connection')));
  return {
    ask: (body: string) =>
      new Promise<Buffer>((done, fail) => {
        settle = { done, fail };
        socket.write(`${head}${body.length}\r\n\r\n${body}`);
      }),
    close: () => socket.destroy(),
  };
}

/** Asks for reports over HTTP. @param perSecond at most so many; null: as many as there may be */
async function load(
  base: string,
  token: string,
  options: { subjects: number; clients: number; seconds: number; perSecond: number | null },
): Promise<Rate> {
  const times: number[] = [];
  const begin = performance.now();
  const end = begin + options.seconds * 1000;
  const asker = await Promise.all(
    Array.from({ length: options.clients }, () => connectTo(new URL(base), token)),
  );
  const ask = async (index: number) => {
    const n = 1 + Math.floor(Math.random() * options.subjects);
    const started = performance.now();
    const answer = await asker[index]?.ask(
      JSON.stringify({ use_id: randomUUID(), authorisation_id: uuidOf('q', n), purpose: '02' }),
    );
    if (!answer?.includes('"outcome":"report"')) throw new Error(answer?.toString('utf8', 0, 300));
    times.push(performance.now() - started);
  };
  const everyMs = options.perSecond === null ? 0 : (1000 * options.clients) / options.perSecond;
  const client = async (index: number) => {
    let next = begin + (everyMs * index) / options.clients;
    while (performance.now() < end) {
      const wait = next - performance.now();
      if (wait > 0) await new Promise((go) => setTimeout(go, wait));
      next += everyMs;
      await ask(index);
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, index) => client(index)));
  for (const each of asker) each.close();
  const sorted = times.toSorted((a, b) => a - b);
  return {
    perSecond: sorted.length / ((performance.now() - begin) / 1000),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}

/** Milliseconds that the server's process computed so far, all threads. */
function cpuOf(server: ChildProcess): Promise<number> {
  return new Promise((done) => {
    server.once('message', (used: { user: number; system: number }) =>
      done((used.user + used.system) / 1000),
    );
    server.send('cpu');
  });
}

const shown = ({ perSecond, p50, p99 }: Rate) =>
  `${perSecond.toFixed(0)}/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;

async function measure(
  subjects: number,
  options: { seconds: number; clients: number; keep: boolean; folder: string },
): Promise<string[]> {
  const rings = ['registry', 'enquirer'].map((name) => {
    const path = join(options.folder, `${name}.json`);
    if (!existsSync(path)) createKeyFile(path, { random, now });
    return loadKeyFile(path, { random });
  }) as [KeyRing, KeyRing];
  const bare = await openPostgresql(url, SCHEMA);
  await bare.query(`drop schema ${SCHEMA} cascade`);
  await bare.close();
  const db = await openPostgresql(url, SCHEMA);
  let server: ChildProcess | null = null;
  try {
    await migrate(db, 'registry', now);
    const began = performance.now();
    await fillRegistry(db, rings[0], rings[1], subjects);
    const filled = ((performance.now() - began) / 1000).toFixed(0);
    const { sent } = await record(registryOver(db, rings[0]), 1);
    const script = scriptOf(sent, 1, subjects);
    server = fork(import.meta.filename, ['--serve', options.folder]);
    const base = await new Promise<string>((done) =>
      server?.once('message', (m) => done(String(m))),
    );
    const token = await issueToken(ENQUIRER, ['files:read'], {
      ...{ issuer: ISSUER, audience: ISSUER, now, random, keys: keysOf(rings[0]) },
    });
    const at = { url, schema: SCHEMA, subjects, ...options };
    const warm = { ...at, seconds: WARM_UP_S, perSecond: null };
    await load(base, token, warm);
    await pgbench(script, warm);
    const before = await cpuOf(server);
    const http = await load(base, token, { ...at, perSecond: null });
    const cpu = (await cpuOf(server)) - before;
    const raw = await pgbench(script, { ...at, perSecond: null });
    const calm = await load(base, token, { ...at, perSecond: http.perSecond / 2 });
    const calmRaw = await pgbench(script, { ...at, perSecond: raw.perSecond / 2 });
    const paceRaw = await pgbench(script, { ...at, perSecond: http.perSecond / 2 });
    const each = cpu / (http.perSecond * at.seconds);
    return [
      `${subjects.toLocaleString('en')} people, ${MONTHS} months each, filled in ${filled} s; ${options.clients} clients, ${options.seconds} s each`,
      `  HTTP                ${shown(http)}; the server's process computed ${each.toFixed(2)} ms for each`,
      `  pgbench             ${shown(raw)} (${sent.length} statements, -M prepared)`,
      `  ratio               ${(http.perSecond / raw.perSecond).toFixed(2)}`,
      `  HTTP, half load     ${shown(calm)}`,
      `  pgbench, half load  ${shown(calmRaw)}`,
      `  pgbench, as slow    ${shown(paceRaw)} (at half the load of HTTP)`,
    ];
  } finally {
    server?.kill();
    if (!options.keep) await db.query(`drop schema ${SCHEMA} cascade`);
    await db.close();
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    subjects: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '20' },
    clients: { type: 'string', default: '8' },
    keep: { type: 'boolean', default: false },
    serve: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help || url === '') process.stdout.write(`${USAGE}\n`);
else if (values.serve) await serve(positionals[0] ?? '');
else {
  const folder = mkdtempSync(join(tmpdir(), 'assent-bench-'));
  try {
    for (const subjects of values.subjects.split(',').map(Number)) {
      const { keep } = values;
      const lines = await measure(subjects, {
        ...{ folder, keep, seconds: Number(values.seconds), clients: Number(values.clients) },
      });
      process.stdout.write(`${lines.join('\n')}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
