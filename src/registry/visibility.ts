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
 * A month that was refuted in a dispute, alone or with its account, is shown to nobody.
 * Source: domain facts 2.1 C4, C20, C24, 3.4 (DataLife), 3.7 (c) to (e).
 */
import type { Act } from '../authorisation/check.ts';
import { decideParams, passesSql } from '../authorisation/decide.ts';
import type { SqlValue } from '../database/database.ts';
import { IS_REFUTED } from './guard.ts';
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
const CLOCK = `$${CHECKED.length + 2}::text`;
/** How many parameters `visibilityParams` gives: those of the statement itself come after. */
export const VISIBILITY_PARAMS = CHECKED.length + 2;

/** The account's months as they stand: corrections count, what they corrected does not. */
const AS_THEY_STAND = `(select distinct on (s.period) s.period, s.as_of, s.days_past_due
  from account_month s where s.subject_id = n.subject_id and s.account_id = n.account_id
  order by s.period, s.revision desc)`;

/**
 * When the event of an adverse month began: as furnished, else the first month of the unbroken run
 * of late months it stands in.
 */
const EVENT_BEGAN = `coalesce(n.first_delinquency_on, (select min(b.as_of) from ${AS_THEY_STAND} b
  where b.period <= n.period and b.days_past_due > 0
    and not exists (select 1 from ${AS_THEY_STAND} c
      where c.period > b.period and c.period < n.period and c.days_past_due = 0)))`;

/**
 * When it ended: the first month afterwards that is not late; while none is known, the newest
 * month that is. After a withdrawal nothing later arrives, and a clock that waited for it would
 * never run out.
 */
const EVENT_ENDED = `coalesce(
  (select min(c.as_of) from ${AS_THEY_STAND} c where c.period > n.period and c.days_past_due = 0),
  (select max(c.as_of) from ${AS_THEY_STAND} c))`;

/** A late month whose statutory clock still runs. */
export const CLOCK_RUNS = `(n.days_past_due > 0 and $1::timestamptz < (case
  when ${CLOCK} = 'end_of_event' then ${EVENT_ENDED} else ${EVENT_BEGAN} end)
  + make_interval(months => ${MONTHS_KEPT}))`;

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
 */
export const VISIBLE = `($2::uuid is not null and not ${IS_REFUTED}
  and ((not ${OUTLIVED} and (not ${RESTRICTED} or ${CLOCK_RUNS})) or ${COVERED}))`;

/** The person whose months are looked at: the parameter after `visibilityParams`. */
export const SUBJECT = `$${VISIBILITY_PARAMS + 1}::uuid`;

/** A `from` list: the newest revision `n` of each month of SUBJECT, with the newest row `k` of its account. */
export const MONTHS_OF_SUBJECT = `
  (select distinct on (account_id, period) * from account_month where subject_id = ${SUBJECT}
   order by account_id, period, revision desc) n
  join (select distinct on (account_id) account_id, account_ref, furnisher_id, kind from account
        where subject_id = ${SUBJECT} order by account_id, revision desc) k
    on k.account_id = n.account_id`;

/** $1 … of every statement that holds VISIBLE, or CLOCK_RUNS and COVERED. */
export function visibilityParams(registry: Registry): SqlValue[] {
  const retention = registry.profile?.adverse_retention;
  return [
    ...decideParams(showing(registry)),
    retention?.months ?? 0,
    retention?.from ?? 'end_of_event',
  ];
}

/**
 * $1 subject_id: since when the person's history is incomplete by their own choice, or null.
 * Names no lender. Another approval that stands for the same purpose and products makes it whole.
 */
export const INCOMPLETE_SINCE = `
  select to_char(min(w.since) at time zone 'UTC', 'YYYY-MM-DD') as since
  from authorisation_effect w
  join authorisation a on a.subject_id = w.subject_id and a.authorisation_id = w.authorisation_id
  where w.subject_id = $1 and w.by_subject and not exists (
    select 1 from authorisation g where g.subject_id = a.subject_id
      and g.provider_id = a.provider_id and g.purpose = a.purpose and g.state = 'given'
      and g.products @> a.products)`;
