/**
 * The statutory end of adverse months: when their clock has run out they are deleted, with all
 * revisions, and never come back.
 *
 * What must stay true: the clock of an episode is the earliest that any revision of its months, or
 * what was purged of it before, ever gave: a date of first delinquency that is furnished later
 * never moves it. Where months were erased, the clock is that which was kept then. Only late months
 * go. A transaction takes a bounded number of accounts, and names every row it deletes in its
 * certificate's root, never what the row said.
 * Source: Order 631 article 16 (C4, C14), FCRA 605(c) (U2), UK six years (E8); domain facts 2.6.
 */
import type { Profile } from '../authorisation/profile.ts';
import type { Session } from '../database/database.ts';
import { WHOLE } from './guard.ts';
import { KEPT_END, keptBegan } from './kept-clock.ts';
import { certifyPurge } from './purge-certificate.ts';
import type { Registry } from './registry.ts';
import { lockAuthorisations, tickClock } from './serialise.ts';

/** Accounts of one transaction. */
const ACCOUNTS = 500;

/** Where a run stands: accounts after this one, in the order of their keys. */
export interface PurgeCursor {
  readonly subject_id: string;
  readonly account_id: string;
}
export const FROM_THE_FIRST: PurgeCursor = {
  subject_id: '00000000-0000-0000-0000-000000000000',
  account_id: '00000000-0000-0000-0000-000000000000',
};

/**
 * $1, $2 the cursor, $3 how many, $4 a day before which nothing is due: accounts with a late month
 * that could be. The clock of `end_of_event` never begins before the month itself.
 */
const CANDIDATES = `create temp table purge_account on commit drop as
  select c.subject_id, c.account_id, k.furnisher_id from (
    select distinct n.subject_id, n.account_id from account_month n
    where (n.subject_id, n.account_id) > ($1::uuid, $2::uuid) and n.days_past_due > 0
      and (n.period <= $4::date or ($5::boolean and (n.first_delinquency_on <= $4::date or exists (
        select 1 from reinsertion_guard g where g.subject_id = n.subject_id
          and g.account_id = n.account_id and g.cause = 'purged') or exists (
        select 1 from kept_clock x where x.subject_id = n.subject_id
          and x.account_id = n.account_id and x.starts <= $4::date))))
    order by n.subject_id, n.account_id limit $3) c
  join lateral (select furnisher_id from account a where a.subject_id = c.subject_id
    and a.account_id = c.account_id order by a.revision desc limit 1) k on true`;

/** Those of the account of month `n`. */
const NUMBERED = `(select b.period, b.days_past_due from numbered b
  where b.subject_id = n.subject_id and b.account_id = n.account_id)`;

/**
 * $1 today, $2 months kept, $3 whether from the end. An episode is a run of late months that no
 * month without delay interrupts; `island` numbers them within an account.
 */
const DUE = `create temp table purge_month on commit drop as
  with standing as materialized (
    select distinct on (n.subject_id, n.account_id, n.period) n.subject_id, n.account_id, n.period,
      n.as_of, n.days_past_due,
      min(n.first_delinquency_on) over (partition by n.subject_id, n.account_id, n.period)
        as first_delinquency_on
    from account_month n join purge_account c on c.subject_id = n.subject_id
      and c.account_id = n.account_id
    order by n.subject_id, n.account_id, n.period, n.revision desc),
  numbered as materialized (
    select s.*, count(*) filter (where s.days_past_due = 0) over (
        partition by s.subject_id, s.account_id order by s.period) as island,
      max(s.as_of) over (partition by s.subject_id, s.account_id) as newest
    from standing s),
  cured as (
    select subject_id, account_id, island, as_of from numbered where days_past_due = 0),
  episode as (
    select n.subject_id, n.account_id, n.island, min(n.period) as first_period,
      max(n.newest) as newest,
      least(min(n.as_of), min(n.first_delinquency_on)) as began
    from numbered n where n.days_past_due > 0 group by n.subject_id, n.account_id, n.island),
  clock as (
    select e.subject_id, e.account_id, e.island,
      case when $3::boolean then coalesce(c.as_of, e.newest)
        else least(e.began, (select min(g.clock_began) from reinsertion_guard g
          where g.subject_id = e.subject_id and g.account_id = e.account_id
            and g.cause = 'purged' and g.period < e.first_period
            and not exists (select 1 from numbered b where b.subject_id = e.subject_id
              and b.account_id = e.account_id and b.days_past_due = 0
              and b.period > g.period and b.period < e.first_period))) end as starts
    from episode e left join cured c on c.subject_id = e.subject_id
      and c.account_id = e.account_id and c.island = e.island + 1)
  select subject_id, account_id, period, starts from (
    select n.subject_id, n.account_id, n.period, n.as_of, coalesce(
      case when $3::boolean then ${KEPT_END} else ${keptBegan(NUMBERED)} end, k.starts) as starts
    from numbered n join clock k on k.subject_id = n.subject_id and k.account_id = n.account_id
      and k.island = n.island
    where n.days_past_due > 0) late
  where greatest(starts, case when $3::boolean then as_of end)
    + make_interval(months => $2::int) <= $1::date`;

