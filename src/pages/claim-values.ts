/**
 * Figures that can be disputed, as a person reads and writes them.
 *
 * What must stay true: an amount is read and written in the currency of its account, never in
 * minor units; what is written in words of either language is understood.
 */
import { parseMoney } from '../model/money.ts';
import type { Language } from '../model/notice.ts';
import type { ReportAccount } from '../model/report-document.ts';
import type { ClaimChoice } from './dispute-pages.ts';
import { dayWords, moneyWords } from './file-blocks.ts';
import { FILE_WORDS, type FileWords } from './file-words.ts';
import { RIGHTS_WORDS } from './rights-words.ts';

const CODED: Readonly<Record<string, 'standings' | 'kinds'>> = {
  status: 'standings',
  kind: 'kinds',
};
const isDay = (field: string) => field.endsWith('_on');
const isMoney = (field: string) => field.endsWith('_minor');

/** A held value as a person reads it. */
function valueWords(
  language: Language,
  field: string,
  value: string | null,
  currency: string,
): string {
  const words = FILE_WORDS[language];
  if (value === null || value === '') return words.none;
  const coded = CODED[field];
  if (coded) return words[coded][value] ?? value;
  if (isMoney(field) && currency !== '') return moneyWords(language, Number(value), currency);
  return isDay(field) ? dayWords(language, value) : value;
}

/** A code by its own name or its words in any language. */
function codeOf(of: 'standings' | 'kinds', text: string): string {
  const named = Object.values(FILE_WORDS).flatMap((words: FileWords) => Object.entries(words[of]));
  return named.find(([, name]) => name.toLowerCase() === text.toLowerCase())?.[0] ?? text;
}

/**
 * What a person wrote, as the file would hold it; null: nothing. A text that is no such value
 * stays as it is, to be refused by whoever knows the field.
 */
export function claimedValue(field: string, text: string, currency: string): string | null {
  if (text === '') return null;
  const coded = CODED[field];
  if (coded) return codeOf(coded, text);
  if (!isMoney(field)) return text;
  const minor = parseMoney(text, { decimal: '.', grouping: ',', unit: 'major', currency });
  return typeof minor === 'number' ? String(minor) : text;
}

/**
 * The figures of a month, or of the account itself, with what the file says of each.
 * @param period null: of the account
 * @param fields the names that can be disputed, of `MonthFacts` or `AccountFacts`
 */
export function claimChoices(
  language: Language,
  account: ReportAccount,
  period: string | null,
  fields: readonly string[],
): ClaimChoice[] {
  const { wholeMonth, wholeAccount } = RIGHTS_WORDS[language];
  const whole: Readonly<Record<string, string>> = { month: wholeMonth, account: wholeAccount };
  const month = account.months.find((each) => each.period === period);
  const held = (period === null ? account : month) as Record<string, unknown> | undefined;
  if (!held) return [];
  return fields.map((field) => {
    const name = whole[field];
    if (name) return { field, name, held: null };
    const value = held[field];
    const text = value === null || value === undefined ? null : String(value);
    return {
      field,
      name: FILE_WORDS[language].fields[field] ?? field,
      held: valueWords(language, field, text, account.currency),
    };
  });
}
