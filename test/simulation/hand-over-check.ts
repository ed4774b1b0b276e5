/**
 * A hand-over that ended, row by row against the oracle: what was decided, what left, what the
 * registry made of it, and whether every count adds up.
 */
import type { Receipt } from '../../src/wire/part.ts';
import { checkSwept, fail } from './knowledge.ts';
import {
  type Account,
  type Answer,
  type BookMonth,
  givenAt,
  type Known,
  type Ledger,
  type Side,
  wasGiven,
} from './ledger.ts';
import { covers, judge, type Law, type Row, type Scene } from './oracle.ts';
import type { World } from './world.ts';

/** Moments at which a hand-over was looked at, from its requests. */
export interface Moments {
  /** When the parts were planned, last: a completed one plans nothing. */
  planned: string;
  /** When the newest part of each number was cut. */
  readonly cut: Map<number, string>;
  /** When the registry was told that all is there; it judges then or later. */
  completed: string;
}

export interface Case {
  readonly world: World;
  readonly side: 0 | 1;
  readonly ledger: Ledger;
  readonly moments: ReadonlyMap<string, Moments>;
  /** Another hand-over ran beside this one: its uses may or may not have come first. */
  readonly beside: readonly string[];
  /** The lender's gate lets everything through: what left is wrong, what is stored must not be. */
  readonly isDishonest: boolean;
}

interface Handover {
  readonly handover_id: string;
  readonly period: string;
  readonly decided_at: Date;
  readonly in_scope: number;
  readonly already_handed_over: number;
  readonly released: number;
  readonly withheld: Record<string, number>;
  readonly receipt: string | null;
}

interface Listed {
  readonly account_ref: string;
  readonly revision: number;
  readonly row_number: number;
  readonly authorisation_id: string;
  readonly withheld_since: string | null;
  readonly outcome: string | null;
}

interface Judged {
  readonly account: Account;
  readonly month: BookMonth;
  readonly row: Row;
}

const isLimited = ({ record }: Answer) =>
  record.limits.fetch === 'ONETIME' || record.limits.frequency !== null;

export interface Compared {
  /** Rows of the book. */
  rows: number;
  /** Those kept back between the decision and their leaving. */
  late: number;
  /** How each row that went ended. */
  readonly outcomes: string[];
  /** What the registry took, in the order of the hand-overs. */
  readonly stored: Stored[];
}

