/**
 * PGlite behind the port: PostgreSQL compiled to WebAssembly, in this process, in one folder.
 *
 * What must stay true: one process at a time has the folder open (two would destroy it), which a
 * lock file beside the folder guards; COPY goes through `/dev/blob` in bounded pieces.
 */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { AssentError } from '../model/error.ts';
import { batches } from './batches.ts';
import type { Database, Result, Session, SqlValue } from './database.ts';
import { fromDriver } from './driver-error.ts';

/** Bytes handed to one `/dev/blob` COPY: large enough to be fast, small enough to stay flat. */
const BLOB_BYTES = 8 * 1024 * 1024;

const INT8 = 20;
const NUMERIC = 1700;
const DATE = 1082;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('int8 beyond 2^53');
  return value;
}

const PARSERS = { [INT8]: safeInteger, [NUMERIC]: Number, [DATE]: (text: string) => text };

interface Querier {
  query: PGlite['query'];
}

function sessionOver(db: Querier): Session {
  return {
    async query<Row>(text: string, params: readonly SqlValue[] = []): Promise<Result<Row>> {
      try {
        const result = await db.query<Row>(text, [...params]);
        return { rows: result.rows, affected: result.affectedRows ?? result.rows.length };
      } catch (error) {
        throw fromDriver(error);
      }
    },
    async copyIn(text, chunks) {
      const statement = text.replace(/\bfrom stdin\b/i, "from '/dev/blob'");
      let rows = 0;
      for await (const piece of batches(chunks, BLOB_BYTES)) {
        try {
          const blob = new Blob(piece as Uint8Array<ArrayBuffer>[]);
          const result = await db.query(statement, [], { blob });
          rows += result.affectedRows ?? 0;
        } catch (error) {
          throw fromDriver(error);
        }
      }
      return rows;
    },
    async *copyOut(text) {
      try {
        const result = await db.query(text.replace(/\bto stdout\b/i, "to '/dev/blob'"));
        if (result.blob) yield new Uint8Array(await result.blob.arrayBuffer());
      } catch (error) {
        throw fromDriver(error);
      }
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Takes `<folder>.lock`; a lock whose process is gone (SIGKILL, power) is taken over. */
function lock(folder: string): () => void {
  const path = `${folder}.lock`;
  mkdirSync(dirname(path), { recursive: true });
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = openSync(path, 'wx', 0o600);
      writeSync(file, String(process.pid));
      closeSync(file);
      return () => rmSync(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const pid = Number(readFileSync(path, 'utf8'));
      if (Number.isInteger(pid) && pid > 0 && isAlive(pid)) {
        throw new AssentError('database_in_use', { detail: `process ${pid} has it open` });
      }
      rmSync(path, { force: true });
    }
  }
  throw new AssentError('database_in_use', { detail: 'another process takes the lock as well' });
}

/**
 * Opens an embedded database.
 * @param folder where it lives; undefined keeps it in memory (tests).
 * @throws database_in_use when another process has the folder open.
 */
export async function openPglite(folder?: string): Promise<Database> {
  const release = folder === undefined ? () => {} : lock(folder);
  let db: PGlite;
  try {
    db = await PGlite.create({ ...(folder ? { dataDir: folder } : {}), parsers: PARSERS });
    await db.exec("set timezone to 'UTC'; set jit to off;");
  } catch (error) {
    release();
    throw fromDriver(error);
  }
  return {
    ...sessionOver(db),
    backend: 'pglite',
    concurrency: 1,
    async transaction<T>(run: (session: Session) => Promise<T>): Promise<T> {
      // The caller's own error leaves as it is; only what begin and commit throw is the driver's.
      let own: { readonly error: unknown } | null = null;
      try {
        return await db.transaction((tx: Transaction) =>
          run(sessionOver(tx)).catch((error: unknown) => {
            own = { error };
            throw error;
          }),
        );
      } catch (error) {
        const failed = own as { readonly error: unknown } | null;
        throw failed ? failed.error : fromDriver(error);
      }
    },
    async close() {
      await db.close();
      release();
    },
  };
}
