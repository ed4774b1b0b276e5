import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyRing, makeKeyRing, type RingKeys } from './key-ring.ts';
import { privateKeyOf, publicJwkOf, publicX } from './signing-key.ts';

const OLD = '00000000000000aa';
const NEW = '00000000000000bb';
const key = (byte: number) => new Uint8Array(32).fill(byte);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => Buffer.from(text);

function ringKeys(over: Partial<RingKeys> = {}): RingKeys {
  const signing = privateKeyOf(key(9));
  const jwk = publicJwkOf(publicX(signing));
  return {
    signing: { kid: jwk.kid, key: signing },
    publicKeys: [jwk],
    currentSealing: OLD,
    sealing: new Map([[OLD, key(1)]]),
    index: key(3),
    ...over,
  };
}

/** A generator that counts, so that layouts can be written down. */
function counting(): (size: number) => Uint8Array {
  let next = 0;
  return (size) => Uint8Array.from({ length: size }, () => next++ & 0xff);
}

const ring = makeKeyRing(ringKeys(), randomBytes);
const rotated = makeKeyRing(
  ringKeys({
    currentSealing: NEW,
    sealing: new Map([
      [NEW, key(2)],
      [OLD, key(1)],
    ]),
  }),
  randomBytes,
);
const stranger = makeKeyRing(ringKeys({ sealing: new Map([[OLD, key(7)]]) }), randomBytes);

/** Every copy of the bytes in which one byte is another. */
function* spoilt(whole: Uint8Array): Generator<Uint8Array> {
  for (let place = 0; place < whole.length; place += 1) {
    for (const mask of [0x01, 0x80, 0xff]) {
      const copy = Uint8Array.from(whole);
      copy[place] = (copy[place] ?? 0) ^ mask;
      yield copy;
    }
  }
}

/** Every text that is too short, and one that is too long. */
function* cut(whole: Uint8Array): Generator<Uint8Array> {
  for (let length = 0; length < whole.length; length += 1) yield whole.subarray(0, length);
  yield Buffer.concat([whole, Buffer.alloc(1)]);
}

describe('keyedHash', () => {
  test('is HMAC-SHA-256 over length-prefixed parts: a fixed vector', () => {
    expect(hex(ring.keyedHash('identity', 'passport', 'CN', 'E12345678'))).toMatchInlineSnapshot(
      `"59e1972b8bea51e44fab4a958b35ea5ac9f059e64ab17843c292205ba4f3a6ed"`,
    );
    expect(ring.keyedHash('identity').length).toBe(32);
  });

  test('lists that look alike when joined give different hashes', () => {
    const parts = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
    const joined = fc.tuple(fc.string({ maxLength: 3 }), parts);
    fc.assert(
      fc.property(joined, joined, ([a, left], [b, right]) => {
        const same = JSON.stringify([a, left]) === JSON.stringify([b, right]);
        expect(hex(ring.keyedHash(a, ...left)) === hex(ring.keyedHash(b, ...right))).toBe(same);
      }),
    );
    expect(hex(ring.keyedHash('a', 'bc', 'd'))).not.toBe(hex(ring.keyedHash('a', 'b', 'cd')));
    expect(hex(ring.keyedHash('a', 'b'))).not.toBe(hex(ring.keyedHash('a', 'b', '')));
    expect(hex(ring.keyedHash('ab'))).not.toBe(hex(ring.keyedHash('a', 'b')));
  });

  test('depends on the index key and on nothing else of the ring', () => {
    const other = makeKeyRing(ringKeys({ index: key(4) }), randomBytes);
    expect(hex(other.keyedHash('a', 'b'))).not.toBe(hex(ring.keyedHash('a', 'b')));
    expect(hex(rotated.keyedHash('a', 'b'))).toBe(hex(ring.keyedHash('a', 'b')));
  });

  test('half a surrogate pair is refused, not folded into another text', () => {
    expect(() => ring.keyedHash('a', '\ud800')).toThrow('argument_invalid');
    expect(() => ring.sealWhole(bytes('a'), '\udc00')).toThrow('argument_invalid');
  });
});

