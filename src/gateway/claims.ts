/**
 * The lender's side of a dispute: claims that the registry told of, answered through its API.
 *
 * What must stay true: an answer counts when the registry has it; the book is changed by a tape or
 * a reinstatement alone, never by an answer, so that every row still comes from the lender's own
 * records and goes through the gate.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { ApiClient } from '../wire/api-client.ts';
import type { Answer } from '../wire/claim.ts';
import type { Gateway } from './gateway.ts';

export interface ClaimToAnswer {
  readonly claim_id: string;
  readonly dispute_id: string;
  /** The lender's own number of the account. */
  readonly account_ref: string;
  /** `YYYY-MM`; null: a field of the account. */
  readonly period: string | null;
  readonly field: string;
  readonly held_value: string | null;
  readonly claimed_value: string | null;
  readonly evidence: readonly {
    readonly evidence_id: string;
    readonly media_type: string;
    readonly bytes: number;
    readonly sha256: string;
  }[];
  readonly told_at: Date;
  readonly answer_by: Date;
  readonly state: 'open' | 'answered' | 'decided';
  readonly answer: string | null;
  readonly outcome: string | null;
  /** `identity_theft`: it is blocked whatever is answered; null: the figure is wrong. */
  readonly ground: string | null;
}

const CLAIMS = `select c.claim_id, c.dispute_id, coalesce(k.account_ref, c.account_id::text)
    as account_ref, to_char(c.period, 'YYYY-MM') as period, c.field, c.held_value,
    c.claimed_value, c.evidence, c.told_at, c.answer_by, c.state, c.answer, c.outcome, c.ground
  from claim_to_answer c left join account k on k.account_id = c.account_id`;

/** Claims, those due first. @param all also those that were answered or decided; 1000 at most */
export async function listClaims(gateway: Gateway, all: boolean): Promise<ClaimToAnswer[]> {
  const { rows } = await gateway.db.query<ClaimToAnswer>(
    `${CLAIMS} where $1::boolean or c.state = 'open' order by c.answer_by, c.claim_id limit 1000`,
    [all],
  );
  return rows;
}

/** @throws claim_unknown: the feed has not told of it; `assent gateway pull` reads the feed */
export async function findClaim(gateway: Gateway, claimId: string): Promise<ClaimToAnswer> {
  const { rows } = await gateway.db.query<ClaimToAnswer>(`${CLAIMS} where c.claim_id::text = $1`, [
    claimId,
  ]);
  if (!rows[0]) throw new AssentError('claim_unknown');
  return rows[0];
}

/** The bytes of one file of a claim, from the registry. @throws as the registry answers */
export async function fetchEvidence(
  api: ApiClient,
  claimId: string,
  evidenceId: string,
): Promise<Uint8Array> {
  const path = `/v1/claims/${claimId}/evidence/${evidenceId}`;
  return (await api.send({ method: 'GET', path })).body;
}

export interface AnswerWish {
  readonly answer: Answer;
  readonly value: string | null;
  readonly source_sha256: string | null;
  readonly reason: string | null;
}

/** Answers a claim at the registry and writes that down. @throws as the registry answers */
export async function answerClaim(
  gateway: Gateway,
  api: ApiClient,
  claimId: string,
  wish: AnswerWish,
): Promise<{ readonly claim_id: string; readonly state: string }> {
  const answered = await api.json<{ claim_id: string; state: string }>({
    method: 'PUT',
    path: `/v1/claims/${claimId}/answer`,
    json: wish,
  });
  await gateway.db.query(
    `update claim_to_answer set state = 'answered', answer = $2, answered_at = $3
     where claim_id = $1 and state = 'open'`,
    [claimId, wish.answer, gateway.now()],
  );
  return answered;
}

/** The account's id on the wire. @throws account_unknown */
export async function accountOf(session: Session, accountRef: string): Promise<string> {
  const { rows } = await session.query<{ account_id: string }>(
    'select account_id from account where account_ref = $1',
    [accountRef],
  );
  if (!rows[0]) throw new AssentError('account_unknown');
  return rows[0].account_id;
}

export interface CertifyWish {
  /** The lender's own number. */
  readonly account_ref: string;
  readonly period: string | null;
  readonly field: string;
  readonly value: string | null;
  readonly source_sha256: string;
  readonly reason: string;
}

/** Certifies a value that the registry holds back. @throws account_unknown, guard_unknown */
export async function certify(
  gateway: Gateway,
  api: ApiClient,
  wish: CertifyWish,
): Promise<{ readonly certified_at: string }> {
  const account_ref = await accountOf(gateway.db, wish.account_ref);
  return api.json({
    method: 'POST',
    path: '/v1/certifications',
    json: { ...wish, account_ref },
    idempotent: true,
  });
}
