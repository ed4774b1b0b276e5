/**
 * Deliberate faults of the programs that the end-to-end level must find: in the hand-over, in the
 * registry's intake, and in what an end does to what is held.
 *
 * What must stay true: as in `mutants.ts`, an edit that changes no statement is an error.
 */
import { AUTHORISATION_CHECKS, ROW_CHECKS } from '../../src/authorisation/check.ts';
import type { Mutant } from './mutants.ts';

/** Several edits that are one fault. */
export interface Fault {
  readonly fault: string;
  readonly side: 'gateway' | 'registry';
  readonly edits: readonly Mutant[];
}

const one = (side: Fault['side'], fault: string, from: string, to: string): Fault => ({
  fault,
  side,
  edits: [{ fault, from, to }],
});

/** The registry believes whatever it is sent. */
const CREDULOUS: readonly Mutant[] = [...ROW_CHECKS, ...AUTHORISATION_CHECKS].map(
  ({ name, sql }) => {
    const check = `(${sql.replaceAll('{authorisations}', 'authorisation')})`;
    return { fault: name, from: check, to: `(${check} or true)` };
  },
);

const EFFECT = `insert into authorisation_effect (subject_id, authorisation_id, effect, by_subject, since)
       values ($1, $2, $3, $4, $5)`;

export const FAULTS: readonly Fault[] = [
  one(
    'gateway',
    'a withdrawal of what only the lender knows stays there',
    `and a.state = 'superseded' and not exists (`,
    `and false and not exists (`,
  ),
  one(
    'gateway',
    'a published notice outdates nothing',
    'where material and published_at <= $1::timestamptz group by',
    'where false and published_at <= $1::timestamptz group by',
  ),
  one('gateway', 'there is no last look', 'is not true) ended', 'is not true and false) ended'),
  one(
    'gateway',
    'a withdrawal is not told to the registry',
    `where l.seq is null
     on conflict (subject_id, authorisation_id, seq) do nothing`,
    `where l.seq is null and e.type <> 'withdrawn'
     on conflict (subject_id, authorisation_id, seq) do nothing`,
  ),
  one(
    'gateway',
    'what went goes again',
    `f.outcome in ('accepted', 'unchanged', 'rejected')`,
    `f.outcome = 'rejected'`,
  ),
  one(
    'gateway',
    'a hand-over is not counted as use',
    `where h.handover_id = $1::uuid and h.withheld_since is null
       and (a.fetch_type`,
    `where h.handover_id = $1::uuid and h.withheld_since is null and false
       and (a.fetch_type`,
  ),
  { fault: 'no approval is checked at the registry', side: 'registry', edits: CREDULOUS },
  one(
    'registry',
    'a submission is not counted as use',
    'from unnest($3::uuid[], $4::uuid[]) u (subject_id, authorisation_id)',
    'from unnest($3::uuid[], $4::uuid[]) u (subject_id, authorisation_id) where false',
  ),
  one(
    'registry',
    'a withdrawal has no effect on what is held',
    EFFECT,
    EFFECT.replace(
      'values ($1, $2, $3, $4, $5)',
      'select $1::uuid, $2::uuid, $3::text, $4::boolean, $5::timestamptz where false',
    ),
  ),
  one('registry', 'what is restricted is shown', `w.effect <> 'STOP_NEW'`, `w.effect = ''`),
  one(
    'registry',
    'what is to be erased stays',
    'd.account_id = n.account_id and d.period = n.period',
    'd.account_id = n.account_id and d.period = n.period and false',
  ),
  one(
    'registry',
    'what another approval covers is hidden and erased',
    'a.provider_id = k.furnisher_id and',
    'a.provider_id = k.furnisher_id and false and',
  ),
  one(
    'registry',
    'late months have no clock',
    'n.days_past_due > 0 and $15::jsonb is not null',
    'false and $15::jsonb is not null',
  ),
  one('registry', 'what is obsolete is shown', '(n.days_past_due = 0\n    or (', '(true\n    or ('),
  one(
    'registry',
    'what was erased is a gap',
    'where x.subject_id = l.subject_id and w.provider_id = $2::uuid',
    'where x.subject_id = l.subject_id and w.provider_id = $2::uuid and false',
  ),
];
