/**
 * Reports as they are issued, kept and made again.
 *
 * What must stay true: what goes out is made of the facts that are kept, sealed under the person's
 * key, with the hash of the bytes; a report is made again byte for byte by the renderer of its
 * day, or not at all; destroying the person's key destroys every report of theirs, and time what
 * each was made of.
 */
import { profileDigest, reportRulesOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import {
  type Audience,
  type Issue,
  RENDERER_VERSION,
  type ReportForm,
  reportText,
} from '../model/report-document.ts';
import { cardsOf, type EvaluationIssue, evaluationText } from './evaluation-document.ts';
import type { Registry } from './registry.ts';
import { type KeyedFacts, readKeyedFacts } from './report-facts.ts';
import { openIssue, sealIssue, sha256Of } from './sealed-issue.ts';

/** What an answer is: a report, in full or as a summary, or an evaluation. */
export type AnswerForm = ReportForm | 'evaluation';

export interface IssuedReport {
  readonly report_id: string;
  /** Canonical JSON. */
  readonly text: string;
  /** SHA-256 of the text, lower-case hex. */
  readonly sha256: string;
  readonly facts_sealed: Uint8Array;
  readonly issued_at: Date;
}

/** What the report is for, besides the facts. */
export interface IssueFor {
  readonly audience: Audience;
  readonly form: ReportForm;
  readonly enquiry: Issue['enquiry'];
}

/**
 * Makes a report of facts, with what is to be kept of it; the caller stores it with the trace.
 * @throws profile_unknown: without a profile there is no rule of what may be shown
 */
export function issueReport(
  registry: Registry,
  { facts, wrapped_key }: KeyedFacts,
  { audience, form, enquiry }: IssueFor,
): IssuedReport {
  const { profile } = registry;
  const rules = reportRulesOf(profile);
  if (!profile || !rules) throw new AssentError('profile_unknown');
  const report_id = registry.newId();
  const issue: Issue = {
    audience,
    counts_once_days: rules.new_credit_counts_once_days,
    enquiry,
    facts,
    form,
    grid: rules.grid,
    issued_at: facts.at,
    profile: { name: profile.name, sha256: profileDigest(profile) },
    renderer_version: RENDERER_VERSION,
    report_id,
    thin: rules.thin,
  };
  const text = reportText(issue);
  const facts_sealed = sealIssue(registry, wrapped_key, report_id, issue);
  return { report_id, text, sha256: sha256Of(text), facts_sealed, issued_at: new Date(facts.at) };
}

/** Stores a report that is no answer to an enquiry, in the transaction of its trace. */
export async function storeReport(
  session: Session,
  subjectId: string,
  report: IssuedReport,
  to: { readonly form: AnswerForm; readonly recipient_id: string },
): Promise<void> {
  await session.query(
    `insert into report (subject_id, report_id, enquiry_id, recipient_id, form, facts_sealed,
       report_sha256, issued_at)
     values ($1, $2, null, $3, $4, $5, decode($6, 'hex'), $7)`,
    [
      subjectId,
      report.report_id,
      to.recipient_id,
      to.form,
      report.facts_sealed,
      report.sha256,
      report.issued_at,
    ],
  );
}

/** A look of the person or the operator, as the trace has it. */
export interface OwnOrOperatorLook {
  readonly audience: 'subject' | 'operator';
  readonly participant_id: string;
  readonly purpose: string;
  readonly reason: string;
}

/** The trace of a look that is no enquiry, in the caller's transaction. */
export async function traceOwn(
  registry: Pick<Registry, 'newId' | 'now'>,
  session: Session,
  subjectId: string,
  look: OwnOrOperatorLook,
): Promise<void> {
  await session.query(
    `insert into access (subject_id, access_id, participant_id, purpose, reason, at, kind, outcome)
     select s.subject_id, $2::uuid, $3::uuid, $4, $5, $6::timestamptz, $7, 'report'
     from subject s where s.subject_id = $1::uuid`,
    [
      subjectId,
      registry.newId(),
      look.participant_id,
      look.purpose,
      look.reason,
      registry.now(),
      look.audience === 'subject' ? 'own' : 'other',
    ],
  );
}

/**
 * A report to the person or the operator, traced, kept and issued in the caller's transaction.
 * @throws file_unknown, profile_unknown
 */
export async function issueOwnReport(
  registry: Registry,
  session: Session,
  subjectId: string,
  look: OwnOrOperatorLook & { readonly form: ReportForm },
): Promise<IssuedReport> {
  const moment = registry.now();
  await traceOwn({ ...registry, now: () => moment }, session, subjectId, look);
  const keyed = await readKeyedFacts({ ...registry, now: () => moment }, session, subjectId);
  if (!keyed) throw new AssentError('file_unknown');
  const report = issueReport(registry, keyed, { ...look, enquiry: null });
  const to = { form: look.form, recipient_id: look.participant_id };
  await storeReport(session, subjectId, report, to);
  return report;
}

interface StoredReport {
  readonly report_id: string;
  readonly recipient_id: string;
  readonly form: AnswerForm;
  readonly report_sha256: string;
  /** Null: purged. */
  readonly facts_sealed: Uint8Array | null;
  readonly wrapped_key: Uint8Array;
}

/** A report as it went out. */
export interface RebuiltReport {
  readonly report_id: string;
  readonly text: string;
  readonly sha256: string;
}

/**
 * Makes a report again from the facts that were kept.
 * @param recipientId whose it must be; null for the operator
 * @throws report_unknown: not there, another's, or its person's key was destroyed;
 * report_purged: what it was made of has had its time; report_altered: what comes out has another
 * hash; sealed_unreadable
 */
export async function rebuildReport(
  registry: Pick<Registry, 'ring'>,
  session: Session,
  reportId: string,
  recipientId: string | null,
): Promise<RebuiltReport> {
  const { rows } = await session.query<StoredReport>(
    `select r.report_id, r.recipient_id, r.form, encode(r.report_sha256, 'hex') as report_sha256,
       r.facts_sealed, s.wrapped_key
     from report r join subject s on s.subject_id = r.subject_id
     where r.report_id = $1::uuid`,
    [reportId],
  );
  const [stored] = rows;
  if (!stored || (recipientId !== null && stored.recipient_id !== recipientId))
    throw new AssentError('report_unknown');
  const { wrapped_key, facts_sealed, report_id } = stored;
  if (facts_sealed === null) throw new AssentError('report_purged');
  const issue = openIssue(registry, wrapped_key, report_id, facts_sealed);
  const text =
    stored.form === 'evaluation'
      ? evaluationText(issue as EvaluationIssue, await cardsOf(session, issue as EvaluationIssue))
      : reportText(issue as Issue);
  const sha256 = sha256Of(text);
  if (sha256 !== stored.report_sha256) throw new AssentError('report_altered');
  return { report_id, text, sha256 };
}
