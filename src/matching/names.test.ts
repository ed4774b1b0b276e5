/** Names in whatever script and order, and what their features have in common. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FeatureMaker, FIELDS, foldText } from './features.ts';
import { nameParts } from './names.ts';

const maker = new FeatureMaker((context, ...parts) =>
  createHmac('sha256', 'test')
    .update(JSON.stringify([context, ...parts]))
    .digest(),
);
const latin = (name: string) => {
  const { given_name, surname } = nameParts(name);
  return [foldText(given_name), foldText(surname)];
};

describe('the parts of a name', () => {
  it.each([
    ['王小明', ['xiaoming', 'wang']],
    ['欧阳娜娜', ['nana', 'ouyang']],
    ['Xiaoming WANG', ['xiaoming', 'wang']],
    ['Wang, Xiao Ming', ['xiaoming', 'wang']],
    ['阿卜杜拉·买买提', ['abodula', 'maimaiti']],
    ['  Anna  Maria Müller ', ['annamaria', 'muller']],
    ['Иван Петров', ['ivan', 'petrov']],
    ['Madonna', [null, 'madonna']],
    ['', [null, null]],
  ])('of %s', (name, parts) => {
    expect(latin(name)).toEqual(parts);
  });
});

describe('features', () => {
  it('of a name the other way round have the same keys and pieces, crossed', () => {
    const [one, other] = ['Wang Xiaoming', 'Xiaoming Wang'].map((name) =>
      maker.of({ ...nameParts(name), birth_date: '1990-02-03' }),
    );
    expect(other?.keys).toEqual(one?.keys);
    expect([other?.pieces[1], other?.pieces[0]]).toEqual([one?.pieces[0], one?.pieces[1]]);
  });

  it('hold a hash in place of every value, and nothing where none is known', () => {
    const { pieces, terms, keys } = maker.of({ surname: '王', birth_date: null });
    expect(pieces.map((each) => each === null)).toEqual(FIELDS.map((field) => field !== 'surname'));
    expect(terms.filter((each) => each !== null).length).toBe(1);
    expect(keys).toEqual([]);
  });
});
