/**
 * `npm run bench:report`: reports a second over HTTP, trace included, beside pgbench running the
 * same SQL statements on the same database in the same run. Prints the ratio; 0.4 is the mark.
 *
 * The server runs in a process of its own, the clients in this one. The statements are those that
 * one real enquiry sent, recorded, with the person drawn at random.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database, Session, SqlValue } from '../src/database/database.ts';
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
import { ENQUIRER, fillRegistry, idSql, MONTHS, REGISTRY } from './report-fill.ts';

const USAGE = `npm run bench:report -- [--subjects 100000,1000000] [--seconds 20] [--clients 8] [--keep]

Needs BENCH_DATABASE_URL (PostgreSQL; drops the schema assent_report there) and pgbench.`;
const SCHEMA = 'assent_report';
const ISSUER = 'http://registry.bench';
const WARM_UP_S = 3;
const now = () => new Date();
const random = (bytes: number) => randomBytes(bytes);
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
  process.send?.(await server.listen({ port: 0, host: '127.0.0.1' }));
}

const uuidOf = (kind: string, n: number) =>
  createHash('md5')
    .update(`${kind}${n}`)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

interface Statement {
  readonly text: string;
  readonly params: readonly SqlValue[];
}

/** The statements of one enquiry, as it sent them. */
async function record(registry: Registry, n: number): Promise<{ sent: Statement[]; use: string }> {
  const sent: Statement[] = [];
  const over = (session: Session): Session => ({
    ...session,
    query: (text, params = [], options) => {
      sent.push({ text, params });
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

/** A text as SQL. A colon before a letter would be a variable to pgbench. */
const quoted = (text: string) =>
  `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll(':', '\\x3a')}'`;

function literal(value: SqlValue): string {
  if (value === null) return 'null';
  if (value instanceof Date) return quoted(value.toISOString());
  if (value instanceof Uint8Array) return quoted(`\\x${Buffer.from(value).toString('hex')}`);
  if (Array.isArray(value))
    return quoted(`{${value.map((each) => `"${String(each)}"`).join(',')}}`);
  return typeof value === 'string' ? quoted(value) : String(value);
}

/** pgbench's script: the same statements, with the person and every new id drawn anew. */
function scriptOf(sent: readonly Statement[], n: number, subjects: number): string {
  const enquiry = (sent[0]?.params[2] ?? '') as string;
  const ids = new Map([
    [uuidOf('s', n), `(${idSql('s', ':n::int')})::text`],
    [uuidOf('q', n), `(${idSql('q', ':n::int')})::text`],
    [enquiry, 'gen_random_uuid()::text'],
  ]);
  const value = (param: SqlValue): string => {
    if (Array.isArray(param) && param.some((each) => ids.has(String(each))))
      return `array[${param.map((each) => ids.get(String(each)) ?? literal(each))}]`;
    const known = typeof param === 'string' ? ids.get(param) : undefined;
    if (known !== undefined) return `(${known})`;
    if (typeof param !== 'string' || !param.startsWith('[{')) return literal(param);
    // What is written: every id in it is a new one but those of the person.
    const found = new Set(param.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g));
    return [...found].reduce(
      (text, id) => `replace(${text}, '${id}', ${ids.get(id) ?? 'gen_random_uuid()::text'})`,
      literal(param),
    );
  };
  const lines = sent.map(({ text, params }) => {
    const plain = text.replaceAll(/'([^']*)'/g, (whole, inner: string) =>
      inner.includes(':') ? quoted(inner) : whole,
    );
    const filled = plain.replaceAll(/\$(\d+)/g, (_, index: string) =>
      value(params[Number(index) - 1] ?? null),
    );
    return `${filled.replaceAll(/\s+/g, ' ').trim()};`;
  });
  return [`\\set n random(1, ${subjects})`, 'begin;', ...lines, 'commit;', ''].join('\n');
}

interface Rate {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Asks for reports over HTTP. @param perSecond at most so many; null: as many as there may be */
async function load(
  base: string,
  token: string,
  options: { subjects: number; clients: number; seconds: number; perSecond: number | null },
): Promise<Rate> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.clients });
  const target = new URL('/v1/enquiries', base);
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const times: number[] = [];
  const begin = performance.now();
  const end = begin + options.seconds * 1000;
  const ask = () =>
    new Promise<void>((done, fail) => {
      const n = 1 + Math.floor(Math.random() * options.subjects);
      const started = performance.now();
      const sent = request(target, { method: 'POST', agent, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          if (!text.includes('"outcome":"report"')) fail(new Error(text.slice(0, 300)));
          times.push(performance.now() - started);
          done();
        });
      });
      sent.on('error', fail);
      sent.end(
        JSON.stringify({
          ...{ use_id: randomUUID(), authorisation_id: uuidOf('q', n), purpose: '02' },
        }),
      );
    });
  const everyMs = options.perSecond === null ? 0 : (1000 * options.clients) / options.perSecond;
  const client = async (index: number) => {
    let next = begin + (everyMs * index) / options.clients;
    while (performance.now() < end) {
      const wait = next - performance.now();
      if (wait > 0) await new Promise((go) => setTimeout(go, wait));
      next += everyMs;
      await ask();
    }
  };
  await Promise.all(Array.from({ length: options.clients }, (_, index) => client(index)));
  agent.destroy();
  const sorted = times.toSorted((a, b) => a - b);
  return {
    perSecond: sorted.length / ((performance.now() - begin) / 1000),
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
  };
}

