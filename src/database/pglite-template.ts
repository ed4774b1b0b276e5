/**
 * The empty database that a new embedded one begins as. Making it (initdb) takes five seconds of
 * a processor and always gives the same; unpacking a kept copy takes one. The copy lies beside
 * the packages, as trusted as they are; without it, or without leave to write it, all goes on.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';

const PACKAGE = createRequire(import.meta.url).resolve('@electric-sql/pglite');
const MODULES = PACKAGE.slice(0, PACKAGE.lastIndexOf('@electric-sql'));

/** Another release of PGlite has another copy. */
function templatePath(): string {
  const folder = join(MODULES, '@electric-sql', 'pglite');
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return join(MODULES, '.cache', 'assent', `pglite-${version}.tar`);
}

/** The copy as a tar, or null when there is none. */
export function readTemplate(): Blob | null {
  try {
    return new Blob([readFileSync(templatePath())], { type: 'application/x-tar' });
  } catch {
    return null;
  }
}

/** Keeps a copy of a database that nothing was done to; appears whole or not at all. */
export async function keepTemplate(db: PGlite): Promise<void> {
  try {
    const path = templatePath();
    const draft = `${path}.${process.pid}`;
    const dump = await db.dumpDataDir('none');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(draft, Buffer.from(await dump.arrayBuffer()));
    renameSync(draft, path);
  } catch {
    // Read-only packages, a full disk: the next database takes its five seconds too.
  }
}

/** Forgets a copy that could not be unpacked. */
export function dropTemplate(): void {
  try {
    rmSync(templatePath(), { force: true });
  } catch {
    // Whoever may not remove it could not have written it.
  }
}
