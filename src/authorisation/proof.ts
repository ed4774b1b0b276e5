/**
 * Proofs of single authorisations: record, events and the path of hashes from their leaf to a root
 * that the collector signed. Made from a store, verified without one.
 *
 * What must stay true: a proof holds no identity (`subject_ref` is a number of the collector's);
 * a verifier answers with what is wrong on any input and never throws.
 */

import type { Session } from '../database/database.ts';
import { type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { streamedInclusionProof, verifyInclusion } from '../log/proof.ts';
import { AssentError } from '../model/error.ts';
import { UUID } from '../model/uuid.ts';
import { BATCH_TYP, leafRuns, MANIFEST_TYP } from './batch.ts';
import { verifyBrought } from './brought.ts';
import { leafOfEntry } from './hash.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  eventProblems,
  fold,
  recordProblems,
} from './record.ts';
import { isWireEntry } from './schema.ts';
import { entriesOf } from './store.ts';

export const PROOF_VERSION = 'assent-authorisation-proof/1';

export interface AuthorisationProof {
  readonly version: typeof PROOF_VERSION;
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  /** As they stood when the root was signed. */
  readonly events: readonly AuthorisationEvent[];
  readonly leaf_index: number;
  /** Hashes from the leaf to the root, nearest the leaf first, base64. */
  readonly path: readonly string[];
  /** Compact JWS: the statement of a batch, or the manifest of a submission. */
  readonly signed: string;
  /** Compact JWS of the enquirer that brought it to the registry, over record and events. */
  readonly brought?: string;
}

/** Whose authorisation it must be. */
export interface ProofSought {
  readonly authorisation_id: string;
  /** Null: any provider's. */
  readonly provider_id: string | null;
  /** The one recipient that it names; without: whoever receives. */
  readonly recipient_id?: string;
}

interface Leaf {
  readonly subject_id: string;
  readonly batch_id: string;
  readonly leaf_index: number;
  readonly seq: number;
  readonly signed: string | null;
}

/**
 * The proof of an authorisation as its newest event stands, and the subject_id it stands under.
 * @throws authorisation_unknown: there is none, or it is another provider's;
 *   authorisation_unproven: its batch is not signed yet.
 */
export async function proveAuthorisation(
  session: Session,
  sought: ProofSought,
): Promise<{ readonly subject_id: string; readonly proof: AuthorisationProof }> {
  const { authorisation_id, provider_id, recipient_id = null } = sought;
  if (!UUID.test(authorisation_id)) throw new AssentError('authorisation_unknown');
  const { rows } = await session.query<Leaf>(
    `select a.subject_id, e.batch_id, e.leaf_index, e.seq, b.signed
     from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
     left join authorisation_batch b on b.batch_id = e.batch_id
     where a.authorisation_id = $1::uuid and ($2::uuid is null or a.provider_id = $2::uuid)
       and ($3::uuid is null or a.recipient_id = $3::uuid)`,
    [authorisation_id, provider_id, recipient_id],
  );
  const [leaf] = rows;
  const [entry] = leaf ? await entriesOf(session, [authorisation_id]) : [];
  if (!leaf || !entry) throw new AssentError('authorisation_unknown');
  if (leaf.signed === null) throw new AssentError('authorisation_unproven');
  const path = await streamedInclusionProof(hashesOf(session, leaf.batch_id), leaf.leaf_index);
  const { subject_ref, record, events } = entry;
  const proof: AuthorisationProof = {
    version: PROOF_VERSION,
    subject_ref,
    record,
    events: events.slice(0, leaf.seq), // Another may have come since the leaf was read.
    leaf_index: leaf.leaf_index,
    path: path.map((hash) => Buffer.from(hash).toString('base64')),
    signed: leaf.signed,
  };
  return { subject_id: leaf.subject_id, proof };
}

async function* hashesOf(session: Session, batchId: string): AsyncGenerator<Uint8Array> {
  for await (const run of leafRuns(session, batchId)) yield run.hashes;
}

/** What a signature says of the tree. */
export interface SignedTree {
  readonly collector_id: unknown;
  readonly size: unknown;
  readonly root: unknown;
}

const SIGNED_TREES: Readonly<Record<string, (payload: Record<string, unknown>) => SignedTree>> = {
  [BATCH_TYP]: ({ collector_id, size, root }) => ({ collector_id, size, root }),
  [MANIFEST_TYP]: ({ furnisher_id, authorisation_tree }) => {
    const tree = (authorisation_tree ?? {}) as Partial<SignedTree>;
    return { collector_id: furnisher_id, size: tree.size, root: tree.root };
  },
};

function headerOf(signed: string): { readonly typ: string; readonly kid: string } {
  try {
    const [header = ''] = signed.split('.');
    const { typ, kid } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8')) as Partial<
      Record<string, unknown>
    >;
    return { typ: String(typ), kid: String(kid) };
  } catch {
    throw new AssentError('signature_invalid', { detail: 'not a compact JWS' });
  }
}

