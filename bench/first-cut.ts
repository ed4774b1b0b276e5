/**
 * The gate as it was in the first cut (the hand-over's own release): twelve checks, no count of
 * uses. Kept as the baseline that the full checks are measured against, in the same run.
 */
import type { Session } from '../src/database/database.ts';

const CHECKS: readonly (readonly [reason: string, sql: string])[] = [
  [
    `case a.state when 'requested' then 'pending' when 'refused' then 'refused' when 'lapsed' then 'lapsed'
     when 'withdrawn' then 'withdrawn' when 'expired' then 'expired' when 'paused' then 'paused'
     when 'revoked_by_other' then 'revoked' when 'invalidated' then 'invalidated' else 'invalidated' end`,
    `a.state = 'given'`,
  ],
  [`'pending'`, 'a.starts_at <= $1::timestamptz'],
  [`'expired'`, '(a.expires_at is null or a.expires_at > $1::timestamptz)'],
  [`'condition_unlawful'`, 'a.legal_basis = any($5::text[])'],
  [
    `'condition_unlawful'`,
    `(not a.service_conditional or ($4::text = 'flagged' and a.has_necessity))`,
  ],
  [`'notice_outdated'`, 'a.notice_version >= coalesce(($6::jsonb ->> a.notice_id)::int, 0)'],
  [`'out_of_scope'`, `a.recipient_class = 'registry'`],
  [`'out_of_scope'`, `(a.purpose = 'F1' or (a.purpose = 'F2' and r.adverse))`],
  [`'out_of_scope'`, 'r.kind = any(a.products)'],
  [`'out_of_scope'`, '(a.accounts is null or r.account_ref::text = any(a.accounts))'],
  [
    `'out_of_scope'`,
    '(a.range_from is null or r.period >= a.range_from) and (a.range_to is null or r.period <= a.range_to)',
  ],
  [`'limit_reached'`, `a.fetch_type = 'PERIODIC'`],
];
const ROW_CHECKS: typeof CHECKS = [
  [`'no_profile'`, '$3::text is not null'],
  [
    `'minor'`,
    `(r.adult_from is null or r.adult_from <= ($1::timestamptz at time zone 'UTC')::date)`,
  ],
];

function firstFailing(checks: typeof CHECKS, by: 'reason' | 'index'): string {
  const cases = checks.map(
    ([reason, sql], index) => `when (${sql}) is not true then ${by === 'reason' ? reason : index}`,
  );
  return `case ${cases.join(' ')} end`;
}

const ROWS_HOLD = ROW_CHECKS.map(([, sql]) => `(${sql})`).join(' and ');

const DECIDE = `
  with candidate as (
    select distinct on (r.account_id) r.account_id, a.authorisation_id,
           ${firstFailing(CHECKS, 'reason')} as reason
    from gate_row r
    join gate_authorisation a on a.subject_id = r.subject_id and a.provider_id = $2::uuid
    order by r.account_id, coalesce(${firstFailing(CHECKS, 'index')}, ${CHECKS.length}) desc,
             a.state = 'superseded', a.starts_at desc, a.authorisation_id desc
  )
  select r.account_id,
         case when ${ROWS_HOLD} and c.reason is null then c.authorisation_id end as authorisation_id,
         case when ${ROWS_HOLD} then
           case when c.account_id is null then 'never_asked' else c.reason end
         else ${firstFailing(ROW_CHECKS, 'reason')} end as reason
  from gate_row r left join candidate c on c.account_id = r.account_id`;

/** Decides a period as the first cut did; leaves `decided` until the transaction ends. */
export async function decideAsFirstCut(
  session: Session,
  provider: string,
  periodStart: string,
  moment: Date,
): Promise<void> {
  await session.query(
    `create temp table gate_row on commit drop as
     select k.subject_id, k.account_id, k.account_id as account_ref, k.kind, m.period, m.revision,
            m.days_past_due > 0 as adverse, c.adult_from
     from (select distinct on (account_id) account_id, period, revision, days_past_due
           from account_month where period = $1::date order by account_id, revision desc) m
     join account k on k.account_id = m.account_id
     join customer c on c.subject_id = k.subject_id`,
    [periodStart],
  );
  await session.query(
    `create temp table gate_authorisation on commit drop as
     select s.subject_id, s.authorisation_id, s.provider_id, s.purpose, s.recipient_class,
            s.legal_basis, s.products, s.accounts, s.range_from, s.range_to, s.fetch_type,
            s.starts_at, s.expires_at, s.service_conditional, s.has_necessity, s.notice_id,
            s.notice_version, e.state
     from authorisation s
     join (select distinct on (subject_id, authorisation_id) subject_id, authorisation_id, state
           from authorisation_event
           where recorded_at <= $1::timestamptz and at <= $1::timestamptz
           order by subject_id, authorisation_id, seq desc) e
       on e.subject_id = s.subject_id and e.authorisation_id = s.authorisation_id
     where s.purpose in ('F1', 'F2')`,
    [moment],
  );
  await session.query('analyze gate_row, gate_authorisation');
  // sql: made of this file's constants.
  await session.query(
    `create temp table decided on commit drop as
     select g.subject_id, d.account_id, g.revision, d.authorisation_id, d.reason
     from (${DECIDE}) d join gate_row g on g.account_id = d.account_id`,
    [moment, provider, 'EU', 'flagged', ['consent'], '{}'],
  );
  await session.query('analyze decided');
}
