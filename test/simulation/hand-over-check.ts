/**
 * A hand-over that ended, row by row against the oracle: what was decided, what left, what the
 * registry made of it, and whether every count adds up.
 */
import type { Receipt } from '../../src/wire/part.ts';
import type { Account, Answer, BookMonth, Ledger } from './ledger.ts';
import { covers, judge, type Law, type Row, type Scene } from './oracle.ts';
import type { World } from './world.ts';

/** Moments at which a hand-over was looked at, from its requests. */
export interface Moments {
  declared: string;
  /** The declaration after which the plan was made: a completed one plans nothing. */
  planned: string;
  /** When the newest part of each kind was cut. */
  readonly cut: Map<string, string>;
  /** Completed: the registry judged. */
  judged: string;
}

export interface Case {
  readonly world: World;
  readonly side: 0 | 1;
  readonly ledger: Ledger;
  readonly moments: ReadonlyMap<string, Moments>;
  /** Another hand-over ran beside this one: its uses may or may not have come first. */
  readonly beside: readonly string[];
}

export function fail(what: string, facts: object): never {
  throw new Error(`${what}\n${JSON.stringify(facts, null, 1)}`);
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
}

/** Checks every hand-over of one side that ended since the last call. */
export async function checkHandovers(each: Case): Promise<Compared> {
  const { rows } = await each.world.gateways[each.side].db.query<Handover>(
    `select handover_id, to_char(period, 'YYYY-MM') as period, decided_at, in_scope,
       already_handed_over, released, withheld, receipt
     from handover where state = 'received' order by ended_at, decided_at, receipt nulls last`,
  );
  const compared: Compared = { rows: 0, late: 0, outcomes: [] };
  const fresh = rows.filter((row) => !each.ledger.checked.has(row.handover_id));
  for (const handover of fresh) {
    each.ledger.checked.add(handover.handover_id);
    await checkOne(each, handover, compared);
  }
  return compared;
}

