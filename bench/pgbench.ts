/**
 * pgbench beside a server: the statements that the server sent, as a script, and what came of it.
 *
 * What must stay true: pgbench gets the same statements, prepared, those in one go that the server
 * sends in one go; what stands in for an id never costs an index.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SqlValue } from '../src/database/database.ts';
import { ENQUIRER, idSql, uuidOf } from './report-fill.ts';

export interface Statement {
  readonly text: string;
  readonly params: readonly SqlValue[];
  /** Sent without waiting for its answer. */
  readonly withNext: boolean;
}

export interface Rate {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
}

export const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

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

/** In one go, as the server sends them: `begin` with the first, `commit` with those that wait for none. */
function pipelined(
  lines: readonly { readonly sql: string; readonly withNext: boolean }[],
): string[] {
  const goes: string[][] = [['begin;']];
  let isOpen = true;
  for (const { sql, withNext } of lines) {
    if (isOpen) goes.at(-1)?.push(sql);
    else goes.push([sql]);
    isOpen = withNext;
  }
  if (isOpen) goes.at(-1)?.push('commit;');
  else goes.push(['commit;']);
  return goes.flatMap((go) => (go.length > 1 ? ['\\startpipeline', ...go, '\\endpipeline'] : go));
}

/**
 * pgbench's script: the statements that were sent for person `n`, with the person and every new id
 * drawn anew.
 */
export function scriptOf(sent: readonly Statement[], n: number, subjects: number): string {
  const ids = new Map([
    [uuidOf('s', n), `(${idSql('s', ':n::int')})::text`],
    [uuidOf('q', n), `(${idSql('q', ':n::int')})::text`],
    [ENQUIRER, quoted(ENQUIRER)],
  ]);
  // Not of a volatile function: with that no index would be used to find one.
  const newId = (id: string): string => {
    const known = ids.get(id);
    if (known !== undefined) return known;
    ids.set(id, `(${idSql('e', `(:e::bigint + ${ids.size})`)})::text`);
    return newId(id);
  };
  const find = sent.find(({ params }) => params.length > 0);
  newId((find?.params[2] ?? '') as string); // The enquiry's own.
  const value = (param: SqlValue): string => {
    if (Array.isArray(param) && param.some((each) => ids.has(String(each))))
      return `array[${param.map((each) => ids.get(String(each)) ?? literal(each))}]`;
    const known = typeof param === 'string' ? ids.get(param) : undefined;
    if (known !== undefined) return `(${known})`;
    if (typeof param !== 'string' || !param.startsWith('[{')) return literal(param);
    // What is written: every id in it is a new one but the person's and the enquirer's.
    const pieces = param.split(/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/);
    const texts = pieces.map((piece, index) => (index % 2 === 0 ? quoted(piece) : newId(piece)));
    return `(${texts.join(' || ')})`;
  };
  const lines = sent.map(({ text, params, withNext }) => {
    const plain = text.replaceAll(/'([^']*)'/g, (whole, inner: string) =>
      inner.includes(':') ? quoted(inner) : whole,
    );
    const filled = plain.replaceAll(/\$(\d+)/g, (_, index: string) =>
      value(params[Number(index) - 1] ?? null),
    );
    return { sql: `${filled.replaceAll(/\s+/g, ' ').trim()};`, withNext };
  });
  const drawn = [`\\set n random(1, ${subjects})`, '\\set e random(1, 9000000000000000000)'];
  return [...drawn, ...pipelined(lines), ''].join('\n');
}

function pgbenchPath(): string {
  const versions = [18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin/pgbench`);
  return versions.find((path) => existsSync(path)) ?? 'pgbench';
}

/** The times in pgbench's logs, from begin to end of each transaction, in ms. */
function loggedTimes(folder: string): number[] {
  const logs = readdirSync(folder).filter((name) => name.startsWith('log.'));
  const lines = logs.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'));
  return lines.filter(Boolean).map((line) => {
    // client, transaction, time, script, epoch, µs, and when paced the lag that time begins with.
    const [, , time, , , , lag = 0] = line.split(' ').map(Number);
    return ((time ?? 0) - lag) / 1000;
  });
}

/**
 * Transactions a second and the latency of pgbench over the script.
 * @param perSecond at most so many; null: as many as there may be
 */
export async function pgbench(
  script: string,
  options: {
    url: string;
    schema: string;
    seconds: number;
    clients: number;
    perSecond: number | null;
  },
): Promise<Rate> {
  const { url, schema, seconds, clients, perSecond } = options;
  const folder = mkdtempSync(join(tmpdir(), 'assent-pgbench-'));
  const file = join(folder, 'report.sql');
  writeFileSync(file, script);
  const { pathname, username, hostname, port } = new URL(url);
  try {
    const args = ['-n', '-M', 'prepared', '-f', file, '-T', String(seconds), '-c', String(clients)];
    const paced = perSecond === null ? [] : ['-R', perSecond.toFixed(1)];
    const { stdout } = await promisify(execFile)(
      pgbenchPath(),
      [...args, ...paced, '-j', '2', '-l', '--log-prefix', join(folder, 'log'), pathname.slice(1)],
      {
        env: {
          ...process.env,
          ...{ PGHOST: hostname, PGPORT: port || '5432', PGUSER: username },
          PGOPTIONS: `-c timezone=UTC -c jit=off -c search_path=${schema}`,
        },
      },
    );
    const sorted = loggedTimes(folder).sort((a, b) => a - b);
    return {
      perSecond: Number(/tps = ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN),
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
