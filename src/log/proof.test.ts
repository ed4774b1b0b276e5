import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leafHash, rootOf } from './merkle.ts';
import {
  consistencyProof,
  inclusionProof,
  streamedInclusionProof,
  verifyConsistency,
  verifyInclusion,
} from './proof.ts';

const SHARED = new URL('../../../shared/data/merkle_transparency_dev/', import.meta.url);

function rows(name: string): Record<string, unknown>[] | null {
  const file = new URL(name, SHARED);
  if (!existsSync(file)) return null;
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const bytes = (value: unknown) => Buffer.from(String(value ?? ''), 'base64');
const proofIn = (row: Record<string, unknown>) => ((row['proof'] ?? []) as string[]).map(bytes);

describe('conformance with transparency-dev/merkle', () => {
  test('98 inclusion proofs', ({ skip }) => {
    const found = rows('inclusion.jsonl');
    if (found === null) return skip('../shared/data is absent');
    expect(found.length).toBe(98);
    for (const row of found) {
      const verdict = verifyInclusion({
        index: Number(row['leafIdx']),
        size: Number(row['treeSize']),
        leafHash: bytes(row['leafHash']),
        proof: proofIn(row),
        root: bytes(row['root']),
      });
      expect(verdict, String(row['file'])).toBe(row['wantErr'] === false);
    }
  });

  test('98 consistency proofs', ({ skip }) => {
    const found = rows('consistency.jsonl');
    if (found === null) return skip('../shared/data is absent');
    expect(found.length).toBe(98);
    for (const row of found) {
      const verdict = verifyConsistency({
        firstSize: Number(row['size1']),
        secondSize: Number(row['size2']),
        firstRoot: bytes(row['root1']),
        secondRoot: bytes(row['root2']),
        proof: proofIn(row),
      });
      expect(verdict, String(row['file'])).toBe(row['wantErr'] === false);
    }
  });
});

/** n different leaf hashes side by side. */
function hashesOf(size: number): Uint8Array {
  const leaves = Array.from({ length: size }, (_, index) => leafHash(Buffer.from(`leaf ${index}`)));
  return Buffer.concat(leaves);
}

const hashAt = (hashes: Uint8Array, index: number) => hashes.subarray(index * 32, index * 32 + 32);
const first = (hashes: Uint8Array, size: number) => rootOf(hashes.subarray(0, size * 32));

describe('every tree up to 40 leaves', () => {
  const hashes = hashesOf(40);
  const others = hashesOf(41).subarray(32);

  test('every leaf is proven, and at its own place only', () => {
    for (let size = 1; size <= 40; size += 1) {
      const tree = hashes.subarray(0, size * 32);
      const root = rootOf(tree);
      for (let index = 0; index < size; index += 1) {
        const proof = inclusionProof(tree, index);
        const claim = { index, size, leafHash: hashAt(hashes, index), proof, root };
        expect(verifyInclusion(claim)).toBe(true);
        expect(verifyInclusion({ ...claim, index: (index + 1) % size })).toBe(size === 1);
        expect(proof.length).toBeLessThanOrEqual(Math.ceil(Math.log2(size)));
      }
    }
  });

  test('every prefix is proven', () => {
    for (let size = 1; size <= 40; size += 1) {
      for (let earlier = 1; earlier <= size; earlier += 1) {
        const claim = {
          firstSize: earlier,
          secondSize: size,
          firstRoot: first(hashes, earlier),
          secondRoot: first(hashes, size),
          proof: consistencyProof(hashes.subarray(0, size * 32), earlier),
        };
        expect(verifyConsistency(claim)).toBe(true);
        const other = first(others, earlier);
        expect(verifyConsistency({ ...claim, firstRoot: other })).toBe(false);
      }
    }
  });
});

describe('what is not so is never proven', () => {
  const size = fc.integer({ min: 2, max: 300 });
  const flip = (value: Uint8Array, bit: number) => {
    const copy = Uint8Array.from(value);
    const place = bit >> 3;
    copy[place] = (copy[place] ?? 0) ^ (1 << (bit & 7));
    return copy;
  };

  test('one bit of an inclusion proof, leaf or root', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), fc.nat({ max: 255 }), (n, leaf, place, bit) => {
        const hashes = hashesOf(n);
        const index = leaf % n;
        const proof = inclusionProof(hashes, index);
        const claim = {
          index,
          size: n,
          leafHash: hashAt(hashes, index),
          proof,
          root: rootOf(hashes),
        };
        expect(verifyInclusion(claim)).toBe(true);
        const at = place % proof.length;
        const spoilt = proof.map((node, i) => (i === at ? flip(node, bit) : node));
        expect(verifyInclusion({ ...claim, proof: spoilt })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...proof, claim.root] })).toBe(false);
        expect(verifyInclusion({ ...claim, root: flip(claim.root, bit) })).toBe(false);
        expect(verifyInclusion({ ...claim, leafHash: flip(claim.leafHash, bit) })).toBe(false);
      }),
    );
  });

  test('one bit of a consistency proof or of a root', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), fc.nat({ max: 255 }), (n, cut, place, bit) => {
        const hashes = hashesOf(n);
        const firstSize = 1 + (cut % (n - 1));
        const proof = consistencyProof(hashes, firstSize);
        const claim = {
          firstSize,
          secondSize: n,
          firstRoot: first(hashes, firstSize),
          secondRoot: rootOf(hashes),
          proof,
        };
        expect(verifyConsistency(claim)).toBe(true);
        const at = place % proof.length;
        const spoilt = proof.map((node, i) => (i === at ? flip(node, bit) : node));
        expect(verifyConsistency({ ...claim, proof: spoilt })).toBe(false);
        expect(verifyConsistency({ ...claim, proof: proof.slice(1) })).toBe(false);
        expect(verifyConsistency({ ...claim, firstRoot: flip(claim.firstRoot, bit) })).toBe(false);
        expect(verifyConsistency({ ...claim, secondRoot: flip(claim.secondRoot, bit) })).toBe(
          false,
        );
      }),
    );
  });

  test('a path that stops below the root proves nothing about a root of its own choosing', () => {
    const hashes = hashesOf(8);
    const leafAt = { index: 0, size: 8, leafHash: hashAt(hashes, 0) };
    const path = inclusionProof(hashes, 0);
    for (let kept = 0; kept < path.length; kept += 1) {
      const root = first(hashes, 2 ** kept);
      expect(verifyInclusion({ ...leafAt, proof: path.slice(0, kept), root })).toBe(false);
    }
    const sizes = { firstSize: 2, secondSize: 8, firstRoot: first(hashes, 2) };
    const proof = consistencyProof(hashes, 2).slice(0, 1);
    const secondRoot = first(hashes, 4);
    expect(verifyConsistency({ ...sizes, secondRoot, proof })).toBe(false);
    const same = { firstSize: 8, secondSize: 8, firstRoot: secondRoot, secondRoot };
    expect(verifyConsistency({ ...same, proof: [] })).toBe(true);
    expect(verifyConsistency({ ...same, proof })).toBe(false);
    expect(verifyConsistency({ ...same, firstSize: 0, secondSize: 0, proof: [] })).toBe(false);
  });

  test('the verifiers never throw', () => {
    const number = fc.oneof(fc.integer(), fc.double(), fc.constant(2 ** 60));
    const node = fc.oneof(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array());
    fc.assert(
      fc.property(number, number, node, node, fc.array(node), (a, b, left, right, proof) => {
        const leaf = { index: a, size: b, leafHash: left, root: right, proof };
        expect(typeof verifyInclusion(leaf)).toBe('boolean');
        const claim = { firstSize: a, secondSize: b, firstRoot: left, secondRoot: right, proof };
        expect(typeof verifyConsistency(claim)).toBe('boolean');
      }),
    );
  });

  test('a leaf or a size that is not in the tree is a bug of the prover', () => {
    const hashes = hashesOf(3);
    for (const index of [-1, 3, 0.5])
      expect(() => inclusionProof(hashes, index)).toThrow(RangeError);
    for (const at of [0, 4, 1.5]) expect(() => consistencyProof(hashes, at)).toThrow(RangeError);
  });
});

describe('a streamed inclusion proof', () => {
  async function* chunksOf(hashes: Uint8Array, leaves: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < hashes.length; at += leaves * 32)
      yield hashes.subarray(at, at + leaves * 32);
  }

  test('is the proof over all leaves, for every size, place and chunk', async () => {
    for (let size = 1; size <= 33; size += 1) {
      const hashes = hashesOf(size);
      for (let index = 0; index < size; index += 1) {
        const whole = inclusionProof(hashes, index).map((hash) => Buffer.from(hash));
        const streamed = await streamedInclusionProof(chunksOf(hashes, 1 + (index % 7)), index);
        expect(
          streamed.map((hash) => Buffer.from(hash)),
          `${index} of ${size}`,
        ).toEqual(whole);
      }
    }
  });

  test.each([-1, 3, 0.5, Number.NaN])('refuses place %d of 3', async (index) => {
    const asked = streamedInclusionProof(chunksOf(hashesOf(3), 2), index);
    await expect(asked).rejects.toThrow(RangeError);
  });
});
