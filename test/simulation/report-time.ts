/**
 * Time passes in the level of reports: what has had its time is purged, what is due is done, and
 * the ledger says what that must have been, certificate by certificate.
 *
 * What must stay true: what goes is worked out from the ledger before the registry is asked, and
 * every certificate is made anew from it (RFC 9162), leaf by leaf.
 */
import { createHash } from 'node:crypto';
import { sweepDisputes } from '../../src/registry/decide-claims.ts';
import { sweepErasures } from '../../src/registry/erasures.ts';
import { purge } from '../../src/registry/purge.ts';
import { monthsLater } from './oracle.ts';
import { clockRuns, clockStart, eraseFree, isCovered, type Person } from './report-oracle.ts';
import { type Enquired, fail, type Issued, type Run } from './report-scene.ts';

type Leaves = Map<string, string[]>;

const digest = (...parts: readonly Buffer[]): Buffer =>
  createHash('sha256').update(Buffer.concat(parts)).digest();

/** RFC 9162, 2.1.1, as it is written there. */
function treeHash(leaves: readonly string[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1 && only !== undefined) return digest(Buffer.from([0]), Buffer.from(only));
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return digest(
    ...[Buffer.from([1]), treeHash(leaves.slice(0, half)), treeHash(leaves.slice(half))],
  );
}

const add = (leaves: Leaves, kind: string, parts: readonly (string | number | undefined)[]) =>
  leaves.set(kind, [...(leaves.get(kind) ?? []), ['assent/purged/1', ...parts].join('\t')]);

/** Late months whose clock has run out by the day. */
function purgeMonths(run: Run, leaves: Leaves): void {
  const { law, world, tally } = run;
  const today = `${world.clock.slice(0, 10)}T00:00:00.000Z`;
  for (const account of run.ledger.accounts) {
    const due = account.months.filter(
      (month) =>
        month.revisions.at(-1)?.days_past_due !== 0 && !clockRuns(month, account, law, today),
    );
    const began = due.map((month) => clockStart(month, account, law.adverse.from));
    for (const [n, { period, revisions }] of due.entries()) {
      for (const { row, revision } of revisions)
        add(leaves, 'adverse_months', [row, account.account_id, period, revision]);
      account.purged.push({ period, began: began[n] ?? '' });
      tally.months_purged += 1;
    }
    account.months = account.months.filter((month) => !due.includes(month));
  }
}

const isDisputing = ({ ledger }: Run, person: Person) =>
  ledger.thefts.some(({ account, state }) => account.owner === person && state === 'asked');

function forget(run: Run, leaves: Leaves, report: Issued, kind: string): void {
  add(leaves, kind, ['report_record', report.owner.subject_id, report.report_id]);
  report.state = 'gone';
  run.tally.records_purged += 1;
}

/** What reports were made of, unless their person disputes. */
function purgeReports(run: Run, leaves: Leaves): void {
  const { law, world, ledger, tally } = run;
  if (law.report_months === null) return;
  const before = monthsLater(world.clock, -law.report_months);
  for (const report of ledger.issued) {
    if (report.state !== 'kept' || report.issued_at >= before) continue;
    if (isDisputing(run, report.owner)) continue;
    add(leaves, 'report', ['report', report.owner.subject_id, report.report_id]);
    report.state = 'purged';
    tally.reports_purged += 1;
  }
}

/** That they were issued, and what was asked: with the look, while nothing holds it. */
function purgeEnquiries(run: Run, leaves: Leaves): void {
  const { law, world, ledger, tally } = run;
  if (law.enquiry_months === null) return;
  const before = monthsLater(world.clock, -law.enquiry_months);
  for (const report of ledger.issued)
    if (report.look === null && report.state === 'purged' && report.issued_at < before)
      forget(run, leaves, report, 'report_record own');
  const goes = ({ at, look, report }: Enquired) =>
    at < before && !(look && !look.is_ended) && report?.state !== 'kept';
  for (const enquiry of ledger.enquiries.filter(goes)) {
    add(leaves, 'enquiry', ['enquiry', enquiry.enquirer_id, enquiry.enquiry_id]);
    if (enquiry.report) forget(run, leaves, enquiry.report, 'report_record enquiry');
    tally.enquiries_purged += 1;
  }
  ledger.enquiries = ledger.enquiries.filter((each) => !goes(each));
}

