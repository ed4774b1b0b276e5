/**
 * How a scorecard does on the people of the registry: whether they still are those it was made
 * for, and whether those it scored a year ago turned out as it said.
 *
 * What must stay true: figures about nobody; what too few people say is `unknown`, not green.
 * Source: domain facts 5.4; the limits are those of evaluation/monitor.ts.
 */
import { binsOf, type Card } from '../evaluation/card.ts';
import { isThin } from '../evaluation/evaluate.ts';
import {
  type Band,
  binIndex,
  calibrationBands,
  characteristicStability,
  type Performance,
  performanceOf,
  rankReversals,
  type Stability,
} from '../evaluation/monitor.ts';
import { stabilityToCard } from '../evaluation/monitor-table.ts';
import { scoreRecord } from '../evaluation/score.ts';
import { dayMonthsBefore } from '../model/period.ts';
import { peopleInRanges, rangesOfEverybody, readCharacteristics } from './characteristics.ts';
import { eachOutcome } from './development-sample.ts';
import type { Registry } from './registry.ts';

const OUTCOME_MONTHS = 12;

export interface ScorecardMonitoring {
  readonly day: string;
  readonly people: number;
  readonly score: Stability;
  readonly characteristics: readonly (Stability & { readonly characteristic: string })[];
  /** Of those who were scored a year before the day. */
  readonly outcome: {
    readonly day: string;
    readonly people: number;
    readonly bad: number;
    readonly performance: Performance;
    readonly bands: readonly Band[];
    readonly reversals: number;
  };
}

const isFor = (card: Card, values: Parameters<typeof isThin>[0]) =>
  isThin(values) === (card.kind === 'thin');

async function stabilityOn(registry: Registry, card: Card, day: string) {
  const scores: number[] = [];
  const counts = card.characteristics.map((each) => binsOf(each).map(() => 0));
  for (const people of peopleInRanges(await rangesOfEverybody(registry))) {
    for (const { values } of await readCharacteristics(registry, registry.db, day, people)) {
      if (!isFor(card, values)) continue;
      scores.push(scoreRecord(card, values).score);
      card.characteristics.forEach((each, at) => {
        const bin = binIndex(each, values[each.name] ?? null);
        const own = counts[at];
        if (own) own[bin] = (own[bin] ?? 0) + 1;
      });
    }
  }
  const characteristics = card.characteristics.map((each, at) => ({
    characteristic: each.name,
    ...characteristicStability(
      binsOf(each).map(({ count }) => count),
      counts[at] ?? [],
    ),
  }));
  return {
    people: scores.length,
    score: stabilityToCard(card, Float64Array.from(scores)),
    characteristics,
  };
}

async function outcomeOn(registry: Registry, card: Card, day: string) {
  const scores: number[] = [];
  const target: number[] = [];
  for await (const { values, outcome } of eachOutcome(registry, day)) {
    if ((outcome !== 'good' && outcome !== 'bad') || !isFor(card, values)) continue;
    scores.push(scoreRecord(card, values).score);
    target.push(outcome === 'bad' ? 1 : 0);
  }
  const bad = Uint8Array.from(target);
  const bands = calibrationBands(card, scores, bad);
  return {
    day,
    people: scores.length,
    bad: target.filter((each) => each === 1).length,
    performance: performanceOf(scores, bad, card.training.auc_e4),
    bands,
    reversals: rankReversals(bands),
  };
}

/** @param day `YYYY-MM-DD` */
export async function monitorScorecard(
  registry: Registry,
  card: Card,
  day: string,
): Promise<ScorecardMonitoring> {
  return {
    day,
    ...(await stabilityOn(registry, card, day)),
    outcome: await outcomeOn(registry, card, dayMonthsBefore(day, OUTCOME_MONTHS)),
  };
}
