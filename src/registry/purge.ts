/**
 * The daily purge: whatever has been kept for as long as the profile says is deleted.
 *
 * What must stay true: transactions of bounded size, each with its certificate, so that a purge
 * which was cut off goes on; nothing goes before its time, and what has no time stays. Traces of
 * looks stay as long as the person may see them; evidence goes some time after its dispute. What a
 * report was made of goes by its own clock, but not while the person disputes or has it reviewed;
 * that it was issued goes with the look.
 * Source: domain facts 2.6; FCRA 609 (U6), Order 4 article 20 (C14).
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import { AssentError } from '../model/error.ts';
import { certifyPurge } from './purge-certificate.ts';
import {
  type DeletedEnquiries,
  deleteEnquiries,
  type EnquiryCursor,
  enquiryMonths,
  FROM_THE_OLDEST,
} from './purge-enquiries.ts';
import { FROM_THE_FIRST, type PurgeCursor, purgeMonths } from './purge-months.ts';
import type { Registry } from './registry.ts';

/** Rows of one transaction. */
const BATCH = 5000;

/** What besides adverse months has its time. */
export const PURGED_KINDS = [
  'access',
  'message',
  'evidence',
  'report',
  'report_record',
  'enquiry',
] as const;
type PurgedKind = (typeof PURGED_KINDS)[number];

interface Kept {
  readonly kind: Exclude<PurgedKind, 'enquiry'>;
  /** `$1` the moment before which it goes, `$2` how many; returns the names of the rows. */
  readonly sql: string;
  readonly monthsOf: (registry: Registry) => number | null;
}

const leaf = (kind: string, id: string) => `'assent/purged/1' || chr(9) || '${kind}' || chr(9)
  || x.subject_id || chr(9) || x.${id} as leaf`;

/** What is kept for a time, besides adverse months; another table is one more line. */
const KEPT: readonly Kept[] = [
  {
    kind: 'access',
    sql: `delete from access x using (select subject_id, access_id from access where at < $1
        order by at limit $2) d
      where x.subject_id = d.subject_id and x.access_id = d.access_id
      returning ${leaf('access', 'access_id')}`,
    monthsOf: ({ profile }) => profile?.access_history_months ?? null,
  },
  {
    kind: 'message',
    sql: `delete from message x using (select subject_id, message_id from message where at < $1
        order by at limit $2) d
      where x.subject_id = d.subject_id and x.message_id = d.message_id
      returning ${leaf('message', 'message_id')}`,
    monthsOf: ({ profile }) => disputeRulesOf(profile).message_months,
  },
  {
    kind: 'evidence',
    sql: `delete from claim_evidence x using (select e.subject_id, e.evidence_id
        from dispute d join claim c on c.subject_id = d.subject_id and c.dispute_id = d.dispute_id
        join claim_evidence e on e.subject_id = c.subject_id and e.claim_id = c.claim_id
        where d.ended_at < $1 order by d.ended_at limit $2) d
      where x.subject_id = d.subject_id and x.evidence_id = d.evidence_id
      returning ${leaf('evidence', 'evidence_id')}`,
    monthsOf: ({ profile }) => disputeRulesOf(profile).evidence_months,
  },
  {
    kind: 'report',
    sql: `update report x set facts_sealed = null from (
        select r.subject_id, r.report_id from report r
        where r.issued_at < $1 and r.facts_sealed is not null
          and not exists (select 1 from dispute d
            where d.subject_id = r.subject_id and d.state = 'open')
          and not exists (select 1 from evaluation_review v where v.subject_id = r.subject_id
            and v.report_id = r.report_id and v.state = 'open')
        order by r.issued_at limit $2) d
      where x.subject_id = d.subject_id and x.report_id = d.report_id
      returning ${leaf('report', 'report_id')}`,
    monthsOf: ({ profile }) => disputeRulesOf(profile).report_months,
  },
  {
    kind: 'report_record',
    sql: `delete from report x using (select subject_id, report_id from report
        where issued_at < $1 and facts_sealed is null and enquiry_id is null
        order by issued_at limit $2) d
      where x.subject_id = d.subject_id and x.report_id = d.report_id
      returning ${leaf('report_record', 'report_id')}`,
    monthsOf: enquiryMonths,
  },
];

