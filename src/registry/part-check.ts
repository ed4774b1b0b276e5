/**
 * The parts of a completed submission against its signed manifest: digests, counts, the order of
 * the accounts, and the Merkle root over the authorisation lines.
 *
 * What must stay true: nothing of a submission is merged before all of it was checked here. What
 * a part unfolds to is found when it is uploaded; its sealed bytes cannot change after that.
 */
import { MerkleTree } from '../log/merkle.ts';
import { type Manifest, type ManifestPart, PART_ROWS_MAX } from '../wire/part.ts';
import { leavesOf } from './authorisation-intake.ts';
import { linesOf, openedPart, partText, type Unfolded } from './part-text.ts';
import type { Registry } from './registry.ts';
import type { SubmissionRow } from './submissions.ts';

/** Number of the first row of a part within its kind. */
export function firstRowOf(manifest: Manifest, part: ManifestPart): number {
  return manifest.parts
    .filter((each) => each.kind === part.kind && each.part_number < part.part_number)
    .reduce((sum, each) => sum + each.rows, 1);
}

/** Leaves of authorisation lines kept at hand by part, so that most are made once. */
export type KeptLeaves = Map<number, Uint8Array>;
const KEPT_BYTES = 64 * 1024 * 1024;

/** The tree over all authorisation lines, or null when some were processed before a crash. */
type Checked =
  | { readonly why: string }
  | { readonly why: null; readonly tree: MerkleTree | null; readonly kept: KeptLeaves };

interface Uploaded {
  readonly part_number: number;
  readonly processed: boolean;
  readonly unfolded: Unfolded | null;
}

/** Whether the parts are what the manifest says. */
export async function checkParts(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
): Promise<Checked> {
  const id = submission.submission_id;
  const { rows } = await registry.db.query<Uploaded>(
    'select part_number, processed, unfolded from submission_part where submission_id = $1',
    [id],
  );
  const uploaded = new Map(rows.map((row) => [row.part_number, row]));
  const tree = new MerkleTree();
  const kept: KeptLeaves = new Map();
  let room = KEPT_BYTES;
  let isWhole = true;
  let lastRef: string | null = null;
  for (const part of manifest.parts) {
    const there = uploaded.get(part.part_number);
    if (there?.processed) {
      // It was checked before the crash.
      if (part.kind === 'authorisation') isWhole = false;
      continue;
    }
    const found = there?.unfolded ?? (await openedPart(registry, id, part));
    if (typeof found === 'string') return { why: `part ${part.part_number} ${found}` };
    const why = whyWrong(part, found, lastRef);
    if (why) return { why: `part ${part.part_number} ${why}` };
    lastRef = found.last_ref ?? lastRef;
    if (part.kind !== 'authorisation') continue;
    const text = await partText(registry, registry.db, id, part.part_number);
    if (!text) continue;
    const leaves = leavesOf(linesOf(text), firstRowOf(manifest, part));
    tree.addHashes(leaves);
    room -= leaves.length;
    if (room >= 0) kept.set(part.part_number, leaves);
  }
  if (!isWhole) return { why: null, tree: null, kept };
  const root = Buffer.from(tree.root()).toString('base64');
  if (root !== manifest.authorisation_tree.root)
    return { why: 'the authorisation lines have not the Merkle root that the manifest names' };
  return { why: null, tree, kept };
}

/** What of a part is not as its line of the manifest says. */
function whyWrong(part: ManifestPart, found: Unfolded, lastRef: string | null): string | null {
  if (found.sha256 !== part.sha256) return 'has not the digest the manifest names';
  if (found.rows !== part.rows || found.rows > PART_ROWS_MAX)
    return `has ${found.rows} rows, the manifest says ${part.rows}`;
  const isAfter = lastRef === null || found.first_ref === null || found.first_ref > lastRef;
  return isAfter ? null : 'does not begin after the part before it ended';
}
