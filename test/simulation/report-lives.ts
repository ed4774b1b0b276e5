/**
 * Level of reports: random lives at the registry (accounts, months, corrections, marks, blocks,
 * withdrawals, erasures) while lenders ask; at the end every report ever issued is made again.
 *
 * What must stay true: what a report says is compared, when it is issued, with a ledger that is
 * kept beside the registry; whatever happens afterwards, the same bytes come out again.
 */
import { createHash } from 'node:crypto';
import { closeBatch, collectEntries } from '../../src/authorisation/batch.ts';
import { loadProfile, PROFILE_NAMES, type Profile } from '../../src/authorisation/profile.ts';
import type { AuthorisationRecord } from '../../src/authorisation/record.ts';
import { reportRulesOf } from '../../src/authorisation/report-rules.ts';
import { type RecordChanges, sampleRecord } from '../../src/authorisation/sample-record.ts';
import { type Entry, lockWriters, prepare } from '../../src/authorisation/store.ts';
import { addMonths, firstDay, lastDay, nextPeriod } from '../../src/model/period.ts';
import type { ReportDocument } from '../../src/model/report-document.ts';
import { answerText } from '../../src/registry/answer-looks.ts';
import { endAuthorisation } from '../../src/registry/authorisation-events.ts';
import { type EnquiryRequest, enquire } from '../../src/registry/enquiries.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { issueOwnReport, rebuildReport } from '../../src/registry/report.ts';
import { statementPlace } from '../../src/registry/statements.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { empty } from '../pair.ts';
import { FURNISHERS, type World } from './world.ts';

export const LIVES = 25;
const STEPS = 10;
const ENQUIRERS = [
  '00000000-0000-4000-8000-0000000000e1',
  '00000000-0000-4000-8000-0000000000e2',
] as const;
/** Every profile that ships is in force. */
const START = '2026-01-05T00:00:00.000Z';
const FIRST = '2024-07';
const LAST = '2026-12';

interface Month {
  readonly revision: number;
  readonly days_past_due: number;
  readonly balance_minor: number;
}

interface Account {
  readonly account_id: string;
  readonly authorisation_id: string;
  readonly months: Map<string, Month>;
  /** Its approval has ended: what is not late is hidden or gone. */
  is_ended: boolean;
}

interface Life {
  readonly subject_id: string;
  readonly key: { readonly wrapped: Uint8Array };
  readonly accounts: Account[];
  /** Authorisations to look, by enquirer. */
  readonly looks: Map<string, { readonly id: string; readonly code: 'Q1' | 'Q2' }>;
  readonly blocks: Map<string, string>;
}

interface Issued {
  readonly report_id: string;
  readonly text: string;
}

export interface ReportTally {
  histories: number;
  enquiries: number;
  refused: number;
  issued: number;
  rebuilt: number;
  corrected: number;
  ended: number;
  claimed: number;
}

/** What a simulated episode works on. */
interface Run {
  readonly world: World;
  readonly registry: Registry;
  readonly random: Seeded;
  readonly lives: readonly Life[];
  readonly issued: Issued[];
  readonly tally: ReportTally;
}

function entryOf(
  random: Seeded,
  subject_id: string,
  changes: RecordChanges,
): { entry: Entry; id: string } {
  const id = random.uuid();
  const record: AuthorisationRecord = sampleRecord({
    ...{ authorisation_id: id, arrangement_id: id },
    ...changes,
    notice: { version: 2 }, // The world's newest.
    limits: { starts_at: '2024-01-01T00:00:00.000Z', ...changes.limits },
  });
  const by_party = record.parties.provider_id;
  const event = { seq: 1, type: 'given' as const, at: record.limits.starts_at, by_party };
  const entry = {
    subject_id,
    subject_ref: subject_id,
    record,
    events: [{ ...event, reason: null }],
  };
  return { entry, id };
}

async function storeAll({ registry, world }: Run, entries: readonly Entry[]): Promise<void> {
  await registry.db.transaction(async (session) => {
    await lockWriters(session);
    const { batch_id, results } = await collectEntries(session, entries.map(prepare), {
      recorded_at: registry.now(),
      by_party: registry.registry_id,
      collector_id: registry.registry_id,
      newId: () => world.random.uuid(),
      batch_id: null,
    });
    if (results.some(({ result }) => result !== 'stored'))
      throw new Error('an entry was not stored');
    if (batch_id) await closeBatch(session, batch_id, { ring: registry.ring, at: registry.now() });
  });
}

