/**
 * People of the store as such: who an id leads to, who is kept still while they are moved, whose
 * key opens what.
 *
 * What must stay true: locks are taken in one order, people, then furnishers, then rows; whoever
 * holds the id of one who was merged away is led to the person.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { sealedSamples } from './owned-tables.ts';
import type { Registry } from './registry.ts';
import { lockAuthorisations, lockPeople, tickClock } from './serialise.ts';

/** @throws identity_not_movable: always */
export function notMovable(detail: string): never {
  throw new AssentError('identity_not_movable', { detail });
}

/** The person an id leads to, through merges; null: nobody has it. */
export async function livingSubject(session: Session, id: string): Promise<string | null> {
  const { rows } = await session.query<{ living: string }>(
    'select coalesce(merged_into, subject_id) as living from subject where subject_id = $1::uuid',
    [id],
  );
  return rows[0]?.living ?? null;
}

export interface SubjectRow {
  readonly subject_id: string;
  readonly merged_into: string | null;
  readonly wrapped_key: Uint8Array;
}

/** Both rows, locked: whoever looks or withdraws waits. */
async function lockSubjects(session: Session, ids: readonly string[]): Promise<SubjectRow[]> {
  const found: SubjectRow[] = [];
  for (const id of [...ids].sort()) {
    const { rows } = await session.query<SubjectRow>(
      `select subject_id, merged_into, wrapped_key from subject where subject_id = $1 for update`,
      [id],
    );
    found.push(...rows);
  }
  return found;
}

/** Keeps these people as they are until the transaction ends. @throws identity_not_movable */
export async function holdPeople(
  session: Session,
  ids: readonly string[],
): Promise<Map<string, SubjectRow>> {
  await lockPeople(session);
  const providers = new Set<string>();
  for (const id of ids) {
    const { rows } = await session.query<{ id: string }>(
      `select provider_id as id from authorisation where subject_id = $1
       union select furnisher_id from account where subject_id = $1
       union select furnisher_id from subject_locator where subject_id = $1`,
      [id],
    );
    for (const row of rows) providers.add(row.id);
  }
  for (const id of [...providers].sort()) await lockAuthorisations(session, id);
  const rows = await lockSubjects(session, ids);
  if (rows.length !== new Set(ids).size) notMovable('there is no such person');
  // Parts that were judged on the strength of what was there are judged again.
  for (const id of [...providers].sort()) await tickClock(session, id, ids);
  return new Map(rows.map((row) => [row.subject_id, row]));
}

/** Gives the key of one person to another where the other now owns what it sealed. */
export async function passKeys(
  registry: Registry,
  session: Session,
  from: SubjectRow,
  to: SubjectRow,
): Promise<Record<string, string>> {
  const samples = await sealedSamples(session, to.subject_id);
  const isOpen = samples.every((sealed) => registry.ring.holdsKeyOf(to.wrapped_key, sealed));
  if (isOpen) return {};
  const combined = registry.ring.combine(to.wrapped_key, from.wrapped_key);
  await session.query('update subject set wrapped_key = $2 where subject_id = $1', [
    to.subject_id,
    combined,
  ]);
  return { [to.subject_id]: Buffer.from(to.wrapped_key).toString('hex') };
}

/** @throws identity_not_movable: there is no such person */
export function rowOf(people: Map<string, SubjectRow>, id: string): SubjectRow {
  return people.get(id) ?? notMovable('there is no such person');
}
