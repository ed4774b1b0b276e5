/**
 * Processing a completed submission: every part once, in order, then the signed receipt.
 *
 * What must stay true: nothing is merged before the digests and counts of all parts agree with
 * the manifest; a part's rows, faults and counts are one transaction, so a crash anywhere leaves
 * the part either done or not begun.
 */
import { createHash } from 'node:crypto';
import { keepBatch } from '../authorisation/batch.ts';
import type { Session } from '../database/database.ts';
import { DatabaseFailure, isBadText } from '../database/driver-error.ts';
import { canonicalBytes, signJws } from '../keys/jws.ts';
import { MerkleTree } from '../log/merkle.ts';
import { firstDay, nextPeriod } from '../model/period.ts';
import { RULE_SET_VERSION } from '../tape/rule-book.ts';
import {
  type Manifest,
  type ManifestPart,
  type Outcome,
  PART_KINDS,
  type PartKind,
  type Receipt,
} from '../wire/part.ts';
import { dropTravelling } from './authorisation-events.ts';
import { takeAuthorisations } from './authorisation-intake.ts';
import { mergeMonths, PeopleChanged } from './month-intake.ts';
import { acceptedLeaves, hashLeaves, readMonthPart } from './month-part.ts';
import { takeAccounts, takeSubjects } from './other-intake.ts';
import { checkParts, firstRowOf, type KeptLeaves } from './part-check.ts';
import { addOutcomes, NO_ROWS, type PartOutcome, recordPart } from './part-outcome.ts';
import { linesOf, partText } from './part-text.ts';
import type { Registry } from './registry.ts';
import { lockAuthorisations, relyOnAuthorisations } from './serialise.ts';
import { findSubmission, type SubmissionRow } from './submissions.ts';

/** SQLSTATEs after which the same transaction may well succeed. */
const PASSING = ['40001', '40P01', '23505', '55P03', 'XX000'];
const ATTEMPTS = 5;
/** Above every part number (int4). */
const PART_NUMBER_END = 2_147_483_647;

function partitionOf(period: string): string {
  const name = `account_month_${period.replace('-', '_')}`;
  if (!/^account_month_\d{4}_\d{2}$/.test(name)) throw new TypeError('a period is YYYY-MM');
  return name;
}

async function createPartition(registry: Registry, period: string): Promise<void> {
  const name = partitionOf(period);
  // sql: name and dates come from a checked period; DDL takes no parameters.
  await registry.db.query(`create table if not exists ${name} partition of account_month
    for values from ('${firstDay(period)}') to ('${firstDay(nextPeriod(period))}')`);
}

async function merkleBefore(session: Session, id: string, part: number): Promise<MerkleTree> {
  const { rows } = await session.query<{ merkle_state: Uint8Array }>(
    `select merkle_state from submission_part where submission_id = $1 and part_number < $2
       and merkle_state is not null order by part_number desc limit 1`,
    [id, part],
  );
  return rows[0] ? MerkleTree.restore(rows[0].merkle_state) : new MerkleTree();
}

async function takeMonths(
  registry: Registry,
  session: Session,
  submission: SubmissionRow,
  work: PartWork,
): Promise<[PartOutcome, Uint8Array]> {
  const { submission_id, furnisher_id, period } = submission;
  // Whoever waits behind a waiter that waits for our next part must not wait for ever.
  await session.query(`set local lock_timeout = '30s'`);
  if (work.isJudgedAgain) {
    await work.before;
    await relyOnAuthorisations(session, furnisher_id);
  }
  const read = readMonthPart(work.text, work.firstRow, work.checkDates);
  work.onOpened();
  let leaves: Buffer | null = null;
  const result = await mergeMonths(registry, session, read, {
    furnisher_id,
    period,
    submission_id,
    before: work.before, // The tree grows part by part, and no part is kept without those before.
    meanwhile: () => {
      leaves = hashLeaves(read, period);
    },
  });
  const lost = new Set(
    result.faults.filter((fault) => fault.outcome !== 'accepted').map((fault) => fault.row_number),
  );
  const tree = await merkleBefore(session, submission_id, work.part.part_number);
  tree.addHashes(acceptedLeaves(leaves ?? hashLeaves(read, period), read.firstRow, lost));
  return [result, tree.serialise()];
}

