/**
 * Reinstating an account that was ended by mistake.
 *
 * What must stay true: new revisions in the book, nothing is overwritten: the account without its
 * closing date, its closed months open with the figures they had; they leave with the next
 * hand-over of their periods, through the gate, like every correction. The same again changes
 * nothing.
 * Source: Finland's register (F5): a loan reported ended by mistake is restored by its lender.
 */
import { AssentError } from '../model/error.ts';
import { accountOf } from './claims.ts';
import type { Gateway } from './gateway.ts';

export interface Reinstated {
  readonly account_ref: string;
  readonly revision: number;
  /** Periods to hand over now, oldest first: `YYYY-MM`. */
  readonly periods: readonly string[];
}

const REOPEN = `insert into account_month (account_id, period, revision, as_of, status,
    limit_minor, borrowed_minor, balance_minor, due_minor, paid_minor, days_past_due,
    past_due_minor, first_delinquency_on, last_paid_on, five_class, adverse_notice_on, tape_id)
  select m.account_id, m.period, m.revision + 1, m.as_of, 'open', m.limit_minor, m.borrowed_minor,
    m.balance_minor, m.due_minor, m.paid_minor, m.days_past_due, m.past_due_minor,
    m.first_delinquency_on, m.last_paid_on, m.five_class, m.adverse_notice_on, m.tape_id
  from (select distinct on (period) * from account_month where account_id = $1
        order by period, revision desc) m
  where m.status = 'closed' order by m.period
  returning to_char(period, 'YYYY-MM') as period`;

/**
 * Reinstates an account in the book.
 * @param reason why it was ended by mistake, in the lender's words
 * @throws account_unknown; reinstate_needless: it is not closed
 */
export async function reinstate(
  gateway: Gateway,
  accountRef: string,
  evidence: { readonly source_sha256: string; readonly reason: string },
): Promise<Reinstated> {
  return gateway.db.transaction(async (session) => {
    const account_id = await accountOf(session, accountRef);
    const { rows: accounts } = await session.query<{ revision: number; is_closed: boolean }>(
      `select revision, closed_on is not null as is_closed from account where account_id = $1
       for update`,
      [account_id],
    );
    const before = accounts[0]?.revision ?? 0;
    const { rows: months } = await session.query<{ period: string }>(REOPEN, [account_id]);
    const isClosed = accounts[0]?.is_closed === true;
    if (!isClosed && months.length === 0) throw new AssentError('reinstate_needless');
    const revision = before + (isClosed ? 1 : 0);
    await session.query(
      'update account set revision = $2, closed_on = null where account_id = $1',
      [account_id, revision],
    );
    await session.query(
      `insert into reinstatement (account_id, at, revision, source_sha256, reason)
       values ($1, $2, $3, $4, $5)`,
      [account_id, gateway.now(), revision, evidence.source_sha256, evidence.reason],
    );
    return { account_ref: accountRef, revision, periods: months.map(({ period }) => period) };
  });
}
