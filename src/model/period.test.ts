import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  addMonths,
  ageOn,
  comparePeriods,
  firstDay,
  isDate,
  isPeriod,
  isWithin,
  lastDay,
  monthsBetween,
  nextPeriod,
  periodOf,
  periodsBetween,
  previousPeriod,
} from './period.ts';

const period = fc
  .tuple(fc.integer({ min: 2, max: 9998 }), fc.integer({ min: 1, max: 12 }))
  .map(([y, m]) => `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}`);

describe('period', () => {
  test('only YYYY-MM is a period', () => {
    for (const text of ['2026-01', '0001-12', '9999-12']) expect(isPeriod(text)).toBe(true);
    const wrong = ['', '2026-1', '2026-00', '2026-13', '0000-01', '2026-01-01', ' 2026-01'];
    for (const text of [...wrong, '2026-01\n', '２０２６-01']) expect(isPeriod(text)).toBe(false);
  });

  test('next and previous cross the year', () => {
    expect(nextPeriod('2025-12')).toBe('2026-01');
    expect(previousPeriod('2026-01')).toBe('2025-12');
    expect(() => nextPeriod('9999-12')).toThrow(RangeError);
    expect(() => previousPeriod('0001-01')).toThrow(RangeError);
    expect(() => nextPeriod('2026-13')).toThrow(RangeError);
  });

  test('the algebra holds for every period', () => {
    fc.assert(
      fc.property(period, period, fc.integer({ min: -12, max: 12 }), (a, b, months) => {
        expect(previousPeriod(nextPeriod(a))).toBe(a);
        expect(monthsBetween(a, addMonths(a, months))).toBe(months);
        expect(addMonths(a, monthsBetween(a, b))).toBe(b);
        expect(Math.sign(comparePeriods(a, b))).toBe(a < b ? -1 : a > b ? 1 : 0);
        expect(periodOf(firstDay(a))).toBe(a);
        expect(periodOf(lastDay(a))).toBe(a);
        expect(isWithin(a, a, a)).toBe(true);
      }),
    );
  });

  test('the last day agrees with the proleptic Gregorian calendar of the language', () => {
    fc.assert(
      fc.property(period, (text) => {
        const end = new Date(`${nextPeriod(text)}-01T00:00:00Z`);
        end.setUTCDate(0);
        expect(lastDay(text)).toBe(end.toISOString().slice(0, 10));
      }),
    );
    expect(lastDay('1900-02')).toBe('1900-02-28');
    expect(lastDay('2000-02')).toBe('2000-02-29');
  });

  test('periods between two are contiguous and hold both ends', () => {
    expect(periodsBetween('2025-11', '2026-02')).toEqual([
      '2025-11',
      '2025-12',
      '2026-01',
      '2026-02',
    ]);
    expect(periodsBetween('2026-02', '2026-01')).toEqual([]);
    expect(isWithin('2026-03', '2025-11', '2026-02')).toBe(false);
    expect(isWithin('2025-10', '2025-11', '2026-02')).toBe(false);
  });
});

describe('date', () => {
  test('only days that the calendar has', () => {
    for (const text of ['2024-02-29', '2000-02-29', '2026-12-31']) expect(isDate(text)).toBe(true);
    const wrong = ['2026-02-29', '1900-02-29', '2026-04-31', '2026-01-00', '2026-1-1', '20260101'];
    for (const text of [...wrong, '0000-01-01', '2026-01-01 ']) expect(isDate(text)).toBe(false);
  });

  test('agrees with the language on every day of text', () => {
    const part = (max: number) => fc.integer({ min: 0, max }).map((n) => `${n}`.padStart(2, '0'));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9999 }), part(13), part(32), (y, m, d) => {
        const text = `${String(y).padStart(4, '0')}-${m}-${d}`;
        const parsed = new Date(`${text}T00:00:00Z`);
        const real = !Number.isNaN(parsed.valueOf()) && parsed.toISOString().startsWith(text);
        expect(isDate(text)).toBe(real);
      }),
    );
  });

  test('age is whole years and turns on the birthday', () => {
    expect(ageOn('2008-03-01', '2026-02-28')).toBe(17);
    expect(ageOn('2008-03-01', '2026-03-01')).toBe(18);
    expect(ageOn('2008-02-29', '2026-02-28')).toBe(17);
    expect(ageOn('2008-02-29', '2026-03-01')).toBe(18);
    expect(ageOn('2026-03-02', '2026-03-01')).toBe(-1);
    expect(() => ageOn('2026-02-30', '2026-03-01')).toThrow(RangeError);
  });
});
