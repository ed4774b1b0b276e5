/**
 * Who a person is, said by somebody who verified it, and the session in which they then see what
 * concerns themselves.
 *
 * What must stay true: a document opens a file only if name and birth date agree with it exactly;
 * whoever identifies learns nothing of what is held: known, unknown and disagreeing people get the
 * same answer in the same steps; ticket and token are kept as hashes, a ticket counts once; a
 * session ends by itself, with its identifier's suspension, with a merge, split or correction of
 * the person, and at the person's word.
 * Source: eIDAS assurance levels, Regulation (EU) 910/2014 article 8; OWASP ASVS 3.3 for times.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { checkIdentityNumber, normaliseName } from '../model/identity-number.ts';
import { isDate } from '../model/period.ts';
import type { IdentityKind } from '../model/record.ts';
import { claimHash } from './identity-decisions.ts';
import type { Registry } from './registry.ts';

export const ASSURANCES = ['substantial', 'high'] as const;
/** A lender's own number identifies nobody here. */
export const DOCUMENT_KINDS = ['cn_resident_id', 'us_ssn', 'us_itin', 'passport'] as const;

const MINUTE_MS = 60_000;
export const TICKET_MS = 5 * MINUTE_MS;
const IDLE_MS = 20 * MINUTE_MS;
const LONGEST_MS = 8 * 60 * MINUTE_MS;
/** How long what is over is kept, for whoever asks what happened. */
const KEPT_MS = 30 * 24 * 60 * MINUTE_MS;

/** What was verified about a person, as on the document. */
export interface Verified {
  readonly kind: IdentityKind;
  /** ISO 3166-1 alpha-2, for a passport. */
  readonly country: string | null;
  readonly number: string;
  readonly name: string;
  /** `YYYY-MM-DD` */
  readonly birth_date: string;
  readonly assurance: (typeof ASSURANCES)[number];
  /** SHA-256 of what the identifier keeps of the verification, lower-case hex. */
  readonly evidence_sha256: string;
}

