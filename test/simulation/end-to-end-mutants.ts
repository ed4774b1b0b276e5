/**
 * Deliberate faults of the programs that the end-to-end level must find: in the hand-over, in the
 * registry's intake, and in what an end does to what is held.
 *
 * What must stay true: as in `mutants.ts`, an edit that changes no statement is an error.
 */
import { AUTHORISATION_CHECKS, ROW_CHECKS } from '../../src/authorisation/check.ts';
import { type Mutant, mutated } from './mutants.ts';
import type { World } from './world.ts';

/** Several edits that are one fault. */
export interface Fault {
  readonly fault: string;
  readonly side: 'gateway' | 'registry';
  /** A batch that finds it soon. */
  readonly seed: number;
  readonly edits: readonly Mutant[];
}

const one = (
  side: Fault['side'],
  seed: number,
  fault: string,
  from: string,
  to: string,
): Fault => ({
  ...{ fault, side, seed },
  edits: [{ fault, from, to }],
});

/** A fault that is in the programs of a world. */
export interface PutIn {
  /** Statements that it changed so far. */
  readonly edits: () => number;
  readonly takeOut: () => void;
}

export function putIn({ stores }: World, { side, edits }: Fault): PutIn {
  const faulty = (side === 'registry' ? [stores.registry] : stores.gateways).map((store) => {
    const healthy = store.current;
    const db = mutated(healthy, edits);
    store.current = db;
    return { store, healthy, db };
  });
  return {
    edits: () => faulty.reduce((sum, { db }) => sum + db.edits(), 0),
    takeOut: () => {
      for (const { store, healthy } of faulty) store.current = healthy;
    },
  };
}

/** The registry believes whatever it is sent. */
const CREDULOUS: readonly Mutant[] = [...ROW_CHECKS, ...AUTHORISATION_CHECKS].map(
  ({ name, sql }) => {
    const check = `(${sql.replaceAll('{authorisations}', 'authorisation')})`;
    return { fault: name, from: check, to: `(${check} or true)` };
  },
);

const EFFECT = `insert into authorisation_effect (subject_id, authorisation_id, effect, by_subject, since)
       values ($1, $2, $3, $4, $5)`;

/** What was used of one approval counts for the one that was narrowed to. */
const CARRIED = 'join authorisation_use u on u.subject_id = t.subject_id and u.authorisation_id';

/** Faults of renewals, deaths and published notices. */
const OF_LIVES: readonly Fault[] = [
  one(
    'registry',
    5,
    'a withdrawal of what was renewed leaves the renewal',
    `and authorisation_id <> $3 and provider_id = $4 and state in`,
    `and authorisation_id <> $3 and provider_id = $4 and false and state in`,
  ),
  one(
    'gateway',
    1,
    'a published notice outdates nothing',
    'where material and published_at <= $1::timestamptz group by',
    'where false and published_at <= $1::timestamptz group by',
  ),
  one(
    'gateway',
    4,
    'a change of words outdates',
    'where material and published',
    'where published',
  ),
  one(
    'gateway',
    8,
    'a death ends nothing',
    'where d.subject_id = $1::uuid',
    'where $1::uuid is null',
  ),
  one(
    'gateway',
    10,
    'the dead are asked',
    'on d.subject_id = t.subject_id and d.mistaken_at is null',
    'on d.subject_id = t.subject_id and false',
  ),
  one(
    'gateway',
    2,
    'a ward stays a ward',
    `and f.at < c.adult_from::timestamp at time zone 'UTC'`,
    'and false',
  ),
];

