/**
 * Answers looks at files: one person at an enquiry, many in a portfolio, by the same two
 * statements: one reads, one writes the trace, the use, the answer, the report and the message.
 *
 * What must stay true: the caller holds the row of each person; nothing is returned that the one
 * writing statement did not trace; what is refused is traced too.
 */
import type { AuthorisationRecord } from '../authorisation/record.ts';
import { type PermissiblePurpose, reportRulesOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import type { BlockKind, FileFacts, LookKind } from '../model/file-facts.ts';
import type { ReportForm } from '../model/report-document.ts';
import { type EvaluationRequest, issueEvaluation } from './evaluations.ts';
import { lookAct, type NamedFacts, scopeLook } from './looks.ts';
import type { Registry } from './registry.ts';
import { type AnswerForm, type IssuedReport, issueReport } from './report.ts';
import { FACTS_PARAMS, type FactsRow, factsOfRow, factsParams, factsSql } from './report-facts.ts';

/** Reasons of refusals besides those of the ordered table of checks. */
export const ENQUIRY_REASONS = {
  purpose_not_permitted: 'the profile does not know the purpose',
  no_authorisation: 'no authorisation of that id is the enquirer’s',
  person_differs: 'the authorisation is of another person than the one described',
  frozen: 'the person holds enquirers off',
  banned: 'the person has barred themselves from new credit',
  no_hit: 'the registry knows no account of the person',
} as const;

/** One look, as it was asked for. */
export interface Asked {
  readonly enquiry_id: string;
  readonly use_id: string;
  readonly authorisation_id: string;
  /** Keyed hash of the request, hex: the same again is the same request. */
  readonly request_hash: string;
  /** Null: nobody that the caller may know of. */
  readonly subject_id: string | null;
  /** Why it is refused whatever the file says; null: the file decides. */
  readonly refused: string | null;
}

/** Who asks and what for: the same of all looks that are answered together. */
export interface AskedBy {
  readonly enquirer_id: string;
  /** The code that was sent. */
  readonly purpose_code: string;
  /** Null: the profile does not know it. */
  readonly purpose: PermissiblePurpose | null;
  readonly form: AnswerForm;
  /** What an evaluation is asked about; null: a report is asked for. */
  readonly evaluation: EvaluationRequest | null;
  readonly moment: Date;
  /**
   * Nobody asks, the registry tells: says why an answer is not given all the same; null: it is.
   * What is not given then was not looked at, and leaves nothing behind.
   */
  readonly unasked?: (report: IssuedReport) => string | null;
}

export interface Answered {
  readonly enquiry_id: string;
  readonly authorisation_id: string;
  readonly outcome: 'report' | 'refused';
  readonly reason: string | null;
  readonly report: Pick<IssuedReport, 'report_id' | 'sha256' | 'text'> | null;
}

/** @param authorisation the name of its row in the statement */
const recordOf = (authorisation: string) => `(select r.record from authorisation_record r
  where r.subject_id = ${authorisation}.subject_id
    and r.authorisation_id = ${authorisation}.authorisation_id)`;

/** The person said no to the same enquirer for the same purpose, on the basis of consent. */
const DENIED = `case when a.legal_basis <> 'consent' then
  (select json_agg(json_build_object('record', ${recordOf('d')}, 'state', d.state)) from authorisation d
   where d.subject_id = a.subject_id and d.provider_id = a.provider_id
     and d.recipient_id = a.recipient_id and d.purpose = a.purpose and d.legal_basis = 'consent'
     and d.state in ('refused', 'withdrawn')) end`;

/** The named authorisations of a person with their uses; the parameter after `factsParams`. */
const NAMED = `, (select json_agg(json_build_object('record', ${recordOf('a')}, 'state', a.state, 'uses',
    (select json_agg(json_build_array(u.use_id, u.used_at)) from authorisation_use u
     where u.subject_id = a.subject_id and u.authorisation_id = a.authorisation_id),
    'denied', ${DENIED}))
  from authorisation a where a.subject_id = s.subject_id
    and a.authorisation_id = any($${FACTS_PARAMS + 1}::uuid[])) as named`;
/** A person's facts with the authorisations that are named. */
const READ = factsSql(NAMED);

/**
 * Planning the facts over all periods takes longer than running them: a plan that fits every person
 * is kept instead. It is made once and lives as long as its connection, so it must not read whole
 * tables, which pays only while they are empty.
 */
const KEEP_PLANS = `select set_config('plan_cache_mode', 'force_generic_plan', true),
  set_config('enable_seqscan', 'off', true)`;

/** Plans for this transaction; goes with its next statement. */
export async function keepPlans(session: Session): Promise<void> {
  await session.query(KEEP_PLANS, [], { prepared: true, withNext: true });
}

/** A person's facts with the authorisations that are named. */
interface NamedRow extends FactsRow {
  readonly named:
    | readonly {
        readonly record: AuthorisationRecord;
        readonly state: string;
        readonly uses: readonly (readonly [string, string])[] | null;
        readonly denied: readonly Pick<NamedFacts, 'record' | 'state'>[] | null;
      }[]
    | null;
}

const BLOCK_REASONS: readonly (readonly [BlockKind, keyof typeof ENQUIRY_REASONS])[] = [
  ['freeze', 'frozen'],
  ['credit_ban', 'banned'],
];

/** The block in force that stops looks of this kind, as a reason; null: none does. */
function blockReason(registry: Registry, facts: FileFacts, kind: LookKind): string | null {
  const stops = reportRulesOf(registry.profile)?.blocks;
  const isStopped = (block: BlockKind) =>
    facts.blocks.some((each) => each.kind === block) &&
    (stops?.[block] ?? []).some((each) => each === kind);
  return BLOCK_REASONS.find(([block]) => isStopped(block))?.[1] ?? null;
}

interface Judged {
  readonly asked: Asked;
  readonly outcome: 'report' | 'refused';
  readonly reason: string | null;
  readonly report: IssuedReport | null;
  /** What was asked and answered was looked at: a use of the authorisation. */
  readonly is_use: boolean;
}

const refuse = (asked: Asked, reason: string, is_use = false): Judged => ({
  asked,
  outcome: 'refused',
  reason,
  report: null,
  is_use,
});

/** One of those authorisations, as the checks read it; null: it is not the person's. */
export function namedOf(row: NamedRow, authorisationId: string): NamedFacts | null {
  const found = row.named?.find(({ record }) => record.authorisation_id === authorisationId);
  if (!found) return null;
  const uses = (found.uses ?? []).map(([use_id, used_at]) => ({
    use_id,
    used_at: new Date(used_at),
  }));
  const { record, state } = found;
  const { subject_id } = row;
  const beside = (found.denied ?? []).map((each) => ({ ...each, subject_id, uses: [] }));
  return { record, state, subject_id, uses, beside };
}

/** Between finding and holding the person, somebody moved the authorisation to another. */
class AuthorisationMoved extends Error {}

/** Runs it again when a merge moved an authorisation away meanwhile: it is found where it is now. */
export async function onceMoreIfMoved<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof AuthorisationMoved) return run();
    throw error;
  }
}

