/**
 * A person asks to be erased: told what must stay and why, erased after the notice of the profile.
 *
 * What must stay true: while anything must stay by law, the person stays with it and only months
 * that nothing holds go; when nothing must, everything goes, whatever table it stands in, with the
 * wrapped key; what remains leads to nobody: a certificate of how many rows of which table, and
 * for their years the records of approvals and refusals (`approval-records.ts`). Asked again,
 * nothing changes.
 * Sources: GDPR 12, 17(1), 17(3)(b) and (e); PIPL 47, last paragraph; docs/IDENTITY.md.
 */
import type { Session } from '../database/database.ts';
import { removeRecord } from '../matching/match.ts';
import { AssentError } from '../model/error.ts';
import {
  deleteOtherRecords,
  keptRecords,
  purgeRecords,
  RECORD_TABLES,
} from './approval-records.ts';
import { eraseMonths } from './effects.ts';
import { allOwnedTables, deleteRows } from './owned-tables.ts';
import { holdPeople, livingSubject } from './people.ts';
import { tellPerson } from './person.ts';
import type { Registry } from './registry.ts';
import { rewriteErased } from './rewrite-erased.ts';
import {
  CLOCK_ENDS,
  CLOCK_RUNS,
  COVERED,
  MONTHS_OF_SUBJECT,
  visibilityParams,
} from './visibility.ts';

/** Why something stays. */
export const STAY_REASONS = {
  statutory_clock: 'Late months are kept for the time that the law sets.',
  covered: 'Months that an approval, or another basis of the law, covers today.',
  live_authorisation: 'An approval to furnish still stands: withdraw it first.',
  open_dispute: 'A dispute about the file is not decided yet.',
} as const;

export interface Staying {
  readonly reason: keyof typeof STAY_REASONS;
  readonly why: string;
  readonly rows: number;
  /** Day on which the last of them may go, `YYYY-MM-DD`; null: not known today. */
  readonly until: string | null;
}

export interface ErasurePreview {
  readonly subject_id: string;
  readonly stays: readonly Staying[];
  /** Months that go at the end of the notice even while others stay. */
  readonly months_going: number;
  /** Rows by table that go when nothing stays any more. */
  readonly goes: Readonly<Record<string, number>>;
  /** Records of approvals that stay for their years without the person, and until when. */
  readonly approval_records: { readonly rows: number; readonly until: string | null };
  readonly notice_hours: number;
}

interface Counts {
  readonly clock: number;
  readonly until: string | null;
  readonly covered: number;
  readonly free: number;
}

async function countMonths(registry: Registry, session: Session, id: string): Promise<Counts> {
  // sql: made of constants of visibility.ts. The second parameter tells that there is a profile.
  const { rows } = await session.query<Counts>(
    `select count(*) filter (where clock) as clock,
       to_char(max(ends) filter (where clock) at time zone 'UTC', 'YYYY-MM-DD') as until,
       count(*) filter (where covered and not clock) as covered,
       count(*) filter (where not covered and not clock) as free
     from (select ${CLOCK_RUNS} as clock, ${COVERED} as covered,
             case when n.days_past_due > 0 then ${CLOCK_ENDS} end as ends
           from ${MONTHS_OF_SUBJECT}
           where $2::uuid is not null) m`,
    [...visibilityParams(registry), id],
  );
  return rows[0] ?? { clock: 0, until: null, covered: 0, free: 0 };
}

async function countOf(session: Session, sql: string, id: string): Promise<number> {
  const { rows } = await session.query<{ n: number }>(sql, [id]);
  return rows[0]?.n ?? 0;
}

const LIVE = `select count(*) as n from authorisation where subject_id = $1
  and recipient_class = 'registry' and state in ('given', 'paused')`;
const DISPUTES = `select count(*) as n from dispute where subject_id = $1 and state = 'open'`;

async function staying(registry: Registry, session: Session, id: string) {
  const months = await countMonths(registry, session, id);
  const found: [keyof typeof STAY_REASONS, number, string | null][] = [
    ['statutory_clock', months.clock, months.until],
    ['covered', months.covered, null],
    ['live_authorisation', await countOf(session, LIVE, id), null],
    ['open_dispute', await countOf(session, DISPUTES, id), null],
  ];
  const stays = found
    .filter(([, rows]) => rows > 0)
    .map(([reason, rows, until]): Staying => ({ reason, why: STAY_REASONS[reason], rows, until }));
  return { stays, free: months.free };
}

