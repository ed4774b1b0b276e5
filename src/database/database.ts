/**
 * The one door to storage: PGlite and PostgreSQL behind the same four verbs.
 *
 * What must stay true: SQL text is the same on every backend; a value reaches SQL only as a
 * parameter or as COPY text; a driver's error leaves here as an AssentError that carries
 * SQLSTATE, constraint and table, and nothing of the row (lessons: drivers put people's data
 * into `detail`, `params` and `query`).
 */

/** A value that may be bound to `$n`. Arrays become PostgreSQL arrays. */
export type SqlValue =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | null
  | readonly SqlValue[];

export interface Result<Row> {
  readonly rows: Row[];
  /** Rows inserted, updated or deleted; for a select, rows returned. */
  readonly affected: number;
}

export interface QueryOptions {
  /**
   * A text that is sent again and again and costs more to plan than to run: a connection plans it
   * once. Only for texts that do not change, of which there are few. No-op on PGlite.
   */
  readonly prepared?: boolean;
  /**
   * Nobody reads its answer: in a transaction it may travel with the statement that comes next, or
   * with the commit, and what is wrong with it is thrown there. Its result is empty.
   */
  readonly withNext?: boolean;
}

/** Statements that run one after another on one connection. */
export interface Session {
  /**
   * One statement. `int8` comes back as a number (a value beyond 2^53 is an error), `date` as
   * `YYYY-MM-DD`, `timestamptz` as Date, `bytea` as Uint8Array, `json` parsed.
   */
  query<Row = Record<string, unknown>>(
    text: string,
    params?: readonly SqlValue[],
    options?: QueryOptions,
  ): Promise<Result<Row>>;
  /**
   * Runs `copy … from stdin` (text format unless the statement says otherwise).
   * Each chunk must end at a row's end. Returns the number of rows copied.
   */
  copyIn(text: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number>;
  /** Runs `copy … to stdout`. On PGlite the whole result is held in memory: bound it by range. */
  copyOut(text: string): AsyncIterable<Uint8Array>;
}

export interface Database extends Session {
  readonly backend: 'pglite' | 'postgresql';
  /** How many transactions can really run side by side (1 on PGlite). */
  readonly concurrency: number;
  /** begin … commit; any error rolls back and is rethrown, one that `run` swallowed too. Not reentrant. */
  transaction<T>(run: (session: Session) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
