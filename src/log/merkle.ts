/**
 * Merkle trees over SHA-256 as in RFC 9162 section 2.1 (the same tree as RFC 6962): hashes and an
 * accumulator that grows leaf by leaf. Proofs are in `proof.ts`.
 *
 * What must stay true: bytes only, nothing knows what a leaf means; a leaf is hashed with prefix
 * 0x00 and a node with 0x01, so neither can pass for the other; the accumulator holds one hash
 * for each one-bit of its size, whatever the number of leaves.
 */
import { hash } from 'node:crypto';
import { AssentError } from '../model/error.ts';

/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** Sizes stay below 2^53, so no tree has more perfect subtrees than this, and one to merge. */
const PEAKS_MAX = 54;
const NODE_PREFIX = 0x01;
const NODE_BYTES = 1 + 2 * HASH_BYTES;

const STATE_VERSION = 1;
const STATE_HEADER_BYTES = 9;

/** The root of a tree without leaves: SHA-256 of nothing (RFC 9162 section 2.1.1). */
export function emptyRoot(): Uint8Array {
  return hash('sha256', new Uint8Array(0), 'buffer');
}

/** SHA-256(0x00 || leaf): 32 bytes (RFC 9162 section 2.1.1). */
export function leafHash(leaf: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + leaf.length);
  input.set(leaf, 1);
  return hash('sha256', input, 'buffer');
}

/**
 * Hashes many leaves that begin alike, each into its place of `hashes`, without an allocation for
 * each: as `leafHash(prefix || body)`. Measured on Node 24: 1.3 us a leaf of 150 bytes, 4 us with
 * `leafHash`.
 * @param bodyMax no body is longer (bytes)
 */
export function leafHasher(
  prefix: Uint8Array,
  bodyMax: number,
): (body: Uint8Array, hashes: Buffer, place: number) => void {
  const input = Buffer.alloc(1 + prefix.length + bodyMax);
  input.set(prefix, 1);
  const from = 1 + prefix.length;
  return (body, hashes, place) => {
    input.set(body, from);
    const digest = hash('sha256', input.subarray(0, from + body.length), 'binary');
    hashes.write(digest, place * HASH_BYTES, HASH_BYTES, 'latin1');
  };
}

/** SHA-256(0x01 || left || right): 32 bytes (RFC 9162 section 2.1.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(NODE_BYTES);
  input[0] = NODE_PREFIX;
  input.set(left, 1);
  input.set(right, 1 + HASH_BYTES);
  return hash('sha256', input, 'buffer');
}

/** Number of hashes in a buffer of hashes side by side. @throws RangeError: not a multiple of 32. */
export function countHashes(hashes: Uint8Array): number {
  if (hashes.length % HASH_BYTES !== 0) throw new RangeError('not a whole number of hashes');
  return hashes.length / HASH_BYTES;
}

/** The one-bits of a size below 2^53, as the heights of its perfect subtrees, highest first. */
function heightsOf(size: number): number[] {
  const bits = size.toString(2);
  return [...bits].flatMap((bit, place) => (bit === '1' ? [bits.length - 1 - place] : []));
}

/**
 * A tree that grows at its right edge. It takes leaf hashes, one or many side by side, keeps the
 * roots of its perfect subtrees, and can be written down between two parts and taken up again.
 */
export class MerkleTree {
  #size = 0;
  #peaks = 0;
  readonly #heights = new Uint8Array(PEAKS_MAX);
  /** Place 0 is a node prefix; the peaks follow, largest first. */
  readonly #bytes = Buffer.alloc(1 + PEAKS_MAX * HASH_BYTES);
  /**
   * `#pairs[n]` is the prefix place before peak n with the peaks n and n + 1: what a node hash
   * reads, without a copy.
   */
  readonly #pairs: readonly Buffer[];

