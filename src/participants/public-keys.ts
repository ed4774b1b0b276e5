/**
 * A participant's public keys: a JWK Set (RFC 7517) of Ed25519 keys (RFC 8037).
 *
 * What must stay true: no private member is ever accepted, so none can be stored or shown; what
 * is stored holds the members named here and nothing else; every key has a `kid` of its own.
 */
import { calculateJwkThumbprint } from 'jose';
import { AssentError } from '../model/error.ts';

/** A public Ed25519 key. `x` is 32 bytes in base64url. */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
}

export interface PublicKeys {
  readonly keys: readonly PublicKey[];
}

/** A rotation needs two keys side by side; more than a few are a mistake. */
const KEYS_MAX = 8;

/** RFC 7518 section 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2: members that are secret. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

function refuse(detail: string): never {
  throw new AssentError('participant_invalid', { detail });
}

async function parseKey(value: unknown, position: number): Promise<PublicKey> {
  if (typeof value !== 'object' || value === null) refuse(`keys[${position}] is not an object`);
  const key = value as Record<string, unknown>;
  if (PRIVATE_MEMBERS.some((member) => Object.hasOwn(key, member))) {
    refuse(`keys[${position}] holds a private member; send the public key only`);
  }
  const { kty, crv, x, kid } = key;
  if (kty !== 'OKP' || crv !== 'Ed25519') refuse(`keys[${position}] is not an Ed25519 key`);
  if (typeof x !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(x)) {
    refuse(`keys[${position}] has no 32 byte x in base64url`);
  }
  if (kid !== undefined && (typeof kid !== 'string' || !/^[\x21-\x7e]{1,200}$/.test(kid))) {
    refuse(`keys[${position}] has a kid that is not 1 to 200 visible ASCII characters`);
  }
  return { kty, crv, x, kid: kid ?? (await calculateJwkThumbprint({ kty, crv, x })) };
}

/**
 * Checks a JWK Set and keeps its public members only. A key without `kid` gets its RFC 7638
 * thumbprint.
 * @throws participant_invalid: not a JWK Set, no key, too many, a private or a foreign key.
 */
export async function parsePublicKeys(value: unknown): Promise<PublicKeys> {
  const given =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)['keys'] : null;
  if (!Array.isArray(given)) refuse('jwks is not an object with an array named keys');
  if (given.length === 0 || given.length > KEYS_MAX) refuse(`jwks must hold 1 to ${KEYS_MAX} keys`);
  const keys = await Promise.all(given.map(parseKey));
  if (new Set(keys.map((key) => key.kid)).size < keys.length) refuse('two keys share one kid');
  return { keys };
}
