/**
 * Check characters of Chinese numbers: the resident identity number (GB 11643-1999) and the
 * unified social credit code (GB 32100-2015) with the organisation code inside (GB 11714-1997).
 *
 * What must stay true: pure arithmetic over text that was already normalised; no value is kept
 * or put into an error. Sources: domain facts 1.11.
 */

const RESIDENT_WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const RESIDENT_CHECKS = '10X98765432';

/** GB 32100 leaves out I, O, S, V and Z; a character's value is its place in this alphabet. */
const CREDIT_CODE_ALPHABET = '0123456789ABCDEFGHJKLMNPQRTUWXY';
const CREDIT_CODE_WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
const CREDIT_CODE = /^[0-9A-HJ-NP-RTUWXY]{2}\d{6}[0-9A-HJ-NP-RTUWXY]{10}$/;

const ORGANISATION_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const ORGANISATION_WEIGHTS = [3, 7, 9, 10, 5, 8, 4, 2];

/** Province part of the place code (GB/T 2260); 81, 82, 83: residents from Hong Kong, Macao, Taiwan. */
const PROVINCES = new Set(
  (
    '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 ' +
    '50 51 52 53 54 61 62 63 64 65 71 81 82 83'
  ).split(' '),
);

function weightedSum(text: string, weights: readonly number[], alphabet: string): number {
  return weights.reduce(
    (sum, weight, place) => sum + weight * alphabet.indexOf(text.charAt(place)),
    0,
  );
}

/** True for the first two digits of a place code that are in use. */
export function isProvince(code: string): boolean {
  return PROVINCES.has(code);
}

/** The 18th character of a resident number from its first 17 digits (ISO 7064 MOD 11-2). */
export function residentCheckCharacter(digits: string): string {
  return RESIDENT_CHECKS.charAt(weightedSum(digits, RESIDENT_WEIGHTS, '0123456789') % 11);
}

function organisationCheckCharacter(code: string): string {
  const check = 11 - (weightedSum(code, ORGANISATION_WEIGHTS, ORGANISATION_ALPHABET) % 11);
  return check === 10 ? 'X' : String(check % 11);
}

function creditCodeCheckCharacter(code: string): string {
  const sum = weightedSum(code, CREDIT_CODE_WEIGHTS, CREDIT_CODE_ALPHABET);
  return CREDIT_CODE_ALPHABET.charAt((31 - (sum % 31)) % 31);
}

export type CreditCodeCheck =
  | { readonly ok: true; readonly normalised: string }
  | { readonly ok: false; readonly reason: 'length' | 'characters' | 'checksum' };

/**
 * Checks a unified social credit code: 18 characters, both check characters (GB 32100-2015 for
 * the whole, GB 11714-1997 for the organisation code in places 9 to 17). Full-width forms, case
 * and surrounding white space are normalised.
 */
export function checkUnifiedSocialCreditCode(code: string): CreditCodeCheck {
  const normalised = code.normalize('NFKC').trim().toUpperCase();
  if (normalised.length !== 18) return { ok: false, reason: 'length' };
  if (!CREDIT_CODE.test(normalised)) return { ok: false, reason: 'characters' };
  const inner = organisationCheckCharacter(normalised.slice(8, 16));
  const outer = creditCodeCheckCharacter(normalised.slice(0, 17));
  const agrees = normalised.charAt(16) === inner && normalised.charAt(17) === outer;
  return agrees ? { ok: true, normalised } : { ok: false, reason: 'checksum' };
}
