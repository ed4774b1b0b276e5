/**
 * A lender's file enters the book: read → stage → check → merge.
 *
 * What must stay true: the merge, the faults and the tape's state are one transaction, so a crash
 * leaves the file either loaded or not begun; identity values are sealed before they reach the
 * database; every month row of the file is counted once:
 * read + unreadable = new + corrected + unchanged + repeated + rejected + held + unreadable.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { Fault } from '../model/fault.ts';
import { checkIdentityNumber } from '../model/identity-number.ts';
import { addMonths } from '../model/period.ts';
import type { IdentityKind } from '../model/record.ts';
import { copyText } from '../tape/copy-text.ts';
import type { Mapping } from '../tape/mapping.ts';
import { readTape, type TapeBatch, type TapeRow } from '../tape/read-tape.ts';
import { MONTH_RULES, OTHER_RULES } from '../tape/rule-book.ts';
import { checkStagedTape } from './check-tape.ts';
import type { Gateway, Progress } from './gateway.ts';
import { type MonthCounts, mergeStagedTape } from './merge-tape.ts';

export interface TapeSource {
  /** The file's bytes, plain or gzip. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** A name for people; no path. */
  readonly name: string;
  readonly size: number | null;
  readonly mapping: Mapping;
  /** SHA-256 of the mapping document, lower-case hex. */
  readonly mapping_sha256: string;
}

export interface LoadOptions {
  /** Check only: faults are recorded, the book stays as it is. */
  readonly check: boolean;
  /** Why a tape that drifts (V15) is right all the same. */
  readonly sign_off: string | null;
  readonly progress: Progress;
}

/** Counts of month rows; `unreadable` never became a row. They add up to `rows`. */
export interface TapeCounts extends MonthCounts {
  readonly rows: number;
  readonly unreadable: number;
  readonly rejected: number;
  readonly held: number;
  readonly repeated: number;
  readonly customers: number;
  readonly accounts: number;
  readonly faults_by_rule: Readonly<Record<string, number>>;
}

export interface TapeReport {
  readonly tape_id: string;
  readonly state: 'loaded' | 'checked' | 'held' | 'already_loaded';
  readonly counts: TapeCounts;
}

const STAGES = 'stage_customer, stage_account, stage_month';
/** Identities remembered while reading, so that a person repeated on every row is sealed once. */
const SEEN_MAX = 500_000;

/** Rules whose rows stay out of the book; a repeated copy stays out too, though nothing is lost. */
const OUT_OF_BOOK = [...MONTH_RULES, ...OTHER_RULES]
  .filter((rule) => rule.severity !== 'warn' || rule.id === 'V13_SAME')
  .map((rule) => rule.id);

interface Staging {
  readonly gateway: Gateway;
  readonly session: Session;
  readonly tapeId: string;
  readonly seen: Map<string, string>;
  faultCount: number;
}

/** First day of the month after the 18th birthday: all that is kept in the clear of a birth date. */
function adultFrom(birthDate: string | null, adultAge: number): string | null {
  if (birthDate === null) return null;
  return `${addMonths(birthDate.slice(0, 7), adultAge * 12 + 1)}-01`;
}

interface CheckedIdentity {
  readonly row: number;
  readonly subject_ref: string;
  readonly kind: string;
  readonly identity: string;
  /** Keyed hash of the whole identity, lower-case hex. */
  readonly hash: string;
  readonly adult_from: string | null;
}

const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** Null when the number is wrong (a fault) or the same person was on an earlier row. */
function checkIdentity(staging: Staging, row: TapeRow, faults: Fault[]): CheckedIdentity | null {
  const [ref, kind, country, number, name, birthDate] = row.values;
  const subject_ref = ref ?? '';
  const { ring, now, profile } = staging.gateway;
  const checked = checkIdentityNumber(kind as IdentityKind, number ?? '', {
    ...(country ? { country } : {}),
    today: now().toISOString().slice(0, 10),
  });
  if (!checked.ok) {
    faults.push({
      rule: 'V03',
      severity: 'reject',
      kind: 'identity',
      row: row.row,
      period: null,
      field: 'identity_number',
      found: checked.reason,
    });
    return null;
  }
  const identity = JSON.stringify([kind, country, checked.normalised, name, birthDate]);
  if (staging.seen.get(subject_ref) === identity) return null;
  if (staging.seen.size >= SEEN_MAX) staging.seen.clear();
  staging.seen.set(subject_ref, identity);
  const born = birthDate ?? checked.birth_date ?? null;
  return {
    row: row.row,
    subject_ref,
    kind: kind ?? '',
    identity,
    hash: hexOf(ring.keyedHash('customer', identity)),
    adult_from: adultFrom(born, profile?.adult_age ?? 18),
  };
}

