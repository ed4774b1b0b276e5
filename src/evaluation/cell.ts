/**
 * One cell of a CSV: a number, a text, or nothing.
 *
 * What must stay true: the fit and every later score read a cell the same way, so a value falls
 * into the same bin for ever.
 */

/** What exports write where nothing is known; "none" is left out, for some use it as a category. */
const MISSING = new Set([
  '',
  'na',
  'n/a',
  'nan',
  'null',
  '?',
  '.',
  '-',
  '#n/a',
  '#na',
  '<na>',
  'nil',
  'inf',
  '-inf',
  '+inf',
  'infinity',
  '-infinity',
]);

/** Words that are no value in a column that holds numbers otherwise. */
const MISSING_AMONG_NUMBERS = new Set([
  'none',
  'unknown',
  'missing',
  'not available',
  'n.a.',
  'nd',
  '--',
]);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const COMMA_NUMBER = /^[+-]?\d+,\d+$/;

export const isMissing = (text: string): boolean =>
  text === '' || (text.length < 10 && MISSING.has(text.toLowerCase()));

export const isMissingAmongNumbers = (text: string): boolean =>
  MISSING_AMONG_NUMBERS.has(text.toLowerCase());

/**
 * The number in a cell, or null when it holds none. A percent sign behind is taken off; a
 * decimal comma is one where the delimiter is none.
 */
export function numberOf(text: string, hasDecimalComma: boolean): number | null {
  let digits = text.endsWith('%') ? text.slice(0, -1).trimEnd() : text;
  if (hasDecimalComma && COMMA_NUMBER.test(digits)) digits = digits.replace(',', '.');
  if (!NUMBER.test(digits)) return null;
  const value = Number(digits);
  return Number.isFinite(value) ? value : null;
}

/** Digits after the point that a number needs, at most 9. */
export function decimalsOf(value: number): number {
  if (Number.isInteger(value)) return 0;
  const text = String(value);
  if (text.includes('e')) return 9;
  return Math.min(9, text.length - text.indexOf('.') - 1);
}

/** A number as a characteristic holds it: times ten to the power of `decimals`, rounded. */
export function scaled(value: number, decimals: number): number {
  const whole = Math.round(value * 10 ** decimals);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, whole)) + 0;
}
