import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CURRENCIES,
  currencyExponent,
  formatMoney,
  MONEY_FAULTS,
  type MoneyForm,
  parseMoney,
} from './money.ts';

const YUAN: MoneyForm = { unit: 'major', currency: 'CNY', decimal: '.' };
const CENTS: MoneyForm = { unit: 'minor', currency: 'TWD', decimal: '.' };

describe('currency table', () => {
  test('exponents of ISO 4217', () => {
    const known = { CNY: 2, USD: 2, TWD: 2, JPY: 0, EUR: 2, GBP: 2, INR: 2, KRW: 0, BHD: 3 };
    for (const [code, exponent] of Object.entries({ ...known, CLF: 4, VND: 0, TND: 3, IDR: 2 })) {
      expect(currencyExponent(code), code).toBe(exponent);
    }
    for (const code of ['cny', 'XXX', 'XAU', 'HRK', '', 'CN']) {
      expect(currencyExponent(code), code).toBeUndefined();
    }
  });

  test('every code is three letters and stands once', () => {
    expect(CURRENCIES.length).toBeGreaterThan(160);
    expect(new Set(CURRENCIES).size).toBe(CURRENCIES.length);
    for (const code of CURRENCIES) expect(code).toMatch(/^[A-Z]{3}$/);
  });
});

describe('parseMoney', () => {
  test.each([
    ['12.34', YUAN, 1234],
    ['12', YUAN, 1200],
    ['12.3', YUAN, 1230],
    ['12.3400', YUAN, 1234],
    [' -0.01 ', YUAN, -1],
    ['+5', YUAN, 500],
    ['-0', YUAN, 0],
    ['007', YUAN, 700],
    ['3913', CENTS, 3913],
    ['3913.0', CENTS, 3913],
    ['90071992547409.91', YUAN, Number.MAX_SAFE_INTEGER],
    ['1.234,50', { ...YUAN, decimal: ',', grouping: '.' }, 123450],
    ['1,234,567.8', { ...YUAN, grouping: ',' }, 123456780],
    ['12,34,567', { ...YUAN, currency: 'INR', grouping: ',' }, 123456700],
    ['1\u202f234', { ...YUAN, grouping: '\u202f' }, 123400],
    ['1234.50', { ...YUAN, grouping: ',' }, 123450],
    ['120', { ...YUAN, currency: 'JPY' }, 120],
    ['1.234', { ...YUAN, currency: 'BHD' }, 1234],
  ] as const)('reads %s', (text, form, minor) => {
    expect(Object.is(parseMoney(text, form), minor)).toBe(true);
  });

  test.each([
    ['', YUAN, 'empty'],
    [' \t', YUAN, 'empty'],
    ['abc', YUAN, 'not a number'],
    ['1e3', YUAN, 'not a number'],
    ['１２', YUAN, 'not a number'],
    ['12.', YUAN, 'not a number'],
    ['.5', YUAN, 'not a number'],
    ['-', YUAN, 'not a number'],
    ['--1', YUAN, 'not a number'],
    ['1.2.3', YUAN, 'not a number'],
    ['(5)', YUAN, 'not a number'],
    ['¥5', YUAN, 'not a number'],
    ['1,234', YUAN, 'not a number'],
    ['1g234', { ...YUAN, grouping: ',' }, 'not a number'],
    ['1,2x4', { ...YUAN, grouping: ',' }, 'not a number'],
    ['1234,567', { ...YUAN, grouping: ',' }, 'digits grouped wrongly'],
    ['1,23', { ...YUAN, grouping: ',' }, 'digits grouped wrongly'],
    [',123', { ...YUAN, grouping: ',' }, 'digits grouped wrongly'],
    ['12.345', YUAN, 'more decimals than the currency has'],
    ['1.5', CENTS, 'more decimals than the currency has'],
    ['120.5', { ...YUAN, currency: 'JPY' }, 'more decimals than the currency has'],
    ['90071992547409.92', YUAN, 'too large'],
    ['9'.repeat(400), YUAN, 'too large'],
    ['1', { ...YUAN, currency: 'XXX' }, 'unknown currency'],
  ] as const)('refuses %s', (text, form, fault) => {
    expect(parseMoney(text, form)).toBe(fault);
  });

  test('one sign for two meanings is a bug of the mapping', () => {
    expect(() => parseMoney('1', { ...YUAN, grouping: '.' })).toThrow('argument_invalid');
  });

  test('never throws on text and never answers with anything but an amount or a class', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+ 0-9.,]{0,20}$/));
    fc.assert(
      fc.property(text, (value) => {
        const result = parseMoney(value, { ...YUAN, grouping: ',' });
        if (typeof result === 'string') expect(MONEY_FAULTS).toContain(result);
        else expect(Number.isSafeInteger(result)).toBe(true);
      }),
    );
  });
});

describe('formatMoney', () => {
  test('shows every decimal, in the customs of the locale', () => {
    expect(formatMoney(123456, 'CNY', 'zh-CN')).toBe('¥1,234.56');
    expect(formatMoney(-5, 'USD', 'en-US')).toBe('-$0.05');
    expect(formatMoney(1000, 'JPY', 'en-US')).toBe('¥1,000');
    expect(formatMoney(1234, 'BHD', 'en-US')).toMatch(/1\.234$/);
    expect(formatMoney(150, 'IDR', 'en-US')).toMatch(/1\.50$/);
    expect(formatMoney(Number.MAX_SAFE_INTEGER, 'USD', 'en-US')).toBe('$90,071,992,547,409.91');
    expect(() => formatMoney(1, 'XXX', 'en-US')).toThrow('argument_invalid');
    expect(() => formatMoney(1.5, 'USD', 'en-US')).toThrow('argument_invalid');
  });

  test('what is shown reads back as the same amount, for every currency', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom(...CURRENCIES), (minor, currency) => {
        const shown = formatMoney(minor, currency, 'en-US');
        const text = `${minor < 0 ? '-' : ''}${/\d[\d,]*(?:\.\d+)?/.exec(shown)?.[0]}`;
        const form: MoneyForm = { unit: 'major', currency, decimal: '.', grouping: ',' };
        expect(shown.startsWith('-')).toBe(minor < 0);
        expect(parseMoney(text, form)).toBe(minor);
      }),
    );
  });
});
