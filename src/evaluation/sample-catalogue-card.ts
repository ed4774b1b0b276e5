/** Test support: a card that reads the registry's catalogue. */
import { type Card, parseCard } from './card.ts';
import { CHARACTERISTICS } from './catalogue.ts';
import { NO_RECIPE } from './recipe-schema.ts';

const facts = (points: number) => ({ points, count: 1, bad: 0, woe_e4: 0 });

/** One characteristic of the catalogue in bins `[end, points]`; missing gives no point. */
export function catalogueBins(
  name: string,
  bins: readonly (readonly [number | null, number])[],
): Card['characteristics'][number] {
  const known = CHARACTERISTICS.find(({ id }) => id === name);
  const texts = (language: 'en' | 'zh') => ({
    says: known?.reason[language] ?? name,
    improve: known?.improve?.[language] ?? '',
  });
  return {
    kind: 'number',
    name,
    decimals: 0,
    direction: known?.direction ?? 'free',
    bins: bins.map(([upto, points]) => ({ upto, ...facts(points) })),
    missing: facts(0),
    reason: {
      id: name.toUpperCase(),
      is_enquiries: name.startsWith('enquiries'),
      texts: { en: texts('en'), zh: texts('zh') },
    },
  };
}

/** Of lateness, utilisation and enquiries. @param late points of a year without lateness */
export function catalogueCard(version = 1, late = 40, over: Partial<Card> = {}): Card {
  return parseCard({
    schema_version: 1,
    name: 'test-full',
    version,
    kind: 'full',
    bad_means: '90 or more days late within 12 months',
    scale: { score: 600, odds: 50, double: 20, lowest: 300, highest: 850 },
    base_points: 500,
    characteristics: [
      catalogueBins('worst_days_past_due_12m', [
        [0, late],
        [29, 0],
        [null, -60],
      ]),
      catalogueBins('utilisation', [
        [5000, 10],
        [null, -10],
      ]),
      catalogueBins('enquiries_6m', [
        [2, 5],
        [null, -10],
      ]),
    ],
    bad_ppm: Array.from({ length: 551 }, (_, at) => 900_000 - at * 1_000),
    range: {
      by: 'months_shown',
      steps: [
        { upto: 12, half_width: 25 },
        { upto: null, half_width: 10 },
      ],
    },
    recipe: NO_RECIPE,
    inputs: [],
    training: {
      data_sha256: '0'.repeat(64),
      rows: 1,
      bad: 1,
      parameters: {},
      auc_e4: null,
      ks_e4: null,
      score_bands: [],
    },
    ...over,
  });
}