/** Faults of looks and of webhooks. */
const OF_LOOKS: readonly Fault[] = [
  one(
    'registry',
    3,
    'an enquiry is not counted as use',
    `where use_id is not null
    on conflict`,
    `where false
    on conflict`,
  ),
  one(
    'registry',
    3,
    'a permit is not counted as use',
    'values ($1, $2, $3, $4) on conflict (subject_id, authorisation_id, use_id) do nothing',
    'select $1::uuid, $2::uuid, $3::uuid, $4::timestamptz where false',
  ),
  one(
    'registry',
    6,
    'nobody is knocked at',
    `w.participant_id = $2 and w.state = 'enabled'`,
    `w.participant_id = $2 and false`,
  ),
  one(
    'gateway',
    5,
    'the same knock is heard twice',
    'on conflict (webhook_id) do nothing',
    'on conflict (webhook_id) do update set seen_at = excluded.seen_at',
  ),
  one(
    'gateway',
    2,
    'a narrowed approval is used anew',
    CARRIED,
    CARRIED.replace('on u.', 'on false and u.'),
  ),
];

/** A batch that finds that the feed comes empty. */
export const EMPTY_FEED = 5;

export const FAULTS: readonly Fault[] = [
  ...OF_LIVES,
  ...OF_LOOKS,
  one('gateway', 11, 'there is no last look', 'is not true) ended', 'is not true and false) ended'),
  one(
    'gateway',
    4,
    'a withdrawal is not told to the registry',
    `where l.seq is null
     on conflict (subject_id, authorisation_id, seq) do nothing`,
    `where l.seq is null and e.type <> 'withdrawn'
     on conflict (subject_id, authorisation_id, seq) do nothing`,
  ),
  one(
    'gateway',
    9,
    'a withdrawal of what only the lender knows stays there',
    `and a.state = 'superseded' and not exists (`,
    `and a.state = 'superseded' and false and not exists (`,
  ),
  one(
    'gateway',
    5,
    'what went goes again',
    `f.outcome in ('accepted', 'unchanged', 'rejected')`,
    `f.outcome = 'rejected'`,
  ),
  one(
    'gateway',
    5,
    'months that went before a pause are forgotten',
    'e.account_id = d.account_id and e.first_period < $2::date',
    'e.account_id = d.account_id and false',
  ),
  one(
    'gateway',
    5,
    'a hand-over is not counted as use',
    `where h.handover_id = $1::uuid and h.withheld_since is null
       and (a.fetch_type`,
    `where h.handover_id = $1::uuid and h.withheld_since is null and false
       and (a.fetch_type`,
  ),
  {
    ...{ fault: 'no approval is checked at the registry', side: 'registry' },
    seed: 4,
    edits: CREDULOUS,
  },
  one(
    'registry',
    5,
    'a submission is not counted as use',
    'from unnest($3::uuid[], $4::uuid[]) u (subject_id, authorisation_id)',
    'from unnest($3::uuid[], $4::uuid[]) u (subject_id, authorisation_id) where false',
  ),
  one(
    'registry',
    3,
    'a withdrawal has no effect on what is held',
    EFFECT,
    EFFECT.replace(
      'values ($1, $2, $3, $4, $5)',
      'select $1::uuid, $2::uuid, $3::text, $4::boolean, $5::timestamptz where false',
    ),
  ),
  one('registry', 2, 'what is restricted is shown', `w.effect <> 'STOP_NEW'`, `w.effect = ''`),
  one(
    'registry',
    4,
    'what is to be erased stays',
    'd.account_id = n.account_id and d.period = n.period',
    'd.account_id = n.account_id and d.period = n.period and false',
  ),
  one(
    'registry',
    4,
    'what another approval covers is hidden and erased',
    'a.provider_id = k.furnisher_id and',
    'a.provider_id = k.furnisher_id and false and',
  ),
  one(
    'registry',
    5,
    'late months have no clock',
    'n.days_past_due > 0 and $15::jsonb is not null',
    'false and $15::jsonb is not null',
  ),
  one(
    'registry',
    3,
    'what is obsolete is shown',
    '(n.days_past_due = 0\n    or (',
    '(true\n    or (',
  ),
  one(
    'registry',
    4,
    'what was erased is a gap',
    'where x.subject_id = l.subject_id and w.provider_id = $2::uuid',
    'where x.subject_id = l.subject_id and w.provider_id = $2::uuid and false',
  ),
];
