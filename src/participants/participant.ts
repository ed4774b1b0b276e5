/**
 * Who may call the API: participants, their keys, roles and scopes, and the guard that lets
 * each client assertion count once.
 *
 * What must stay true: ids are compared exactly, in case and in length, although PostgreSQL
 * reads many spellings as one uuid (lessons 11); a participant's scopes stay within its role's;
 * only public keys are stored; `useAssertion` says yes once, whatever runs at the same time.
 */

import type { Database, Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { UUID } from '../model/uuid.ts';
import { type PublicKeys, parsePublicKeys } from './public-keys.ts';
import { ROLE_SCOPES, ROLES, type Role, type Scope } from './role.ts';

export interface Participant {
  readonly participant_id: string;
  readonly name: string;
  readonly role: Role;
  /** A Chinese lender's unified social credit code; free text elsewhere. */
  readonly licence_id: string;
  /** The names under which borrowers meet this participant. */
  readonly brands: readonly string[];
  readonly scopes: readonly Scope[];
  readonly jwks: PublicKeys;
  readonly state: 'admitted' | 'suspended';
  readonly admitted_at: Date;
}

export interface Admission {
  readonly participant_id: string;
  readonly name: string;
  readonly role: Role;
  readonly licence_id: string;
  readonly brands: readonly string[];
  /** Defaults to every scope of the role. */
  readonly scopes?: readonly Scope[];
  /** A JWK Set of public Ed25519 keys. */
  readonly jwks: unknown;
  readonly admitted_at: Date;
}

/** The form in which we write ids: RFC 9562 section 4, lower case. */

/** One line of text: no control characters, not empty, not a page. */
const LINE = /^[^\p{Cc}]{1,200}$/u;

/** A server's clock may run ahead of its neighbour's: keep a used assertion this much longer. */
const PRUNE_MARGIN_MS = 10 * 60_000;

const COLUMNS = 'participant_id, name, role, licence_id, brands, scopes, jwks, state, admitted_at';

function refuse(detail: string): never {
  throw new AssentError('participant_invalid', { detail });
}

function checkAdmission(admission: Admission): readonly Scope[] {
  if (!UUID.test(admission.participant_id)) refuse('participant_id is not a lower-case UUID');
  if (!LINE.test(admission.name)) refuse('name must be 1 to 200 characters on one line');
  if (!LINE.test(admission.licence_id))
    refuse('licence_id must be 1 to 200 characters on one line');
  if (!admission.brands.every((brand) => LINE.test(brand))) refuse('a brand is empty or too long');
  if (!ROLES.includes(admission.role)) refuse('role is not one of the roles');
  const allowed = ROLE_SCOPES[admission.role];
  const scopes = [...new Set(admission.scopes ?? allowed)];
  const foreign = scopes.find((scope) => !allowed.includes(scope));
  if (foreign !== undefined) refuse(`a scope is not within the role ${admission.role}`);
  return scopes;
}

function sameAdmission(held: Participant, offered: Omit<Participant, 'state' | 'admitted_at'>) {
  const facts = (one: Omit<Participant, 'state' | 'admitted_at'>) =>
    JSON.stringify([
      one.name,
      one.role,
      one.licence_id,
      one.brands,
      [...one.scopes].sort(),
      one.jwks.keys.map((key) => [key.kid, key.x]),
    ]);
  return facts(held) === facts(offered);
}

/**
 * Admits a participant. An exact repetition changes nothing and answers the participant as it
 * stands; the same id with other facts is refused (lessons 14).
 * @throws participant_invalid, participant_exists.
 */
export async function admitParticipant(
  session: Session,
  admission: Admission,
): Promise<Participant> {
  const scopes = checkAdmission(admission);
  const jwks = await parsePublicKeys(admission.jwks);
  const { participant_id, name, role, licence_id, brands, admitted_at } = admission;
  const { rows } = await session.query<Participant>(
    `insert into participant (${COLUMNS})
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, 'admitted', $8)
     on conflict (participant_id) do nothing
     returning ${COLUMNS}`,
    [participant_id, name, role, licence_id, brands, scopes, JSON.stringify(jwks), admitted_at],
  );
  const admitted = rows[0];
  if (admitted) return admitted;
  const held = await findParticipant(session, participant_id);
  if (
    held &&
    sameAdmission(held, { participant_id, name, role, licence_id, brands, scopes, jwks })
  ) {
    return held;
  }
  throw new AssentError('participant_exists', { detail: `participant ${participant_id}` });
}

async function setState(
  session: Session,
  participantId: string,
  state: Participant['state'],
): Promise<void> {
  await findOrThrow(session, participantId);
  await session.query('update participant set state = $2 where participant_id = $1', [
    participantId,
    state,
  ]);
}

/** @throws participant_unknown. */
export async function findOrThrow(session: Session, participantId: string): Promise<Participant> {
  const participant = await findParticipant(session, participantId);
  if (!participant) throw new AssentError('participant_unknown');
  return participant;
}

/**
 * Suspends a participant: its next request is refused, whatever token it carries.
 * @throws participant_unknown.
 */
export async function suspendParticipant(session: Session, participantId: string): Promise<void> {
  await setState(session, participantId, 'suspended');
}

/**
 * Lifts a suspension.
 * @throws participant_unknown.
 */
export async function reinstateParticipant(session: Session, participantId: string): Promise<void> {
  await setState(session, participantId, 'admitted');
}

/**
 * Replaces a participant's keys. Tokens issued before live on for their ten minutes; suspend the
 * participant when a key was stolen.
 * @throws participant_unknown, participant_invalid.
 */
export async function rotateKeys(
  session: Session,
  participantId: string,
  jwks: unknown,
): Promise<PublicKeys> {
  const keys = await parsePublicKeys(jwks);
  await findOrThrow(session, participantId);
  await session.query('update participant set jwks = $2::jsonb where participant_id = $1', [
    participantId,
    JSON.stringify(keys),
  ]);
  return keys;
}

/** Finds a participant by its exact id; null for any other spelling, a part of it or a stranger. */
export async function findParticipant(
  session: Session,
  participantId: string,
): Promise<Participant | null> {
  if (!UUID.test(participantId)) return null;
  const { rows } = await session.query<Participant>(
    `select ${COLUMNS} from participant where participant_id = $1`,
    [participantId],
    { prepared: true }, // Every request asks.
  );
  return rows[0] ?? null;
}

/** Every participant, by name; there are hundreds, not millions. */
export async function listParticipants(session: Session): Promise<Participant[]> {
  const { rows } = await session.query<Participant>(
    `select ${COLUMNS} from participant order by name, participant_id`,
  );
  return rows;
}

/**
 * Marks a client assertion as used; true exactly once for each (participant, jti), also when
 * two servers ask at the same moment. Assertions long expired are pruned on the way.
 * Source: RFC 7523 section 3, item 7.
 */
export async function useAssertion(
  session: Session,
  use: {
    readonly participant_id: string;
    readonly jti: string;
    readonly expires_at: Date;
    readonly now: Date;
  },
): Promise<boolean> {
  await session.query(
    'delete from client_assertion where participant_id = $1 and expires_at < $2',
    [use.participant_id, new Date(use.now.getTime() - PRUNE_MARGIN_MS)],
  );
  const { rows } = await session.query(
    `insert into client_assertion (participant_id, jti, expires_at) values ($1, $2, $3)
     on conflict (participant_id, jti) do nothing
     returning jti`,
    [use.participant_id, use.jti, use.expires_at],
  );
  return rows.length === 1;
}

/** What the HTTP server asks of the participants. */
export interface ParticipantStore {
  find(participantId: string): Promise<Participant | null>;
  useAssertion(use: Parameters<typeof useAssertion>[1]): Promise<boolean>;
}

/** The participants of one database, read afresh on every question: a suspension acts at once. */
export function openParticipantStore(db: Database): ParticipantStore {
  return {
    find: (participantId) => findParticipant(db, participantId),
    useAssertion: (use) => useAssertion(db, use),
  };
}
