/**
 * The key ring: what a gateway or a registry can do with its keys, without showing them. The
 * default takes its keys from a file (`key-file.ts`); a hardware module can stand behind the
 * same port.
 *
 * What must stay true: three keys for three jobs, never one for two: an Ed25519 key signs, AES-256
 * keys seal, an HMAC key makes the hashes by which people are found. Each subject has a sealing
 * key of its own, stored wrapped: destroying the wrapped key erases the person. Nothing secret is
 * an enumerable property, so no log or error can print it.
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { AssentError } from '../model/error.ts';
import {
  KEY_BYTES,
  KEY_ID_BYTES,
  LAYOUTS,
  openBytes,
  sealBytes,
  sealedKeyId,
  subjectKeyId,
  unreadable,
  wellFormed,
} from './sealing.ts';

/** Gives that many unpredictable bytes. */
export type Random = (bytes: number) => Uint8Array;

/** A public Ed25519 key as a JWK (RFC 8037); `kid` is its RFC 7638 thumbprint. */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
}

export interface SubjectKey {
  readonly wrapped: Uint8Array;
  /** As `KeyRing.seal`, without opening the wrapped key again. */
  seal(plaintext: Uint8Array, associated: string): Uint8Array;
}

export interface KeyRing {
  /** Signs with jose; the key cannot be printed, and is private. */
  readonly signing: { readonly kid: string; readonly key: KeyObject };
  /** The signing key's public half first, then those of retired keys, which still verify. */
  readonly publicKeys: readonly PublicJwk[];
  /**
   * HMAC-SHA-256 (32 bytes) over the context and the parts, each with its length before it, so
   * that no two lists of parts give the same bytes.
   * @throws argument_invalid: text with half a surrogate pair, which UTF-8 cannot tell apart.
   */
  keyedHash(context: string, ...parts: readonly string[]): Uint8Array;
  /**
   * A new key for one subject, sealed with the current sealing key (69 bytes), and how to seal
   * with it while it is at hand.
   */
  newSubjectKey(): SubjectKey;
  /**
   * Seals with a subject's key (AES-256-GCM, 37 bytes longer). `associated` says what the bytes
   * are and where they stand; opening needs the same text.
   * @throws sealed_unreadable: the wrapped key cannot be opened.
   */
  seal(wrapped: Uint8Array, plaintext: Uint8Array, associated: string): Uint8Array;
  /** Opens what `seal` made. @throws sealed_unreadable: another key, other text, altered bytes. */
  open(wrapped: Uint8Array, sealed: Uint8Array, associated: string): Uint8Array;
  /** Seals with the current sealing key itself, for bytes that belong to no one subject. */
  sealWhole(plaintext: Uint8Array, associated: string): Uint8Array;
  /** Opens what `sealWhole` made. @throws sealed_unreadable: as `open`. */
  openWhole(sealed: Uint8Array, associated: string): Uint8Array;
  /**
   * A subject's key, wrapped with the current sealing key; the same bytes if it already is. What
   * was sealed with the subject's key needs no change.
   * @throws sealed_unreadable: the wrapped key cannot be opened.
   */
  rewrap(wrapped: Uint8Array): Uint8Array;
  /**
   * A wrapped key that seals as `wrapped` does and opens what either of the two opens: of a person
   * whose two files became one. The same bytes when it opens all of that already.
   * @throws sealed_unreadable: a wrapped key cannot be opened.
   */
  combine(wrapped: Uint8Array, other: Uint8Array): Uint8Array;
  /** Whether `open` finds the key of these sealed bytes. @throws sealed_unreadable: as `open`. */
  holdsKeyOf(wrapped: Uint8Array, sealed: Uint8Array): boolean;
}

/** The keys a ring is made of, already checked. */
export interface RingKeys {
  readonly signing: KeyRing['signing'];
  readonly publicKeys: readonly PublicJwk[];
  /** The id of the sealing key that seals; the others only open. */
  readonly currentSealing: string;
  /** 32-byte keys by their id, 16 hexadecimal digits. */
  readonly sealing: ReadonlyMap<string, Uint8Array>;
  /** 32 bytes. */
  readonly index: Uint8Array;
}

/** One sealing key makes two: wrapping and whole sealing share no key (RFC 5869). */
interface SealingPair {
  readonly wrap: KeyObject;
  readonly whole: KeyObject;
}

const idText = (bytes: Uint8Array) => Buffer.from(subjectKeyId(bytes)).toString('hex');

function derive(key: Uint8Array, purpose: string): KeyObject {
  const bytes = hkdfSync('sha256', key, new Uint8Array(0), purpose, KEY_BYTES);
  return createSecretKey(new Uint8Array(bytes));
}

class LocalKeyRing implements KeyRing {
  readonly signing: KeyRing['signing'];
  readonly publicKeys: readonly PublicJwk[];
  readonly #pairs: ReadonlyMap<string, SealingPair>;
  readonly #currentId: string;
  readonly #index: KeyObject;
  readonly #random: Random;

