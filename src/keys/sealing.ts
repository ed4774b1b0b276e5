/**
 * Sealed bytes: AES-256-GCM (NIST SP 800-38D) in one layout,
 * `layout (1) || key id (8) || nonce (12) || ciphertext || tag (16)`.
 *
 * What must stay true: the layout byte, the key id and the associated text are authenticated, so
 * bytes sealed for one place or kind never open in another; every failure is the same error,
 * without a word of the content. A nonce is 96 random bits: one key seals at most 2^32 times
 * (section 8.3), then the ring is rotated.
 */
import { createCipheriv, createDecipheriv, hash, type KeyObject } from 'node:crypto';
import { AssentError } from '../model/error.ts';

export const KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;
const SEALED_BYTES_MIN = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/** The first byte: version 1 of a wrapped subject key, of a subject's bytes, of whole bytes. */
export const LAYOUTS = { wrapped: 0x01, subject: 0x02, whole: 0x03 } as const;
export type Layout = (typeof LAYOUTS)[keyof typeof LAYOUTS];

/** @throws sealed_unreadable: always. `reason` is a class or a key id, never content. */
export function unreadable(reason: string): never {
  throw new AssentError('sealed_unreadable', { detail: reason });
}

/** The text, if UTF-8 keeps it apart from every other. @throws argument_invalid: it does not. */
export function wellFormed(text: string): string {
  if (text.isWellFormed()) return text;
  throw new AssentError('argument_invalid', { detail: 'text holds half a surrogate pair' });
}

/** The id by which a subject's key is told from others: 8 bytes of its hash, nothing of the key. */
export function subjectKeyId(key: Uint8Array): Uint8Array {
  const labelled = Buffer.concat([Buffer.from('assent subject key 1'), key]);
  return hash('sha256', labelled, 'buffer').subarray(0, KEY_ID_BYTES);
}

/**
 * The id of the key that sealed, as 16 hexadecimal digits.
 * @throws sealed_unreadable: too short, or of another layout.
 */
export function sealedKeyId(sealed: Uint8Array, layout: Layout): string {
  if (sealed.length < SEALED_BYTES_MIN || sealed[0] !== layout) unreadable('not in this layout');
  return Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString('hex');
}

export interface Sealing {
  readonly layout: Layout;
  readonly id: Uint8Array;
  readonly key: KeyObject;
  readonly nonce: (bytes: number) => Uint8Array;
  readonly associated: string;
  readonly plaintext: Uint8Array;
}

/** The header is of fixed length, so header and text cannot be cut in two ways. */
function authenticated(header: Uint8Array, associated: string): Uint8Array {
  return Buffer.concat([header, Buffer.from(wellFormed(associated))]);
}

/**
 * Seals bytes of any length, none included.
 * @throws argument_invalid: `associated` holds half a surrogate pair.
 */
export function sealBytes(sealing: Sealing): Uint8Array {
  const header = Buffer.from([sealing.layout, ...sealing.id]);
  const nonce = sealing.nonce(NONCE_BYTES);
  if (nonce.length !== NONCE_BYTES) throw new RangeError('random gave another number of bytes');
  const cipher = createCipheriv('aes-256-gcm', sealing.key, nonce);
  cipher.setAAD(authenticated(header, sealing.associated));
  const body = cipher.update(sealing.plaintext);
  const rest = cipher.final();
  return Buffer.concat([header, nonce, body, rest, cipher.getAuthTag()]);
}

export interface Opening {
  readonly layout: Layout;
  readonly key: KeyObject;
  readonly associated: string;
  readonly sealed: Uint8Array;
}

/** Opens sealed bytes. @throws sealed_unreadable: another key, other text or altered bytes. */
export function openBytes(opening: Opening): Uint8Array {
  const { layout, key, associated, sealed } = opening;
  sealedKeyId(sealed, layout);
  const nonceEnd = HEADER_BYTES + NONCE_BYTES;
  const bodyEnd = sealed.length - TAG_BYTES;
  const nonce = sealed.subarray(HEADER_BYTES, nonceEnd);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(authenticated(sealed.subarray(0, HEADER_BYTES), associated));
  decipher.setAuthTag(sealed.subarray(bodyEnd));
  const body = decipher.update(sealed.subarray(nonceEnd, bodyEnd));
  try {
    return Buffer.concat([body, decipher.final()]);
  } catch {
    return unreadable('altered, or sealed for another place');
  }
}
