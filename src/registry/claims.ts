/**
 * A claim: one field that a person says is wrong, and how it ends.
 *
 * What must stay true: an ended claim never changes; what it ended with takes effect in the same
 * transaction: the guard, the furnisher's and the earlier recipients' feeds, the messages, the end
 * of the dispute with its last claim.
 * Source: domain facts 4.4, FCRA 611 (U7), GDPR 16 to 19 (E2), lessons 18, 22, 25.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { Answer, ClaimField, Outcome } from '../wire/claim.ts';
import { endDispute } from './dispute-end.ts';
import { eraseWhole } from './erase-whole.ts';
import { placeGuard } from './guard.ts';
import { appendNews } from './news.ts';
import { holdPerson, tellPerson } from './person.ts';
import type { Registry } from './registry.ts';

export const OPEN_STATES = ['open', 'forwarded', 'answered'] as const;

export interface Claim {
  readonly subject_id: string;
  readonly claim_id: string;
  readonly dispute_id: string;
  readonly account_id: string | null;
  readonly account_ref: string | null;
  readonly furnisher_id: string | null;
  /** First day of the month. */
  readonly period: string | null;
  readonly access_id: string | null;
  readonly field: ClaimField;
  readonly held_value: string | null;
  readonly claimed_value: string | null;
  readonly state: (typeof OPEN_STATES)[number] | Outcome;
  readonly opened_at: Date;
  readonly ended_at: Date | null;
  readonly furnisher_due_at: Date | null;
  readonly answer: Answer | null;
  readonly answer_value: string | null;
  readonly source_sha256: string | null;
  readonly answer_reason: string | null;
  readonly answered_at: Date | null;
  readonly decided_by: 'furnisher' | 'registry' | 'silence' | 'person' | null;
  readonly decision_reason: string | null;
}

export const CLAIM_COLUMNS = `subject_id, claim_id, dispute_id, account_id, account_ref,
  furnisher_id, period, access_id, field, held_value, claimed_value, state, opened_at, ended_at,
  furnisher_due_at, answer, answer_value, source_sha256, answer_reason, answered_at, decided_by,
  decision_reason`;

/** Where alone the sealed value of a claim about the identity opens. */
export const claimPlace = (claimId: string) => `claim ${claimId}`;

export const isOpen = ({ state }: Pick<Claim, 'state'>) =>
  (OPEN_STATES as readonly string[]).includes(state);

/**
 * The claim with its person held until the transaction ends.
 * @param furnisherId whose it must be; null: anybody's
 * @throws claim_unknown: not there, or another's
 */
export async function holdClaim(
  session: Session,
  claimId: string,
  furnisherId: string | null,
): Promise<Claim> {
  const sql = `select ${CLAIM_COLUMNS} from claim where claim_id::text = $1
    and ($2::uuid is null or furnisher_id = $2::uuid)`;
  const { rows: found } = await session.query<Claim>(sql, [claimId, furnisherId]);
  if (!found[0]) throw new AssentError('claim_unknown');
  await holdPerson(session, found[0].subject_id);
  const { rows } = await session.query<Claim>(sql, [claimId, furnisherId]);
  if (!rows[0]) throw new AssentError('claim_unknown');
  return rows[0];
}

/** Enquirers that were shown the person's file since the account was furnished. */
async function lookers(session: Session, claim: Claim) {
  const { rows } = await session.query<{
    participant_id: string;
    name: string;
    access_ids: string[];
  }>(
    `select a.participant_id, p.name, array_agg(a.access_id order by a.at, a.access_id) as access_ids
     from access a join participant p on p.participant_id = a.participant_id
     where a.subject_id = $1 and p.role = 'enquirer' and a.reason not like 'not permitted%'
       and a.at >= (select min(coalesce(s.completed_at, s.declared_at)) from account k
         join submission s on s.submission_id = k.submission_id
         where k.subject_id = $1 and k.account_id = $2)
     group by a.participant_id, p.name order by a.participant_id`,
    [claim.subject_id, claim.account_id],
  );
  return rows;
}

/** Tells everybody who was shown the account what was wrong there, and the person that they were. */
async function resend(
  registry: Registry,
  session: Session,
  claim: Claim,
  outcome: Outcome,
): Promise<void> {
  const { subject_id, claim_id, account_id, field } = claim;
  const period = claim.period?.slice(0, 7) ?? null;
  const told = await lookers(session, claim);
  for (const { participant_id, access_ids } of told)
    await appendNews(registry, session, [participant_id], {
      type: 'correction.resent',
      event_id: claim_id,
      data: {
        ...{ access_ids, account_id, period, field, outcome },
        value: outcome === 'corrected' ? claim.answer_value : null,
      },
    });
  if (told.length === 0) return;
  await tellPerson(registry, session, subject_id, {
    kind: 'correction_resent',
    facts: {
      ...{ claim_id, account_id, period, field },
      recipients: told.map(({ participant_id, name }) => ({ participant_id, name })),
    },
  });
}

const REFUTING: readonly Outcome[] = ['corrected', 'deleted', 'upheld'];

async function refute(
  registry: Registry,
  session: Session,
  claim: Claim,
  outcome: 'corrected' | 'deleted' | 'upheld',
  ground: Settlement['ground'],
): Promise<void> {
  const { account_id, furnisher_id } = claim;
  if (account_id === null || furnisher_id === null) return;
  await placeGuard(registry, session, {
    ...{ subject_id: claim.subject_id, account_id, furnisher_id, period: claim.period },
    ...{ field: claim.field, value: claim.held_value, claim_id: claim.claim_id },
    cause: ground ?? outcome,
  });
  // A crime is looked into: what shows it is hidden, not erased.
  if (ground) return;
  const isWhole = claim.field === 'month' || claim.field === 'account';
  if (isWhole && disputeRulesOf(registry.profile).upheld_effect === 'erase')
    await eraseWhole(registry, session, { ...claim, account_id });
}

export interface Settlement {
  readonly outcome: Outcome;
  readonly decided_by: NonNullable<Claim['decided_by']>;
  readonly reason: string | null;
  /** It is blocked on this ground. */
  readonly ground?: 'identity_theft';
}

/** Ends a claim that is held and open, with all that follows. */
export async function settleClaim(
  registry: Registry,
  session: Session,
  claim: Claim,
  { outcome, decided_by, reason, ground }: Settlement,
): Promise<void> {
  const { subject_id, claim_id, dispute_id, furnisher_id } = claim;
  if (!isOpen(claim)) throw new AssentError('claim_ended');
  await session.query(
    `update claim set state = $3, ended_at = $4, decided_by = $5, decision_reason = $6
     where subject_id = $1 and claim_id = $2`,
    [subject_id, claim_id, outcome, registry.now(), decided_by, reason],
  );
  if (REFUTING.includes(outcome))
    await refute(registry, session, claim, outcome as 'corrected' | 'deleted' | 'upheld', ground);
  // Furnishers' feeds before enquirers': in one order everywhere, so that nobody waits in a ring.
  if (furnisher_id !== null)
    await appendNews(registry, session, [furnisher_id], {
      type: 'claim.decided',
      event_id: claim_id,
      data: { claim_id, outcome, ...(ground ? { ground } : {}) },
    });
  if (claim.account_id !== null && REFUTING.includes(outcome))
    await resend(registry, session, claim, outcome);
  await tellPerson(registry, session, subject_id, {
    kind: 'claim_decided',
    facts: { claim_id, dispute_id, field: claim.field, outcome, decided_by },
  });
  await endDispute(registry, session, subject_id, dispute_id);
}