function judgeOne(registry: Registry, by: AskedBy, asked: Asked, row: NamedRow | null): Judged {
  if (asked.refused !== null) return refuse(asked, asked.refused);
  const named = row && namedOf(row, asked.authorisation_id);
  const { purpose } = by;
  if (asked.subject_id !== null && !named) throw new AuthorisationMoved();
  if (!row || !named) return refuse(asked, 'no_authorisation');
  if (!purpose) return refuse(asked, 'purpose_not_permitted');
  const act = lookAct(registry, {
    enquirer_id: by.enquirer_id,
    purposes: purpose.looks,
    use_id: asked.use_id,
    moment: by.moment,
  });
  const { reason, facts } = scopeLook(factsOfRow(registry, row, by.moment), named, act);
  if (reason !== null) return refuse(asked, reason);
  const blocked = blockReason(registry, facts, purpose.kind);
  if (blocked !== null) return refuse(asked, blocked);
  // An evaluation says itself that nothing is known.
  if (facts.known_accounts === 0 && !by.evaluation) return refuse(asked, 'no_hit', true);
  const { enquiry_id, authorisation_id } = asked;
  const keyed = { facts, wrapped_key: row.wrapped_key };
  const to = {
    audience: 'enquirer' as const,
    enquiry: { authorisation_id, enquiry_id, kind: purpose.kind, purpose: purpose.code },
  };
  const report = by.evaluation
    ? issueEvaluation(registry, keyed, by.evaluation, to)
    : issueReport(registry, keyed, { ...to, form: by.form as ReportForm });
  return { asked, outcome: 'report', reason: null, report, is_use: true };
}

/**
 * Everything an answer leaves behind, in one statement: $1 the looks as JSON, $2 the moment,
 * $3 enquirer, $4 purpose code, $5 kind, $6 form.
 */
const WRITE = `
  with look as materialized (
    select * from jsonb_to_recordset($1::jsonb) as r (subject_id uuid, access_id uuid,
      enquiry_id uuid, authorisation_id uuid, request_hash text, outcome text, reason text,
      trace text, use_id uuid, message_id uuid, told jsonb, report_id uuid, sealed text,
      sha256 text)
  ), used as (
    insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
    select subject_id, authorisation_id, use_id, $2::timestamptz from look
    where use_id is not null
    on conflict (subject_id, authorisation_id, use_id) do nothing
  ), traced as (
    insert into access (subject_id, access_id, participant_id, purpose, reason, at, enquiry_id,
      authorisation_id, kind, outcome)
    select subject_id, access_id, $3::uuid, $4::text, trace, $2::timestamptz, enquiry_id,
      authorisation_id, $5::text, outcome from look where subject_id is not null
  ), told as (
    insert into message (subject_id, message_id, kind, facts, at)
    select subject_id, message_id, 'look', told, $2::timestamptz from look
    where message_id is not null
  ), kept as (
    insert into report (subject_id, report_id, enquiry_id, recipient_id, form, facts_sealed,
      report_sha256, issued_at)
    select subject_id, report_id, enquiry_id, $3::uuid, $6::text, decode(sealed, 'base64'),
      decode(sha256, 'hex'), $2::timestamptz from look where report_id is not null
  )
  insert into enquiry (enquirer_id, enquiry_id, request_sha256, authorisation_id, purpose, form,
    outcome, reason, subject_id, report_id, at)
  select $3::uuid, enquiry_id, decode(request_hash, 'hex'), authorisation_id, $4::text, $6::text,
    outcome, reason, subject_id, report_id, $2::timestamptz from look`;