function pgbenchPath(): string {
  const versions = [18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`);
  return versions.find((path) => existsSync(path)) ?? 'pgbench';
}

/** Transactions a second and the latency of pgbench over the script. */
async function pgbench(script: string, seconds: number, clients: number): Promise<Rate> {
  const folder = mkdtempSync(join(tmpdir(), 'assent-pgbench-'));
  const file = join(folder, 'report.sql');
  writeFileSync(file, script);
  const { pathname, username, hostname, port } = new URL(url);
  try {
    const args = ['-n', '-M', 'prepared', '-f', file, '-T', String(seconds), '-c', String(clients)];
    const { stdout } = await promisify(execFile)(
      pgbenchPath(),
      [...args, '-j', '2', '-l', `--log-prefix=${join(folder, 'log')}`, pathname.slice(1)],
      {
        env: {
          ...process.env,
          ...{ PGHOST: hostname, PGPORT: port || '5432', PGUSER: username },
          PGOPTIONS: `-c timezone=UTC -c jit=off -c search_path=${SCHEMA}`,
        },
      },
    );
    const perSecond = Number(/tps = ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
    const p50 = Number(/latency average = ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
    return { perSecond, p50, p99: Number.NaN };
  } finally {
    rmSync(folder, { recursive: true });
  }
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
    const at = { subjects, clients: options.clients };
    await load(base, token, { ...at, seconds: WARM_UP_S, perSecond: null });
    await pgbench(script, WARM_UP_S, options.clients);
    const http = await load(base, token, { ...at, seconds: options.seconds, perSecond: null });
    const raw = await pgbench(script, options.seconds, options.clients);
    const half = http.perSecond / 2;
    const calm = await load(base, token, { ...at, seconds: options.seconds, perSecond: half });
    return [
      `${subjects.toLocaleString('en')} people, ${MONTHS} months each, filled in ${filled} s; ${options.clients} clients, ${options.seconds} s each`,
      `  HTTP        ${shown(http)}`,
      `  pgbench     ${raw.perSecond.toFixed(0)}/s, mean ${raw.p50.toFixed(1)} ms (${sent.length} statements, -M prepared)`,
      `  ratio       ${(http.perSecond / raw.perSecond).toFixed(2)}`,
      `  half load   ${shown(calm)}`,
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
