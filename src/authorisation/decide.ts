/**
 * The checks put together: in set-based form for a whole period, in one-row form for one.
 *
 * What must stay true: both forms read the same ordered table; among authorisations that fail,
 * the one that got furthest speaks; a person without any authorisation was never asked.
 */
import type { SqlValue } from '../database/database.ts';
import {
  type Act,
  AUTHORISATION_CHECKS,
  type AuthorisationFacts,
  type Check,
  IS_ADULT,
  isAdult,
  ROW_CHECKS,
  type RowFacts,
  reasonOf,
  STATE_REASONS,
} from './check.ts';
import { basisTexts, isInForce, profileFlags } from './profile.ts';

/** $1 … $12 of every statement that holds the checks; those of the statement itself come after. */
export function decideParams(act: Act): SqlValue[] {
  const profile = act.profile !== null && isInForce(act.profile, act.moment) ? act.profile : null;
  return [
    act.moment,
    act.provider_id,
    profile?.name ?? null,
    profile?.conditionality ?? 'void',
    basisTexts(profile),
    JSON.stringify(profile?.notice_change === 'ask_again' ? act.notices : {}),
    act.recipient_class,
    [...act.purposes],
    act.use_id,
    profile?.validity_months ?? null,
    act.recipient_id,
    profileFlags(profile),
  ];
}

const STATE_REASON = `case a.state ${Object.entries(STATE_REASONS)
  .map(([state, reason]) => `when '${state}' then '${reason}'`)
  .join(' ')} else 'invalidated' end`;
const reasonText = (check: Check) =>
  check.reason === null ? STATE_REASON : `'${check.reason}'::text`;

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

const over = (sql: string, authorisations: string) =>
  sql.replaceAll('{authorisations}', authorisations);

/** One boolean over `a` and `r`, never null: every check passes. What is unknown does not. */
export function passesSql(): string {
  return over(
    `(${conjunction([...ROW_CHECKS, ...AUTHORISATION_CHECKS])} is true)`,
    'authorisation',
  );
}

/** The reason of the first check that fails over `a` and `r`; null when all pass. */
export function reasonSql(): string {
  return over(firstFailing([...ROW_CHECKS, ...AUTHORISATION_CHECKS], reasonText), 'authorisation');
}

/**
 * $1 moment: authorisations with the state they had then, from the events alone; null where there
 * was no event yet.
 */
const AUTHORISATIONS_AT = `
  select s.subject_id, s.authorisation_id, s.provider_id, s.purpose, s.recipient_class,
         s.recipient_id, s.legal_basis, s.products, s.accounts, s.classes, s.mode, s.range_from,
         s.range_to, s.fetch_type, s.frequency_n, s.frequency_window, s.condition_state,
         s.starts_at, s.expires_at, s.service_conditional, s.has_necessity, s.has_alternative,
         s.by_guardian, s.in_writing, s.widens_recipients, s.notice_id, s.notice_version, e.state
  from authorisation s
  left join (select distinct on (subject_id, authorisation_id) subject_id, authorisation_id, state
             from authorisation_event
             where recorded_at <= $1::timestamptz and at <= $1::timestamptz
             order by subject_id, authorisation_id, seq desc) e
    on e.subject_id = s.subject_id and e.authorisation_id = s.authorisation_id
  where s.recipient_class = 'registry'`;

/** The text of a check as `decideSql` holds it. */
export const checkInSet = (sql: string) => over(sql, `(${AUTHORISATIONS_AT})`);

/** The number of the first check that fails; that of no check when all pass. */
const STEP = `coalesce(${firstFailing(AUTHORISATION_CHECKS, (_, index) => String(index))},
  ${AUTHORISATION_CHECKS.length})`;
/** The reason that belongs to `step`; null when all passed. */
const REASON_OF_STEP = `case step ${AUTHORISATION_CHECKS.map(
  (check, index) => `when ${index} then ${reasonText(check)}`,
).join(' ')} end`;

