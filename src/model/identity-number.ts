/**
 * Identity numbers: is this text a number that the kind of document can bear, and how is it
 * written so that two spellings of one number are equal.
 *
 * What must stay true: no answer and no error holds the number, save `normalised` on success; a
 * right check digit does not prove that the person exists; the day of today is an argument.
 * Sources: domain facts 1.11; SSA RM 10201.035 and 20 CFR 422.103; IRS Publication 1915; ICAO
 * Doc 9303 part 3.
 */
import { isProvince, residentCheckCharacter } from './chinese-code.ts';
import { isCountry } from './country.ts';
import { isDate } from './period.ts';
import type { IdentityKind } from './record.ts';

export const IDENTITY_FAULTS = [
  'length',
  'characters',
  'checksum',
  'date',
  'province',
  'range',
  'reserved',
  'country',
] as const;
/** What is wrong with a number: a class that holds nothing of it. */
type IdentityFault = (typeof IDENTITY_FAULTS)[number];

export type IdentityCheck =
  | {
      readonly ok: true;
      /** The one spelling that is stored, hashed and compared. */
      readonly normalised: string;
      /** `YYYY-MM-DD`, where the number says it. */
      readonly birth_date?: string;
      readonly sex?: 'female' | 'male';
    }
  | { readonly ok: false; readonly reason: IdentityFault };

export interface IdentityContext {
  /** ISO 3166-1 alpha-2; needed for a passport. */
  readonly country?: string | null;
  /** `YYYY-MM-DD`; no birth date may be later. */
  readonly today: string;
}

/** Nobody older has been documented; an earlier year is a slip of the pen. */
const AGE_YEARS_MAX = 150;

/** Numbers shown in advertisements or on sample cards, which SSA treats as misused. */
const ADVERTISED_SSNS = new Set(
  (
    '002281852 042103580 062360749 078051120 095073645 128036045 135016629 141186941 165167999 ' +
    '165187999 165207999 165227999 165247999 189092294 212097694 212099999 219099999 306302348 ' +
    '308125070 468288779 549241889'
  ).split(' '),
);

function refuse(reason: IdentityFault): IdentityCheck {
  return { ok: false, reason };
}

/** Unicode forms folded, upper case, no white space or hyphens. */
function compact(number: string): string {
  return number
    .normalize('NFKC')
    .replace(/[\s\p{Dash_Punctuation}]/gu, '')
    .toUpperCase();
}

function checkResident(number: string, today: string): IdentityCheck {
  const text = number.normalize('NFKC').trim().toUpperCase();
  if (text.length !== 15 && text.length !== 18) return refuse('length');
  if (!/^(?:\d{15}|\d{17}[\dX])$/.test(text)) return refuse('characters');
  if (!isProvince(text.slice(0, 2))) return refuse('province');
  // A 15-digit card (before 1999) left out the century and the check character.
  const digits = text.length === 15 ? `${text.slice(0, 6)}19${text.slice(6)}` : text.slice(0, 17);
  const birth = `${digits.slice(6, 10)}-${digits.slice(10, 12)}-${digits.slice(12, 14)}`;
  const oldest = Number(today.slice(0, 4)) - AGE_YEARS_MAX;
  if (!isDate(birth) || birth > today || Number(birth.slice(0, 4)) < oldest) return refuse('date');
  const normalised = digits + residentCheckCharacter(digits);
  if (text.length === 18 && text !== normalised) return refuse('checksum');
  const sex = Number(digits.charAt(16)) % 2 === 1 ? 'male' : 'female';
  return { ok: true, normalised, birth_date: birth, sex };
}

/** Nine digits of a US number, or what is wrong. */
function nineDigits(number: string): string | IdentityFault {
  const text = compact(number);
  if (!/^\d*$/.test(text)) return 'characters';
  return text.length === 9 ? text : 'length';
}

function isFault(text: string): text is IdentityFault {
  return (IDENTITY_FAULTS as readonly string[]).includes(text);
}

function checkSsn(number: string): IdentityCheck {
  const text = nineDigits(number);
  if (isFault(text)) return refuse(text);
  const area = text.slice(0, 3);
  if (area === '000' || area === '666' || area >= '900') return refuse('range');
  if (text.slice(3, 5) === '00' || text.slice(5) === '0000') return refuse('range');
  if (ADVERTISED_SSNS.has(text)) return refuse('reserved');
  return { ok: true, normalised: text };
}

function checkItin(number: string): IdentityCheck {
  const text = nineDigits(number);
  if (isFault(text)) return refuse(text);
  const group = Number(text.slice(3, 5));
  const issued =
    (group >= 50 && group <= 65) || (group >= 70 && group <= 99 && group !== 89 && group !== 93);
  return text.startsWith('9') && issued ? { ok: true, normalised: text } : refuse('range');
}

function checkPassport(number: string, country: string | null): IdentityCheck {
  if (country === null || !isCountry(country)) return refuse('country');
  const text = compact(number);
  if (!/^[A-Z0-9]*$/.test(text)) return refuse('characters');
  if (text.length < 5 || text.length > 15) return refuse('length');
  return { ok: true, normalised: text };
}

function checkFurnisherReference(number: string): IdentityCheck {
  const text = number.trim();
  // Other, line separator, paragraph separator: what nobody can see or type again.
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(text)) return refuse('characters');
  const length = [...text].length;
  return length >= 1 && length <= 64 ? { ok: true, normalised: text } : refuse('length');
}

/**
 * Checks an identity number and gives its one spelling.
 *
 * - `cn_resident_id`: GB 11643-1999, 18 characters; 15-digit cards become 18 with century 19.
 * - `us_ssn`: nine digits; area not 000, 666, 900-999, group not 00, serial not 0000, not one of
 *   the advertised numbers.
 * - `us_itin`: nine digits, 9xx, group 50-65, 70-88, 90-92 or 94-99.
 * - `passport`: 5 to 15 of A-Z and 0-9, with an assigned country.
 * - `furnisher_reference`: 1 to 64 printable characters, kept as they are but for outer blanks.
 *
 * @throws RangeError: `today` is not a date.
 */
export function checkIdentityNumber(
  kind: IdentityKind,
  number: string,
  context: IdentityContext,
): IdentityCheck {
  if (!isDate(context.today)) throw new RangeError('today is not a date YYYY-MM-DD');
  switch (kind) {
    case 'cn_resident_id':
      return checkResident(number, context.today);
    case 'us_ssn':
      return checkSsn(number);
    case 'us_itin':
      return checkItin(number);
    case 'passport':
      return checkPassport(number, context.country ?? null);
    case 'furnisher_reference':
      return checkFurnisherReference(number);
  }
}

/**
 * A name so that two spellings of it compare equal: compatibility forms folded (NFKC), trimmed,
 * inner white space one blank, upper case by the language-neutral Unicode mapping (never the
 * machine's locale, in which `i` may become a dotted capital). Letters keep their accents. Applying it twice
 * changes nothing. A name alone never identifies anybody.
 */
export function normaliseName(name: string): string {
  const upper = name.normalize('NFKC').toUpperCase().normalize('NFKC');
  return upper.replace(/\s+/gu, ' ').trim();
}
