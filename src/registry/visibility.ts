/**
 * Which months of a person's history may be shown. The one place that says so; every file, report
 * and evaluation reads through `VISIBLE`.
 *
 * What must stay true, for a month stored under an authorisation that has ended with an effect
 * (docs/FEED.md): it is shown only while the statutory clock of an adverse month runs, or while
 * another authorisation or another legal basis covers it now, by the ordered table of checks;
 * otherwise it is storage only (PIPL 47). A month whose authorisation has no such effect is shown.
 * A month whose data life has run out is shown only while another covers it: what was agreed to be
 * kept for so long is not kept in sight for longer, not by a statutory clock either.
 * A late month whose statutory clock has run out is shown to nobody, purged or not; nor is one that
 * a dated rule of the profile keeps from display. A month that was refuted in a dispute, alone or
 * with its account, is shown to nobody.
 * Source: domain facts 2.1 C4, C14, C17, C20, C24, 2.2 U2, 3.4 (DataLife), 3.7 (c) to (e).
 */
import type { Act } from '../authorisation/check.ts';
import { decideParams, passesSql } from '../authorisation/decide.ts';
import { reportRulesOf } from '../authorisation/report-rules.ts';
import type { SqlValue } from '../database/database.ts';
import { IS_REFUTED } from './guard.ts';
import { KEPT_END, keptBegan } from './kept-clock.ts';
import type { Registry } from './registry.ts';

const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Showing is what storing is to the checks; each account's own furnisher is compared in COVERED. */
function showing(registry: Pick<Registry, 'now' | 'profile' | 'notices'>): Act {
  return {
    moment: registry.now(),
    provider_id: NOBODY,
    recipient_class: 'registry',
    recipient_id: null,
    purposes: ['F1', 'F2'],
    use_id: NOBODY,
    profile: registry.profile,
    notices: registry.notices,
  };
}

const CHECKED = decideParams(showing({ now: () => new Date(0), profile: null, notices: {} }));
const MONTHS_KEPT = `$${CHECKED.length + 1}::int`;
/** From what the clock counts: `end_of_event` or `first_delinquency`. */
export const CLOCK = `$${CHECKED.length + 2}::text`;
const RULES = `$${CHECKED.length + 3}::jsonb`;
/** How many parameters `visibilityParams` gives: those of the statement itself come after. */
export const VISIBILITY_PARAMS = CHECKED.length + 3;

/** The account's months as they stand: corrections count, what they corrected does not. */
const AS_THEY_STAND = `(select distinct on (s.period) s.period, s.as_of, s.days_past_due
  from account_month s where s.subject_id = n.subject_id and s.account_id = n.account_id
  order by s.period, s.revision desc)`;

/**
 * When what was purged before the month began, where no month without delay divides the two: a
 * purge does not make what is still late younger.
 */
const purgedBegan = (standing: string) => `(select min(g.clock_began) from reinsertion_guard g
  where g.subject_id = n.subject_id and g.account_id = n.account_id and g.cause = 'purged'
    and g.period < n.period and not exists (select 1 from ${standing} c
      where c.period > g.period and c.period < n.period and c.days_past_due = 0))`;

/**
 * When the event of an adverse month began: as furnished, else the first month of the unbroken run
 * of late months it stands in, those that were purged included.
 */
const eventBegan = (standing: string) =>
  `coalesce(${keptBegan(standing)}, least(coalesce(n.first_delinquency_on,
    (select min(b.as_of) from ${standing} b where b.period <= n.period and b.days_past_due > 0
      and not exists (select 1 from ${standing} c
        where c.period > b.period and c.period < n.period and c.days_past_due = 0))),
  ${purgedBegan(standing)}))`;

/** The first month afterwards that is not late; null while none is known. */
const curedOn = (standing: string) =>
  `(select min(c.as_of) from ${standing} c where c.period > n.period and c.days_past_due = 0)`;

/**
 * When it ended: the first month afterwards that is not late, erased since or not; while none is
 * known, the newest month that is. After a withdrawal nothing later arrives, and a clock that
 * waited for it would never run out.
 */
const eventEnded = (standing: string) =>
  `coalesce(${KEPT_END}, ${curedOn(standing)}, (select max(c.as_of) from ${standing} c))`;

/** What the clock of a late month starts from for good; null while its event goes on. */
export const CLOCK_STARTS = `(case when ${CLOCK} = 'end_of_event' then ${curedOn(AS_THEY_STAND)}
  else ${eventBegan(AS_THEY_STAND)} end)`;

/**
 * A late month whose statutory clock still runs. An event ends no earlier than its own month. Names
 * every parameter that the checks do not: one that no text names has no type.
 */
const clockRuns = (standing: string) => `(n.days_past_due > 0 and ${RULES} is not null and
  ((${CLOCK} = 'end_of_event' and $1::timestamptz < n.as_of + make_interval(months => ${MONTHS_KEPT}))
  or $1::timestamptz < (case
  when ${CLOCK} = 'end_of_event' then ${eventEnded(standing)} else ${eventBegan(standing)} end)
  + make_interval(months => ${MONTHS_KEPT})))`;
export const CLOCK_RUNS = clockRuns(AS_THEY_STAND);

