/**
 * The audit: promises 1 to 3, and of 6 the signatures over authorisations, checked against what is stored, from the events and the receipts.
 *
 * What must stay true: each check says how much it looked at; one that looked at nothing is not a
 * pass but `checked: 0`.
 */
import { auditBatches } from '../authorisation/audit-batches.ts';
import type { Registry } from './registry.ts';

export interface AuditLine {
  readonly promise: 1 | 2 | 3 | 6;
  readonly check: string;
  readonly checked: number;
  readonly violations: number;
}

interface AuditCheck {
  readonly promise: 1 | 2 | 3;
  readonly check: string;
  /** A select of (checked, violations). */
  readonly sql: string;
}

const MONTH_COUNT = `(counts -> 'month' ->> 'accepted')::bigint`;
const ENDED = `state in ('received', 'received_with_faults')`;

const CHECKS: readonly AuditCheck[] = [
  {
    promise: 1,
    check:
      'every stored month names an authorisation of its person and furnisher, given when it was stored',
    // An event of the very millisecond in which the part was stored came before it if it gave.
    sql: `with part as (
        select submission_id, part_number, processed_at,
          sum((counts ->> 'declared')::bigint) over before - (counts ->> 'declared')::bigint as first_row,
          sum((counts ->> 'declared')::bigint) over before as last_row
        from submission_part where kind = 'month' and processed
        window before as (partition by submission_id order by part_number)),
      stored as (
        select distinct m.subject_id, m.authorisation_id, m.submission_id, p.processed_at
        from account_month m join part p on p.submission_id = m.submission_id
          and m.row_number > p.first_row and m.row_number <= p.last_row),
      judged as (
        select s.*, (
          select e.state from authorisation a
          join submission b on b.submission_id = s.submission_id and b.furnisher_id = a.provider_id
          join authorisation_event e on e.subject_id = a.subject_id and e.authorisation_id = a.authorisation_id
            and (e.recorded_at < coalesce(s.processed_at, b.ended_at)
              or e.recorded_at = coalesce(s.processed_at, b.ended_at) and e.state = 'given')
          where a.subject_id = s.subject_id and a.authorisation_id = s.authorisation_id
          order by e.seq desc limit 1) as state
        from stored s)
      select count(*) as checked, count(*) filter (where state is distinct from 'given') as violations from judged`,
  },
  {
    promise: 1,
    check: 'the state beside each authorisation is the fold of its events',
    sql: `select count(*) as checked, count(*) filter (where a.state <> e.state or a.last_seq <> e.seq) as violations
      from authorisation a join lateral (select state, seq from authorisation_event v
        where v.subject_id = a.subject_id and v.authorisation_id = a.authorisation_id
        order by seq desc limit 1) e on true`,
  },
  {
    promise: 1,
    check: 'every withdrawal has had its effect on what is held',
    sql: `select count(*) as checked, count(*) filter (where a.state = 'withdrawn'
          and a.recipient_class = 'registry' and w.since is null) as violations
      from authorisation a left join authorisation_effect w
        on w.subject_id = a.subject_id and w.authorisation_id = a.authorisation_id`,
  },
  {
    promise: 2,
    check: 'every row of every submission has one outcome',
    sql: `select count(*) as checked, count(*) filter (where (c.value ->> 'declared')::bigint <>
        (c.value ->> 'accepted')::bigint + (c.value ->> 'unchanged')::bigint + (c.value ->> 'rejected')::bigint
        + (c.value ->> 'held')::bigint + (c.value ->> 'refused')::bigint) as violations
      from submission s, jsonb_each(s.counts) c where s.${ENDED}`,
  },
  {
    promise: 2,
    check: 'the receipts count the months that are stored or were erased or purged',
    sql: `with stored as (select submission_id, sum(n) as n from (
        select submission_id, count(*) as n from account_month group by submission_id
        union all select submission_id, months from erasure
        union all select submission_id, months from purged_submission) each group by submission_id)
      select count(*) as checked, count(*) filter (where coalesce(n, 0) <> ${MONTH_COUNT}) as violations
      from submission s left join stored t on t.submission_id = s.submission_id where s.${ENDED}`,
  },
  {
    promise: 3,
    check: 'no row of a submission is stored twice',
    sql: `select count(*) as checked, count(*) - count(distinct (submission_id, row_number)) as violations
      from account_month`,
  },
  {
    promise: 3,
    check: 'every part of an ended submission was processed',
    sql: `select count(*) as checked, count(*) filter (where not p.processed) as violations
      from submission_part p join submission s on s.submission_id = p.submission_id where s.${ENDED}`,
  },
];

/** Runs every check; the registry need not stop for it. */
export async function audit(registry: Registry): Promise<AuditLine[]> {
  const lines: AuditLine[] = [];
  for (const { promise, check, sql } of CHECKS) {
    const { rows } = await registry.db.query<{ checked: number; violations: number }>(sql);
    lines.push({
      promise,
      check,
      checked: rows[0]?.checked ?? 0,
      violations: rows[0]?.violations ?? 0,
    });
  }
  const evidence = await auditBatches(registry.db);
  return [...lines, ...evidence.map((line) => ({ promise: 6 as const, ...line }))];
}
