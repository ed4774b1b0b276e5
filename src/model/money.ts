/**
 * Money: integer minor units of an ISO 4217 currency, read from text and shown to people.
 *
 * What must stay true: an amount is never a fraction in memory, never rounded and never beyond
 * +-9007199254740991; text that says more than the currency can hold is refused, not cut.
 */
import { AssentError } from './error.ts';

/**
 * ISO 4217 list one: every currency and fund code in use, by digits after the point. Left out:
 * precious metals, XDR, XSU, XUA, XTS and XXX, which have none. ANG (until 2025) and BGN (until
 * 2026) stay because older months carry them.
 */
const CODES_BY_EXPONENT: readonly (readonly [exponent: number, codes: string])[] = [
  [0, 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'],
  [
    2,
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN ' +
      'BZD CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP ' +
      'GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT ' +
      'LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN ' +
      'NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE ' +
      'SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES ' +
      'WST XAD XCD XCG YER ZAR ZMW ZWG',
  ],
  [3, 'BHD IQD JOD KWD LYD OMR TND'],
  [4, 'CLF UYW'],
];

const EXPONENTS: ReadonlyMap<string, number> = new Map(
  CODES_BY_EXPONENT.flatMap(([exponent, codes]) =>
    codes.split(' ').map((code) => [code, exponent] as const),
  ),
);

/** Every currency code accepted, in alphabetical order (ISO 4217). */
export const CURRENCIES: readonly string[] = [...EXPONENTS.keys()].sort();

/** Digits after the point of a currency, 0 to 4; undefined for a code ISO 4217 does not list. */
export function currencyExponent(code: string): number | undefined {
  return EXPONENTS.get(code);
}

/** How a lender writes amounts. */
export interface MoneyForm {
  /** `minor`: 1234 is 12.34 yuan. `major`: 12.34 is 12.34 yuan. */
  readonly unit: 'minor' | 'major';
  /** ISO 4217 code, upper case. */
  readonly currency: string;
  readonly decimal: '.' | ',';
  /** The sign between groups of digits; absent: groups are refused. */
  readonly grouping?: '.' | ',' | ' ' | "'" | '\u00a0' | '\u202f';
}

export const MONEY_FAULTS = [
  'empty',
  'not a number',
  'digits grouped wrongly',
  'more decimals than the currency has',
  'too large',
  'unknown currency',
] as const;
/** Why a text is no amount: a class that holds nothing of the text itself. */
export type MoneyFault = (typeof MONEY_FAULTS)[number];

/** The digits of the whole part without its groups, or a fault. */
function ungroup(whole: string, grouping: string | undefined): string | MoneyFault {
  if (/^\d+$/.test(whole)) return whole;
  if (grouping === undefined || !whole.includes(grouping)) return 'not a number';
  const groups = whole.split(grouping);
  if (!groups.every((group) => /^\d*$/.test(group))) return 'not a number';
  // Groups of three (1,234,567) or, before the last three, of two as in India (12,34,567).
  const lengths = groups.map((group) => group.length).join('');
  return /^(?:[123]3+|[12]2*3)$/.test(lengths) ? groups.join('') : 'digits grouped wrongly';
}

/**
 * Reads one amount: an optional sign, ASCII digits, an optional decimal part. Zeros beyond the
 * currency's decimals are accepted, since nothing is lost; exponents, brackets and currency
 * signs are not.
 * @returns safe integer minor units (never -0), or the class of what is wrong with the text.
 * @throws argument_invalid: `decimal` and `grouping` are the same sign.
 */
export function parseMoney(text: string, form: MoneyForm): number | MoneyFault {
  if (form.grouping === form.decimal) {
    throw new AssentError('argument_invalid', { detail: 'decimal and grouping are the same sign' });
  }
  const exponent = EXPONENTS.get(form.currency);
  if (exponent === undefined) return 'unknown currency';
  const trimmed = text.trim();
  if (trimmed === '') return 'empty';
  const unsigned = trimmed.replace(/^[+-]/, '');
  const [whole = '', fraction = '0', ...rest] = unsigned.split(form.decimal);
  if (rest.length > 0 || !/^\d+$/.test(fraction)) return 'not a number';
  const digits = ungroup(whole, form.grouping);
  if (!/^\d+$/.test(digits)) return digits as MoneyFault;

  const places = form.unit === 'major' ? exponent : 0;
  if (/[1-9]/.test(fraction.slice(places))) return 'more decimals than the currency has';
  const minor = Number(digits + fraction.slice(0, places).padEnd(places, '0'));
  if (!Number.isSafeInteger(minor)) return 'too large';
  return trimmed.startsWith('-') && minor !== 0 ? -minor : minor;
}

/** Minor units as exact decimal text in major units with a point, for example `-12.30`. */
function decimalText(minor: number, exponent: number): string {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, '0');
  const cut = digits.length - exponent;
  const fraction = exponent === 0 ? '' : `.${digits.slice(cut)}`;
  return `${minor < 0 ? '-' : ''}${digits.slice(0, cut)}${fraction}`;
}

/**
 * An amount for people, in the customs of a locale (BCP 47), with all decimals of the currency.
 * @param minor safe integer minor units.
 * @throws argument_invalid: unknown currency, or not a safe integer.
 */
export function formatMoney(minor: number, currency: string, locale: string): string {
  const exponent = EXPONENTS.get(currency);
  if (exponent === undefined) {
    throw new AssentError('argument_invalid', { detail: 'currency is not in ISO 4217' });
  }
  if (!Number.isSafeInteger(minor)) {
    throw new AssentError('argument_invalid', { detail: 'amount is not integer minor units' });
  }
  // The exponent is ours: the language's own table differs from ISO 4217 (IDR, AFN and others).
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  });
  // Text keeps every digit; a division would lose cents above 2^53 / 100.
  return format.format(decimalText(minor, exponent) as Intl.StringNumericLiteral);
}
