/**
 * The last look before a part leaves. Hours may pass between the plan of a hand-over and its last
 * part; whoever withdraws meanwhile stays here.
 *
 * What must stay true: what is left out of a part is written down before the part leaves (a month
 * as withheld with its reason, a person or an account as not listed), so that the numbers of the
 * lines are those of the receipt; parts are looked at in their order, so lines that left keep
 * their numbers; the checks are the ordered table, in the form in which the registry asks.
 */
import { decideParams, passesSql, reasonSql } from '../authorisation/decide.ts';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import type { PartKind } from '../wire/part.ts';
import { furnishing } from './gate.ts';
import type { Gateway } from './gateway.ts';

export interface PlannedPart {
  readonly kind: PartKind;
  /** First and last row number of the hand-over, inclusive. */
  readonly first: number;
  readonly last: number;
}

/**
 * $1 the hand-over, $2 … $3 the part: the month rows that it concerns, reached by keys from the
 * part, so that a part costs the same in a small book and in a large one.
 */
const ROWS_OF_PART: Readonly<Record<PartKind, string>> = {
  subject: `handover_sent s join account k on k.subject_id = s.ref
    join handover_row h on h.handover_id = s.handover_id and h.account_id = k.account_id
    where s.kind = 'subject' and s.handover_id = $1::uuid
      and s.row_number between $2::bigint and $3::bigint`,
  account: `handover_sent s
    join handover_row h on h.handover_id = s.handover_id and h.account_id = s.ref
    where s.kind = 'account' and s.handover_id = $1::uuid
      and s.row_number between $2::bigint and $3::bigint`,
  authorisation: `handover_sent s join authorisation a on a.authorisation_id = s.ref
    join account k on k.subject_id = a.subject_id
    join handover_row h on h.handover_id = s.handover_id and h.account_id = k.account_id
      and h.authorisation_id = s.ref
    where s.kind = 'authorisation' and s.handover_id = $1::uuid
      and s.row_number between $2::bigint and $3::bigint`,
  month: `handover_row h
    where h.handover_id = $1::uuid and h.row_number between $2::bigint and $3::bigint`,
};

/** Laid down and analysed, so that the planner knows how many rows it looks at. */
const concernedSql = (kind: PartKind) => `create temp table concerned on commit drop as
  select h.account_id, h.subject_id, h.revision, h.authorisation_id
  from ${ROWS_OF_PART[kind]} and h.withheld_since is null`;

/**
 * $1 … $12 the checks, $13 the hand-over, $14 its period: marks the month rows that their
 * authorisation fails now, with the reason. Left joins, though all are there: where a planner
 * multiplies the odds of two keys that go together it sees one row instead of 50,000, and a
 * nested loop over them once ran for a quarter of an hour.
 */
const WITHHOLD = `
  update handover_row set withheld_since = ended.reason
  from (
    select h.account_id, ${reasonSql()} as reason
    from concerned h
    left join account_month m on m.period = $14::date and m.account_id = h.account_id
      and m.revision = h.revision
    left join account k on k.account_id = h.account_id
    left join customer c on c.subject_id = h.subject_id
    left join authorisation a on a.subject_id = h.subject_id and a.provider_id = $2::uuid
      and a.authorisation_id = h.authorisation_id
    cross join lateral (select h.subject_id, h.account_id as account_ref, k.kind, m.period,
      m.days_past_due, m.days_past_due > 0 as adverse, m.status = 'open' as active,
      c.adult_from) r
    where (${passesSql()}) is not true) ended
  where handover_row.handover_id = $13::uuid and handover_row.account_id = ended.account_id`;

/**
 * $1 … $3 the part: takes off the list what no row of the hand-over needs. An authorisation that
 * ended stays on it while its person travels, or is known there: the registry shall learn of it.
 */
const UNLIST: Readonly<Record<Exclude<PartKind, 'month'>, string>> = {
  subject: `delete from handover_sent s where s.handover_id = $1 and s.kind = 'subject'
    and s.row_number between $2 and $3 and not exists (select 1 from handover_row h
      where h.handover_id = $1 and h.subject_id = s.ref and h.withheld_since is null)`,
  account: `delete from handover_sent s where s.handover_id = $1 and s.kind = 'account'
    and s.row_number between $2 and $3 and not exists (select 1 from handover_row h
      where h.handover_id = $1 and h.account_id = s.ref and h.withheld_since is null)`,
  authorisation: `delete from handover_sent s using authorisation a
    where s.handover_id = $1 and s.kind = 'authorisation' and s.row_number between $2 and $3
      and a.authorisation_id = s.ref
      and not exists (select 1 from furnished_customer f where f.subject_id = a.subject_id)
      and not exists (select 1 from handover_sent p where p.handover_id = $1
        and p.kind = 'subject' and p.ref = a.subject_id)`,
};

/**
 * Looks at what a part concerns once more, as of now.
 * @returns how many of its lines leave
 */
export async function lookAgain(
  session: Session,
  gateway: Gateway,
  { id, period }: { readonly id: string; readonly period: string },
  part: PlannedPart,
): Promise<number> {
  const { kind, first, last } = part;
  const act = await furnishing(session, gateway, gateway.now(), id);
  // sql: made of the constants above.
  await session.query(concernedSql(kind), [id, first, last]);
  await session.query('analyze concerned');
  // sql: made of the checks' constants.
  await session.query(WITHHOLD, [...decideParams(act), id, firstDay(period)]);
  if (kind !== 'month') await session.query(UNLIST[kind], [id, first, last]);
  const { rows } = await session.query<{ n: number }>(
    kind === 'month'
      ? `select count(*) as n from handover_row where handover_id = $1
           and row_number between $2 and $3 and withheld_since is null`
      : `select count(*) as n from handover_sent where handover_id = $1
           and row_number between $2 and $3 and kind = $4`,
    [id, first, last, ...(kind === 'month' ? [] : [kind])],
  );
  return rows[0]?.n ?? 0;
}
