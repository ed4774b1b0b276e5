/**
 * Signatures of webhooks in the Standard Webhooks form, asymmetric (`v1a`): Ed25519 over
 * `id.timestamp.body`. The library `standardwebhooks` knows the symmetric form alone, in which
 * each receiver shares a secret with the sender; ours pinned the sender's public keys already.
 *
 * What must stay true: the id is a UUID, so what is signed here never reads as the `header.payload`
 * of a JWS, which the same key signs; a timestamp far from now is refused whatever the signature.
 * Source: https://www.standardwebhooks.com, specification 1.0.
 */

import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { UUID } from '../model/uuid.ts';

/** How far the timestamp may be from now, in seconds. */
export const WEBHOOK_TOLERANCE_S = 300;

const SIGNATURES_MAX = 10;

export interface WebhookMessage {
  /** The same for every attempt. */
  readonly id: string;
  /** Unix seconds of the attempt. */
  readonly timestamp: number;
  readonly body: Uint8Array;
}

function signedBytes({ id, timestamp, body }: WebhookMessage): Buffer {
  return Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
}

/** The three headers of one attempt. */
export function webhookHeaders(message: WebhookMessage, key: KeyObject): Record<string, string> {
  if (!UUID.test(message.id)) throw new TypeError('the id of a webhook is a UUID');
  return {
    'webhook-id': message.id,
    'webhook-timestamp': String(message.timestamp),
    'webhook-signature': `v1a,${sign(null, signedBytes(message), key).toString('base64')}`,
  };
}

/** The id of a webhook that one of the keys signed lately; null for anything else. */
export function verifyWebhook(
  headers: Readonly<Record<string, unknown>>,
  body: Uint8Array,
  trust: { readonly keys: readonly { readonly x: string }[]; readonly now: Date },
): string | null {
  const [id, time, signatures] = ['id', 'timestamp', 'signature'].map((name) => {
    const value = headers[`webhook-${name}`];
    return typeof value === 'string' ? value : '';
  });
  if (!UUID.test(id ?? '') || !/^[1-9]\d{0,11}$/.test(time ?? '')) return null;
  const timestamp = Number(time);
  if (Math.abs(trust.now.getTime() / 1000 - timestamp) > WEBHOOK_TOLERANCE_S) return null;
  const bytes = signedBytes({ id: id ?? '', timestamp, body });
  const given = (signatures ?? '').split(' ').slice(0, SIGNATURES_MAX);
  const ours = given.filter((text) => text.startsWith('v1a,'));
  const isSigned = trust.keys.some(({ x }) => {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return ours.some((text) => verify(null, bytes, key, Buffer.from(text.slice(4), 'base64')));
  });
  return isSigned ? (id ?? null) : null;
}
