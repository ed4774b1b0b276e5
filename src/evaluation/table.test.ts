import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { scaled } from './cell.ts';
import { followRecipe, parseRecipe } from './recipe.ts';
import { sampleOf } from './sample.ts';
import { type Column, readTable, type Table } from './table.ts';

async function* bytesOf(text: string | Uint8Array, piece = 7): AsyncGenerator<Uint8Array> {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
}
const read = (text: string | Uint8Array, options = {}) => readTable(bytesOf(text), options);

const values = (column: Column | undefined) =>
  column?.kind === 'number'
    ? Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
    : Array.from(column?.codes ?? [], (code) => column?.labels[code] ?? null);

describe('a CSV', () => {
  it('becomes numbers and categories by itself, with every way of saying nothing', async () => {
    const { columns } = await read(
      '\ufeffage,rate,"purpose, of",x\r\n30,1.50,"a ""b""",NA\r\n,2.25,?,7\r\n-4,nan,c,unknown\r\n',
    );
    expect(columns.map(({ name, kind }) => [name, kind])).toEqual([
      ['age', 'number'],
      ['rate', 'number'],
      ['purpose, of', 'category'],
      ['x', 'number'],
    ]);
    expect(columns.map(values)).toEqual([
      [30, null, -4],
      [150, 225, null],
      ['a "b"', null, 'c'],
      [null, 7, null],
    ]);
    expect(columns[1]).toMatchObject({ decimals: 2 });
  });

  it.each([
    ['semicolons and decimal commas', 'a;b\n1,5;x\n2,25;y\n', [150, 225]],
    ['tabs', 'a\tb\n1.5\tx\n2.25\ty\n', [150, 225]],
    ['percent signs', 'a|b\n1.5%|x\n2.25 %|y\n', [150, 225]],
    ['exponents', 'a,b\n15e-1,x\n0.225e1,y\n', [150, 225]],
  ])('with %s is read', async (_, text, wanted) => {
    expect(values((await read(text)).columns[0])).toEqual(wanted);
  });

  it('that is packed is read, and known by its bytes as they came', async () => {
    const plain = await read('a,b\n1,2\n');
    const packed = await read(gzipSync('a,b\n1,2\n'));
    expect(packed.columns.map(values)).toEqual(plain.columns.map(values));
    expect(packed.data_sha256).not.toBe(plain.data_sha256);
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    ['nothing in it', '', /empty/],
    ['a short row', 'a,b\n1,2\n3\n', /row 3 has 1 fields, the header has 2/],
    ['a name twice', 'a,a\n1,2\n', /row 1, column 2/],
    ['an open quotation mark', 'a,b\n1,"2\n3,4\n', /near row 2/],
    ['another encoding', Uint8Array.from([97, 10, 0xe9, 0xff]), /UTF-8/],
    ['zero bytes', 'a\n\0\n', /zero byte/],
    ['a packed file cut off', gzipSync('a,b\n1,2\n'.repeat(1000)).subarray(0, 40), /cut off/],
  ])('with %s is refused with the place', async (_, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('keeps to the kinds and decimals of a card', async () => {
    const shapes = [{ name: 'b', kind: 'number' as const, decimals: 1 }];
    const { columns, warnings } = await read('a,b\nsecret,1.26\nx,secret\n', { shapes });
    expect(columns.map(values)).toEqual([[13, null]]);
    expect(warnings).toEqual([expect.stringMatching(/^b: 1 cells .* row 3$/)]);
    const lacking = [{ name: 'c', kind: 'number' as const, decimals: 0 }];
    await expect(read('a\n1\n', { shapes: lacking })).rejects.toThrow(/no column c/);
  });
});

it('scaling never leaves the whole numbers', () => {
  expect([scaled(1.005, 2), scaled(-0.1, 0), scaled(1e300, 9)]).toEqual([
    100,
    0,
    Number.MAX_SAFE_INTEGER,
  ]);
});

describe('a target', () => {
  const options = { target: 'y', bad: null, good: null, exclude: [], protect: [], id: null };
  const rows = (labels: readonly string[], n = 40) =>
    read(
      `x,y\n${Array.from({ length: n * labels.length }, (_, at) => `${at % 3},${labels[at % labels.length]}\n`).join('')}`,
    );
  const badOf = async (table: Promise<Table>, more = {}) =>
    sampleOf(await table, { ...options, ...more })
      .target.slice(0, 3)
      .join('');

  it.each([
    [['1', '0'], '101'],
    [['no', 'yes'], '010'],
    [['GOOD', 'BAD'], '010'],
    [['true', 'false'], '101'],
  ])('of %s is understood', async (labels, wanted) => {
    expect(await badOf(rows(labels))).toBe(wanted);
  });

  it('that could mean both is asked for', async () => {
    await expect(badOf(rows(['1', '2']))).rejects.toThrow(/--bad/);
    expect(await badOf(rows(['1', '2']), { bad: ['2'] })).toBe('010');
  });

  it('leaves out whoever is neither good nor bad, when told what good is', async () => {
    const table = await rows(['Paid', 'Late', 'Current']);
    await expect(badOf(Promise.resolve(table))).rejects.toThrow(/3 values/);
    const sample = sampleOf(table, { ...options, bad: ['Late'], good: ['Paid'] });
    expect(sample.target).toHaveLength(80);
    expect(sample.warnings.join()).toMatch(/40 rows are neither/);
  });

  it('of one class, of few people, or of none is refused', async () => {
    await expect(badOf(rows(['0']))).rejects.toThrow(/0 bad/);
    await expect(badOf(rows(['0', '1'], 5))).rejects.toThrow(/at least 20/);
    await expect(badOf(rows(['0', '1']), { target: 'z' })).rejects.toThrow(/no column z/);
  });
});

describe('a recipe', () => {
  const make = async (steps: unknown[], text: string) => {
    const { columns } = await read(text);
    return followRecipe(parseRecipe({ steps, drop: [] }), columns).slice(columns.length);
  };

  it.each<[string, object, unknown[]]>([
    ['max', { make: 'max', of: ['a', 'b', 'c'] }, [3, 5, null]],
    ['mean', { make: 'mean', of: ['a', 'b', 'c'] }, [2, 4, null]],
    ['count_at_least', { make: 'count_at_least', of: ['a', 'b', 'c'], threshold: 2 }, [2, 2, 0]],
    ['first_at_least', { make: 'first_at_least', of: ['a', 'b', 'c'], threshold: 2 }, [1, 0, 3]],
    ['ratio', { make: 'ratio', of: 'a', per: 'b', times: 100 }, [50, null, null]],
    ['difference', { make: 'difference', of: 'a', less: 'b' }, [-1, null, null]],
    ['trend', { make: 'trend', of: ['a', 'b', 'c'], times: 10 }, [-10, null, null]],
    ['clamp', { make: 'clamp', of: 'c', least: 0, most: 4 }, [3, 4, null]],
    [
      'combine',
      {
        make: 'combine',
        of: [
          { column: 'a', ends: [0, 1] },
          { column: 'b', ends: [1] },
        ],
      },
      ['1|1', '2|-', '-|-'],
    ],
  ])('makes %s', async (_, step, wanted) => {
    const [made] = await make([{ name: 'made', ...step }], 'a,b,c\n1,2,3\n3,,5\n,,\n');
    expect(values(made)).toEqual(wanted);
  });

  it('is refused by name of the step', async () => {
    const step = { name: 'm', make: 'max', of: ['z'] };
    await expect(make([step], 'a\n1\n')).rejects.toThrow(/step m: there is no column z/);
    expect(() => parseRecipe({ steps: [{ name: 'm', make: 'guess' }], drop: [] })).toThrow(/steps/);
  });
});
