/**
 * Month rows enter the store: stage → rules → each row's authorisation again → merge.
 *
 * What must stay true: every row gets exactly one verdict, and what is inserted is what the
 * verdicts say; rows that the store holds already are never changed; nothing is stored on the
 * strength of an authorisation that changed before the part committed.
 * Measured: a plain insert in the order of the key was 1.4 times as fast as `on conflict do nothing`.
 */
import { decideParams, passesSql, reasonSql } from '../authorisation/decide.ts';
import type { Session, SqlValue } from '../database/database.ts';
import { DatabaseFailure } from '../database/driver-error.ts';
import { firstDay, previousPeriod } from '../model/period.ts';
import { anyBroken, brokenIds, rulesOf, ruleText, type SqlRule } from '../tape/rule-book.ts';
import { isGuarded, isGuardedMonth, isPurgedMonth } from './guard.ts';
import type { MonthPart } from './month-part.ts';
import { outcomeOf, type PartOutcome } from './part-outcome.ts';
import type { Registry } from './registry.ts';
import { hasChangedSince, readClock, relyOnAuthorisations } from './serialise.ts';

const UNIQUE_VIOLATION = '23505';

const CONTENT = [
  'as_of',
  'status',
  'limit_minor',
  'borrowed_minor',
  'balance_minor',
  'due_minor',
  'paid_minor',
  'days_past_due',
  'past_due_minor',
  'first_delinquency_on',
  'last_paid_on',
  'five_class',
  'adverse_notice_on',
];
const columns = (alias: string) => CONTENT.map((column) => `${alias}.${column}`).join(', ');

const STAGE = `create temp table stage_month (row_number bigint, account_ref uuid,
  authorisation_id uuid, revision int, preceding text, as_of date, status text,
  limit_minor bigint, borrowed_minor bigint, balance_minor bigint, due_minor bigint,
  paid_minor bigint, days_past_due int, past_due_minor bigint, first_delinquency_on date,
  last_paid_on date, five_class int, adverse_notice_on date) on commit drop`;

/**
 * Sorts and hashes of a part of this size stay in memory. Of a book many times the part's size the
 * planner looks up what it needs rather than walk all of it. And it never walks a list once for
 * each row: a range of references inside one bin of its histogram counts as one row with it.
 */
const PLANNING = `select set_config('work_mem', '128MB', true),
  set_config('random_page_cost', '1.1', true), set_config('enable_material', 'off', true)`;

/** The row, its account, its authorisation, the month before; $13 … $16 beside the checks' own. */
const FROM = `
  from (select *, $13::date as period from stage_month) m
  left join account_locator l on l.furnisher_id = $2::uuid and l.account_ref = m.account_ref
    and l.account_ref between $15::uuid and $16::uuid
  left join authorisation a on a.subject_id = l.subject_id
    and a.authorisation_id = m.authorisation_id and a.provider_id = $2::uuid
  left join (select subject_id, account_id, max(revision) as revision from account_month
             where period = $14::date and revision > 1 group by subject_id, account_id) newest
    on newest.subject_id = l.subject_id and newest.account_id = l.account_id
  left join account_month p on p.subject_id = l.subject_id and p.account_id = l.account_id
    and p.period = $14::date and p.revision = coalesce(newest.revision, 1)
  cross join lateral (select l.subject_id, l.account_id, m.account_ref, l.kind, m.period,
    m.days_past_due, m.days_past_due > 0 as adverse, m.status = 'open' as active,
    null::date as adult_from) r
  cross join lateral (select l.kind, l.opened_on, l.closed_on, l.original_amount_minor,
    l.term_months) k`;

/** What a withdrawal erased is missing too, but no gap: whoever approves anew goes on from there. */
const IS_GAP = `(m.preceding = 'furnished' and p.account_id is null and not exists (
  select 1 from erasure x join authorisation w on w.subject_id = x.subject_id
    and w.authorisation_id = x.authorisation_id
  where x.subject_id = l.subject_id and w.provider_id = $2::uuid))`;

/** What a part is compared with beside the rules: empty texts where nothing of it is guarded. */
interface Guard {
  readonly broken: string;
  readonly purged: string;
  readonly isGap: string;
}

const UNGUARDED: Guard = { broken: '', purged: '', isGap: IS_GAP };

/** A month after one that was purged is no gap either. */
const GUARDED: Guard = {
  broken: isGuardedMonth('m', 'l', 'm.period'),
  purged: isPurgedMonth('m', 'l', 'm.period'),
  isGap: `(${IS_GAP} and not exists (select 1 from reinsertion_guard g
    where g.subject_id = l.subject_id and g.account_id = l.account_id
      and g.period = $14::date and g.field = 'month'))`,
};

