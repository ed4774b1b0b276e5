/**
 * What a program needs of another's HTTP API. `http/client.ts` is the implementation.
 */

/** Patience for what looks through a whole registry, which sends spaces meanwhile. */
export const WHOLE_REGISTRY_MS = 24 * 3_600_000;

export interface ApiRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Begins with a slash; ids in it are already percent-encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON; give this or `bytes`. */
  readonly json?: unknown;
  /** Sent as `application/octet-stream`. */
  readonly bytes?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** True when repeating the request is harmless; default: by the method. */
  readonly idempotent?: boolean;
  /** How long one try may take; default: as the client was opened. At most 290 s without a byte. */
  readonly timeout_ms?: number;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export interface ApiClient {
  /** Sends a request; any status below 400 is an answer, anything else an AssentError. */
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** Sends a request and parses the JSON of its answer. The shape is the caller's to check. */
  json<T>(request: ApiRequest): Promise<T>;
}
