/**
 * What the registry holds and shows, row by row against the oracle of the file: nothing stored
 * that came under no approval, nothing left of what an end erases, nothing shown that an end
 * hides, and nothing missing beside that.
 *
 * What must stay true: ends and stored rows are taken in the order of their moments, ends first;
 * what is compared is all that the registry holds of a lender, never a sample.
 */
import { readFile } from '../../src/registry/files.ts';
import {
  type FileScene,
  type Held,
  incompleteSince,
  isErased,
  isShown,
  settledClock,
} from './file-oracle.ts';
import type { Stored } from './hand-over-check.ts';
import { fail } from './knowledge.ts';
import { type Answer, approvalOf, type Ledger, type Person } from './ledger.ts';
import type { ShownAccount } from './look-oracle.ts';
import { stateAt } from './oracle.ts';
import type { World } from './world.ts';

const NOBODY = '00000000-0000-4000-8000-0000000000ff';

export function sceneAt(world: World, ledger: Ledger, now: string): FileScene {
  const { profile } = world.registry;
  if (!profile) throw new Error('the registry of an episode has a profile');
  return {
    now,
    use_id: NOBODY,
    provider_id: ledger.furnisher_id,
    law: profile,
    notices: world.notices,
    keeping: profile,
  };
}

/** The registry learned of something: what it must let go of. */
function letGo(world: World, ledger: Ledger, ended: Answer, now: string): void {
  const scene = sceneAt(world, ledger, now);
  // All at once: what goes first must not shorten the clock of what is asked about next.
  const doomed = [...ledger.held].filter(([, month]) => {
    const account = ledger.accounts.find(({ ref }) => ref === month.account);
    if (account?.person !== ended.person) return false;
    // What was stored in the same moment came after it.
    const all = ledger.approvals(ended.person, 'registry').map((approval) => ({
      ...approval,
      uses: approval.uses.filter((use) => use.used_at < now),
    }));
    return isErased(month, approvalOf(ended, 'registry'), ledger.heldOf(month.account), all, scene);
  });
  const gone = new Set(doomed.map(([key]) => key));
  const emptied = new Set(doomed.map(([, { account }]) => account));
  const kept = [...ledger.held].flatMap(([key, month]): [string, Held][] => {
    if (gone.has(key) || !emptied.has(month.account) || month.kept_clock) return [];
    const { from } = scene.keeping.adverse_retention;
    const start = settledClock(month, ledger.heldOf(month.account), from);
    return start === undefined ? [] : [[key, { ...month, kept_clock: start }]];
  });
  for (const [key, month] of kept) ledger.held.set(key, month);
  for (const key of gone) ledger.held.delete(key);
}

function keep(ledger: Ledger, { going, period }: Stored): void {
  const { account, month, listed } = going;
  const key = `${account.ref} ${period}`;
  ledger.stored.add(account.ref);
  const before = ledger.held.get(key);
  const { revision, days_past_due, open } = month;
  const fresh = { revision, days_past_due, open, authorisation_id: listed.authorisation_id };
  ledger.held.set(key, {
    ...(before?.kept_clock ? { kept_clock: before.kept_clock } : {}),
    account: account.ref,
    kind: account.kind,
    period,
    revisions: [...(before?.revisions ?? []), fresh].sort((a, b) => a.revision - b.revision),
  });
}

/**
 * What the registry learned of since the last call, with the moment, as far as it changed
 * something: an end is made once (docs/FEED.md), and told again it erases nothing more.
 */
function newEnds(ledger: Ledger): { answer: Answer; at: string }[] {
  return ledger.answers.flatMap((answer) => {
    const { registry } = answer.known;
    const seen = ledger.settled.get(answer) ?? 0;
    ledger.settled.set(answer, registry.length);
    const stateAfter = (n: number, at: string) => {
      const known = { ...answer.known, registry: registry.slice(0, n) };
      return stateAt(approvalOf({ ...answer, known }, 'registry'), at);
    };
    return registry.flatMap(({ recorded_at: at }, n) =>
      n >= seen && stateAfter(n, at) !== stateAfter(n + 1, at) ? [{ answer, at }] : [],
    );
  });
}

interface Row {
  readonly account_id: string;
  readonly account_ref: string;
  readonly period: string;
  readonly revision: number;
  readonly authorisation_id: string;
}

async function storedRows(world: World, side: 0 | 1): Promise<Row[]> {
  const gateway = world.gateways[side];
  const { rows } = await world.registry.db.query<Row>(
    `select m.account_id, r.account_ref, to_char(m.period, 'YYYY-MM') as period, m.revision,
       m.authorisation_id
     from account_month m join account_locator r on r.account_id = m.account_id
     where r.furnisher_id = $1`,
    [gateway.furnisher_id],
  );
  const known = await gateway.db.query<{ account_id: string; account_ref: string }>(
    'select account_id, account_ref from account',
  );
  const refs = new Map(known.rows.map((row) => [row.account_id, row.account_ref]));
  return rows.map((row) => ({ ...row, account_ref: refs.get(row.account_ref) ?? '' }));
}