function monthsAgo(now: Date, months: number): Date {
  const before = new Date(now);
  before.setUTCMonth(before.getUTCMonth() - months);
  // A day that the month does not have: the last one it has, so nothing goes early.
  if (before.getUTCDate() !== now.getUTCDate()) before.setUTCDate(0);
  return before;
}

async function purgeKept(registry: Registry, { kind, sql, monthsOf }: Kept): Promise<number> {
  const months = monthsOf(registry);
  if (months === null) return 0;
  return registry.db.transaction(async (session) => {
    // sql: a constant of this file.
    const { rows } = await session.query<{ leaf: string }>(sql, [
      monthsAgo(registry.now(), months),
      BATCH,
    ]);
    await certifyPurge(registry, session, kind, months, rows);
    return rows.length;
  });
}

/** The next stretch of enquiries, in one transaction. */
function purgeEnquiries(registry: Registry, months: number, after: EnquiryCursor) {
  return registry.db.transaction(async (session) => {
    const before = monthsAgo(registry.now(), months);
    const stretch = { after, most: BATCH };
    const gone = await deleteEnquiries(registry, session, before, stretch);
    await certifyPurge(registry, session, 'enquiry', months, gone.enquiries);
    await certifyPurge(registry, session, 'report_record', months, gone.records);
    return gone;
  });
}

async function purgeAllEnquiries(registry: Registry, counts: Record<PurgedKind, number>) {
  const months = enquiryMonths(registry);
  if (months === null) return;
  for (let after: EnquiryCursor | null = FROM_THE_OLDEST; after !== null; ) {
    const gone: DeletedEnquiries = await purgeEnquiries(registry, months, after);
    counts.enquiry += gone.enquiries.length;
    counts.report_record += gone.records.length;
    after = gone.next;
  }
}

/** Rows by what they were; of a `report`, only what it was made of went. */
export interface Purge extends Readonly<Record<PurgedKind, number>> {
  readonly adverse_months: number;
  /** Where to go on; null: it is done. */
  readonly next: PurgeCursor | null;
}

/**
 * Purges what is due, in at most so many transactions over months; call again with `next`.
 * @throws profile_unknown: without a profile nothing has a time
 */
export async function purge(
  registry: Registry,
  options: { readonly after?: PurgeCursor | null; readonly batches?: number } = {},
): Promise<Purge> {
  const { profile } = registry;
  if (profile === null) throw new AssentError('profile_unknown', { detail: 'none is configured' });
  const { batches = Number.POSITIVE_INFINITY } = options;
  let adverse_months = 0;
  let next: PurgeCursor | null = options.after ?? FROM_THE_FIRST;
  for (let n = 0; next !== null && n < batches; n++) {
    const purged: Awaited<ReturnType<typeof purgeMonths>> = await purgeMonths(
      registry,
      profile,
      next,
    );
    adverse_months += purged.months;
    next = purged.next;
  }
  const counts: Record<PurgedKind, number> = {
    ...{ access: 0, message: 0, evidence: 0 },
    ...{ report: 0, report_record: 0, enquiry: 0 },
  };
  if (next !== null) return { adverse_months, ...counts, next };
  for (const kept of KEPT)
    for (let n = BATCH; n === BATCH; ) {
      n = await purgeKept(registry, kept);
      counts[kept.kind] += n;
    }
  await purgeAllEnquiries(registry, counts);
  return { adverse_months, ...counts, next };
}

export interface PurgeCertificate {
  readonly certificate_id: string;
  readonly kind: string;
  readonly purged_at: Date;
  readonly kept_months: number;
  readonly purged_rows: number;
  /** Lower-case hex. */
  readonly merkle_root: string;
}

/** The newest certificates, 200 at most. */
export async function listPurgeCertificates(registry: Registry): Promise<PurgeCertificate[]> {
  const { rows } = await registry.db.query<PurgeCertificate>(
    `select certificate_id, kind, purged_at, kept_months, purged_rows,
       encode(merkle_root, 'hex') as merkle_root
     from purge_certificate order by purged_at desc, certificate_id limit 200`,
  );
  return rows;
}
