/**
 * Steps of furnishers and enquirers in the level of reports: months, corrections, other limits,
 * ends, and reports, each compared with the ledger when it is issued.
 */
import { createHash } from 'node:crypto';
import { reportRulesOf } from '../../src/authorisation/report-rules.ts';
import { addMonths, firstDay, nextPeriod } from '../../src/model/period.ts';
import type { ReportDocument } from '../../src/model/report-document.ts';
import { answerText } from '../../src/registry/answer-looks.ts';
import { endAuthorisation } from '../../src/registry/authorisation-events.ts';
import { type EnquiryRequest, enquire } from '../../src/registry/enquiries.ts';
import { issueOwnReport } from '../../src/registry/report.ts';
import { storeAccount } from './report-birth.ts';
import {
  type Account,
  asOf,
  eraseFree,
  expectedAgreements,
  expectedLimit,
  LINE_LIMIT,
  newest,
  type Person,
  type Shown,
  shownMonths,
} from './report-oracle.ts';
import {
  accountsOf,
  anyOf,
  blocksOf,
  fail,
  type Issued,
  isBlocked,
  type Look,
  type Run,
} from './report-scene.ts';

async function furnish(run: Run, account: Account, period: string): Promise<void> {
  const { random, registry } = run;
  const before = account.months.find((month) => month.period === period);
  const last = account.months.at(-1);
  const wasLate = last !== undefined && newest(last).days_past_due > 0;
  const days_past_due = random.chance(wasLate ? 0.6 : 0.25) ? random.between(1, 120) : 0;
  const submission_id = random.uuid();
  const revision = {
    revision: (before ? newest(before).revision : 0) + 1,
    ...{ days_past_due, balance_minor: random.between(0, 50_000) },
    ...{ is_open: random.chance(0.93), row: `${submission_id}\t1` },
  };
  await registry.db.query(
    `insert into account_month (subject_id, account_id, period, revision, as_of, status, limit_minor,
       balance_minor, days_past_due, past_due_minor, authorisation_id, submission_id, row_number)
     values ($1, $2, $3::date, $4, $5::date, $6, $7, $8, $9, $10, $11, $12, 1)`,
    [
      ...[account.owner.subject_id, account.account_id, firstDay(period), revision.revision],
      ...[asOf({ period }), revision.is_open ? 'open' : 'closed', LINE_LIMIT],
      ...[revision.balance_minor, days_past_due, days_past_due > 0 ? 2_000_000 : null],
      ...[account.authorisation_id, submission_id],
    ],
  );
  if (before) before.revisions.push(revision);
  else account.months.push({ period, revisions: [revision] });
}

/** The next months of an account, or another revision of one it has. */
export async function furnishSome(run: Run, person: Person): Promise<void> {
  const { random, tally } = run;
  for (const account of accountsOf(run, person)) {
    if (account.is_ended || isBlocked(run, account)) continue;
    const corrected = random.chance(0.3) ? anyOf(run, account.months) : undefined;
    if (corrected) {
      await furnish(run, account, corrected.period);
      tally.corrected += 1;
      continue;
    }
    // Who is years behind at times goes on with what is new, and leaves a gap.
    const recent = addMonths(run.world.clock.slice(0, 7), -random.between(0, 5));
    if (account.next < addMonths(recent, -12) && random.chance(0.6)) account.next = recent;
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      if (account.next > run.world.clock.slice(0, 7)) break;
      await furnish(run, account, account.next);
      account.next = nextPeriod(account.next);
    }
  }
}

/** A lender says another limit of an agreement, with the next revision of one draw. */
export async function changeLimit(run: Run, person: Person): Promise<void> {
  const { random, tally } = run;
  const draws = accountsOf(run, person).filter(({ agreement }) => agreement !== null);
  const draw = anyOf(run, draws);
  if (!draw?.agreement) return;
  draw.agreement = { ...draw.agreement, limit_minor: random.between(50_000, 400_000) };
  draw.revision += 1;
  await storeAccount(run, draw);
  tally.limits_changed += 1;
}

