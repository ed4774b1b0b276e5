/**
 * Ready entries enter the store: those that stand alone in bulk, those that supersede others with
 * what becomes of these.
 *
 * What must stay true: nothing new is recorded of a person who is recorded as dead; each entry is
 * stored once or is a fault with its row.
 */
import type { ImportFault } from '../authorisation/from-columns.ts';
import { lockWriters } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import {
  alteredFault,
  type BatchInHand,
  invalidFault,
  type Ready,
  writeEntries,
} from './collect.ts';
import { withoutDeceased } from './death.ts';
import type { Gateway } from './gateway.ts';
import { storeSucceeding } from './succession.ts';

export interface Taken {
  readonly stored: number;
  readonly unchanged: number;
  readonly faults: readonly ImportFault[];
}

/** An entry whose arrangement holds no other. */
const standsAlone = ({ record }: { record: Ready['prepared'][number]['entry']['record'] }) =>
  record.supersedes === null && record.arrangement_id === record.authorisation_id;

/** Writes ready entries in a transaction that is run again on a conflict (`retried`). */
export async function takeEntries(
  session: Session,
  gateway: Gateway,
  ready: Pick<Ready, 'prepared' | 'rows'>,
  batch: BatchInHand,
): Promise<Taken> {
  if (ready.prepared.length === 0) return { stored: 0, unchanged: 0, faults: [] };
  await lockWriters(session);
  const faults: ImportFault[] = [];
  const all = ready.prepared.map((prepared, place) => ({
    prepared,
    row: ready.rows[place] ?? 0,
    subject_id: prepared.entry.subject_id,
    subject_ref: prepared.entry.subject_ref,
    record: prepared.entry.record,
    events: prepared.entry.events,
  }));
  const sound = all.filter(({ prepared }) => prepared.problem === null);
  const unsound = all.filter(({ prepared }) => prepared.problem !== null);
  const living = await withoutDeceased(session, sound, faults);
  const alone = [...unsound, ...living.filter(standsAlone)];
  const written = await writeEntries(
    session,
    gateway,
    { prepared: alone.map(({ prepared }) => prepared), rows: alone.map(({ row }) => row) },
    batch,
  );
  faults.push(...written.faults);
  const others = living.filter((each) => !standsAlone(each));
  const rows = new Map(others.map(({ record, row }) => [record.authorisation_id, row]));
  const rowOf = (id: string) => rows.get(id) ?? 0;
  const { outcome, refusals } = await storeSucceeding(
    session,
    gateway,
    others.map(({ prepared }) => prepared.entry),
    batch,
  );
  for (const { authorisation_id, ...fault } of refusals)
    faults.push({ row: rowOf(authorisation_id), ...fault });
  for (const id of outcome.altered) faults.push(alteredFault(rowOf(id)));
  for (const { authorisation_id, problem } of outcome.invalid)
    faults.push(invalidFault(rowOf(authorisation_id), problem));
  return {
    stored: written.stored + outcome.stored.length,
    unchanged: written.unchanged + outcome.unchanged.length,
    faults,
  };
}
