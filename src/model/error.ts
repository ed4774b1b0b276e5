/**
 * The one error type for failures. Three kinds of wrong exist in this house:
 * a programmer's error crashes (assert), an expected outcome is returned as a value,
 * and a failure is an AssentError whose `code` is stable and explained in docs/ERRORS.md.
 *
 * What must stay true: neither `message` nor `detail` ever holds an identity value.
 */

interface ErrorKind {
  /** HTTP status when it crosses the API. */
  readonly status: number;
  /** One short sentence, the same for every occurrence. */
  readonly title: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** Every failure code. docs/ERRORS.md has one section for each; a test compares them both ways. */
export const ERROR_KINDS = {
  argument_invalid: {
    status: 400,
    title: 'A command or request argument is not valid.',
    remedy: 'Correct the argument that the detail names; `--help` shows the accepted forms.',
  },
  database_in_use: {
    status: 503,
    title: 'Another process has this embedded database open.',
    remedy: 'Stop the other process, or set DATABASE_URL to share a PostgreSQL server.',
  },
  database_failed: {
    status: 500,
    title: 'The database refused a statement.',
    remedy: 'See the SQLSTATE in the detail; nothing was committed, so the step can be repeated.',
  },
  database_full: {
    status: 507,
    title: 'The disk or the database is full.',
    remedy: 'Free space, then repeat the step: nothing half-done was kept.',
  },
  database_newer: {
    status: 500,
    title: 'The database was migrated by a newer release.',
    remedy: 'Run the newer release, or restore the backup made before the upgrade.',
  },
  migration_changed: {
    status: 500,
    title: 'A migration that was already applied has been edited.',
    remedy: 'Restore the original file and add a new migration instead.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface AssentErrorOptions {
  /** Facts of this occurrence (counts, ids, names of fields). Never an identity value. */
  readonly detail?: string;
  /** The underlying error, for the log of the process that raised it; never sent to a client. */
  readonly cause?: unknown;
}

/** A failure with a stable code. `message` is `code: detail`; `remedy` says what to do next. */
export class AssentError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, options: AssentErrorOptions = {}) {
    const detail = options.detail ?? ERROR_KINDS[code].title;
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AssentError';
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  get title(): string {
    return ERROR_KINDS[this.code].title;
  }

  get remedy(): string {
    return ERROR_KINDS[this.code].remedy;
  }
}
