/**
 * The ordered table of checks: what decides whether a row may leave, be stored or be shown.
 *
 * What must stay true: the table is read from top to bottom and the first check that fails gives
 * the reason; the SQL text and nothing else decides in bulk; missing configuration fails.
 *
 * SQL reads `a` (an authorisation, `a.state` being its state at the moment), `r` (the row:
 * subject_id, account_id, kind, period, adverse, adult_from) and the parameters
 * $1 moment, $2 provider, $3 profile name or null, $4 conditionality, $5 legal bases,
 * $6 oldest notice version by notice id.
 * Source: design.md 6 (closed list of reasons), domain facts 2.1 C1, C6, C10, C19, C21.
 */
import type { SqlValue } from '../database/database.ts';
import type { Profile } from './profile.ts';

export interface Check {
  readonly name: string;
  /** The reason given when it fails, as SQL text (a constant or a case over constants). */
  readonly reason: string;
  /** True when the check passes. */
  readonly sql: string;
}

/** State → reason, for states that do not authorise. */
const STATE_REASONS: Readonly<Record<string, string>> = {
  requested: 'pending',
  refused: 'refused',
  lapsed: 'lapsed',
  withdrawn: 'withdrawn',
  expired: 'expired',
  paused: 'paused',
  revoked_by_other: 'revoked',
  invalidated: 'invalidated',
  superseded: 'invalidated',
};

const STATE_REASON = `case a.state ${Object.entries(STATE_REASONS)
  .map(([state, reason]) => `when '${state}' then '${reason}'`)
  .join(' ')} else 'invalidated' end`;

/** Checks on the row and the configuration alone: they win over every authorisation. */
export const ROW_CHECKS: readonly Check[] = [
  { name: 'profile_configured', reason: `'no_profile'`, sql: '$3::text is not null' },
  {
    name: 'adult',
    reason: `'minor'`,
    sql: `(r.adult_from is null or r.adult_from <= ($1::timestamptz at time zone 'UTC')::date)`,
  },
];

/** Checks on one authorisation, in order. */
export const AUTHORISATION_CHECKS: readonly Check[] = [
  { name: 'given', reason: STATE_REASON, sql: `a.state = 'given'` },
  { name: 'started', reason: `'pending'`, sql: 'a.starts_at <= $1::timestamptz' },
  {
    name: 'not_expired',
    reason: `'expired'`,
    sql: '(a.expires_at is null or a.expires_at > $1::timestamptz)',
  },
  {
    name: 'lawful_basis',
    reason: `'condition_unlawful'`,
    sql: 'a.legal_basis = any($5::text[])',
  },
  {
    // PIPL 16: service may depend on approval only where the data is necessary for it.
    name: 'conditionality',
    reason: `'condition_unlawful'`,
    sql: `(not a.service_conditional or ($4::text = 'flagged' and a.has_necessity))`,
  },
  {
    name: 'notice_current',
    reason: `'notice_outdated'`,
    sql: 'a.notice_version >= coalesce(($6::jsonb ->> a.notice_id)::int, 0)',
  },
  { name: 'recipient', reason: `'out_of_scope'`, sql: `a.recipient_class = 'registry'` },
  {
    name: 'purpose',
    reason: `'out_of_scope'`,
    sql: `(a.purpose = 'F1' or (a.purpose = 'F2' and r.adverse))`,
  },
  { name: 'product', reason: `'out_of_scope'`, sql: 'r.kind = any(a.products)' },
  {
    name: 'account',
    reason: `'out_of_scope'`,
    sql: '(a.accounts is null or r.account_ref::text = any(a.accounts))',
  },
  {
    name: 'range',
    reason: `'out_of_scope'`,
    sql: '(a.range_from is null or r.period >= a.range_from) and (a.range_to is null or r.period <= a.range_to)',
  },
  {
    // Counting uses is the limits' own issue; until then one-time approvals hand nothing over.
    name: 'periodic',
    reason: `'limit_reached'`,
    sql: `a.fetch_type = 'PERIODIC'`,
  },
];

/** $1 … $6 of every statement that holds the checks. */
export function decideParams(facts: {
  readonly moment: Date;
  readonly provider_id: string;
  readonly profile: Profile | null;
  readonly notices: Readonly<Record<string, number>>;
}): SqlValue[] {
  const { moment, provider_id, profile, notices } = facts;
  return [
    moment,
    provider_id,
    profile?.name ?? null,
    profile?.conditionality ?? 'void',
    [...(profile?.legal_bases ?? [])],
    JSON.stringify(notices),
  ];
}

function conjunction(checks: readonly Check[]): string {
  return `(${checks.map((check) => `(${check.sql})`).join(' and ')})`;
}

function firstFailing(
  checks: readonly Check[],
  value: (check: Check, index: number) => string,
): string {
  const cases = checks.map(
    (check, index) => `when (${check.sql}) is not true then ${value(check, index)}`,
  );
  return `case ${cases.join(' ')} end`;
}

/** One boolean over `a` and `r`: every check passes. */
export function passesSql(): string {
  return conjunction([...ROW_CHECKS, ...AUTHORISATION_CHECKS]);
}

/** The reason of the first check that fails over `a` and `r`; null when all pass. */
export function reasonSql(): string {
  return firstFailing([...ROW_CHECKS, ...AUTHORISATION_CHECKS], (check) => check.reason);
}

/** $1 moment: authorisations with the state they had then, from the events alone (`a` of the checks). */
export const AUTHORISATIONS_AT = `
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
  where s.purpose in ('F1', 'F2')`;

/** The order among authorisations that fail: the one that got furthest speaks. */
const FURTHEST = firstFailing(AUTHORISATION_CHECKS, (_, index) => String(index));

/**
 * A select that decides every row of `rows`: (account_id, authorisation_id, reason),
 * authorisation_id set and reason null when released. Superseded authorisations speak only when
 * the person has no other. Parameters are those of `decideParams`.
 * @param rows name of a table with the columns of `r`
 * @param authorisations name of a table that holds AUTHORISATIONS_AT
 */
export function decideSql(rows: string, authorisations: string): string {
  return `
  with candidate as (
    select distinct on (r.account_id) r.account_id, a.authorisation_id,
           ${firstFailing(AUTHORISATION_CHECKS, (check) => check.reason)} as reason
    from ${rows} r
    join ${authorisations} a on a.subject_id = r.subject_id and a.provider_id = $2::uuid
    order by r.account_id, coalesce(${FURTHEST}, ${AUTHORISATION_CHECKS.length}) desc,
             a.state = 'superseded', a.starts_at desc, a.authorisation_id desc
  )
  select r.account_id,
         case when ${conjunction(ROW_CHECKS)} and c.reason is null then c.authorisation_id end
           as authorisation_id,
         case when ${conjunction(ROW_CHECKS)} then
           case when c.account_id is null then 'never_asked' else c.reason end
         else ${firstFailing(ROW_CHECKS, (check) => check.reason)} end as reason
  from ${rows} r left join candidate c on c.account_id = r.account_id`;
}
