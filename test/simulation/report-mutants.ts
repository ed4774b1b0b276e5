/**
 * Deliberate faults of the registry that the lives of the reports level must find: in what reports
 * say of agreements, in what is purged, kept, blocked and erased, in what follows whom.
 *
 * What must stay true: as in `mutants.ts`, an edit that changes no statement is an error.
 */
import type { Mutant } from './mutants.ts';

const NO_PERIOD = "'0001-01-01'";

/** Faults by their names; several edits are one fault. */
export const REPORT_FAULTS: readonly (readonly [string, ...(readonly [string, string][])])[] = [
  [
    'draws are not gathered under their agreement',
    ['k.agreement_ends_on, k.agreement_id,', 'k.agreement_ends_on, null::uuid,'],
  ],
  [
    'an agreement keeps its first limit',
    [
      'where a.subject_id = s.subject_id order by a.account_id, a.revision desc',
      'where a.subject_id = s.subject_id order by a.account_id, a.revision',
    ],
  ],
  ['what is obsolete is shown', ['(n.days_past_due = 0\n    or (', '(true\n    or (']],
  [
    'late months are purged a month early',
    [
      '+ make_interval(months => $2::int) <= $1::date',
      `+ make_interval(months => $2::int) <= $1::date + interval '1 month'`,
    ],
  ],
  [
    'a purge makes what goes on younger',
    ['and g.period < n.period and not exists', 'and false and not exists'],
  ],
  [
    'what a report was made of goes three months early',
    [
      'where r.issued_at < $1 and r.facts_sealed',
      `where r.issued_at < $1::timestamptz + interval '3 months' and r.facts_sealed`,
    ],
  ],
  [
    'what nobody decided is not blocked',
    [
      `block_state = 'asked' and block_due_at <= $1`,
      `block_state = 'asked' and block_due_at <= $1 and false`,
    ],
  ],
  [
    'what is blocked is shown',
    [`or (g.period = ${NO_PERIOD} and g.field = 'account')`, 'or false'],
    [`and g.period = ${NO_PERIOD} and g.value =`, 'and false and g.value ='],
  ],
  [
    'what was lifted stays hidden',
    ['set certified_at = $3,', 'set certified_at = case when false then $3::timestamptz end,'],
  ],
  [
    'a block that was lifted holds',
    ['and (b.lifted_at is null or b.lifted_at > $1::timestamptz)', ''],
  ],
  [
    'late months do not keep their person from erasure',
    ['count(*) filter (where clock) as clock', '0::bigint as clock'],
  ],
  [
    'reports outlive their person',
    ['delete from "report" where subject_id', 'delete from "report" where false and subject_id'],
  ],
  [
    'a key does not follow what it sealed',
    [
      'update subject set wrapped_key = $2 where subject_id = $1',
      'update subject set wrapped_key = $2 where subject_id = $1 and false',
    ],
  ],
  [
    'a report stays when the approval it was given under goes',
    [
      'where r.subject_id = $1 and e.authorisation_id = any($2::uuid[])',
      'where r.subject_id = $1 and e.authorisation_id = any($2::uuid[]) and false',
    ],
  ],
  [
    'a claim stays when its account goes',
    ['coalesce(c.account_id = any($2::uuid[]), false)', '(false and $2::uuid[] is null)'],
  ],
  [
    'who was merged away leads nowhere',
    ['coalesce(merged_into, subject_id) as living', 'subject_id as living'],
  ],
  [
    'an approval in force does not keep its enquiries',
    [
      `state in ('given', 'paused')
    and (expires_at`,
      `state in ('given', 'paused') and false
    and (expires_at`,
    ],
  ],
  [
    'a dispute does not keep its reports',
    [
      `where d.subject_id = r.subject_id and d.state = 'open')`,
      `where d.subject_id = r.subject_id and d.state = 'open' and false)`,
    ],
  ],
];

/** The edits of a fault as mutants. */
export const editsOf = (
  fault: string,
  edits: readonly (readonly [string, string])[],
): readonly Mutant[] => edits.map(([from, to]) => ({ fault, from, to }));
