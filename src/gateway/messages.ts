/**
 * The outbox: messages that the lender's app fetches and sends in its own way.
 *
 * What must stay true: a message gets its place, once, at the moment it is handed out, and only
 * if it may go out at that moment: its campaign runs, it is an asking hour where the person
 * lives, nobody answered meanwhile. Asking again from the same place gives the same messages, so
 * an app that died has lost nothing and, knowing `message_id`, sends nothing twice.
 */
import type { Session } from '../database/database.ts';
import { linkPath, linkToken } from './asking.ts';
import type { Campaign } from './campaigns.ts';
import type { Gateway } from './gateway.ts';
import { askedAgainBefore } from './notices.ts';
import { isAskingHour } from './wave.ts';

export interface Message {
  readonly position: number;
  /** Stable: the request and the message's number. */
  readonly message_id: string;
  readonly subject_ref: string;
  readonly kind: 'request' | 'reminder';
  /** Path of the asking page; its token is a secret of the person. */
  readonly path: string;
  readonly language: string;
  readonly due_at: string;
}

/** The messages that come next. $1 campaigns that may ask now, $2 moment, $3 how many. */
const NEXT = `
  select request_id, number from outbox_message
  where position is null and dropped_at is null and campaign_id = any($1::uuid[])
  order by due_at, request_id, number limit $3::int`;

/**
 * Drops, of those that come next, what may never go out: answered, no longer open, or about a
 * purpose that the person refused or withdrew meanwhile in another way.
 */
const DROP = `
  update outbox_message set dropped_at = $2::timestamptz
  where (request_id, number) in (${NEXT}) and (
    exists (select 1 from request r
      where r.subject_id = outbox_message.subject_id
        and r.request_id = outbox_message.request_id and r.expires_at <= $2::timestamptz)
    or exists (select 1 from request_purpose p
      join authorisation a on a.subject_id = p.subject_id
        and a.authorisation_id = p.authorisation_id
      where p.subject_id = outbox_message.subject_id
        and p.request_id = outbox_message.request_id and a.state <> 'requested')
    or exists (select 1 from campaign c, request_purpose p, authorisation a, authorisation b,
        authorisation_event e
      where c.campaign_id = outbox_message.campaign_id
        and p.subject_id = outbox_message.subject_id and p.request_id = outbox_message.request_id
        and a.subject_id = p.subject_id and a.authorisation_id = p.authorisation_id
        and b.subject_id = a.subject_id and b.purpose = a.purpose
        and b.state in ('refused', 'withdrawn')
        and e.subject_id = b.subject_id and e.authorisation_id = b.authorisation_id
        and e.seq = b.last_seq
        and ((c.plan ->> 'ask_refused_after')::int = 0 or e.at > $2::timestamptz
          - make_interval(days => (c.plan ->> 'ask_refused_after')::int))))`;

/** Gives the next ones their places. $4 the newest position. */
const HAND_OUT = `
  update outbox_message set position = $4::bigint + t.n, handed_at = $2::timestamptz
  from (select request_id, number, row_number() over (order by request_id, number) as n from (${NEXT}) c) t
  where outbox_message.request_id = t.request_id and outbox_message.number = t.number`;

/** Running, in an asking hour, with a notice that counts. They stay so while the lock is held. */
async function campaignsThatMayAsk(session: Session, gateway: Gateway, now: Date) {
  const oldest = await askedAgainBefore(session, gateway, now);
  const { rows } = await session.query<Pick<Campaign, 'campaign_id' | 'plan'>>(
    `select campaign_id, plan from campaign where state = 'running' order by campaign_id for update`,
  );
  return rows
    .filter(({ plan }) => isAskingHour(gateway, plan.time_zone, now))
    .filter(({ plan }) => plan.notice_version >= (oldest[plan.notice_id] ?? 0))
    .map(({ campaign_id }) => campaign_id);
}

/** Hands out up to `most` messages that wait. Positions have no gap: the head is locked. */
async function handOut(session: Session, gateway: Gateway, most: number): Promise<void> {
  const now = gateway.now();
  await session.query(
    'insert into outbox_place (only_one, position) values (true, 0) on conflict (only_one) do nothing',
  );
  const { rows } = await session.query<{ position: number }>(
    'select position from outbox_place where only_one for update',
  );
  const newest = rows[0]?.position ?? 0;
  const open = await campaignsThatMayAsk(session, gateway, now);
  while ((await session.query(DROP, [open, now, most])).affected > 0);
  const { affected } = await session.query(HAND_OUT, [open, now, most, newest]);
  await session.query('update outbox_place set position = position + $1::int', [affected]);
}

interface Row extends Omit<Message, 'message_id' | 'kind' | 'path' | 'due_at'> {
  readonly request_id: string;
  readonly number: number;
  readonly due_at: Date;
}

/**
 * Messages after a position, oldest first; new ones are handed out when there are not enough.
 * Messages of a campaign that was stopped after they were handed out are left out.
 * @param after 0, or the position of the last message that was taken care of
 * @throws profile_unset
 */
export async function readOutbox(
  gateway: Gateway,
  after: number,
  most: number,
): Promise<{ readonly messages: Message[]; readonly next: number }> {
  const rows = await gateway.db.transaction(async (session) => {
    const { rows: known } = await session.query<{ n: number }>(
      `select count(*) as n from (select 1 from outbox_message where position > $1 limit $2) t`,
      [after, most],
    );
    const missing = most - (known[0]?.n ?? 0);
    if (missing > 0) await handOut(session, gateway, missing);
    const found = await session.query<Row & { state: string }>(
      `select m.position, m.request_id, m.number, s.subject_ref, m.language, m.due_at, c.state
       from outbox_message m
       join customer s on s.subject_id = m.subject_id
       join campaign c on c.campaign_id = m.campaign_id
       where m.position > $1 order by m.position limit $2`,
      [after, most],
    );
    return found.rows;
  });
  const messages = rows
    .filter(({ state }) => state !== 'stopped')
    .map(
      ({ position, request_id, number, subject_ref, language, due_at }): Message => ({
        position,
        message_id: `${request_id}-${number}`,
        subject_ref,
        kind: number === 0 ? 'request' : 'reminder',
        path: linkPath(linkToken(gateway, request_id)),
        language,
        due_at: due_at.toISOString(),
      }),
    );
  return { messages, next: rows.at(-1)?.position ?? after };
}

/** The columns of a list for whoever sends the messages. */
export const MESSAGE_COLUMNS = [
  'message_id',
  'subject_ref',
  'kind',
  'path',
  'language',
  'due_at',
] as const satisfies readonly (keyof Message)[];