  constructor(keys: RingKeys, random: Random) {
    this.signing = keys.signing;
    this.publicKeys = keys.publicKeys;
    this.#pairs = new Map(
      [...keys.sealing].map(([id, key]) => [
        id,
        { wrap: derive(key, 'assent wrap 1'), whole: derive(key, 'assent whole 1') },
      ]),
    );
    this.#currentId = keys.currentSealing;
    this.#index = createSecretKey(keys.index);
    this.#random = random;
  }

  #pair(id: string): SealingPair {
    return this.#pairs.get(id) ?? unreadable(`sealing key ${id} is not in the key ring`);
  }

  #wrap(subjectKey: Uint8Array): Uint8Array {
    return sealBytes({
      layout: LAYOUTS.wrapped,
      id: Buffer.from(this.#currentId, 'hex'),
      key: this.#pair(this.#currentId).wrap,
      nonce: this.#random,
      associated: '',
      plaintext: subjectKey,
    });
  }

  /** One key after the other, the one that seals first. */
  #unwrap(wrapped: Uint8Array): Uint8Array[] {
    const key = this.#pair(sealedKeyId(wrapped, LAYOUTS.wrapped)).wrap;
    const bytes = openBytes({ layout: LAYOUTS.wrapped, key, associated: '', sealed: wrapped });
    if (bytes.length === 0 || bytes.length % KEY_BYTES !== 0) unreadable('not a subject key');
    return Array.from({ length: bytes.length / KEY_BYTES }, (_, at) =>
      bytes.subarray(at * KEY_BYTES, (at + 1) * KEY_BYTES),
    );
  }

  #keyOf(wrapped: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    const id = sealedKeyId(sealed, LAYOUTS.subject);
    return this.#unwrap(wrapped).find((bytes) => idText(bytes) === id);
  }

  keyedHash(context: string, ...parts: readonly string[]): Uint8Array {
    const pieces = [context, ...parts].flatMap((text) => {
      const bytes = Buffer.from(wellFormed(text));
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    });
    return createHmac('sha256', this.#index).update(Buffer.concat(pieces)).digest();
  }

  newSubjectKey(): SubjectKey {
    const bytes = this.#random(KEY_BYTES);
    return {
      wrapped: this.#wrap(bytes),
      seal: (plaintext, associated) => this.#sealWith(bytes, plaintext, associated),
    };
  }

  seal(wrapped: Uint8Array, plaintext: Uint8Array, associated: string): Uint8Array {
    const [bytes = unreadable('not a subject key')] = this.#unwrap(wrapped);
    return this.#sealWith(bytes, plaintext, associated);
  }

  #sealWith(bytes: Uint8Array, plaintext: Uint8Array, associated: string): Uint8Array {
    return sealBytes({
      layout: LAYOUTS.subject,
      id: subjectKeyId(bytes),
      key: createSecretKey(bytes),
      nonce: this.#random,
      associated,
      plaintext,
    });
  }

  open(wrapped: Uint8Array, sealed: Uint8Array, associated: string): Uint8Array {
    const bytes = this.#keyOf(wrapped, sealed) ?? unreadable('sealed with another subject key');
    const key = createSecretKey(bytes);
    return openBytes({ layout: LAYOUTS.subject, key, associated, sealed });
  }

  sealWhole(plaintext: Uint8Array, associated: string): Uint8Array {
    return sealBytes({
      layout: LAYOUTS.whole,
      id: Buffer.from(this.#currentId, 'hex'),
      key: this.#pair(this.#currentId).whole,
      nonce: this.#random,
      associated,
      plaintext,
    });
  }

  openWhole(sealed: Uint8Array, associated: string): Uint8Array {
    const key = this.#pair(sealedKeyId(sealed, LAYOUTS.whole)).whole;
    return openBytes({ layout: LAYOUTS.whole, key, associated, sealed });
  }

  rewrap(wrapped: Uint8Array): Uint8Array {
    const keys = this.#unwrap(wrapped);
    const current = sealedKeyId(wrapped, LAYOUTS.wrapped) === this.#currentId;
    return current ? wrapped : this.#wrap(Buffer.concat(keys));
  }

  combine(wrapped: Uint8Array, other: Uint8Array): Uint8Array {
    const keys = this.#unwrap(wrapped);
    const known = new Set(keys.map(idText));
    const more = this.#unwrap(other).filter((bytes) => !known.has(idText(bytes)));
    return more.length === 0 ? wrapped : this.#wrap(Buffer.concat([...keys, ...more]));
  }

  holdsKeyOf(wrapped: Uint8Array, sealed: Uint8Array): boolean {
    return this.#keyOf(wrapped, sealed) !== undefined;
  }
}

/**
 * A ring over keys in memory. `random` makes nonces and subject keys: in a program it must be the
 * system's generator, because a nonce used twice with one key breaks AES-GCM.
 * @throws keys_invalid: the current sealing key is not among the keys, or a length is wrong.
 */
export function makeKeyRing(keys: RingKeys, random: Random): KeyRing {
  const lengths = [keys.index, ...keys.sealing.values()].map((key) => key.length);
  const ids = [...keys.sealing.keys()];
  const sound =
    lengths.every((length) => length === KEY_BYTES) &&
    ids.every((id) => /^[0-9a-f]+$/.test(id) && id.length === 2 * KEY_ID_BYTES) &&
    keys.sealing.has(keys.currentSealing);
  if (!sound) throw new AssentError('keys_invalid', { detail: 'keys do not make a ring' });
  return new LocalKeyRing(keys, random);
}