interface PartWork {
  readonly text: Buffer;
  /** Of an authorisation part's lines, if they are at hand. */
  readonly leaves: Uint8Array | undefined;
  /** Fulfilled when the part before this one is committed. */
  readonly before: Promise<void>;
  /** To be called when the part is opened, so that the next may be. */
  readonly onOpened: () => void;
  readonly part: ManifestPart;
  readonly firstRow: number;
  readonly checkDates: boolean;
  /** People of the part changed while it was judged: now nobody may change meanwhile. */
  readonly isJudgedAgain: boolean;
}

async function takePart(
  registry: Registry,
  session: Session,
  submission: SubmissionRow,
  work: PartWork,
): Promise<void> {
  const { submission_id, furnisher_id } = submission;
  const { part } = work;
  const place = { submission_id, part_number: part.part_number, kind: part.kind };
  if (part.kind === 'month') {
    const [result, state] = await takeMonths(registry, session, submission, work);
    await recordPart(session, place, result, { merkle_state: state, at: registry.now() });
    return;
  }
  const textPart = {
    lines: linesOf(work.text),
    firstRow: work.firstRow,
    furnisher_id,
    submission_id,
  };
  if (part.kind === 'authorisation') {
    await lockAuthorisations(session, furnisher_id);
    const result = await takeAuthorisations(registry, session, textPart, work.leaves);
    await recordPart(session, place, result, { merkle_state: null, at: registry.now() });
    return;
  }
  const take = { subject: takeSubjects, account: takeAccounts }[part.kind];
  await recordPart(session, place, await take(registry, session, textPart), {
    merkle_state: null,
    at: registry.now(),
  });
}

interface PartOrder extends Pick<PartWork, 'before' | 'onOpened'> {
  /** Fulfilled when the part before this one is opened: two opened at once keep the database waiting. */
  readonly turn: Promise<void>;
  readonly kept?: KeptLeaves;
}

async function processPart(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
  part: ManifestPart,
  { before, onOpened, turn, kept }: PartOrder,
): Promise<void> {
  await turn;
  let [checkDates, isJudgedAgain] = [false, false];
  for (let attempt = 1; ; attempt++) {
    try {
      await registry.db.transaction(async (session) => {
        const { rows } = await session.query<{ processed: boolean }>(
          'select processed from submission_part where submission_id = $1 and part_number = $2 for update',
          [submission.submission_id, part.part_number],
        );
        if (rows[0]?.processed !== false) return;
        const firstRow = firstRowOf(manifest, part);
        const text = await partText(registry, session, submission.submission_id, part.part_number);
        if (text === null) throw new Error('an unprocessed part has no content');
        const leaves = kept?.get(part.part_number);
        const work = { text, leaves, before, onOpened, part, firstRow, checkDates, isJudgedAgain };
        await takePart(registry, session, submission, work);
      });
      return;
    } catch (error) {
      const isPassing = error instanceof DatabaseFailure && PASSING.includes(error.sqlstate);
      if (isBadText(error) && !checkDates) checkDates = true;
      else if (error instanceof PeopleChanged && !isJudgedAgain) isJudgedAgain = true;
      else if (!isPassing || attempt >= ATTEMPTS) throw error;
    }
  }
}

/**
 * Month parts, as many at a time as the database really runs and one that is opened and staged
 * meanwhile: opened one after another, judged side by side, committed in their order.
 * One that fails fails those behind it.
 */
async function processMonthParts(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
): Promise<void> {
  const { concurrency } = registry.db;
  const atOnce = concurrency > 1 ? concurrency + 1 : 1;
  const running: Promise<void>[] = [];
  let [before, turn] = [Promise.resolve(), Promise.resolve()];
  for (const part of manifest.parts.filter((each) => each.kind === 'month')) {
    if (running.length >= atOnce) await running.shift();
    const { promise: opened, resolve: onOpened } = Promise.withResolvers<void>();
    const order = { before, turn, onOpened };
    before = processPart(registry, submission, manifest, part, order).finally(onOpened);
    turn = opened;
    before.catch(() => {}); // Awaited below; a failure must not count as unhandled before that.
    running.push(before);
  }
  await before;
}

