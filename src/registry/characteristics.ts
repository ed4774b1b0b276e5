/**
 * The characteristics of people's files as of a day, for one person or a range of people: one
 * statement, the same for both.
 *
 * What must stay true: only months that may be shown are read (`visibility.ts`); a person of whom
 * nothing is shown gives no row; the columns are those of the catalogue, in its order, integers or
 * null; nothing later than the day is read. A month is current when it is at most three months
 * older than the day.
 * Source: domain facts 5.1, 5.5; evaluation/catalogue.ts says what each one means.
 */
import type { Session, SqlValue } from '../database/database.ts';
import {
  CHARACTERISTICS,
  type CharacteristicValues,
  CURRENT_MONTHS,
} from '../evaluation/catalogue.ts';
import { GRID_MONTHS } from '../model/grid.ts';
import { isRefutedLook } from './guard.ts';
import type { Registry } from './registry.ts';
import { VISIBILITY_PARAMS, VISIBLE, visibilityParams } from './visibility.ts';

const DAY = `$${VISIBILITY_PARAMS + 1}::date`;
const FIRST = `$${VISIBILITY_PARAMS + 2}::uuid`;
const LAST = `$${VISIBILITY_PARAMS + 3}::uuid`;
/** How many parameters `characteristicsParams` gives. */
export const CHARACTERISTICS_PARAMS = VISIBILITY_PARAMS + 3;

/**
 * Months from the month of a day to that of DAY; 0 is the same month. `date_part` gives doubles,
 * exact here; numerics of `extract` took a tenth of the statement.
 */
const age = (day: string) =>
  `((date_part('year', ${DAY}) * 12 + date_part('month', ${DAY}))
    - (date_part('year', ${day}) * 12 + date_part('month', ${day})))::int`;

/** True for the newest revision `n` of a month; those beyond the first have an index of their own. */
export const IS_NEWEST = `not exists (select 1 from account_month c where c.revision > 1
  and c.revision > n.revision and c.period = n.period and c.subject_id = n.subject_id
  and c.account_id = n.account_id)`;

const PEOPLE = `between ${FIRST} and ${LAST}`;

/**
 * Months of which VISIBLE needs not be asked: not late, of nobody of whom anything was refuted, and
 * under no authorisation that has an effect on what is held or bounds the life of the data. The
 * others are asked one by one.
 */
const SEEN = `
  asked as materialized (
    select w.subject_id, w.authorisation_id from authorisation_effect w
    where w.subject_id ${PEOPLE} and w.effect <> 'STOP_NEW'
    union
    select a.subject_id, a.authorisation_id from authorisation a
    where a.subject_id ${PEOPLE} and a.data_life is not null
  ), guarded as materialized (
    select distinct g.subject_id from reinsertion_guard g where g.subject_id ${PEOPLE}
  ), newest as (
    select n.* from account_month n
    where n.subject_id ${PEOPLE} and n.period <= ${DAY} and n.as_of <= ${DAY}
      and n.period > (date_trunc('month', ${DAY}) - interval '${GRID_MONTHS} months')::date
      and ${IS_NEWEST}
  ), contract as (
    select distinct on (subject_id, account_id) * from account where subject_id ${PEOPLE} order by subject_id, account_id, revision desc
  ), seen as (
    select n.subject_id, n.account_id, n.period, n.status, n.limit_minor, n.balance_minor,
      n.due_minor, n.paid_minor, n.days_past_due, n.past_due_minor, k.kind, k.furnisher_id,
      k.opened_on, k.original_amount_minor, ${age('n.period')} as age
    from newest n
    join contract k on k.subject_id = n.subject_id and k.account_id = n.account_id
    left join asked h on h.subject_id = n.subject_id and h.authorisation_id = n.authorisation_id
    left join guarded q on q.subject_id = n.subject_id
    where case when n.days_past_due = 0 and h.subject_id is null and q.subject_id is null
        and $2::uuid is not null then true else ${VISIBLE} end
  ), noted as (
    select s.*, row_number() over each_account = 1 as is_newest,
      row_number() over each_account = 1 and age <= ${CURRENT_MONTHS} as is_current,
      bool_or(status = 'closed') over whole_account as ended,
      count(*) filter (where age < 12 and days_past_due > 0) over whole_account as late_last_year,
      ${age('min(least(opened_on, period)) over whole_account')} as opened_age
    from seen s
    window whole_account as (partition by subject_id, account_id),
      each_account as (partition by subject_id, account_id order by period desc)
  )`;

