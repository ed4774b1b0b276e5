/**
 * Words of reasons, in English and Chinese: made from the name of a characteristic and its
 * direction when nobody has written better ones.
 *
 * What must stay true: the id of a reason comes from the name alone, so it stays the same from
 * card to card; written words replace made ones whole, never half.
 */
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import type { Direction, Reason } from './card.ts';

const WORDS = Type.Object(
  {
    says: Type.String({ minLength: 1, maxLength: 500 }),
    improve: Type.String({ maxLength: 500 }),
  },
  { additionalProperties: false },
);
const WORDS_FILE = Type.Record(
  Type.String(),
  Type.Object(
    { en: WORDS, zh: WORDS, is_enquiries: Type.Optional(Type.Boolean()) },
    { additionalProperties: false },
  ),
);
/** Words by the name of their characteristic. */
export type WordsFile = Static<typeof WORDS_FILE>;

/** @throws scorecard_invalid, naming up to five places */
export function parseWords(document: unknown): WordsFile {
  const problems = Errors(WORDS_FILE, document).map(
    (error) => `words${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0)
    throw new AssentError('scorecard_invalid', {
      detail: [...new Set(problems)].slice(0, 5).join('; '),
    });
  return document as WordsFile;
}

const ENQUIRIES = /inquir|enquir|查询/i;

/** `late_before_max` → "late before max", `numberOfTimes` → "number of times". */
function plainName(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[_.\-\s]+/g, ' ')
    .trim()
    .toLowerCase();
}

/** Capitals, digits and underscores; a name that has none of them becomes its code points. */
export function reasonId(name: string): string {
  const plain = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  const isLossless = /^[\w\s.-]+$/.test(name);
  const points = [...name].map((letter) => letter.codePointAt(0)?.toString(16).toUpperCase());
  return (isLossless && plain !== '' ? plain : `U_${points.join('_')}`).slice(0, 80);
}

function madeTexts(name: string, direction: Direction | 'category'): Reason['texts'] {
  const plain = plainName(name) || name;
  switch (direction) {
    case 'more_is_worse':
      return {
        en: {
          says: `The value of “${plain}” is high.`,
          improve: 'A lower value improves the score.',
        },
        zh: { says: `“${plain}”的数值偏高。`, improve: '降低该数值可以提高评分。' },
      };
    case 'more_is_better':
      return {
        en: {
          says: `The value of “${plain}” is low.`,
          improve: 'A higher value improves the score.',
        },
        zh: { says: `“${plain}”的数值偏低。`, improve: '提高该数值可以提高评分。' },
      };
    default:
      return {
        en: { says: `“${plain}” is not as in the best group.`, improve: '' },
        zh: { says: `“${plain}”不在表现最好的一组。`, improve: '' },
      };
  }
}

/** The reason of a characteristic: written, else made. */
export function reasonFor(
  name: string,
  direction: Direction | 'category',
  words: WordsFile,
): Reason {
  const written = Object.hasOwn(words, name) ? words[name] : undefined;
  return {
    id: reasonId(name),
    is_enquiries: written?.is_enquiries ?? ENQUIRIES.test(name),
    texts: written ? { en: written.en, zh: written.zh } : madeTexts(name, direction),
  };
}
