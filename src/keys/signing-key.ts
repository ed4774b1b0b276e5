/**
 * Ed25519 keys as JWKs (RFC 8032, RFC 8037).
 *
 * What must stay true: a private key is made from 32 injected random bytes and nothing else; the
 * public half and the `kid` are always derived from it, never believed.
 */
import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import type { PublicJwk } from './key-ring.ts';

/** PKCS #8 around an Ed25519 seed (RFC 8410 section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The private key of a 32-byte seed. */
export function privateKeyOf(seed: Uint8Array): KeyObject {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** RFC 7638 thumbprint of an Ed25519 key (members of RFC 8037 appendix A.3), base64url. */
export function thumbprint(x: string): string {
  return hash('sha256', `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, 'base64url');
}

/** A public JWK over `x`, 32 bytes in base64url. */
export function publicJwkOf(x: string): PublicJwk {
  return { kty: 'OKP', crv: 'Ed25519', x, kid: thumbprint(x), alg: 'EdDSA', use: 'sig' };
}

/** The `x` of a private key. */
export function publicX(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  if (x === undefined) throw new TypeError('not an Ed25519 key');
  return x;
}
