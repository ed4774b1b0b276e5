/**
 * A card tried on everybody in the store before it decides about anybody.
 *
 * What must stay true: nothing of a person leaves: what comes back are counts. People are read a
 * range of ids at a time, so memory does not grow with the store.
 */
import type { Card } from '../evaluation/card.ts';
import { THIN_MONTHS } from '../evaluation/evaluate.ts';
import { LIMITS } from '../evaluation/monitor.ts';
import { scoreRecord } from '../evaluation/score.ts';
import { scoreSql } from '../evaluation/score-sql.ts';
import {
  CHARACTERISTIC_PARTS,
  CHARACTERISTICS_PARAMS,
  characteristicsParams,
  type People,
  peopleInRanges,
  queryRange,
  rangesOfEverybody,
} from './characteristics.ts';
import type { Registry } from './registry.ts';

export interface Canary {
  /** Whom both cards score. */
  readonly people: number;
  readonly moved: number;
  /** The most that any score moved. */
  readonly most: number;
  readonly is_blocked: boolean;
}

const dayOf = (registry: Registry) => registry.now().toISOString().slice(0, 10);

/** A select of (subject_id, score, points_total) over those of `characteristic` a card is for. */
export function scoresOf(card: Card): string {
  const isThin = `least(coalesce(file_age, 0), months_shown) < ${THIN_MONTHS}`;
  // sql: made of constants; the names of the card are quoted by scoreSql.
  const from = `(select * from characteristic
    where (${isThin}) = ${card.kind === 'thin'}) as characteristic`;
  return scoreSql(card, { from, key: ['subject_id'] }).text;
}

/** How many people SQL and TypeScript score differently: none, or the card must not decide. */
export async function holdsInSql(registry: Registry, card: Card): Promise<number> {
  let differing = 0;
  for (const people of peopleInRanges(await rangesOfEverybody(registry))) {
    // sql: made of constants, and of a checked card by scoreSql.
    const rows = await queryRange<Record<string, number | null>>(
      registry,
      `with ${CHARACTERISTIC_PARTS}
       select c.*, s.points_total from characteristic c join (${scoresOf(card)}) s using (subject_id)`,
      characteristicsParams(registry, dayOf(registry), people),
    );
    differing += rows.filter(
      ({ points_total, ...values }) => scoreRecord(card, values).points_total !== points_total,
    ).length;
  }
  return differing;
}

async function compareRange(registry: Registry, left: Card, right: Card, people: People) {
  // sql: made of constants, and of checked cards by scoreSql.
  const [row] = await queryRange<{ people: number; moved: number; most: number | null }>(
    registry,
    `with ${CHARACTERISTIC_PARTS}
     select count(*) as people,
       count(*) filter (where abs(l.score - r.score) > $${CHARACTERISTICS_PARAMS + 1}::int) as moved,
       max(abs(l.score - r.score)) as most
     from (${scoresOf(left)}) l join (${scoresOf(right)}) r using (subject_id)`,
    [...characteristicsParams(registry, dayOf(registry), people), LIMITS.canary.points],
  );
  return row ?? { people: 0, moved: 0, most: 0 };
}

/** How far everybody's score moves from one card to another of its kind. */
export async function compareOnEverybody(
  registry: Registry,
  before: Card,
  after: Card,
): Promise<Canary> {
  let [people, moved, most] = [0, 0, 0];
  for (const range of peopleInRanges(await rangesOfEverybody(registry))) {
    const found = await compareRange(registry, before, after, range);
    people += found.people;
    moved += found.moved;
    most = Math.max(most, found.most ?? 0);
  }
  return { people, moved, most, is_blocked: moved > people * LIMITS.canary.share };
}
