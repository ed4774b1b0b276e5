/**
 * The gate: each row of a period is released, under one named authorisation, or withheld with
 * exactly one reason. One set-based statement over the book; the checks themselves are the
 * ordered table of `authorisation/check.ts`.
 *
 * What must stay true: the decision of any past moment can be made again from the events alone;
 * no configuration, no release.
 */
import { decideParams, decideSql } from '../authorisation/check.ts';
import type { Session, SqlValue } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import type { Gateway } from './gateway.ts';

/** $7 is the first day of the period; the newest revision of each month is what the gate sees. */
const ROWS_OF_PERIOD = `
  select k.subject_id, k.account_id, k.account_id as account_ref, k.kind, m.period,
         m.days_past_due > 0 as adverse, c.adult_from
  from (select distinct on (account_id) account_id, period, revision, days_past_due
        from account_month where period = $7::date order by account_id, revision desc) m
  join account k on k.account_id = m.account_id
  join customer c on c.subject_id = k.subject_id`;

/** `(account_id, authorisation_id, reason)` for every account of the period $7 at the moment $1. */
export const GATE_SQL = decideSql(ROWS_OF_PERIOD);

/** The parameters of GATE_SQL. @param period `YYYY-MM` */
export function gateParams(gateway: Gateway, period: string, moment: Date): SqlValue[] {
  const { furnisher_id, profile, notices } = gateway;
  return [
    ...decideParams({ moment, provider_id: furnisher_id, profile, notices: { ...notices } }),
    firstDay(period),
  ];
}

/** How many rows of a period the gate releases, and why it withholds the others. */
export interface GateCounts {
  readonly period: string;
  readonly in_scope: number;
  readonly released: number;
  readonly withheld: Readonly<Record<string, number>>;
}

/** Decides a period without doing anything. @param moment any moment, past ones included */
export async function previewGate(
  gateway: Gateway,
  session: Session,
  period: string,
  moment: Date,
): Promise<GateCounts> {
  // sql: GATE_SQL is made of constants.
  const { rows } = await session.query<{ reason: string | null; n: number }>(
    `select reason, count(*) as n from (${GATE_SQL}) decided group by reason order by reason`,
    gateParams(gateway, period, moment),
  );
  const withheld: Record<string, number> = {};
  let released = 0;
  let inScope = 0;
  for (const { reason, n } of rows) {
    inScope += n;
    if (reason === null) released = n;
    else withheld[reason] = n;
  }
  return { period, in_scope: inScope, released, withheld };
}

export interface Decision {
  readonly account_ref: string;
  readonly period: string;
  readonly authorisation_id: string | null;
  /** Null when released. */
  readonly reason: string | null;
}

/** The decision for one account of a period at a moment; null when the book has no such row. */
export async function explainGate(
  gateway: Gateway,
  accountRef: string,
  period: string,
  moment: Date,
): Promise<Decision | null> {
  const { rows } = await gateway.db.query<{
    authorisation_id: string | null;
    reason: string | null;
  }>(
    `select d.authorisation_id, d.reason from (${GATE_SQL}) d
     join account k on k.account_id = d.account_id where k.account_ref = $8`,
    [...gateParams(gateway, period, moment), accountRef],
  );
  const [row] = rows;
  return row ? { account_ref: accountRef, period, ...row } : null;
}

/** Periods of the book, oldest first. */
export async function bookPeriods(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ period: string }>(
    `select distinct to_char(period, 'YYYY-MM') as period from account_month order by period`,
  );
  return rows.map((row) => row.period);
}
