/**
 * What people type: periods, ports, addresses, moments, files. A wrong one is named before
 * anything is opened or asked.
 */
import { createHash } from 'node:crypto';
import { createReadStream, readFileSync, type Stats, statSync } from 'node:fs';
import { AssentError } from '../model/error.ts';
import { isPeriod } from '../model/period.ts';

function wrong(detail: string): never {
  throw new AssentError('argument_invalid', { detail });
}

/** @returns `YYYY-MM`. @throws argument_invalid */
export function periodOf(text: string): string {
  return isPeriod(text) ? text : wrong('a period is a month written YYYY-MM, such as 2026-10');
}

/** @throws argument_invalid */
export function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  return port >= 1 && port <= 65_535 ? port : wrong('a port is a whole number from 1 to 65535');
}

/** A whole number of at least one. @throws argument_invalid, naming the option */
export function countOf(option: string): (text: string) => number {
  return (text) =>
    /^[1-9]\d{0,8}$/.test(text) ? Number(text) : wrong(`${option} is a whole number above 0`);
}

/** An http(s) URL without query and without a slash at its end. @throws argument_invalid */
export function urlOf(text: string): string {
  const url = text.replace(/\/+$/, '');
  const isPlain = /^https?:\/\/[^?#\s]+$/.test(url) && URL.canParse(url);
  return isPlain ? url : wrong('a URL begins with http:// or https:// and has no query');
}

/** A moment in ISO 8601: a day, or a day and a time. @throws argument_invalid */
export function momentOf(text: string): Date {
  const moment = new Date(/^\d{4}-\d\d-\d\d/.test(text) ? text : Number.NaN);
  return Number.isNaN(moment.getTime())
    ? wrong('a moment is written 2026-10-31T12:00:00Z')
    : moment;
}

/** @throws argument_invalid */
export function idOf(text: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
    ? text
    : wrong('an id is a UUID in small letters, as the lists print it');
}

/** Facts of a file that is there. @param what it should be, for people. @throws file_unreadable */
export function fileOf(path: string, what: string): Stats {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (!stats)
    throw new AssentError('file_unreadable', { detail: `${what}: there is no such file` });
  if (stats.isDirectory())
    throw new AssentError('file_unreadable', { detail: `${what}: that is a folder` });
  return stats;
}

/** @throws file_unreadable */
export function fileBytes(path: string, what: string): AsyncIterable<Uint8Array> {
  fileOf(path, what);
  return createReadStream(path, { highWaterMark: 1 << 20 });
}

/** SHA-256 of a file's bytes, in lower-case hex. @throws file_unreadable */
export function fileDigest(path: string, what: string): string {
  fileOf(path, what);
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** The text and the value of a JSON file. @throws file_unreadable, argument_invalid */
export function readJson(path: string, what: string): { text: string; value: unknown } {
  fileOf(path, what);
  const text = readFileSync(path, 'utf8').replace(/^\ufeff/, '');
  try {
    return { text, value: JSON.parse(text) };
  } catch {
    return wrong(`${what}: the file is no JSON`); // The parser's message quotes the file.
  }
}

/** The card of a participant, as `init` and `card` write it. @throws file_unreadable, argument_invalid */
export function readCard(path: string): { participant_id: string; name: string; jwks: unknown } {
  const { value } = readJson(path, 'the card');
  const card = value as { participant_id?: unknown; name?: unknown; jwks?: unknown } | null;
  if (typeof card?.participant_id !== 'string' || typeof card.name !== 'string' || !card.jwks)
    wrong('the card is not a participant.json of this program');
  return card as { participant_id: string; name: string; jwks: unknown };
}
