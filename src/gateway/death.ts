/**
 * The death of a borrower: whatever was in force is revoked, whatever was asked is invalidated,
 * and nothing new is recorded.
 *
 * What must stay true: a death rests on an artefact (a certificate) that the lender keeps and whose
 * hash is here; a mistake is taken back by another artefact and revives nothing: the living person
 * is asked again. An authorisation recorded at the same time is ended by the next sweep.
 */
import type { ImportFault } from '../authorisation/from-columns.ts';
import type { Entry } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { appendEach, retried } from './append.ts';
import type { Gateway } from './gateway.ts';
import { additionOf, type Due } from './sweep.ts';

export interface Death {
  readonly subject_ref: string;
  /** Of the artefact kept by the lender, lower-case hex. */
  readonly evidence_sha256: string;
  /** True takes a reported death back. */
  readonly mistaken?: boolean;
}

export interface DeathReport {
  readonly subject_ref: string;
  readonly result: 'stored' | 'unchanged';
  /** Authorisations and requests ended by it now. */
  readonly ended: number;
}

const SHA256 = /^[0-9a-f]{64}$/;

async function findSubject(session: Session, subjectRef: string): Promise<string> {
  const { rows } = await session.query<{ subject_id: string }>(
    'select subject_id from customer where subject_ref = $1',
    [subjectRef],
  );
  const [row] = rows;
  if (!row) throw new AssentError('subject_unknown');
  return row.subject_id;
}

async function takeBack(session: Session, subjectId: string, death: Death, now: Date) {
  const { affected } = await session.query(
    `update subject_death set mistaken_at = $2, mistaken_evidence_sha256 = $3
     where subject_id = $1 and mistaken_at is null`,
    [subjectId, now, death.evidence_sha256],
  );
  return affected;
}

/** A death reported anew after a mistake counts again. */
async function report(session: Session, subjectId: string, death: Death, now: Date) {
  const { affected } = await session.query(
    `insert into subject_death (subject_id, evidence_sha256, reported_at) values ($1, $2, $3)
     on conflict (subject_id) do update set evidence_sha256 = excluded.evidence_sha256,
       reported_at = excluded.reported_at, mistaken_at = null, mistaken_evidence_sha256 = null
     where subject_death.mistaken_at is not null`,
    [subjectId, death.evidence_sha256, now],
  );
  return affected;
}

/** Ends whatever is asked or in force of one person, in the caller's transaction. */
async function endAll(session: Session, gateway: Gateway, subjectId: string): Promise<number> {
  const { rows } = await session.query<Omit<Due, 'cause'>>(
    `select a.subject_id, a.authorisation_id, a.state, e.at as last_at, d.reported_at as due_at
     from subject_death d
     join authorisation a on a.subject_id = d.subject_id
       and a.state in ('requested', 'given', 'paused')
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
     where d.subject_id = $1::uuid`,
    [subjectId],
  );
  const additions = rows.map((row) => additionOf({ ...row, cause: 'death' }));
  return (await appendEach(session, gateway, additions)).length;
}

/**
 * Records that a borrower died, or that this was a mistake; the same again changes nothing.
 * @throws subject_unknown, argument_invalid: the hash is none
 */
export async function recordDeath(gateway: Gateway, death: Death): Promise<DeathReport> {
  if (!SHA256.test(death.evidence_sha256)) {
    throw new AssentError('argument_invalid', {
      detail: 'the evidence is 64 hexadecimal digits, lower case: a SHA-256 hash',
    });
  }
  return retried(() =>
    gateway.db.transaction(async (session) => {
      const subjectId = await findSubject(session, death.subject_ref);
      const isMistaken = death.mistaken === true;
      const write = isMistaken ? takeBack : report;
      const affected = await write(session, subjectId, death, gateway.now());
      return {
        subject_ref: death.subject_ref,
        result: affected > 0 ? 'stored' : 'unchanged',
        ended: isMistaken ? 0 : await endAll(session, gateway, subjectId),
      };
    }),
  );
}

/** Entries that may be recorded: known ones, and new ones of people who live. */
export async function withoutDeceased<E extends Entry & { readonly row: number }>(
  session: Session,
  entries: readonly E[],
  faults: ImportFault[],
): Promise<readonly E[]> {
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select t.authorisation_id
     from unnest($1::uuid[], $2::uuid[]) as t (authorisation_id, subject_id)
     join subject_death d on d.subject_id = t.subject_id and d.mistaken_at is null
     where not exists (select 1 from authorisation a where a.authorisation_id = t.authorisation_id)`,
    [
      entries.map(({ record }) => record.authorisation_id),
      entries.map(({ subject_id }) => subject_id),
    ],
  );
  const refused = new Set(rows.map((row) => row.authorisation_id));
  return entries.filter(({ row, record }) => {
    const isRefused = refused.has(record.authorisation_id);
    if (isRefused)
      faults.push({
        row,
        code: 'subject_deceased',
        field: 'subject_ref',
        problem: 'is recorded as dead',
      });
    return !isRefused;
  });
}