async function furnish(run: Run, account: Account, life: Life, period: string): Promise<void> {
  const { random, registry } = run;
  const before = account.months.get(period);
  const days_past_due = random.chance(0.3) ? random.between(1, 120) : 0;
  const month = {
    revision: (before?.revision ?? 0) + 1,
    days_past_due,
    balance_minor: random.between(0, 50_000),
  };
  await registry.db.query(
    `insert into account_month (subject_id, account_id, period, revision, as_of, status, limit_minor,
       balance_minor, days_past_due, past_due_minor, authorisation_id, submission_id, row_number)
     values ($1, $2, $3::date, $4, $5::date, 'open', 100000, $6, $7, $8, $9, $10, 1)`,
    [
      ...[life.subject_id, account.account_id, firstDay(period), month.revision, lastDay(period)],
      ...[month.balance_minor, days_past_due, days_past_due > 0 ? 2_000_000 : null],
      ...[account.authorisation_id, random.uuid()],
    ],
  );
  account.months.set(period, month);
}

/** Partitions for every period a life may have. */
async function makeRoom(registry: Registry): Promise<void> {
  for (let period = FIRST; period <= LAST; period = nextPeriod(period))
    // sql: a period of this file's own; DDL takes no parameters.
    await registry.db.query(`create table if not exists account_month_${period.replace('-', '_')}
      partition of account_month for values from ('${firstDay(period)}') to ('${firstDay(nextPeriod(period))}')`);
}

async function beBorn(run: Omit<Run, 'lives'>): Promise<Life[]> {
  const { random, registry } = run;
  const entries: Entry[] = [];
  const lives: Life[] = [];
  for (let n = 0; n < LIVES; n += 1) {
    const subject_id = random.uuid();
    const key = registry.ring.newSubjectKey();
    await registry.db.query(
      `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash, created_at)
       values ($1, 'passport', $2, '\\x00', '\\x00', $3)`,
      [subject_id, key.wrapped, registry.now()],
    );
    const accounts: Account[] = [];
    for (let count = random.between(0, 3); count > 0; count -= 1) {
      const provider_id = random.pick(FURNISHERS);
      const effect = random.pick(['STOP_AND_RESTRICT', 'STOP_AND_ERASE'] as const);
      const [account_id, account_ref] = [random.uuid(), random.uuid()];
      // Each approval is of its account alone: no other one covers its months.
      const { entry, id } = entryOf(random, subject_id, {
        parties: { provider_id },
        data: { accounts: [account_ref] },
        withdrawal: { effect, method_uri: null },
      });
      entries.push(entry);
      await registry.db.query(
        `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind, currency,
           opened_on, submission_id) values ($1, $2, 1, $3, $4, 'revolving_line', 'CNY', $5::date, $4)`,
        [subject_id, account_id, provider_id, account_ref, `${FIRST}-15`],
      );
      accounts.push({ account_id, authorisation_id: id, months: new Map(), is_ended: false });
    }
    const looks: Life['looks'] = new Map();
    for (const enquirer of ENQUIRERS) {
      const code = random.pick(['Q1', 'Q2'] as const);
      const { entry, id } = entryOf(random, subject_id, {
        parties: {
          ...{ provider_id: registry.registry_id, recipient_class: 'lender' as const },
          recipient_id: enquirer,
        },
        purpose: { code },
        limits: { mode: 'VIEW', fetch: random.pick(['PERIODIC', 'PERIODIC', 'ONETIME'] as const) },
      });
      entries.push(entry);
      looks.set(enquirer, { id, code });
    }
    lives.push({ subject_id, key, accounts, looks, blocks: new Map() });
  }
  await storeAll({ ...run, lives }, entries);
  return lives;
}

function fail(run: Run, life: Life, what: string, report: ReportDocument): never {
  const accounts = life.accounts.map(({ account_id, is_ended, months }) => ({
    ...{ account_id, is_ended },
    months: [...months],
  }));
  throw new Error(`${what}\n${JSON.stringify({ now: run.world.clock, accounts, report })}`);
}

