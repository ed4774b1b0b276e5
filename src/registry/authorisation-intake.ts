/**
 * Authorisations enter the store, each with its leaf in the tree that the manifest's signature
 * vouches for.
 *
 * What must stay true: every line has a leaf, whatever it holds; whoever sends a line must be the
 * provider it names; an altered one is refused and leaves a trace; that an id is another
 * furnisher's is answered like a line that cannot be read; one that supersedes what it may not is
 * refused with one rule, whatever of it is here.
 */
import { appendLeaves } from '../authorisation/batch.ts';
import { leafOfEntry, unreadableLeaf } from '../authorisation/hash.ts';
import { storeJudged } from '../authorisation/judge-succession.ts';
import { isWireEntry, type WireEntry } from '../authorisation/schema.ts';
import {
  type Entry,
  type EntryResult,
  lockWriters,
  type Prepared,
  prepare,
  type Refusal,
  type StoreFacts,
  storeEntries,
  traceRefusals,
} from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { UUID } from '../model/uuid.ts';
import { settleEntries } from './authorisation-events.ts';
import { fault, type TextPart } from './other-intake.ts';
import { outcomeOf, type PartOutcome } from './part-outcome.ts';
import type { Registry } from './registry.ts';

type Fault = PartOutcome['faults'][number];

/** What JSON.stringify never writes and a database never stores: NUL and halves of pairs. */
const BAD_ESCAPE = /\\u(0000|d[89a-f])/i;

function parseEntry(line: string, row: number): WireEntry | null {
  const tab = line.indexOf('\t');
  if (Number(line.slice(0, tab)) !== row || BAD_ESCAPE.test(line)) return null;
  try {
    const entry: unknown = JSON.parse(line.slice(tab + 1));
    return isWireEntry(entry) ? entry : null;
  } catch {
    return null;
  }
}

/** Leaf hashes of the lines of a part, side by side. @param firstRow number of its first row */
export function leavesOf(lines: readonly string[], firstRow: number): Uint8Array {
  const leaves = lines.map((line, index) => {
    const entry = parseEntry(line, firstRow + index);
    return entry ? leafOfEntry(entry) : unreadableLeaf(line);
  });
  return Buffer.concat(leaves);
}

interface Row {
  readonly row: number;
  readonly entry: WireEntry;
}

/** The lines that can be read and name their sender as provider. */
function ownLines(part: TextPart, faults: Fault[], refusals: Refusal[]): Row[] {
  return part.lines.flatMap((line, index) => {
    const row = part.firstRow + index;
    const entry = parseEntry(line, row);
    const isOwn = entry?.record.parties.provider_id === part.furnisher_id;
    if (entry && isOwn) return [{ row, entry }];
    if (entry) {
      const { authorisation_id: id } = entry.record;
      refusals.push({ authorisation_id: UUID.test(id) ? id : null, why: 'provider' });
    }
    faults.push(fault(row, 'rejected', 'W01'));
    return [];
  });
}

async function resolve(
  session: Session,
  part: TextPart,
  rows: readonly Row[],
  faults: Fault[],
): Promise<{ row: number; prepared: Prepared }[]> {
  const { rows: people } = await session.query<{ subject_ref: string; subject_id: string }>(
    'select subject_ref, subject_id from subject_locator where furnisher_id = $1 and subject_ref = any($2::uuid[])',
    [part.furnisher_id, rows.map(({ entry }) => entry.subject_ref)],
  );
  const subjects = new Map(people.map((each) => [each.subject_ref, each.subject_id]));
  return rows.flatMap(({ row, entry }) => {
    const subject_id = subjects.get(entry.subject_ref);
    if (subject_id !== undefined) return [{ row, prepared: prepare({ subject_id, ...entry }) }];
    faults.push(fault(row, 'rejected', 'V01_SUBJECT', 'subject_ref'));
    return [];
  });
}

function faultsOf(row: number, result: EntryResult): Fault[] {
  if (result.result === 'stored') return [];
  if (result.result === 'unchanged') return [fault(row, 'unchanged', 'unchanged')];
  // An id that is another furnisher's is answered like a line that cannot be read.
  const isOwnAltered = result.result === 'refused' && result.why !== 'provider';
  return [fault(row, 'rejected', isOwnAltered ? 'A_ALTERED' : 'W01')];
}

/** Entries of one statement. */
const SLICE = 5_000;

interface Slice {
  readonly rows: readonly { readonly row: number; readonly prepared: Prepared }[];
  readonly facts: Omit<StoreFacts, 'leafIndex'>;
}

/** Stores a slice. @returns the faults of its rows, and the entries that are here now */
async function storeSlice(
  session: Session,
  furnisherId: string,
  { rows, facts }: Slice,
): Promise<{ faults: Fault[]; here: Entry[] }> {
  const faults: Fault[] = [];
  const here: Entry[] = [];
  const judged = new Set<number>();
  const store = async (some: Slice['rows']): Promise<string[]> => {
    const prepared = some.map((each) => each.prepared);
    const leafIndex = (position: number) => (some[position]?.row ?? 0) - 1;
    const { results } = await storeEntries(session, prepared, { ...facts, leafIndex });
    return results.flatMap((result, place) => {
      const {
        row,
        prepared: { entry },
      } = some[place] as Slice['rows'][number];
      judged.add(row);
      faults.push(...faultsOf(row, result));
      if (result.result === 'stored' || result.result === 'unchanged') here.push(entry);
      return result.result === 'stored' ? [entry.record.authorisation_id] : [];
    });
  };
  await store(rows.filter(({ prepared }) => prepared.problem !== null));
  const sound = rows.flatMap(({ row, prepared }) =>
    prepared.problem === null ? [{ ...prepared.entry, row, prepared }] : [],
  );
  await storeJudged(session, sound, {
    owner: { provider_id: furnisherId, recipient_id: null },
    must_have_ended: true,
    store,
  });
  // What never came to be stored may not take the place of what it names.
  const refused = sound.filter(({ row }) => !judged.has(row));
  for (const { row } of refused) faults.push(fault(row, 'rejected', 'A_SUCCESSION'));
  const traced = refused.map(({ record: { authorisation_id } }) => ({
    authorisation_id,
    why: 'succession' as const,
  }));
  await traceRefusals(session, traced, facts);
  return { faults: faults.sort((a, b) => a.row_number - b.row_number), here };
}

/** Lines of kind authorisation. @param known the leaves of its lines, if they are at hand */
export async function takeAuthorisations(
  registry: Registry,
  session: Session,
  part: TextPart,
  known?: Uint8Array,
): Promise<PartOutcome> {
  await lockWriters(session);
  const faults: Fault[] = [];
  const refusals: Refusal[] = [];
  const rows = await resolve(session, part, ownLines(part, faults, refusals), faults);
  const facts = {
    recorded_at: registry.now(),
    by_party: part.furnisher_id,
    newId: registry.newId,
    batch_id: part.submission_id,
  };
  for (let at = 0; at < rows.length; at += SLICE) {
    const slice = { rows: rows.slice(at, at + SLICE), facts };
    const taken = await storeSlice(session, part.furnisher_id, slice);
    faults.push(...taken.faults);
    await settleEntries(registry, session, part.furnisher_id, taken.here);
  }
  await traceRefusals(session, refusals, facts);
  await appendLeaves(
    session,
    part.submission_id,
    part.firstRow - 1,
    known ?? leavesOf(part.lines, part.firstRow),
  );
  return outcomeOf(part.lines.length, faults);
}