async function checkOne(each: Case, handover: Handover, compared: Compared): Promise<void> {
  const { ledger, world, side } = each;
  const { rows: listed } = await world.gateways[side].db.query<Listed>(
    `select k.account_ref, h.revision, h.authorisation_id, h.withheld_since, f.outcome
     from handover_row h join account k on k.account_id = h.account_id
     left join furnished_month f on f.handover_id = h.handover_id
       and f.account_id = h.account_id and f.revision = h.revision
     where h.handover_id = $1 order by h.row_number`,
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
  checkDecision(each, handover, judged, byAccount);
  const going = checkLast(each, handover, judged, byAccount);
  await checkUses(each, handover, going, 'gateway', 'authorisation_use');
  compared.rows += judged.length;
  compared.late += listed.length - going.length;
  if (handover.receipt === null) return; // Nothing was to go.
  compared.outcomes.push(...(await checkRegistry(each, handover, going)));
}

function sceneAt(each: Case, now: string, use_id: string, side: 'gateway' | 'registry'): Scene {
  const { world, ledger } = each;
  const { profile } = side === 'gateway' ? world.gateways[each.side] : world.registry;
  return {
    now,
    use_id,
    provider_id: ledger.furnisher_id,
    law: profile as Law | null,
    notices: world.notices,
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

/** What was still covered when its part was cut, and nothing else, left. */
function checkLast(
  each: Case,
  handover: Handover,
  judged: readonly Judged[],
  listed: ReadonlyMap<string, Listed>,
): Going[] {
  const { ledger } = each;
  const id = handover.handover_id;
  const moments = each.moments.get(id);
  if (listed.size > 0 && !moments) fail('a hand-over without a request', { handover });
  const going: Going[] = [];
  for (const one of judged) {
    const line = listed.get(one.account.ref);
    if (!line || !moments) continue;
    const approvals = ledger.approvals(one.account.person, 'gateway');
    const at = (now: string) => sceneAt(each, now, id, 'gateway');
    const planned = judge(approvals, one.row, at(moments.planned));
    // A part of which nothing was left was cut, but never sent: at the completion at the latest.
    const cuts = [...moments.cut.values(), moments.judged].map((now) =>
      covers(line.authorisation_id, approvals, one.row, at(now)),
    );
    const facts = { handover, line, moments: [...moments.cut], planned, cuts, approvals };
    if (line.withheld_since === null) {
      const last = covers(
        line.authorisation_id,
        approvals,
        one.row,
        at(moments.cut.get('month') ?? moments.planned),
      );
      if (!last.covered) fail('left, though nothing covered it any more', facts);
      going.push({ ...one, listed: line, answer: ledger.answer(line.authorisation_id) });
    } else if (planned.covering.length > 0 && cuts.every((cut) => cut.covered)) {
      fail('kept back, though it was covered throughout', facts);
    }
  }
  return going;
}

/** Exactly the approvals with a limit, of the rows that went (or were stored), were used once. */
async function checkUses(
  { world, side, ledger }: Case,
  handover: Handover,
  went: readonly Going[],
  whose: 'gateway' | 'registry',
  table: 'authorisation_use',
): Promise<void> {
  const db = whose === 'gateway' ? world.gateways[side].db : world.registry.db;
  const { rows } = await db.query<{ authorisation_id: string; used_at: Date }>(
    `select authorisation_id, used_at from ${table} where use_id = $1`,
    [handover.handover_id],
  );
  const expected = new Set(
    went.filter(({ answer }) => isLimited(answer)).map(({ listed }) => listed.authorisation_id),
  );
  const found = rows.map((row) => row.authorisation_id);
  if (found.length !== expected.size || found.some((id) => !expected.has(id)))
    fail(`uses counted at the ${whose} are not those made`, {
      handover,
      found,
      expected: [...expected],
    });
  for (const row of rows) {
    const used_at = row.used_at.toISOString();
    ledger.answer(row.authorisation_id).uses[whose].push({ use_id: handover.handover_id, used_at });
  }
}

interface StoredMonth {
  readonly account_ref: string;
  readonly revision: number;
  readonly authorisation_id: string;
}

/** What the registry knew when it judged: a beginning of what happened, and all that was sent. */
async function learn({ world, ledger, moments }: Case, handover: Handover): Promise<void> {
  const { rows } = await world.registry.db.query<{
    authorisation_id: string;
    type: string;
    at: Date;
    recorded_at: Date;
  }>(
    `select e.authorisation_id, e.type, e.at, e.recorded_at from authorisation_event e
     join authorisation a on a.subject_id = e.subject_id and a.authorisation_id = e.authorisation_id
     where a.provider_id = $1 order by e.authorisation_id, e.seq`,
    [ledger.furnisher_id],
  );
  for (const answer of ledger.answers) answer.told.length = 0;
  for (const row of rows) {
    const answer = ledger.answer(row.authorisation_id);
    const happening = answer.happenings[answer.told.length];
    if (happening?.type !== row.type || happening.at !== row.at.toISOString())
      fail('the registry knows an event that did not happen', { row, happening });
    answer.told.push(row.recorded_at.toISOString());
  }
  // What happened before the plan travels with it; what came after may wait for the next one.
  const planned = moments.get(handover.handover_id)?.planned ?? '';
  for (const { told, happenings } of ledger.answers) {
    const due = happenings.filter((each) => each.recorded_at <= planned).length;
    if (told.length > 0 && told.length < due)
      fail('the registry was not told', { told, happenings });
  }
}

async function checkRegistry(
  each: Case,
  handover: Handover,
  going: readonly Going[],
): Promise<string[]> {
  const { world, ledger } = each;
  const outcomes: string[] = [];
  await learn(each, handover);
  const { rows } = await world.registry.db.query<StoredMonth>(
    `select r.account_ref, m.revision, m.authorisation_id
     from account_month m join account_locator r on r.account_id = m.account_id
     where m.submission_id = $1`,
    [handover.handover_id],
  );
  const refs = await accountRefs(each);
  const stored = new Map(rows.map((row) => [`${refs.get(row.account_ref)} ${row.revision}`, row]));
  if (stored.size !== rows.length) fail('a row is stored twice', { handover });
  const scene = sceneAt(
    each,
    each.moments.get(handover.handover_id)?.judged ?? '',
    handover.handover_id,
    'registry',
  );
  const isPrior = world.registry.profile?.adverse_notice === 'prior';
  const accepted: Going[] = [];
  for (const one of going) {
    const { account, month, row, listed } = one;
    const approvals = ledger.approvals(account.person, 'registry');
    // The registry has no birth date of a person that it may look at here.
    const verdict = covers(listed.authorisation_id, approvals, { ...row, adult_from: null }, scene);
    const isHeld = isPrior && month.days_past_due > 0 && !month.told;
    const expected = !verdict.covered ? 'refused' : isHeld ? 'held' : 'accepted';
    const there = stored.get(`${account.ref} ${month.revision}`);
    const facts = { handover, listed, row, month, verdict, expected, there, scene, approvals };
    if (listed.outcome !== expected)
      fail(`${listed.outcome} at the registry, not ${expected}`, facts);
    if ((expected === 'accepted') !== (there !== undefined)) fail('stored is not accepted', facts);
    if (there && there.authorisation_id !== listed.authorisation_id)
      fail('stored under another authorisation', facts);
    if (there) accepted.push(one);
    outcomes.push(expected);
    ledger.outcomes.set(`${account.ref} ${handover.period} ${month.revision}`, expected);
  }
  if (accepted.length !== rows.length) fail('more is stored than went', { handover, rows });
  await checkUses(each, handover, accepted, 'registry', 'authorisation_use');
  checkReceiptCounts(handover, going, accepted.length);
  return outcomes;
}

async function accountRefs({ world, side }: Case): Promise<Map<string, string>> {
  const { rows } = await world.gateways[side].db.query<{ account_id: string; account_ref: string }>(
    'select account_id, account_ref from account',
  );
  return new Map(rows.map((row) => [row.account_id, row.account_ref]));
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
