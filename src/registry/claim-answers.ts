/**
 * A furnisher answers claims about its accounts, field by field.
 *
 * What must stay true: only its own claims, in time, once; `verified` names the SHA-256 of the
 * document it was checked against and a reason, or it is no answer; `corrected` and `deleted` take
 * effect at once, `verified` waits for the registry's decision. A correction brings no row: the
 * value that was wrong is not shown from now on, and the right one comes as a new revision with
 * the furnisher's next hand-over, through its gate and the registry's, like every other row.
 * Source: domain facts 4.4, lessons 25, RBI 2025 (I4), FCRA 611 and 623 (U7, U12).
 */
import { isValueOf, mayBeEmpty } from '../model/claim-value.ts';
import { AssentError } from '../model/error.ts';
import type { Answer } from '../wire/claim.ts';
import { CLAIM_COLUMNS, type Claim, holdClaim, settleClaim } from './claims.ts';
import type { EvidenceFile } from './evidence.ts';
import type { Registry } from './registry.ts';

export interface ClaimAnswer {
  readonly furnisher_id: string;
  readonly claim_id: string;
  readonly answer: Answer;
  /** Of `corrected`: what it should say; null: nothing. */
  readonly value: string | null;
  /** Of the document that shows it, lower-case hex. */
  readonly source_sha256: string | null;
  readonly reason: string | null;
}

export interface Answered {
  readonly claim_id: string;
  readonly state: Claim['state'];
  readonly result: 'stored' | 'unchanged';
}

function wrong(detail: string): never {
  throw new AssentError('answer_invalid', { detail });
}

/** Fields of an account that no revision changes, and wholes: wrong ones are deleted. */
const NOT_CORRECTED: readonly string[] = ['month', 'account', 'kind', 'currency'];

function checkAnswer(claim: Claim, { answer, value, source_sha256, reason }: ClaimAnswer): void {
  if (answer === 'verified') {
    if (source_sha256 === null) wrong('verified names the SHA-256 of its source document');
    if (reason === null || reason.trim() === '') wrong('verified says why');
  }
  if (answer !== 'corrected') {
    if (value !== null) wrong(`${answer} names no value`);
    return;
  }
  if (NOT_CORRECTED.includes(claim.field)) wrong(`${claim.field} is verified or deleted`);
  if (value === claim.held_value) wrong('corrected names another value than the one held');
  const isSound = value === null ? mayBeEmpty(claim.field) : isValueOf(claim.field, value);
  if (!isSound) wrong(`the value is nothing that ${claim.field} can be`);
}

const isSame = (claim: Claim, given: ClaimAnswer) =>
  claim.answer === given.answer &&
  claim.answer_value === given.value &&
  claim.source_sha256 === given.source_sha256 &&
  claim.answer_reason === given.reason;

/**
 * Takes a furnisher's answer. The same again is `unchanged`.
 * @throws claim_unknown: not there, or another's; claim_ended: decided, answered otherwise, or the
 * furnisher's time is over; answer_invalid
 */
export async function answerClaim(registry: Registry, given: ClaimAnswer): Promise<Answered> {
  const { furnisher_id, claim_id, answer } = given;
  const answered = await registry.db.transaction(async (session): Promise<Answered> => {
    const claim = await holdClaim(session, claim_id, furnisher_id);
    if (claim.answer !== null && isSame(claim, given))
      return { claim_id, state: claim.state, result: 'unchanged' };
    const now = registry.now();
    const isLate = claim.furnisher_due_at !== null && now >= claim.furnisher_due_at;
    if (claim.state !== 'forwarded' || isLate) throw new AssentError('claim_ended');
    checkAnswer(claim, given);
    await session.query(
      `update claim set state = 'answered', answer = $3, answer_value = $4, source_sha256 = $5,
         answer_reason = $6, answered_at = $7
       where subject_id = $1 and claim_id = $2`,
      [claim.subject_id, claim_id, answer, given.value, given.source_sha256, given.reason, now],
    );
    if (answer === 'verified') return { claim_id, state: 'answered', result: 'stored' };
    await settleClaim(
      registry,
      session,
      { ...claim, state: 'answered', answer, answer_value: given.value, answered_at: now },
      { outcome: answer, decided_by: 'furnisher', reason: given.reason },
    );
    return { claim_id, state: answer, result: 'stored' };
  });
  registry.announce?.();
  return answered;
}

export type OwnClaim = Omit<Claim, 'subject_id' | 'account_id'> & {
  readonly evidence: readonly EvidenceFile[];
  /** `identity_theft`: it is blocked whatever is answered; null: the figure is wrong. */
  readonly ground: string | null;
};

/** Open claims about a furnisher's accounts, those due first; 1000 at most. */
export async function listClaims(registry: Registry, furnisherId: string): Promise<OwnClaim[]> {
  const columns = CLAIM_COLUMNS.split(',').map((column) => `c.${column.trim()}`);
  // sql: a constant list of columns.
  const { rows } = await registry.db.query<
    Claim & { evidence: EvidenceFile[] | null; ground: string | null }
  >(
    `select ${columns.join(', ')}, (select json_agg(json_build_object(
         'evidence_id', e.evidence_id, 'media_type', e.media_type, 'bytes', e.bytes,
         'sha256', e.sha256) order by e.added_at, e.evidence_id)
       from claim_evidence e where e.subject_id = c.subject_id and e.claim_id = c.claim_id)
       as evidence, (select d.ground from dispute d where d.subject_id = c.subject_id
         and d.dispute_id = c.dispute_id) as ground
     from claim c where c.furnisher_id = $1
       and c.state in ('forwarded', 'answered')
     order by c.furnisher_due_at, c.claim_id limit 1000`,
    [furnisherId],
  );
  return rows.map(({ subject_id: _s, account_id: _a, evidence, period, ...claim }) => ({
    ...claim,
    period: period?.slice(0, 7) ?? null,
    evidence: evidence ?? [],
  }));
}
