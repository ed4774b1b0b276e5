/**
 * The gate: each row of a period is released, under one named authorisation, or withheld with
 * exactly one reason. Set-based over the book; the checks themselves are the ordered table of
 * `authorisation/check.ts`.
 *
 * What must stay true: the decision of any past moment can be made again from the events alone;
 * no configuration, no release.
 */
import type { Act } from '../authorisation/check.ts';
import { decideParams, decideSql } from '../authorisation/decide.ts';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import type { Gateway } from './gateway.ts';
import { oldestNotices } from './notices.ts';

/**
 * $13 is the first day of the period; the newest revision of each month is what the gate sees. A
 * large period is read as it lies and then sorted: the index that has its order visits the pages
 * of the table at random.
 */
const ROWS_OF_PERIOD = `
  select k.subject_id, k.account_id, k.account_id as account_ref, k.kind, m.period, m.revision,
         m.days_past_due, m.days_past_due > 0 as adverse, m.status = 'open' as active, c.adult_from
  from (select distinct on (account_id) account_id, period, revision, days_past_due, status
        from (select * from account_month where period = $13::date offset 0) of_period
        order by account_id, revision desc) m
  join account k on k.account_id = m.account_id
  join customer c on c.subject_id = k.subject_id`;

/** What a hand-over is to the checks. @param useId the hand-over; its own use does not count */
export async function furnishing(
  session: Session,
  gateway: Gateway,
  moment: Date,
  useId: string,
): Promise<Act> {
  return {
    moment,
    provider_id: gateway.furnisher_id,
    recipient_class: 'registry',
    recipient_id: null,
    purposes: ['F1', 'F2'],
    use_id: useId,
    profile: gateway.profile,
    notices: await oldestNotices(session, gateway, moment),
  };
}

/** A key of our own in the advisory lock space ("deci"). */
const DECISION_LOCK = 0x64656369;

/** Until the transaction ends no other decision may use an approval: one time is once. */
export async function lockDecisions(session: Session): Promise<void> {
  await session.query('select pg_advisory_xact_lock($1)', [DECISION_LOCK]);
}

/** The use of a look that uses nothing. */
export const NO_USE = '00000000-0000-0000-0000-000000000000';

/**
 * Decides every account of a period at a moment and leaves the answer, until the transaction
 * ends, in the table `decided` (subject_id, account_id, revision, authorisation_id, reason).
 * One statement without nested loops: where statistics are old or missing a planner guesses few
 * rows, and has walked 30,000 for each of 30,000.
 * @param period `YYYY-MM`
 * @param moment any moment, past ones included
 * @param useId the hand-over that decides; none for a preview
 */
export async function decidePeriod(
  session: Session,
  gateway: Gateway,
  period: string,
  moment: Date,
  useId: string = NO_USE,
): Promise<void> {
  const act = await furnishing(session, gateway, moment, useId);
  // Sorts and hashes of a large period stay in memory, within bounds.
  await session.query(`set local work_mem = '64MB'`);
  await session.query('set local enable_nestloop = off');
  // sql: made of the checks' constants and of the text above.
  await session.query(`create temp table decided on commit drop as ${decideSql(ROWS_OF_PERIOD)}`, [
    ...decideParams(act),
    firstDay(period),
  ]);
  await session.query('set local enable_nestloop = on');
  await session.query('analyze decided (account_id, subject_id, reason)');
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
  period: string,
  moment: Date,
): Promise<GateCounts> {
  const rows = await gateway.db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    const counted = await session.query<{ reason: string | null; n: number }>(
      'select reason, count(*) as n from decided group by reason order by reason',
    );
    return counted.rows;
  });
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

/** Periods of the book, oldest first: from one to the next by the index, whatever their size. */
export async function bookPeriods(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ period: string }>(
    `with recursive step (period) as (
       select min(period) from account_month
       union all
       select (select min(m.period) from account_month m where m.period > step.period)
       from step where step.period is not null)
     select to_char(period, 'YYYY-MM') as period from step where period is not null order by 1`,
  );
  return rows.map((row) => row.period);
}