/** Rows of stage_customer: sealed, unless the book holds the very same identity. */
async function sealIdentities(
  staging: Staging,
  people: readonly CheckedIdentity[],
): Promise<TapeRow[]> {
  const { session, gateway } = staging;
  const { rows } = await session.query<{ subject_ref: string; hash: string }>(
    `select subject_ref, encode(identity_hash, 'hex') as hash from customer
     where subject_ref = any($1::text[])`,
    [people.map((person) => person.subject_ref)],
  );
  const known = new Map(rows.map((row) => [row.subject_ref, row.hash]));
  return people.map(({ row, subject_ref, kind, identity, hash, adult_from }) => {
    const values = [subject_ref, kind, `\\x${hash}`, adult_from];
    if (known.get(subject_ref) === hash) return { row, values: [...values, null, null, null] };
    const key = gateway.ring.newSubjectKey();
    const sealed = key.seal(Buffer.from(identity), `customer ${subject_ref}`);
    return {
      row,
      values: [...values, gateway.newId(), `\\x${hexOf(key.wrapped)}`, `\\x${hexOf(sealed)}`],
    };
  });
}

async function stageFaults(staging: Staging, faults: readonly Fault[]): Promise<void> {
  const rows = faults.map((fault, index) => ({
    row: staging.faultCount + index + 1,
    values: [
      staging.tapeId,
      fault.rule,
      fault.severity,
      fault.kind,
      fault.row === null ? null : String(fault.row),
      fault.period,
      fault.field,
      fault.found,
    ],
  }));
  if (rows.length === 0) return;
  staging.faultCount += rows.length;
  await staging.session.copyIn(
    'copy tape_fault (fault_number, tape_id, rule, severity, kind, row_number, period, field, found) from stdin',
    [copyText(rows)],
  );
}

function periodAsDate(row: TapeRow): TapeRow {
  const values = row.values.map((value, index) => (index === 1 ? `${value}-01` : value));
  return { row: row.row, values };
}

interface ReadCounts {
  rows: number;
  unreadable: number;
}

/** Stages one batch. @param people its identities, checked. @param faults all that its lines have */
async function stageBatch(
  staging: Staging,
  batch: TapeBatch,
  people: readonly CheckedIdentity[],
  faults: readonly Fault[],
): Promise<void> {
  const customers = people.length === 0 ? [] : await sealIdentities(staging, people);
  await stageFaults(staging, faults);
  const copies: [string, readonly TapeRow[]][] = [
    ['stage_customer', customers],
    ['stage_account', batch.accounts],
    ['stage_month', batch.months.map(periodAsDate)],
  ];
  for (const [table, rows] of copies) {
    // sql: table is one of the three constants above.
    if (rows.length > 0) await staging.session.copyIn(`copy ${table} from stdin`, [copyText(rows)]);
  }
}

/** Reads the whole tape into the stages: one batch is read and checked while the one before is staged. */
async function stageTape(
  staging: Staging,
  source: TapeSource,
  progress: Progress,
): Promise<ReadCounts & { sha256: string }> {
  const digest = createHash('sha256');
  async function* digested() {
    for await (const chunk of source.bytes) {
      digest.update(chunk);
      yield chunk;
    }
  }
  const counts = { rows: 0, unreadable: 0 };
  let staged = Promise.resolve();
  try {
    for await (const batch of readTape(digested(), source.mapping)) {
      const faults = [...batch.faults];
      const people = batch.identities.flatMap((row) => checkIdentity(staging, row, faults) ?? []);
      await staged;
      staged = stageBatch(staging, batch, people, faults);
      staged.catch(() => {}); // Heard of by whoever waits for it.
      counts.rows += batch.months.length;
      counts.unreadable += batch.lost.month;
      progress('reading', batch.bytes, source.size, 'bytes');
    }
  } finally {
    // The session is not left while a batch is on its way, whatever ended the reading.
    await Promise.allSettled([staged]);
  }
  await staged;
  return { ...counts, sha256: digest.digest('hex') };
}

