/**
 * PostgreSQL 15 or later (and Citus) behind the port: a pool of pg connections, COPY by streams.
 *
 * What must stay true: a connection whose state is unknown (a failed rollback, a broken socket)
 * is destroyed, never returned to the pool.
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { AssentError } from '../model/error.ts';
import type { Database, QueryOptions, Result, Session, SqlValue } from './database.ts';
import { DatabaseFailure, fromDriver, IN_FAILED_TRANSACTION } from './driver-error.ts';

const INT8 = 20;
const NUMERIC = 1700;
const DATE = 1082;
/** More connections than cores, so that one may wait for the disk while another computes. */
const POOL_SIZE = 8;
/**
 * An unused connection is kept so long: what it knows (the catalogue of every partition, plans)
 * takes five times as long to make as a report, and a server that is half busy would keep making it.
 */
const IDLE_MS = 600_000;

function parserFor(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === INT8) {
    return (text) => {
      const value = Number(text);
      if (!Number.isSafeInteger(value)) throw new RangeError('int8 beyond 2^53');
      return value;
    };
  }
  if (oid === NUMERIC) return Number;
  if (oid === DATE) return (text) => text;
  return pg.types.getTypeParser(oid, format as 'text') as (text: string) => unknown;
}

const names = new Map<string, string>();

/** The name of a prepared statement: made of its text, so that no two texts share one. */
function statementName(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = createHash('sha256').update(text).digest('hex').slice(0, 32);
  names.set(text, name);
  return name;
}

interface Statement {
  readonly text: string;
  readonly params: readonly SqlValue[];
  readonly prepared: boolean;
}

const plain = (text: string): Statement => ({ text, params: [], prepared: false });
const BEGIN = plain('begin');
const COMMIT = plain('commit');
const NOTHING = { rows: [], affected: 0 };

/**
 * Sends statements in one go, each with a Sync of its own, and gives the answer to the last. After
 * one that fails, a commit rolls back, so sending it along is safe.
 * @throws what the first that failed says
 */
async function sendTogether(
  client: pg.PoolClient,
  statements: readonly Statement[],
): Promise<Result<unknown>> {
  const { stream } = client.connection;
  stream.cork();
  const asked = statements.map(({ text, params, prepared }) =>
    client.query({
      ...{ text, values: params as unknown[] },
      ...(prepared ? { name: statementName(text) } : {}),
    }),
  );
  stream.uncork();
  const answers = await Promise.allSettled(asked);
  const failed = answers.find((each) => each.status === 'rejected');
  if (failed) throw fromDriver(failed.reason);
  const last = answers.at(-1);
  if (last?.status !== 'fulfilled') throw new Error('nothing was sent');
  const { rows, rowCount, command } = last.value;
  // A statement failed and somebody went on as if it had not: the server undid everything.
  if (statements.at(-1) === COMMIT && command === 'ROLLBACK')
    throw new DatabaseFailure(IN_FAILED_TRANSACTION, null, null);
  return { rows, affected: rowCount ?? rows.length };
}

/** COPY keeps the connection for itself: nothing else is on its way meanwhile. */
function setPipeline(client: pg.PoolClient, isOn: boolean): void {
  (client as { pipeline: boolean }).pipeline = isOn;
}

/** `begin` goes with a first statement that reads: should it fail, nothing was done outside of it. */
const mayFollowBegin = ({ text }: Statement) => /^\s*select\b/i.test(text);

/**
 * What waits, and a statement after it.
 * @param ahead of a transaction: what goes with its next statement; null: there is none
 */
async function sendAfter(
  client: pg.PoolClient,
  ahead: Statement[] | null,
  next: readonly Statement[],
): Promise<Result<unknown>> {
  const all = [...(ahead?.splice(0) ?? []), ...next];
  const [first, second] = all;
  if (first === BEGIN && second && !mayFollowBegin(second))
    await sendTogether(client, all.splice(0, 1));
  return all.length > 0 ? sendTogether(client, all) : NOTHING;
}

