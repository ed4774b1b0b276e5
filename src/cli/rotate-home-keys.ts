/** The keys of a registry's home go under a new sealing key, while nobody serves it. */
import { join } from 'node:path';
import { rotateKeyFile } from '../keys/key-file.ts';
import { rotateSubjectKeys } from '../registry/rotate-keys.ts';
import { openDatabase, type RegistryConfig, readConfig, ringOf, SOURCES } from './home.ts';

/**
 * Wraps the keys of all people under the newest sealing key of a registry that is stopped.
 * @param fresh make a new sealing key first; without it a run that was broken off goes on
 * @returns how many were wrapped anew. @throws home_missing, database_in_use
 */
export async function rotateHomeKeys(
  home: string,
  fresh: boolean,
  progress: (done: number) => void,
): Promise<number> {
  readConfig<RegistryConfig>(home, 'operator_id');
  const db = await openDatabase(home, 'registry');
  try {
    if (fresh) rotateKeyFile(join(home, 'keys.json'), 'sealing', SOURCES);
    return await rotateSubjectKeys(db, ringOf(home), progress);
  } finally {
    await db.close();
  }
}
