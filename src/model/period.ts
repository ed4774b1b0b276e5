/**
 * Calendar arithmetic on text: periods `YYYY-MM` and dates `YYYY-MM-DD` of the Gregorian calendar.
 *
 * What must stay true: integers and strings only, so no time zone can move a day; both forms sort
 * as text, so `<` on two of them is `<` in time. A caller that hands in text which is not a
 * period or a date has a bug: check with `isPeriod` and `isDate` first.
 */

const PERIOD = /^\d{4}-(?:0[1-9]|1[0-2])$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Months since year 0 of the last period that four digits can write, `9999-12`. */
const LAST_MONTH = 9999 * 12 + 11;

/** True for `YYYY-MM` with a month of 01 to 12 and a year of 0001 to 9999 (ISO 8601). */
export function isPeriod(text: string): boolean {
  return PERIOD.test(text) && !text.startsWith('0000');
}

/** True for a day `YYYY-MM-DD` that the Gregorian calendar has, years 0001 to 9999 (ISO 8601). */
export function isDate(text: string): boolean {
  if (!DATE.test(text) || !isPeriod(text.slice(0, 7))) return false;
  const day = Number(text.slice(8));
  return day >= 1 && day <= daysIn(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

/** Days of a month; `month` is 1 to 12. */
function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && leap ? 29 : (MONTH_DAYS[month - 1] ?? 0);
}

/** Months since year 0. @throws RangeError: not a period. */
function monthNumber(period: string): number {
  if (!isPeriod(period)) throw new RangeError('not a period YYYY-MM');
  return Number(period.slice(0, 4)) * 12 + Number(period.slice(5)) - 1;
}

function fromMonthNumber(months: number): string {
  if (months < 12 || months > LAST_MONTH) throw new RangeError('a period beyond 0001 to 9999');
  const year = String(Math.floor(months / 12)).padStart(4, '0');
  return `${year}-${String((months % 12) + 1).padStart(2, '0')}`;
}

/** The period `months` later (earlier when negative). @throws RangeError: not a period. */
export function addMonths(period: string, months: number): string {
  return fromMonthNumber(monthNumber(period) + months);
}

/** The period after this one. @throws RangeError: not a period, or after 9999-12. */
export function nextPeriod(period: string): string {
  return addMonths(period, 1);
}

/** The period before this one. @throws RangeError: not a period, or before 0001-01. */
export function previousPeriod(period: string): string {
  return addMonths(period, -1);
}

/** The first day of a period as `YYYY-MM-DD`. @throws RangeError: not a period. */
export function firstDay(period: string): string {
  monthNumber(period);
  return `${period}-01`;
}

/** The last day of a period as `YYYY-MM-DD`. @throws RangeError: not a period. */
export function lastDay(period: string): string {
  const months = monthNumber(period);
  return `${period}-${daysIn(Math.floor(months / 12), (months % 12) + 1)}`;
}

/** The period in which a day lies. @throws RangeError: not a date. */
export function periodOf(date: string): string {
  if (!isDate(date)) throw new RangeError('not a date YYYY-MM-DD');
  return date.slice(0, 7);
}

/** Negative, zero or positive as `left` is before, equal to or after `right`, in months. */
export function comparePeriods(left: string, right: string): number {
  return monthNumber(left) - monthNumber(right);
}

/** Months from `from` to `to`: 0 for the same period, negative when `to` is earlier. */
export function monthsBetween(from: string, to: string): number {
  return monthNumber(to) - monthNumber(from);
}

/** True when `first <= period <= last`. @throws RangeError: one is not a period. */
export function isWithin(period: string, first: string, last: string): boolean {
  return comparePeriods(first, period) <= 0 && comparePeriods(period, last) <= 0;
}

/** Every period from `first` to `last`, both included; none when `last` is earlier. */
export function periodsBetween(first: string, last: string): string[] {
  const length = Math.max(0, monthsBetween(first, last) + 1);
  const begin = monthNumber(first);
  return Array.from({ length }, (_, index) => fromMonthNumber(begin + index));
}

/**
 * Whole years of age on a day; negative before birth. One born on 29 February is a year older
 * on 1 March of a common year, the later of the two readings, which protects a minor.
 * @throws RangeError: not a date.
 */
export function ageOn(birthDate: string, day: string): number {
  if (!isDate(birthDate) || !isDate(day)) throw new RangeError('not a date YYYY-MM-DD');
  const years = Number(day.slice(0, 4)) - Number(birthDate.slice(0, 4));
  return day.slice(5) < birthDate.slice(5) ? years - 1 : years;
}

/**
 * The day so many months before: the same day of its month, or that month's last.
 * @throws RangeError: not a date.
 */
export function dayMonthsBefore(date: string, months: number): string {
  const period = addMonths(periodOf(date), -months);
  const last = lastDay(period);
  const day = `${period}${date.slice(7)}`;
  return day < last ? day : last;
}