/** What a report says of months is what was furnished last, and nothing that is hidden. */
function compare(run: Run, life: Life, report: ReportDocument): void {
  const profile = run.registry.profile as Profile;
  for (const account of life.accounts) {
    const shown = report.accounts?.find(({ account_id }) => account_id === account.account_id);
    for (const month of shown?.months ?? []) {
      const held = account.months.get(month.period);
      const isSame =
        held?.revision === month.revision &&
        held.days_past_due === month.days_past_due &&
        held.balance_minor === month.balance_minor;
      if (!isSame) fail(run, life, `${month.period} is not what was furnished`, report);
      if (account.is_ended && month.days_past_due === 0)
        fail(run, life, `${month.period} is hidden, and shown`, report);
    }
    // All of it, but what its clock has taken: no clock is shorter than these lives.
    if (profile.adverse_retention.months < 60) continue;
    const expected = [...account.months].filter(
      ([, month]) => !account.is_ended || month.days_past_due > 0,
    );
    if (expected.length !== (shown?.months.length ?? 0))
      fail(
        run,
        life,
        `${expected.length} months of ${account.account_id} were to be shown`,
        report,
      );
  }
}

async function ask(run: Run, life: Life): Promise<void> {
  const { random, registry, tally, issued } = run;
  const enquirer_id = random.pick(ENQUIRERS);
  const look = life.looks.get(enquirer_id);
  const purposes = (reportRulesOf(registry.profile)?.purposes ?? []).filter(
    ({ looks }) => random.chance(0.1) || looks.some((code) => code === look?.code),
  );
  const purpose = purposes[random.between(0, purposes.length - 1)];
  if (!purpose || !look) throw new Error('no purpose');
  const request: EnquiryRequest = {
    ...{ enquirer_id, use_id: random.uuid(), purpose: purpose.code, person: null },
    authorisation_id: random.chance(0.1) ? random.uuid() : look.id,
    form: random.pick(['full', 'full', 'summary'] as const),
  };
  const answered = await enquire(registry, request);
  tally.enquiries += 1;
  if (random.chance(0.2)) {
    const again = answerText(await enquire(registry, request));
    if (again !== answerText(answered)) throw new Error('another answer to the same enquiry');
  }
  if (!answered.report) {
    tally.refused += 1;
    return;
  }
  const report = JSON.parse(answered.report.text) as ReportDocument;
  if (purpose.kind === 'new_credit' && (life.blocks.has('freeze') || life.blocks.has('credit_ban')))
    fail(run, life, 'a look for new credit passed a block', report);
  if (request.form === 'full') compare(run, life, report);
  issued.push({ report_id: answered.report.report_id, text: answered.report.text });
}

async function lookAtOwn(run: Run, life: Life): Promise<void> {
  const { registry, issued } = run;
  const report = await registry.db.transaction((session) =>
    issueOwnReport(registry, session, life.subject_id, {
      ...{ audience: 'subject', form: 'full', participant_id: life.subject_id },
      ...{ purpose: 'own', reason: 'own' },
    }),
  );
  compare(run, life, JSON.parse(report.text) as ReportDocument);
  issued.push(report);
}

async function end(run: Run, life: Life): Promise<void> {
  const { random, registry, tally } = run;
  const open = life.accounts.filter(({ is_ended }) => !is_ended);
  const account = open[random.between(0, open.length - 1)];
  if (!account) return;
  await endAuthorisation(registry, account.authorisation_id, {
    ...{ type: 'withdrawn', reason: 'subject_request', subject_id: null },
    evidence_sha256: createHash('sha256').update('letter').digest('hex'),
    by_party: registry.registry_id,
  });
  account.is_ended = true;
  tally.ended += 1;
}

async function mark(run: Run, life: Life): Promise<void> {
  const { random, registry, tally } = run;
  const { db, ring } = registry;
  const account = life.accounts[0];
  const id = random.uuid();
  const now = registry.now();
  if (random.chance(0.5)) {
    const sealed = ring.seal(life.key.wrapped, Buffer.from(`说明 ${id}`), statementPlace(id));
    await db.query(
      `insert into subject_statement (subject_id, statement_id, account_id, language, text_sealed, made_at)
       values ($1, $2, $3, 'zh', $4, $5)`,
      [life.subject_id, id, account?.account_id ?? null, sealed, now],
    );
    return;
  }
  const period = [...(account?.months.keys() ?? [])].at(-1);
  await db.query(
    `insert into claim (subject_id, claim_id, dispute_id, account_id, period, field, state, opened_at)
     values ($1, $2, $2, $3, $4::date, 'balance_minor', $5, $6)`,
    [
      ...[life.subject_id, id, account?.account_id ?? null, period ? firstDay(period) : null],
      ...[random.pick(['open', 'forwarded', 'verified', 'withdrawn']), now],
    ],
  );
  tally.claimed += 1;
}

