/**
 * Enquiries whose time is over: what a lender asked for, and the record that a report went out.
 *
 * What must stay true: an enquiry stays as long as the person may see who looked, and as long as
 * the report that answered it can be made again, also where a dispute holds that one; while its
 * authorisation is in force it stays whatever its age, for without it the same use would be
 * answered anew.
 * Source: FCRA 609 (U6), PIPL 19 (C24), DPDP rules (I7).
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import type { PurgedRow } from './purge-certificate.ts';
import type { Registry } from './registry.ts';

/** Months that an enquiry is kept; null: as long as there is a file. @throws profile_unknown */
export function enquiryMonths({ profile }: Pick<Registry, 'profile'>): number | null {
  const seen = profile?.access_history_months ?? null;
  const { enquiry_months: kept } = disputeRulesOf(profile);
  return seen === null || kept === null ? null : Math.max(seen, kept);
}

/** Where a run stands: enquiries after this one, by age and id. */
export interface EnquiryCursor {
  readonly at: Date;
  readonly enquiry_id: string;
}
export const FROM_THE_OLDEST: EnquiryCursor = {
  at: new Date(0),
  enquiry_id: '00000000-0000-0000-0000-000000000000',
};

interface Old extends EnquiryCursor {
  readonly enquirer_id: string;
  readonly authorisation_id: string;
  readonly subject_id: string | null;
  readonly report_id: string | null;
}

const OLD = `select enquirer_id, enquiry_id, authorisation_id, subject_id, report_id, at from enquiry
  where at < $1 and (at, enquiry_id) > ($2::timestamptz, $3::uuid)
  order by at, enquiry_id limit $4`;
const IN_FORCE = `select authorisation_id from authorisation
  where authorisation_id = any($1::uuid[]) and state in ('given', 'paused')
    and (expires_at is null or expires_at > $2)`;
const KEPT = `select r.report_id from report r
  join unnest($1::uuid[], $2::uuid[]) d (subject_id, report_id)
    on r.subject_id = d.subject_id and r.report_id = d.report_id
  where r.facts_sealed is not null`;
const DELETE = `delete from enquiry x
  using unnest($1::uuid[], $2::uuid[]) d (enquirer_id, enquiry_id)
  where x.enquirer_id = d.enquirer_id and x.enquiry_id = d.enquiry_id
  returning 'assent/purged/1' || chr(9) || 'enquiry' || chr(9) || x.enquirer_id || chr(9)
    || x.enquiry_id as leaf`;
/** What is left of their reports. */
const DELETE_RECORDS = `delete from report x
  using unnest($1::uuid[], $2::uuid[]) d (subject_id, report_id)
  where x.subject_id = d.subject_id and x.report_id = d.report_id and x.facts_sealed is null
  returning 'assent/purged/1' || chr(9) || 'report_record' || chr(9) || x.subject_id || chr(9)
    || x.report_id as leaf`;

export interface DeletedEnquiries {
  readonly enquiries: readonly PurgedRow[];
  readonly records: readonly PurgedRow[];
  readonly next: EnquiryCursor | null;
}

/** Of these enquiries those that may go. */
async function mayGo(
  registry: Pick<Registry, 'now'>,
  session: Session,
  old: readonly Old[],
): Promise<Old[]> {
  const ids = old.map(({ authorisation_id }) => authorisation_id);
  const { rows: inForce } = await session.query<{ authorisation_id: string }>(IN_FORCE, [
    ids,
    registry.now(),
  ]);
  const { rows: kept } = await session.query<{ report_id: string }>(KEPT, [
    old.map(({ subject_id }) => subject_id),
    old.map(({ report_id }) => report_id),
  ]);
  const authorisations = new Set(inForce.map(({ authorisation_id }) => authorisation_id));
  const reports = new Set(kept.map(({ report_id }) => report_id));
  return old.filter(
    ({ authorisation_id, report_id }) =>
      !authorisations.has(authorisation_id) && !reports.has(report_id ?? ''),
  );
}

/** Deletes of the next so many enquiries from before a moment those that may go. */
export async function deleteEnquiries(
  registry: Pick<Registry, 'now'>,
  session: Session,
  before: Date,
  { after, most }: { readonly after: EnquiryCursor; readonly most: number },
): Promise<DeletedEnquiries> {
  const { rows: old } = await session.query<Old>(OLD, [before, after.at, after.enquiry_id, most]);
  const gone = await mayGo(registry, session, old);
  const { rows: enquiries } = await session.query<{ leaf: string }>(DELETE, [
    gone.map(({ enquirer_id }) => enquirer_id),
    gone.map(({ enquiry_id }) => enquiry_id),
  ]);
  const { rows: records } = await session.query<{ leaf: string }>(DELETE_RECORDS, [
    gone.map(({ subject_id }) => subject_id),
    gone.map(({ report_id }) => report_id),
  ]);
  return { enquiries, records, next: old.length < most ? null : (old.at(-1) ?? null) };
}