function compareAgreements(run: Run, person: Person, report: ReportDocument, shown: Shown[]) {
  const expected = expectedAgreements(shown, run.world.clock);
  const inForce = expected.filter(({ is_in_force }) => is_in_force).length;
  const counted = [report.summary.agreements, report.summary.agreements_open];
  if (String(counted) !== String([expected.length, inForce]))
    fail(run, person, `${expected.length} agreements, ${inForce} in force, were expected`, report);
  const limit = report.summary.amounts[0]?.limit_minor ?? 0;
  if (limit !== expectedLimit(shown, run.world.clock))
    fail(run, person, `a limit of ${expectedLimit(shown, run.world.clock)} was expected`, report);
  if (report.form !== 'full') return;
  const said = (report.agreements ?? [])
    .map(({ agreement_id, ends_on, limit_minor, used_minor, account_ids, unused_minor }) => ({
      ...{ agreement_id, ends_on, limit_minor, used_minor },
      ...{ account_ids: [...account_ids].sort(), unused_minor },
    }))
    .sort((left, right) => (left.agreement_id < right.agreement_id ? -1 : 1));
  const wanted = expected.map(({ is_in_force, ...each }) => each);
  if (JSON.stringify(said) !== JSON.stringify(wanted))
    fail(run, person, `agreements: ${JSON.stringify(wanted)} were expected`, report);
  run.tally.agreements_shown += said.length;
}

/** What stands beside the accounts: the person's words, and what holds enquirers off. */
function compareMarks(run: Run, person: Person, report: ReportDocument, shown: Shown[]): void {
  const { statements, thefts } = run.ledger;
  const isShown = (account: Account) => shown.some((each) => each.account === account);
  const words = statements
    .filter(({ owner, account }) => owner === person && (!account || isShown(account)))
    .map(({ statement_id, text }) => `${statement_id} ${text}`);
  const read = report.statements.map(({ statement_id, text }) => `${statement_id} ${text}`);
  if (String(read.sort()) !== String(words.sort()))
    fail(run, person, `the statements ${words} were expected`, report);
  const kinds = blocksOf(run, person).map(({ kind }) => kind);
  const said = new Set(report.blocks.map(({ kind }) => kind));
  if (String([...said].sort()) !== String([...new Set(kinds)].sort()))
    fail(run, person, `the blocks ${kinds} were expected`, report);
  for (const { account_id, claims } of report.accounts ?? []) {
    const isAsked = thefts.some(
      ({ account, state }) => state === 'asked' && account.account_id === account_id,
    );
    if (claims.some(({ field }) => field === 'account') !== isAsked)
      fail(run, person, `the mark of a dispute is wrong at ${account_id}`, report);
  }
}

/** What a report says is what was furnished last and may be shown, all of it. */
export function compare(run: Run, person: Person, report: ReportDocument): void {
  const { law, world } = run;
  const shown = accountsOf(run, person)
    .map((account) => ({
      account,
      months: shownMonths(account, law, world.clock, isBlocked(run, account)),
    }))
    .filter(({ months }) => months.length > 0);
  const expected = shown.flatMap(({ account, months }) =>
    months.map((month) => {
      const { revision, days_past_due, balance_minor } = newest(month);
      return [account.account_id, month.period, revision, days_past_due, balance_minor].join(' ');
    }),
  );
  if (report.summary.months_shown !== expected.length)
    fail(run, person, `${expected.length} months were expected`, report);
  const said = (report.accounts ?? []).flatMap(({ account_id, months }) =>
    months.map(({ period, revision, days_past_due, balance_minor }) =>
      [account_id, period, revision, days_past_due, balance_minor].join(' '),
    ),
  );
  if (report.form === 'full' && String(said.sort()) !== String(expected.sort()))
    fail(run, person, `the months ${expected} were expected`, report);
  compareAgreements(run, person, report, shown);
  compareMarks(run, person, report, shown);
}

function keep(
  run: Run,
  owner: Person,
  look: Look | null,
  report: { readonly report_id: string; readonly text: string },
): Issued {
  const { report_id, text } = report;
  const issued_at = run.world.clock;
  const issued: Issued = { report_id, text, issued_at, look, owner, state: 'kept' };
  run.ledger.issued.push(issued);
  run.tally.issued += 1;
  return issued;
}

