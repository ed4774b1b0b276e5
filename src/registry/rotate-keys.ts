/**
 * The keys of all people under a new sealing key, in steps.
 *
 * What must stay true: what is sealed under a person's key needs no change; broken off anywhere,
 * the next run goes on with those that are left; a key that changed meanwhile is not overwritten.
 */
import type { Database } from '../database/database.ts';
import type { KeyRing } from '../keys/key-ring.ts';

const STEP = 2_000;

interface Wrapped {
  readonly id: string;
  readonly wrapped: Uint8Array;
}

/** Where wrapped keys stand. */
const PLACES = [
  { table: 'subject', key: 'subject_id' },
  { table: 'identity_case', key: 'case_id' },
] as const;

/** Bytes 2 to 9 of a wrapped key name the sealing key. */
const currentId = (ring: KeyRing) => ring.newSubjectKey().wrapped.subarray(1, 9);

async function rotatePlace(
  db: Database,
  ring: KeyRing,
  place: (typeof PLACES)[number],
  progress: (done: number) => void,
): Promise<number> {
  const { table, key } = place;
  const current = currentId(ring);
  let done = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    // sql: names of PLACES.
    const { rows } = await db.query<Wrapped>(
      `select ${key} as id, wrapped_key as wrapped from ${table}
       where ${key} > $1::uuid and wrapped_key is not null
         and substr(wrapped_key, 2, 8) <> $2::bytea
       order by ${key} limit $3`,
      [after, current, STEP],
    );
    const last = rows.at(-1);
    if (!last) return done;
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
    // sql: names of PLACES.
    const { affected } = await db.query(
      `update ${table} t set wrapped_key = decode(n.fresh, 'hex')
       from unnest($1::uuid[], $2::text[], $3::text[]) n (id, known, fresh)
       where t.${key} = n.id and t.wrapped_key = decode(n.known, 'hex')`,
      [
        rows.map((row) => row.id),
        rows.map((row) => hex(row.wrapped)),
        rows.map((row) => hex(ring.rewrap(row.wrapped))),
      ],
    );
    done += affected;
    progress(done);
    after = last.id;
  }
}

/** Keys that a merge replaced, kept for its undoing: few, each by itself. */
async function rotatePrior(db: Database, ring: KeyRing): Promise<number> {
  const { rows } = await db.query<{ event_id: string; prior_keys: Record<string, string> }>(
    `select event_id, prior_keys from identity_event where prior_keys <> '{}'`,
  );
  let done = 0;
  for (const { event_id, prior_keys } of rows) {
    const fresh = Object.fromEntries(
      Object.entries(prior_keys).map(([id, hex]) => [
        id,
        Buffer.from(ring.rewrap(Buffer.from(hex, 'hex'))).toString('hex'),
      ]),
    );
    if (JSON.stringify(fresh) === JSON.stringify(prior_keys)) continue;
    await db.query('update identity_event set prior_keys = $2 where event_id = $1', [
      event_id,
      JSON.stringify(fresh),
    ]);
    done += 1;
  }
  return done;
}

/**
 * Wraps every key that is not under the current sealing key anew.
 * @returns how many there were. @throws sealed_unreadable: a sealing key is missing from the ring
 */
export async function rotateSubjectKeys(
  db: Database,
  ring: KeyRing,
  progress: (done: number) => void = () => {},
): Promise<number> {
  let done = 0;
  for (const place of PLACES) {
    const before = done;
    done += await rotatePlace(db, ring, place, (n) => progress(before + n));
  }
  return done + (await rotatePrior(db, ring));
}
