/** Matching on the FEBRL sets, without their identity number and without being told who is who. */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { FeatureMaker, type Person } from './features.ts';
import {
  enterWaiting,
  findCandidates,
  findDuplicates,
  fitToRecords,
  storeRecords,
} from './match.ts';

const FOLDER = new URL('../../../shared/data/febrl/', import.meta.url);
const isThere = existsSync(FOLDER);

const keyedHash = (context: string, ...parts: readonly string[]) =>
  createHmac('sha256', 'test')
    .update(JSON.stringify([context, ...parts]))
    .digest();

interface Labelled {
  readonly cluster: string;
  readonly person: Person;
}

function readSet(...names: string[]): Labelled[] {
  return names.flatMap((name) =>
    readFileSync(new URL(name, FOLDER), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => {
        const cells = line.split(',').map((cell) => cell.trim());
        const [id, given_name, surname, street_number, address_1, address_2, locality] = cells;
        const [postcode, region, birth_date] = cells.slice(7);
        return {
          cluster: /rec-(\d+)-/.exec(id ?? '')?.[1] ?? '',
          person: {
            given_name,
            surname,
            street_number,
            address_1,
            address_2,
            locality,
            postcode,
            region,
            birth_date,
          } as Person,
        };
      }),
  );
}

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

const SETS = [
  { name: 'FEBRL 3', files: ['dataset3.csv'], mark: 0.985 },
  { name: 'FEBRL 4', files: ['dataset4a.csv', 'dataset4b.csv'], mark: 0.997 },
];

describe.each(SETS)('$name', ({ files, mark }) => {
  it.skipIf(!isThere)(
    `pairwise F1 is at least ${mark}, and nobody is joined wrongly${isThere ? '' : ' (skipped: ../shared/data/febrl is not there)'}`,
    async () => {
      const set = readSet(...files);
      const maker = new FeatureMaker(keyedHash);
      const records = set.map(({ person }, n) => ({
        subject_id: uuid(n),
        record_id: uuid(n),
        features: maker.of(person),
      }));
      const db = await openPglite();
      await migrate(db, 'registry', () => new Date(0));
      await db.transaction((session) => storeRecords(session, records));
      while ((await db.transaction((s) => enterWaiting(s, 1000))).record_ids.length > 0);
      await db.query('analyze match_record, match_key, match_term');
      const model = await fitToRecords(db);
      const pairs = await findDuplicates(db, model);
      const clusterOf = (id: string) => set[Number(id.slice(-12))]?.cluster;
      const isOne = (pair: (typeof pairs)[number]) =>
        clusterOf(pair.subject_id) === clusterOf(pair.other_id);
      const sizes = new Map<string, number>();
      for (const { cluster } of set) sizes.set(cluster, (sizes.get(cluster) ?? 0) + 1);
      const truth = [...sizes.values()].reduce((sum, n) => sum + (n * (n - 1)) / 2, 0);
      const same = pairs.filter((pair) => pair.outcome === 'same');
      const right = same.filter(isOne).length;
      const f1 = (2 * right) / (same.length + truth);
      expect(f1).toBeGreaterThanOrEqual(mark);
      expect(pairs.filter((pair) => pair.automatic && !isOne(pair))).toEqual([]);
      expect(pairs.filter((pair) => pair.automatic).length).toBeGreaterThan(0);
      const [one] = records;
      const found = one ? await findCandidates(db, model, one.features) : [];
      expect(found[0]?.subject_id).toBe(one?.subject_id);
      await db.close();
    },
    600_000,
  );
});