/**
 * Every row with its verdict: null when it is accepted, else the outcome and then the rules. Left
 * joins and one expression: a planner that multiplies the odds of each check sees one row where
 * there are 100,000, and walks indexes for it.
 */
function judgeSql(rules: readonly SqlRule[], guard: Guard): string {
  const of = (...severities: SqlRule['severity'][]) =>
    rules.filter((rule) => severities.includes(rule.severity));
  const lost = of('reject', 'hold');
  const isGood = `(l.account_id is not null and a.authorisation_id is not null and ${passesSql()}
    and not ${anyBroken(lost)} and not ${guard.isGap}${guard.broken && ` and not ${guard.broken}`})`;
  const purged = guard.purged && `when ${guard.purged} then array['rejected', 'V16_PURGED']`;
  const held = guard.broken && `|| case when ${guard.broken} then array['V16'] else '{}' end`;
  return `
  select l.subject_id, l.account_id, m.revision, ${columns('m')}, m.authorisation_id, m.row_number,
    a.fetch_type = 'ONETIME' or a.frequency_n is not null as is_limited,
    case
      when ${isGood} then
        case when ${anyBroken(of('warn'))} then array['accepted'] || ${brokenIds(of('warn'))} end
      when l.account_id is null then array['rejected', 'V01_ACCOUNT']
      when ${anyBroken(of('reject'))} then array['rejected'] || ${brokenIds(lost)}
      ${purged}
      when a.authorisation_id is null then array['refused', 'never_asked']
      when not ${passesSql()} then array['refused', ${reasonSql()}]
      else array['held'] || ${brokenIds(lost)}
        || case when ${guard.isGap} then array['V13_GAP'] else '{}' end ${held}
    end as verdict
  ${FROM}
  order by l.subject_id, l.account_id`;
}

const ACCEPTED = `(j.verdict is null or j.verdict[1] = 'accepted')`;
const SAME_KEY = `h.subject_id = j.subject_id and h.account_id = j.account_id
  and h.period = $1::date and h.revision = j.revision`;
/** @param period, submission the numbers of those two parameters */
const insertSql = (period: string, submission: string) => `
  insert into account_month (subject_id, account_id, period, revision,
    ${CONTENT.join(', ')}, authorisation_id, submission_id, row_number)
  select j.subject_id, j.account_id, ${period}::date, j.revision, ${columns('j')},
    j.authorisation_id, ${submission}::uuid, j.row_number
  from judged j where ${ACCEPTED}`;

/** Rows that the store holds already under the same key: the same again, or something else. */
const MARK_KNOWN = `update judged j set verdict = case
    when (${columns('h')}, h.authorisation_id) is not distinct from (${columns('j')}, j.authorisation_id)
    then array['unchanged', 'unchanged'] else array['held', 'V13_CONFLICT'] end
  from account_month h where ${SAME_KEY} and ${ACCEPTED}`;

/** What is left to do after the insert: rows to tell of, and authorisations whose use counts. */
const VERDICTS = `select j.row_number, j.verdict,
    case when j.is_limited and ${ACCEPTED} then j.subject_id end as subject_id,
    case when j.is_limited and ${ACCEPTED} then j.authorisation_id end as authorisation_id
  from judged j where j.verdict is not null or j.is_limited`;

/** Judges and inserts in one statement, which lays each row down once: $9 is the submission. */
const takeSql = (rules: readonly SqlRule[], guard: Guard) => `
  with judged as materialized (${judgeSql(rules, guard)}), kept as (${insertSql('$13', '$9')})
  ${VERDICTS}`;

/** Authorisations with a limit on their uses: this submission is one use of each. */
const RECORD_USE = `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
  select distinct u.subject_id, u.authorisation_id, $1::uuid, $2::timestamptz
  from unnest($3::uuid[], $4::uuid[]) u (subject_id, authorisation_id)
  on conflict (subject_id, authorisation_id, use_id) do nothing`;

interface Verdict {
  readonly row_number: number;
  /** Null: accepted without a word. */
  readonly verdict: readonly string[] | null;
  /** Both set when the row uses an authorisation that is limited in its uses. */
  readonly subject_id: string | null;
  readonly authorisation_id: string | null;
}

type Fault = PartOutcome['faults'][number];

