/**
 * Files that a person sends with a claim.
 *
 * What must stay true: known by their first bytes, never by a name; of bounded size; sealed under
 * the person's key; opened for the furnisher of the claim and for the operator alone, with a trace.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { type HeldPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export const EVIDENCE_BYTES_MAX = 5 * 1024 * 1024;
export const EVIDENCE_FILES_MAX = 5;

const MAGIC = [
  ['application/pdf', Buffer.from('%PDF-')],
  ['image/png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ['image/jpeg', Buffer.from([0xff, 0xd8, 0xff])],
] as const;
export type MediaType = (typeof MAGIC)[number][0];

export interface EvidenceFile {
  readonly evidence_id: string;
  readonly media_type: MediaType;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** What a file is by its first bytes; null: none of those taken. */
export function mediaTypeOf(content: Uint8Array): MediaType | null {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const found = MAGIC.find(([, magic]) => bytes.subarray(0, magic.length).equals(magic));
  return found?.[0] ?? null;
}

const evidencePlace = (evidenceId: string) => `evidence ${evidenceId}`;

/**
 * Checks and keeps the files of a claim, in the transaction that opens it.
 * @throws evidence_invalid: too many, too large, empty, or of another kind
 */
export async function keepEvidence(
  registry: Registry,
  session: Session,
  person: HeldPerson,
  claimId: string,
  contents: readonly Uint8Array[],
): Promise<EvidenceFile[]> {
  if (contents.length > EVIDENCE_FILES_MAX)
    throw new AssentError('evidence_invalid', { detail: `${contents.length} files` });
  const files: EvidenceFile[] = [];
  for (const content of contents) {
    const media_type = mediaTypeOf(content);
    if (media_type === null || content.length > EVIDENCE_BYTES_MAX)
      throw new AssentError('evidence_invalid', {
        detail: media_type === null ? 'it is neither PDF nor PNG nor JPEG' : 'it is too large',
      });
    const evidence_id = registry.newId();
    const sha256 = createHash('sha256').update(content).digest('hex');
    const place = evidencePlace(evidence_id);
    await session.query(
      `insert into claim_evidence (subject_id, evidence_id, claim_id, media_type, bytes, sha256,
         content_sealed, added_at) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        ...[person.subject_id, evidence_id, claimId, media_type, content.length, sha256],
        registry.ring.seal(person.wrapped_key, content, place),
        registry.now(),
      ],
    );
    files.push({ evidence_id, media_type, bytes: content.length, sha256 });
  }
  return files;
}

/**
 * One file of a claim, for whom it concerns. The trace is written first.
 * @param furnisherId whose claim it must be; null for the operator
 * @throws evidence_unknown: not there, or another's
 */
export async function readEvidence(
  registry: Registry,
  sought: {
    readonly claim_id: string;
    readonly evidence_id: string;
    readonly furnisher_id: string | null;
    readonly participant_id: string;
  },
): Promise<EvidenceFile & { readonly content: Uint8Array }> {
  return registry.db.transaction(async (session) => {
    const { rows } = await session.query<
      EvidenceFile & { subject_id: string; content_sealed: Uint8Array; wrapped_key: Uint8Array }
    >(
      `select e.subject_id, e.evidence_id, e.media_type, e.bytes, e.sha256, e.content_sealed,
         s.wrapped_key
       from claim c
       join claim_evidence e on e.subject_id = c.subject_id and e.claim_id = c.claim_id
       join subject s on s.subject_id = c.subject_id
       where c.claim_id::text = $1 and e.evidence_id::text = $2
         and ($3::uuid is null or c.furnisher_id = $3::uuid)`,
      [sought.claim_id, sought.evidence_id, sought.furnisher_id],
    );
    const [row] = rows;
    if (!row) throw new AssentError('evidence_unknown');
    const { subject_id, content_sealed, wrapped_key, ...file } = row;
    await traceAct(registry, session, subject_id, {
      participant_id: sought.participant_id,
      purpose: 'dispute',
      reason: `evidence of claim ${sought.claim_id}`,
    });
    const place = evidencePlace(file.evidence_id);
    return { ...file, content: registry.ring.open(wrapped_key, content_sealed, place) };
  });
}
