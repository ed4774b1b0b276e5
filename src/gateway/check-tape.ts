/**
 * The rule book applied to a staged tape, set-based. Reads `stage_*` and the book, writes the
 * temporary table `month_fault` (and `bad_account`) and the tape's faults.
 *
 * What must stay true: every rule is reported for every row that breaks it; a row with a reject
 * or hold fault never reaches the book; faults carry row, period and rule, nothing of the row.
 */
import type { Profile } from '../authorisation/profile.ts';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import { brokenIds, MONTH_RULES, OTHER_RULES, rulesOf } from '../tape/rule-book.ts';
import { bookPeriods } from './gate.ts';

const MONTH_CONTENT = `as_of, status, limit_minor, borrowed_minor, balance_minor, due_minor,
  paid_minor, days_past_due, past_due_minor, first_delinquency_on, last_paid_on, five_class,
  adverse_notice_on`;

/** Newest account of each number in the tape, and the accounts that may not be used, with the rule. */
async function checkAccounts(session: Session): Promise<void> {
  await session.query(`create temp table tape_account on commit drop as
    select distinct on (account_ref) * from stage_account order by account_ref, row_number desc`);
  await session.query('create temp table bad_account (account_ref text, rule text) on commit drop');
  await session.query(`insert into bad_account
    select account_ref, 'V01' from tape_account where account_ref ~ '^[0-9]{17}[0-9Xx]$'
    union all
    select account_ref, 'V01_OWNER' from stage_account
    group by account_ref having count(distinct subject_ref) > 1
    union all
    select t.account_ref, 'V01_OWNER' from tape_account t
    join account b on b.account_ref = t.account_ref
    join customer c on c.subject_id = b.subject_id and c.subject_ref <> t.subject_ref
    union all
    select account_ref, 'V17' from tape_account
    where agreement_limit_minor < 0 or agreement_ends_on < agreement_opened_on
      or (agreement_ref is null and num_nonnulls(agreement_limit_minor, agreement_opened_on,
        agreement_ends_on) > 0)
    union all
    select t.account_ref, 'V01_SUBJECT' from tape_account t
    where not exists (select 1 from stage_customer s where s.subject_ref = t.subject_ref)
      and not exists (select 1 from customer c where c.subject_ref = t.subject_ref)`);
  await session.query('analyze tape_account, bad_account');
}

/** Every account a month may refer to: the tape's own, else the book's. */
async function gatherAccounts(session: Session): Promise<void> {
  await session.query(`create temp table known_account on commit drop as
    select account_ref, kind, opened_on, closed_on, original_amount_minor, term_months
    from tape_account t
    where not exists (select 1 from bad_account x where x.account_ref = t.account_ref)
    union all
    select b.account_ref, b.kind, b.opened_on, b.closed_on, b.original_amount_minor, b.term_months
    from account b
    where b.account_ref in (select account_ref from stage_month)
      and not exists (select 1 from tape_account t where t.account_ref = b.account_ref)`);
  await session.query('analyze known_account');
}

/** Periods just before those of the tape: all of the book's history that the rules compare with. */
const PERIODS_BEFORE = `select distinct (period - interval '1 month')::date from stage_month`;

/** The months just before staged ones: staged themselves, else in the book. */
async function gatherPriorMonths(session: Session): Promise<void> {
  await session.query(`create temp table prior_month on commit drop as
    select distinct on (account_ref, period)
      account_ref, period, as_of, days_past_due, first_delinquency_on
    from (
      select account_ref, period, as_of, days_past_due::bigint, first_delinquency_on, 2147483647 as rank
      from stage_month where period in (${PERIODS_BEFORE})
      union all
      select b.account_ref, h.period, h.as_of, h.days_past_due::bigint, h.first_delinquency_on, h.revision
      from account_month h join account b on b.account_id = h.account_id
      where h.period in (${PERIODS_BEFORE})
        and b.account_ref in (select account_ref from stage_month)
    ) every_month
    order by account_ref, period, rank desc`);
  await session.query('create index on prior_month (account_ref, period)');
  await session.query('analyze prior_month');
}

/** A month without the one before it, of an account that has an older one: in the tape or the book. */
async function findGaps(session: Session): Promise<void> {
  await session.query(`create temp table without_prior on commit drop as
    select m.row_number, m.account_ref, m.period from stage_month m
    left join prior_month p
      on p.account_ref = m.account_ref and p.period = (m.period - interval '1 month')::date
    where p.account_ref is null`);
  await session.query('analyze without_prior');
  const periods = await bookPeriods(session);
  // The book is asked by its key, period by period, the newest first: history may be long.
  await session.query(
    `insert into month_fault
     select w.row_number, w.period, 'V13_GAP' from without_prior w
     left join (select account_ref, min(period) as first_period from stage_month
                group by account_ref) s on s.account_ref = w.account_ref
     left join account b on b.account_ref = w.account_ref
     where s.first_period < w.period or exists (
       select 1 from unnest($1::date[]) with ordinality as older (period, n)
       join lateral (select 1 from account_month h where h.period = older.period
                       and h.account_id = b.account_id limit 1) there on true
       where b.account_id is not null and older.period < w.period)`,
    [periods.map((period) => firstDay(period)).reverse()],
  );
}

