/**
 * Hashes of records and events.
 *
 * What must stay true: bytes are specified, never a JSON encoder's accident. A record's hash is
 * SHA-256 over its RFC 8785 canonical JSON. An event's hash is SHA-256 over these fields, each as
 * four bytes of length (big-endian) and its UTF-8 bytes: "assent/event/1", authorisation_id, the
 * record's hash in hex, seq, type, at, by_party, reason ("-" before nothing, "+" before a text),
 * the hash of the event before in hex (empty for the first).
 */
import { createHash } from 'node:crypto';
import { canonicalBytes } from '../keys/jws.ts';
import type { AuthorisationEvent, AuthorisationRecord } from './record.ts';

export function recordHash(record: AuthorisationRecord): Uint8Array {
  return createHash('sha256').update(canonicalBytes(record)).digest();
}

function lengthPrefixed(parts: readonly string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = Buffer.from(part, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

/**
 * The hash of one event.
 * @param ofRecord the record's hash, in hex
 * @param before the hash of the event before, in hex; empty for the first
 */
export function eventHash(
  authorisationId: string,
  ofRecord: string,
  event: AuthorisationEvent,
  before: string,
): Uint8Array {
  const bytes = lengthPrefixed([
    'assent/event/1',
    authorisationId,
    ofRecord,
    String(event.seq),
    event.type,
    event.at,
    event.by_party,
    event.reason === null ? '-' : `+${event.reason}`,
    before,
  ]);
  return createHash('sha256').update(bytes).digest();
}

/**
 * Hashes of the events of one authorisation, each chained to the one before.
 * @param ofRecord the record's hash
 */
export function eventHashes(
  authorisationId: string,
  ofRecord: Uint8Array,
  events: readonly AuthorisationEvent[],
): Uint8Array[] {
  const recordHex = Buffer.from(ofRecord).toString('hex');
  const hashes: Uint8Array[] = [];
  let before = '';
  for (const event of events) {
    const hash = eventHash(authorisationId, recordHex, event, before);
    hashes.push(hash);
    before = Buffer.from(hash).toString('hex');
  }
  return hashes;
}
