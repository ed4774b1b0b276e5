/**
 * Data life: what was agreed to be kept for so long is shown for so long, counted from its receipt,
 * and no statutory clock brings it back; another approval that covers it may.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addSpan, intervalText } from '../src/authorisation/moment.ts';
import { TIME_UNITS } from '../src/authorisation/record.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { readFile } from '../src/registry/files.ts';
import {
  approvalColumns,
  BACKENDS,
  lateMonthRow,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const PERIODS = ['2025-06', '2025-07'];
const LATE = '2025-07';
const PEOPLE = { bounded: 1, unbounded: 2, covered: 3, renewed: 4 } as const;
type Person = keyof typeof PEOPLE;
const LIFE = { n: 1, unit: 'MONTH' } as const;
/** Five years after the first day late (EU). */
const CLOCK_OVER = new Date('2030-06-13T00:00:00Z');

const row = (n: number, period: string) =>
  period === LATE ? lateMonthRow(n, period) : monthRow(n, period);

describe.each(BACKENDS)('the life of data, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let pair: Pair;
  const ids = new Map<Person, string>();
  /** When each period was received. */
  const received = new Map<string, Date>();

  async function approve(
    person: Person,
    data_life: string,
    starts_at = '2025-01-01T00:00:00Z',
  ): Promise<string> {
    const id = randomUUID();
    await recordOne(pair.gateway, approvalColumns(PEOPLE[person], id, { data_life, starts_at }));
    return id;
  }
  async function subjectOf(person: Person): Promise<string> {
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from authorisation where authorisation_id = $1',
      [ids.get(person) ?? ''],
    );
    return rows[0]?.subject_id ?? '';
  }
  async function shown(person: Person, moment: Date): Promise<string[]> {
    const view = await readFile(
      { ...pair.registry, now: () => moment },
      { subject_id: await subjectOf(person) },
      { participant_id: randomUUID(), purpose: 'test', reason: 'test' },
    );
    return view.accounts.flatMap((account) =>
      (account['months'] as { period: string }[]).map(({ period }) => period),
    );
  }

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'data_life');
    for (const period of PERIODS)
      await load(pair.gateway, tapeText(Object.values(PEOPLE).map((n) => row(n, period))));
    for (const person of Object.keys(PEOPLE) as Person[])
      ids.set(person, await approve(person, person === 'unbounded' ? '' : '1/MONTH'));
    for (const period of PERIODS) {
      const { receipt } = await handOver(pair.gateway, pair.link(), period);
      expect(receipt?.outcomes.month.accepted).toBe(4);
    }
    // The second period comes two days later.
    for (const [index, period] of PERIODS.entries()) {
      const at = new Date(Date.UTC(2026, 0, 30 + 2 * index));
      received.set(period, at);
      await pair.registry.db.query('update submission set completed_at = $2 where period = $1', [
        `${period}-01`,
        at,
      ]);
    }
  }, 120_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  const endOf = (period: string) => addSpan(received.get(period) as Date, LIFE);

  test('runs out month by month, for adverse months too', async () => {
    const [first, second] = PERIODS.map(endOf) as [Date, Date];
    const justBefore = (moment: Date) => new Date(moment.getTime() - 1);
    expect(await shown('bounded', justBefore(first))).toEqual(PERIODS);
    expect(await shown('bounded', first)).toEqual([LATE]);
    expect(await shown('bounded', justBefore(second))).toEqual([LATE]);
    expect(await shown('bounded', second)).toEqual([]);
    expect(await shown('unbounded', second)).toEqual(PERIODS);
  });

  test('does not outlast itself where a withdrawn approval keeps an adverse month', async () => {
    await endAuthorisation(pair.registry, ids.get('bounded') ?? '', {
      type: 'withdrawn',
      reason: 'subject_request',
      evidence_sha256: 'c'.repeat(64),
      by_party: randomUUID(),
      subject_id: null,
    });
    expect(await shown('bounded', received.get(LATE) as Date)).toEqual([LATE]);
    expect(await shown('bounded', endOf(LATE))).toEqual([]);
  });

  test('does not bound another approval that covers the month', async () => {
    for (const [person, life] of [
      ['covered', ''],
      ['renewed', '2/MONTH'],
    ] as const) {
      await approve(person, life, '2025-02-01T00:00:00Z'); // The younger one is what rows go under.
      await load(pair.gateway, tapeText([{ ...row(PEOPLE[person], LATE), balance_minor: '7' }]));
    }
    const { receipt } = await handOver(pair.gateway, pair.link(), LATE);
    expect(receipt?.outcomes.authorisation.accepted).toBe(2);
    await pair.registry.db.query('update submission set completed_at = $2 where period = $1', [
      `${LATE}-01`,
      received.get(LATE) as Date,
    ]);
    const over = new Date(endOf(LATE).getTime() + 1);
    expect(await shown('covered', over)).toEqual(PERIODS);
    expect(await shown('renewed', over)).toEqual(PERIODS);
    const twice = addSpan(received.get(LATE) as Date, { n: 2, unit: 'MONTH' });
    expect(await shown('renewed', twice)).toEqual([]);
  });

  test('is reckoned as the calendar of the checks, in any unit', async () => {
    const subject = await subjectOf('unbounded');
    const id = ids.get('unbounded') ?? '';
    const moments = fc.date({
      min: new Date('2020-01-01T00:00:00Z'),
      max: new Date('2032-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    const units = fc.constantFrom(...TIME_UNITS);
    await fc.assert(
      fc.asyncProperty(
        moments,
        fc.record({ n: fc.integer({ min: 1, max: 40 }), unit: units }),
        fc.integer({ min: -2, max: 2 }),
        async (got, life, offset) => {
          await pair.registry.db.query(
            'update authorisation set data_life = $3::interval where subject_id = $1 and authorisation_id = $2',
            [subject, id, intervalText(life)],
          );
          await pair.registry.db.query('update submission set completed_at = $1', [got]);
          const moment = new Date(addSpan(got, life).getTime() + offset);
          // The clock of the late month runs on by itself, and out.
          const kept = PERIODS.filter((period) => period !== LATE || moment < CLOCK_OVER);
          expect(await shown('unbounded', moment)).toEqual(offset < 0 ? kept : []);
        },
      ),
      { numRuns: 60 },
    );
  });
});