function faultsOf(
  row_number: number,
  outcome: Fault['outcome'],
  rules: readonly string[],
): Fault[] {
  return rules.map((rule) => {
    const text = ruleText(rule);
    return {
      row_number,
      outcome,
      rule,
      severity: text?.severity ?? 'reject',
      field: text?.field ?? null,
    };
  });
}

/** People of a part changed after it was judged: what it says must not be stored. */
export class PeopleChanged extends Error {
  constructor() {
    super('an authorisation changed while the part was judged');
    this.name = 'PeopleChanged';
  }
}

/**
 * Judges the staged rows and inserts those accepted. Rows new to the store are the rule; only a
 * clash looks for those already there, with the judgement laid down in a table.
 */
async function judgeAndInsert(
  session: Session,
  rules: readonly SqlRule[],
  guard: Guard,
  params: readonly SqlValue[],
  meanwhile: () => void,
): Promise<Verdict[]> {
  await session.query('savepoint before_insert');
  try {
    // sql: made of the rule book's and the checks' constants.
    const judging = session.query<Verdict>(takeSql(rules, guard), params);
    meanwhile();
    return (await judging).rows;
  } catch (error) {
    if (!(error instanceof DatabaseFailure && error.sqlstate === UNIQUE_VIOLATION)) throw error;
  }
  await session.query('rollback to savepoint before_insert');
  await session.query(
    `create temp table judged on commit drop as ${judgeSql(rules, guard)}`,
    params,
  );
  const [period = null, submission = null] = [params[12], params[8]];
  await session.query(MARK_KNOWN, [period]);
  await session.query(insertSql('$1', '$2'), [period, submission]);
  return (await session.query<Verdict>(VERDICTS)).rows;
}

async function recordUse(
  session: Session,
  verdicts: readonly Verdict[],
  use: { readonly use_id: string; readonly moment: Date },
): Promise<void> {
  const limited = verdicts.filter((row) => row.authorisation_id !== null);
  if (limited.length === 0) return;
  await session.query(RECORD_USE, [
    use.use_id,
    use.moment,
    limited.map((row) => row.subject_id),
    limited.map((row) => row.authorisation_id),
  ]);
}

/**
 * Merges one part. Runs in a transaction of its own.
 * @throws a database failure with SQLSTATE 22… when a line holds an impossible date; PeopleChanged
 */
export async function mergeMonths(
  registry: Registry,
  session: Session,
  part: MonthPart,
  place: {
    readonly furnisher_id: string;
    readonly period: string;
    readonly submission_id: string;
    /** Fulfilled when the parts before this one are committed. */
    readonly before: Promise<void>;
    /** Called once while the database judges, for which this process has nothing to do. */
    readonly meanwhile: () => void;
  },
): Promise<PartOutcome> {
  const faults: Fault[] = part.malformed.flatMap((row) => faultsOf(row, 'rejected', ['W01']));
  if (part.good === 0) {
    await place.before;
    return outcomeOf(part.rows, faults);
  }
  const clock = await readClock(session, place.furnisher_id);
  await session.query(PLANNING);
  await session.query(STAGE);
  await session.copyIn('copy stage_month from stdin', [part.text]);
  const moment = registry.now();
  // The guard costs each row a look; hardly a part has any of it.
  const periods = [firstDay(place.period), firstDay(previousPeriod(place.period))];
  const guard = (await isGuarded(session, place.furnisher_id, periods)) ? GUARDED : UNGUARDED;
  const params = [
    ...decideParams({
      moment,
      provider_id: place.furnisher_id,
      recipient_class: 'registry',
      recipient_id: null,
      purposes: ['F1', 'F2'],
      use_id: place.submission_id,
      profile: registry.profile,
      notices: registry.notices,
    }),
    ...periods,
    part.firstRef,
    part.lastRef,
  ];
  const rules = rulesOf(registry.profile);
  const verdicts = await judgeAndInsert(session, rules, guard, params, place.meanwhile);
  await place.before;
  await relyOnAuthorisations(session, place.furnisher_id);
  if (await hasChangedSince(session, place.furnisher_id, clock)) throw new PeopleChanged();
  await recordUse(session, verdicts, { use_id: place.submission_id, moment });
  for (const { row_number, verdict } of verdicts) {
    if (verdict === null) continue;
    const [outcome, ...rules] = verdict;
    faults.push(...faultsOf(row_number, outcome as Fault['outcome'], rules));
  }
  faults.sort((a, b) => a.row_number - b.row_number);
  return outcomeOf(part.rows, faults);
}
