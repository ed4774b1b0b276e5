/**
 * PGlite behind the port: PostgreSQL compiled to WebAssembly, in this process, in one folder.
 *
 * What must stay true: one process at a time has the folder open (two would destroy it), which a
 * lock file beside the folder guards, with the process and when it began; COPY goes through `/dev/blob` in bounded pieces.
 */
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { AssentError } from '../model/error.ts';
import { batches } from './batches.ts';
import type { Database, Result, Session, SqlValue } from './database.ts';
import { fromDriver } from './driver-error.ts';
import { dropTemplate, keepTemplate, readTemplate } from './pglite-template.ts';

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

/** @param onFailure told of each statement that fails */
function sessionOver(db: Querier, onFailure = () => {}): Session {
  const failure = (error: unknown) => {
    onFailure();
    return fromDriver(error);
  };
  return {
    async query<Row>(text: string, params: readonly SqlValue[] = []): Promise<Result<Row>> {
      try {
        const result = await db.query<Row>(text, [...params]);
        return { rows: result.rows, affected: result.affectedRows ?? result.rows.length };
      } catch (error) {
        throw failure(error);
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
          throw failure(error);
        }
      }
      return rows;
    },
    async *copyOut(text) {
      try {
        const result = await db.query(text.replace(/\bto stdout\b/i, "to '/dev/blob'"));
        if (result.blob) yield new Uint8Array(await result.blob.arrayBuffer());
      } catch (error) {
        throw failure(error);
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

/**
 * When a process began, in ticks since boot (proc(5), field 22); empty where the system does not
 * say. Numbers of processes come again, in a container within minutes, the pair does not.
 */
function startOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

/** The process that holds a lock; null when it is gone. @param text `pid start` */
function holderOf(text: string): number | null {
  const [number = '', start = ''] = text.split(' ');
  const pid = Number(number);
  const isHeld =
    Number.isInteger(pid) && pid > 0 && isAlive(pid) && (start === '' || start === startOf(pid));
  return isHeld ? pid : null;
}

function inUse(pid: number): AssentError {
  return new AssentError('database_in_use', { detail: `process ${pid} has it open` });
}

const readLock = (path: string) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Its owner let go.
  }
};

/** Puts a lock whose process is gone (SIGKILL, power) out of the way. @throws database_in_use */
function removeStale(path: string, aside: string): void {
  try {
    renameSync(path, aside);
  } catch {
    return; // Someone else did.
  }
  // Between the look and the move another may have taken it: then it is theirs.
  const holder = holderOf(readLock(aside));
  if (holder === null) return;
  renameSync(aside, path);
  throw inUse(holder);
}

/** Takes `<folder>.lock`, which names this process. @throws database_in_use */
function lock(folder: string): () => void {
  const path = `${folder}.lock`;
  const draft = `${path}.${process.pid}`;
  mkdirSync(dirname(path), { recursive: true });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      // A link appears with its content: nobody ever reads a lock that is half written.
      writeFileSync(draft, `${process.pid} ${startOf(process.pid)}`, { mode: 0o600 });
      try {
        linkSync(draft, path);
        return () => rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = holderOf(readLock(path));
      if (holder !== null) throw inUse(holder);
      removeStale(path, draft);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new AssentError('database_in_use', { detail: 'another process takes the lock as well' });
}

/** Makes an empty database: from the kept copy, else by initdb, which then leaves a copy. */
async function createEmpty(folder?: string): Promise<PGlite> {
  const place = { ...(folder ? { dataDir: folder } : {}), parsers: PARSERS };
  const template = readTemplate();
  if (template) {
    try {
      return await PGlite.create({ ...place, loadDataDir: template });
    } catch {
      dropTemplate();
      if (folder) rmSync(folder, { recursive: true, force: true });
    }
  }
  const db = await PGlite.create(place);
  await keepTemplate(db);
  return db;
}

/** Opens a folder. A new one is made beside its place, so that what is there is whole. */
async function openFolder(folder: string): Promise<PGlite> {
  if (!existsSync(folder)) {
    const draft = `${folder}.draft`;
    rmSync(draft, { recursive: true, force: true });
    await (await createEmpty(draft)).close();
    renameSync(draft, folder);
  }
  return PGlite.create({ dataDir: folder, parsers: PARSERS });
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
    db = await (folder === undefined ? createEmpty() : openFolder(folder));
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
        return await db.transaction(async (tx: Transaction) => {
          let hasFailed = false;
          const session = sessionOver(tx, () => {
            hasFailed = true;
          });
          const value = await run(session).catch((error: unknown) => {
            own = { error };
            throw error;
          });
          // Where somebody went on as if it had not failed, commit would undo everything in silence.
          if (hasFailed) await tx.query('select 1');
          return value;
        });
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
