/**
 * Steps of people in the level of reports: words and blocks, disputes, accounts that are the fruit
 * of a crime, erasure; and those of the operator, who makes two people one and parts them again.
 *
 * What must stay true: whatever follows a person, an account or an approval follows it in the
 * ledger as it does by the rule, not as the registry moves it.
 */
import { firstDay } from '../../src/model/period.ts';
import { liftBlock, placeBlock } from '../../src/registry/blocks.ts';
import { openDispute, withdrawDispute } from '../../src/registry/disputes.ts';
import { requestErasure } from '../../src/registry/erasures.ts';
import { merge, split, undo } from '../../src/registry/identity-actions.ts';
import { makeStatement, withdrawStatement } from '../../src/registry/statements.ts';
import { decideTheft } from '../../src/registry/theft-blocks.ts';
import { monthsLater } from './oracle.ts';
import { daysLater, type Person } from './report-oracle.ts';
import { accountsOf, anyOf, blocksOf, type Ledger, type Run, type Theft } from './report-scene.ts';
import { endAccount } from './report-steps.ts';
import { OPERATOR } from './world.ts';

const EVIDENCE = Buffer.from('%PDF-1.7 the report of the police');

/** The person says something, or takes it back. */
export async function state(run: Run, person: Person): Promise<void> {
  const { random, registry, ledger, tally } = run;
  const said = ledger.statements.filter(({ owner }) => owner === person);
  const gone = random.chance(0.4) ? anyOf(run, said) : undefined;
  if (gone) {
    await withdrawStatement(registry, person.subject_id, gone.statement_id);
    ledger.statements = ledger.statements.filter((each) => each !== gone);
    return;
  }
  const account = (random.chance(0.5) && anyOf(run, accountsOf(run, person))) || null;
  const text = `说明 ${random.uuid()}`;
  const { statement_id } = await makeStatement(registry, person.subject_id, {
    ...{ account_id: account?.account_id ?? null, language: 'zh', text },
  });
  ledger.statements.push({ statement_id, account, text, owner: person });
  tally.stated += 1;
}

/** The person holds enquirers off, or lets them in again. */
export async function block(run: Run, person: Person): Promise<void> {
  const { random, registry, ledger, law, tally, world } = run;
  const standing = blocksOf(run, person);
  const held = random.chance(0.6) ? anyOf(run, standing) : undefined;
  if (held) {
    await liftBlock(registry, person.subject_id, held.block_id);
    ledger.blocks = ledger.blocks.filter((each) => each !== held);
    tally.blocks_lifted += 1;
    return;
  }
  const kind = random.pick(['freeze', 'fraud_alert', 'credit_ban'] as const);
  const { block_id } = await placeBlock(registry, person.subject_id, { kind, reason: 'other' });
  // The same again changes nothing.
  if (standing.some((each) => each.kind === kind)) return;
  const until = kind === 'fraud_alert' ? monthsLater(world.clock, law.alert_months) : null;
  ledger.blocks.push({ block_id, kind, until, owner: person });
  tally.blocked += 1;
}

/** A field is in dispute, or was: a mark alone, which hides nothing. */
export async function mark(run: Run, person: Person): Promise<void> {
  const { random, registry, tally } = run;
  const account = anyOf(run, accountsOf(run, person));
  const period = account?.months.at(-1)?.period;
  await registry.db.query(
    `insert into claim (subject_id, claim_id, dispute_id, account_id, period, field, state, opened_at)
     values ($1, $2, $2, $3, $4::date, 'balance_minor', $5, $6)`,
    [
      ...[person.subject_id, random.uuid(), account?.account_id ?? null],
      ...[period ? firstDay(period) : null],
      ...[random.pick(['open', 'forwarded', 'verified', 'withdrawn']), registry.now()],
    ],
  );
  tally.claimed += 1;
}

/** "That was not me": an account is said to be somebody else's doing. */
export async function reportTheft(run: Run, person: Person): Promise<void> {
  const { registry, ledger, law, tally, world } = run;
  const free = accountsOf(run, person).filter(
    (each) => !ledger.thefts.some(({ account, state }) => account === each && state !== 'ended'),
  );
  const account = anyOf(run, free);
  if (!account) return;
  const { account_id } = account;
  const { dispute_id } = await openDispute(registry, person.subject_id, {
    claims: [{ field: 'account', account_id, evidence: [EVIDENCE] }],
    ground: 'identity_theft',
  });
  const { days, business } = law.theft_days;
  const due_at = daysLater(world.clock, days, business);
  ledger.thefts.push({ dispute_id, account, due_at, state: 'asked' });
  tally.thefts_asked += 1;
}

