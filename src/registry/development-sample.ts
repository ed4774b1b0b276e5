/**
 * The sample that a scorecard is fitted on: what was known of people on a day, and whether they
 * were 90 days late within the twelve months after it.
 *
 * What must stay true: nothing of a row tells who it is: no id, no date, no lender; only months
 * that may be shown are read; whoever is neither good nor bad, disputes something, or was seen for
 * less than half of the year is left out, and counted.
 * Source: domain facts 5.4 (the definition of bad); C14, C15.
 */
import { CHARACTERISTICS, type CharacteristicValues } from '../evaluation/catalogue.ts';
import {
  CHARACTERISTIC_PARTS,
  CHARACTERISTICS_PARAMS,
  characteristicsParams,
  IS_NEWEST,
  peopleInRanges,
  rangesOfEverybody,
} from './characteristics.ts';
import type { Registry } from './registry.ts';

/** Days past due that make a person bad; from 30 on they are not good either. */
const BAD_DAYS = 90;
const DOUBTFUL_DAYS = 30;
const OUTCOME_MONTHS = 12;
const SEEN_MONTHS = 6;

export interface DevelopmentSample {
  /** CSV with a header: the characteristics in their order, then `bad`, 0 or 1. */
  readonly csv: string;
  readonly good: number;
  readonly bad: number;
  /** Neither good nor bad, by why. */
  readonly left_out: { readonly doubtful: number; readonly hardly_seen: number };
}

const OUTCOME = `
  select n.subject_id, max(n.days_past_due) as worst,
    bool_or(n.status = 'written_off') as lost, count(distinct n.period) as months
  from account_month n
  where n.period > $${CHARACTERISTICS_PARAMS - 2}::date
    and n.period <= $${CHARACTERISTICS_PARAMS - 2}::date + interval '${OUTCOME_MONTHS} months'
    and ${IS_NEWEST}
    and not exists (select 1 from authorisation_effect w where w.subject_id = n.subject_id
      and w.authorisation_id = n.authorisation_id)
  group by n.subject_id`;

/** In the order of a hash: where a row stands tells nothing. */
const SAMPLE = `with ${CHARACTERISTIC_PARTS}, outcome as (${OUTCOME})
  select ${CHARACTERISTICS.map(({ id }) => `s.${id}`).join(', ')},
    case when o.months is null or o.months < ${SEEN_MONTHS}
        and not (o.lost or o.worst >= ${BAD_DAYS}) then 'hardly_seen'
      when o.lost or o.worst >= ${BAD_DAYS} then 'bad'
      when o.worst >= ${DOUBTFUL_DAYS} then 'doubtful' else 'good' end as outcome
  from characteristic s
  left join outcome o on o.subject_id = s.subject_id
  where not exists (select 1 from claim d where d.subject_id = s.subject_id
    and d.state in ('open', 'forwarded', 'answered'))
  order by md5(s::text)`;

export interface JudgedPerson {
  readonly values: CharacteristicValues;
  readonly outcome: 'good' | 'bad' | 'doubtful' | 'hardly_seen';
}

/** What was known of each person on a day, and what became of them; a range of people at a time. */
export async function* eachOutcome(registry: Registry, day: string): AsyncGenerator<JudgedPerson> {
  for (const people of peopleInRanges(await rangesOfEverybody(registry))) {
    // sql: made of the constants above.
    const { rows } = await registry.db.query<
      Record<string, number | null> & Pick<JudgedPerson, 'outcome'>
    >(SAMPLE, characteristicsParams(registry, day, people));
    for (const { outcome, ...values } of rows) yield { values, outcome };
  }
}

/** @param day `YYYY-MM-DD`, the end of a month at least a year ago */
export async function developmentSample(
  registry: Registry,
  day: string,
): Promise<DevelopmentSample> {
  const counts = { good: 0, bad: 0, doubtful: 0, hardly_seen: 0 };
  const ids = CHARACTERISTICS.map(({ id }) => id);
  const lines = [[...ids, 'bad'].join(',')];
  for await (const { values, outcome } of eachOutcome(registry, day)) {
    counts[outcome] += 1;
    if (outcome === 'good' || outcome === 'bad')
      lines.push([...ids.map((id) => values[id] ?? ''), outcome === 'bad' ? 1 : 0].join(','));
  }
  const { good, bad, ...left_out } = counts;
  return { csv: lines.map((line) => `${line}\n`).join(''), good, bad, left_out };
}
