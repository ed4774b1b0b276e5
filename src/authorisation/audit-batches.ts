/**
 * The audit of evidence: every event stands under a signed root, and the root is that of what is
 * stored. Everything is computed again, from the record to the root.
 *
 * What must stay true: memory for one run of leaves, whatever the size of a batch.
 */
import type { Session } from '../database/database.ts';
import { HASH_BYTES, MerkleTree } from '../log/merkle.ts';
import { type LeafRun, leafRuns } from './batch.ts';
import { leafOfEntry } from './hash.ts';
import { type SignedTree, signedTreeOf } from './proof.ts';
import { entriesOf } from './store.ts';

export interface BatchAudit {
  readonly check: string;
  readonly checked: number;
  readonly violations: number;
}

const UNSIGNED_EVENTS = `
  select count(*) as checked, count(*) filter (where b.signed is null) as violations
  from authorisation_event e left join authorisation_batch b on b.batch_id = e.batch_id`;

interface Batch {
  readonly batch_id: string;
  readonly signed: string;
}

/** Batches read at a time. */
const PAGE = 1_000;

async function* signedBatches(session: Session): AsyncGenerator<Batch> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const { rows } = await session.query<Batch>(
      `select batch_id, signed from authorisation_batch
       where signed is not null and batch_id > $1::uuid order by batch_id limit $2`,
      [after, PAGE],
    );
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = last.batch_id;
  }
}

/** Authorisations whose leaf, computed from what is stored, is not the stored leaf. */
async function alteredIn(session: Session, batchId: string, run: LeafRun) {
  const count = run.hashes.length / HASH_BYTES;
  const { rows } = await session.query<{ id: string; leaf_index: number; seq: number }>(
    `select authorisation_id as id, leaf_index, max(seq) as seq from authorisation_event
     where batch_id = $1 and leaf_index >= $2 and leaf_index < $3
     group by authorisation_id, leaf_index`,
    [batchId, run.first_leaf, run.first_leaf + count],
  );
  const entries = await entriesOf(
    session,
    rows.map(({ id }) => id),
  );
  const byId = new Map(entries.map((entry) => [entry.record.authorisation_id, entry]));
  const isAltered = rows.map(({ id, leaf_index, seq }) => {
    const entry = byId.get(id);
    if (!entry) return true;
    const at = (leaf_index - run.first_leaf) * HASH_BYTES;
    const leaf = leafOfEntry({ ...entry, events: entry.events.slice(0, seq) });
    return Buffer.compare(leaf, run.hashes.subarray(at, at + HASH_BYTES)) !== 0;
  });
  return { checked: rows.length, violations: isAltered.filter(Boolean).length };
}

function isSigned(tree: MerkleTree, signed: SignedTree): boolean {
  return signed.size === tree.size && signed.root === Buffer.from(tree.root()).toString('base64');
}

/** Runs the checks; whoever writes meanwhile may go on. */
export async function auditBatches(session: Session): Promise<BatchAudit[]> {
  const { rows } = await session.query<Omit<BatchAudit, 'check'>>(UNSIGNED_EVENTS);
  const batches = { checked: 0, violations: 0 };
  const leaves = { checked: 0, violations: 0 };
  for await (const { batch_id, signed } of signedBatches(session)) {
    const tree = new MerkleTree();
    for await (const run of leafRuns(session, batch_id)) {
      tree.addHashes(run.hashes);
      const { checked, violations } = await alteredIn(session, batch_id, run);
      leaves.checked += checked;
      leaves.violations += violations;
    }
    batches.checked += 1;
    if (!isSigned(tree, signedTreeOf(signed))) batches.violations += 1;
  }
  return [
    {
      check: 'every event of an authorisation belongs to a batch whose root is signed',
      checked: rows[0]?.checked ?? 0,
      violations: rows[0]?.violations ?? 0,
    },
    { check: 'the root over the stored leaves of each batch is the signed one', ...batches },
    { check: 'each leaf is that of the stored record, events and person', ...leaves },
  ];
}
