/**
 * Signed JSON: compact JWS (RFC 7515) with EdDSA over canonical JSON (RFC 8785).
 *
 * What must stay true: one algorithm, and the header never chooses it; one spelling, so that
 * altering any character of a signature makes it invalid; `typ` keeps a signature for one use
 * from passing for another (RFC 8725 section 3.11).
 */
import { createPublicKey } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type CompactJWSHeaderParameters, CompactSign, compactVerify } from 'jose';
import { AssentError } from '../model/error.ts';
import type { KeyRing, PublicJwk } from './key-ring.ts';

/** Keys to verify with; a participant's registered JWK Set fits. */
export interface VerifyingKeys {
  readonly keys: readonly Pick<PublicJwk, 'kty' | 'crv' | 'x' | 'kid'>[];
}

export interface JwsUse {
  /** What the signature is for, for example `assent-receipt+jws`; compared exactly. */
  readonly typ: string;
}

function refuse(detail: string): never {
  throw new AssentError('signature_invalid', { detail });
}

/** The ring's public keys as a JWK Set (RFC 7517), to be published: no private member. */
export function publicJwks(ring: KeyRing): { readonly keys: readonly PublicJwk[] } {
  return { keys: ring.publicKeys };
}

/**
 * The RFC 8785 bytes of a JSON value.
 * @throws argument_invalid: it has no canonical form (a number that is none, half a surrogate
 *   pair, a cycle), or is no JSON value at all.
 */
export function canonicalBytes(value: unknown): Uint8Array {
  let text: string | undefined;
  try {
    text = canonicalize(value);
    // The library writes a function among the members as `undefined`, which is not JSON.
    if (text !== undefined) JSON.parse(text);
  } catch {
    text = undefined;
  }
  if (text !== undefined) return Buffer.from(text);
  throw new AssentError('argument_invalid', { detail: 'the value has no canonical JSON' });
}

/**
 * Signs an object with the ring's signing key: protected header `alg`, `kid`, `typ`.
 * @throws argument_invalid: the payload has no canonical JSON.
 */
export async function signJws(payload: object, ring: KeyRing, use: JwsUse): Promise<string> {
  return await new CompactSign(canonicalBytes(payload))
    .setProtectedHeader({ alg: 'EdDSA', kid: ring.signing.kid, typ: use.typ })
    .sign(ring.signing.key);
}

/** A decoder skips stray bits at the end of base64url; then two texts would be one signature. */
function hasOneSpelling(compact: string): boolean {
  const parts = compact.split('.');
  const exact = (part: string) => Buffer.from(part, 'base64url').toString('base64url') === part;
  return parts.length === 3 && parts.every(exact);
}

function chooseKey(header: CompactJWSHeaderParameters | undefined, keys: VerifyingKeys) {
  const known = keys.keys.filter((key) => key.kid === header?.kid);
  const [key] = known;
  if (key === undefined || known.length > 1) refuse('kid names no registered key');
  if (key.kty !== 'OKP' || key.crv !== 'Ed25519') refuse('the key is not an Ed25519 key');
  const { kty, crv, x } = key;
  return createPublicKey({ key: { kty, crv, x }, format: 'jwk' });
}

function parsePayload(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  let canonical: Uint8Array;
  try {
    value = JSON.parse(Buffer.from(bytes).toString());
    canonical = canonicalBytes(value);
  } catch {
    refuse('the payload is not JSON');
  }
  // Otherwise a member written twice would be read differently by two readers.
  if (!Buffer.from(bytes).equals(canonical)) refuse('the payload is not canonical JSON');
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse('the payload is not an object');
  }
  return value as Record<string, unknown>;
}

/**
 * The payload of a compact JWS whose signature, `kid`, `typ` and form all hold. Its members are
 * not checked: that is the reader's.
 * @throws signature_invalid: not a compact JWS, another algorithm or use, an unknown key, a
 *   critical header, a signature that does not match, a payload that is not canonical JSON.
 */
export async function verifyJws(
  compact: string,
  keys: VerifyingKeys,
  use: JwsUse,
): Promise<Record<string, unknown>> {
  if (!hasOneSpelling(compact)) refuse('not a compact JWS');
  let verified: Awaited<ReturnType<typeof compactVerify>>;
  try {
    verified = await compactVerify(compact, (header) => chooseKey(header, keys), {
      algorithms: ['EdDSA'],
    });
  } catch (error) {
    if (error instanceof AssentError) throw error;
    refuse('the signature does not match');
  }
  if (verified.protectedHeader.typ !== use.typ) refuse(`typ is not ${use.typ}`);
  if (verified.protectedHeader.crit !== undefined) refuse('a critical header is not known');
  return parsePayload(verified.payload);
}
