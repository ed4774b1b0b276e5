import { describe, expect, it } from 'vitest';
import { cardDigest, cardText, DEFAULT_SCALE, parseCard } from './card.ts';
import { type FitSettings, fitCard } from './fit.ts';
import { monitorTable } from './monitor-table.ts';
import { randomOf } from './random.ts';
import { NO_RECIPE } from './recipe-schema.ts';
import { reportHtml } from './report.ts';
import { reportOfFit } from './report-data.ts';
import { sampleOf } from './sample.ts';
import { scoreRecord } from './score.ts';
import { scoreTable, shapesOf, valueAt } from './score-table.ts';
import { readTable } from './table.ts';

const SETTINGS: FitSettings = {
  name: 'made-up',
  version: 1,
  kind: 'full',
  bad_means: 'y',
  scale: DEFAULT_SCALE,
  seeds: [1],
  folds: 3,
  directions: {},
  algorithm: 'boosting',
  characteristics: 10,
  recipe: NO_RECIPE,
  words: {},
  keep: [],
  approval: 0.7,
  compare: false,
};

/** 3,000 people: late payments and use are bad, income is good, the job counts, noise does not. */
function csv(seed: number, rows = 3000): string {
  const random = randomOf(seed);
  const lines = Array.from({ length: rows }, (_, at) => {
    const late = Math.floor(-Math.log(random()) * 1.2);
    const use = random();
    const income = Math.round(1000 + 9000 * random());
    const job = ['clerk', '<b>"driver"</b>', 'none', ''][Math.floor(random() * 4)] ?? '';
    const logit = -2.2 + 0.7 * late + 1.5 * use - income / 6000 + (job === 'none' ? 0.8 : 0);
    const y = random() < 1 / (1 + Math.exp(-logit)) ? 1 : 0;
    const near = random() < 0.005 ? 1 - y : y;
    const sex = random() < 0.5 ? 'f' : 'm';
    return `P${at + 10_000},${late},${use < 0.04 ? '' : use.toFixed(3)},${income},"${job.replaceAll('"', '""')}",${random().toFixed(4)},7,2020-01-${10 + (at % 19)},${near},${sex},${y}`;
  });
  return `id,late,use,income,job,noise,constant,day,near,sex,y\n${lines.join('\n')}\n`;
}

async function* bytes(text: string) {
  yield new TextEncoder().encode(text);
}

const OPTIONS = { target: 'y', bad: null, good: null, exclude: [], protect: ['sex'], id: null };

async function fitted(seed: number, more: Partial<FitSettings> = {}) {
  const table = await readTable(bytes(csv(seed)));
  const sample = sampleOf(table, OPTIONS);
  return { table, result: await fitCard(sample, table.data_sha256, { ...SETTINGS, ...more }) };
}

describe('a fit', () => {
  it('gives the same card, byte for byte, from the same bytes and seed', async () => {
    const [a, b] = [await fitted(1), await fitted(1)];
    expect(cardText(a.result.card)).toBe(cardText(b.result.card));
    expect(cardDigest((await fitted(2)).result.card)).not.toBe(cardDigest(a.result.card));
  });

  it.each(['boosting', 'woe_logistic'] as const)(
    'by %s is sound, monotone and tells good from bad',
    async (algorithm) => {
      const { table, result } = await fitted(1, { algorithm });
      const { card } = result;
      expect(() => parseCard(JSON.parse(cardText(card)))).not.toThrow(); // Monotone, among others.
      const late = card.characteristics.find(({ name }) => name === 'late');
      const income = card.characteristics.find(({ name }) => name === 'income');
      expect(late).toMatchObject({ direction: 'more_is_worse' });
      expect(income).toMatchObject({ direction: 'more_is_better' });
      expect(result.out_of_fold.measured.auc).toBeGreaterThan(0.74);
      const { points, scores, columns } = scoreTable(card, table);
      for (let row = 0; row < 300; row += 1) {
        const record = Object.fromEntries(
          card.characteristics.map((each, at) => [
            each.name,
            valueAt(columns[at] ?? columns[0] ?? fail(), each, row),
          ]),
        );
        const scored = scoreRecord(card, record);
        expect(scored.score).toBe(scores[row]);
        expect(scored.points.map((each) => each.points)).toEqual(points.map((own) => own[row]));
      }
    },
  );

  it('warns of what leaks and leaves out what is no input', async () => {
    const { result } = await fitted(1);
    const left = Object.fromEntries(result.screened.map(({ name, left_out }) => [name, left_out]));
    expect(left['id']).toMatch(/names rows/);
    expect(left['constant']).toMatch(/constant/);
    expect(left['day']).toMatch(/dates/);
    expect(left['near']).toMatch(/copies the target/);
    expect(left['late']).toBeNull();
    const names = result.card.characteristics.map(({ name }) => name);
    expect(names.filter((name) => /id|constant|day|near|sex|y$/.test(name))).toEqual([]);
    expect(result.warnings.join('\n')).toMatch(/near is left out/);
  });

  it('lets a U go both ways only when it is declared free', async () => {
    const { result } = await fitted(1, { directions: { use: 'free', income: 'more_is_worse' } });
    const directionOf = (wanted: string) => {
      const found = result.card.characteristics.find(({ name }) => name === wanted);
      return found?.kind === 'number' ? found.direction : null;
    };
    expect(directionOf('use')).toBe('free');
    // Against the data it can only be flat, and so has no place.
    expect([null, 'more_is_worse']).toContain(directionOf('income'));
  });

  it('keeps its promise on people of later, and sees when they differ', async () => {
    const { card } = (await fitted(1)).result;
    const later = await readTable(bytes(csv(9)), { shapes: shapesOf(card), beside: ['y'] });
    const target = { column: 'y', bad: null };
    const calm = monitorTable(card, later, scoreTable(card, later), { reference: null, target });
    expect(calm.score.light).toBe('green');
    expect(calm.performance?.light).toBe('green');
    expect(calm.reversals).toBeLessThan(3);
    const worse = csv(9)
      .replace(/,([0-9]),/, ',$1,')
      .split('\n')
      .map((line, at) => (at === 0 ? line : line.replace(/^(P\d+),\d+/, '$1,6')))
      .join('\n');
    const moved = await readTable(bytes(worse), { shapes: shapesOf(card) });
    const alarm = monitorTable(card, moved, scoreTable(card, moved), {
      reference: null,
      target: null,
    });
    expect(alarm.score.light).toBe('red');
    expect(alarm.characteristics.find(({ name }) => name === 'late')?.light).toBe('red');
  });

  it('reports without script, with every word of the file escaped', async () => {
    const { result } = await fitted(1);
    const text = reportHtml(reportOfFit(result, [], new Date('2026-01-02T00:00:00Z')));
    expect(text).toContain('&lt;b&gt;&quot;driver&quot;&lt;/b&gt;');
    expect(text).not.toMatch(/<b>|<script|undefined|NaN| on\w+=|https?:/);
    expect(
      text.match(/<svg viewBox="0 0 460 300" role="img" aria-label="[^"]{20,}"/g),
    ).toHaveLength(5);
    expect(text).toContain('2026-01-02');
  });
});

function fail(): never {
  throw new Error('no column');
}
