/**
 * Level of reports: random lives at the registry (accounts, agreements, months, corrections, words,
 * blocks, crimes, withdrawals, erasures, merges, years that pass) while lenders ask; at the end
 * every report ever issued is made again.
 *
 * What must stay true: what a report says is compared, when it is issued, with a ledger that is
 * kept beside the registry; whatever happens afterwards, the same bytes come out again, or the
 * answer that their own clock or their person's erasure gives.
 */
import { disputeRulesOf } from '../../src/authorisation/dispute-rules.ts';
import { loadProfile, PROFILE_NAMES, type Profile } from '../../src/authorisation/profile.ts';
import { DatabaseFailure } from '../../src/database/driver-error.ts';
import { AssentError } from '../../src/model/error.ts';
import { fetchReport } from '../../src/registry/enquiries.ts';
import { rebuildReport } from '../../src/registry/report.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { empty } from '../pair.ts';
import { beBorn, LIVES, makeRoom } from './report-birth.ts';
import type { Person, ReportLaw } from './report-oracle.ts';
import {
  askErasure,
  block,
  decide,
  mark,
  mergeOrPart,
  reportTheft,
  state,
} from './report-rights-steps.ts';
import { fail, type Issued, type ReportTally, type ReportWorld, type Run } from './report-scene.ts';
import { ask, changeLimit, end, furnishSome, lookAtOwn } from './report-steps.ts';
import { doDue } from './report-time.ts';
import { drawn, type Shares } from './shares.ts';

const ROUNDS = 10;
/** Every profile that ships is in force. */
const START = '2026-01-05T00:00:00.000Z';
/** Days that may pass after a round at most: after two of them years, one long and one longer. */
const DAYS_MAX: Readonly<Record<number, number>> = { 1: 500, 4: 3600 };
const DAY_MS = 86_400_000;

/** A law, often with a short clock of its own for what was late. */
function profileOf(random: Seeded): Profile {
  const shipped = loadProfile(random.pick([...PROFILE_NAMES, 'CN', 'US', 'CN', 'US']));
  if (random.chance(0.4)) return shipped;
  const months = random.pick([6, 15, 30]);
  return { ...shipped, adverse_retention: { ...shipped.adverse_retention, months } };
}

function lawOf(profile: Profile): ReportLaw {
  const rules = disputeRulesOf(profile);
  const { access_history_months: access_months } = profile;
  const isKept = access_months === null || rules.enquiry_months === null;
  return {
    ...{ name: profile.name, adverse: profile.adverse_retention, access_months },
    validity_months: profile.validity_months,
    report_months: rules.report_months,
    enquiry_months: isKept ? null : Math.max(access_months, rules.enquiry_months ?? 0),
    alert_months: rules.fraud_alert_months.initial,
    theft_days: rules.identity_theft_block,
  };
}

const NOTHING: ReportTally = {
  ...{ histories: LIVES, enquiries: 0, refused: 0, issued: 0, rebuilt: 0, corrected: 0 },
  ...{ ended: 0, claimed: 0, stated: 0, blocked: 0, agreements_shown: 0, limits_changed: 0 },
  ...{ thefts_asked: 0, thefts_blocked: 0, thefts_decided: 0, merged: 0, merges_undone: 0 },
  ...{ split: 0, erasures_asked: 0, people_erased: 0, months_purged: 0, reports_purged: 0 },
  ...{ records_purged: 0, enquiries_purged: 0, answered_purged: 0, blocks_lifted: 0 },
};

/** What a step may do is done: a refusal is a failure, but one of the database is no verdict. */
async function taken(run: Run, person: Person, take: Promise<void>): Promise<void> {
  try {
    await take;
  } catch (error) {
    const isVerdict = error instanceof AssentError && !(error instanceof DatabaseFailure);
    if (isVerdict) fail(run, person, String(error), error.stack);
    throw error;
  }
}

/** What may happen, each as often as its share says. */
const STEPS: Shares<(run: Run, person: Person) => Promise<void>> = [
  [8, furnishSome],
  [10, ask],
  [1.5, lookAtOwn],
  [1, state],
  [1.5, block],
  [1, mark],
  [2, end],
  [1, reportTheft],
  [1, decide],
  [1, changeLimit],
  [1, mergeOrPart],
  [0.5, askErasure],
];

