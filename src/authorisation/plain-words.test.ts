/** Every check and every reason has its words, in both languages. */
import { expect, it } from 'vitest';
import { AUTHORISATION_CHECKS, ROW_CHECKS, STATE_REASONS } from './check.ts';
import { CHECK_WORDS, REASON_WORDS } from './plain-words.ts';

it('has words for every check of the table and every reason', () => {
  const checks = [...ROW_CHECKS, ...AUTHORISATION_CHECKS];
  expect(checks.map(({ name }) => name).filter((name) => !CHECK_WORDS[name])).toEqual([]);
  const reasons = checks.flatMap(({ reason }) => reason ?? []);
  const all = [...reasons, ...Object.values(STATE_REASONS), 'never_asked', 'frozen'];
  expect(all.filter((reason) => !REASON_WORDS[reason])).toEqual([]);
});

it('says each thing once in each language', () => {
  for (const table of [CHECK_WORDS, REASON_WORDS])
    for (const language of ['en', 'zh'] as const) {
      const said = Object.values(table).map((words) => words[language]);
      expect(new Set(said).size).toBe(said.length);
      expect(said.every((text) => /\p{Script=Han}/u.test(text) === (language === 'zh'))).toBe(true);
    }
});