/** Checks every hand-over of one side that ended since the last call. */
export async function checkHandovers(each: Case): Promise<Compared> {
  const { rows } = await each.world.gateways[each.side].db.query<Handover>(
    `select handover_id, to_char(period, 'YYYY-MM') as period, decided_at, in_scope,
       already_handed_over, released, withheld, receipt
     from handover where state = 'received'`,
  );
  // Of two side by side the registry judged first what was complete first.
  const orderOf = ({ handover_id, decided_at }: Handover) =>
    each.moments.get(handover_id)?.completed ?? decided_at.toISOString();
  const compared: Compared = { rows: 0, late: 0, outcomes: [], stored: [] };
  const fresh = rows
    .filter((row) => !each.ledger.checked.has(row.handover_id))
    .sort((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
  for (const handover of fresh) {
    each.ledger.checked.add(handover.handover_id);
    await checkOne(each, handover, compared);
  }
  return compared;
}

async function checkOne(each: Case, handover: Handover, compared: Compared): Promise<void> {
  const { ledger, world, side } = each;
  const { rows: listed } = await world.gateways[side].db.query<Listed>(
    `select k.account_ref, h.revision, h.row_number::int as row_number, h.authorisation_id,
       h.withheld_since, case when h.withheld_since is null then coalesce((
         select f.outcome from handover_fault f where f.handover_id = $1 and f.kind = 'month'
           and f.row_number = h.line and f.outcome <> 'accepted' limit 1), 'accepted') end as outcome
     from (select *, row_number() over (partition by withheld_since is null order by row_number)
             as line from handover_row where handover_id = $1) h
     join account k on k.account_id = h.account_id
     order by h.row_number`,
    [handover.handover_id],
  );
  const byAccount = new Map(listed.map((row) => [row.account_ref, row]));
  if (byAccount.size !== listed.length) fail('a row is listed twice', { handover });
  const judged = ledger.rows(handover.period).map((account): Judged => {
    const months = ledger.months(account.ref, handover.period);
    const revision = byAccount.get(account.ref)?.revision;
    const month = months.find((one) => one.revision === revision) ?? months.at(-1);
    if (!month) throw new Error('a row without a month');
    const age = world.gateways[side].profile?.adult_age ?? 18;
    return { account, month, row: ledger.row(account, handover.period, month, age) };
  });
  if (!each.isDishonest) checkDecision(each, handover, judged, byAccount);
  await checkPreceding(each, handover);
  const going = await checkLast(each, handover, judged, byAccount);
  await checkUses(each, handover, going, 'gateway');
  compared.rows += judged.length;
  compared.late += listed.length - going.length;
  if (handover.receipt === null) return; // Nothing was to go.
  await checkRegistry(each, handover, going, compared);
}

/**
 * What each row says of the months before it, by every month that was furnished until it was
 * decided. Of two hand-overs side by side, whose receipts came in between is not known.
 */
async function checkPreceding({ world, side, beside }: Case, handover: Handover): Promise<void> {
  if (beside.length > 0) return;
  const { rows } = await world.gateways[side].db.query<object>(
    `select h.row_number, h.preceding, b.months
     from handover_row h cross join lateral (
       select array_agg(f.period) as months, max(f.period) as last from furnished_month f
       join handover o on o.handover_id = f.handover_id and o.ended_at <= $3::timestamptz
       where f.account_id = h.account_id and f.period < $2::date
         and f.outcome in ('accepted', 'unchanged')) b
     where h.handover_id = $1::uuid and h.preceding <> case when b.last is null then 'first'
       when b.last = $2::date - interval '1 month' then 'furnished' else 'withheld' end`,
    [handover.handover_id, `${handover.period}-01`, handover.decided_at],
  );
  if (rows.length > 0)
    fail('a row says the wrong thing of the months before it', { handover, rows });
}

function sceneAt(each: Case, now: string, use_id: string, side: Side): Scene {
  const { world, ledger } = each;
  const { profile } = side === 'gateway' ? world.gateways[each.side] : world.registry;
  // Only the lender knows which notices it published.
  const notices = side === 'gateway' ? ledger.noticesAt(now, world.notices) : world.notices;
  return {
    now,
    use_id,
    provider_id: ledger.furnisher_id,
    law: profile as Law | null,
    notices,
  };
}

/** What was decided when it was decided, and the counts of it. */
function checkDecision(
  each: Case,
  handover: Handover,
  judged: readonly Judged[],
  listed: ReadonlyMap<string, Listed>,
): void {
  const { ledger } = each;
  const scene = sceneAt(each, handover.decided_at.toISOString(), handover.handover_id, 'gateway');
  checkSwept(each, scene.now);
  let [uncovered, already] = [0, 0];
  const possible: Record<string, number> = {};
  for (const { account, month, row } of judged) {
    const approvals = ledger.approvals(account.person, 'gateway');
    const without = judge(approvals, row, scene);
    const beside = approvals.map((approval) => ({
      ...approval,
      uses: [...approval.uses, ...each.beside.map((use_id) => ({ use_id, used_at: scene.now }))],
    }));
    const within = each.beside.length === 0 ? without : judge(beside, row, scene);
    const isListed = listed.has(account.ref);
    const before = ledger.outcomes.get(`${account.ref} ${handover.period} ${month.revision}`);
    const isKnown = ['accepted', 'unchanged', 'rejected'].includes(before ?? '');
    const facts = { handover, row, month, without, within, before, approvals };
    if (isListed && without.covering.length === 0) fail('listed, though nothing covers it', facts);
    if (isListed && isKnown) fail('listed, though it went before', facts);
    if (!isListed && within.covering.length > 0 && !isKnown)
      fail('withheld, though it is covered', facts);
    if (isListed) continue;
    if (isKnown && within.covering.length > 0) already += 1;
    else if (within.covering.length === 0) uncovered += 1;
    for (const reason of new Set([...without.reasons, ...within.reasons]))
      possible[reason] = (possible[reason] ?? 0) + 1;
  }
  const withheld = Object.values(handover.withheld).reduce((sum, n) => sum + n, 0);
  const facts = { handover, uncovered, already, possible, listed: listed.size };
  if (handover.in_scope !== judged.length) fail('not every row of the book is in scope', facts);
  if (handover.released !== listed.size) fail('released is not what is listed', facts);
  if (withheld + handover.already_handed_over + handover.released !== handover.in_scope)
    fail('the counts do not add up', facts);
  if (each.beside.length === 0 && withheld !== uncovered) fail('withheld is miscounted', facts);
  for (const [reason, n] of Object.entries(handover.withheld))
    if (n > (possible[reason] ?? 0)) fail(`${reason} is given more often than it is true`, facts);
}

interface Going extends Judged {
  readonly listed: Listed;
  readonly answer: Answer;
}

/** When the part was cut in which each line travelled. */
async function cutAt({ world, side }: Case, id: string, moments: Moments) {
  const { rows } = await world.gateways[side].db.query<{ part_number: number; rows: number }>(
    `select part_number, rows from handover_part where handover_id = $1 and kind = 'month'
     order by part_number`,
    [id],
  );
  return rows.flatMap((part) =>
    Array.from({ length: part.rows }, () => moments.cut.get(part.part_number) ?? moments.planned),
  );
}

/** What was still covered when its part was cut, and nothing else, left. */
async function checkLast(
  each: Case,
  handover: Handover,
  judged: readonly Judged[],
  listed: ReadonlyMap<string, Listed>,
): Promise<Going[]> {
  const { ledger } = each;
  const id = handover.handover_id;
  const moments = each.moments.get(id);
  if (listed.size === 0) return [];
  if (!moments) fail('a hand-over without a request', { handover });
  const cut = await cutAt(each, id, moments);
  const going: Going[] = [];
  const lines = judged
    .flatMap((one) => {
      const line = listed.get(one.account.ref);
      return line ? [{ ...one, line }] : [];
    })
    .sort((left, right) => left.line.row_number - right.line.row_number);
  for (const { line, ...one } of lines) {
    const approvals = ledger.approvals(one.account.person, 'gateway');
    const at = (now: string) => sceneAt(each, now, id, 'gateway');
    const under = (now: string) => covers(line.authorisation_id, approvals, one.row, at(now));
    const planned = judge(approvals, one.row, at(moments.planned));
    const facts = { handover, line, row: one.row, moments, cuts: [...moments.cut], approvals };
    if (line.withheld_since === null) {
      const last = under(cut[going.length] ?? moments.planned);
      if (!last.covered && !each.isDishonest)
        fail('left, though nothing covered it any more', { ...facts, last });
      going.push({ ...one, listed: line, answer: ledger.answer(line.authorisation_id) });
      continue;
    }
    // A part of which nothing was left was cut, but never sent: at the completion at the latest.
    const looks = [...moments.cut.values(), moments.completed];
    const isThroughout = planned.covering.length > 0 && looks.every((now) => under(now).covered);
    if (!each.isDishonest && isThroughout)
      fail('kept back, though it was covered throughout', facts);
  }
  if (cut.length !== going.length) fail('not every line left in a part', { handover, cut, going });
  return going;
}

/** Those that count an approval's uses as theirs: nobody answered anew. */
function heirsOf(ledger: Ledger, answer: Answer, whose: Side): Answer[] {
  const heirs = ledger.answers.filter(
    (each) => each.before === answer && !each.anew && wasGiven(each, whose),
  );
  return heirs.flatMap((heir) => [heir, ...heirsOf(ledger, heir, whose)]);
}

/** Exactly the approvals with a limit, of the rows that went (or were stored), were used once. */
async function checkUses(
  { world, side, ledger, isDishonest }: Case,
  handover: Handover,
  went: readonly Going[],
  whose: Side,
): Promise<void> {
  const db = whose === 'gateway' ? world.gateways[side].db : world.registry.db;
  const { rows } = await db.query<{ authorisation_id: string; used_at: Date }>(
    'select authorisation_id, used_at from authorisation_use where use_id = $1',
    [handover.handover_id],
  );
  const limited = [
    ...new Set(went.map(({ listed }) => ledger.answer(listed.authorisation_id)).filter(isLimited)),
  ];
  const used = new Set(limited.map(({ record }) => record.authorisation_id));
  const carried = limited.flatMap((answer) => heirsOf(ledger, answer, whose));
  // An open gate uses what was superseded before: what took its place has nothing of that.
  const heirs = isDishonest && whose === 'gateway' ? [] : carried;
  const expected = new Set([...used, ...heirs.map(({ record }) => record.authorisation_id)]);
  const ids = new Set(carried.map(({ record }) => record.authorisation_id));
  const found = rows
    .map((row) => row.authorisation_id)
    .filter((id) => expected.has(id) || !ids.has(id));
  if (found.length !== expected.size || found.some((id) => !expected.has(id)))
    fail(`uses counted at the ${whose} are not those made`, {
      handover,
      found,
      expected: [...expected],
    });
  for (const row of rows.filter(({ authorisation_id }) => used.has(authorisation_id))) {
    const used_at = row.used_at.toISOString();
    ledger.answer(row.authorisation_id).uses[whose].push({ use_id: handover.handover_id, used_at });
  }
}

export interface Stored {
  readonly going: Going;
  readonly period: string;
  /** When its part was processed. */
  readonly at: string;
}

/** When the registry processed each month part, and its last line. */
async function processed({ world }: Case, id: string) {
  const { rows } = await world.registry.db.query<{ at: Date; rows: number }>(
    `select processed_at as at, (counts ->> 'declared')::int as rows from submission_part
     where submission_id = $1 and kind = 'month' order by part_number`,
    [id],
  );
  let last = 0;
  return rows.map((part) => {
    last += part.rows;
    return { at: part.at.toISOString(), last };
  });
}

/**
 * A row came without its approval: the registry did not take it, which it may only refuse because
 * something happened there to the one in whose place it comes, or because the lender told it
 * meanwhile, in the name of that one, that the person has withdrawn.
 */
function checkUntaken({ ledger }: Case, answer: Answer, at: string): void {
  const given = givenAt(answer);
  for (let old = answer.before; old !== null; old = old.before) {
    const there = old.known.registry.filter((each) => each.recorded_at <= at);
    // What the lender made by its own hand of what had ended there is refused as well.
    const isAfter = (each: Known) => each.at > given || !answer.anew;
    const isEnd = (each: Known) => each.by === 'registry' || each.type === 'withdrawn';
    if (there.some((each) => isAfter(each) && isEnd(each))) return;
  }
  fail('an approval did not arrive with its rows', { answer, at, ledger: ledger.furnisher_id });
}

/** What the registry made of each row that went; @returns what it must hold of it now. */
async function checkRegistry(
  each: Case,
  handover: Handover,
  going: readonly Going[],
  compared: Compared,
): Promise<void> {
  const { world, ledger } = each;
  const isPrior = world.registry.profile?.adverse_notice === 'prior';
  const parts = await processed(each, handover.handover_id);
  const completed = each.moments.get(handover.handover_id)?.completed ?? '';
  const accepted: Stored[] = [];
  for (const [index, one] of going.entries()) {
    const { account, month, row, listed } = one;
    const at = parts.find((part) => part.last > index)?.at ?? '';
    if (at < completed) fail('judged before it was complete', { handover, at, completed });
    const scene = sceneAt(each, at, handover.handover_id, 'registry');
    const approvals = ledger.approvals(account.person, 'registry');
    // The registry has no birth date of a person that it may look at here.
    const verdict = covers(listed.authorisation_id, approvals, { ...row, adult_from: null }, scene);
    if (!approvals.some(({ terms }) => terms.authorisation_id === listed.authorisation_id))
      checkUntaken(each, one.answer, at);
    const isHeld = isPrior && month.days_past_due > 0 && !month.told;
    const expected = !verdict.covered ? 'refused' : isHeld ? 'held' : 'accepted';
    const facts = { handover, listed, row, month, verdict, expected, scene, approvals };
    if (listed.outcome !== expected)
      fail(`${listed.outcome} at the registry, not ${expected}`, facts);
    if (expected === 'accepted') accepted.push({ going: one, period: handover.period, at });
    compared.outcomes.push(expected);
    ledger.outcomes.set(`${account.ref} ${handover.period} ${month.revision}`, expected);
  }
  await checkUses(
    each,
    handover,
    accepted.map((stored) => stored.going),
    'registry',
  );
  checkReceiptCounts(handover, going, accepted.length);
  compared.stored.push(...accepted);
}

function checkReceiptCounts(handover: Handover, going: readonly Going[], accepted: number): void {
  const payload = Buffer.from(handover.receipt?.split('.')[1] ?? '', 'base64url').toString();
  const receipt = JSON.parse(payload) as Receipt;
  const { month } = receipt.outcomes;
  const facts = { handover, month, going: going.length, accepted };
  if (month.declared !== going.length) fail('the receipt answers other rows', facts);
  if (month.accepted !== accepted) fail('the receipt counts what is not stored', facts);
  if (receipt.merkle.size !== accepted) fail('the tree of the receipt has other rows', facts);
}
