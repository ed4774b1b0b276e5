/**
 * Webhooks: a knock at the participant's door when its feed has grown. The feed is the truth; a
 * webhook that is lost costs time, never an event.
 *
 * What must stay true: a delivery is written with the feed entry it announces; exactly one worker
 * has it at a time; its body names the event and its type, nobody's identity; an endpoint that
 * stays dead is disabled and says why.
 */
import type { Session } from '../database/database.ts';
import { webhookHeaders } from '../keys/webhook-signature.ts';
import { allEnded } from '../model/all-ended.ts';
import { AssentError } from '../model/error.ts';
import type { WebhookBody } from '../wire/feed.ts';
import type { Registry } from './registry.ts';
import { addressProblem } from './webhook-address.ts';

/** Waits between attempts, in seconds: some three days in all (Standard Webhooks' example). */
const WAITS_S = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
/** A worker that has not answered for so long is taken for dead. */
const CLAIM_MS = 60_000;
const BATCH = 20;
const GONE = 410;

export interface Webhook {
  readonly participant_id: string;
  readonly url: string;
  readonly state: 'enabled' | 'disabled';
  readonly why: string | null;
  readonly changed_at: Date;
}

const COLUMNS = 'participant_id, url, state, why, changed_at';

/**
 * Registers, replaces or enables again a participant's endpoint.
 * @param loopback as for `addressProblem`
 * @throws webhook_invalid
 */
export async function registerWebhook(
  registry: Registry,
  participantId: string,
  url: string,
  loopback: boolean,
): Promise<Webhook> {
  const problem = addressProblem(url, loopback);
  if (problem !== null) throw new AssentError('webhook_invalid', { detail: problem });
  const { rows } = await registry.db.query<Webhook>(
    `insert into webhook (participant_id, url, state, why, changed_at)
     values ($1, $2, 'enabled', null, $3)
     on conflict (participant_id) do update set url = excluded.url, state = excluded.state,
       why = excluded.why, changed_at = excluded.changed_at
     returning ${COLUMNS}`,
    [participantId, url, registry.now()],
  );
  const [webhook] = rows;
  if (!webhook) throw new Error('the row was just written');
  return webhook;
}

/** Every endpoint with its state. */
export async function listWebhooks(registry: Registry): Promise<Webhook[]> {
  const { rows } = await registry.db.query<Webhook>(
    `select ${COLUMNS} from webhook order by participant_id`,
  );
  return rows;
}

/** Queues a delivery for a feed entry, in its transaction; none without an endpoint. */
export async function queueWebhook(
  registry: Registry,
  session: Session,
  participantId: string,
  entry: { readonly position: number; readonly event_id: string; readonly type: string },
): Promise<void> {
  const now = registry.now();
  await session.query(
    `insert into webhook_delivery (delivery_id, participant_id, position, event_id, type,
       created_at, state, attempts, next_try_at)
     select $1::uuid, w.participant_id, $3::bigint, $4::text, $5::text, $6::timestamptz,
       'pending', 0, $6::timestamptz
     from webhook w where w.participant_id = $2 and w.state = 'enabled'`,
    [registry.newId(), participantId, entry.position, entry.event_id, entry.type, now],
  );
}

interface Delivery {
  readonly delivery_id: string;
  readonly participant_id: string;
  readonly url: string;
  readonly position: number;
  readonly event_id: string;
  readonly type: string;
  readonly created_at: Date;
  readonly attempts: number;
}

async function claim(registry: Registry): Promise<Delivery[]> {
  const now = registry.now();
  const { rows } = await registry.db.query<Delivery>(
    `update webhook_delivery d set claimed_until = $2, attempts = d.attempts + 1
     from webhook w
     where w.participant_id = d.participant_id and w.state = 'enabled'
       and exists (select 1 from participant a
         where a.participant_id = w.participant_id and a.state = 'admitted')
       and d.delivery_id in (
       select p.delivery_id from webhook_delivery p where p.state = 'pending'
         and p.next_try_at <= $1 and (p.claimed_until is null or p.claimed_until <= $1)
       order by p.next_try_at, p.delivery_id limit $3 for update skip locked)
     returning d.delivery_id, d.participant_id, w.url, d.position, d.event_id, d.type,
       d.created_at, d.attempts`,
    [now, new Date(now.getTime() + CLAIM_MS), BATCH],
  );
  return rows;
}

/** Sends one attempt; null when no answer came. Must not throw. */
export type PostWebhook = (request: {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}) => Promise<number | null>;

async function disable(registry: Registry, delivery: Delivery, why: string): Promise<void> {
  await registry.db.transaction(async (session) => {
    await session.query(
      `update webhook set state = 'disabled', why = $2, changed_at = $3
       where participant_id = $1 and url = $4`,
      [delivery.participant_id, why, registry.now(), delivery.url],
    );
    await session.query(
      `update webhook_delivery set state = 'given_up', ended_at = $2, claimed_until = null
       where participant_id = $1 and state = 'pending'`,
      [delivery.participant_id, registry.now()],
    );
  });
}

async function recordAttempt(
  registry: Registry,
  delivery: Delivery,
  status: number | null,
): Promise<void> {
  const isDelivered = status !== null && status >= 200 && status < 300;
  const wait = WAITS_S[delivery.attempts - 1];
  const now = registry.now();
  await registry.db.query(
    `update webhook_delivery set state = $2, ended_at = $3, next_try_at = $4, last_status = $5,
       claimed_until = null
     where delivery_id = $1 and state = 'pending'`,
    [
      delivery.delivery_id,
      isDelivered ? 'delivered' : 'pending',
      isDelivered ? now : null,
      new Date(now.getTime() + (wait ?? 0) * 1000),
      status,
    ],
  );
  if (isDelivered) return;
  if (status === GONE) await disable(registry, delivery, 'the endpoint answered 410 Gone');
  else if (wait === undefined)
    await disable(registry, delivery, `${delivery.attempts} attempts failed over three days`);
}

async function deliver(registry: Registry, delivery: Delivery, post: PostWebhook): Promise<void> {
  const { delivery_id: id, position, event_id, type } = delivery;
  const content: WebhookBody = {
    type: 'feed.entry',
    timestamp: delivery.created_at.toISOString(),
    data: { position, event_id, event_type: type },
  };
  const body = Buffer.from(JSON.stringify(content));
  const timestamp = Math.floor(registry.now().getTime() / 1000);
  const headers = {
    'content-type': 'application/json',
    ...webhookHeaders({ id, timestamp, body }, registry.ring.signing.key),
  };
  await recordAttempt(registry, delivery, await post({ url: delivery.url, headers, body }));
}

/** Delivers whatever is due. Returns how many attempts were made. */
export async function deliverWebhooks(registry: Registry, post: PostWebhook): Promise<number> {
  let attempts = 0;
  for (;;) {
    const batch = await claim(registry);
    await allEnded(batch.map((delivery) => deliver(registry, delivery, post)));
    attempts += batch.length;
    if (batch.length < BATCH) return attempts;
  }
}
