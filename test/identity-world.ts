/** Test support: a registry without HTTP, and people that furnishers send to it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { createKeyFile, loadKeyFile } from '../src/keys/key-file.ts';
import { takeSubjects } from '../src/registry/other-intake.ts';
import type { Registry } from '../src/registry/registry.ts';
import { copyText } from '../src/tape/copy-text.ts';

export interface Sent {
  readonly ref: string;
  readonly kind: string;
  readonly number: string;
  readonly name: string;
  readonly birth_date: string;
  readonly version?: number;
}

const random = (bytes: number) => randomBytes(bytes);

/** A registry over a store; its keys lie in the folder. */
export function registryOver(db: Database, folder: string, now = () => new Date()): Registry {
  const path = join(folder, 'keys.json');
  createKeyFile(path, { random, now });
  return {
    db,
    ring: loadKeyFile(path, { random }),
    registry_id: randomUUID(),
    issuer: 'http://registry.test',
    profile: loadProfile('EU'),
    notices: {},
    now,
    newId: () => randomUUID(),
  };
}

/** The people's part of a hand-over. */
export async function send(registry: Registry, furnisher: string, people: readonly Sent[]) {
  const rows = people.map((each, at) => {
    const { ref, version = 1, kind, number, name, birth_date } = each;
    const country = kind === 'passport' ? 'DE' : null;
    return { row: at + 1, values: [ref, String(version), kind, country, number, name, birth_date] };
  });
  const text = Buffer.from(copyText(rows)).toString('utf8');
  return registry.db.transaction((session) =>
    takeSubjects(registry, session, {
      lines: text.split('\n').slice(0, -1),
      firstRow: 1,
      furnisher_id: furnisher,
      submission_id: randomUUID(),
    }),
  );
}

/** Whom a furnisher's reference leads to. */
export async function locate(db: Database, ref: string): Promise<string> {
  const { rows } = await db.query<{ subject_id: string }>(
    'select subject_id from subject_locator where subject_ref = $1',
    [ref],
  );
  return rows[0]?.subject_id ?? 'nobody';
}
