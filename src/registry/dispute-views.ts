/**
 * Disputes as they are shown to the person, to the operator and in the letter.
 *
 * What must stay true: what was sealed is opened only for one person at a time; a list for the
 * operator names fields and clocks, not what is said of an identity.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import type { DisputeOutcome } from '../model/dispute-letter.ts';
import { CLAIM_COLUMNS, type Claim, claimPlace } from './claims.ts';
import type { EvidenceFile } from './evidence.ts';
import type { Registry } from './registry.ts';

export interface ClaimView extends Claim {
  /** `YYYY-MM` here. */
  readonly period: string | null;
  /** The furnisher's name; the account's currency. */
  readonly furnisher: string | null;
  readonly currency: string | null;
  readonly evidence: readonly EvidenceFile[];
}

export interface DisputeView {
  readonly subject_id: string;
  readonly dispute_id: string;
  readonly state: 'open' | 'decided' | 'withdrawn';
  readonly opened_at: Date;
  readonly forward_due_at: Date;
  readonly furnisher_due_at: Date;
  readonly answer_due_at: Date;
  readonly extended_at: Date | null;
  readonly extension_reason: string | null;
  readonly ended_at: Date | null;
  /** `identity_theft`; null: the figures are wrong. */
  readonly ground: string | null;
  readonly block_due_at: Date | null;
  readonly block_state: 'asked' | 'blocked' | 'declined' | 'lifted' | null;
  /** How it came when it was entered for the person: by post or at the counter. */
  readonly channel: 'post' | 'counter' | null;
  readonly received_on: string | null;
  readonly claims: readonly ClaimView[];
  /** What is owed for a late answer, in all; null: nothing. */
  readonly compensation: { readonly amount_minor: number; readonly currency: string } | null;
}

interface Sought {
  readonly subject_id: string;
  readonly dispute_id: string | null;
}

type ClaimRow = Claim & {
  readonly furnisher: string | null;
  readonly currency: string | null;
  readonly claimed_sealed: Uint8Array | null;
  readonly wrapped_key: Uint8Array;
};

function viewClaim(
  registry: Registry,
  { claimed_sealed, wrapped_key, ...claim }: ClaimRow,
  evidence: readonly (EvidenceFile & { readonly claim_id: string })[],
): ClaimView {
  const opened = claimed_sealed
    ? registry.ring.open(wrapped_key, claimed_sealed, claimPlace(claim.claim_id))
    : null;
  return {
    ...claim,
    period: claim.period?.slice(0, 7) ?? null,
    claimed_value: opened ? Buffer.from(opened).toString('utf8') : claim.claimed_value,
    evidence: evidence
      .filter((file) => file.claim_id === claim.claim_id)
      .map(({ claim_id: _, ...file }) => file),
  };
}

/** A person's disputes, newest first, or one of them. */
export async function viewDisputes(
  registry: Registry,
  session: Session,
  { subject_id, dispute_id }: Sought,
): Promise<DisputeView[]> {
  const one = '($2::text is null or d.dispute_id::text = $2)';
  // sql: `one` is the constant above.
  const { rows: disputes } = await session.query<
    Omit<DisputeView, 'claims' | 'compensation'> & {
      amount: number | null;
      currency: string | null;
    }
  >(
    `select d.subject_id, d.dispute_id, d.state, d.opened_at, d.forward_due_at,
       d.furnisher_due_at, d.answer_due_at, d.extended_at, d.extension_reason, d.ended_at,
       d.ground, d.block_due_at, d.block_state, d.channel, d.received_on,
       o.amount, o.currency
     from dispute d
     left join lateral (select sum(c.amount_minor)::bigint as amount, min(c.currency) as currency
       from compensation c where c.subject_id = d.subject_id and c.dispute_id = d.dispute_id) o
       on true
     where d.subject_id = $1 and ${one} order by d.opened_at desc, d.dispute_id`,
    [subject_id, dispute_id],
  );
  const columns = CLAIM_COLUMNS.split(',').map((column) => `c.${column.trim()}`);
  // sql: a constant list of columns.
  const { rows: claims } = await session.query<ClaimRow>(
    `select ${columns.join(', ')}, c.claimed_sealed, p.name as furnisher, s.wrapped_key,
       (select a.currency from account a where a.subject_id = c.subject_id
          and a.account_id = c.account_id order by a.revision desc limit 1) as currency
     from claim c join subject s on s.subject_id = c.subject_id
     left join participant p on p.participant_id = c.furnisher_id
     join dispute d on d.subject_id = c.subject_id and d.dispute_id = c.dispute_id
     where c.subject_id = $1 and ${one} order by c.opened_at, c.claim_id`,
    [subject_id, dispute_id],
  );
  const { rows: evidence } = await session.query<EvidenceFile & { claim_id: string }>(
    `select e.evidence_id, e.claim_id, e.media_type, e.bytes, e.sha256 from claim_evidence e
     where e.subject_id = $1 order by e.added_at, e.evidence_id`,
    [subject_id],
  );
  const views = claims.map((claim) => viewClaim(registry, claim, evidence));
  return disputes.map(({ amount, currency, ...dispute }) => ({
    ...dispute,
    claims: views.filter((claim) => claim.dispute_id === dispute.dispute_id),
    compensation: amount === null ? null : { amount_minor: amount, currency: currency ?? '' },
  }));
}

/** What became of a claim, for the letter: a block says more than that it was upheld. */
function letterState({ block_state }: DisputeView, { state }: ClaimView): string {
  if (state !== 'upheld' || (block_state !== 'blocked' && block_state !== 'lifted')) return state;
  return block_state;
}

/** What the letter says of a dispute, running or ended. */
export function outcomeOf(registry: Registry, dispute: DisputeView): DisputeOutcome {
  const { regulator } = disputeRulesOf(registry.profile);
  return {
    dispute_id: dispute.dispute_id,
    state: dispute.state,
    opened_on: dispute.opened_at.toISOString().slice(0, 10),
    answer_due_on: dispute.answer_due_at.toISOString().slice(0, 10),
    ended_on: dispute.ended_at?.toISOString().slice(0, 10) ?? null,
    claims: dispute.claims.map((claim) => ({
      claim_id: claim.claim_id,
      field: claim.field,
      period: claim.period,
      furnisher: claim.furnisher,
      currency: claim.currency,
      held_value: claim.held_value,
      claimed_value: claim.claimed_value,
      state: letterState(dispute, claim),
      decided_by: claim.decided_by,
      answer_value: claim.answer_value,
      source_sha256: claim.source_sha256,
      reason: claim.decision_reason ?? claim.answer_reason,
    })),
    compensation: dispute.compensation,
    regulator,
  };
}
