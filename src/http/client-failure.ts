/**
 * What a server's refusal says, as an error of ours.
 *
 * What must stay true: text from the other side is shown only as one short line of printable
 * characters; a code that this release does not know never becomes one that it does.
 */
import { AssentError, ERROR_KINDS, type ErrorCode } from '../model/error.ts';

const LINE_MAX = 300;
const FAULTS_SHOWN = 5;

function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_KINDS, value);
}

/** One line without control characters, cut to a length that fits a terminal. */
function line(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').slice(0, LINE_MAX);
}

function readObject(body: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {}; // A proxy's page: the status is all it says to us.
  }
}

function faultsOf(errors: unknown): string {
  if (!Array.isArray(errors)) return '';
  const shown = errors.slice(0, FAULTS_SHOWN).map((one: unknown) => {
    const { location, pointer, detail } = (one ?? {}) as Record<string, unknown>;
    return `; ${line(location)}${line(pointer)} ${line(detail)}`;
  });
  return shown.join('');
}

/**
 * Turns an answer of 400 and above into an error: a problem (RFC 9457) with a code we know keeps
 * it; the token endpoint's `error` (RFC 6749 section 5.2) and any other code become
 * `not_authenticated` or `registry_refused` with status and title.
 */
export function readFailure(status: number, body: Uint8Array): AssentError {
  const { code, title, detail, errors, error, error_description } = readObject(body);
  if (isErrorCode(code)) {
    return new AssentError(code, { detail: `${line(detail)}${faultsOf(errors)}` });
  }
  if (error === 'invalid_client') {
    return new AssentError('not_authenticated', { detail: line(error_description) });
  }
  const said = line(title ?? error_description);
  return new AssentError('registry_refused', { detail: said ? `${status} ${said}` : `${status}` });
}
