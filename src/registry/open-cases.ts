/**
 * Cases of identity come about: a document with other details, or two people who may be one.
 *
 * What must stay true: what a case is about is raised once and, once decided, never again; nothing
 * of an identity stands in a case but sealed, under a key of the case's own.
 */
import type { Session } from '../database/database.ts';
import type { Likeness } from '../matching/match.ts';
import { claimHash } from './identity-decisions.ts';
import type { Located } from './other-intake.ts';
import type { Registry } from './registry.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A known document came with another name or birth date. */
export async function openDetailsCases(
  registry: Registry,
  session: Session,
  furnisherId: string,
  doubtful: readonly Located[],
): Promise<void> {
  for (const { subject_id, each } of doubtful) {
    const claim = claimHash(registry.ring, each);
    const other_id = registry.newId();
    const key = registry.ring.newSubjectKey();
    await session.query(
      `insert into identity_case (case_id, kind, known_id, other_id, raised_for, state, opened_at,
         agreed, furnisher_id, claim_hash, identity_kind, details_hash, wrapped_key,
         identity_sealed)
       values ($1, 'details', $2, $3, $4, 'open', $5, array['document'], $6, $7, $8, $9, $10, $11)
       on conflict (raised_for) do nothing`,
      [
        registry.newId(),
        subject_id,
        other_id,
        `details ${hex(claim)}`,
        registry.now(),
        furnisherId,
        claim,
        each.kind,
        each.details,
        key.wrapped,
        key.seal(Buffer.from(each.identity), `subject ${other_id}`),
      ],
    );
  }
}

/** People who may be one. @returns how many cases were opened */
export async function openLikenessCases(
  registry: Registry,
  session: Session,
  pairs: readonly Likeness[],
  modelVersion: number,
): Promise<number> {
  if (pairs.length === 0) return 0;
  const sorted = pairs.map(({ subject_id, other_id }) => [subject_id, other_id].sort());
  // Decided of one of their former ids is decided: both sides are led to who they are now.
  const { affected } = await session.query(
    `insert into identity_case (case_id, kind, known_id, other_id, raised_for, state, opened_at,
       weight, probability, agreed, model_version)
     select p.case_id, 'likeness', p.known_id, p.other_id, p.raised_for, 'open', $1::timestamptz,
       p.weight, p.probability, string_to_array(p.agreed, ' '), $2::int
     from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::float8[], $8::float8[],
       $9::text[]) p (case_id, known_id, other_id, raised_for, weight, probability, agreed)
     where not exists (select 1 from identity_case c
       join subject k on k.subject_id = c.known_id join subject o on o.subject_id = c.other_id
       where c.state <> 'match'
         and (c.known_id = p.known_id or c.other_id = p.known_id or k.merged_into = p.known_id
           or o.merged_into = p.known_id)
         and least(coalesce(k.merged_into, c.known_id), coalesce(o.merged_into, c.other_id))
           = least(p.known_id, p.other_id)
         and greatest(coalesce(k.merged_into, c.known_id), coalesce(o.merged_into, c.other_id))
           = greatest(p.known_id, p.other_id))
     on conflict (raised_for) do nothing`,
    [
      registry.now(),
      modelVersion,
      pairs.map(() => registry.newId()),
      pairs.map((pair) => pair.other_id),
      pairs.map((pair) => pair.subject_id),
      sorted.map((ids) => `likeness ${ids.join(' ')}`),
      pairs.map((pair) => pair.weight),
      pairs.map((pair) => pair.probability),
      pairs.map((pair) => pair.agreed.join(' ')),
    ],
  );
  return affected;
}
