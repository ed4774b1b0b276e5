/**
 * The end of a dispute: with its last claim; what is owed for an answer that came late.
 *
 * What must stay true: a dispute ends once; the ledger says who was late and for how long, and is
 * written with the end.
 * Source: RBI 2025 (I2): compensation is apportioned between lender and bureau.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import { daysLate } from '../model/dispute-clock.ts';
import { tellPerson } from './person.ts';
import type { Registry } from './registry.ts';

interface Ending {
  readonly running: number;
  readonly withdrawn: number;
  readonly claims: number;
  readonly answer_due_at: Date;
  readonly state: string;
}

/** Who was late with which claim: the furnisher with its share. */
async function furnishersLate(session: Session, subjectId: string, disputeId: string, now: Date) {
  const { rows } = await session.query<{ furnisher_id: string; due: Date; done: Date | null }>(
    `select furnisher_id, min(furnisher_due_at) as due, max(answered_at) as done from claim
     where subject_id = $1 and dispute_id = $2 and furnisher_id is not null
     group by furnisher_id order by furnisher_id`,
    [subjectId, disputeId],
  );
  return rows.map((row) => ({
    furnisher_id: row.furnisher_id,
    days: daysLate(row.due, row.done ?? now),
  }));
}

/** The days late are shared: the furnishers' own first, what is left is the registry's. */
async function reckon(
  registry: Registry,
  session: Session,
  subjectId: string,
  disputeId: string,
  answerDueAt: Date,
): Promise<void> {
  const rule = disputeRulesOf(registry.profile).compensation;
  const now = registry.now();
  const late = daysLate(answerDueAt, now);
  if (rule === null || late === 0) return;
  let left = late;
  const shares: [owedBy: string, days: number][] = [];
  for (const { furnisher_id, days } of await furnishersLate(session, subjectId, disputeId, now)) {
    const own = Math.min(left, days);
    if (own > 0) shares.push([furnisher_id, own]);
    left -= own;
  }
  if (left > 0) shares.push([registry.registry_id, left]);
  for (const [owedBy, days] of shares)
    await session.query(
      `insert into compensation (subject_id, dispute_id, owed_by, days, amount_minor, currency,
         reckoned_at) values ($1, $2, $3, $4, $5, $6, $7)`,
      [subjectId, disputeId, owedBy, days, days * rule.minor_per_day, rule.currency, now],
    );
}

/** Ends the dispute when no claim of it is open any more; in the transaction of its last claim. */
export async function endDispute(
  registry: Registry,
  session: Session,
  subjectId: string,
  disputeId: string,
): Promise<void> {
  const { rows } = await session.query<Ending>(
    `select count(*) filter (where c.state in ('open', 'forwarded', 'answered')) as running,
       count(*) filter (where c.state = 'withdrawn') as withdrawn, count(*) as claims,
       d.answer_due_at, d.state
     from dispute d join claim c on c.subject_id = d.subject_id and c.dispute_id = d.dispute_id
     where d.subject_id = $1 and d.dispute_id = $2 group by d.answer_due_at, d.state`,
    [subjectId, disputeId],
  );
  const [ending] = rows;
  if (!ending || ending.running > 0 || ending.state !== 'open') return;
  const state = ending.withdrawn === ending.claims ? 'withdrawn' : 'decided';
  await session.query(
    'update dispute set state = $3, ended_at = $4 where subject_id = $1 and dispute_id = $2',
    [subjectId, disputeId, state, registry.now()],
  );
  if (state === 'decided')
    await reckon(registry, session, subjectId, disputeId, ending.answer_due_at);
  await tellPerson(registry, session, subjectId, {
    kind: `dispute_${state}`,
    facts: { dispute_id: disputeId },
  });
}