/** Told to the person: a look for new credit, answered or not, under their own authorisation. */
const isTold = (kind: string, { reason }: Judged) =>
  kind === 'new_credit' && reason !== 'no_authorisation' && reason !== 'person_differs';

async function write(
  registry: Registry,
  session: Session,
  by: AskedBy,
  judged: readonly Judged[],
): Promise<void> {
  const kind = by.purpose?.kind ?? 'other';
  const looks = judged.map((each) => {
    const { asked, outcome, reason, report } = each;
    const { subject_id, enquiry_id, authorisation_id, request_hash, use_id } = asked;
    const access_id = registry.newId();
    const isMessage = subject_id !== null && isTold(kind, each);
    const told = {
      ...{ access_id, authorisation_id, enquiry_id, kind, outcome, reason },
      participant_id: by.enquirer_id,
      purpose: by.purpose_code,
    };
    return {
      ...{ subject_id, access_id, enquiry_id, authorisation_id, request_hash, outcome, reason },
      trace: reason === null ? 'permitted' : `not permitted: ${reason}`,
      use_id: each.is_use ? use_id : null,
      message_id: isMessage ? registry.newId() : null,
      told: isMessage ? told : null,
      report_id: report?.report_id ?? null,
      sealed: report && Buffer.from(report.facts_sealed).toString('base64'),
      sha256: report?.sha256 ?? null,
    };
  });
  const params = [JSON.stringify(looks), by.moment, by.enquirer_id, by.purpose_code, kind, by.form];
  await session.query(WRITE, params, { prepared: true, withNext: true });
}

/**
 * The facts of people at a moment, with those of their authorisations that are named, by
 * subject_id.
 */
export async function readNamed(
  registry: Registry,
  session: Session,
  moment: Date,
  { people, ids }: { readonly people: readonly string[]; readonly ids: readonly string[] },
): Promise<Map<string, NamedRow>> {
  if (people.length === 0) return new Map();
  const params = [...factsParams({ ...registry, now: () => moment }, people), [...ids]];
  await keepPlans(session);
  // sql: made of the constants of the facts.
  const { rows } = await session.query<NamedRow>(READ, params, { prepared: true });
  return new Map(rows.map((row) => [row.subject_id, row]));
}

/** A look that nobody asked for, refused when its answer is not to be given. */
function withheld(judged: Judged, why: (report: IssuedReport) => string | null): Judged {
  const reason = judged.report && why(judged.report);
  return reason === null ? judged : refuse(judged.asked, reason);
}

/**
 * Answers looks whose people the caller has locked, and leaves their traces.
 * @throws a database failure with SQLSTATE 23505: an enquiry of that id was answered meanwhile
 */
export async function answerLooks(
  registry: Registry,
  session: Session,
  by: AskedBy,
  looks: readonly Asked[],
): Promise<Answered[]> {
  const open = looks.filter(({ refused, subject_id }) => refused === null && subject_id !== null);
  const people = [...new Set(open.map(({ subject_id }) => subject_id as string))];
  const ids = open.map(({ authorisation_id }) => authorisation_id);
  const rows = await readNamed(registry, session, by.moment, { people, ids });
  const judged = looks.map((asked) =>
    judgeOne(registry, by, asked, rows.get(asked.subject_id ?? '') ?? null),
  );
  const { unasked } = by;
  const given = unasked ? judged.map((each) => withheld(each, unasked)) : judged;
  await write(registry, session, by, unasked ? given.filter(({ report }) => report) : given);
  return given.map(({ asked, outcome, reason, report }) => ({
    enquiry_id: asked.enquiry_id,
    authorisation_id: asked.authorisation_id,
    ...{ outcome, reason, report },
  }));
}

/** An answer as canonical JSON, byte for byte: the report stands in it as it was hashed. */
export function answerText({ enquiry_id, outcome, reason, report }: Answered): string {
  const text = (value: string | null) => JSON.stringify(value);
  const parts = [
    `"enquiry_id":${text(enquiry_id)}`,
    `"outcome":${text(outcome)}`,
    `"reason":${text(reason)}`,
    `"report":${report?.text ?? 'null'}`,
    `"report_id":${text(report?.report_id ?? null)}`,
    `"report_sha256":${text(report?.sha256 ?? null)}`,
  ];
  return `{${parts.join(',')}}`;
}