async function countOutcomes(
  session: Session,
  tapeId: string,
): Promise<Omit<TapeCounts, keyof MonthCounts | 'rows' | 'unreadable'>> {
  const { rows } = await session.query<{
    rejected: number;
    held: number;
    repeated: number;
    customers: number;
    accounts: number;
  }>(
    `with worst as (
       select f.row_number, f.period, min(case when r.severity = 'reject' then 1
         when r.severity = 'hold' then 2 when f.rule = 'V13_SAME' then 3 else 4 end) as rank
       from month_fault f join unnest($1::text[], $2::text[]) as r (rule, severity) on r.rule = f.rule
       group by f.row_number, f.period)
     select count(*) filter (where rank = 1) as rejected, count(*) filter (where rank = 2) as held,
            count(*) filter (where rank = 3) as repeated,
            (select count(distinct subject_ref) from stage_customer) as customers,
            (select count(*) from tape_account) as accounts
     from worst`,
    [
      [...MONTH_RULES, ...OTHER_RULES].map((rule) => rule.id),
      [...MONTH_RULES, ...OTHER_RULES].map((rule) => rule.severity),
    ],
  );
  const [counts] = rows;
  if (!counts) throw new Error('count without a row');
  const faults = await session.query<{ rule: string; n: number }>(
    'select rule, count(*) as n from tape_fault where tape_id = $1 group by rule order by rule',
    [tapeId],
  );
  return {
    ...counts,
    faults_by_rule: Object.fromEntries(faults.rows.map((row) => [row.rule, row.n])),
  };
}

async function findLoaded(
  session: Session,
  sha256: string,
  mapping: string,
): Promise<TapeReport | null> {
  const { rows } = await session.query<{ tape_id: string; counts: TapeCounts }>(
    `select tape_id, counts from tape where sha256 = $1 and mapping_sha256 = $2 and state = 'loaded'`,
    [sha256, mapping],
  );
  const [row] = rows;
  return row ? { tape_id: row.tape_id, state: 'already_loaded', counts: row.counts } : null;
}

async function settle(
  staging: Staging,
  read: ReadCounts & { sha256: string },
  source: TapeSource,
  options: LoadOptions,
): Promise<TapeReport> {
  const { session, tapeId, gateway } = staging;
  options.progress('checking', 0, null);
  const drift = await checkStagedTape(session, tapeId, gateway.profile);
  const holding = options.sign_off === null ? drift : [];
  const { rows: numbered } = await session.query<{ last: number }>(
    'select coalesce(max(fault_number), 0) as last from tape_fault where tape_id = $1',
    [tapeId],
  );
  staging.faultCount = numbered[0]?.last ?? 0;
  await stageFaults(
    staging,
    drift.map((rule) => ({
      rule,
      severity: 'hold',
      kind: 'file',
      row: null,
      period: null,
      field: null,
      found: options.sign_off === null ? null : 'signed off',
    })),
  );
  const outcomes = await countOutcomes(session, tapeId);
  const state = options.check ? 'checked' : holding.length > 0 ? 'held' : 'loaded';
  options.progress('merging', 0, null);
  const merged =
    state === 'loaded'
      ? await mergeStagedTape(session, tapeId, OUT_OF_BOOK)
      : { new: 0, corrected: 0, unchanged: 0 };
  const counts: TapeCounts = {
    rows: read.rows + read.unreadable,
    unreadable: read.unreadable,
    ...outcomes,
    ...merged,
  };
  await session.query(
    `insert into tape (tape_id, sha256, name, mapping_name, mapping_sha256, state, started_at, ended_at, counts)
     values ($1, $2, $3, $4, $5, $6, $7, $7, $8)`,
    [
      tapeId,
      read.sha256,
      source.name,
      source.mapping.name,
      source.mapping_sha256,
      state,
      gateway.now(),
      JSON.stringify(counts),
    ],
  );
  return { tape_id: tapeId, state, counts };
}

/**
 * Loads (or only checks) one file. The whole work is one transaction: killed anywhere, nothing
 * of it is there, and the same command starts it again.
 * @throws tape_* and mapping_* failures of the reader; nothing is kept then.
 */
export async function loadTape(
  gateway: Gateway,
  source: TapeSource,
  options: LoadOptions,
): Promise<TapeReport> {
  return gateway.db.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock(1635021669)'); // One tape at a time.
    // sql: STAGES is a constant.
    await session.query(`truncate ${STAGES}`);
    const staging = {
      gateway,
      session,
      tapeId: gateway.newId(),
      seen: new Map<string, string>(),
      faultCount: 0,
    };
    const read = await stageTape(staging, source, options.progress);
    const known = options.check
      ? null
      : await findLoaded(session, read.sha256, source.mapping_sha256);
    if (known) {
      await session.query('delete from tape_fault where tape_id = $1', [staging.tapeId]);
      return known;
    }
    if (read.rows + read.unreadable === 0 && staging.seen.size === 0 && staging.faultCount === 0) {
      throw new AssentError('tape_empty', {
        detail: `${source.name} holds a header and no records`,
      });
    }
    await session.query(`analyze ${STAGES}`);
    const report = await settle(staging, read, source, options);
    await session.query(`truncate ${STAGES}`);
    return report;
  });
}