const GUARD = `insert into reinsertion_guard (subject_id, account_id, period, field, value,
    furnisher_id, cause, made_at, clock_began)
  select d.subject_id, d.account_id, d.period, 'month', '${WHOLE}', c.furnisher_id, 'purged',
    $1::timestamptz, d.starts
  from purge_month d join purge_account c on c.subject_id = d.subject_id
    and c.account_id = d.account_id
  on conflict (subject_id, account_id, period, field, value) do update set
    cause = 'purged', certified_at = null, clock_began = excluded.clock_began`;

/** A clock goes with its month. */
const DROP_CLOCKS = `delete from kept_clock x using purge_month d
  where x.subject_id = d.subject_id and x.account_id = d.account_id and x.period = d.period`;

const DELETE = `delete from account_month n using purge_month d
  where n.subject_id = d.subject_id and n.account_id = d.account_id and n.period = d.period
  returning n.submission_id, n.row_number, 'assent/purged/1' || chr(9) || n.submission_id || chr(9)
    || n.row_number || chr(9) || n.account_id || chr(9) || to_char(n.period, 'YYYY-MM') || chr(9)
    || n.revision as leaf`;

/** Whoever judges months of these people judges them again; furnishers in one order. */
async function lockFurnishers(session: Session): Promise<void> {
  const { rows } = await session.query<{ furnisher_id: string; people: string[] }>(
    `select c.furnisher_id, array_agg(distinct d.subject_id) as people from purge_month d
     join purge_account c on c.subject_id = d.subject_id and c.account_id = d.account_id
     group by c.furnisher_id order by c.furnisher_id`,
  );
  for (const { furnisher_id, people } of rows) {
    await lockAuthorisations(session, furnisher_id);
    await tickClock(session, furnisher_id, people);
  }
}

/** The day so many months before another, `YYYY-MM-DD`; later than exact where months are short. */
function monthsBefore(today: string, months: number): string {
  const day = new Date(`${today}T00:00:00Z`);
  day.setUTCMonth(day.getUTCMonth() - months);
  return day.toISOString().slice(0, 10);
}

export interface PurgedMonths {
  readonly months: number;
  readonly revisions: number;
  /** Where to go on; null: every account was looked at. */
  readonly next: PurgeCursor | null;
}

/** Purges the adverse months of the next accounts, in one transaction. */
export function purgeMonths(
  registry: Registry,
  profile: Profile,
  after: PurgeCursor,
): Promise<PurgedMonths> {
  const { months: kept, from } = profile.adverse_retention;
  const isFromEnd = from === 'end_of_event';
  return registry.db.transaction(async (session) => {
    const now = registry.now();
    const today = now.toISOString().slice(0, 10);
    await session.query(CANDIDATES, [
      ...[after.subject_id, after.account_id, ACCOUNTS],
      ...[monthsBefore(today, kept), !isFromEnd],
    ]);
    const { rows: accounts } = await session.query<PurgeCursor>(
      'select subject_id, account_id from purge_account order by subject_id, account_id',
    );
    await session.query(DUE, [today, kept, isFromEnd]);
    await lockFurnishers(session);
    const { affected: months } = await session.query(GUARD, [now]);
    await session.query(DROP_CLOCKS);
    const { rows } = await session.query<{
      submission_id: string;
      row_number: number;
      leaf: string;
    }>(DELETE);
    await certifyPurge(registry, session, 'adverse_months', kept, rows);
    const next = accounts.length < ACCOUNTS ? null : (accounts.at(-1) ?? null);
    return { months, revisions: rows.length, next };
  });
}
