/**
 * Proofs about Merkle trees, RFC 9162 sections 2.1.3 and 2.1.4: that a leaf is in a tree, and
 * that a later tree only appended to an earlier one.
 *
 * What must stay true: a verifier answers true or false on any input and never throws, since
 * proofs come from outside; a tree of size 0 proves nothing.
 */
import { countHashes, HASH_BYTES, MerkleTree, nodeHash, rootOf } from './merkle.ts';

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, place) => byte === right[place]);
}

/** The largest power of two smaller than `size`, for a size of 2 or more. */
function splitOf(size: number): number {
  let split = 1;
  while (split * 2 < size) split *= 2;
  return split;
}

/** The leaf hashes `[from, to)` as a view. */
function range(leafHashes: Uint8Array, from: number, to: number): Uint8Array {
  return leafHashes.subarray(from * HASH_BYTES, to * HASH_BYTES);
}

/**
 * The hashes that lead from leaf `index` to the root, nearest the leaf first. One pass over the
 * leaves (RFC 9162 section 2.1.3.1).
 * @param leafHashes every leaf hash of the tree, n x 32 bytes.
 * @throws RangeError: `index` is not in the tree, or the bytes are not n x 32.
 */
export function inclusionProof(leafHashes: Uint8Array, index: number): Uint8Array[] {
  const size = countHashes(leafHashes);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError('no such leaf in the tree');
  }
  const proof: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    const inLeft = index < middle;
    proof.push(rootOf(inLeft ? range(leafHashes, middle, to) : range(leafHashes, from, middle)));
    if (inLeft) to = middle;
    else from = middle;
  }
  return proof.reverse();
}

/**
 * The same proof in one pass over leaves that come in chunks (n x 32 bytes each), with memory for
 * some hashes a level. A leaf stands under the sibling at the height of the highest bit in which
 * its place differs from `index`.
 * @throws RangeError: `index` is not in the tree, or the bytes are not n x 32.
 */
export async function streamedInclusionProof(
  chunks: AsyncIterable<Uint8Array>,
  index: number,
): Promise<Uint8Array[]> {
  if (!Number.isSafeInteger(index) || index < 0) throw new RangeError('no such leaf in the tree');
  const siblings: MerkleTree[] = [];
  let place = 0;
  for await (const chunk of chunks) {
    const end = place + countHashes(chunk);
    for (let from = place; from < end; ) {
      const height = heightOfSibling(from, index);
      // All leaves of the sibling from here on, or the one leaf that is proven.
      const to = height < 0 ? from + 1 : Math.min(end, nextMultiple(from, 2 ** height));
      if (height >= 0) {
        siblings[height] ??= new MerkleTree();
        siblings[height].addHashes(range(chunk, from - place, to - place));
      }
      from = to;
    }
    place = end;
  }
  if (index >= place) throw new RangeError('no such leaf in the tree');
  return siblings.flatMap((tree) => (tree ? [tree.root()] : []));
}

/** Height of the subtree beside the path of `index` in which `place` stands; -1 for itself. */
function heightOfSibling(place: number, index: number): number {
  let height = -1;
  for (let [left, right] = [place, index]; left !== right; height += 1)
    [left, right] = [Math.floor(left / 2), Math.floor(right / 2)];
  return height;
}

const nextMultiple = (place: number, of: number) => (Math.floor(place / of) + 1) * of;

/**
 * The hashes that lead from the tree over the first `firstSize` leaves to the tree over all of
 * them (RFC 9162 section 2.1.4.1). Empty when the sizes are equal.
 * @param leafHashes every leaf hash of the later tree, n x 32 bytes.
 * @throws RangeError: `firstSize` is not in 1 … n, or the bytes are not n x 32.
 */
export function consistencyProof(leafHashes: Uint8Array, firstSize: number): Uint8Array[] {
  const size = countHashes(leafHashes);
  if (!Number.isSafeInteger(firstSize) || firstSize < 1 || firstSize > size) {
    throw new RangeError('the earlier size is not in the tree');
  }
  const proof: Uint8Array[] = [];
  let [from, to] = [0, size];
  while (to !== firstSize) {
    const middle = from + splitOf(to - from);
    const inLeft = firstSize <= middle;
    proof.push(rootOf(inLeft ? range(leafHashes, middle, to) : range(leafHashes, from, middle)));
    if (inLeft) to = middle;
    else from = middle;
  }
  // A first tree that is a whole left subtree is known to the verifier already.
  if (from > 0) proof.push(rootOf(range(leafHashes, from, to)));
  return proof.reverse();
}

export interface InclusionClaim {
  /** Place of the leaf, from 0. */
  readonly index: number;
  /** Leaves in the tree. */
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly proof: readonly Uint8Array[];
  readonly root: Uint8Array;
}

/** True when the proof shows that the leaf stands at `index` (RFC 9162 section 2.1.3.2). */
export function verifyInclusion(claim: InclusionClaim): boolean {
  const { index, size, leafHash, proof, root } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size)) return false;
  if (index < 0 || index >= size || leafHash.length !== HASH_BYTES) return false;
  if (proof.some((node) => node.length !== HASH_BYTES)) return false;
  // Halving, not shifting: the bit operators of the language stop at 32 bits.
  let [place, last] = [index, size - 1];
  let hash = leafHash;
  for (const node of proof) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      hash = nodeHash(node, hash);
      while (place % 2 === 0 && place > 0) [place, last] = [place / 2, Math.floor(last / 2)];
    } else {
      hash = nodeHash(hash, node);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 && equal(hash, root);
}

export interface ConsistencyClaim {
  readonly firstSize: number;
  readonly secondSize: number;
  readonly firstRoot: Uint8Array;
  readonly secondRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/**
 * True when the proof shows that the second tree only appended to the first (RFC 9162 section
 * 2.1.4.2). Equal sizes need equal roots and an empty proof.
 */
export function verifyConsistency(claim: ConsistencyClaim): boolean {
  const { firstSize, secondSize, firstRoot, secondRoot, proof } = claim;
  if (!Number.isSafeInteger(firstSize) || !Number.isSafeInteger(secondSize)) return false;
  if (firstSize < 1 || firstSize > secondSize) return false;
  if (firstSize === secondSize) return proof.length === 0 && equal(firstRoot, secondRoot);
  if (proof.some((node) => node.length !== HASH_BYTES)) return false;

  let [place, last] = [firstSize - 1, secondSize - 1];
  while (place % 2 === 1) [place, last] = [(place - 1) / 2, Math.floor(last / 2)];
  // A perfect first tree (place 0) is itself where the path begins and is left out of the proof.
  const [start, ...path] = place === 0 ? [firstRoot, ...proof] : proof;
  if (start === undefined || start.length !== HASH_BYTES) return false;
  let [first, second] = [start, start];
  for (const node of path) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      first = nodeHash(node, first);
      second = nodeHash(node, second);
      while (place % 2 === 0 && place > 0) [place, last] = [place / 2, Math.floor(last / 2)];
    } else {
      second = nodeHash(second, node);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 && equal(first, firstRoot) && equal(second, secondRoot);
}
