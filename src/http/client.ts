/**
 * Calls an Assent server as a participant: gets and renews tokens, repeats what may be repeated,
 * and turns problem documents back into errors.
 *
 * What must stay true: only idempotent requests are repeated after an unknown outcome (RFC 9110
 * section 9.2.2); a token goes to `base_url` alone, so redirects are errors; no error holds a
 * token, an address or a body.
 */
import { type CryptoKey, SignJWT } from 'jose';
import { AssentError } from '../model/error.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../wire/api-client.ts';
import { ASSERTION_TYPE } from './client-assertion.ts';
import { readFailure } from './client-failure.ts';
import { TOKEN_PATH } from './token.ts';

export interface ClientOptions {
  /** The server's issuer URL. A slash at the end is ignored. */
  readonly base_url: string;
  readonly participant_id: string;
  /** Private Ed25519 key. */
  readonly key: CryptoKey;
  /** The key's `kid`, when the participant has several keys. */
  readonly kid?: string;
  /** Narrows the tokens; default: every scope of the participant. */
  readonly scopes?: readonly string[];
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  readonly random: (bytes: number) => Uint8Array;
  readonly sleep: (ms: number) => Promise<void>;
  /** Tries of an idempotent request, the first included; default 5. */
  readonly attempts?: number;
  /** How long one try may take; default 60,000. */
  readonly timeout_ms?: number;
}

const ASSERTION_LIFETIME_S = 60;
/** Renew this long before a token expires, so that none expires on its way. */
const RENEW_BEFORE_MS = 30_000;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 10_000;
const RETRIED_STATUSES = [429, 502, 503, 504];
const IDEMPOTENT_METHODS = ['GET', 'HEAD', 'PUT', 'DELETE'];

/** One try: an answer of whatever status, or null when none came. */
type Exchange = (attempt: number) => Promise<ApiAnswer | null>;

/** Full jitter: somewhere in [0, first × 2^attempt], at least what the server asks for. */
function delayMs(attempt: number, answer: ApiAnswer | null, random: ClientOptions['random']) {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** attempt);
  const [high = 0, low = 0] = random(2);
  const jittered = Math.floor((ceiling * (high * 256 + low)) / 65_536);
  const asked = Number(answer?.headers.get('retry-after') ?? 0) * 1000;
  return Number.isFinite(asked) && asked > 0 ? Math.min(asked, 60_000) + jittered : jittered;
}

async function exchangeOnce(
  options: ClientOptions,
  url: string,
  init: RequestInit,
): Promise<ApiAnswer | null> {
  try {
    const signal = AbortSignal.timeout(options.timeout_ms ?? 60_000);
    const response = await options.fetch(url, { ...init, signal, redirect: 'error' });
    const body = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, body };
  } catch {
    return null; // Refused, reset, timed out or redirected: what the driver says may name the URL.
  }
}

async function exchange(
  options: ClientOptions,
  isRepeatable: boolean,
  tryOnce: Exchange,
): Promise<ApiAnswer> {
  const attempts = isRepeatable ? (options.attempts ?? 5) : 1;
  let answer: ApiAnswer | null = null;
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await options.sleep(delayMs(attempt, answer, options.random));
    answer = await tryOnce(attempt);
    if (answer && !RETRIED_STATUSES.includes(answer.status)) return answer;
  }
  if (!answer) {
    throw new AssentError('registry_unreachable', { detail: `no answer in ${attempts} tries` });
  }
  return answer;
}

async function assertionOf(options: ClientOptions, base: string): Promise<string> {
  const now_s = Math.floor(options.now().getTime() / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'EdDSA', ...(options.kid ? { kid: options.kid } : {}) })
    .setIssuer(options.participant_id)
    .setSubject(options.participant_id)
    .setAudience(`${base}${TOKEN_PATH}`)
    .setIssuedAt(now_s)
    .setExpirationTime(now_s + ASSERTION_LIFETIME_S)
    .setJti(Buffer.from(options.random(16)).toString('base64url'))
    .sign(options.key);
}

interface Token {
  readonly value: string;
  readonly renew_at: number;
}

/** RFC 6749 section 4.4.2. Each try signs an assertion of its own: one counts once. */
async function requestToken(options: ClientOptions, base: string): Promise<Token> {
  const answer = await exchange(options, true, async () => {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await assertionOf(options, base),
      ...(options.scopes ? { scope: options.scopes.join(' ') } : {}),
    });
    return exchangeOnce(options, `${base}${TOKEN_PATH}`, { method: 'POST', body });
  });
  if (answer.status !== 200) throw readFailure(answer.status, answer.body);
  const token = parseJson(answer.body) as { access_token?: unknown; expires_in?: unknown } | null;
  if (typeof token?.access_token !== 'string' || typeof token.expires_in !== 'number') {
    throw new AssentError('registry_refused', { detail: 'the token answer holds no token' });
  }
  const renew_at = options.now().getTime() + token.expires_in * 1000 - RENEW_BEFORE_MS;
  return { value: token.access_token, renew_at };
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    throw new AssentError('registry_refused', { detail: 'the answer is not JSON' });
  }
}

function initOf(request: ApiRequest, token: string): RequestInit {
  const type = request.bytes ? 'application/octet-stream' : 'application/json';
  const body = request.bytes ?? (request.json === undefined ? null : JSON.stringify(request.json));
  const headers = {
    ...request.headers,
    ...(body === null ? {} : { 'content-type': type }),
    authorization: `Bearer ${token}`,
  };
  return { method: request.method, headers, body: body as Uint8Array<ArrayBuffer> | string | null };
}

/**
 * Opens a client; nothing is sent until the first request.
 * Its errors: the code of the server's problem, `registry_refused` for one that this release does
 * not know, `registry_unreachable` when no answer came.
 */
export function openClient(options: ClientOptions): ApiClient {
  const base = options.base_url.replace(/\/+$/, '');
  let token: Promise<Token> | null = null;

  function renewToken(): Promise<Token> {
    const fresh = requestToken(options, base);
    // A failure is not kept for the next request.
    fresh.catch(() => {
      if (token === fresh) token = null;
    });
    return fresh;
  }

  async function currentToken(): Promise<string> {
    const seen = token;
    const held = seen ? await seen : null;
    if (held && held.renew_at > options.now().getTime()) return held.value;
    // Requests side by side share one renewal: another may have begun it meanwhile.
    if (token === null || token === seen) token = renewToken();
    return (await token).value;
  }

  async function send(request: ApiRequest): Promise<ApiAnswer> {
    const query = new URLSearchParams(request.query ?? {}).toString();
    const url = `${base}${request.path}${query === '' ? '' : `?${query}`}`;
    const isRepeatable = request.idempotent ?? IDEMPOTENT_METHODS.includes(request.method);
    const patience = request.timeout_ms ?? options.timeout_ms;
    const own = patience === undefined ? options : { ...options, timeout_ms: patience };
    const tryOnce = async () => exchangeOnce(own, url, initOf(request, await currentToken()));
    let answer = await exchange(options, isRepeatable, tryOnce);
    if (answer.status === 401) {
      // Nothing was done: a 401 comes before the body is read. The keys may have rotated.
      token = null;
      answer = await exchange(options, isRepeatable, tryOnce);
    }
    if (answer.status >= 400) throw readFailure(answer.status, answer.body);
    return answer;
  }

  return {
    send,
    json: async <T>(request: ApiRequest) => parseJson((await send(request)).body) as T,
  };
}
