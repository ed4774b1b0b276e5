/**
 * What a part unfolds to: found when it is uploaded, opened again when it is processed.
 *
 * What must stay true: nothing unfolds to more than a part may be; sealed bytes open only in the
 * place for which they were sealed.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Session } from '../database/database.ts';
import { type ManifestPart, PART_BYTES_MAX, type PartKind } from '../wire/part.ts';
import type { Registry } from './registry.ts';

/** What a part's sealed bytes are bound to. */
export const partSeal = (id: string, part: number) => `submission ${id} part ${part}`;

/** What a part unfolds to. */
export interface Unfolded {
  /** Of the text, hexadecimal. */
  readonly sha256: string;
  readonly rows: number;
  /** Of a month part, if it is written as an account's reference is; else null. */
  readonly first_ref: string | null;
  readonly last_ref: string | null;
}

const REF = /^[0-9a-f-]{36}$/;
const unzip = promisify(gunzip);

/** Unfolds a part's bytes. @throws RangeError: larger than a part may be; Error with errno: no gzip */
async function unfold(body: Uint8Array): Promise<Buffer> {
  return unzip(body, { maxOutputLength: PART_BYTES_MAX });
}

function lineCount(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

/** The lines of a part that is no month part; what follows the last line's end is none. */
export const linesOf = (text: Buffer): string[] => text.toString('utf8').split('\n').slice(0, -1);

function unfoldedOf(text: Buffer, kind: PartKind): Unfolded {
  const refOf = (line: Buffer) => {
    const ref = line.toString('latin1').split('\t', 2)[1] ?? '';
    return kind === 'month' && REF.test(ref) ? ref : null;
  };
  return {
    sha256: createHash('sha256').update(text).digest('hex'),
    rows: lineCount(text),
    first_ref: refOf(text.subarray(0, text.indexOf(10))),
    last_ref: refOf(text.subarray(text.lastIndexOf(10, -2) + 1)),
  };
}

/** What uploaded bytes unfold to; null when they do not, of which the completion will tell. */
export async function unfoldedAtUpload(body: Uint8Array, kind: PartKind): Promise<Unfolded | null> {
  try {
    return unfoldedOf(await unfold(body), kind);
  } catch (error) {
    if (whyNot(error) === null) throw error;
    return null;
  }
}

/** What is wrong with bytes that do not unfold; null: it is not the bytes. */
function whyNot(error: unknown): string | null {
  if (error instanceof RangeError) return `is larger than ${PART_BYTES_MAX} bytes`;
  if (error instanceof Error && 'errno' in error) return 'is no gzip';
  return null;
}

/** A part as it was uploaded, unfolded; null: it was processed. */
export async function partText(
  registry: Registry,
  session: Session,
  id: string,
  part: number,
): Promise<Buffer | null> {
  // Base64: drivers read megabytes of bytea much slower than text.
  const { rows } = await session.query<{ sealed: string | null }>(
    `select encode(content_sealed, 'base64') as sealed from submission_part
     where submission_id = $1 and part_number = $2`,
    [id, part],
  );
  const sealed = rows[0]?.sealed;
  if (!sealed) return null;
  return unfold(registry.ring.openWhole(Buffer.from(sealed, 'base64'), partSeal(id, part)));
}

/** A part that was not unfolded at upload, or what is wrong with it. */
export async function openedPart(
  registry: Registry,
  id: string,
  part: ManifestPart,
): Promise<Unfolded | string> {
  try {
    const text = await partText(registry, registry.db, id, part.part_number);
    if (text === null) throw new Error('an unprocessed part has no content');
    return unfoldedOf(text, part.kind);
  } catch (error) {
    const why = whyNot(error);
    if (why === null) throw error;
    return why;
  }
}
