import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { base64url, CompactSign } from 'jose';
import { describe, expect, test } from 'vitest';
import { canonicalBytes, publicJwks, signJws, verifyJws } from './jws.ts';
import { makeKeyRing } from './key-ring.ts';
import { privateKeyOf, publicJwkOf, publicX } from './signing-key.ts';

const SHARED = new URL('../../../shared/data/jcs_rfc8785/', import.meta.url);
const USE = { typ: 'assent-receipt+jws' };

function ringOf(seed: number) {
  const key = privateKeyOf(new Uint8Array(32).fill(seed));
  const jwk = publicJwkOf(publicX(key));
  const sealing = new Map([['0000000000000000', new Uint8Array(32)]]);
  return makeKeyRing(
    {
      signing: { kid: jwk.kid, key },
      publicKeys: [jwk],
      currentSealing: '0000000000000000',
      sealing,
      index: new Uint8Array(32),
    },
    randomBytes,
  );
}

const ring = ringOf(1);
const keys = publicJwks(ring);

/** A JWS over any bytes and header, by the ring's key. */
async function forge(payload: string, header: Record<string, unknown> = {}): Promise<string> {
  return await new CompactSign(Buffer.from(payload))
    .setProtectedHeader({ alg: 'EdDSA', kid: ring.signing.kid, ...USE, ...header })
    .sign(ring.signing.key);
}

async function refusal(compact: string, over: Partial<typeof keys> = {}, use = USE) {
  try {
    await verifyJws(compact, { ...keys, ...over }, use);
  } catch (error) {
    return String(error);
  }
  return 'accepted';
}

describe('canonical JSON', () => {
  test('the pairs of RFC 8785', ({ skip }) => {
    if (!existsSync(SHARED)) return skip('../shared/data is absent');
    const names = readdirSync(new URL('input/', SHARED));
    expect(names.length).toBe(6);
    for (const name of names) {
      const input = JSON.parse(readFileSync(new URL(`input/${name}`, SHARED), 'utf8'));
      const output = readFileSync(new URL(`output/${name}`, SHARED), 'utf8');
      const hex = readFileSync(new URL(`outhex/${name.replace('json', 'txt')}`, SHARED), 'utf8');
      const bytes = Buffer.from(canonicalBytes(input));
      expect(bytes.toString(), name).toBe(output);
      expect(bytes.toString('hex'), name).toBe(hex.replace(/\s/g, ''));
    }
  });

  test('reading the bytes and writing them again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const bytes = Buffer.from(canonicalBytes(value));
        expect(canonicalBytes(JSON.parse(bytes.toString()))).toEqual(bytes);
      }),
    );
  });

  test('what JSON cannot say is refused', () => {
    for (const value of [
      undefined,
      Number.NaN,
      { a: '\ud800' },
      () => 1,
      { n: 1n },
      { f: () => 1 },
    ]) {
      expect(() => canonicalBytes(value)).toThrow('argument_invalid');
    }
  });
});

describe('signJws and verifyJws', () => {
  test('what was signed comes back', async () => {
    const payload = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 5 });
    await fc.assert(
      fc.asyncProperty(payload, async (value) => {
        const compact = await signJws(value, ring, USE);
        expect(canonicalBytes(await verifyJws(compact, keys, USE))).toEqual(canonicalBytes(value));
      }),
    );
  });

  test('the order of members does not matter, so a signature can be made again', async () => {
    const [one, two] = await Promise.all([
      signJws({ a: 1, b: { c: 2, d: 3 } }, ring, USE),
      signJws({ b: { d: 3, c: 2 }, a: 1 }, ring, USE),
    ]);
    expect(one).toBe(two);
    const header = JSON.parse(Buffer.from(one.split('.')[0] ?? '', 'base64url').toString());
    expect(header).toEqual({ alg: 'EdDSA', kid: ring.signing.kid, ...USE });
  });

  test('with any character altered it is refused', async () => {
    const compact = await signJws({ rows: 12 }, ring, USE);
    for (let place = 0; place < compact.length; place += 1) {
      for (const sign of ['A', 'B', '_', '.', '=', ' ']) {
        if (compact[place] === sign) continue;
        const wrong = compact.slice(0, place) + sign + compact.slice(place + 1);
        expect(await refusal(wrong), `${place} ${sign}`).toContain('signature_invalid');
      }
    }
    for (const wrong of ['', '..', 'a.b', `${compact}.`, `${compact} `, compact.slice(0, -1)]) {
      expect(await refusal(wrong)).toContain('signature_invalid');
    }
  });

  test('another use, an unknown key and two keys of one name are refused', async () => {
    const compact = await signJws({ rows: 12 }, ring, USE);
    expect(await refusal(compact, {}, { typ: 'assent-authorisation+jws' })).toContain('typ is not');
    expect(await refusal(await forge('{}', { typ: undefined }))).toContain('typ is not');
    const stranger = publicJwks(ringOf(2)).keys;
    expect(await refusal(compact, { keys: stranger })).toContain('kid names no registered key');
    expect(await refusal(compact, { keys: [] })).toContain('kid names no registered key');
    expect(await refusal(compact, { keys: [...keys.keys, ...keys.keys] })).toContain('kid names');
    expect(await refusal(await forge('{}', { kid: undefined }))).toContain('kid names');
    const renamed = stranger.map((key) => ({ ...key, kid: ring.signing.kid }));
    expect(await refusal(compact, { keys: renamed })).toContain('the signature does not match');
    expect(await refusal(compact, { keys: [...stranger, ...keys.keys] })).toBe('accepted');
  });

  test('only EdDSA: no algorithm, a shared secret or another header are refused', async () => {
    const part = (value: object) => base64url.encode(JSON.stringify(value));
    const header = { kid: ring.signing.kid, ...USE };
    expect(await refusal(`${part({ ...header, alg: 'none' })}.${part({})}.`)).toContain(
      'signature_invalid',
    );
    const shared = await new CompactSign(Buffer.from('{}'))
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(Buffer.from(keys.keys[0]?.x ?? '', 'base64url'));
    expect(await refusal(shared)).toContain('signature_invalid');
    expect(await refusal(await forge('{}', { crit: ['b64'], b64: true }))).toContain(
      'signature_invalid',
    );
  });

  test('a payload in another spelling, or that is no object, is refused', async () => {
    const wrong = ['{ }', '{"b":1,"a":2}', '{"a":1,"a":1}', '{"a":1.0}', '{"a":1e999}', 'a', ''];
    for (const payload of [...wrong, '[]', 'null', '1', '"a"', '\ufeff{}']) {
      expect(await refusal(await forge(payload)), payload).toContain('signature_invalid');
    }
    expect(await refusal(await forge('{}'))).toBe('accepted');
  });

  test('the published keys hold no private member', () => {
    expect(Object.keys(keys.keys[0] ?? {}).sort()).toEqual(
      ['alg', 'crv', 'kid', 'kty', 'use', 'x'].sort(),
    );
  });
});
