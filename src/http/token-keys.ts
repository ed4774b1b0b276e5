/**
 * The keys under which access tokens are signed and checked.
 *
 * What must stay true: `publicKeys` holds public members only, and holds the signing key's
 * public half, beside former ones until the last token signed by them has expired.
 */
import type { CryptoKey, JWK } from 'jose';

export interface TokenKeys {
  /** The `kid` of the signing key, as in `publicKeys`. */
  readonly kid: string;
  /** Private Ed25519 key. */
  readonly signing: CryptoKey;
  /** Public Ed25519 keys, each with its `kid`. */
  readonly publicKeys: readonly JWK[];
}
