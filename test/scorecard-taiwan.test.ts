/**
 * A card of the 30,000 Taiwan clients, out of fold on one seed; docs/SCORECARD.md has all five.
 * Skipped without the data, which lies beside the project and is not part of it.
 */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFAULT_SCALE } from '../src/evaluation/card.ts';
import { fitCard } from '../src/evaluation/fit.ts';
import { parseRecipe } from '../src/evaluation/recipe.ts';
import { sampleOf } from '../src/evaluation/sample.ts';
import { readTable } from '../src/evaluation/table.ts';

const DATA = new URL(
  '../../shared/data/uci_default_credit_card/UCI_Credit_Card.csv.gz',
  import.meta.url,
);
const RECIPE = new URL('../examples/taiwan.recipe.json', import.meta.url);
const PROTECTED = ['SEX', 'EDUCATION', 'MARRIAGE', 'AGE'];

it.skipIf(!existsSync(DATA))(
  'reaches the mark on the Taiwan clients without protected columns',
  async () => {
    const recipe = parseRecipe(JSON.parse(readFileSync(RECIPE, 'utf8')));
    const table = await readTable(createReadStream(DATA));
    const sample = sampleOf(table, {
      target: 'default.payment.next.month',
      bad: null,
      good: null,
      exclude: [],
      protect: PROTECTED,
      id: 'ID',
    });
    const { card, out_of_fold, fairness } = await fitCard(sample, table.data_sha256, {
      name: 'taiwan',
      version: 1,
      kind: 'full',
      bad_means: 'default in the next month',
      scale: DEFAULT_SCALE,
      seeds: [1],
      folds: 5,
      directions: recipe.directions ?? {},
      algorithm: 'boosting',
      characteristics: 30,
      recipe,
      words: {},
      keep: [],
      approval: 0.7,
      compare: false,
    });
    const { auc, ks } = out_of_fold.measured;
    console.info(`Taiwan, seed 1: AUC ${auc.toFixed(4)}, KS ${ks.toFixed(4)}`);
    expect(auc).toBeGreaterThan(0.784);
    expect(ks).toBeGreaterThan(0.43);
    expect(card.inputs.filter(({ name }) => PROTECTED.includes(name))).toEqual([]);
    expect(fairness.map(({ column }) => column)).toEqual(PROTECTED);
  },
);
