/**
 * Counting words of a statement, for laws that bound them in words.
 *
 * What must stay true: no script gets around the bound. A run of letters and digits is a word;
 * Chinese and Japanese have no spaces, so each of their characters counts as two thirds of a word,
 * which is about what a translator reckons (some 1.5 characters for an English word).
 */

const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/gu;
const SPACED = /[\p{L}\p{M}\p{N}]+(?:['’.,-][\p{L}\p{M}\p{N}]+)*/gu;

/** The words of a text, rounded up. */
export function countWords(text: string): number {
  const unspaced = text.match(UNSPACED)?.length ?? 0;
  const spaced = text.replace(UNSPACED, ' ').match(SPACED)?.length ?? 0;
  return spaced + Math.ceil((unspaced * 2) / 3);
}
