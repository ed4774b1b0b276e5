/** Words of a statement, with and without spaces between them. */
import { describe, expect, it } from 'vitest';
import { countWords } from './words.ts';

describe('countWords', () => {
  it.each([
    ['', 0],
    ['  … !? ', 0],
    ['I paid on 2026-01-31.', 4],
    ["The lender's mistake, 1,000.50 in all", 6],
    ['我已还款。', 3],
    ['这笔贷款不是我的', 6],
    ['Huabei 账单', 3],
    ['a.b,c-d’e', 1],
    ['Ü ber é', 3],
  ])('%s has %i', (text, words) => {
    expect(countWords(text)).toBe(words);
  });
});
