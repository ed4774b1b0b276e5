import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  emptyRoot,
  HASH_BYTES,
  leafHash,
  leafHasher,
  MerkleTree,
  nodeHash,
  rootOf,
} from './merkle.ts';

/** The definition of RFC 9162 section 2.1.1, word for word and slow. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return createHash('sha256').digest();
  if (leaves.length === 1) return createHash('sha256').update('\0').update(only).digest();
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return createHash('sha256')
    .update('\u0001')
    .update(naiveRoot(leaves.slice(0, split)))
    .update(naiveRoot(leaves.slice(split)))
    .digest();
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const hashesOf = (leaves: readonly Uint8Array[]) => Buffer.concat(leaves.map(leafHash));
const leavesOf = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 70 });

/** Leaves and roots of the reference implementation of RFC 6962 (certificate-transparency). */
const REFERENCE_LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
];
const REFERENCE_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('root', () => {
  test('the reference trees of RFC 6962, sizes 0 to 8', () => {
    expect(hex(emptyRoot())).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(hex(new MerkleTree().root())).toBe(hex(emptyRoot()));
    const leaves = REFERENCE_LEAVES.map((leaf) => Buffer.from(leaf, 'hex'));
    REFERENCE_ROOTS.forEach((root, index) => {
      expect(hex(rootOf(hashesOf(leaves.slice(0, index + 1))))).toBe(root);
    });
  });

  test('is what the definition says, for every list', () => {
    fc.assert(
      fc.property(leavesOf, (leaves) => {
        expect(hex(rootOf(hashesOf(leaves)))).toBe(hex(naiveRoot(leaves)));
      }),
    );
  });

  test('a node cannot pass for a leaf', () => {
    const [left, right] = [leafHash(Buffer.from('a')), leafHash(Buffer.from('b'))];
    expect(hex(nodeHash(left, right))).not.toBe(hex(leafHash(Buffer.concat([left, right]))));
  });

  test('asking for the root does not disturb the tree, and the answer does not change later', () => {
    const tree = new MerkleTree();
    const leaves: Uint8Array[] = [];
    for (let index = 0; index < 70; index += 1) {
      const leaf = Buffer.from([index]);
      leaves.push(leaf);
      tree.addHashes(leafHash(leaf));
      const root = tree.root();
      const before = hex(root);
      tree.root().fill(0);
      expect(before).toBe(hex(naiveRoot(leaves)));
      expect(hex(tree.root())).toBe(before);
    }
    expect(tree.size).toBe(70);
  });

  test('bytes that are no whole number of hashes are a bug', () => {
    const tree = new MerkleTree();
    expect(() => tree.addHashes(new Uint8Array(33))).toThrow(RangeError);
    expect(tree.size).toBe(0);
  });
});

describe('many leaves that begin alike', () => {
  test('are hashed as each is alone, each in its place', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), leavesOf, (prefix, bodies) => {
        const hashLeaf = leafHasher(prefix, 40);
        const hashes = Buffer.alloc(bodies.length * HASH_BYTES);
        // Backwards: what a longer body left behind must not be read again.
        for (const [place, body] of [...bodies.entries()].reverse()) hashLeaf(body, hashes, place);
        expect(hex(hashes)).toBe(
          hex(hashesOf(bodies.map((body) => Buffer.concat([prefix, body])))),
        );
      }),
    );
  });

  test('a longer body than was said is a bug', () => {
    const hashLeaf = leafHasher(Buffer.from('p'), 3);
    expect(() => hashLeaf(Buffer.from('four'), Buffer.alloc(HASH_BYTES), 0)).toThrow(RangeError);
  });
});

describe('parts', () => {
  test('cut anywhere, written down and taken up again, the tree is the same', () => {
    fc.assert(
      fc.property(leavesOf, fc.array(fc.nat({ max: 70 }), { maxLength: 5 }), (leaves, cuts) => {
        const hashes = hashesOf(leaves);
        const ends = [...cuts.filter((cut) => cut <= leaves.length), leaves.length];
        let tree = new MerkleTree();
        let from = 0;
        for (const end of ends.sort((a, b) => a - b)) {
          tree.addHashes(hashes.subarray(from * 32, end * 32));
          tree = MerkleTree.restore(tree.serialise());
          from = end;
        }
        expect(tree.size).toBe(leaves.length);
        expect(hex(tree.root())).toBe(hex(rootOf(hashes)));
      }),
    );
  });

  test('the state grows with the logarithm and has a stated layout', () => {
    const tree = new MerkleTree();
    expect(hex(tree.serialise())).toBe('010000000000000000');
    const leaf = leafHash(Buffer.from('a'));
    tree.addHashes(leaf);
    expect(hex(tree.serialise())).toBe(`010000000000000001${hex(leaf)}`);
    tree.addHashes(new Uint8Array(32 * 4095));
    expect(tree.serialise().length).toBe(9 + 32);
    tree.addHashes(new Uint8Array(32 * 4095));
    expect(tree.serialise().length).toBe(9 + 32 * 13);
  });

  test('a state beyond 32 bits of size is taken up and grows', () => {
    const state = Buffer.alloc(9 + 3 * 32);
    state[0] = 1;
    state.writeBigUInt64BE(2n ** 40n + 3n, 1);
    const tree = MerkleTree.restore(state);
    tree.addHashes(new Uint8Array(32));
    expect(tree.size).toBe(2 ** 40 + 4);
    expect(tree.serialise().length).toBe(9 + 2 * 32);
  });

  test('a spoilt state is refused', () => {
    const tree = new MerkleTree();
    tree.addHashes(new Uint8Array(96));
    const state = tree.serialise();
    const wrong = [
      new Uint8Array(0),
      state.subarray(0, 8),
      state.subarray(0, -1),
      Buffer.concat([state, Buffer.alloc(1)]),
      Buffer.concat([Buffer.from([2]), state.subarray(1)]),
      Buffer.concat([Buffer.from('01ffffffffffffffff', 'hex'), state.subarray(9)]),
    ];
    for (const bytes of wrong) expect(() => MerkleTree.restore(bytes)).toThrow('tree_unreadable');
  });
});
