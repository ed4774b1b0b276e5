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
import { AssentError } from '../model/error.ts';
import {
  CHARACTERISTIC_PARTS,
  CHARACTERISTICS_PARAMS,
  characteristicsParams,
  IS_NEWEST,
  type People,
  peopleInRanges,
  queryRange,
  rangesOfEverybody,
} from './characteristics.ts';
import type { Registry } from './registry.ts';

/** Days past due that make a person bad; from 30 on they are not good either. */
const BAD_DAYS = 90;
const DOUBTFUL_DAYS = 30;
const OUTCOME_MONTHS = 12;
const SEEN_MONTHS = 6;

/** One part of a sample: those of one range of people. */
export interface SamplePart {
  /** From 0. */
  readonly part: number;
  readonly parts: number;
  /** CSV: the characteristics in their order, then `bad`, 0 or 1; part 0 begins with the header. */
  readonly csv: string;
  readonly good: number;
  readonly bad: number;
  /** Neither good nor bad, by why. */
  readonly left_out: Readonly<Record<'doubtful' | 'hardly_seen' | 'disputed', number>>;
}

const OUTCOME = `
  select n.subject_id, max(n.days_past_due) as worst,
    bool_or(n.status = 'written_off') as lost, count(distinct n.period) as months
  from account_month n
  where n.subject_id between $${CHARACTERISTICS_PARAMS - 1}::uuid and $${CHARACTERISTICS_PARAMS}::uuid
    and n.period > $${CHARACTERISTICS_PARAMS - 2}::date
    and n.period <= $${CHARACTERISTICS_PARAMS - 2}::date + interval '${OUTCOME_MONTHS} months'
    and ${IS_NEWEST}
    and not exists (select 1 from authorisation_effect w where w.subject_id = n.subject_id
      and w.authorisation_id = n.authorisation_id)
  group by n.subject_id`;

const IS_DISPUTED = `exists (select 1 from claim d where d.subject_id = s.subject_id
  and d.state in ('open', 'forwarded', 'answered'))`;

/** In the order of a hash: where a row stands tells nothing. */
const SAMPLE = `with ${CHARACTERISTIC_PARTS}, outcome as (${OUTCOME})
  select ${CHARACTERISTICS.map(({ id }) => `s.${id}`).join(', ')},
    case when ${IS_DISPUTED} then 'disputed'
      when o.lost or o.worst >= ${BAD_DAYS} then 'bad'
      when o.months is null or o.months < ${SEEN_MONTHS} then 'hardly_seen'
      when o.worst >= ${DOUBTFUL_DAYS} then 'doubtful' else 'good' end as outcome
  from characteristic s
  left join outcome o on o.subject_id = s.subject_id
  order by md5(s::text)`;

export interface JudgedPerson {
  readonly values: CharacteristicValues;
  readonly outcome: 'good' | 'bad' | 'doubtful' | 'hardly_seen' | 'disputed';
}

/** What was known of each person of a range on a day, and what became of them. */
export async function readOutcomes(
  registry: Registry,
  day: string,
  people: People,
): Promise<JudgedPerson[]> {
  const rows = await queryRange<Record<string, number | null> & Pick<JudgedPerson, 'outcome'>>(
    registry,
    SAMPLE,
    characteristicsParams(registry, day, people),
  );
  return rows.map(({ outcome, ...values }) => ({ values, outcome }));
}

/**
 * One part of the sample, so that memory does not grow with the people on either side.
 * @param day `YYYY-MM-DD`, the end of a month at least a year ago
 * @param part `parts`: as the first part said, a power of 16; null: as many as there are people for
 * @throws request_invalid: there is no such part
 */
export async function samplePart(
  registry: Registry,
  day: string,
  { part, parts: wanted }: { readonly part: number; readonly parts: number | null },
): Promise<SamplePart> {
  const parts = wanted ?? (await rangesOfEverybody(registry));
  const people = Number.isInteger(Math.log2(parts) / 4) ? peopleInRanges(parts)[part] : undefined;
  if (!people)
    throw new AssentError('request_invalid', { detail: 'parts is as the first part said' });
  const counts = { good: 0, bad: 0, doubtful: 0, hardly_seen: 0, disputed: 0 };
  const ids = CHARACTERISTICS.map(({ id }) => id);
  const lines = part === 0 ? [[...ids, 'bad'].join(',')] : [];
  for (const { values, outcome } of await readOutcomes(registry, day, people)) {
    counts[outcome] += 1;
    if (outcome === 'good' || outcome === 'bad')
      lines.push([...ids.map((id) => values[id] ?? ''), outcome === 'bad' ? 1 : 0].join(','));
  }
  const { good, bad, ...left_out } = counts;
  return { part, parts, csv: lines.map((line) => `${line}\n`).join(''), good, bad, left_out };
}
