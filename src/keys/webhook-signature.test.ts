import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { privateKeyOf, publicX } from './signing-key.ts';
import { verifyWebhook, WEBHOOK_TOLERANCE_S, webhookHeaders } from './webhook-signature.ts';

// RFC 8032 section 7.1, test 1: a key that anyone can check with.
const SEED = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const key = privateKeyOf(SEED);
const x = publicX(key);
const id = '018f4c6e-0000-4000-8000-000000000001';
const timestamp = 1_767_225_600;
const body = Buffer.from('{"type":"feed.entry"}');
/** Made with another implementation (Python's cryptography) over `id.timestamp.body`. */
const VECTOR =
  'v1a,9Krpphb87z3yjWVUZfhXJhY+VdUYmEys/IxcLpsD26dkNM5Sfo3raL/sPGQVWaWox7Dfaigl92yFuKe7JQqnBw==';
const now = new Date(timestamp * 1000);
const trust = { keys: [{ x }], now };

describe('the signature of a webhook', () => {
  it('is Ed25519 over id, timestamp and body, joined by dots', () => {
    expect(x).toBe(
      Buffer.from(
        'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
        'hex',
      ).toString('base64url'),
    );
    const headers = webhookHeaders({ id, timestamp, body }, key);
    expect(headers).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1767225600',
      'webhook-signature': VECTOR,
    });
    expect(verifyWebhook(headers, body, trust)).toBe(id);
  });

  it('holds for that message alone, from a known key, and not for long', () => {
    const headers = webhookHeaders({ id, timestamp, body }, key);
    const later = (s: number) => ({ ...trust, now: new Date((timestamp + s) * 1000) });
    const signature = headers['webhook-signature'];
    const refused: [Record<string, unknown>, Uint8Array, typeof trust][] = [
      [headers, Buffer.from('{"type":"feed.entry" }'), trust],
      [{ ...headers, 'webhook-id': id.replace('018f', '018e') }, body, trust],
      [{ ...headers, 'webhook-timestamp': '1767225601' }, body, trust],
      [{ ...headers, 'webhook-signature': signature?.replace('v1a', 'v1') }, body, trust],
      [{ ...headers, 'webhook-signature': [signature] }, body, trust],
      [{}, body, trust],
      [headers, body, { ...trust, keys: [] }],
      [headers, body, later(WEBHOOK_TOLERANCE_S + 1)],
      [headers, body, later(-WEBHOOK_TOLERANCE_S - 1)],
    ];
    for (const each of refused) expect(verifyWebhook(...each)).toBe(null);
    expect(verifyWebhook(headers, body, later(WEBHOOK_TOLERANCE_S))).toBe(id);
    // While keys are rotated a sender gives two; unknown versions are passed over.
    const two = { ...headers, 'webhook-signature': `v1,c2VjcmV0 v9,x ${signature}` };
    expect(verifyWebhook(two, body, trust)).toBe(id);
  });

  it('is made for ids that are UUIDs alone: nothing that reads as a JWS is signed', () => {
    const pem = createPrivateKey(key.export({ format: 'pem', type: 'pkcs8' }));
    expect(() => webhookHeaders({ id: 'eyJhbGciOiJFZERTQSJ9', timestamp, body }, pem)).toThrow();
  });
});