/** Basis points, rounded half up, at most a hundred times the whole; null of nothing. */
const share = (part: string, whole: string) =>
  `case when ${whole} > 0 then least(round(10000.0 * greatest(${part}, 0) / (${whole})), 1000000)::int end`;
const within = (months: number) => `filter (where age < ${months})`;
const worst = (months: number) => `max(days_past_due) ${within(months)}`;
const late = (months: number, days: number) =>
  `count(*) filter (where age < ${months} and days_past_due >= ${days})::int`;

const isLine = `kind = 'revolving_line' and coalesce(limit_minor, 0) > 0`;
const sumIf = (column: string, condition: string) =>
  `coalesce(sum(${column}) filter (where ${condition}), 0)`;
const used = (condition: string) =>
  share(
    sumIf('greatest(balance_minor, 0)', `${isLine} and ${condition}`),
    sumIf('limit_minor', `${isLine} and ${condition}`),
  );
const paid = (months: number) =>
  share(
    sumIf('paid_minor', `age < ${months} and paid_minor is not null and due_minor > 0`),
    sumIf('due_minor', `age < ${months} and paid_minor is not null and due_minor > 0`),
  );

type Columns = Readonly<Record<string, string>>;
const windows = (
  months: readonly number[],
  name: (n: number) => string,
  of: (n: number) => string,
) => Object.fromEntries(months.map((n) => [name(n), of(n)]));

/** Of all months that are seen. */
const ofMonths: Columns = {
  ...windows([3, 6, 12, 24, 60], (n) => `worst_days_past_due_${n}m`, worst),
  late_months_12m: late(12, 1),
  late_months_24m: late(24, 1),
  months_30_days_late_24m: late(24, 30),
  months_since_late: 'min(age) filter (where days_past_due > 0)',
  utilisation_6m: used('age < 6'),
  utilisation_trend: `${used('age < 3')} - ${used('age between 3 and 11')}`,
  balance_trend: share(
    sumIf('balance_minor', 'age < 3'),
    sumIf('balance_minor', 'age between 3 and 5'),
  ),
  paid_to_due_3m: paid(3),
  paid_to_due_12m: paid(12),
  unpaid_months_6m: 'count(*) filter (where age < 6 and due_minor > 0 and paid_minor = 0)::int',
  months_shown: 'count(distinct period)::int',
};

const isOpen = `is_current and status = 'open'`;
const isLoan = `kind = 'instalment_loan' and original_amount_minor > 0`;
/** Of the accounts' current months. */
const current: Columns = {
  days_past_due_now: `coalesce(max(days_past_due) filter (where ${isOpen}), 0)`,
  past_due_share: share(sumIf('past_due_minor', isOpen), sumIf('balance_minor', isOpen)),
  utilisation: used(isOpen),
  utilisation_highest: `max(${share('greatest(balance_minor, 0)', 'limit_minor')})
    filter (where ${isLine} and ${isOpen})`,
  loan_left: share(
    sumIf('greatest(balance_minor, 0)', `${isOpen} and ${isLoan}`),
    sumIf('original_amount_minor', `${isOpen} and ${isLoan}`),
  ),
  lenders: `count(distinct furnisher_id) filter (where ${isOpen})::int`,
  accounts_open: `count(*) filter (where ${isOpen})::int`,
};

/** Of each account of which a month is seen, at its newest one. */
const ofAccounts: Columns = {
  accounts_ended_well: 'count(*) filter (where is_newest and ended and late_last_year = 0)::int',
  accounts_opened_12m: 'count(*) filter (where is_newest and opened_age < 12)::int',
  months_since_opened: 'min(opened_age)',
  file_age: 'max(opened_age)',
};