/**
 * A select that decides every row of `rows`: (subject_id, account_id, revision, authorisation_id,
 * reason), authorisation_id set and reason null when released. Superseded authorisations speak
 * only when the person has no other. Parameters are those of `decideParams`.
 *
 * Authorisations, which are wide, stream through the checks once; what is hashed and sorted is
 * narrow. (Laid down in a table first they were most of the time of a large book on PGlite.) They
 * are left joined to their states because a planner multiplies the odds of two keys that go
 * together, and would plan for one authorisation.
 * @param rows a select of account_id, revision and the columns of `r`
 */
export function decideSql(rows: string): string {
  return checkInSet(`
  with judged as (
    select r.subject_id, r.account_id, r.revision, ${IS_ADULT} as is_adult,
           ${firstFailing(ROW_CHECKS, reasonText)} as barred,
           a.authorisation_id, a.state, a.starts_at, ${STEP} as step
    from (${rows}) r
    left join (${AUTHORISATIONS_AT} offset 0) a
      on a.subject_id = r.subject_id and a.provider_id = $2::uuid and a.state is not null
    offset 0 -- so that the checks are evaluated once
  ), speaker as (
    select distinct on (a.account_id) a.subject_id, a.account_id, a.revision, a.authorisation_id,
           case when barred is not null then barred
                when a.authorisation_id is not null then ${REASON_OF_STEP}
                when is_adult then 'never_asked' else 'minor' end as reason
    from judged a
    order by a.account_id, step desc, a.state = 'superseded', a.starts_at desc,
             a.authorisation_id desc
  )
  select subject_id, account_id, revision,
         case when reason is null then authorisation_id end as authorisation_id, reason
  from speaker`);
}

/** How one row was decided: exactly one of the two is null. */
export interface Decision {
  readonly authorisation_id: string | null;
  readonly reason: string | null;
}

interface Candidate {
  readonly facts: AuthorisationFacts;
  readonly step: number;
  readonly reason: string | null;
}

/** True when `left` speaks before `right`: the order by of `decideSql`. */
function speaksBefore(left: Candidate, right: Candidate): boolean {
  if (left.step !== right.step) return left.step > right.step;
  const late = (each: Candidate) => (each.facts.state === 'superseded' ? 1 : 0);
  if (late(left) !== late(right)) return late(left) < late(right);
  const [a, b] = [left.facts.record, right.facts.record];
  if (a.limits.starts_at !== b.limits.starts_at) return a.limits.starts_at > b.limits.starts_at;
  return a.authorisation_id > b.authorisation_id;
}

/**
 * Decides one row, with the answer `decideSql` gives for it.
 * @param all the person's authorisations with their state at the act's moment
 * @param named those that may cover the row; the others are only looked at beside them
 */
export function decideOne(
  r: RowFacts,
  all: readonly AuthorisationFacts[],
  act: Act,
  named: readonly AuthorisationFacts[] = all,
): Decision {
  const candidates = named
    .filter(
      ({ record: { parties } }) =>
        // The set form as well: an approval for another class of recipient does not speak.
        parties.provider_id === act.provider_id && parties.recipient_class === act.recipient_class,
    )
    .map((facts): Candidate => {
      const beside = { a: facts, r, act, all };
      const step = AUTHORISATION_CHECKS.findIndex((check) => !check.passes(beside));
      const failed = AUTHORISATION_CHECKS[step];
      return failed
        ? { facts, step, reason: reasonOf(failed, facts.state) }
        : { facts, step: AUTHORISATION_CHECKS.length, reason: null };
    });
  const [first] = candidates;
  const barred = ROW_CHECKS.find((check) => !check.passes({ r, act }));
  if (barred) return { authorisation_id: null, reason: barred.reason };
  if (!first) {
    return { authorisation_id: null, reason: isAdult({ r, act }) ? 'never_asked' : 'minor' };
  }
  const speaker = candidates.reduce((best, each) => (speaksBefore(each, best) ? each : best));
  if (speaker.reason !== null) return { authorisation_id: null, reason: speaker.reason };
  return { authorisation_id: speaker.facts.record.authorisation_id, reason: null };
}
