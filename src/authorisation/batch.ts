/**
 * Batches of authorisations: the leaves of a Merkle tree whose root the collector signs. An import
 * is one batch, a single event a batch of one.
 *
 * What must stay true: events, their leaves and the state of the tree are one transaction, so a
 * crash leaves an open batch that is whole; a closed batch never grows; a batch is signed once.
 */
import type { Session } from '../database/database.ts';
import { signJws } from '../keys/jws.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { HASH_BYTES, MerkleTree } from '../log/merkle.ts';
import { type Prepared, type StoreFacts, type StoreOutcome, storeEntries } from './store.ts';

/** `typ` of a batch's signature (JWS). */
export const BATCH_TYP = 'assent-authorisation-batch+jws';

/**
 * `typ` of a manifest's signature (wire/part.ts). At the registry a submission is a batch: what its
 * manifest says of the tree over its authorisation lines is signed by the furnisher.
 */
export const MANIFEST_TYP = 'assent-manifest+jws';

/** What the collector signs when a batch is closed. */
export interface BatchStatement {
  readonly batch_id: string;
  readonly collector_id: string;
  /** Leaves. */
  readonly size: number;
  /** RFC 9162 root over the leaves, base64. */
  readonly root: string;
  /** ISO 8601, UTC. */
  readonly closed_at: string;
}

/** Leaves of one stored run: an audit reads the authorisations of a run at a time. */
export const RUN_LEAVES = 4096;

/** Appends leaf hashes to a batch, the first of them at place `first`, from 0. */
export async function appendLeaves(
  session: Session,
  batchId: string,
  first: number,
  leaves: Uint8Array,
): Promise<void> {
  for (let at = 0; at < leaves.length; at += RUN_LEAVES * HASH_BYTES) {
    await session.query(
      'insert into authorisation_leaves (batch_id, first_leaf, hashes) values ($1, $2, $3)',
      [batchId, first + at / HASH_BYTES, leaves.slice(at, at + RUN_LEAVES * HASH_BYTES)],
    );
  }
}

/** Runs read at a time: 4 MiB of hashes. */
const RUNS_PER_PAGE = 32;

export interface LeafRun {
  readonly first_leaf: number;
  readonly hashes: Uint8Array;
}

/** The leaves of a batch in order, run by run, with flat memory. */
export async function* leafRuns(session: Session, batchId: string): AsyncGenerator<LeafRun> {
  let next = 0;
  for (;;) {
    const { rows } = await session.query<LeafRun>(
      `select first_leaf, hashes from authorisation_leaves
       where batch_id = $1 and first_leaf >= $2 order by first_leaf limit $3`,
      [batchId, next, RUNS_PER_PAGE],
    );
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < RUNS_PER_PAGE) return;
    next = last.first_leaf + last.hashes.length / HASH_BYTES;
  }
}

export interface Collecting extends Pick<StoreFacts, 'recorded_at' | 'by_party' | 'newId'> {
  readonly collector_id: string;
  /** Null begins a batch with the first leaf. */
  readonly batch_id: string | null;
}

interface OpenBatch {
  readonly batch_id: string;
  readonly tree: MerkleTree;
}

/** The batch to go on with, locked; a new one when it was closed by somebody else meanwhile. */
async function takeUp(session: Session, { batch_id, newId }: Collecting): Promise<OpenBatch> {
  const { rows } = await session.query<{ merkle_state: Uint8Array }>(
    `select merkle_state from authorisation_batch where batch_id = $1 and signed is null for update`,
    [batch_id],
  );
  const [open] = rows;
  if (batch_id === null || !open) return { batch_id: newId(), tree: new MerkleTree() };
  return { batch_id, tree: MerkleTree.restore(open.merkle_state) };
}

/**
 * Stores prepared entries as the next leaves of a batch. Call it in a transaction that keeps other
 * writers of the same ids out.
 * @returns their results, and the batch to go on with: null when there is none yet
 */
export async function collectEntries(
  session: Session,
  prepared: readonly Prepared[],
  collecting: Collecting,
): Promise<Pick<StoreOutcome, 'results'> & { readonly batch_id: string | null }> {
  const { batch_id, tree } = await takeUp(session, collecting);
  const first = tree.size;
  const { results, leaves } = await storeEntries(session, prepared, {
    ...collecting,
    batch_id,
    leafIndex: (_position, nth) => first + nth,
  });
  if (leaves.length === 0) return { results, batch_id: collecting.batch_id };
  await appendLeaves(session, batch_id, first, leaves);
  tree.addHashes(leaves);
  await session.query(
    `insert into authorisation_batch (batch_id, collector_id, opened_at, merkle_state, size)
     values ($1, $2, $3, $4, $5)
     on conflict (batch_id) do update set merkle_state = excluded.merkle_state, size = excluded.size`,
    [batch_id, collecting.collector_id, collecting.recorded_at, tree.serialise(), tree.size],
  );
  return { results, batch_id };
}

/** Signs the root of a batch and closes it; one that is closed stays as it is. */
export async function closeBatch(
  session: Session,
  batchId: string,
  by: { readonly ring: KeyRing; readonly at: Date },
): Promise<void> {
  const { rows } = await session.query<{ collector_id: string; merkle_state: Uint8Array }>(
    `select collector_id, merkle_state from authorisation_batch
     where batch_id = $1 and signed is null for update`,
    [batchId],
  );
  const [open] = rows;
  if (!open) return;
  const tree = MerkleTree.restore(open.merkle_state);
  const statement: BatchStatement = {
    batch_id: batchId,
    collector_id: open.collector_id,
    size: tree.size,
    root: Buffer.from(tree.root()).toString('base64'),
    closed_at: by.at.toISOString(),
  };
  const signed = await signJws(statement, by.ring, { typ: BATCH_TYP });
  await session.query(
    'update authorisation_batch set signed = $2, closed_at = $3 where batch_id = $1',
    [batchId, signed, by.at],
  );
}

/** Keeps a batch that came with its signature; the same again changes nothing. */
export async function keepBatch(
  session: Session,
  batch: {
    readonly batch_id: string;
    readonly collector_id: string;
    readonly tree: MerkleTree;
    readonly signed: string;
    readonly at: Date;
  },
): Promise<void> {
  await session.query(
    `insert into authorisation_batch (batch_id, collector_id, opened_at, merkle_state, size,
       signed, closed_at)
     values ($1, $2, $3, $4, $5, $6, $3) on conflict (batch_id) do nothing`,
    [
      batch.batch_id,
      batch.collector_id,
      batch.at,
      batch.tree.serialise(),
      batch.tree.size,
      batch.signed,
    ],
  );
}

/** Batches that a crash left open, oldest first. */
export async function openBatches(session: Session): Promise<string[]> {
  const { rows } = await session.query<{ batch_id: string }>(
    'select batch_id from authorisation_batch where signed is null order by opened_at, batch_id',
  );
  return rows.map((row) => row.batch_id);
}