async function step(run: Run, born: Person): Promise<void> {
  const person = born.merged_into ?? born;
  if (person.is_erased) return;
  const take = drawn(run.random, STEPS);
  if (take) await taken(run, person, take(run, person));
}

function later({ world }: Run, ms: number): void {
  world.clock = new Date(Date.parse(world.clock) + ms).toISOString();
}

/** The report again: its bytes, or the code of why there are none. */
const bytesOf = (run: Promise<{ readonly text: string }>): Promise<string> =>
  run.then(
    ({ text }) => text,
    (error: unknown) => (error instanceof AssentError ? error.code : Promise.reject(error)),
  );

function expectedOf(run: Run, report: Issued): string {
  const { state: left, text } = report;
  if (left === 'kept') run.tally.rebuilt += 1;
  else run.tally.answered_purged += 1;
  return left === 'kept' ? text : left === 'purged' ? 'report_purged' : 'report_unknown';
}

/** Every report that was ever issued comes out again, byte for byte, or has had its time. */
async function rebuildAll(run: Run): Promise<void> {
  const { registry, ledger, random } = run;
  for (const report of ledger.issued) {
    const expected = expectedOf(run, report);
    const again = await bytesOf(rebuildReport(registry, registry.db, report.report_id, null));
    if (again !== expected) fail(run, report.owner, `it is ${again} now`, report);
  }
  for (const { report, enquirer_id, enquiry_id } of ledger.enquiries) {
    if (!report || random.chance(0.8)) continue;
    later(run, 1);
    const again = await bytesOf(fetchReport(registry, enquirer_id, enquiry_id));
    if (again !== (report.state === 'kept' ? report.text : 'report_purged'))
      fail(run, report.owner, `the enquirer gets ${again} now`, report);
  }
}

/** The tables hold what the ledger says, and every report that was given has its trace. */
async function countAll(run: Run): Promise<void> {
  const { registry, ledger } = run;
  const { rows } = await registry.db.query<{ reports: number; asked: number; untraced: number }>(
    `select count(*) as reports, (select count(*) from enquiry) as asked,
       count(*) filter (where r.issued_at >= $1 and not exists (select 1 from access a
         where a.subject_id = r.subject_id and a.outcome = 'report' and a.at = r.issued_at))
         as untraced
     from report r`,
    [run.traced_since],
  );
  const reports = ledger.issued.filter(({ state: left }) => left !== 'gone').length;
  const expected = { reports, asked: ledger.enquiries.length, untraced: 0 };
  if (JSON.stringify(rows[0]) !== JSON.stringify(expected))
    fail(run, null, 'the tables hold other numbers', { held: rows[0], expected });
}

/** Lives one episode and rebuilds every report of it. @throws LivesFailed */
export async function liveReports(world: ReportWorld, seed: number): Promise<ReportTally> {
  const random = seeded(seed);
  await empty(world.store.current);
  // Not the steps' own generator: how much the system draws must not change the lives.
  Object.assign(world, { clock: START, random: seeded(seed ^ 0x5f3759df) });
  const { registry } = world;
  registry.profile = profileOf(random);
  await makeRoom(registry);
  const people = Array.from({ length: LIVES }, () => ({
    ...{ subject_id: random.uuid(), merged_into: null, is_erased: false },
  }));
  const nothing = { accounts: [], looks: [], statements: [], blocks: [], thefts: [] };
  const run: Run = {
    ...{ world, registry, random, people, law: lawOf(registry.profile), merges: new Map() },
    ledger: { ...nothing, issued: [], enquiries: [], erasures: [] },
    ...{ tally: { ...NOTHING }, traced_since: START },
  };
  await beBorn(run);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const person of people) {
      // Never twice at one moment: a report is told by its person and time.
      later(run, random.between(1, 3_600_000));
      await step(run, person);
    }
    const days = DAYS_MAX[round];
    later(run, random.between(1, days ?? 20) * DAY_MS);
    if (days || random.chance(0.3)) await doDue(run);
  }
  await rebuildAll(run);
  await countAll(run);
  return run.tally;
}