/** True when a signature names one of the keys; it may still not hold. */
function namesKeyOf(signed: string, keys: VerifyingKeys): boolean {
  try {
    const { kid } = headerOf(signed);
    return keys.keys.some((key) => key.kid === kid);
  } catch {
    return false;
  }
}

function readTree(typ: string, payload: Record<string, unknown>): SignedTree {
  const read = Object.hasOwn(SIGNED_TREES, typ) ? SIGNED_TREES[typ] : undefined;
  if (!read)
    throw new AssentError('signature_invalid', { detail: 'it signs no batch and no manifest' });
  return read(payload);
}

/** The tree that a compact JWS speaks of. @throws signature_invalid */
async function verifySignedTree(signed: string, keys: VerifyingKeys): Promise<SignedTree> {
  const { typ } = headerOf(signed);
  return readTree(typ, await verifyJws(signed, keys, { typ }));
}

/** The same of one that was verified when it came in. @throws signature_invalid */
export function signedTreeOf(signed: string): SignedTree {
  const payload = JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString('utf8'));
  return readTree(headerOf(signed).typ, payload as Record<string, unknown>);
}

export interface Verified {
  /** Empty when the proof holds. */
  readonly problems: readonly string[];
  readonly authorisation_id: string | null;
  readonly state: string | null;
  /** Who signed, as the signed statement or the record names it. */
  readonly collector_id: string | null;
}

/** Whose keys they are: `participant_id` null when only keys were given. */
export interface Signer {
  readonly participant_id: string | null;
  readonly keys: VerifyingKeys;
}

function isProof(value: unknown): value is AuthorisationProof {
  if (typeof value !== 'object' || value === null) return false;
  const { version, subject_ref, record, events, leaf_index, path, signed, brought } =
    value as Record<string, unknown>;
  return (
    version === PROOF_VERSION &&
    isWireEntry({ subject_ref, record, events }) &&
    Number.isSafeInteger(leaf_index) &&
    Array.isArray(path) &&
    path.every((hash) => typeof hash === 'string' && /^[A-Za-z0-9+/]{43}=$/.test(hash)) &&
    typeof signed === 'string' &&
    (brought === undefined || typeof brought === 'string')
  );
}

const bytesOf = (base64: unknown) =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.alloc(0);

function entryProblems({ record, events }: AuthorisationProof): string[] {
  const folded = fold(events);
  return [
    ...recordProblems(record).map((field) => `the record's ${field} is not as it must be`),
    ...eventProblems(events).map((seq) => `event ${seq} is not as it must be`),
    ...(folded.ok ? [] : [`event ${folded.seq} may not follow the events before it`]),
  ];
}

function leafProblem(proof: AuthorisationProof, tree: SignedTree): string[] {
  let leaf: Uint8Array;
  try {
    leaf = leafOfEntry(proof);
  } catch {
    return ['the record has no canonical form'];
  }
  const isIn = verifyInclusion({
    index: proof.leaf_index,
    size: Number(tree.size),
    leafHash: leaf,
    proof: proof.path.map(bytesOf),
    root: bytesOf(tree.root),
  });
  return isIn
    ? []
    : [
        'record, events, subject_ref and path do not lead to the signed root: something was altered',
      ];
}

/**
 * Verifies a proof without a store or a network, and says everything that is wrong with it: with
 * the collector's keys the signed root, with those of the enquirer that brought it its signature.
 */
export async function verifyProof(value: unknown, signer: Signer): Promise<Verified> {
  const nothing = { authorisation_id: null, state: null, collector_id: null };
  if (!isProof(value)) return { problems: [`it is not of the form ${PROOF_VERSION}`], ...nothing };
  const { brought } = value;
  if (brought !== undefined && namesKeyOf(brought, signer.keys)) {
    const verified = await verifyBrought(value, brought, signer);
    return { ...verified, problems: [...entryProblems(value), ...verified.problems] };
  }
  const problems = entryProblems(value);
  const folded = fold(value.events);
  const known = {
    authorisation_id: value.record.authorisation_id,
    state: folded.ok ? folded.state : null,
  };
  let tree: SignedTree;
  try {
    tree = await verifySignedTree(value.signed, signer.keys);
  } catch (error) {
    if (!(error instanceof AssentError)) throw error;
    const why = `the signature over the root does not hold: ${error.detail}`;
    return { problems: [...problems, why], ...known, collector_id: null };
  }
  problems.push(...leafProblem(value, tree));
  if (tree.collector_id !== value.record.parties.provider_id)
    problems.push('the signed statement names another collector than the provider of the record');
  if (signer.participant_id !== null && signer.participant_id !== tree.collector_id)
    problems.push('the keys are of another participant than the collector');
  return { problems, ...known, collector_id: String(tree.collector_id) };
}
