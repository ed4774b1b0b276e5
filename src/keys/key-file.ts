/**
 * The key file: the default home of a key ring, JSON that only its owner can read.
 *
 * What must stay true: a key file is never overwritten except by a rotation, which keeps every
 * older sealing key and public signing key; it appears whole or not at all; nothing of its
 * content is in an error (a JSON parser's message quotes the text, so it is dropped).
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AssentError } from '../model/error.ts';
import { type KeyRing, makeKeyRing, type Random } from './key-ring.ts';
import { KEY_BYTES, KEY_ID_BYTES } from './sealing.ts';
import { privateKeyOf, publicJwkOf, publicX } from './signing-key.ts';

const FORMAT = 'assent-keys-1';
/** Any of read, write or execute for the group or the world. */
const OTHERS = 0o077;

interface SealingEntry {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** 32 bytes in base64url. */
  readonly key: string;
  readonly created_at: string;
}

/** What the file holds; every key is 32 bytes in base64url. */
interface KeyContents {
  readonly format: typeof FORMAT;
  readonly created_at: string;
  readonly signing: {
    readonly current: { readonly kty: 'OKP'; readonly crv: 'Ed25519' } & Record<
      'x' | 'd' | 'kid',
      string
    >;
    /** `x` of earlier keys: what they signed must stay verifiable. */
    readonly retired: readonly string[];
  };
  readonly sealing: { readonly current: string; readonly keys: readonly SealingEntry[] };
  readonly index: string;
}

export interface KeySources {
  readonly random: Random;
  readonly now: () => Date;
}

function take(random: Random, bytes: number): Buffer {
  const taken = Buffer.from(random(bytes));
  if (taken.length !== bytes) throw new RangeError('random gave another number of bytes');
  return taken;
}

function newSigning(random: Random): KeyContents['signing']['current'] {
  const seed = take(random, KEY_BYTES);
  const { kty, crv, x, kid } = publicJwkOf(publicX(privateKeyOf(seed)));
  return { kty, crv, x, d: seed.toString('base64url'), kid };
}

