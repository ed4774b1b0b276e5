/**
 * Test support: a gateway with a small book, a published notice, a server and a clock that tests
 * turn. No registry: asking happens inside the lender.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { type Asked, type AskedFor, askOne } from '../src/gateway/asking.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { publishNotice } from '../src/gateway/notices.ts';
import { createKeyFile, loadKeyFile } from '../src/keys/key-file.ts';
import type { NoticeDocument } from '../src/model/notice.ts';
import { type Backend, load, monthRow, SERVER_URL, tapeText } from './pair.ts';

const random = (bytes: number) => randomBytes(bytes);
const SAMPLE = new URL('../examples/credit-record.notice.json', import.meta.url);

/** The notice of the examples, with changes laid over it. */
export function sampleNotice(changes: Partial<NoticeDocument> = {}): NoticeDocument {
  return { ...(JSON.parse(readFileSync(SAMPLE, 'utf8')) as NoticeDocument), ...changes };
}

export class AskingWorld {
  readonly gateway: Gateway;
  readonly clock: { at: Date };
  readonly #db: Database;
  readonly #folder: string;

  private constructor(gateway: Gateway, clock: { at: Date }, db: Database, folder: string) {
    this.gateway = gateway;
    this.clock = clock;
    this.#db = db;
    this.#folder = folder;
  }

  /** Borrowers `c1` … `cN`, each with the revolving account `aN` in 2026-01. */
  static async open(borrowers: number, backend: Backend = 'pglite', schema = 'asking') {
    const folder = mkdtempSync(join(tmpdir(), 'assent-asking-'));
    const path = join(folder, 'keys.json');
    // Noon in China: an hour in which people may be asked.
    const clock = { at: new Date('2026-11-02T04:00:00.000Z') };
    createKeyFile(path, { random, now: () => clock.at });
    let db: Database;
    if (backend === 'pglite') db = await openPglite();
    else {
      const bare = await openPostgresql(SERVER_URL ?? '');
      // sql: a constant of the test.
      await bare.query(`drop schema if exists ${schema} cascade`);
      await bare.close();
      db = await openPostgresql(SERVER_URL ?? '', schema);
    }
    await migrate(db, 'gateway', () => clock.at);
    const gateway: Gateway = {
      db,
      ring: loadKeyFile(path, { random }),
      furnisher_id: randomUUID(),
      profile: loadProfile('CN'),
      notices: {},
      now: () => clock.at,
      newId: () => randomUUID(),
    };
    const world = new AskingWorld(gateway, clock, db, folder);
    const rows = Array.from({ length: borrowers }, (_, index) => monthRow(index + 1, '2026-01'));
    await load(gateway, tapeText(rows));
    await publishNotice(gateway, sampleNotice());
    return world;
  }

  ask(changes: Partial<AskedFor> = {}): Promise<Asked> {
    return askOne(this.gateway, {
      request_id: randomUUID(),
      subject_ref: 'c1',
      notice_id: 'credit-record',
      language: 'zh',
      ...changes,
    });
  }

  /** Moves the clock on. */
  later(span: { days?: number; hours?: number; seconds?: number }): void {
    const { days = 0, hours = 0, seconds = 0 } = span;
    const ms = ((days * 24 + hours) * 3600 + seconds) * 1000;
    this.clock.at = new Date(this.clock.at.getTime() + ms);
  }

  /** States of a person's authorisations, by purpose. */
  async states(subjectRef: string): Promise<Record<string, string>> {
    const { rows } = await this.#db.query<{ purpose: string; state: string }>(
      `select a.purpose, a.state from authorisation a
       join customer c on c.subject_id = a.subject_id where c.subject_ref = $1
       order by a.recorded_at, a.purpose`,
      [subjectRef],
    );
    return Object.fromEntries(rows.map(({ purpose, state }) => [purpose, state]));
  }

  async close(): Promise<void> {
    await this.#db.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
