/**
 * Feeds: for each participant, the events it must know, in one order, each signed.
 *
 * What must stay true: append-only; positions of one recipient have no gap and are committed in
 * their order, because the row of `feed_head` stays locked from the position's birth to the
 * commit (a sequence would give neither); nobody reads another's.
 */
import type { AuthorisationEvent } from '../authorisation/record.ts';
import type { Session } from '../database/database.ts';
import { signJws } from '../keys/jws.ts';
import { FEED_TYP, type FeedPage } from '../wire/feed.ts';
import type { Registry } from './registry.ts';
import { queueWebhook } from './webhooks.ts';

/** An event as it stands in the chain of the side where it happened. */
export interface FeedEvent {
  readonly authorisation_id: string;
  readonly record_sha256: string;
  readonly event: Omit<AuthorisationEvent, 'type'> & { readonly type: string };
  readonly prev_hash: string | null;
  readonly event_id: string;
}

/** Makes room for so many entries; the row stays locked until the commit. @returns the newest */
async function takePositions(session: Session, recipient: string, n: number): Promise<number> {
  const { rows } = await session.query<{ position: number }>(
    `insert into feed_head (participant_id, position) values ($1, $2::bigint)
     on conflict (participant_id) do update set position = feed_head.position + excluded.position
     returning position`,
    [recipient, n],
  );
  return rows[0]?.position ?? 0;
}

/**
 * Holds a recipient's feed until the commit: what is told there after this, such as a withdrawal,
 * comes after what the holder appends. Whoever holds people holds them before.
 */
export async function holdFeed(session: Session, recipient: string): Promise<void> {
  await takePositions(session, recipient, 0);
}

/** What one entry says besides whose it is and where it stands. */
export interface EntryBody {
  readonly type: string;
  readonly event_id: string;
  /** Null in news that is about no authorisation. */
  readonly authorisation_id: string | null;
  /** The claims that make it an event or news. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * Appends signed entries to one feed, in the transaction that made them true, in three statements
 * however many they are. One webhook knocks, for the newest: whoever hears it reads all before it.
 */
export async function appendEntries(
  registry: Registry,
  session: Session,
  recipient: string,
  bodies: readonly EntryBody[],
): Promise<void> {
  if (bodies.length === 0) return;
  const at = registry.now();
  const iat = Math.floor(at.getTime() / 1000);
  const first = (await takePositions(session, recipient, bodies.length)) - bodies.length + 1;
  const entries = await Promise.all(
    bodies.map(async ({ claims, ...body }, index) => {
      const position = first + index;
      const whose = { iss: registry.issuer, aud: recipient, position };
      const signed = await signJws({ ...whose, iat, ...claims }, registry.ring, { typ: FEED_TYP });
      return { ...body, position, signed };
    }),
  );
  await session.query(
    `insert into feed_entry (participant_id, position, event_id, type, authorisation_id, signed,
       at)
     select $1::uuid, e.position, e.event_id, e.type, e.authorisation_id, e.signed, $3::timestamptz
     from jsonb_to_recordset($2::jsonb) as e (position bigint, event_id text, type text,
       authorisation_id uuid, signed text)`,
    [recipient, JSON.stringify(entries), at],
  );
  const newest = entries.at(-1);
  if (newest) await queueWebhook(registry, session, recipient, newest);
}

/** Appends one signed entry to each recipient's feed, in the transaction that made it true. */
export async function appendEntry(
  registry: Registry,
  session: Session,
  recipients: readonly string[],
  body: EntryBody,
): Promise<void> {
  // In one order for all, so that two events never wait for each other.
  for (const recipient of [...new Set(recipients)].sort())
    await appendEntries(registry, session, recipient, [body]);
}

/** Appends one event of an authorisation to the feeds of its recipients. */
export function appendToFeeds(
  registry: Registry,
  session: Session,
  recipients: readonly string[],
  told: FeedEvent,
): Promise<void> {
  const { authorisation_id, record_sha256, event, prev_hash, event_id } = told;
  return appendEntry(registry, session, recipients, {
    type: event.type,
    event_id,
    authorisation_id,
    claims: { authorisation_id, record_sha256, event, prev_hash, event_id },
  });
}

/** Entries of the participant's own feed after a position, oldest first. */
export async function readFeed(
  registry: Registry,
  participantId: string,
  page: { readonly after: number; readonly limit: number },
): Promise<FeedPage> {
  const { rows: entries } = await registry.db.query<{ position: number; signed: string }>(
    `select position, signed from feed_entry where participant_id = $1 and position > $2
     order by position limit $3`,
    [participantId, page.after, page.limit],
  );
  const { rows: heads } = await registry.db.query<{ position: number }>(
    'select position from feed_head where participant_id = $1',
    [participantId],
  );
  return { entries, head: heads[0]?.position ?? 0 };
}
