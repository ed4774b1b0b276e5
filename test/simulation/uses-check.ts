/**
 * The uses that each side has counted, of every approval, held against those that were made.
 *
 * What must stay true: of a furnisher's approvals both sides are looked at, of leave to look the
 * registry; a use of a hand-over that has not ended is nobody's yet. Source: the Account
 * Aggregator cases 2017 and 2018; docs/LIFE_CYCLE.md (the arrangement goes on).
 */
import type { Run } from './hand-over-steps.ts';
import { fail } from './knowledge.ts';
import { approvalOf, type Ledger, type Person, type Use, wasGiven } from './ledger.ts';
import { approvalOf as leaveOf } from './look-steps.ts';
import type { World } from './world.ts';

interface Counted {
  readonly authorisation_id: string;
  readonly use_id: string;
}

async function countedBy(db: World['registry']['db'], provider_id: string) {
  const { rows } = await db.query<Counted>(
    `select u.authorisation_id, u.use_id from authorisation_use u
     join authorisation a on a.subject_id = u.subject_id and a.authorisation_id = u.authorisation_id
     where a.provider_id = $1`,
    [provider_id],
  );
  return rows;
}

const textOf = ({ authorisation_id, use_id }: Counted) => `${authorisation_id} by ${use_id}`;

/** What was used, and how often by rights. */
interface Used {
  readonly record: { readonly authorisation_id: string };
  readonly person: Person;
}

function compare<T extends Used>(
  whose: string,
  counted: readonly Counted[],
  answers: readonly T[],
  usesOf: (answer: T) => readonly Use[],
): void {
  const made = answers.flatMap((each) =>
    usesOf(each).map(({ use_id }) => ({ ...each.record, use_id })),
  );
  const [found, expected] = [counted, made].map((list) => new Set(list.map(textOf)));
  const extra = [...(found ?? [])].filter((each) => !expected?.has(each));
  const missing = [...(expected ?? [])].filter((each) => !found?.has(each));
  const [first] = [...extra, ...missing];
  if (first === undefined) return;
  const answer = answers.find(({ record }) => first.startsWith(record.authorisation_id));
  fail(`the ${whose} counts other uses than were made`, { extra, missing, answer });
}

/**
 * Those of hand-overs that ended, own or of the one before where nobody answered anew. A lender
 * whose gate is open uses what it may not, in any order: there the registry alone is looked at.
 */
export async function checkUsesCounted(
  world: World,
  side: 0 | 1,
  ledger: Ledger,
  isDishonest: boolean,
): Promise<void> {
  for (const whose of ['gateway', 'registry'] as const) {
    if (isDishonest && whose === 'gateway') continue;
    const { db } = whose === 'gateway' ? world.gateways[side] : world.registry;
    const counted = await countedBy(db, ledger.furnisher_id);
    compare(
      whose,
      counted.filter(({ use_id }) => ledger.checked.has(use_id)),
      ledger.answers.filter((each) => wasGiven(each, whose)),
      (each) => approvalOf(each, whose).uses,
    );
  }
}

/** Each look that was let through is one use of the leave it was under. */
export async function checkLookUses({ world, looks }: Run): Promise<void> {
  const { db, registry_id } = world.registry;
  const counted = await countedBy(db, registry_id);
  compare('registry', counted, looks, (each) => leaveOf(each).uses);
}