function sessionOver(client: pg.PoolClient, ahead: Statement[] | null = null): Session {
  return {
    async query<Row>(
      text: string,
      params: readonly SqlValue[] = [],
      options: QueryOptions = {},
    ): Promise<Result<Row>> {
      const statement = { text, params, prepared: options.prepared ?? false };
      if (ahead && options.withNext) {
        ahead.push(statement);
        return NOTHING;
      }
      return (await sendAfter(client, ahead, [statement])) as Result<Row>;
    },
    async copyIn(text, chunks) {
      await sendAfter(client, ahead, []);
      setPipeline(client, false);
      try {
        const stream = client.query(copyFrom(text));
        await pipeline(
          Readable.from(chunks, { objectMode: false, highWaterMark: 1 << 20 }),
          stream,
        );
        return stream.rowCount;
      } catch (error) {
        throw fromDriver(error);
      } finally {
        setPipeline(client, true);
      }
    },
    async *copyOut(text) {
      await sendAfter(client, ahead, []);
      setPipeline(client, false);
      try {
        for await (const chunk of client.query(copyTo(text))) yield chunk as Uint8Array;
      } catch (error) {
        throw fromDriver(error);
      } finally {
        setPipeline(client, true);
      }
    },
  };
}

/**
 * Opens a pool on a server. Every connection runs in UTC, without JIT (it costs more than it
 * gives on statements of this size), so the same text gives the same result everywhere.
 * @param url `postgres://user:password@host:port/database`
 * @param schema tables live here; created when absent. Tests give each suite its own.
 * @throws argument_invalid (schema), database_unreachable
 */
export async function openPostgresql(url: string, schema = 'assent'): Promise<Database> {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(schema)) {
    throw new AssentError('argument_invalid', {
      detail: 'a schema is named with small letters, digits and _, a letter first',
    });
  }
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_SIZE,
    application_name: 'assent',
    pipeline: true,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    // A statement whose client was killed ends too, instead of keeping its locks for its hours.
    options: `-c timezone=UTC -c jit=off -c client_connection_check_interval=5s -c search_path=${schema}`,
    types: { getTypeParser: parserFor as typeof pg.types.getTypeParser },
  });
  pool.on('error', () => {}); // An idle connection died; the next query opens another.
  async function withClient<T>(run: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw fromDriver(error);
    }
    let broken = false;
    const markBroken = () => {
      broken = true;
    };
    client.on('error', markBroken);
    try {
      return await run(client);
    } finally {
      client.off('error', markBroken);
      client.release(broken);
    }
  }
  // sql: the schema was checked above to be a plain name; DDL takes no parameters.
  await withClient((client) =>
    sessionOver(client).query(`create schema if not exists ${schema}`),
  ).catch(async (error: unknown) => {
    // Two that begin together both see no schema, and one of them comes second.
    if (error instanceof DatabaseFailure && error.sqlstate === '23505') return;
    await pool.end();
    throw error;
  });
  return {
    backend: 'postgresql',
    concurrency: Math.max(2, Math.min(POOL_SIZE - 2, availableParallelism())),
    query: (text, params, options) =>
      withClient((client) => sessionOver(client).query(text, params, options)),
    copyIn: (text, chunks) => withClient((client) => sessionOver(client).copyIn(text, chunks)),
    async *copyOut(text) {
      const client = await pool.connect();
      let done = false;
      try {
        yield* sessionOver(client).copyOut(text);
        done = true;
      } finally {
        client.release(!done); // A copy left half-read leaves the connection in COPY mode.
      }
    },
    transaction: (run) => withClient((client) => inTransaction(client, run)),
    close: () => pool.end(),
  };
}

/** `begin` goes with a first statement that reads, `commit` with those that wait for no answer. */
async function inTransaction<T>(
  client: pg.PoolClient,
  run: (session: Session) => Promise<T>,
): Promise<T> {
  const ahead = [BEGIN];
  const isBegun = () => !ahead.includes(BEGIN);
  try {
    const value = await run(sessionOver(client, ahead));
    if (isBegun() || ahead.length > 1) await sendAfter(client, ahead, [COMMIT]);
    return value;
  } catch (error) {
    const undo = isBegun() ? sendTogether(client, [plain('rollback')]) : Promise.resolve();
    await undo.catch(() => client.emit('error', new Error('rollback failed')));
    throw error;
  }
}