  constructor() {
    this.#pairs = Array.from({ length: PEAKS_MAX - 1 }, (_, peak) =>
      this.#bytes.subarray(peak * HASH_BYTES, peak * HASH_BYTES + NODE_BYTES),
    );
  }

  /** Leaves added so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Appends the leaf hashes that stand side by side in `hashes` (n x 32 bytes), in order.
   * @throws RangeError: not a multiple of 32 bytes.
   */
  addHashes(hashes: Uint8Array): void {
    const count = countHashes(hashes);
    for (let index = 0; index < count; index += 1) {
      const from = index * HASH_BYTES;
      const to = 1 + this.#peaks * HASH_BYTES;
      for (let byte = 0; byte < HASH_BYTES; byte += 1) {
        this.#bytes[to + byte] = hashes[from + byte] ?? 0;
      }
      this.#settle();
    }
  }

  /** Takes the hash after the last peak as a leaf and merges peaks of equal height. */
  #settle(): void {
    let top = this.#peaks;
    let height = 0;
    while (top > 0 && this.#heights[top - 1] === height) {
      this.#merge(top - 1);
      top -= 1;
      height += 1;
    }
    this.#heights[top] = height;
    this.#peaks = top + 1;
    this.#size += 1;
  }

  /** Replaces the peaks `left` and `left + 1` by their node. */
  #merge(left: number): void {
    const pair = this.#pairs[left];
    if (pair === undefined) throw new RangeError('a tree of 2^53 leaves');
    // The byte before the left peak belongs to its neighbour: it is lent to the prefix.
    const lent = pair[0] ?? 0;
    pair[0] = NODE_PREFIX;
    // Measured on Node 24: 0.47 us for a digest as a Latin-1 string, 1.7 us in a new Buffer; the
    // tree takes 1.0 to 1.4 million leaves a second on one core.
    pair.write(hash('sha256', pair, 'binary'), 1, HASH_BYTES, 'latin1');
    pair[0] = lent;
  }

  /** The root over the leaves so far: 32 bytes. The tree can grow on. */
  root(): Uint8Array {
    if (this.#peaks === 0) return emptyRoot();
    let root = this.#peak(this.#peaks - 1);
    for (let peak = this.#peaks - 2; peak >= 0; peak -= 1) root = nodeHash(this.#peak(peak), root);
    return root;
  }

  #peak(peak: number): Uint8Array {
    const from = 1 + peak * HASH_BYTES;
    return Uint8Array.prototype.slice.call(this.#bytes, from, from + HASH_BYTES);
  }

  /** The state as bytes: version 1, the size (8 bytes, big-endian), the peaks, largest first. */
  serialise(): Uint8Array {
    const peaks = this.#peaks * HASH_BYTES;
    const state = Buffer.alloc(STATE_HEADER_BYTES + peaks);
    state[0] = STATE_VERSION;
    state.writeBigUInt64BE(BigInt(this.#size), 1);
    this.#bytes.copy(state, STATE_HEADER_BYTES, 1, 1 + peaks);
    return new Uint8Array(state.buffer, state.byteOffset, state.length);
  }

  /**
   * The tree that `serialise` wrote down.
   * @throws tree_unreadable: another version, or the length does not fit the size.
   */
  static restore(state: Uint8Array): MerkleTree {
    const view = Buffer.from(state.buffer, state.byteOffset, state.length);
    if (view.length < STATE_HEADER_BYTES || view[0] !== STATE_VERSION) {
      throw new AssentError('tree_unreadable', { detail: 'not version 1 of a tree state' });
    }
    const size = Number(view.readBigUInt64BE(1));
    const heights = Number.isSafeInteger(size) ? heightsOf(size) : [];
    if (view.length !== STATE_HEADER_BYTES + heights.length * HASH_BYTES) {
      throw new AssentError('tree_unreadable', { detail: 'the length does not fit the size' });
    }
    const tree = new MerkleTree();
    tree.#size = size;
    tree.#peaks = heights.length;
    tree.#heights.set(heights);
    view.copy(tree.#bytes, 1, STATE_HEADER_BYTES);
    return tree;
  }
}

/** The root over leaf hashes side by side (n x 32 bytes). @throws RangeError: not n x 32 bytes. */
export function rootOf(leafHashes: Uint8Array): Uint8Array {
  const tree = new MerkleTree();
  tree.addHashes(leafHashes);
  return tree.root();
}
