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
import { DatabaseFailure, fromDriver } from './driver-error.ts';

const INT8 = 20;
const NUMERIC = 1700;
const DATE = 1082;
/** More connections than cores, so that one may wait for the disk while another computes. */
const POOL_SIZE = 8;

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

function sessionOver(client: pg.ClientBase): Session {
  return {
    async query<Row>(
      text: string,
      params: readonly SqlValue[] = [],
      options: QueryOptions = {},
    ): Promise<Result<Row>> {
      try {
        const name = options.prepared ? { name: statementName(text) } : {};
        const result = await client.query({ text, values: params as unknown[], ...name });
        return { rows: result.rows as Row[], affected: result.rowCount ?? result.rows.length };
      } catch (error) {
        throw fromDriver(error);
      }
    },
    async copyIn(text, chunks) {
      try {
        const stream = client.query(copyFrom(text));
        await pipeline(
          Readable.from(chunks, { objectMode: false, highWaterMark: 1 << 20 }),
          stream,
        );
        return stream.rowCount;
      } catch (error) {
        throw fromDriver(error);
      }
    },
    async *copyOut(text) {
      try {
        for await (const chunk of client.query(copyTo(text))) yield chunk as Uint8Array;
      } catch (error) {
        throw fromDriver(error);
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

async function inTransaction<T>(
  client: pg.PoolClient,
  run: (session: Session) => Promise<T>,
): Promise<T> {
  const session = sessionOver(client);
  await session.query('begin');
  try {
    const value = await run(session);
    await session.query('commit');
    return value;
  } catch (error) {
    await session.query('rollback').catch(() => client.emit('error', new Error('rollback failed')));
    throw error;
  }
}
