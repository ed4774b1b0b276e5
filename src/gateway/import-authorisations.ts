/**
 * Authorisations collected elsewhere enter the gateway, in bulk from CSV.
 *
 * What must stay true: one that cannot be taken is named with its row and does not stop the rest;
 * the same file twice changes nothing; all that one file brings stands under one signature, which
 * the next import supplies when a crash left it out. `accounts` holds account numbers of the tape,
 * which become the gateway's account ids here.
 */
import { setImmediate } from 'node:timers/promises';
import { closeBatch, openBatches } from '../authorisation/batch.ts';
import {
  AUTHORISATION_COLUMNS,
  type AuthorisationLine,
  entryOfLines,
  type ImportedEntry,
  type ImportFault,
  lineReader,
} from '../authorisation/from-columns.ts';
import { AssentError } from '../model/error.ts';
import { readCsv } from '../tape/csv.ts';
import { decodeText } from '../tape/decode.ts';
import { retried } from './append.ts';
import { type BatchInHand, type Ready, readyEntries } from './collect.ts';
import type { Gateway, Progress } from './gateway.ts';
import { takeEntries } from './take-entries.ts';

export interface ImportReport {
  readonly stored: number;
  readonly unchanged: number;
  /** Authorisations that could not be taken. */
  readonly not_taken: number;
  /** Why, of the first 10,000 of them, in the order of the file. */
  readonly faults: readonly ImportFault[];
}

/** Authorisations of one transaction: those read, those being written, both in memory. */
const CHUNK = 2_000;
const FAULTS_MAX = 10_000;
/** Lines of one authorisation: more is a file whose ids are wrong. */
const EVENTS_MAX = 1_000;
/** Lines read before the answers of the database are looked at. */
const LINES_AT_ONCE = 256;

type Group = { readonly row: number; readonly line: AuthorisationLine }[];

/** The lines of each authorisation, without those beyond EVENTS_MAX and one. */
async function* groupedLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Group> {
  let read: ReturnType<typeof lineReader> | null = null;
  let group: Group = [];
  let lines = 0;
  for await (const { row, fields } of readCsv(decodeText(bytes, 'utf-8'), ',')) {
    if (fields === null) continue;
    if (!read) {
      const header = fields.map((name) => name.trim());
      const missing = AUTHORISATION_COLUMNS.filter((column) => !header.includes(column));
      if (missing.length > 0)
        throw new AssentError('tape_header_missing', { detail: missing.join(', ') });
      read = lineReader(header);
      continue;
    }
    const line = read(fields);
    if (group[0] && group[0].line.authorisation_id !== line.authorisation_id) {
      yield group;
      group = [];
    }
    if (group.length <= EVENTS_MAX) group.push({ row, line });
    // Reading alone would keep the process busy while the database waits for its next rows.
    if (++lines % LINES_AT_ONCE === 0) await setImmediate();
  }
  if (!read) throw new AssentError('tape_empty', { detail: 'the file has no header' });
  if (group.length > 0) yield group;
}

/** Signs what a crash left unsigned. */
async function closeOpenBatches(gateway: Gateway): Promise<void> {
  for (const id of await openBatches(gateway.db)) await closeOne(gateway, id);
}

const closeOne = (gateway: Gateway, id: string): Promise<void> =>
  gateway.db.transaction((session) =>
    closeBatch(session, id, { ring: gateway.ring, at: gateway.now() }),
  );

/** One file on its way in: a chunk is read and hashed while the one before it is written. */
class Import {
  readonly #gateway: Gateway;
  readonly #progress: Progress;
  readonly #faults: ImportFault[] = [];
  #notTaken = 0;
  #stored = 0;
  #unchanged = 0;
  #done = 0;
  readonly #batch: BatchInHand;
  #writing: Promise<void> = Promise.resolve();

  constructor(gateway: Gateway, progress: Progress) {
    this.#gateway = gateway;
    this.#batch = { id: null, recorded_at: gateway.now() };
    this.#progress = progress;
  }

  fault(...faults: readonly ImportFault[]): void {
    const room = FAULTS_MAX - this.#faults.length;
    this.#faults.push(...faults.slice(0, Math.max(0, room)));
    this.#notTaken += faults.length;
  }

  async take(entries: readonly ImportedEntry[]): Promise<void> {
    const ready = await readyEntries(this.#gateway, entries);
    await this.#writing;
    this.fault(...ready.faults);
    this.#writing = this.#write(ready, entries.length);
    this.#writing.catch(() => {}); // Awaited before the next chunk; until then it is handled.
  }

  async #write(ready: Ready, entries: number): Promise<void> {
    const gateway = this.#gateway;
    const { id } = this.#batch;
    const written = await retried(() =>
      gateway.db.transaction((session) => {
        // A transaction that was rolled back began no batch.
        Object.assign(this.#batch, { id, recorded_at: gateway.now() });
        return takeEntries(session, gateway, ready, this.#batch);
      }),
    );
    this.#stored += written.stored;
    this.#unchanged += written.unchanged;
    this.fault(...written.faults);
    this.#done += entries;
    this.#progress('importing', this.#done, null);
  }

  /** Waits for the last chunk and signs the batch. */
  async end(): Promise<ImportReport> {
    await this.#writing;
    if (this.#batch.id !== null) await closeOne(this.#gateway, this.#batch.id);
    this.#gateway.announce?.();
    return {
      stored: this.#stored,
      unchanged: this.#unchanged,
      not_taken: this.#notTaken,
      faults: this.#faults.toSorted((left, right) => left.row - right.row),
    };
  }
}

async function takeFile(
  gateway: Gateway,
  bytes: AsyncIterable<Uint8Array>,
  into: Import,
): Promise<void> {
  const context = { provider_id: gateway.furnisher_id, profile: gateway.profile?.name ?? '' };
  let chunk: ImportedEntry[] = [];
  for await (const lines of groupedLines(bytes)) {
    const entry = entryOfLines(lines, context);
    if (lines.length > EVENTS_MAX) {
      const row = lines[0]?.row ?? 0;
      into.fault({ row, field: 'event', problem: `come more than ${EVENTS_MAX} times` });
    } else if ('problem' in entry) into.fault(entry);
    else chunk.push(entry);
    if (chunk.length >= CHUNK) {
      await into.take(chunk);
      chunk = [];
    }
  }
  await into.take(chunk);
}

/** Imports a CSV file (docs/DATA.md, "Authorisations"). @throws tape_* for the file as a whole */
export async function importAuthorisations(
  gateway: Gateway,
  bytes: AsyncIterable<Uint8Array>,
  progress: Progress = () => {},
): Promise<ImportReport> {
  await closeOpenBatches(gateway);
  const running = new Import(gateway, progress);
  try {
    await takeFile(gateway, bytes, running);
  } catch (error) {
    await running.end().catch(() => {}); // What was stored is signed if that can be done.
    throw error;
  }
  const report = await running.end();
  await gateway.db.query('analyze authorisation, authorisation_record, authorisation_event');
  return report;
}