async function endSubmission(
  registry: Registry,
  submission: SubmissionRow,
  manifest: Manifest,
): Promise<void> {
  const id = submission.submission_id;
  const { rows: parts } = await registry.db.query<{ kind: PartKind; counts: Outcome }>(
    'select kind, counts from submission_part where submission_id = $1 order by part_number',
    [id],
  );
  const outcomes = Object.fromEntries(
    PART_KINDS.map((kind) => [
      kind,
      parts
        .filter((part) => part.kind === kind)
        .reduce((sum, part) => addOutcomes(sum, part.counts), NO_ROWS),
    ]),
  ) as Record<PartKind, Outcome>;
  const { rows: faults } = await registry.db.query<{ rule: string; outcome: string; n: number }>(
    `select rule, outcome, count(*) as n from submission_fault where submission_id = $1
     group by rule, outcome order by rule, outcome`,
    [id],
  );
  const byRule: Record<string, number> = {};
  const byReason: Record<string, number> = {};
  for (const { rule, outcome, n } of faults) {
    if (outcome === 'refused') byReason[rule] = n;
    else if (outcome !== 'unchanged') byRule[rule] = (byRule[rule] ?? 0) + n;
  }
  const tree = await merkleBefore(registry.db, id, PART_NUMBER_END);
  const receipt: Receipt = {
    iss: registry.issuer,
    iat: Math.floor(registry.now().getTime() / 1000),
    submission_id: id,
    furnisher_id: submission.furnisher_id,
    period: submission.period,
    profile: registry.profile?.name ?? 'none',
    rule_set_version: RULE_SET_VERSION,
    outcomes,
    refused_by_reason: byReason,
    faults_by_rule: byRule,
    manifest_sha256: createHash('sha256').update(canonicalBytes(manifest)).digest('hex'),
    merkle: { size: tree.size, root: Buffer.from(tree.root()).toString('base64') },
  };
  const hasFaults = PART_KINDS.some(
    (kind) => outcomes[kind].rejected + outcomes[kind].held + outcomes[kind].refused > 0,
  );
  const signed = await signJws(receipt, registry.ring, { typ: 'assent-receipt+jws' });
  await registry.db.query(
    `update submission set state = $2, counts = $3, receipt = $4, ended_at = $5
     where submission_id = $1 and state = 'processing'`,
    [
      id,
      hasFaults ? 'received_with_faults' : 'received',
      JSON.stringify(outcomes),
      signed,
      registry.now(),
    ],
  );
  await dropTravelling(registry, id);
}

async function reject(registry: Registry, id: string, why: string): Promise<void> {
  await registry.db.transaction(async (session) => {
    await session.query(
      `update submission set state = 'rejected', why = $2, ended_at = $3 where submission_id = $1`,
      [id, why, registry.now()],
    );
    await session.query(
      'update submission_part set content_sealed = null where submission_id = $1',
      [id],
    );
  });
}

/** Processes one completed submission to its end, or goes on where a crash left it. */
export async function processSubmission(registry: Registry, id: string): Promise<void> {
  const submission = await findSubmission(registry, id, null);
  const { manifest } = submission;
  if (submission.state !== 'processing' || !manifest) return;
  const checked = await checkParts(registry, submission, manifest);
  if (checked.why !== null) {
    await reject(registry, id, checked.why);
    await dropTravelling(registry, id);
    return;
  }
  if (checked.tree && checked.tree.size > 0) {
    await keepBatch(registry.db, {
      batch_id: id,
      collector_id: submission.furnisher_id,
      tree: checked.tree,
      signed: submission.signed_manifest ?? '',
      at: registry.now(),
    });
  }
  await createPartition(registry, submission.period);
  const others = manifest.parts.filter((part) => part.kind !== 'month');
  const free = Promise.resolve();
  const order = { before: free, turn: free, onOpened: () => {}, kept: checked.kept };
  for (const part of others) await processPart(registry, submission, manifest, part, order);
  // What the months join with may have grown from nothing: the planner must know before it plans.
  if (others.length > 0)
    await registry.db.query(
      'analyze subject_locator, account_locator, authorisation, authorisation_record',
    );
  await processMonthParts(registry, submission, manifest);
  await endSubmission(registry, submission, manifest);
  // The next period's gaps and jumps are sought in this one. The furnisher need not wait for it;
  // after a crash here the next submission of the period brings it.
  // sql: partitionOf checks the period; ANALYZE takes no parameters.
  await registry.db.query(
    `analyze ${partitionOf(submission.period)} (subject_id, account_id, period, revision)`,
  );
}

/** Ids of the submissions that a crash left in processing, in the order of their completion. */
export async function listProcessing(registry: Registry): Promise<string[]> {
  const { rows } = await registry.db.query<{ submission_id: string }>(
    `select submission_id from submission where state = 'processing'
     order by completed_at, submission_id`,
  );
  return rows.map((row) => row.submission_id);
}

/** Goes on with every submission that a crash left in processing. */
export async function resumeProcessing(registry: Registry): Promise<number> {
  const ids = await listProcessing(registry);
  for (const id of ids) await processSubmission(registry, id);
  return ids.length;
}
