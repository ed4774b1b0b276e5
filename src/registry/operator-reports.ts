/**
 * Reports for the operator: one issued now, one that was issued before. Both are looks.
 *
 * What must stay true: the trace is in the transaction of the look and comes before it.
 */
import { AssentError } from '../model/error.ts';
import type { ReportForm } from '../model/report-document.ts';
import { findSubject, type Sought } from './files.ts';
import type { Registry } from './registry.ts';
import { type IssuedReport, issueOwnReport, type RebuiltReport, rebuildReport } from './report.ts';

export interface OperatorRequest {
  readonly reason: string;
  readonly form?: ReportForm;
  readonly subject_id?: string;
  readonly account?: { readonly account_ref: string; readonly furnisher_id: string };
  readonly identity?: Extract<Sought, { kind: unknown }>;
}

/**
 * Issues a report on a person's file to the operator.
 * @throws argument_invalid: nobody is named; file_unknown; profile_unknown
 */
export async function lookAtReport(
  registry: Registry,
  request: OperatorRequest,
  by: { readonly participant_id: string },
): Promise<IssuedReport> {
  const { subject_id, account, identity, reason, form } = request;
  const sought = subject_id ? { subject_id } : (account ?? identity);
  if (!sought)
    throw new AssentError('argument_invalid', { detail: 'give subject_id, account or identity' });
  const found = await findSubject(registry, sought);
  if (found === null) throw new AssentError('file_unknown');
  return registry.db.transaction((session) =>
    issueOwnReport(registry, session, found, {
      audience: 'operator',
      form: form ?? 'full',
      participant_id: by.participant_id,
      purpose: 'operator_review',
      reason,
    }),
  );
}

/**
 * Makes a report again and says whether it is the one that was issued.
 * @throws report_unknown, report_altered, sealed_unreadable
 */
export function lookAtRebuilt(
  registry: Registry,
  reportId: string,
  by: { readonly participant_id: string; readonly reason: string },
): Promise<RebuiltReport> {
  return registry.db.transaction(async (session) => {
    await session.query(
      `insert into access (subject_id, access_id, participant_id, purpose, reason, at, enquiry_id,
         kind, outcome)
       select r.subject_id, $2::uuid, $3::uuid, 'operator_review', $4::text, $5::timestamptz,
         r.enquiry_id, 'other', 'again'
       from report r where r.report_id = $1::uuid`,
      [reportId, registry.newId(), by.participant_id, by.reason, registry.now()],
    );
    return rebuildReport(registry, session, reportId, null);
  });
}
