/**
 * The parts of a completed submission against its signed manifest: digests, counts, the order of
 * the accounts, and the Merkle root over the authorisation lines.
 *
 * What must stay true: nothing of a submission is merged before all of it was checked here; the
 * bytes kept at hand are bounded, the rest is opened again.
 */
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { Session } from '../database/database.ts';
import { MerkleTree } from '../log/merkle.ts';
import { type Manifest, type ManifestPart, PART_BYTES_MAX, PART_ROWS_MAX } from '../wire/part.ts';
import { leavesOfPart } from './authorisation-intake.ts';
import type { Registry } from './registry.ts';
import { partSeal, type SubmissionRow } from './submissions.ts';

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
  const body = registry.ring.openWhole(Buffer.from(sealed, 'base64'), partSeal(id, part));
  return gunzipSync(body, { maxOutputLength: PART_BYTES_MAX });
}

function lineCount(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(10); at >= 0; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

/** Number of the first row of a part within its kind. */
export function firstRowOf(manifest: Manifest, part: ManifestPart): number {
  return manifest.parts
    .filter((each) => each.kind === part.kind && each.part_number < part.part_number)
    .reduce((sum, each) => sum + each.rows, 1);
}

/** Bytes of checked parts kept at hand, so that most are opened once. */
const KEPT_BYTES = 64 * 1024 * 1024;
export interface KeptPart {
  readonly text: Buffer;
  /** Of the lines of an authorisation part; empty for the other kinds. */
  readonly leaves: Uint8Array;
}
export type KeptParts = Map<number, KeptPart>;

export const partOf = (part: ManifestPart, text: Buffer, firstRow: number): KeptPart => ({
  text,
  leaves: part.kind === 'authorisation' ? leavesOfPart(text, firstRow) : new Uint8Array(),
});

/** The tree over all authorisation lines, or null when some were processed before a crash. */
type Checked = { readonly why: string } | { readonly why: null; readonly tree: MerkleTree | null };

/** Whether the parts are what the manifest says. Fills `kept`. */
export async function checkParts(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
  kept: KeptParts,
): Promise<Checked> {
  const tree = new MerkleTree();
  let isWhole = true;
  for await (const [part, checked] of checkedParts(registry, submission, manifest, kept)) {
    if (typeof checked === 'string') return { why: checked };
    if (checked) tree.addHashes(checked.leaves);
    else if (part.kind === 'authorisation') isWhole = false;
  }
  if (!isWhole) return { why: null, tree: null }; // It was checked before the crash.
  const root = Buffer.from(tree.root()).toString('base64');
  if (root !== manifest.authorisation_tree.root)
    return { why: 'the authorisation lines have not the Merkle root that the manifest names' };
  return { why: null, tree };
}

/** Each part, or why it is not what the manifest says; null: it was processed before a crash. */
async function* checkedParts(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
  kept: KeptParts,
): AsyncGenerator<readonly [ManifestPart, KeptPart | string | null]> {
  let lastRef = '';
  let room = KEPT_BYTES;
  for (const part of manifest.parts) {
    const text = await uploadedText(registry, submission.submission_id, part);
    if (typeof text === 'string' || text === null) {
      yield [part, text];
      continue;
    }
    const checked = partOf(part, text, firstRowOf(manifest, part));
    room -= text.length + checked.leaves.length;
    if (room >= 0) kept.set(part.part_number, checked);
    if (part.kind === 'month') {
      const [first, last] = [
        text.subarray(0, text.indexOf(10)),
        text.subarray(text.lastIndexOf(10, -2) + 1),
      ];
      const refOf = (line: Buffer) => line.toString('latin1').split('\t')[1] ?? '';
      if (refOf(first) <= lastRef)
        yield [part, `part ${part.part_number} does not begin after the part before it ended`];
      lastRef = refOf(last);
    }
    yield [part, checked];
  }
}

/** A part's text with the digest and the lines that the manifest names, or why it has not. */
async function uploadedText(
  registry: Registry,
  id: string,
  part: ManifestPart,
): Promise<Buffer | string | null> {
  let text: Buffer | null;
  try {
    text = await partText(registry, registry.db, id, part.part_number);
  } catch (error) {
    if (error instanceof RangeError)
      return `part ${part.part_number} is larger than ${PART_BYTES_MAX} bytes`;
    if (error instanceof Error && 'errno' in error) return `part ${part.part_number} is no gzip`;
    throw error;
  }
  if (text === null) return null; // Processed before a crash: it was checked then.
  const digest = createHash('sha256').update(text).digest('hex');
  if (digest !== part.sha256)
    return `part ${part.part_number} has not the digest the manifest names`;
  const lines = lineCount(text);
  if (lines !== part.rows || lines > PART_ROWS_MAX)
    return `part ${part.part_number} has ${lines} rows, the manifest says ${part.rows}`;
  return text;
}
