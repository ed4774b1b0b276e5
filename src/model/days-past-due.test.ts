import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bandOf,
  metro2PaymentRating,
  metro2Status,
  minimumFiveClass,
  pbocGridLetter,
} from './days-past-due.ts';

/** Days, PBOC letter, Metro 2 status, payment rating, least class: domain facts 1.5, 1.7, 4.3. */
const BOUNDARIES = [
  [0, 'N', '11', '0', 1],
  [1, '1', '11', '0', 2],
  [29, '1', '11', '0', 2],
  [30, '1', '71', '1', 2],
  [31, '2', '71', '1', 2],
  [59, '2', '71', '1', 2],
  [60, '2', '78', '2', 2],
  [61, '3', '78', '2', 2],
  [89, '3', '78', '2', 2],
  [90, '3', '80', '3', 2],
  [91, '4', '80', '3', 3],
  [119, '4', '80', '3', 3],
  [120, '4', '82', '4', 3],
  [121, '5', '82', '4', 3],
  [149, '5', '82', '4', 3],
  [150, '5', '83', '5', 3],
  [151, '6', '83', '5', 3],
  [179, '6', '83', '5', 3],
  [180, '6', '84', '6', 3],
  [181, '7', '84', '6', 3],
  [270, '7', '84', '6', 3],
  [271, '7', '84', '6', 4],
  [360, '7', '84', '6', 4],
  [361, '7', '84', '6', 5],
] as const;

test.each(BOUNDARIES)('%i days: grid %s, status %s, rating %s, class %i', (...row) => {
  const [days, grid, status, rating, five] = row;
  expect(pbocGridLetter(days)).toBe(grid);
  expect(metro2Status(days)).toBe(status);
  expect(metro2PaymentRating(days)).toBe(rating);
  expect(minimumFiveClass(days)).toBe(five);
  expect(bandOf(days)).toBe(grid === 'N' ? 0 : Number(grid));
});

test('no scale falls as the days rise', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), fc.nat({ max: 1000 }), (days, more) => {
      expect(bandOf(days + more)).toBeGreaterThanOrEqual(bandOf(days));
      expect(minimumFiveClass(days + more)).toBeGreaterThanOrEqual(minimumFiveClass(days));
      expect(metro2Status(days + more) >= metro2Status(days)).toBe(true);
    }),
  );
});

test('what is not a count is a bug of the caller', () => {
  for (const days of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => bandOf(days)).toThrow(RangeError);
  }
});
