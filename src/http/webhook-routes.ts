/**
 * The gateway's receiver of webhooks: a knock that makes it read the registry's feed now.
 *
 * What must stay true: public, and therefore believed only with the registry's signature and a
 * timestamp of now, once; nothing of the body is used: what happened is read from the feed.
 */
import { Type } from 'typebox';
import type { Gateway } from '../gateway/gateway.ts';
import { verifyWebhook, WEBHOOK_TOLERANCE_S } from '../keys/webhook-signature.ts';
import { AssentError } from '../model/error.ts';
import type { Server } from './instance.ts';

const BODY_BYTES = 16 * 1024;

export interface WebhookRoutesOptions {
  readonly gateway: Gateway;
  /** The registry's public keys; empty while the gateway is not connected. */
  readonly keys: () => readonly { readonly x: string }[];
  /** Reads the feed soon; must not throw. */
  readonly pull: () => void;
}

/** True the first time; the timestamp keeps ids older than the memory out. */
async function isNew({ db, now }: Gateway, id: string): Promise<boolean> {
  const seenAt = now();
  const forgotten = new Date(seenAt.getTime() - 3 * WEBHOOK_TOLERANCE_S * 1000);
  await db.query('delete from webhook_seen where seen_at < $1', [forgotten]);
  const { affected } = await db.query(
    `insert into webhook_seen (webhook_id, seen_at) values ($1, $2)
     on conflict (webhook_id) do nothing`,
    [id, seenAt],
  );
  return affected > 0;
}

/** Adds the receiver to a gateway's server. */
export function webhookRoutes(options: WebhookRoutesOptions): (app: Server) => Promise<void> {
  const { gateway, keys, pull } = options;
  return async (app) => {
    await app.register(async (scope) => {
      // The signature is over the bytes as they came.
      scope.addContentTypeParser(
        'application/json',
        { parseAs: 'buffer' },
        async (_request: unknown, bytes: string | Buffer) => bytes,
      );
      scope.post(
        '/v1/webhook',
        {
          config: { access: 'public' },
          bodyLimit: BODY_BYTES,
          schema: {
            summary: "Receive the registry's webhook (Standard Webhooks, v1a)",
            response: { 204: Type.Null() },
          },
        },
        async (request, reply) => {
          const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
          const trust = { keys: keys(), now: gateway.now() };
          const id = verifyWebhook(request.headers, body, trust);
          if (id === null)
            throw new AssentError('signature_invalid', {
              detail: 'it is no webhook of the registry that was signed lately',
            });
          if (await isNew(gateway, id)) pull();
          return reply.code(204).send(null);
        },
      );
    });
  };
}