/** The operator blocks, declines or lifts; who is declined leaves it at that. */
export async function decide(run: Run): Promise<void> {
  const { random, registry, ledger, tally } = run;
  const theft = anyOf(
    run,
    ledger.thefts.filter(({ state: at }) => at !== 'ended'),
  );
  if (!theft) return;
  const { dispute_id } = theft;
  const by = { dispute_id, reason: 'as found', by_party: OPERATOR };
  const after = async (decision: 'block' | 'decline' | 'lift', at: Theft['state']) => {
    const ground = decision === 'block' ? null : ('error' as const);
    await decideTheft(registry, { ...by, decision, ground });
    theft.state = at;
  };
  tally.thefts_decided += 1;
  if (theft.state === 'blocked') return after('lift', 'ended');
  if (random.chance(0.6)) return after('block', 'blocked');
  await after('decline', 'ended');
  await withdrawDispute(registry, theft.account.owner.subject_id, dispute_id);
}

/** The person withdraws what they can and asks for everything to go. */
export async function askErasure(run: Run, person: Person): Promise<void> {
  const { random, registry, ledger, tally, world } = run;
  for (const account of accountsOf(run, person))
    if (!account.is_ended && random.chance(0.9)) await endAccount(run, account);
  const { due_at } = await requestErasure(registry, person.subject_id, {
    ...{ by_party: OPERATOR, evidence_sha256: 'e'.repeat(64) },
  });
  if (ledger.erasures.some(({ owner }) => owner === person)) return;
  const hours = registry.profile?.erasure_notice_hours ?? 0;
  const due = new Date(Date.parse(world.clock) + hours * 3_600_000).toISOString();
  if (due !== due_at.toISOString()) throw new Error('the notice of an erasure is another');
  ledger.erasures.push({ due_at: due, owner: person });
  tally.erasures_asked += 1;
}

const DECISION = { by_party: OPERATOR, why: 'seen', evidence_sha256: null };

/** Everything that has an owner. */
const owned = ({ ledger }: { ledger: Ledger }): { owner: Person | null }[] => [
  ...[...ledger.accounts, ...ledger.looks, ...ledger.statements, ...ledger.blocks],
  ...[...ledger.issued, ...ledger.enquiries, ...ledger.erasures],
];

/** Two people turn out to be one. */
async function mergeInto(run: Run, from: Person, into: Person): Promise<void> {
  const way = { from_id: from.subject_id, into_id: into.subject_id };
  const event_id = await merge(run.registry, way, DECISION);
  const moved = owned(run).filter(({ owner }) => owner === from);
  for (const each of moved) each.owner = into;
  from.merged_into = into;
  run.merges.set(from, { event_id, moved: new Set(moved) });
  run.tally.merged += 1;
}

/** What is theirs because of an account or an approval of theirs goes with it. */
function followers({ ledger }: Run, moved: ReadonlySet<object>): { owner: Person | null }[] {
  const { statements, issued, enquiries } = ledger;
  return [
    ...statements.filter(({ account }) => account && moved.has(account)),
    ...[...issued, ...enquiries].filter(({ look }) => look && moved.has(look)),
  ];
}

/** They are two after all: undone, or parted by account and approval. */
async function part(run: Run, from: Person, into: Person): Promise<void> {
  const merged = run.merges.get(from);
  if (!merged) throw new Error('nobody was merged');
  const { registry, ledger, tally, random } = run;
  const isUndone = random.chance(0.5);
  const accounts = ledger.accounts.filter((each) => merged.moved.has(each));
  const looks = ledger.looks.filter((each) => merged.moved.has(each));
  if (isUndone) await undo(registry, merged.event_id, DECISION);
  else
    await split(
      registry,
      {
        from_id: into.subject_id,
        to: { subject_id: from.subject_id },
        locators: [],
        account_ids: accounts.map(({ account_id }) => account_id),
        authorisation_ids: [...accounts, ...looks].map((each) => each.authorisation_id),
      },
      DECISION,
    );
  const going = new Set<object>(isUndone ? merged.moved : [...accounts, ...looks]);
  const all = [...followers(run, going), ...owned(run).filter((each) => going.has(each))];
  for (const each of all) each.owner = from;
  from.merged_into = null;
  run.merges.delete(from);
  if (isUndone) tally.merges_undone += 1;
  else tally.split += 1;
}

/** The operator merges the person with another, or parts two who were merged. */
export async function mergeOrPart(run: Run, person: Person): Promise<void> {
  const isMerged = run.people.some(({ merged_into }) => merged_into === person);
  const parted = anyOf(run, [...run.merges.keys()]);
  if (parted?.merged_into && (isMerged || run.random.chance(0.5)))
    return part(run, parted, parted.merged_into);
  const others = run.people.filter(
    (each) =>
      each !== person &&
      !(each.is_erased || each.merged_into || run.merges.has(each)) &&
      !run.people.some(({ merged_into }) => merged_into === each),
  );
  const from = anyOf(run, others);
  if (from) await mergeInto(run, from, person);
}
