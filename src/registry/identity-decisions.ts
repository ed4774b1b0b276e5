/**
 * What was decided of a document together with a name and birth date: whose it is.
 *
 * What must stay true: a decision is found by one keyed hash of document and details, in which
 * neither can be read; one that was made counts for every furnisher that sends the same.
 */
import type { Session } from '../database/database.ts';
import type { KeyRing } from '../keys/key-ring.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** As in `IncomingSubject`. */
export interface Claimed {
  readonly document: Uint8Array;
  readonly details: Uint8Array;
}

/** The hash by which a document with these details is found. */
export function claimHash(ring: KeyRing, { document, details }: Claimed): Uint8Array {
  return ring.keyedHash('claim', hex(document), hex(details));
}

/** `former`: corrected since; `variant`: the same person spelt otherwise; `other`: another person. */
export type Standing = 'former' | 'variant' | 'other';

export interface IdentityDecision {
  readonly subject_id: string;
  readonly standing: Standing;
}

/**
 * Decisions by the claim's hash in hexadecimal.
 * @param claimsOf not called while nothing was ever decided: a first tape is all claims
 */
export async function findDecisions(
  session: Session,
  claimsOf: () => readonly Uint8Array[],
): Promise<Map<string, IdentityDecision>> {
  const { rows: any } = await session.query('select 1 from identity_decision limit 1');
  const claims = any.length === 0 ? [] : claimsOf();
  if (claims.length === 0) return new Map();
  const { rows } = await session.query<IdentityDecision & { claim: string }>(
    `select encode(d.claim_hash, 'hex') as claim, d.subject_id, d.standing
     from identity_decision d
     where d.claim_hash in (select decode(c.claim, 'hex') from unnest($1::text[]) c (claim))`,
    [claims.map(hex)],
  );
  return new Map(rows.map((row) => [row.claim, row]));
}

/** Writes a decision down; a later one of the same claim takes its place. */
export async function decide(
  session: Session,
  claim: Uint8Array,
  decision: IdentityDecision & { readonly at: Date },
): Promise<void> {
  await session.query(
    `insert into identity_decision (claim_hash, subject_id, standing, decided_at)
     values ($1, $2, $3, $4)
     on conflict (claim_hash) do update set subject_id = excluded.subject_id,
       standing = excluded.standing, decided_at = excluded.decided_at`,
    [claim, decision.subject_id, decision.standing, decision.at],
  );
}
