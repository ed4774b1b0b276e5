/**
 * How a scorecard does on the people of the registry: whether they still are those it was made
 * for, and whether those it scored a year ago turned out as it said; on one day, or month by month.
 *
 * What must stay true: figures about nobody, counted a range of people at a time; what too few
 * people say is `unknown`, not green; no month has an outcome before its year is over.
 * Source: domain facts 5.4; the limits are those of evaluation/monitor.ts.
 */
import type { Card } from '../evaluation/card.ts';
import {
  MonthCounts,
  type MonthFigures,
  type OutcomeFigures,
} from '../evaluation/monitor-months.ts';
import { AssentError } from '../model/error.ts';
import { dayMonthsBefore, lastDay, periodsBetween } from '../model/period.ts';
import { peopleInRanges, rangesOfEverybody, readCharacteristics } from './characteristics.ts';
import { readOutcomes } from './development-sample.ts';
import type { Registry } from './registry.ts';

const OUTCOME_MONTHS = 12;
/** A longer stretch is asked for in pieces. */
export const MOST_MONTHS = 60;

/** Everybody as of a day, counted; with what became of them when that is asked for. */
async function countOn(
  registry: Registry,
  card: Card,
  day: string,
  withOutcome: boolean,
): Promise<MonthCounts> {
  const counts = new MonthCounts(card);
  for (const people of peopleInRanges(await rangesOfEverybody(registry))) {
    if (!withOutcome)
      for (const { values } of await readCharacteristics(registry, day, people))
        counts.add(values, null);
    else
      for (const { values, outcome } of await readOutcomes(registry, day, people))
        counts.add(values, outcome === 'good' || outcome === 'bad' ? outcome : null);
  }
  return counts;
}

export interface ScorecardMonitoring extends Omit<MonthFigures, 'period' | 'outcome'> {
  /** Of those who were scored a year before the day. */
  readonly outcome: OutcomeFigures & { readonly day: string };
}

/** @param day `YYYY-MM-DD` */
export async function monitorScorecard(
  registry: Registry,
  card: Card,
  day: string,
): Promise<ScorecardMonitoring> {
  const before = dayMonthsBefore(day, OUTCOME_MONTHS);
  return {
    day,
    ...(await countOn(registry, card, day, false)).stability(),
    outcome: { day: before, ...(await countOn(registry, card, before, true)).outcome() },
  };
}

/**
 * Each month of a stretch: everybody as of its last day, and, once the twelve months after it are
 * over, what became of them.
 * @param stretch periods `YYYY-MM`, both included. @throws request_invalid: none, too many, or the
 * last one is not over
 */
export async function monitorMonths(
  registry: Registry,
  card: Card,
  stretch: { readonly from: string; readonly to: string },
): Promise<MonthFigures[]> {
  const today = registry.now().toISOString().slice(0, 10);
  const periods = periodsBetween(stretch.from, stretch.to);
  if (periods.length < 1 || periods.length > MOST_MONTHS || lastDay(stretch.to) > today)
    throw new AssentError('request_invalid', {
      detail: `from and to are 1 to ${MOST_MONTHS} months that are over`,
    });
  const months: MonthFigures[] = [];
  for (const period of periods) {
    const day = lastDay(period);
    const isOver = day <= dayMonthsBefore(today, OUTCOME_MONTHS);
    const counts = await countOn(registry, card, day, isOver);
    const outcome = isOver ? counts.outcome() : null;
    months.push({ period, day, ...counts.stability(), outcome });
  }
  return months;
}
