/**
 * Identity theft: what a person says was done in their name is blocked in a few business days,
 * whatever its furnisher says meanwhile.
 *
 * What must stay true: a block that nobody decided in time takes effect by itself; it hides and
 * never deletes, for whoever looks into the crime; what is blocked comes back only when the
 * registry lifts the block, on one of the grounds of the law; the person and the furnisher are
 * told of each step in its transaction.
 * Source: FCRA 605B (U4), 623(a)(6); domain facts 8.2. Paragraphs from memory, to be checked.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import { addDays } from '../model/dispute-clock.ts';
import { AssentError } from '../model/error.ts';
import { CLAIM_COLUMNS, type Claim, isOpen, settleClaim } from './claims.ts';
import type { ClaimWish } from './disputes.ts';
import { appendNews } from './news.ts';
import { holdPerson, tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export const GROUND = 'identity_theft';
export const THEFT_DECISIONS = ['block', 'decline', 'lift'] as const;
export type TheftDecision = (typeof THEFT_DECISIONS)[number];
/** Why a block is declined or lifted: made in error, on false words, or the person had the goods. */
export const THEFT_GROUNDS = ['error', 'misrepresentation', 'benefit'] as const;
export type TheftGround = (typeof THEFT_GROUNDS)[number];
type BlockState = 'asked' | 'blocked' | 'declined' | 'lifted';

/** What may be blocked: wholes, never a single figure. */
const FIELDS: readonly string[] = ['account', 'month', 'look'];

/** @throws theft_invalid: of single figures, or without the report of the crime */
export function checkTheft(claims: readonly ClaimWish[]): void {
  const wrong = (detail: string) => new AssentError('theft_invalid', { detail });
  const figure = claims.find(({ field }) => !FIELDS.includes(field));
  if (figure) throw wrong(`${figure.field} is not blocked by itself: ${FIELDS.join(', ')}`);
  if (!claims.some(({ evidence = [] }) => evidence.length > 0))
    throw wrong('the report of the crime is missing among the files');
}

/** When what was received then must be blocked. @throws profile_unknown */
export function blockDueAt(registry: Registry, receivedAt: Date): Date {
  const { days, business } = disputeRulesOf(registry.profile).identity_theft_block;
  return addDays(receivedAt, days, business);
}

interface Held {
  readonly subject_id: string;
  readonly state: string;
  readonly block_state: BlockState | null;
}

/** The dispute with its person held. @throws dispute_unknown: none is about identity theft */
async function holdTheft(session: Session, disputeId: string): Promise<Held> {
  const sql = `select subject_id, state, block_state from dispute
    where dispute_id::text = $1 and ground = '${GROUND}'`;
  // sql: GROUND is a constant of this file.
  const { rows: found } = await session.query<Held>(sql, [disputeId]);
  if (!found[0]) throw new AssentError('dispute_unknown');
  await holdPerson(session, found[0].subject_id);
  // sql: as above.
  const { rows } = await session.query<Held>(sql, [disputeId]);
  if (!rows[0]) throw new AssentError('dispute_unknown');
  return rows[0];
}

async function claimsOf(session: Session, subjectId: string, disputeId: string): Promise<Claim[]> {
  // sql: a constant list of columns.
  const { rows } = await session.query<Claim>(
    `select ${CLAIM_COLUMNS} from claim where subject_id = $1 and dispute_id = $2
     order by furnisher_id, opened_at, claim_id`,
    [subjectId, disputeId],
  );
  return rows;
}

const setState = (session: Session, subjectId: string, disputeId: string, state: BlockState) =>
  session.query('update dispute set block_state = $3 where subject_id = $1 and dispute_id = $2', [
    subjectId,
    disputeId,
    state,
  ]);

/** Blocks whatever of the dispute is not decided yet. */
async function block(
  registry: Registry,
  session: Session,
  subjectId: string,
  disputeId: string,
  reason: string | null,
): Promise<void> {
  await setState(session, subjectId, disputeId, 'blocked');
  const running = (await claimsOf(session, subjectId, disputeId)).filter(isOpen);
  await tellPerson(registry, session, subjectId, {
    kind: 'theft_blocked',
    facts: { dispute_id: disputeId, claims: running.length },
  });
  for (const claim of running)
    await settleClaim(registry, session, claim, {
      outcome: 'upheld',
      decided_by: 'registry',
      reason,
      ground: GROUND,
    });
}

