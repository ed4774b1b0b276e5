/**
 * Hashes of records, events and leaves.
 *
 * What must stay true: bytes are specified, never a JSON encoder's accident (docs/AUTHORISATION.md
 * has a vector of each). A record's hash is SHA-256 over its RFC 8785 canonical JSON. Events and
 * leaves are hashed over fields, each as four bytes of length (big-endian) and its UTF-8 bytes:
 * - event: "assent/event/1", authorisation_id, the record's hash in hex, seq, type, at, by_party,
 *   reason ("-" before nothing, "+" before a text), the hash of the event before in hex (empty
 *   for the first);
 * - leaf: "assent/authorisation/1", authorisation_id, subject_ref, the newest event's seq and its
 *   hash in hex; then RFC 9162's leaf hash over these bytes. The chain covers record and events;
 * - leaf of a line that a registry could not read: "assent/unreadable/1" and the line.
 */
import { hash } from 'node:crypto';
import { leafHash } from '../log/merkle.ts';
import { canonicalRecord } from './canonical-record.ts';
import type { AuthorisationEvent, AuthorisationRecord } from './record.ts';

/** Lower-case hex of SHA-256 over a text's UTF-8 bytes. */
export const sha256Hex = (text: string): string => hash('sha256', text, 'hex');

/** Kept between calls: a fresh buffer for each event was a fifth of an import's hashing. */
let scratch = Buffer.alloc(4096);

/** The fields with their lengths, in memory that the next call writes over. */
function lengthPrefixed(fields: readonly string[]): Buffer {
  const most = fields.reduce((sum, field) => sum + 4 + 3 * field.length, 0);
  if (most > scratch.length) scratch = Buffer.alloc(2 * most);
  let at = 0;
  for (const field of fields) {
    const length = scratch.write(field, at + 4, 'utf8');
    scratch.writeUInt32BE(length, at);
    at += 4 + length;
  }
  return scratch.subarray(0, at);
}

/**
 * The hash of one event in lower-case hex.
 * @param record_sha256 the record's hash in hex
 * @param before the hash of the event before in hex; empty for the first
 */
export function eventHash(
  authorisationId: string,
  record_sha256: string,
  event: AuthorisationEvent,
  before: string,
): string {
  const bytes = lengthPrefixed([
    'assent/event/1',
    authorisationId,
    record_sha256,
    String(event.seq),
    event.type,
    event.at,
    event.by_party,
    event.reason === null ? '-' : `+${event.reason}`,
    before,
  ]);
  return hash('sha256', bytes, 'hex');
}

/**
 * Hashes of the events of one authorisation in lower-case hex, each chained to the one before.
 * @param record_sha256 the record's hash in hex
 */
export function eventChain(
  authorisationId: string,
  record_sha256: string,
  events: readonly AuthorisationEvent[],
): string[] {
  const chain: string[] = [];
  let before = '';
  for (const event of events) {
    before = eventHash(authorisationId, record_sha256, event, before);
    chain.push(before);
  }
  return chain;
}

/** What a leaf commits to. */
export interface LeafContent {
  readonly authorisation_id: string;
  /** The collector's number of the person: a UUID that identifies nobody by itself. */
  readonly subject_ref: string;
  /** Of the newest event. */
  readonly seq: number;
  /** Of the newest event, lower-case hex. */
  readonly event_hash: string;
}

/** The leaf hash (32 bytes) of an authorisation as its events stand. */
export function authorisationLeaf(content: LeafContent): Uint8Array {
  return leafHash(
    lengthPrefixed([
      'assent/authorisation/1',
      content.authorisation_id,
      content.subject_ref,
      String(content.seq),
      content.event_hash,
    ]),
  );
}

/** The leaf hash (32 bytes) of an authorisation with its record and events at hand. */
export function leafOfEntry(entry: {
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}): Uint8Array {
  const { subject_ref, record, events } = entry;
  const { authorisation_id } = record;
  const event_hash =
    eventChain(authorisation_id, sha256Hex(canonicalRecord(record)), events).at(-1) ?? '';
  return authorisationLeaf({ authorisation_id, subject_ref, seq: events.length, event_hash });
}

/** The leaf hash (32 bytes) of a line that cannot be read: every line has a place in the tree. */
export const unreadableLeaf = (line: string): Uint8Array =>
  leafHash(lengthPrefixed(['assent/unreadable/1', line]));
