/** Month parts cover every row that goes, once, in parts of one size that the registry can share. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { planMonths } from './parts.ts';

const HANDOVER = '00000000-0000-4000-8000-000000000001';

let db: Database;
beforeAll(async () => {
  db = await openPglite();
  await migrate(db, 'gateway', () => new Date());
});
afterAll(() => db.close());

/** Plans a hand-over of `total` rows of which every `withheld`th stays; sizes in rows that go. */
async function sizesOf(total: number, most: number, withheld = 0, atOnce = 2): Promise<number[]> {
  return db.transaction(async (session) => {
    await session.query('delete from handover_row');
    await session.query(
      `insert into handover_row
       select $1::uuid, md5('a' || n)::uuid, 1, $1::uuid, md5('s' || n)::uuid, 'furnished', n,
         case when $3::int > 0 and n % $3::int = 0 then 'withdrawn' end
       from generate_series(1, $2::int) n`,
      [HANDOVER, total, withheld],
    );
    const goes = (row: number) => withheld === 0 || row % withheld !== 0;
    const going = Array.from({ length: total }, (_, index) => index + 1).filter(goes);
    const parts = await planMonths(session, HANDOVER, most, atOnce);
    const sizes = parts.map(
      ({ first, last }) => going.filter((row) => row >= first && row <= last).length,
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(going.length);
    for (const [index, part] of parts.entries())
      expect(part.first).toBeGreaterThan(parts[index - 1]?.last ?? 0);
    return sizes;
  });
}

it('cuts any number of rows into the fewest parts, all of one size to a row', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(60),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(4),
      async (total, most, w) => {
        const sizes = await sizesOf(total, most, w);
        const going = sizes.reduce((sum, size) => sum + size, 0);
        expect(sizes).toHaveLength(Math.ceil(going / most));
        expect(Math.max(0, ...sizes) - Math.min(...sizes, Math.max(0, ...sizes))).toBeLessThan(2);
      },
    ),
  );
});

it('cuts in two what is worth two', async () => {
  expect(await sizesOf(19_999, 100_000)).toEqual([19_999]);
  expect(await sizesOf(20_000, 100_000)).toEqual([10_000, 10_000]);
  expect(await sizesOf(25_001, 10_000)).toEqual([8_334, 8_334, 8_333]);
});

it('cuts nothing in two for a registry that works at one part after another', async () => {
  expect(await sizesOf(20_001, 200_000, 0, 1)).toEqual([20_001]);
  expect(await sizesOf(20_001, 20_000, 0, 1)).toEqual([10_001, 10_000]);
});