describe('sealing with a subject key', () => {
  test('opens to the same bytes, with the same text only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.string(), (plain, a, b) => {
        const { wrapped } = ring.newSubjectKey();
        const sealed = ring.seal(wrapped, plain, a);
        expect(sealed.length).toBe(plain.length + 37);
        expect(hex(ring.open(wrapped, sealed, a))).toBe(hex(plain));
        if (a !== b) expect(() => ring.open(wrapped, sealed, b)).toThrow('sealed_unreadable');
      }),
    );
  });

  test('the layout: kind, key id, nonce, ciphertext, tag', () => {
    const fixed = makeKeyRing(ringKeys(), counting());
    const { wrapped } = fixed.newSubjectKey();
    expect(wrapped.length).toBe(69);
    expect(hex(wrapped)).toMatchInlineSnapshot(
      `"0100000000000000aa202122232425262728292a2b3252a59951d51f39812b11c60288ccf3fa41c5b04e882b597442d92f2fc5b043d933ef5961d35a774ac724f134c3b754"`,
    );
    expect(hex(fixed.seal(wrapped, bytes('name'), 'subject 1'))).toMatchInlineSnapshot(
      `"023349756276167cbd2c2d2e2f30313233343536373c9c4873a6d96ce713fadbc80289cbd182911b8b"`,
    );
    expect(hex(fixed.sealWhole(bytes('part'), 'part 1'))).toMatchInlineSnapshot(
      `"0300000000000000aa38393a3b3c3d3e3f40414243bdb075677e719a777bfdcef57907a67a26643660"`,
    );
    expect(hex(wrapped).slice(0, 18)).toBe(`01${OLD}`);
  });

  test('the same bytes never look the same twice', () => {
    const { wrapped } = ring.newSubjectKey();
    const seen = Array.from({ length: 50 }, () => hex(ring.seal(wrapped, bytes('a'), 'x')));
    expect(new Set(seen).size).toBe(50);
  });

  test('no subject opens what was sealed for another', () => {
    const [one, two] = [ring.newSubjectKey().wrapped, ring.newSubjectKey().wrapped];
    const sealed = ring.seal(one, bytes('name'), 'x');
    expect(() => ring.open(two, sealed, 'x')).toThrow('sealed_unreadable');
  });

  test('with any byte altered, left out or added nothing opens', () => {
    const { wrapped } = ring.newSubjectKey();
    const sealed = ring.seal(wrapped, bytes('name'), 'x');
    const attempts = [
      ...[...spoilt(sealed), ...cut(sealed)].map((wrong) => () => ring.open(wrapped, wrong, 'x')),
      ...[...spoilt(wrapped), ...cut(wrapped)].flatMap((wrong) => [
        () => ring.open(wrong, sealed, 'x'),
        () => ring.seal(wrong, bytes('name'), 'x'),
        () => ring.rewrap(wrong),
      ]),
    ];
    expect(attempts.length).toBeGreaterThan(800);
    for (const attempt of attempts) expect(attempt).toThrow('sealed_unreadable');
  });

  test('another ring opens nothing, even under the same key id', () => {
    const { wrapped } = ring.newSubjectKey();
    const sealed = ring.seal(wrapped, bytes('name'), 'x');
    expect(() => stranger.open(wrapped, sealed, 'x')).toThrow('sealed_unreadable');
    expect(() => stranger.rewrap(wrapped)).toThrow('sealed_unreadable');
  });
});