const CERTIFIED = ['adverse_months', 'report', 'report_record', 'enquiry'];

/** The daily purge, and its certificates. */
async function purgeAll(run: Run): Promise<void> {
  const { registry, law, world } = run;
  const leaves: Leaves = new Map();
  purgeMonths(run, leaves);
  purgeReports(run, leaves);
  purgeEnquiries(run, leaves);
  await purge(registry);
  const { rows } = await registry.db.query<{ kind: string; n: number; root: string }>(
    `select kind, purged_rows as n, encode(merkle_root, 'hex') as root from purge_certificate
     where purged_at = $1 and kind = any($2)`,
    [registry.now(), CERTIFIED],
  );
  const made = rows.map(({ kind, n, root }) => `${kind} ${n} ${root}`).sort();
  const expected = [...leaves]
    .map(([kind, named]) =>
      [kind.split(' ')[0], named.length, treeHash(named.sort()).toString('hex')].join(' '),
    )
    .sort();
  if (String(made) !== String(expected))
    fail(run, null, `certified is ${made}, and ${expected} was expected`, [...leaves]);
  if (law.access_months !== null) run.traced_since = monthsLater(world.clock, -law.access_months);
}

/** Something of the person must stay. */
function mustStay(run: Run, person: Person): boolean {
  const { law, world, ledger } = run;
  if (isDisputing(run, person)) return true;
  return ledger.accounts.some(
    (account) =>
      account.owner === person &&
      (!account.is_ended ||
        account.months.some(
          (month) =>
            clockRuns(month, account, law, world.clock) || isCovered(account, law, world.clock),
        )),
  );
}

/** Nothing of a person is left. */
function forgetPerson(run: Run, person: Person): void {
  const { ledger, people, merges } = run;
  for (const each of people)
    if (each === person || each.merged_into === person) {
      each.is_erased = true;
      merges.delete(each);
    }
  for (const report of ledger.issued) if (report.owner === person) report.state = 'gone';
  const stays = <T extends { owner: Person | null }>(list: T[]) =>
    list.filter(({ owner }) => owner !== person);
  ledger.thefts = ledger.thefts.filter(({ account }) => account.owner !== person);
  ledger.accounts = stays(ledger.accounts);
  ledger.looks = stays(ledger.looks);
  ledger.statements = stays(ledger.statements);
  ledger.blocks = stays(ledger.blocks);
  ledger.enquiries = stays(ledger.enquiries);
  ledger.erasures = stays(ledger.erasures);
  run.tally.people_erased += 1;
}

/** Who asked to be erased is, or what nothing holds of them. */
async function eraseDue(run: Run): Promise<void> {
  const { ledger, law, world, registry, tally } = run;
  const due = ledger.erasures.filter(({ due_at }) => due_at <= world.clock);
  const before = tally.people_erased;
  for (const { owner } of due) {
    for (const account of ledger.accounts.filter((each) => each.owner === owner))
      eraseFree(account, law, world.clock);
    if (!mustStay(run, owner) && !owner.is_erased) forgetPerson(run, owner);
  }
  const { erased } = await sweepErasures(registry, false);
  if (erased !== tally.people_erased - before) fail(run, null, `${erased} people were erased`, due);
}

async function decideDue(run: Run): Promise<void> {
  const { ledger, world, registry, tally } = run;
  const due = ledger.thefts.filter(
    ({ state, due_at }) => state === 'asked' && due_at <= world.clock,
  );
  for (const theft of due) theft.state = 'blocked';
  tally.thefts_blocked += due.length;
  const { blocked } = await sweepDisputes(registry);
  if (blocked !== due.length) fail(run, null, `${blocked} accounts were blocked`, due);
}

/** The daily work of the registry, in any order. */
export async function doDue(run: Run): Promise<void> {
  const isLast = run.random.chance(0.6);
  if (!isLast) await purgeAll(run);
  await decideDue(run);
  await eraseDue(run);
  if (isLast) await purgeAll(run);
}