async function block({ random, registry }: Run, life: Life): Promise<void> {
  const kind = random.pick(['freeze', 'fraud_alert', 'credit_ban']);
  const held = life.blocks.get(kind);
  if (held !== undefined) {
    const lift = 'update subject_block set lifted_at = $3 where subject_id = $1 and block_id = $2';
    await registry.db.query(lift, [life.subject_id, held, registry.now()]);
    life.blocks.delete(kind);
    return;
  }
  const block_id = random.uuid();
  await registry.db.query(
    `insert into subject_block (subject_id, block_id, kind, reason, placed_at)
     values ($1, $2, $3, 'other', $4)`,
    [life.subject_id, block_id, kind, registry.now()],
  );
  life.blocks.set(kind, block_id);
}

/** The next month of an account, or another revision of one it has. */
async function furnishSome(run: Run, life: Life): Promise<void> {
  const { random, tally } = run;
  for (const account of life.accounts.filter(({ is_ended }) => !is_ended)) {
    const periods = [...account.months.keys()];
    const last = periods.at(-1);
    if (last !== undefined && random.chance(0.3)) {
      const period = periods[random.between(0, periods.length - 1)] ?? last;
      await furnish(run, account, life, period);
      tally.corrected += 1;
      continue;
    }
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      const period = addMonths(FIRST, account.months.size);
      if (period <= run.world.clock.slice(0, 7)) await furnish(run, account, life, period);
    }
  }
}

async function step(run: Run, life: Life): Promise<void> {
  const chosen = run.random.between(1, 20);
  if (chosen <= 8) await furnishSome(run, life);
  else if (chosen <= 14) await ask(run, life);
  else if (chosen <= 15) await lookAtOwn(run, life);
  else if (chosen <= 17) await mark(run, life);
  else if (chosen <= 18) await block(run, life);
  else await end(run, life);
}

/** Every report that was ever issued comes out again, byte for byte, and tables know them all. */
async function rebuildAll({ registry, issued, tally }: Run): Promise<void> {
  for (const { report_id, text } of issued) {
    const again = await rebuildReport(registry, registry.db, report_id, null);
    if (again.text !== text) throw new Error(`report ${report_id} is another one now`);
    tally.rebuilt += 1;
  }
  const { rows } = await registry.db.query<{ reports: number; untraced: number }>(
    `select count(*) as reports, count(*) filter (where not exists (select 1 from access a
       where a.subject_id = r.subject_id and a.outcome = 'report' and a.at = r.issued_at)) as untraced
     from report r`,
  );
  if (rows[0]?.reports !== issued.length || rows[0].untraced !== 0)
    throw new Error(`${JSON.stringify(rows[0])} for ${issued.length} reports issued`);
}

/** Lives one episode and rebuilds every report of it. */
export async function liveReports(world: World, seed: number): Promise<ReportTally> {
  const random = seeded(seed);
  await empty(world.stores.registry.current);
  Object.assign(world, { clock: START, random });
  const { registry } = world;
  registry.profile = loadProfile(random.pick(PROFILE_NAMES));
  await makeRoom(registry);
  for (const id of ENQUIRERS)
    await registry.db.query(
      `insert into participant (participant_id, name, role, licence_id, brands, scopes, jwks, state, admitted_at)
       values ($1::uuid, 'Enquirer', 'enquirer', $1::uuid::text, '{}', '{}', '{}', 'admitted', $2)
       on conflict (participant_id) do nothing`,
      [id, registry.now()],
    );
  const tally: ReportTally = {
    ...{ histories: LIVES, enquiries: 0, refused: 0, issued: 0, rebuilt: 0, corrected: 0 },
    ...{ ended: 0, claimed: 0 },
  };
  const begun = { world, registry, random, issued: [], tally };
  const run: Run = { ...begun, lives: await beBorn(begun) };
  for (let n = 0; n < STEPS; n += 1) {
    for (const life of run.lives) {
      // Never twice at one moment: a report is told by its person and time.
      world.clock = new Date(Date.parse(world.clock) + random.between(1, 3_600_000)).toISOString();
      await step(run, life);
    }
  }
  tally.issued = run.issued.length;
  await rebuildAll(run);
  return tally;
}
