/**
 * What a person sees of themselves besides the file: who looked, and what they were told.
 *
 * What must stay true: only the person of the session is asked for; every reading leaves a trace
 * in its transaction, reading the trace too (promise 4), and a look names who, when, why and under
 * what. Source: FCRA 609 (U6), GDPR 15 (E2), Finland's message on an extract (F3).
 */
import type { Session } from '../database/database.ts';
import type { Registry } from './registry.ts';

/** What of the file a person read. */
export const OWN_PARTS = [
  'overview',
  'file',
  'score',
  'looks',
  'authorisations',
  'disputes',
  'report',
  'export',
] as const;
export type OwnPart = (typeof OWN_PARTS)[number];

export const OWN_PURPOSE = 'own_file';

/** Runs a reading in one transaction with its trace, which is written first. */
export function readOwn<T>(
  registry: Registry,
  subjectId: string,
  part: OwnPart,
  read: (session: Session) => Promise<T>,
): Promise<T> {
  return registry.db.transaction(async (session) => {
    await session.query(
      `insert into access (subject_id, access_id, participant_id, purpose, reason, at, kind)
       values ($1, $2, $3, '${OWN_PURPOSE}', $4, $5, 'own')`,
      [subjectId, registry.newId(), registry.registry_id, part, registry.now()],
    );
    return read(session);
  });
}

export interface OwnLook {
  readonly access_id: string;
  readonly at: Date;
  /** Name of the participant; null: the person. */
  readonly who: string | null;
  readonly role: string | null;
  readonly purpose: string;
  readonly reason: string;
  /** How it counts: new_credit, account_management, own, other; null: it is no enquiry. */
  readonly kind: string | null;
  /** `report`, or what else came of it. */
  readonly outcome: string | null;
  /** What it stood under. */
  readonly authorisation_id: string | null;
}

/** Own looks shown one by one; there is one for every page that was opened. */
const OWN_SHOWN = 50;

/** Acts of the person stand under the registry, which did them at their word. */
const IS_OWN = `(a.purpose = '${OWN_PURPOSE}'
  or (a.participant_id = $3 and a.purpose in ('block', 'statement', 'dispute')))`;
const LOOKS = `
  select a.access_id, a.at, a.purpose, a.reason, a.kind, a.outcome, a.authorisation_id,
    case when ${IS_OWN} then null else p.name end as who,
    case when ${IS_OWN} then null else p.role end as role
  from access a left join participant p on p.participant_id = a.participant_id
  where a.subject_id = $1 and a.at >= $2`;

export interface OwnLooks {
  /** Of others, newest first. */
  readonly others: readonly OwnLook[];
  /** The newest of the person's own. */
  readonly own: readonly OwnLook[];
  readonly own_count: number;
  /** Looks from before this moment are no longer shown; null: all are. */
  readonly since: Date | null;
}

/** Everyone who looked, for as long as the profile lets the person see it. */
export function ownLooks(registry: Registry, subjectId: string): Promise<OwnLooks> {
  const months = registry.profile?.access_history_months ?? null;
  const since = months === null ? null : new Date(registry.now());
  since?.setUTCMonth(since.getUTCMonth() - (months ?? 0));
  const params = [subjectId, since ?? new Date(0), registry.registry_id];
  return readOwn(registry, subjectId, 'looks', async (session) => {
    const { rows: others } = await session.query<OwnLook>(
      `${LOOKS} and not ${IS_OWN} order by a.at desc, a.access_id`,
      params,
    );
    const { rows: own } = await session.query<OwnLook>(
      `${LOOKS} and ${IS_OWN} order by a.at desc, a.access_id limit ${OWN_SHOWN}`,
      params,
    );
    const { rows: counted } = await session.query<{ n: number }>(
      `select count(*) as n from access a where a.subject_id = $1 and a.at >= $2 and ${IS_OWN}`,
      params,
    );
    return { others, own, own_count: counted[0]?.n ?? 0, since };
  });
}

export interface OwnMessage {
  readonly message_id: string;
  readonly kind: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly at: Date;
  readonly read_at: Date | null;
  /** Name of the participant that the facts name; or null. */
  readonly who: string | null;
}

const MESSAGES_SHOWN = 200;

/** The newest messages, as they stood before this reading, which marks them as read. */
export async function readMessages(registry: Registry, subjectId: string): Promise<OwnMessage[]> {
  return registry.db.transaction(async (session) => {
    const { rows } = await session.query<OwnMessage>(
      `select m.message_id, m.kind, m.facts, m.at, m.read_at, p.name as who from message m
       left join participant p on p.participant_id::text = m.facts ->> 'participant_id'
       where m.subject_id = $1 order by m.at desc, m.message_id limit ${MESSAGES_SHOWN}`,
      [subjectId],
    );
    await session.query(
      `update message set read_at = $3
       where subject_id = $1 and message_id = any($2::uuid[]) and read_at is null`,
      [subjectId, rows.map((row) => row.message_id), registry.now()],
    );
    return rows;
  });
}

/** How many messages the person has not read. */
export async function unreadMessages(session: Session, subjectId: string): Promise<number> {
  const { rows } = await session.query<{ n: number }>(
    'select count(*) as n from message where subject_id = $1 and read_at is null',
    [subjectId],
  );
  return rows[0]?.n ?? 0;
}
