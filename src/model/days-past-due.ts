/**
 * Days past due, and what each national grid makes of them. Days are stored; letters are derived.
 *
 * What must stay true: each scale never falls as the days rise; the PBOC grid starts at one day
 * late, Metro 2 at thirty, and their bounds are off by one day (domain facts 1.5, 4.2, 4.3).
 * The bounds below are the first day of each level.
 */

/** PBOC grid: 1 is 1-30 days, 2 is 31-60 … 6 is 151-180, 7 is over 180. */
const PBOC_FIRST_DAYS = [1, 31, 61, 91, 121, 151, 181] as const;
/** Metro 2: 30-59, 60-89, 90-119, 120-149, 150-179, 180 and over. */
const METRO2_FIRST_DAYS = [30, 60, 90, 120, 150, 180] as const;
/** Five classes: overdue at all, over 90, over 270, over 360 days. */
const FIVE_CLASS_FIRST_DAYS = [1, 91, 271, 361] as const;

const PBOC_GRID_LETTERS = ['N', '1', '2', '3', '4', '5', '6', '7'] as const;
export type PbocGridLetter = (typeof PBOC_GRID_LETTERS)[number];

const METRO2_STATUSES = ['11', '71', '78', '80', '82', '83', '84'] as const;
export type Metro2Status = (typeof METRO2_STATUSES)[number];

const METRO2_PAYMENT_RATINGS = ['0', '1', '2', '3', '4', '5', '6'] as const;
export type Metro2PaymentRating = (typeof METRO2_PAYMENT_RATINGS)[number];

const FIVE_CLASSES = [1, 2, 3, 4, 5] as const;
/** 1 normal · 2 special mention · 3 substandard · 4 doubtful · 5 loss. */
export type FiveClass = (typeof FIVE_CLASSES)[number];

function levelOf<T>(days: number, firstDays: readonly number[], levels: readonly T[]): T {
  if (!Number.isSafeInteger(days) || days < 0) throw new RangeError('days must be a count');
  const level = levels[firstDays.filter((first) => days >= first).length];
  if (level === undefined) throw new RangeError('a scale has one level more than first days');
  return level;
}

/**
 * The band 0 (current) to 7 (over 180 days) in which level jumps are judged: within a month the
 * band of an account may rise by one at most (domain facts 1.5).
 * @throws RangeError: `days` is not a non-negative integer.
 */
export function bandOf(days: number): number {
  return levelOf(days, PBOC_FIRST_DAYS, [0, 1, 2, 3, 4, 5, 6, 7]);
}

/**
 * The letter of the PBOC repayment grid for an open account: `N`, or 1 to 7.
 * @throws RangeError: `days` is not a non-negative integer.
 */
export function pbocGridLetter(days: number): PbocGridLetter {
  return levelOf(days, PBOC_FIRST_DAYS, PBOC_GRID_LETTERS);
}

/**
 * The Metro 2 account status of an open account: 11, 71, 78, 80, 82, 83 or 84.
 * @throws RangeError: `days` is not a non-negative integer.
 */
export function metro2Status(days: number): Metro2Status {
  return levelOf(days, METRO2_FIRST_DAYS, METRO2_STATUSES);
}

/**
 * The Metro 2 payment rating, also the character of its payment history: 0 to 6.
 * @throws RangeError: `days` is not a non-negative integer.
 */
export function metro2PaymentRating(days: number): Metro2PaymentRating {
  return levelOf(days, METRO2_FIRST_DAYS, METRO2_PAYMENT_RATINGS);
}

/**
 * The best class a loan so late may have; a furnished class below it is doubted. Measures for
 * Risk Classification of Financial Assets of Commercial Banks (CBIRC and PBOC, 2023): overdue,
 * over 90, over 270, over 360 days.
 * @throws RangeError: `days` is not a non-negative integer.
 */
export function minimumFiveClass(days: number): FiveClass {
  return levelOf(days, FIVE_CLASS_FIRST_DAYS, FIVE_CLASSES);
}