/** Everything that the registry holds of a lender; @returns rows compared. */
export async function checkHeld(
  world: World,
  side: 0 | 1,
  ledger: Ledger,
  stored: readonly Stored[],
): Promise<number> {
  const changes = [
    ...newEnds(ledger).map(({ answer, at }) => ({
      at,
      make: () => letGo(world, ledger, answer, at),
    })),
    ...stored.map((each) => ({ at: each.at, make: () => keep(ledger, each) })),
  ].sort((left, right) => (left.at < right.at ? -1 : left.at > right.at ? 1 : 0));
  for (const { make } of changes) make();
  const text = (row: Omit<Row, 'account_id'>) =>
    `${row.account_ref} ${row.period} ${row.revision} ${row.authorisation_id}`;
  const rows = await storedRows(world, side);
  const found = rows.map(text);
  const expected = [...ledger.held.values()].flatMap(({ account, period, revisions }) =>
    revisions.map((each) => text({ account_ref: account, period, ...each })),
  );
  const extra = found.filter((each) => !expected.includes(each));
  const missing = expected.filter((each) => !found.includes(each));
  if (extra.length > 0 || missing.length > 0 || found.length !== expected.length) {
    const id = [...extra, ...missing][0]?.split(' ')[3] ?? '';
    fail('the registry holds other rows than it must', {
      account: [...extra, ...missing][0]?.split(' ')[0],
      extra,
      missing,
      answer: ledger.answers.find((each) => each.record.authorisation_id === id),
      now: world.clock,
    });
  }
  return found.length;
}

interface ShownMonth {
  readonly period: string;
  readonly revision: number;
  readonly authorisation_id: string;
}

async function lookAt(world: World, person: Person) {
  const number = `E${String(10_000_000 + person.number)}`;
  const sought = { kind: 'passport' as const, country: 'CN', number };
  const look = { participant_id: NOBODY, purpose: 'operator_review', reason: 'simulated' };
  const traces = async () => {
    const { rows } = await world.registry.db.query<{ n: number }>(
      'select count(*) as n from access',
    );
    return rows[0]?.n ?? 0;
  };
  const before = await traces();
  const file = await readFile(world.registry, sought, look).catch(() => null);
  if ((await traces()) - before !== (file ? 1 : 0)) fail('a look without a trace', {});
  return file;
}

/** What may be shown of a person now, by account; those with nothing to show are left out. */
export function shownOf(world: World, ledgers: readonly Ledger[], person: Person): ShownAccount[] {
  return ledgers.flatMap((ledger) => {
    const scene = sceneAt(world, ledger, world.clock);
    const all = ledger.approvals(person, 'registry');
    return ledger.accounts
      .filter((account) => account.person === person)
      .flatMap(({ ref, kind }) => {
        const held = ledger.heldOf(ref);
        const months = held.filter((month) => isShown(month, held, all, scene));
        return months.length > 0 ? [{ ref, kind, months }] : [];
      });
  });
}

/** What a look at one person's file shows; @returns months compared. */
export async function checkShown(
  world: World,
  ledgers: readonly Ledger[],
  person: Person,
): Promise<number> {
  const file = await lookAt(world, person);
  const shown = (file?.accounts ?? []).flatMap((account) =>
    ((account['months'] as ShownMonth[] | null) ?? []).map(
      (month) => `${month.period} ${month.revision} ${month.authorisation_id}`,
    ),
  );
  const expected = shownOf(world, ledgers, person).flatMap(({ months }) => months.map(newest));
  const compared = heldBy(ledgers, person).length;
  const approvals = ledgers.flatMap((ledger) => ledger.approvals(person, 'registry'));
  const facts = { person, shown: shown.sort(), expected: expected.sort(), now: world.clock };
  if (JSON.stringify(shown) !== JSON.stringify(expected))
    fail('shown is not what may be shown', { ...facts, held: heldBy(ledgers, person), approvals });
  const since = file ? incompleteSince(approvals, world.clock) : null;
  if (file && file.incomplete_since !== since)
    fail('the remark is not what it must be', {
      since,
      said: file.incomplete_since,
      approvals,
      person,
    });
  return compared;
}

const newest = ({ period, revisions }: Held) => {
  const last = revisions.at(-1);
  return `${period} ${last?.revision} ${last?.authorisation_id}`;
};

const heldBy = (ledgers: readonly Ledger[], person: Person) =>
  ledgers.flatMap((ledger) =>
    ledger.accounts
      .filter((account) => account.person === person)
      .flatMap((account) => ledger.heldOf(account.ref)),
  );
