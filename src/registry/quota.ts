/**
 * How many free reports a person may still have this year: dated data.
 *
 * What must stay true: a report counts in the calendar year in which it was issued; those of a
 * stretch of days with extra ones count against the extra ones first.
 * Source: Order 631 article 17 (C5), PBOC December 2025 (C17), FCRA 612 (U8).
 */
import { type DisputeRules, disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Registry } from './registry.ts';

/** How a report that was issued to its person stands in `access`. */
export const OWN_REPORT = { purpose: 'own_file', reason: 'report' } as const;

export interface Quota {
  readonly allowed: boolean;
  /** Null: any number. */
  readonly left: number | null;
  readonly used: number;
}

type Extras = DisputeRules['free_report_extras'];

/**
 * The quota on a day, given the days (`YYYY-MM-DD`, UTC) of this year's reports.
 * @param perYear null: any number
 */
export function quotaOf(
  today: string,
  issued: readonly string[],
  perYear: number | null,
  extras: Extras,
): Quota {
  const used = issued.length;
  if (perYear === null) return { allowed: true, left: null, used };
  let counted = used;
  let left = perYear;
  for (const { from, to, reports } of extras) {
    const inStretch = issued.filter((day) => day >= from && day <= to).length;
    counted -= Math.min(inStretch, reports);
    if (today >= from && today <= to) left += Math.max(0, reports - inStretch);
  }
  left = Math.max(0, left - counted);
  return { allowed: left > 0, left, used };
}

/**
 * Whether the person may have a free report now. Call it with the person's row held, in the
 * transaction that issues one, where two at once must not both pass.
 * @throws profile_unknown
 */
export async function ownReportAllowed(registry: Registry, subjectId: string): Promise<Quota> {
  const { free_report_extras: extras } = disputeRulesOf(registry.profile);
  const today = registry.now().toISOString().slice(0, 10);
  const { rows } = await registry.db.query<{ day: string }>(
    `select to_char(at at time zone 'UTC', 'YYYY-MM-DD') as day from access
     where subject_id = $1 and purpose = $2 and reason = $3 and at >= $4`,
    [
      subjectId,
      OWN_REPORT.purpose,
      OWN_REPORT.reason,
      new Date(`${today.slice(0, 4)}-01-01T00:00:00Z`),
    ],
  );
  const days = rows.map((row) => row.day);
  return quotaOf(today, days, registry.profile?.free_reports_per_year ?? null, extras);
}
