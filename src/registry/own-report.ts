/**
 * A person's own file: shown on a page, or issued as a report that is kept and can be had again.
 *
 * What must stay true: a reading and its trace are one transaction; a report is had again by its
 * person alone, and another's is as unknown as one that does not exist. Source: PIPL 45, GDPR 15
 * and 20 (E2), FCRA 609 (U6).
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import { profileDigest, reportRulesOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { FileFacts } from '../model/file-facts.ts';
import {
  type Issue,
  RENDERER_VERSION,
  type ReportDocument,
  reportDocument,
} from '../model/report-document.ts';
import { OWN_PURPOSE, readOwn } from './own-looks.ts';
import { quotaOf } from './quota.ts';
import type { Registry } from './registry.ts';
import { issueOwnReport, type RebuiltReport, rebuildReport } from './report.ts';
import { readFacts } from './report-facts.ts';

/** Who the file is about, as held; of the document only its end. */
export interface OwnIdentity {
  readonly name: string | null;
  readonly kind: string;
  readonly number_end: string;
  readonly birth_date: string | null;
}

const END_SHOWN = 4;

async function readIdentity(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<OwnIdentity> {
  const { rows } = await session.query<{ wrapped_key: Uint8Array; identity_sealed: Uint8Array }>(
    'select wrapped_key, identity_sealed from subject where subject_id = $1',
    [subjectId],
  );
  const [row] = rows;
  if (!row) throw new AssentError('nothing_held');
  const { wrapped_key, identity_sealed } = row;
  const opened = registry.ring.open(wrapped_key, identity_sealed, `subject ${subjectId}`);
  const held = JSON.parse(Buffer.from(opened).toString('utf8')) as Record<string, string | null>;
  return {
    name: held['name'] ?? null,
    kind: held['kind'] ?? '',
    number_end: (held['number'] ?? '').slice(-END_SHOWN),
    birth_date: held['birth_date'] ?? null,
  };
}

export interface OwnFile {
  readonly document: ReportDocument;
  readonly identity: OwnIdentity;
}

/** What is shown of facts on a page: a report that is not kept. @throws profile_unknown */
function shownNow(registry: Registry, facts: FileFacts): ReportDocument {
  const { profile } = registry;
  const rules = reportRulesOf(profile);
  if (!profile || !rules) throw new AssentError('profile_unknown');
  const issue: Issue = {
    audience: 'subject',
    counts_once_days: rules.new_credit_counts_once_days,
    enquiry: null,
    facts,
    form: 'full',
    grid: rules.grid,
    issued_at: facts.at,
    profile: { name: profile.name, sha256: profileDigest(profile) },
    renderer_version: RENDERER_VERSION,
    report_id: '',
    thin: rules.thin,
  };
  return reportDocument(issue);
}

/** The file as it stands now, for its person. @throws nothing_held, profile_unknown */
export function readOwnFile(
  registry: Registry,
  subjectId: string,
  part: 'overview' | 'file' | 'disputes',
): Promise<OwnFile> {
  return readOwn(registry, subjectId, part, async (session) => {
    const facts = await readFacts(registry, session, subjectId);
    if (!facts) throw new AssentError('nothing_held');
    const identity = await readIdentity(registry, session, subjectId);
    return { document: shownNow(registry, facts), identity };
  });
}

/** Printed reports that are still free this calendar year (UTC); null: any number. */
export async function freeReportsLeft(
  registry: Registry,
  subjectId: string,
  session: Session = registry.db,
): Promise<number | null> {
  const { profile } = registry;
  const today = registry.now().toISOString().slice(0, 10);
  const { rows } = await session.query<{ day: string }>(
    `select to_char(issued_at at time zone 'UTC', 'YYYY-MM-DD') as day from report
     where subject_id = $1 and recipient_id = $2 and enquiry_id is null and form <> 'evaluation'
       and issued_at >= $3`,
    [subjectId, registry.registry_id, new Date(`${today.slice(0, 4)}-01-01T00:00:00Z`)],
  );
  const issued = rows.map(({ day }) => day);
  const extras = disputeRulesOf(profile).free_report_extras;
  return quotaOf(today, issued, profile?.free_reports_per_year ?? null, extras).left;
}

/** A wish sent twice within so long is one wish. */
const ONCE_MS = 60_000;

/**
 * Issues a report to the person, traced and kept. Asked again within a minute it is the same one.
 * @returns its id. @throws nothing_held; reports_used_up: the profile's number for the year
 */
export function issueToPerson(registry: Registry, subjectId: string): Promise<string> {
  return registry.db.transaction(async (session) => {
    await session.query('select 1 from subject where subject_id = $1 for update', [subjectId]);
    const { rows } = await session.query<{ report_id: string }>(
      `select report_id from report where subject_id = $1 and recipient_id = $2
         and enquiry_id is null and form <> 'evaluation' and issued_at > $3 order by issued_at desc limit 1`,
      [subjectId, registry.registry_id, new Date(registry.now().getTime() - ONCE_MS)],
    );
    if (rows[0]) return rows[0].report_id;
    if ((await freeReportsLeft(registry, subjectId, session)) === 0)
      throw new AssentError('reports_used_up');
    const { report_id } = await issueOwnReport(registry, session, subjectId, {
      audience: 'subject',
      form: 'full',
      participant_id: registry.registry_id,
      purpose: OWN_PURPOSE,
      reason: 'report',
    });
    return report_id;
  });
}

export interface OwnReportLine {
  readonly report_id: string;
  readonly issued_at: Date;
  readonly sha256: string;
}

/** The reports that a person had issued to themselves and that can be had again, newest first. */
export async function listOwnReports(
  registry: Registry,
  subjectId: string,
): Promise<OwnReportLine[]> {
  const { rows } = await registry.db.query<OwnReportLine>(
    `select report_id, issued_at, encode(report_sha256, 'hex') as sha256 from report
     where subject_id = $1 and recipient_id = $2 and enquiry_id is null and form <> 'evaluation'
       and facts_sealed is not null
     order by issued_at desc, report_id limit 50`,
    [subjectId, registry.registry_id],
  );
  return rows;
}

export interface OwnReport extends RebuiltReport {
  readonly identity: OwnIdentity;
}

/** One of them again, byte for byte; having it is a look. @throws report_unknown, report_altered */
export function rebuildOwn(
  registry: Registry,
  subjectId: string,
  reportId: string,
): Promise<OwnReport> {
  return readOwn(registry, subjectId, 'export', async (session) => {
    const { rows } = await session.query(
      `select 1 from report where report_id::text = $1 and subject_id = $2 and enquiry_id is null
         and form <> 'evaluation'`,
      [reportId, subjectId],
    );
    if (rows.length === 0) throw new AssentError('report_unknown');
    const report = await rebuildReport(registry, session, reportId, registry.registry_id);
    return { ...report, identity: await readIdentity(registry, session, subjectId) };
  });
}

/** The person's wish to be erased, if there is one that waits. */
export async function findErasureRequest(
  registry: Registry,
  subjectId: string,
): Promise<{ readonly request_id: string; readonly due_at: Date } | null> {
  const { rows } = await registry.db.query<{ request_id: string; due_at: Date }>(
    'select request_id, due_at from erasure_request where subject_id = $1 order by due_at limit 1',
    [subjectId],
  );
  return rows[0] ?? null;
}
