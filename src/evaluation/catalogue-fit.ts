/**
 * How a card is fitted on the registry's own history: the catalogue's directions and words.
 *
 * What must stay true: a card fitted so reads the catalogue alone, in its directions, so the
 * registry takes it in.
 */
import { type Card, DEFAULT_SCALE } from './card.ts';
import { CHARACTERISTICS } from './catalogue.ts';
import type { FitSettings } from './fit.ts';
import { NO_RECIPE } from './recipe-schema.ts';

/** The column of a development sample that says what became of a person. */
export const SAMPLE_TARGET = 'bad';
/** What a card of the registry predicts (domain facts 5.4). */
export const BAD_MEANS = '90 or more days late, or written off, within 12 months';
const FOLDS = 5;
const MOST_CHARACTERISTICS = 16;
const APPROVAL = 0.7;

/** Settings of a fit on a development sample. */
export function catalogueSettings(
  card: Pick<Card, 'name' | 'version' | 'kind'>,
  seeds: readonly number[],
): FitSettings {
  const words = CHARACTERISTICS.map(({ id, source, reason, improve }) => [
    id,
    {
      en: { says: reason.en, improve: improve?.en ?? '' },
      zh: { says: reason.zh, improve: improve?.zh ?? '' },
      is_enquiries: source === 'enquiries',
    },
  ]);
  return {
    ...card,
    bad_means: BAD_MEANS,
    scale: DEFAULT_SCALE,
    seeds,
    folds: FOLDS,
    directions: Object.fromEntries(CHARACTERISTICS.map(({ id, direction }) => [id, direction])),
    algorithm: 'best',
    characteristics: MOST_CHARACTERISTICS,
    recipe: NO_RECIPE,
    words: Object.fromEntries(words) as FitSettings['words'],
    keep: [],
    approval: APPROVAL,
    compare: false,
  };
}