/** What was blocked may be shown and furnished again. */
async function lift(
  registry: Registry,
  session: Session,
  subjectId: string,
  { dispute_id, ground, reason }: TheftWish,
): Promise<void> {
  const claims = await claimsOf(session, subjectId, dispute_id);
  await session.query(
    `update reinsertion_guard set certified_at = $3, certified_reason = $4
     where subject_id = $1 and claim_id = any($2::uuid[]) and cause = 'identity_theft'
       and certified_at is null`,
    [subjectId, claims.map(({ claim_id }) => claim_id), registry.now(), `${ground}: ${reason}`],
  );
  for (const { claim_id, furnisher_id, state } of claims)
    if (furnisher_id !== null && state === 'upheld')
      await appendNews(registry, session, [furnisher_id], {
        type: 'claim.block_lifted',
        event_id: registry.newId(),
        data: { claim_id },
      });
}

export interface TheftWish {
  readonly dispute_id: string;
  readonly decision: TheftDecision;
  /** Of `decline` and `lift`. */
  readonly ground: TheftGround | null;
  readonly reason: string;
  readonly by_party: string;
}

function checkWish(held: Held, { decision, ground }: TheftWish): void {
  const wrong = (detail: string) => new AssentError('theft_invalid', { detail });
  if ((decision === 'block') !== (ground === null))
    throw wrong(
      `a block that is declined or lifted names one of ${THEFT_GROUNDS.join(', ')}; one that is made names none`,
    );
  const before = decision === 'lift' ? 'blocked' : 'asked';
  if (held.block_state !== before || (decision !== 'lift' && held.state !== 'open'))
    throw new AssentError('dispute_ended', { detail: `the block is ${held.block_state}` });
}

/**
 * The operator decides about a block. One that is declined leaves an ordinary dispute.
 * @throws dispute_unknown; dispute_ended: that is decided; theft_invalid: the ground is missing
 */
export async function decideTheft(
  registry: Registry,
  wish: TheftWish,
): Promise<{ readonly dispute_id: string; readonly block_state: BlockState }> {
  const { dispute_id, decision, ground, reason, by_party } = wish;
  const block_state = await registry.db.transaction(async (session) => {
    const held = await holdTheft(session, dispute_id);
    const { subject_id } = held;
    checkWish(held, wish);
    await traceAct(registry, session, subject_id, {
      participant_id: by_party,
      purpose: 'dispute',
      reason: `identity theft: ${decision}`,
    });
    if (decision === 'block') {
      await block(registry, session, subject_id, dispute_id, reason);
      return 'blocked';
    }
    const state = decision === 'lift' ? 'lifted' : 'declined';
    if (decision === 'lift') await lift(registry, session, subject_id, wish);
    await setState(session, subject_id, dispute_id, state);
    await tellPerson(registry, session, subject_id, {
      kind: `theft_${state}`,
      facts: { dispute_id, ground, reason },
    });
    return state;
  });
  registry.announce?.();
  return { dispute_id, block_state };
}

const DUE = `select dispute_id from dispute
  where state = 'open' and block_state = 'asked' and block_due_at <= $1
  order by block_due_at, dispute_id limit $2`;
const BATCH = 500;

/** Blocks what nobody decided in time, one dispute a transaction. @returns how many disputes */
export async function sweepTheft(registry: Registry): Promise<number> {
  let blocked = 0;
  for (;;) {
    const { rows } = await registry.db.query<{ dispute_id: string }>(DUE, [registry.now(), BATCH]);
    for (const { dispute_id } of rows)
      blocked += await registry.db.transaction(async (session) => {
        const held = await holdTheft(session, dispute_id);
        if (held.state !== 'open' || held.block_state !== 'asked') return 0;
        await block(registry, session, held.subject_id, dispute_id, null);
        return 1;
      });
    if (rows.length === 0) return blocked;
    registry.announce?.();
  }
}