describe('sealing whole', () => {
  test('opens to the same bytes, with the same text only', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.string(), (plain, a, b) => {
        const sealed = ring.sealWhole(plain, a);
        expect(hex(ring.openWhole(sealed, a))).toBe(hex(plain));
        if (a !== b) expect(() => ring.openWhole(sealed, b)).toThrow('sealed_unreadable');
        expect(() => stranger.openWhole(sealed, a)).toThrow('sealed_unreadable');
      }),
    );
  });

  test('with any byte altered, left out or added nothing opens', () => {
    const sealed = ring.sealWhole(bytes('part'), 'x');
    for (const wrong of [...spoilt(sealed), ...cut(sealed)]) {
      expect(() => ring.openWhole(wrong, 'x')).toThrow('sealed_unreadable');
    }
  });

  test('one kind never opens as another', () => {
    const { wrapped } = ring.newSubjectKey();
    const asWhole = Uint8Array.from(wrapped);
    asWhole[0] = 3;
    for (const wrong of [wrapped, asWhole, ring.seal(wrapped, bytes('a'), '')]) {
      expect(() => ring.openWhole(wrong, '')).toThrow('sealed_unreadable');
    }
    const asWrapped = Uint8Array.from(ring.sealWhole(key(5), ''));
    asWrapped[0] = 1;
    expect(() => ring.seal(asWrapped, bytes('a'), '')).toThrow('sealed_unreadable');
  });
});

describe('rotation', () => {
  test('a rotated ring opens what was sealed before, and seals with the new key', () => {
    const { wrapped } = ring.newSubjectKey();
    const sealed = ring.seal(wrapped, bytes('name'), 'x');
    const whole = ring.sealWhole(bytes('part'), 'x');
    expect(hex(rotated.open(wrapped, sealed, 'x'))).toBe(hex(bytes('name')));
    expect(hex(rotated.openWhole(whole, 'x'))).toBe(hex(bytes('part')));
    expect(hex(rotated.sealWhole(bytes('a'), 'x')).slice(2, 18)).toBe(NEW);
  });

  test('a rewrapped key opens the same bytes without the old sealing key', () => {
    const { wrapped } = ring.newSubjectKey();
    const sealed = ring.seal(wrapped, bytes('name'), 'x');
    const rewrapped = rotated.rewrap(wrapped);
    expect(rotated.rewrap(rewrapped)).toBe(rewrapped);
    const keys = ringKeys({ currentSealing: NEW, sealing: new Map([[NEW, key(2)]]) });
    const later: KeyRing = makeKeyRing(keys, randomBytes);
    expect(hex(later.open(rewrapped, sealed, 'x'))).toBe(hex(bytes('name')));
    expect(() => later.open(wrapped, sealed, 'x')).toThrow(`sealing key ${OLD} is not in`);
  });
});

describe('what a ring shows', () => {
  test('printing it or its errors shows no key and no content', () => {
    const canary = 'CANARY';
    const { wrapped } = ring.newSubjectKey();
    const sealed = ring.seal(wrapped, bytes(canary), canary);
    let error: unknown;
    try {
      stranger.open(wrapped, sealed, canary);
    } catch (caught) {
      error = caught;
    }
    const shown = [inspect(ring, { depth: 9, showHidden: true }), JSON.stringify(ring)];
    const text = [...shown, inspect(error, { depth: 9 })].join('\n');
    expect(text).toContain('sealed_unreadable');
    for (const secret of [canary, ...[1, 3, 9].map((byte) => hex(key(byte)))]) {
      expect(text).not.toContain(secret);
    }
    expect(text).not.toMatch(/(?:01, ){8}|(?: 1,\s*){8}|"d":/);
  });

  test('keys that make no ring, or a generator that gives too little', () => {
    const short = new Map([[OLD, key(1).subarray(1)]]);
    const wrong = [{ currentSealing: NEW }, { sealing: short }, { index: new Uint8Array(31) }];
    for (const over of wrong) {
      expect(() => makeKeyRing(ringKeys(over), randomBytes)).toThrow('keys_invalid');
    }
    const poor = makeKeyRing(ringKeys(), () => new Uint8Array(8));
    expect(() => poor.sealWhole(bytes('a'), '')).toThrow(RangeError);
    expect(() => poor.newSubjectKey()).toThrow(RangeError);
  });
});