function newSealing({ random, now }: KeySources): SealingEntry {
  return {
    id: take(random, KEY_ID_BYTES).toString('hex'),
    key: take(random, KEY_BYTES).toString('base64url'),
    created_at: now().toISOString(),
  };
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/**
 * Writes beside the path, onto the disk, and only then gives the file its name: after a crash
 * there is the old file or the new one. `place` is atomic.
 */
function writeWhole(
  path: string,
  contents: KeyContents,
  random: Random,
  place: (from: string, to: string) => void,
): void {
  const draft = `${path}.${take(random, KEY_ID_BYTES).toString('hex')}`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeFileSync(file, `${JSON.stringify(contents, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    place(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(path);
}

/**
 * Makes a key file with fresh keys, mode 0600, and its folder if there is none.
 * @throws keys_exist: there is a file at the path; it is left as it is.
 */
export function createKeyFile(path: string, sources: KeySources): void {
  const sealing = newSealing(sources);
  const contents: KeyContents = {
    format: FORMAT,
    created_at: sources.now().toISOString(),
    signing: { current: newSigning(sources.random), retired: [] },
    sealing: { current: sealing.id, keys: [sealing] },
    index: take(sources.random, KEY_BYTES).toString('base64url'),
  };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // A link, unlike a rename, refuses a name that is taken.
    writeWhole(path, contents, sources.random, linkSync);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw new AssentError('keys_exist');
    throw error;
  }
}

function invalid(detail: string): never {
  throw new AssentError('keys_invalid', { detail });
}

/** The members of a JSON object. @throws keys_invalid: it is none. */
function members(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    invalid(`${name} is not an object`);
  }
  return value as Record<string, unknown>;
}

function textIn(value: unknown, name: string): string {
  return typeof value === 'string' ? value : invalid(`${name} is not text`);
}

function listIn(value: unknown, name: string): readonly unknown[] {
  return Array.isArray(value) ? value : invalid(`${name} is not a list`);
}

/** 32 bytes in base64url, in the one spelling that encodes them. */
function keyIn(value: unknown, name: string): string {
  const text = textIn(value, name);
  const bytes = Buffer.from(text, 'base64url');
  const sound = bytes.length === KEY_BYTES && bytes.toString('base64url') === text;
  return sound ? text : invalid(`${name} is not 32 bytes in base64url`);
}

function parseSigning(value: unknown): KeyContents['signing'] {
  const signing = members(value, 'signing');
  const key = members(signing['current'], 'signing.current');
  if (key['kty'] !== 'OKP' || key['crv'] !== 'Ed25519') {
    invalid('signing.current is not an Ed25519 key');
  }
  const d = keyIn(key['d'], 'signing.current.d');
  const { kty, crv, x, kid } = publicJwkOf(publicX(privateKeyOf(Buffer.from(d, 'base64url'))));
  if (key['x'] !== x) invalid('signing.current.x does not belong to its d');
  if (key['kid'] !== kid) invalid('signing.current.kid is not its thumbprint');
  const retired = listIn(signing['retired'], 'signing.retired');
  return {
    current: { kty, crv, x, d, kid },
    retired: retired.map((old, index) => keyIn(old, `signing.retired[${index}]`)),
  };
}

function parseSealing(value: unknown): KeyContents['sealing'] {
  const sealing = members(value, 'sealing');
  const current = textIn(sealing['current'], 'sealing.current');
  const keys = listIn(sealing['keys'], 'sealing.keys').map((entry, index) => {
    const name = `sealing.keys[${index}]`;
    const { id, key, created_at } = members(entry, name);
    if (!/^[0-9a-f]{16}$/.test(textIn(id, `${name}.id`))) {
      invalid(`${name}.id is not 16 hexadecimal digits`);
    }
    return {
      id: textIn(id, `${name}.id`),
      key: keyIn(key, `${name}.key`),
      created_at: textIn(created_at, `${name}.created_at`),
    };
  });
  const ids = new Set(keys.map((key) => key.id));
  if (ids.size < keys.length) invalid('two sealing keys share one id');
  if (!ids.has(current)) invalid('sealing.current is not in sealing.keys');
  return { current, keys };
}

function parseContents(text: string): KeyContents {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    invalid('not JSON');
  }
  const file = members(value, 'the file');
  if (file['format'] !== FORMAT) invalid(`format is not ${FORMAT}`);
  return {
    format: FORMAT,
    created_at: textIn(file['created_at'], 'created_at'),
    signing: parseSigning(file['signing']),
    sealing: parseSealing(file['sealing']),
    index: keyIn(file['index'], 'index'),
  };
}

function readContents(path: string): KeyContents {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new AssentError('keys_missing', { detail: `no key file at ${path}` });
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    // Windows keeps no such bits: every file looks readable there.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      const detail = `${path} has mode ${mode.toString(8).padStart(4, '0')}; it must be 0600`;
      throw new AssentError('keys_exposed', { detail });
    }
    return parseContents(readFileSync(file, 'utf8'));
  } finally {
    closeSync(file);
  }
}

/**
 * The ring of a key file. `random` makes the nonces and subject keys of the ring.
 * @throws keys_missing: no file · keys_exposed: group or world has any right on it ·
 *   keys_invalid: another shape, named in the detail without a value.
 */
export function loadKeyFile(path: string, { random }: Pick<KeySources, 'random'>): KeyRing {
  const { signing, sealing, index } = readContents(path);
  const { kid, d, x } = signing.current;
  const bytes = (text: string) => Buffer.from(text, 'base64url');
  return makeKeyRing(
    {
      signing: { kid, key: privateKeyOf(bytes(d)) },
      publicKeys: [x, ...signing.retired].map(publicJwkOf),
      currentSealing: sealing.current,
      sealing: new Map(sealing.keys.map((entry) => [entry.id, bytes(entry.key)])),
      index: bytes(index),
    },
    random,
  );
}

/**
 * Puts a fresh key in the place of the current one. Older sealing keys stay and open what they
 * sealed; of an older signing key the public half stays. Load the ring anew afterwards.
 * @throws keys_missing, keys_exposed, keys_invalid: as `loadKeyFile`.
 */
export function rotateKeyFile(path: string, job: 'sealing' | 'signing', sources: KeySources): void {
  const { signing, sealing, ...kept } = readContents(path);
  const entry = newSealing(sources);
  const rotated: KeyContents =
    job === 'sealing'
      ? { ...kept, signing, sealing: { current: entry.id, keys: [entry, ...sealing.keys] } }
      : {
          ...kept,
          signing: {
            current: newSigning(sources.random),
            retired: [signing.current.x, ...signing.retired],
          },
          sealing,
        };
  writeWhole(path, rotated, sources.random, renameSync);
}
