/**
 * Turns a driver's error into a failure that may be logged.
 *
 * What must stay true: only SQLSTATE, table and constraint survive. The message, `detail`,
 * `where`, `query` and `params` of pg and PGlite hold people's data (both measured), so neither
 * they nor the original error as `cause` leave this file.
 */
import { AssentError, type ErrorCode } from '../model/error.ts';

/** No connection (class 08), no entry (28, 3D000), no room for one (53300), not yet (57P03). */
const NO_ENTRY = /^(08...|28...|3D000|53300|57P0[1-3])$/;

/** In a transaction that a statement has failed in, nothing more can be done. */
export const IN_FAILED_TRANSACTION = '25P02';

function codeOf(sqlstate: string): ErrorCode {
  if (sqlstate === '53100') return 'database_full';
  return NO_ENTRY.test(sqlstate) ? 'database_unreachable' : 'database_failed';
}

/** A failed statement. `sqlstate` is the five-character code, or `08006` for a lost connection. */
export class DatabaseFailure extends AssentError {
  readonly sqlstate: string;
  readonly table: string | null;

  constructor(sqlstate: string, table: string | null, constraint: string | null) {
    const parts = [`SQLSTATE ${sqlstate}`];
    if (table) parts.push(`table ${table}`);
    if (constraint) parts.push(`constraint ${constraint}`);
    super(codeOf(sqlstate), { detail: parts.join(', ') });
    this.name = 'DatabaseFailure';
    this.sqlstate = sqlstate;
    this.table = table;
  }
}

/** The SQLSTATE classes that mean the row's text was at fault, not the statement or the server. */
export function isBadText(error: unknown): boolean {
  return error instanceof DatabaseFailure && error.sqlstate.startsWith('22');
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Wraps whatever a driver threw. An AssentError passes through unchanged. */
export function fromDriver(error: unknown): unknown {
  if (error instanceof AssentError) return error;
  if (!(error instanceof Error)) return new DatabaseFailure('XX000', null, null);
  const fields = error as unknown as Record<string, unknown>;
  const code = text(fields['code']);
  // Node's own codes (ECONNREFUSED, EPIPE …) and pg's plain "Connection terminated" have no SQLSTATE.
  const sqlstate =
    code !== null && /^[0-9A-Z]{5}$/.test(code) ? code : connectionState(code, error);
  return new DatabaseFailure(sqlstate, text(fields['table']), text(fields['constraint']));
}

function connectionState(code: string | null, error: Error): string {
  if (code === 'ENOSPC') return '53100';
  if (code !== null && /^E[A-Z]+$/.test(code)) return '08006';
  return /connection|closed|timeout/i.test(error.message) ? '08006' : 'XX000';
}
