/**
 * The registry decides what furnishers answered or left unanswered, and what is its own to look
 * into.
 *
 * What must stay true: a claim whose furnisher is silent is upheld when its share of the clock is
 * over; one that was answered and not decided when the person's answer is due ends as it was
 * answered, with its document and reason; each claim is one transaction, so the sweep goes on
 * where it was cut off. A refusal says why.
 * Source: FCRA 611(a)(5) (U7), RBI 2025 (I2, I4), domain facts 8.2.
 */

import { extended } from '../model/dispute-clock.ts';
import { AssentError } from '../model/error.ts';
import { type Claim, holdClaim, isOpen, settleClaim } from './claims.ts';
import { type DisputeView, viewDisputes } from './dispute-views.ts';
import { clockRulesOf } from './disputes.ts';
import { holdPerson, tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { sweepTheft } from './theft-blocks.ts';

export const DECISIONS = ['verified', 'corrected', 'deleted', 'upheld'] as const;
export type Decision = (typeof DECISIONS)[number];

export interface DecideWish {
  readonly claim_id: string;
  readonly decision: Decision;
  readonly reason: string;
  readonly by_party: string;
}

function checkDecision(claim: Claim, { decision, reason }: DecideWish): void {
  if (!isOpen(claim)) throw new AssentError('claim_ended');
  const isOwn = claim.furnisher_id === null;
  const wrong = (detail: string) => new AssentError('answer_invalid', { detail });
  if (reason.trim() === '') throw wrong('a decision says why');
  if (decision === 'corrected' && !isOwn) throw wrong('the furnisher corrects its own accounts');
  if (decision === 'verified' && !isOwn && claim.answer !== 'verified')
    throw wrong('nothing is verified without the source document of its furnisher');
}

/**
 * The operator decides a claim.
 * @throws claim_unknown, claim_ended; answer_invalid: verified without the furnisher's document,
 * or without a reason
 */
export async function decideClaim(
  registry: Registry,
  wish: DecideWish,
): Promise<{ readonly claim_id: string; readonly state: Decision }> {
  const { claim_id, decision, reason, by_party } = wish;
  await registry.db.transaction(async (session) => {
    const claim = await holdClaim(session, claim_id, null);
    checkDecision(claim, wish);
    await traceAct(registry, session, claim.subject_id, {
      participant_id: by_party,
      purpose: 'dispute',
      reason: `claim decided: ${decision}`,
    });
    await settleClaim(registry, session, claim, {
      outcome: decision,
      decided_by: 'registry',
      reason,
    });
  });
  registry.announce?.();
  return { claim_id, state: decision };
}

/** One person's dispute for the operator; the look is traced first. @throws dispute_unknown */
export async function readDispute(
  registry: Registry,
  disputeId: string,
  byParty: string,
): Promise<DisputeView> {
  return registry.db.transaction(async (session) => {
    const { rows } = await session.query<{ subject_id: string }>(
      'select subject_id from dispute where dispute_id::text = $1',
      [disputeId],
    );
    const [found] = rows;
    if (!found) throw new AssentError('dispute_unknown');
    await traceAct(registry, session, found.subject_id, {
      participant_id: byParty,
      purpose: 'dispute',
      reason: `dispute ${disputeId} read`,
    });
    const [view] = await viewDisputes(registry, session, { ...found, dispute_id: disputeId });
    if (!view) throw new AssentError('dispute_unknown');
    return view;
  });
}

/**
 * Extends the time for the answer, once, as far as the profile says; the furnisher's share stays.
 * @throws dispute_unknown, dispute_ended, extension_unlawful
 */
export async function extendDispute(
  registry: Registry,
  wish: { readonly dispute_id: string; readonly reason: string; readonly by_party: string },
): Promise<{ readonly dispute_id: string; readonly answer_due_at: Date }> {
  return registry.db.transaction(async (session) => {
    const { rows } = await session.query<{ subject_id: string }>(
      'select subject_id from dispute where dispute_id::text = $1',
      [wish.dispute_id],
    );
    const subjectId = rows[0]?.subject_id;
    if (subjectId === undefined) throw new AssentError('dispute_unknown');
    await holdPerson(session, subjectId);
    const { rows: held } = await session.query<{
      state: string;
      answer_due_at: Date;
      extended_at: Date | null;
    }>(
      'select state, answer_due_at, extended_at from dispute where subject_id = $1 and dispute_id = $2',
      [subjectId, wish.dispute_id],
    );
    const [dispute] = held;
    if (dispute?.state !== 'open') throw new AssentError('dispute_ended');
    const later = extended(dispute.answer_due_at, clockRulesOf(registry.profile));
    const now = registry.now();
    if (later === null || dispute.extended_at !== null || now >= dispute.answer_due_at)
      throw new AssentError('extension_unlawful');
    await session.query(
      `update dispute set answer_due_at = $3, extended_at = $4, extension_reason = $5
       where subject_id = $1 and dispute_id = $2`,
      [subjectId, wish.dispute_id, later, now, wish.reason],
    );
    await traceAct(registry, session, subjectId, {
      participant_id: wish.by_party,
      purpose: 'dispute',
      reason: 'time for the answer extended',
    });
    await tellPerson(registry, session, subjectId, {
      kind: 'dispute_extended',
      facts: { dispute_id: wish.dispute_id, answer_due_at: later, reason: wish.reason },
    });
    return { dispute_id: wish.dispute_id, answer_due_at: later };
  });
}

export interface DisputeLine {
  readonly dispute_id: string;
  readonly opened_at: Date;
  readonly answer_due_at: Date;
  /** Until when what is said to be identity theft is blocked; null: nothing waits for it. */
  readonly block_due_at: Date | null;
  readonly is_late: boolean;
  readonly claims: readonly {
    readonly claim_id: string;
    readonly field: string;
    readonly state: string;
    readonly answer: string | null;
    readonly furnisher: string | null;
  }[];
}

/** Open disputes, those due first, without who or what; 200 at most. */
export async function listOpenDisputes(registry: Registry): Promise<DisputeLine[]> {
  const { rows } = await registry.db.query<DisputeLine>(
    `select d.dispute_id, d.opened_at, d.answer_due_at, d.answer_due_at <= $1 as is_late,
       case when d.block_state = 'asked' then d.block_due_at end as block_due_at,
       json_agg(json_build_object('claim_id', c.claim_id, 'field', c.field, 'state', c.state,
         'answer', c.answer, 'furnisher', p.name) order by c.opened_at, c.claim_id) as claims
     from dispute d join claim c on c.subject_id = d.subject_id and c.dispute_id = d.dispute_id
     left join participant p on p.participant_id = c.furnisher_id
     where d.state = 'open' group by d.dispute_id, d.opened_at, d.answer_due_at,
       d.block_state, d.block_due_at
     order by least(d.answer_due_at, case when d.block_state = 'asked' then d.block_due_at end),
       d.dispute_id limit 200`,
    [registry.now()],
  );
  return rows;
}

export interface DisputeSweep {
  /** Upheld because the furnisher was silent. */
  readonly upheld: number;
  /** Ended as their furnisher answered, undecided when the answer was due. */
  readonly as_answered: number;
  /** Disputes about identity theft that nobody decided in time. */
  readonly blocked: number;
}

const DUE = `
  (select c.claim_id, c.subject_id from claim c
   where c.state = 'forwarded' and c.furnisher_due_at <= $1
   order by c.furnisher_due_at, c.claim_id limit $2)
  union all
  (select c.claim_id, c.subject_id from dispute d
   join claim c on c.subject_id = d.subject_id and c.dispute_id = d.dispute_id
   where d.state = 'open' and d.answer_due_at <= $1 and c.state = 'answered'
   order by d.answer_due_at, c.claim_id limit $2)`;
const BATCH = 500;

/** Ends what is due, one claim a transaction; what another run has ended meanwhile is passed over. */
export async function sweepDisputes(registry: Registry): Promise<DisputeSweep> {
  // First: what is blocked is hidden, whatever its furnisher did.
  const blocked = await sweepTheft(registry);
  const ended = { upheld: 0, as_answered: 0, blocked };
  for (;;) {
    const { rows } = await registry.db.query<{ claim_id: string }>(DUE, [registry.now(), BATCH]);
    for (const { claim_id } of rows) {
      const done = await registry.db.transaction(async (session) => {
        const claim = await holdClaim(session, claim_id, null);
        if (claim.state === 'answered') {
          const { answer_reason: reason } = claim;
          const settlement = { outcome: 'verified', decided_by: 'furnisher', reason } as const;
          await settleClaim(registry, session, claim, settlement);
          return 'as_answered' as const;
        }
        if (claim.state !== 'forwarded') return null;
        const settlement = { outcome: 'upheld', decided_by: 'silence', reason: null } as const;
        await settleClaim(registry, session, claim, settlement);
        return 'upheld' as const;
      });
      if (done) ended[done] += 1;
    }
    if (rows.length > 0) registry.announce?.();
    if (rows.length === 0) return ended;
  }
}
