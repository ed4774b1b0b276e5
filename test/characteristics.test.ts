/**
 * Characteristics of many people by one statement, and of one from the facts of the file: the same,
 * on random files; nothing later than the day is read.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHARACTERISTICS } from '../src/evaluation/catalogue.ts';
import { characteristicsOf } from '../src/evaluation/characteristics-of.ts';
import type { AccountFacts, FileFacts, LookKind, MonthFacts } from '../src/model/file-facts.ts';
import { GRID_MONTHS } from '../src/model/grid.ts';
import { addMonths } from '../src/model/period.ts';
import { EVERYBODY, readCharacteristics } from '../src/registry/characteristics.ts';
import type { Registry } from '../src/registry/registry.ts';
import {
  DAY,
  dayBefore,
  emptyFiles,
  openedOn,
  openFiles,
  PERSON,
  type Person,
  storeFiles,
  THIS_MONTH,
} from './file-rows.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

/** The facts of one person's file, as their rows have them. */
function factsOf(someone: Person): FileFacts {
  const accounts = someone.accounts.map((each, at): AccountFacts => {
    const months = each.months
      .filter(([age]) => age >= 0 && age < GRID_MONTHS)
      .sort(([left], [right]) => right - left)
      .map(([age, values]): MonthFacts => {
        const period = addMonths(THIS_MONTH, -age);
        const unknown = { borrowed_minor: null, first_delinquency_on: null, five_class: null };
        const more = { ...unknown, last_paid_on: null, revision: 1 };
        return { ...values, ...more, period, as_of: `${period}-28` };
      });
    return {
      account_id: String(at),
      brand: null,
      claims: [],
      closed_on: null,
      currency: 'CNY',
      kind: each.kind,
      lender: { licence_id: 'test', name: 'test', participant_id: each.lender },
      months,
      opened_on: openedOn(each),
      original_amount_minor: each.original_amount_minor,
      term_months: null,
    };
  });
  const looks = someone.looks
    .filter(({ days }) => days >= 0)
    .map(({ lender, days, kind }) => ({
      at: dayBefore(days).toISOString(),
      enquirer: 'test',
      enquirer_id: lender,
      kind: kind as LookKind,
      purpose: '02',
    }));
  return {
    accounts,
    at: `${DAY}T12:00:00.000Z`,
    blocks: [],
    claims: [],
    hidden: [],
    incomplete_since: null,
    known_accounts: accounts.length,
    looks,
    statements: [],
  };
}

describe.each(BACKENDS)('characteristics on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let registry: Registry;

  beforeAll(async () => {
    if (!missing) registry = await openFiles(backend, 'characteristics');
  });
  afterAll(async () => {
    if (!missing) await registry.db.close();
  });

  test('are the catalogue’s, in its order', async () => {
    const subject_id = randomUUID();
    const [someone] = fc.sample(PERSON, { numRuns: 1, seed: 1 });
    if (!someone) throw new Error('nobody');
    await storeFiles(registry.db, [{ ...someone, subject_id }]);
    const [found] = await readCharacteristics(registry, DAY, {
      first: subject_id,
      last: subject_id,
    });
    expect(Object.keys(found?.values ?? {})).toEqual(CHARACTERISTICS.map(({ id }) => id));
  });

  test('are the same by SQL for many and from the facts for one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(PERSON, { minLength: 1, maxLength: 12 }), async (people) => {
        await emptyFiles(registry.db);
        const stored = people.map((each) => ({ ...each, subject_id: randomUUID() }));
        await storeFiles(registry.db, stored);
        const found = await readCharacteristics(registry, DAY, EVERYBODY);
        const wanted = stored.flatMap((each) => {
          const values = characteristicsOf(factsOf(each));
          return values ? [{ subject_id: each.subject_id, values }] : [];
        });
        wanted.sort((a, b) => (a.subject_id < b.subject_id ? -1 : 1));
        expect(found).toEqual(wanted);
        const [one] = wanted;
        if (!one) return;
        const own = { first: one.subject_id, last: one.subject_id };
        expect(await readCharacteristics(registry, DAY, own)).toEqual([one]);
      }),
      { numRuns: 60 },
    );
  });
});