async function checkMonths(session: Session, profile: Profile | null): Promise<void> {
  await session.query(
    'create temp table month_fault (row_number bigint, period date, rule text) on commit drop',
  );
  await session.query(`insert into month_fault
    select m.row_number, m.period, 'V01_ACCOUNT' from stage_month m
    where not exists (select 1 from known_account k where k.account_ref = m.account_ref)`);
  // sql: MONTH_CONTENT is a constant list of columns.
  await session.query(`insert into month_fault
    select row_number, period, case when variants > 1 then 'V13_CONFLICT' else 'V13_SAME' end
    from (
      select m.row_number, m.period, row_number() over same_month as copy, g.variants
      from stage_month m
      join (select account_ref, period, count(distinct (${MONTH_CONTENT})) as variants
            from stage_month group by account_ref, period having count(*) > 1) g
        on g.account_ref = m.account_ref and g.period = m.period
      window same_month as (partition by m.account_ref, m.period order by m.row_number)
    ) copies
    where variants > 1 or copy > 1`);
  await findGaps(session);
  // sql: brokenIds is made of the rule book's constants.
  await session.query(`insert into month_fault
    select row_number, period, unnest(broken) from (
      select m.row_number, m.period, ${brokenIds(rulesOf(profile))} as broken
      from stage_month m
      join known_account k on k.account_ref = m.account_ref
      left join prior_month p
        on p.account_ref = m.account_ref and p.period = (m.period - interval '1 month')::date
    ) checked
    where cardinality(broken) > 0`);
  await session.query('create index on month_fault (row_number, period)');
  await session.query('analyze month_fault');
}

/** Drift of a period against the newest earlier period of the book (V15): rule ids broken. */
async function checkDrift(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ rule: string }>(`
    with book as (
      select h.period, count(*)::float8 as rows, avg((h.days_past_due > 0)::int)::float8 as late
      from account_month h where h.revision = 1 and h.period in (${PERIODS_BEFORE})
      group by h.period
    ), tape as (
      select period, count(*)::float8 as rows, avg((days_past_due > 0)::int)::float8 as late,
             count(distinct balance_minor) as balances
      from stage_month group by period
    ), pair as (
      select t.rows, t.late, t.balances, b.rows as rows_before, b.late as late_before
      from tape t left join book b on b.period = (t.period - interval '1 month')::date
      where not exists (select 1 from account_month h where h.period = t.period)
    )
    select distinct rule from pair, lateral (values
      ('V15_COUNT', rows_before is not null and abs(rows - rows_before) > 0.10 * rows_before),
      ('V15_LATE', late_before > 0 and rows_before >= 100
                   and abs(late - late_before) > 0.30 * late_before + 3 / rows_before),
      ('V15_SAME', rows >= 100 and balances = 1)
    ) as checks (rule, broken) where broken order by rule`);
  return rows.map((row) => row.rule);
}

/** Copies what was found into `tape_fault`, numbered after the reader's faults. */
async function recordFaults(session: Session, tapeId: string): Promise<void> {
  const rules = [...MONTH_RULES, ...OTHER_RULES];
  await session.query(
    `insert into tape_fault (tape_id, fault_number, rule, severity, kind, row_number, period, field, found)
     select $1, (select coalesce(max(fault_number), 0) from tape_fault where tape_id = $1)
              + row_number() over (order by f.row_number, f.period, f.rule),
            f.rule, r.severity, r.kind, f.row_number, to_char(f.period, 'YYYY-MM'), r.field, null
     from (
       select row_number, period, rule from month_fault
       union all
       select t.row_number, null, x.rule from bad_account x
       join tape_account t on t.account_ref = x.account_ref
     ) f
     join unnest($2::text[], $3::text[], $4::text[], $5::text[]) as r (rule, severity, kind, field)
       on r.rule = f.rule`,
    [
      tapeId,
      rules.map((rule) => rule.id),
      rules.map((rule) => rule.severity),
      rules.map((rule) => rule.kind),
      rules.map((rule) => rule.field),
    ],
  );
}

/**
 * Checks what is staged. Must run in a transaction: the temporary tables it leaves
 * (`tape_account`, `bad_account`, `month_fault`) are read by the merge and dropped at commit.
 * @returns the V15 rules that hold the whole tape.
 */
export async function checkStagedTape(
  session: Session,
  tapeId: string,
  profile: Profile | null,
): Promise<string[]> {
  await checkAccounts(session);
  await gatherAccounts(session);
  await gatherPriorMonths(session);
  await checkMonths(session, profile);
  await recordFaults(session, tapeId);
  return checkDrift(session);
}