function requestOf(run: Run, look: Look): EnquiryRequest & { readonly kind: string } {
  const { random, registry } = run;
  const purposes = (reportRulesOf(registry.profile)?.purposes ?? []).filter(
    ({ looks }) => random.chance(0.05) || looks.some((code) => code === look.code),
  );
  const purpose = anyOf(run, purposes);
  if (!purpose) throw new Error('no purpose');
  return {
    ...{ enquirer_id: look.enquirer_id, use_id: random.uuid(), purpose: purpose.code },
    ...{ person: null, kind: purpose.kind },
    authorisation_id: random.chance(0.05) ? random.uuid() : look.authorisation_id,
    form: random.pick(['full', 'full', 'summary'] as const),
  };
}

/** An enquirer asks, at times twice. */
export async function ask(run: Run, person: Person): Promise<void> {
  const { random, registry, tally, ledger, world } = run;
  const looks = ledger.looks.filter(({ owner }) => owner === person);
  const look = anyOf(run, looks);
  if (!look) return;
  const { kind, ...request } = requestOf(run, look);
  const answered = await enquire(registry, request);
  tally.enquiries += 1;
  if (random.chance(0.2)) {
    const again = answerText(await enquire(registry, request));
    if (again !== answerText(answered)) fail(run, person, 'another answer to the same', request);
  }
  const isNobodys = request.authorisation_id !== look.authorisation_id;
  const report = answered.report && keep(run, person, look, answered.report);
  ledger.enquiries.push({
    ...{ enquirer_id: look.enquirer_id, enquiry_id: answered.enquiry_id, at: world.clock },
    ...{ look: isNobodys ? null : look, report, owner: isNobodys ? null : person },
  });
  if (!answered.report) {
    tally.refused += 1;
    return;
  }
  const document = JSON.parse(answered.report.text) as ReportDocument;
  const stops = blocksOf(run, person).some((block) => block.kind !== 'fraud_alert');
  if ((kind === 'new_credit' && stops) || look.is_ended || isNobodys)
    fail(run, person, 'a look passed that is not to be let through', document);
  compare(run, person, document);
}

/** The person looks. */
export async function lookAtOwn(run: Run, person: Person): Promise<void> {
  const { registry } = run;
  const report = await registry.db.transaction((session) =>
    issueOwnReport(registry, session, person.subject_id, {
      ...{ audience: 'subject', form: 'full', participant_id: person.subject_id },
      ...{ purpose: 'own', reason: 'own' },
    }),
  );
  keep(run, person, null, report);
  compare(run, person, JSON.parse(report.text) as ReportDocument);
}

const withdraw = (run: Run, authorisation_id: string) =>
  endAuthorisation(run.registry, authorisation_id, {
    ...{ type: 'withdrawn', reason: 'subject_request', subject_id: null },
    evidence_sha256: createHash('sha256').update('letter').digest('hex'),
    by_party: run.registry.registry_id,
  });

/** The person withdraws the approval of an account. */
export async function endAccount(run: Run, account: Account): Promise<void> {
  await withdraw(run, account.authorisation_id);
  account.is_ended = true;
  // Whatever is to be erased is looked at again when anything of the person there ends.
  const { owner, furnisher_id } = account;
  const erasing = run.ledger.accounts.filter(
    (each) =>
      each.owner === owner && each.furnisher_id === furnisher_id && each.is_ended && each.erases,
  );
  for (const each of erasing) eraseFree(each, run.law, run.world.clock);
  run.tally.ended += 1;
}

/** The person withdraws something: of an account, or a look. */
export async function end(run: Run, person: Person): Promise<void> {
  const account = anyOf(
    run,
    accountsOf(run, person).filter(({ is_ended }) => !is_ended),
  );
  if (account && run.random.chance(0.5)) return endAccount(run, account);
  const looks = run.ledger.looks.filter(({ owner, is_ended }) => owner === person && !is_ended);
  const look = anyOf(run, looks);
  if (!look) return;
  await withdraw(run, look.authorisation_id);
  look.is_ended = true;
}