export interface Ticket {
  /** 256 bits, base64url; counts once. */
  readonly ticket: string;
  readonly ends_at: string;
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest();
const before = (registry: Registry, ms: number) => new Date(registry.now().getTime() - ms);

/** 256 bits that nobody can tell without the registry's key, from an id that is kept nowhere. */
function newSecret(registry: Registry, context: string): string {
  const secret = registry.ring.keyedHash(`assent/person/${context}/1`, registry.newId());
  return Buffer.from(secret).toString('base64url');
}

/** Hashes of the document, of name and birth date, and of the two together. @throws not_identified */
function hashesOf(registry: Registry, verified: Verified) {
  const { kind, country, number, name, birth_date } = verified;
  const today = registry.now().toISOString().slice(0, 10);
  const checked = checkIdentityNumber(kind, number, { country, today });
  const isWhole =
    kind !== 'furnisher_reference' &&
    checked.ok &&
    isDate(birth_date) &&
    (checked.birth_date ?? birth_date) === birth_date &&
    name.trim() !== '';
  if (!isWhole) throw new AssentError('not_identified');
  const { ring } = registry;
  const document = ring.keyedHash('document', kind, country ?? '', '', checked.normalised);
  const details = ring.keyedHash('details', normaliseName(name), birth_date);
  return { document, details, claim: claimHash(ring, { document, details }) };
}

/**
 * Whose file it is: document, name and birth date are as held, or were decided at a counter to be
 * this person's (another spelling; somebody else with the same document).
 */
const FIND = `
  select coalesce(p.merged_into, p.subject_id) as subject_id from subject p
  where p.subject_id = coalesce(
    (select c.subject_id from identity_decision c
     where c.claim_hash = $3 and c.standing in ('variant', 'other')),
    (select s.subject_id from subject_document d
     join subject s on s.subject_id = d.subject_id and s.details_hash = $2
     where d.document_hash = $1))`;

/**
 * Takes in that a person was identified. Leaves a trace with them, if they are known.
 * @param by the participant that verified; the trace names it
 * @throws not_identified: the number has not the form of its kind, or the birth date contradicts
 * it. That says nothing of whether anything is held.
 */
export async function identify(
  registry: Registry,
  verified: Verified,
  by: { readonly participant_id: string; readonly ticket_ms?: number },
): Promise<Ticket> {
  const { document, details, claim } = hashesOf(registry, verified);
  const now = registry.now();
  const ticket = newSecret(registry, 'ticket');
  const ends = new Date(now.getTime() + (by.ticket_ms ?? TICKET_MS));
  await registry.db.transaction(async (session) => {
    const { rows } = await session.query<{ subject_id: string }>(FIND, [document, details, claim]);
    const subjectId = rows[0]?.subject_id ?? null;
    await session.query('delete from person_session where identified_at < $1', [
      before(registry, KEPT_MS),
    ]);
    await session.query(
      `insert into person_session (session_id, subject_id, identified_by, assurance,
         evidence_sha256, identified_at, ticket_hash, ticket_ends_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        registry.newId(),
        subjectId,
        by.participant_id,
        verified.assurance,
        Buffer.from(verified.evidence_sha256, 'hex'),
        now,
        hashOf(ticket),
        ends,
      ],
    );
    if (subjectId === null) return;
    await session.query(
      `insert into access (subject_id, access_id, participant_id, purpose, reason, at, kind)
       values ($1, $2, $3, 'identification', $4, $5, 'other')`,
      [
        subjectId,
        registry.newId(),
        by.participant_id,
        `${verified.assurance} sha256:${verified.evidence_sha256}`,
        now,
      ],
    );
  });
  return { ticket, ends_at: ends.toISOString() };
}

export interface Opened {
  readonly token: string;
  /** The latest it can end. */
  readonly ends_at: string;
}

/**
 * Its identifier is still admitted: a suspension closes what it opened. Nobody was merged with the
 * person or split from them since: whose file it is must be said anew.
 */
const TRUSTED = `exists (select 1 from participant p
    where p.participant_id = s.identified_by and p.state = 'admitted')
  and not exists (select 1 from identity_event e
    where s.subject_id in (e.from_id, e.to_id) and e.at >= s.identified_at)`;

/** True while a ticket can be used; looking at it uses nothing. */
export async function isTicketGood(registry: Registry, ticket: string): Promise<boolean> {
  const { rows } = await registry.db.query(
    `select 1 from person_session s where ticket_hash = $1 and token_hash is null
       and ended_at is null and ticket_ends_at > $2 and ${TRUSTED}`,
    [hashOf(ticket), registry.now()],
  );
  return rows.length === 1;
}

/** Opens the session of a ticket. @throws ticket_unknown: no such ticket, used, or too old */
export async function openSession(registry: Registry, ticket: string): Promise<Opened> {
  const token = newSecret(registry, 'session');
  const now = registry.now();
  const { rows } = await registry.db.query(
    `update person_session s set token_hash = $2, opened_at = $3, seen_at = $3
     where ticket_hash = $1 and token_hash is null and ended_at is null
       and ticket_ends_at > $3 and ${TRUSTED}
     returning session_id`,
    [hashOf(ticket), hashOf(token), now],
  );
  if (rows.length === 0) throw new AssentError('ticket_unknown');
  return { token, ends_at: new Date(now.getTime() + LONGEST_MS).toISOString() };
}

export interface PersonSession {
  readonly session_id: string;
  readonly subject_id: string | null;
}

/** The open session of a token, which counts as used now; null: none. */
export async function findSession(
  registry: Registry,
  token: string,
): Promise<PersonSession | null> {
  const now = registry.now();
  const { rows } = await registry.db.query<PersonSession>(
    `update person_session s set seen_at = greatest(seen_at, $2)
     where token_hash = $1 and ended_at is null and seen_at > $3 and opened_at > $4
       and ${TRUSTED}
     returning session_id, subject_id`,
    [hashOf(token), now, before(registry, IDLE_MS), before(registry, LONGEST_MS)],
  );
  return rows[0] ?? null;
}

/** Ends one session, at once. */
export async function endSession(registry: Registry, sessionId: string): Promise<void> {
  await registry.db.query(
    'update person_session set ended_at = $2 where session_id = $1 and ended_at is null',
    [sessionId, registry.now()],
  );
}

/**
 * Ends every session and ticket of a person, at once.
 * @returns how many were open or waiting
 */
export async function endSessionsOf(
  session: Session,
  subjectId: string,
  at: Date,
): Promise<number> {
  const { affected } = await session.query(
    'update person_session set ended_at = $2 where subject_id = $1 and ended_at is null',
    [subjectId, at],
  );
  return affected;
}

export interface OpenSession extends PersonSession {
  readonly opened_at: Date;
  /** Who identified the person. */
  readonly identified_by: string;
}

/** The sessions of a person that are open now, newest first. */
export async function openSessionsOf(
  registry: Registry,
  subjectId: string,
): Promise<OpenSession[]> {
  const { rows } = await registry.db.query<OpenSession>(
    `select s.session_id, s.subject_id, s.opened_at, p.name as identified_by
     from person_session s join participant p on p.participant_id = s.identified_by
     where s.subject_id = $1 and s.ended_at is null and s.seen_at > $2 and s.opened_at > $3
       and p.state = 'admitted'
     order by s.opened_at desc, s.session_id`,
    [subjectId, before(registry, IDLE_MS), before(registry, LONGEST_MS)],
  );
  return rows;
}