/** The person's id and those that lead to it. */
async function idsOf(session: Session, id: string): Promise<string[]> {
  const { rows } = await session.query<{ subject_id: string }>(
    'select subject_id from subject where subject_id = $1 or merged_into = $1 order by subject_id',
    [id],
  );
  return rows.map((row) => row.subject_id);
}

/**
 * Stays: certificates of months, and the log of changes by which a part in flight learns that its
 * person is gone. The id in them leads to nobody then.
 */
const KEPT: readonly string[] = ['erasure', 'authorisation_change', 'erased_person'];

/** What an erasure would do today; for the person or in their name. @throws file_unknown */
export async function previewErasure(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<ErasurePreview> {
  const id = await livingSubject(session, subjectId);
  if (id === null) throw new AssentError('file_unknown');
  const { stays, free } = await staying(registry, session, id);
  const goes: Record<string, number> = {};
  for (const { name } of await allOwnedTables(session)) {
    if (KEPT.includes(name)) continue;
    // sql: a name from the catalogue, quoted.
    const sql = `select count(*) as n from "${name}" where subject_id = $1`;
    const n = await countOf(session, sql, id);
    if (n > 0) goes[name] = n;
  }
  const notice_hours = registry.profile?.erasure_notice_hours ?? 0;
  const kept = await keptRecords(registry, session, id);
  const until = kept.until?.toISOString().slice(0, 10) ?? null;
  const approval_records = { rows: kept.authorisation_ids.length, until };
  return { subject_id: id, stays, months_going: free, goes, approval_records, notice_hours };
}

export interface ErasureAnswer extends ErasurePreview {
  /** By which the certificate is asked for afterwards. */
  readonly request_id: string;
  readonly due_at: Date;
}

export interface AskedBy {
  readonly by_party: string;
  /** Of the request as it was received, lower-case hex. */
  readonly evidence_sha256: string;
}

/** Takes a request of the person down; asked again, it is the same request. @throws file_unknown */
export async function requestErasure(
  registry: Registry,
  subjectId: string,
  asked: AskedBy,
): Promise<ErasureAnswer> {
  return registry.db.transaction(async (session) => {
    const preview = await previewErasure(registry, session, subjectId);
    const { subject_id, notice_hours } = preview;
    await session.query('select 1 from subject where subject_id = $1 for update', [subject_id]);
    const { rows } = await session.query<{ request_id: string; due_at: Date }>(
      'select request_id, due_at from erasure_request where subject_id = $1',
      [subject_id],
    );
    if (rows[0]) return { ...preview, ...rows[0] };
    const at = registry.now();
    const due_at = new Date(at.getTime() + notice_hours * 3_600_000);
    const request_id = registry.newId();
    await session.query(
      `insert into erasure_request (subject_id, request_id, asked_at, due_at, by_party,
         evidence_sha256, state) values ($1, $2, $3, $4, $5, $6, 'waiting')`,
      [subject_id, request_id, at, due_at, asked.by_party, asked.evidence_sha256],
    );
    const facts = { request_id, due_at: due_at.toISOString(), stays: preview.stays };
    await tellPerson(registry, session, subject_id, { kind: 'erasure_asked', facts });
    return { ...preview, request_id, due_at };
  });
}

interface Due {
  readonly subject_id: string;
  readonly request_id: string;
  readonly asked_at: Date;
  readonly state: 'waiting' | 'partly';
}

/** Everything of the person, from every table; each request of theirs gets its certificate. */
async function eraseAll(registry: Registry, session: Session, due: Due): Promise<void> {
  const ids = await idsOf(session, due.subject_id);
  const { rows: requests } = await session.query<{ request_id: string; asked_at: Date }>(
    'select request_id, asked_at from erasure_request where subject_id = any($1::uuid[])',
    [ids],
  );
  const { rows: records } = await session.query<{ subject_id: string; record_id: string }>(
    'select subject_id, record_id from match_record where subject_id = any($1::uuid[])',
    [ids],
  );
  for (const record of records) await removeRecord(session, record);
  const erased: Record<string, number> = { match_record: records.length };
  const cases =
    'delete from identity_case where known_id = any($1::uuid[]) or other_id = any($1::uuid[])';
  const events =
    'delete from identity_event where from_id = any($1::uuid[]) or to_id = any($1::uuid[])';
  erased['identity_case'] = (await session.query(cases, [ids])).affected;
  erased['identity_event'] = (await session.query(events, [ids])).affected;
  // Overwritten before it is deleted: the newest row that the files can show has no key.
  await session.query(
    `update subject set wrapped_key = '', identity_sealed = '', details_hash = ''
     where subject_id = any($1::uuid[])`,
    [ids],
  );
  const kept = await keptRecords(registry, session, due.subject_id);
  if (kept.until !== null)
    await session.query('insert into erased_person (subject_id, records_until) values ($1, $2)', [
      due.subject_id,
      kept.until,
    ]);
  for (const table of await allOwnedTables(session)) {
    if (KEPT.includes(table.name)) continue;
    const rows = RECORD_TABLES.includes(table.name)
      ? await deleteOtherRecords(session, table.name, due.subject_id, kept.authorisation_ids)
      : await deleteRows(session, table, ids);
    if (rows > 0) erased[table.name] = (erased[table.name] ?? 0) + rows;
  }
  for (const { request_id, asked_at } of requests)
    await session.query(
      `insert into erasure_certificate (request_id, asked_at, erased_at, erased_rows)
       values ($1, $2, $3, $4)`,
      [request_id, asked_at, registry.now(), JSON.stringify(erased)],
    );
}

/** @returns null: another request of theirs, from before two people became one, was done first */
async function eraseDue(registry: Registry, due: Due): Promise<'erased' | 'partly' | null> {
  return registry.db.transaction(async (session) => {
    const { rows: waiting } = await session.query(
      'select 1 from erasure_request where subject_id = $1 and request_id = $2',
      [due.subject_id, due.request_id],
    );
    if (waiting.length === 0) return null;
    await holdPeople(session, [due.subject_id]);
    const { rows } = await session.query<{ authorisation_id: string }>(
      'select distinct authorisation_id from account_month where subject_id = $1',
      [due.subject_id],
    );
    await eraseMonths(
      registry,
      session,
      due.subject_id,
      rows.map((row) => row.authorisation_id),
    );
    const { stays } = await staying(registry, session, due.subject_id);
    if (stays.length === 0 && registry.profile !== null) {
      await eraseAll(registry, session, due);
      return 'erased';
    }
    await session.query(
      `update erasure_request set state = 'partly', swept_at = $3
       where subject_id = $1 and request_id = $2`,
      [due.subject_id, due.request_id, registry.now()],
    );
    if (due.state === 'waiting')
      await tellPerson(registry, session, due.subject_id, {
        kind: 'erasure_partly',
        facts: { request_id: due.request_id, stays },
      });
    return 'partly';
  });
}

export interface ErasureSweep {
  readonly erased: number;
  /** Something must stay: looked at again at the next sweep. */
  readonly partly: number;
}

/**
 * Does what is due. Meant to run daily. Without a profile nobody is erased: what must stay is not
 * known.
 * @param rewrite also leave no bytes of the erased behind in the files, which locks the tables of
 * identities while they are written anew
 */
export async function sweepErasures(registry: Registry, rewrite: boolean): Promise<ErasureSweep> {
  const { rows } = await registry.db.query<Due>(
    `select subject_id, request_id, asked_at, state from erasure_request where due_at <= $1
     order by due_at, request_id`,
    [registry.now()],
  );
  const sweep = { erased: 0, partly: 0 };
  for (const due of rows) {
    const done = await eraseDue(registry, due);
    if (done) sweep[done] += 1;
  }
  await purgeRecords(registry);
  if (rewrite && sweep.erased > 0) await rewriteErased(registry.db);
  return sweep;
}

export interface ErasureCertificate {
  readonly request_id: string;
  readonly asked_at: Date;
  readonly erased_at: Date;
  /** Rows by table. */
  readonly erased_rows: Readonly<Record<string, number>>;
}

/** What remains of an erased person. @throws erasure_unknown: not yet, or never asked for */
export async function readCertificate(registry: Registry, id: string): Promise<ErasureCertificate> {
  const { rows } = await registry.db.query<ErasureCertificate>(
    `select request_id, asked_at, erased_at, erased_rows from erasure_certificate
     where request_id::text = $1`,
    [id],
  );
  if (!rows[0]) throw new AssentError('erasure_unknown');
  return rows[0];
}