/** Lenders that looked for new credit: one that looked again within the window counts once. */
const ofLooks: Columns = windows(
  [1, 3, 6, 12, 24],
  (n) => `enquiries_${n}m`,
  (n) => `count(distinct participant_id)
    filter (where at >= (${DAY} - interval '${n} months')::date + 1)::int`,
);

const list = (columns: Columns) =>
  Object.entries(columns)
    .map(([id, sql]) => `${sql} as ${id}`)
    .join(', ');
const IN_ORDER = CHARACTERISTICS.map(({ id }) => id).join(', ');

/** Parts of a `with` that end in `characteristic (subject_id, …)`, one row for each person. */
export const CHARACTERISTIC_PARTS = `${SEEN},
  characteristic as (
    select subject_id, ${IN_ORDER}
    from (select subject_id, ${list({ ...ofMonths, ...current, ...ofAccounts })}
          from noted group by subject_id) m
    cross join lateral (
      select ${list(ofLooks)} from access where access.subject_id = m.subject_id
        and kind = 'new_credit' and outcome = 'report' and at < ${DAY} + 1
        and not ${isRefutedLook('access')}) e
  )`;

/** People from one id to another, both included. */
export interface People {
  readonly first: string;
  readonly last: string;
}

export const EVERYBODY: People = {
  first: '00000000-0000-0000-0000-000000000000',
  last: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};

/** So many people at most, about, are read at a time. */
const PEOPLE_IN_RANGE = 10_000;

/** How many ranges everybody is read in: the power of 16 that keeps each small enough. */
export async function rangesOfEverybody(registry: Registry): Promise<number> {
  const { rows } = await registry.db.query<{ people: number }>(
    'select count(*) as people from subject',
  );
  let ranges = 1;
  while ((rows[0]?.people ?? 0) / ranges > PEOPLE_IN_RANGE) ranges *= 16;
  return ranges;
}

/**
 * Everybody, in ranges of ids one after another: ids are random, so each holds as many people.
 * @param ranges a power of 16
 */
export function peopleInRanges(ranges: number): People[] {
  const digits = Math.round(Math.log2(ranges) / 4);
  return Array.from({ length: ranges }, (_, at) => {
    const prefix = digits === 0 ? '' : at.toString(16).padStart(digits, '0');
    const whole = (id: string) => prefix + id.slice(prefix.length);
    return { first: whole(EVERYBODY.first), last: whole(EVERYBODY.last) };
  });
}

/** $1 … of every statement that begins with CHARACTERISTIC_PARTS. @param day `YYYY-MM-DD` */
export function characteristicsParams(registry: Registry, day: string, people: People): SqlValue[] {
  return [...visibilityParams(registry), day, people.first, people.last];
}

/**
 * Before a statement over a range of people, in its transaction. Ids are not interpolated within a
 * bin of a histogram, so a planner takes a range inside one bin for one row, and then walks the
 * months of the whole range for each account: a range of a million people took minutes for what
 * hash joins do in a second. On Citus `citus.propagate_set_commands` must be `local`.
 */
export async function planForRange(session: Session): Promise<void> {
  await session.query('set local enable_nestloop = off');
}

/** The rows of one statement over a range of people. @param text made of constants */
export async function queryRange<Row>(
  registry: Registry,
  text: string,
  params: readonly SqlValue[],
): Promise<Row[]> {
  return registry.db.transaction(async (session) => {
    await planForRange(session);
    // sql: the callers' constants.
    return (await session.query<Row>(text, params)).rows;
  });
}

export interface PersonCharacteristics {
  readonly subject_id: string;
  readonly values: CharacteristicValues;
}

/** What is known of each person of a range, as of a day; nobody of whom nothing is shown. */
export async function readCharacteristics(
  registry: Registry,
  day: string,
  people: People,
): Promise<PersonCharacteristics[]> {
  const rows = await queryRange<Record<string, number | null> & { subject_id: string }>(
    registry,
    `with ${CHARACTERISTIC_PARTS} select * from characteristic order by subject_id`,
    characteristicsParams(registry, day, people),
  );
  return rows.map(({ subject_id, ...values }) => ({ subject_id, values }));
}
