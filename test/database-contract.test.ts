/**
 * The port's contract, the same for PGlite and PostgreSQL (TEST_DATABASE_URL): what every room
 * above relies on when it does not ask which of the two it has.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../src/database/database.ts';
import { DatabaseFailure } from '../src/database/driver-error.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { AssentError } from '../src/model/error.ts';
import { copyText, readCopyField } from '../src/tape/copy-text.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces).toString('utf8');
}

async function failureOf(run: Promise<unknown>): Promise<DatabaseFailure> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DatabaseFailure) return error;
  throw new Error('no DatabaseFailure', { cause: error });
}

describe.each(BACKENDS)('a database on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  let db: Database;
  beforeAll(async () => {
    if (missing) return;
    db =
      backend === 'pglite'
        ? await openPglite()
        : await openPostgresql(SERVER_URL ?? '', 'contract');
  });
  beforeEach(async () => {
    if (missing) return;
    await db.query('drop table if exists thing');
    await db.query('create table thing (id int primary key, name text)');
  });
  afterAll(async () => {
    if (!missing) await db.close();
  });
  const test = (name: string, run: () => Promise<void>) =>
    it.skipIf(missing)(missing ? `${name} (skipped: TEST_DATABASE_URL is not set)` : name, run);
  const count = async () =>
    (await db.query<{ n: number }>('select count(*) as n from thing')).rows[0]?.n;

  test('gives every type back as the port says', async () => {
    const { rows } = await db.query(
      `select $1::bigint as int8, $2::date as day, $3::timestamptz as at, $4::bytea as bytes,
              $5::jsonb as json, $6::text[] as list, null::text as nothing, 1.5::numeric as share,
              true as yes, count(*) as n`,
      [
        9_007_199_254_740_991,
        '2026-02-28',
        new Date('2026-01-02T03:04:05.678Z'),
        new Uint8Array([0, 255, 92]),
        JSON.stringify({ a: ['x', null] }),
        ['a', 'b,"c"', '中文'],
      ],
    );
    const [row = {}] = rows as Record<string, unknown>[];
    expect({ ...row, bytes: [...(row['bytes'] as Uint8Array)] }).toEqual({
      int8: 9_007_199_254_740_991,
      day: '2026-02-28',
      at: new Date('2026-01-02T03:04:05.678Z'),
      bytes: [0, 255, 92],
      json: { a: ['x', null] },
      list: ['a', 'b,"c"', '中文'],
      nothing: null,
      share: 1.5,
      yes: true,
      n: 1,
    });
  });

  test('refuses to round an int8 that JavaScript cannot hold', async () => {
    await expect(db.query('select 9007199254740993::bigint as n')).rejects.toThrow();
    expect(await count()).toBe(0);
  });

  test('keeps a whole transaction or none of it', async () => {
    await db.transaction(async (session) => {
      await session.query('insert into thing values (1, $1)', ['kept']);
    });
    await expect(
      db.transaction(async (session) => {
        await session.query('insert into thing values (2, $1)', ['lost']);
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await count()).toBe(1);
  });

  test('what goes with the next statement is there for it, and comes before the commit', async () => {
    const insert = 'insert into thing values ($1, $2)';
    await db.transaction(async (session) => {
      await session.query(insert, [1, 'a'], { withNext: true });
      await session.query(insert, [2, 'b'], { withNext: true, prepared: true });
      const { rows } = await session.query<{ n: number }>('select count(*) as n from thing');
      expect(rows).toEqual([{ n: 2 }]);
      await session.query(insert, [3, 'c'], { withNext: true });
      await session.copyIn('copy thing from stdin', [Buffer.from('4\td\n')]);
      await session.query(insert, [5, 'e'], { withNext: true });
      const out = await gather(session.copyOut('copy (select id from thing order by 1) to stdout'));
      expect(out).toBe('1\n2\n3\n4\n5\n');
      await session.query(insert, [6, 'f'], { withNext: true });
    });
    await db.transaction((session) => session.query(insert, [7, 'g'], { withNext: true }));
    await db.query(insert, [8, 'h'], { withNext: true });
    expect(await count()).toBe(8);
  });

  test('what goes with the next statement and fails takes the whole transaction with it', async () => {
    const insert = 'insert into thing values ($1, null)';
    for (const last of [true, false]) {
      const error = await failureOf(
        db.transaction(async (session) => {
          await session.query(insert, [1]);
          await session.query(insert, [1], { withNext: true });
          if (!last) await session.query(insert, [2]);
        }),
      );
      expect(error.sqlstate).toBe('23505');
      expect(await count()).toBe(0);
    }
    await expect(
      db.transaction(async (session) => {
        await session.query(insert, [1], { withNext: true });
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await count()).toBe(0);
  });

  test('does not take a failed transaction for a committed one, whoever swallowed the failure', async () => {
    const failed = await failureOf(
      db.transaction(async (session) => {
        await session.query(`insert into thing values (1, 'one')`);
        await session.query(`insert into thing values (1, 'again')`).catch(() => {});
        return 'done';
      }),
    );
    expect(failed.sqlstate).toBe('25P02');
    expect(await count()).toBe(0);
    await db.transaction((session) => session.query(`insert into thing values (1, 'one')`));
    expect(await count()).toBe(1);
  });

  test('a transaction without a statement is none', async () => {
    expect(await db.transaction(async () => 1)).toBe(1);
    const stop = db.transaction(() => Promise.reject(new Error('stop')));
    await expect(stop).rejects.toThrow('stop');
    await db.query('insert into thing values (1, null)');
    expect(await count()).toBe(1);
  });

  test('answers statements that were sent at once in their order, each its own', async () => {
    await db.transaction(async (session) => {
      const one = (n: number) => session.query<{ n: number }>('select $1::int as n', [n]);
      const answers = await Promise.all([1, 2, 3, 4].map(one));
      expect(answers.map(({ rows }) => rows[0]?.n)).toEqual([1, 2, 3, 4]);
    });
  });

  test('goes on after a failed statement inside a savepoint', async () => {
    await db.transaction(async (session) => {
      await session.query('insert into thing values (1, null)');
      await session.query('savepoint s');
      const error = await failureOf(session.query('insert into thing values (1, null)'));
      expect(error.sqlstate).toBe('23505');
      await session.query('rollback to savepoint s');
      await session.query('insert into thing values (2, null)');
    });
    expect(await count()).toBe(2);
  });

  test('says how a statement failed, and nothing of the row', async () => {
    await db.query('insert into thing values (1, $1)', ['SECRET']);
    const cases: [string, string][] = [
      ["insert into thing values (1, 'SECRET')", '23505'],
      ["select 'SECRET'::int", '22P02'],
      ['select * from "SECRET"', '42P01'],
    ];
    for (const [sql, sqlstate] of cases) {
      const error = await failureOf(db.query(sql));
      expect(error.sqlstate).toBe(sqlstate);
      expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('SECRET');
    }
    const bad = Buffer.from('2\tSECRET\textra\n');
    const error = await failureOf(db.copyIn('copy thing from stdin', [bad]));
    expect(`${error.message} ${error.stack}`).not.toContain('SECRET');
    expect(await count()).toBe(1);
  });

  test('copies in what it copied out, whatever the text', async () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 30 })
      .map((each) => each.replaceAll('\u0000', ''))
      .filter((each) => each.isWellFormed());
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { maxLength: 20 }), async (names) => {
        await db.query('truncate thing');
        const rows = names.map((name, index) => ({ row: index, values: [name] }));
        const copied = await db.copyIn('copy thing from stdin', [copyText(rows)]);
        expect(copied).toBe(names.length);
        const out = await gather(db.copyOut('copy (select name from thing order by id) to stdout'));
        expect(out.split('\n').slice(0, -1).map(readCopyField)).toEqual(names);
      }),
      { numRuns: 50 },
    );
  });

  test('undoes a copy whose source fails', async () => {
    async function* broken() {
      yield Buffer.from('1\ta\n');
      throw new AssentError('tape_truncated');
    }
    await expect(
      db.transaction((session) => session.copyIn('copy thing from stdin', broken())),
    ).rejects.toMatchObject({ code: 'tape_truncated' });
    expect(await count()).toBe(0);
    await db.query('insert into thing values (5, null)');
  });

  test('keeps a temporary table to its transaction, also when it failed', async () => {
    for (let round = 0; round < 2; round++) {
      await db
        .transaction(async (session) => {
          await session.query(
            'create temp table passing on commit drop as select $1::int as n',
            [1],
          );
          if (round === 0) throw new Error('stop');
        })
        .catch(() => {});
    }
    expect((await failureOf(db.query('select * from passing'))).sqlstate).toBe('42P01');
  });

  test('takes more transactions at once than it can run', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        db.transaction((session) => session.query('insert into thing values ($1, null)', [n])),
      ),
    );
    expect(await count()).toBe(30);
  });

  test('migrates twice as once, and refuses a text that changed', async () => {
    if (backend === 'postgresql') await db.query('drop schema contract cascade');
    if (backend === 'postgresql') await db.query('create schema contract');
    await migrate(db, 'gateway', () => new Date());
    await migrate(db, 'gateway', () => new Date());
    await db.query(`update schema_migration set checksum = 'x'`);
    await expect(migrate(db, 'gateway', () => new Date())).rejects.toMatchObject({
      code: 'migration_changed',
    });
  });
});

it('gives an embedded folder to one process, and takes over the lock of a dead one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assent-lock-'));
  try {
    const db = await openPglite(join(folder, 'db'));
    await expect(openPglite(join(folder, 'db'))).rejects.toMatchObject({ code: 'database_in_use' });
    await db.close();
    await (await openPglite(join(folder, 'db'))).close();
    // A dead process, and a number that has come again: this process began at another time.
    for (const stale of ['999999999 1', `${process.pid} 1`, '']) {
      writeFileSync(join(folder, 'db.lock'), stale);
      await (await openPglite(join(folder, 'db'))).close();
    }
    expect(readdirSync(folder)).toEqual(['db']);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
