/** The grid: its letters are those of the days, and its invariants hold whatever is furnished. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pbocGridLetter } from './days-past-due.ts';
import { GRID_MONTHS, GRID_SCALES, gridOf } from './grid.ts';
import { addMonths } from './period.ts';

const month = (period: string, over: object = {}) => ({
  ...{ period, status: 'open', days_past_due: 0, balance_minor: 100, due_minor: null },
  ...over,
});
const letters = (scale: (typeof GRID_SCALES)[number], months: ReturnType<typeof month>[]) =>
  gridOf(scale, '2025-01-15', months)?.letters.slice(-months.length - 1);

describe('a grid', () => {
  it.each([
    ['pboc', '/N*123B'],
    ['metro2', 'B0E012L'],
    ['bands', '.00123W'],
  ] as const)('of the scale %s', (scale, expected) => {
    const found = letters(scale, [
      month('2025-01'),
      month('2025-02', { balance_minor: 0, due_minor: 0 }),
      month('2025-03', { days_past_due: 29 }),
      month('2025-04', { days_past_due: 59 }),
      month('2025-05', { days_past_due: 89 }),
      month('2025-06', { status: 'written_off', days_past_due: 400 }),
    ]);
    expect(found).toBe(expected);
  });

  it('ends once, with the first of the months that say so; what was reinstated did not end', () => {
    const ended = ['2025-02', '2025-03'].map((period) => month(period, { status: 'closed' }));
    expect(gridOf('pboc', '2025-01-01', [month('2025-01'), ...ended])).toMatchObject({
      to: '2025-02',
      letters: `${'/'.repeat(58)}NC`,
    });
    const back = [month('2025-01', { status: 'closed' }), month('2025-02')];
    expect(letters('pboc', back)).toBe('/NN');
    const sold = [month('2025-01'), month('2025-02', { status: 'transferred' })];
    expect(letters('pboc', sold)).toBe('/NG');
  });

  it('does not know a month that is missing, and begins where the first month is', () => {
    expect(letters('pboc', [month('2025-01'), month('2025-03')])).toBe('N#N');
    expect(gridOf('pboc', null, [month('2025-03')])?.letters).toBe(`${'/'.repeat(59)}N`);
    expect(gridOf('pboc', '2025-01-01', [])).toBe(null);
  });

  const account = fc
    .record({
      before: fc.integer({ min: 0, max: 80 }),
      months: fc.array(
        fc.record({
          is_there: fc.boolean(),
          status: fc.constantFrom('open', 'open', 'open', 'closed', 'written_off', 'transferred'),
          days_past_due: fc.integer({ min: 0, max: 400 }),
          balance_minor: fc.integer({ min: 0, max: 10 }),
          due_minor: fc.option(fc.integer({ min: 0, max: 5 })),
        }),
        { minLength: 1, maxLength: 90 },
      ),
    })
    .map(({ before, months }) => ({
      opened_on: `${addMonths('2018-01', -before)}-11`,
      months: months.flatMap(({ is_there, ...rest }, index) =>
        is_there ? [{ period: addMonths('2018-01', index), ...rest }] : [],
      ),
    }));

  it.each(GRID_SCALES)('keeps its invariants on the scale %s', (scale) => {
    const opening = { pboc: '/', metro2: 'B', bands: '.' }[scale];
    const ends = { pboc: /[CG]/g, metro2: /(?!)/g, bands: /[CT]/g }[scale];
    fc.assert(
      fc.property(account, ({ opened_on, months }) => {
        const grid = gridOf(scale, opened_on, months);
        if (!grid) return months.length === 0;
        const { letters: text, from, to } = grid;
        expect(text).toHaveLength(GRID_MONTHS);
        expect(addMonths(from, GRID_MONTHS - 1)).toBe(to);
        // Nothing but the time before the opening stands before it, and nothing of it after.
        const begins = text.length - text.replace(new RegExp(`^[${opening}]+`), '').length;
        expect(text.slice(begins)).not.toContain(opening);
        // An end stands once, last.
        for (const { index } of text.matchAll(ends)) expect(index).toBe(text.length - 1);
        for (const [index, letter] of [...text].entries()) {
          const found = months.find(({ period }) => period === addMonths(from, index));
          if (scale !== 'pboc') continue;
          // A late letter is the level of its days, and no late month looks better than it was.
          if (/[1-7]/.test(letter)) expect(letter).toBe(pbocGridLetter(found?.days_past_due ?? 0));
          if (found?.status === 'open' && found.days_past_due > 0)
            expect(letter).toBe(pbocGridLetter(found.days_past_due));
          if (!found) expect('/#').toContain(letter);
        }
        return true;
      }),
      { numRuns: 300 },
    );
  });
});
