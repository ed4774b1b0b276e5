/**
 * Everybody scored by one card as of one day, set-based: for the monitoring of a card, for a card
 * in shadow, for comparisons over time. These scores are shown to nobody.
 *
 * What must stay true: people are scored a range of ids at a time, each range in one transaction
 * with the mark that it is done, so a run that was cut off goes on where it was and scores nobody
 * twice; the scores are those that scoring one by one gives.
 */
import { type Card, cardDigest } from '../evaluation/card.ts';
import { AssentError } from '../model/error.ts';
import { scoresOf } from './canary.ts';
import {
  CHARACTERISTIC_PARTS,
  CHARACTERISTICS_PARAMS,
  characteristicsParams,
  peopleInRanges,
  planForRange,
  rangesOfEverybody,
} from './characteristics.ts';
import type { Registry } from './registry.ts';

export interface ScoringRun {
  readonly run_id: string;
  readonly scorecard_sha256: string;
  /** `YYYY-MM-DD` */
  readonly day: string;
  readonly started_at: Date;
  readonly ended_at: Date | null;
  readonly ranges: number;
  readonly ranges_done: number;
  readonly people: number;
}

const COLUMNS = 'run_id, scorecard_sha256, day, started_at, ended_at, ranges, ranges_done, people';

/** The run of a card and day that is there, else a new one. */
async function openRun(registry: Registry, card: Card, day: string): Promise<ScoringRun> {
  // sql: COLUMNS is the constant above.
  const { rows } = await registry.db.query<ScoringRun>(
    `select ${COLUMNS} from scoring_run where scorecard_sha256 = $1 and day = $2
     order by started_at desc limit 1`,
    [cardDigest(card), day],
  );
  if (rows[0]) return rows[0];
  // sql: COLUMNS is the constant above.
  const { rows: made } = await registry.db.query<ScoringRun>(
    `insert into scoring_run (run_id, scorecard_sha256, day, started_at, ranges, ranges_done,
       people)
     values ($1, $2, $3, $4, $5, 0, 0) returning ${COLUMNS}`,
    [registry.newId(), cardDigest(card), day, registry.now(), await rangesOfEverybody(registry)],
  );
  if (!made[0]) throw new Error('the row was just written');
  return made[0];
}

/**
 * Scores everybody by a card as of a day. A run of the same card and day that was cut off is gone
 * on with; one that ended is returned as it is.
 * @param options `progress`: people scored and ranges done, of how many; `goesOn`: asked before
 * each range but the first, so that a caller who cannot wait gets a run that has not ended
 */
export async function scoreEverybody(
  registry: Registry,
  card: Card,
  day: string,
  options: {
    readonly progress?: (people: number, done: number, of: number) => void;
    readonly goesOn?: () => boolean;
  } = {},
): Promise<ScoringRun> {
  const run = await openRun(registry, card, day);
  let people = run.people;
  const ranges = peopleInRanges(run.ranges);
  for (const [at, range] of ranges.entries()) {
    if (at < run.ranges_done || run.ended_at !== null) continue;
    if (at > run.ranges_done && options.goesOn?.() === false)
      return { ...run, people, ranges_done: at };
    people += await registry.db.transaction(async (session) => {
      await planForRange(session);
      // sql: made of constants, and of a checked card by scoreSql.
      const { affected } = await session.query(
        `insert into score (subject_id, run_id, score)
         with ${CHARACTERISTIC_PARTS}
         select subject_id, $${CHARACTERISTICS_PARAMS + 1}::uuid, score from (${scoresOf(card)}) s`,
        [...characteristicsParams(registry, day, range), run.run_id],
      );
      const { affected: marked } = await session.query(
        `update scoring_run set ranges_done = $2, people = people + $3
         where run_id = $1 and ranges_done = $2 - 1`,
        [run.run_id, at + 1, affected],
      );
      if (marked === 0) throw new AssentError('scoring_run_busy');
      return affected;
    });
    options.progress?.(people, at + 1, ranges.length);
  }
  // sql: COLUMNS is the constant above.
  const { rows } = await registry.db.query<ScoringRun>(
    `update scoring_run set ended_at = coalesce(ended_at, $2) where run_id = $1
     returning ${COLUMNS}`,
    [run.run_id, registry.now()],
  );
  return rows[0] ?? run;
}
