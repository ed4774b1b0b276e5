import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyFile, loadKeyFile, rotateKeyFile } from './key-file.ts';
import { privateKeyOf, publicX, thumbprint } from './signing-key.ts';

const SOURCES = { random: randomBytes, now: () => new Date('2026-03-01T08:00:00Z') };

let path = '';
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'assent-keys-')), 'inner', 'keys.json');
});
afterEach(() => rmSync(dirname(dirname(path)), { recursive: true }));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const load = () => loadKeyFile(path, SOURCES);

describe('createKeyFile', () => {
  test('writes a file for its owner alone, and nothing beside it', () => {
    createKeyFile(path, SOURCES);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(readdirSync(dirname(path))).toEqual(['keys.json']);
  });

  test('never overwrites', () => {
    createKeyFile(path, SOURCES);
    const before = readFileSync(path, 'utf8');
    expect(() => createKeyFile(path, SOURCES)).toThrow('keys_exist');
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(dirname(path))).toEqual(['keys.json']);
  });

  test('the same random bytes and time give the same file, others another', () => {
    const fixed = { ...SOURCES, random: (size: number) => new Uint8Array(size).fill(7) };
    createKeyFile(path, fixed);
    const [first, second] = [`${path}.1`, `${path}.2`];
    createKeyFile(first, fixed);
    createKeyFile(second, SOURCES);
    expect(readFileSync(first, 'utf8')).toBe(readFileSync(path, 'utf8'));
    expect(readFileSync(second, 'utf8')).not.toBe(readFileSync(path, 'utf8'));
  });

  test('two rings of one file are one ring', () => {
    createKeyFile(path, SOURCES);
    const [one, two] = [load(), load()];
    const { wrapped } = one.newSubjectKey();
    expect(hex(two.open(wrapped, one.seal(wrapped, Buffer.from('a'), 'x'), 'x'))).toBe('61');
    expect(hex(two.keyedHash('a', 'b'))).toBe(hex(one.keyedHash('a', 'b')));
    expect(two.publicKeys).toEqual(one.publicKeys);
  });
});

describe('signing key', () => {
  test('RFC 8037 appendix A: public key of the seed and thumbprint', async () => {
    const seed = Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url');
    const x = publicX(privateKeyOf(seed));
    expect(x).toBe('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo');
    expect(thumbprint(x)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    expect(await calculateJwkThumbprint({ kty: 'OKP', crv: 'Ed25519', x })).toBe(thumbprint(x));
  });
});

describe('loadKeyFile', () => {
  test('says that there is no file', () => {
    expect(load).toThrow('keys_missing');
  });

  test.each([0o640, 0o604, 0o660, 0o610, 0o644])('refuses mode %o', (mode) => {
    createKeyFile(path, SOURCES);
    chmodSync(path, mode);
    expect(load).toThrow('keys_exposed');
    chmodSync(path, 0o400);
    expect(load().publicKeys.length).toBe(1);
  });

  test('names what is wrong and quotes nothing', () => {
    createKeyFile(path, SOURCES);
    const text = readFileSync(path, 'utf8');
    const { index, sealing, signing } = JSON.parse(text);
    const other = randomBytes(32).toString('base64url');
    const spoilt: [string, string][] = [
      [text.slice(0, -20), 'not JSON'],
      [`CANARY${text}`, 'not JSON'],
      ['[]', 'the file is not an object'],
      ['{}', 'format is not assent-keys-1'],
      [text.replace(index, `${index.slice(1)}`), 'index is not 32 bytes'],
      [text.replace(sealing.keys[0].key, 'CANARY'), 'sealing.keys[0].key is not 32 bytes'],
      [text.replace(sealing.current, '0000000000000000'), 'sealing.current is not in'],
      [text.replaceAll(sealing.current, 'CANARY'), 'sealing.keys[0].id is not 16'],
      [text.replace(signing.current.d, other), 'signing.current.x does not belong'],
      [text.replace(signing.current.kid, 'CANARY'), 'signing.current.kid is not its thumbprint'],
      [text.replace('Ed25519', 'X25519'), 'signing.current is not an Ed25519 key'],
      [text.replace('"retired": []', '"retired": {}'), 'signing.retired is not a list'],
      [text.replace('"retired": []', '"retired": ["CANARY"]'), 'signing.retired[0] is not'],
    ];
    for (const [contents, detail] of spoilt) {
      writeFileSync(path, contents);
      let message = '';
      try {
        load();
      } catch (error) {
        message = String(error) + String((error as Error).cause);
      }
      expect(message).toContain(`keys_invalid: ${detail}`);
      for (const secret of ['CANARY', index, sealing.keys[0].key, signing.current.d]) {
        expect(message).not.toContain(secret);
      }
    }
  });
});

describe('rotateKeyFile', () => {
  test('a new sealing key seals, the old one opens', () => {
    createKeyFile(path, SOURCES);
    const old = load();
    const { wrapped } = old.newSubjectKey();
    const sealed = old.seal(wrapped, Buffer.from('a'), 'x');
    rotateKeyFile(path, 'sealing', SOURCES);
    const ring = load();
    expect(hex(ring.open(wrapped, sealed, 'x'))).toBe('61');
    const rewrapped = ring.rewrap(wrapped);
    expect(hex(rewrapped.subarray(1, 9))).not.toBe(hex(wrapped.subarray(1, 9)));
    expect(() => old.open(rewrapped, sealed, 'x')).toThrow('sealed_unreadable');
    expect(ring.publicKeys).toEqual(old.publicKeys);
    expect(hex(ring.keyedHash('a'))).toBe(hex(old.keyedHash('a')));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(dirname(path))).toEqual(['keys.json']);
  });

  test('a new signing key signs, the old public half stays', () => {
    createKeyFile(path, SOURCES);
    const old = load();
    rotateKeyFile(path, 'signing', SOURCES);
    rotateKeyFile(path, 'signing', SOURCES);
    const ring = load();
    expect(ring.publicKeys.length).toBe(3);
    expect(ring.publicKeys[0]?.kid).toBe(ring.signing.kid);
    expect(ring.publicKeys[2]).toEqual(old.publicKeys[0]);
    const { wrapped } = old.newSubjectKey();
    expect(hex(ring.rewrap(wrapped))).toBe(hex(wrapped));
  });

  test('a file that cannot be read is not touched', () => {
    expect(() => rotateKeyFile(path, 'signing', SOURCES)).toThrow('keys_missing');
    createKeyFile(path, SOURCES);
    writeFileSync(path, '{}');
    expect(() => rotateKeyFile(path, 'signing', SOURCES)).toThrow('keys_invalid');
    expect(readFileSync(path, 'utf8')).toBe('{}');
  });
});