/** The dated rules that keep the late month `n` of an account `k` from display: a `from` list. */
const hidingRules = (standing: string) => `jsonb_to_recordset(${RULES}) as u (rule text,
    currency text, past_due_at_most_minor bigint, period_from date, period_to date, repaid_by date,
    displays_from date)
  where n.days_past_due > 0 and k.currency = u.currency
    and n.past_due_minor <= u.past_due_at_most_minor
    and n.period between date_trunc('month', u.period_from) and u.period_to
    and ($1::timestamptz at time zone 'UTC')::date >= u.displays_from
    and exists (select 1 from ${standing} c where c.period > n.period and c.days_past_due = 0
      and c.as_of <= u.repaid_by)`;

/** The first of those rules by its name; null when none hides the month. */
export const HIDING_RULE = `(select min(u.rule) from ${hidingRules(AS_THEY_STAND)})`;

/** When the statutory clock of a late month runs out. Names every parameter, as CLOCK_RUNS does. */
export const CLOCK_ENDS = `((case when ${RULES} is null then null
  when ${CLOCK} = 'end_of_event' then greatest(n.as_of, ${eventEnded(AS_THEY_STAND)})
  else ${eventBegan(AS_THEY_STAND)} end) + make_interval(months => ${MONTHS_KEPT}))`;

/** When the registry had the month: its submission was complete. */
const RECEIVED = `(select b.completed_at from submission b where b.submission_id = n.submission_id)`;

/** The life of the data under authorisation `a`, counted from its receipt, still runs. */
const LIVES = `(a.data_life is null or ${RECEIVED} + a.data_life > $1::timestamptz)`;

/** An authorisation, or another basis, that covers the month now. */
export const COVERED = `exists (
  select 1 from authorisation a
  cross join lateral (select n.subject_id, k.account_ref, k.kind, n.period, n.days_past_due,
    n.days_past_due > 0 as adverse, n.status = 'open' as active, null::date as adult_from) r
  where a.subject_id = n.subject_id and a.provider_id = k.furnisher_id and ${passesSql()}
    and ${LIVES})`;

/** The life of the data under the month's own authorisation has run out. */
const OUTLIVED = `exists (select 1 from authorisation a
  where a.subject_id = n.subject_id and a.authorisation_id = n.authorisation_id
    and ${LIVES} is not true)`;

/** The authorisation of the month ended, and its rows are to be hidden or erased. */
const RESTRICTED = `exists (select 1 from authorisation_effect w
  where w.subject_id = n.subject_id and w.authorisation_id = n.authorisation_id
    and w.effect <> 'STOP_NEW')`;

/**
 * True for a month `n` of an account `k` (its newest row) that may be shown. `n` must be the
 * newest revision of its month: an older one never takes the place of one that is hidden.
 * Parameters from $1 on are `visibilityParams`. Ask with the subject fixed: every sub-select
 * stays within it.
 * @param standing the account's months as they stand: (period, as_of, days_past_due); a statement
 * that has read them already hands them in
 */
export const visibleSql = (standing: string) => `($2::uuid is not null and not ${IS_REFUTED}
  and (n.days_past_due = 0
    or (${clockRuns(standing)} and not exists (select 1 from ${hidingRules(standing)})))
  and ((not ${OUTLIVED} and (not ${RESTRICTED} or n.days_past_due > 0)) or ${COVERED}))`;

export const VISIBLE = visibleSql(AS_THEY_STAND);

/** The person whose months are looked at: the parameter after `visibilityParams`. */
export const SUBJECT = `$${VISIBILITY_PARAMS + 1}::uuid`;

/** A `from` list: the newest revision `n` of each month of SUBJECT, with the newest row `k` of its account. */
export const MONTHS_OF_SUBJECT = `
  (select distinct on (account_id, period) * from account_month where subject_id = ${SUBJECT}
   order by account_id, period, revision desc) n
  join (select distinct on (account_id) account_id, account_ref, furnisher_id, kind, currency
        from account
        where subject_id = ${SUBJECT} order by account_id, revision desc) k
    on k.account_id = n.account_id`;

/** $1 … of every statement that holds VISIBLE, or CLOCK_RUNS and COVERED. */
export function visibilityParams(registry: Registry): SqlValue[] {
  const retention = registry.profile?.adverse_retention;
  return [
    ...decideParams(showing(registry)),
    retention?.months ?? 0,
    retention?.from ?? 'end_of_event',
    JSON.stringify(reportRulesOf(registry.profile)?.suppressions ?? []),
  ];
}

/**
 * Since when the person's history is incomplete by their own choice, or null. Names no lender.
 * Another approval that stands for the same purpose and products makes it whole.
 * @param subject the expression of the subject_id
 */
export const incompleteSinceSql = (subject: string) => `
  select to_char(min(w.since) at time zone 'UTC', 'YYYY-MM-DD') as since
  from authorisation_effect w
  join authorisation a on a.subject_id = w.subject_id and a.authorisation_id = w.authorisation_id
  where w.subject_id = ${subject} and w.by_subject and not exists (
    select 1 from authorisation g where g.subject_id = a.subject_id
      and g.provider_id = a.provider_id and g.purpose = a.purpose and g.state = 'given'
      and g.products @> a.products)`;

/** $1 subject_id: the same of one person. */
export const INCOMPLETE_SINCE = incompleteSinceSql('$1');
