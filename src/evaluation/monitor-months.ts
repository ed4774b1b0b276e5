/**
 * A card watched month by month: stability of the score and of each characteristic of everybody on
 * the last day of each month, and, of months whose year is over, how those who were scored then
 * turned out. Pure.
 *
 * What must stay true: what is counted are scores and bins, of nobody by name, so memory does not
 * grow with people; a month without an outcome has none and says so; what too few people say is
 * `unknown`.
 * Source: domain facts 5.4; the limits are those of monitor.ts.
 */
import { binsOf, type Card } from './card.ts';
import type { CharacteristicValues } from './catalogue.ts';
import { isThin } from './evaluate.ts';
import { aucInterval, type ScoreCount } from './measure.ts';
import {
  type Band,
  binIndex,
  calibrationBands,
  calibrationLight,
  characteristicStability,
  type Light,
  type Performance,
  performanceOf,
  rankReversals,
  type Stability,
} from './monitor.ts';
import { stabilityToCard } from './monitor-table.ts';
import { scoreRecord } from './score.ts';

/** What became of a person within the year; null: it is not over, or nothing can be said. */
export type Turned = 'good' | 'bad' | null;

/** People of one day, counted by score and by bin. */
export class MonthCounts {
  readonly #card: Card;
  readonly #scores = new Map<number, { people: number; good: number; bad: number }>();
  readonly #bins: number[][];

  constructor(card: Card) {
    this.#card = card;
    this.#bins = card.characteristics.map((each) => binsOf(each).map(() => 0));
  }

  /** Counts one person; one whom the card is not for counts nowhere. */
  add(values: CharacteristicValues, turned: Turned): void {
    const card = this.#card;
    if (isThin(values) !== (card.kind === 'thin')) return;
    const { score } = scoreRecord(card, values);
    const own = this.#scores.get(score) ?? { people: 0, good: 0, bad: 0 };
    own.people += 1;
    if (turned !== null) own[turned] += 1;
    this.#scores.set(score, own);
    card.characteristics.forEach((each, at) => {
      const bin = binIndex(each, values[each.name] ?? null);
      const bins = this.#bins[at];
      if (bins) bins[bin] = (bins[bin] ?? 0) + 1;
    });
  }

  #listed(of: 'people' | 'good' | 'bad'): Float64Array {
    const all = [...this.#scores].sort(([left], [right]) => left - right);
    const list = new Float64Array(all.reduce((sum, [, counts]) => sum + counts[of], 0));
    let at = 0;
    for (const [score, counts] of all) {
      list.fill(score, at, at + counts[of]);
      at += counts[of];
    }
    return list;
  }

  /** Everybody who was counted, against the people of the fit. */
  stability(): Pick<MonthFigures, 'people' | 'score' | 'characteristics'> {
    const scores = this.#listed('people');
    return {
      people: scores.length,
      score: stabilityToCard(this.#card, scores),
      characteristics: this.#card.characteristics.map((each, at) => ({
        characteristic: each.name,
        ...characteristicStability(
          binsOf(each).map(({ count }) => count),
          this.#bins[at] ?? [],
        ),
      })),
    };
  }

  /** How those turned out of whom it is known. */
  outcome(): OutcomeFigures {
    const [good, bad] = [this.#listed('good'), this.#listed('bad')];
    const scores = new Float64Array(good.length + bad.length);
    scores.set(good);
    scores.set(bad, good.length);
    const target = new Uint8Array(scores.length).fill(1, good.length);
    const bands = calibrationBands(this.#card, scores, target);
    const expected = bands.reduce((sum, each) => sum + each.expected * each.people, 0);
    const ratio = bad.length / expected;
    const counts = [...this.#scores].map(([score, each]): ScoreCount => ({ score, ...each }));
    return {
      people: scores.length,
      bad: bad.length,
      expected,
      ratio,
      calibration: calibrationLight(ratio, bad.length, expected),
      performance: performanceOf(scores, target, this.#card.training.auc_e4),
      auc_interval: aucInterval(counts),
      bands,
      reversals: rankReversals(bands),
    };
  }
}

export interface OutcomeFigures {
  readonly people: number;
  readonly bad: number;
  /** Bad ones by the card's probabilities. */
  readonly expected: number;
  /** Observed over expected, of all bands together. */
  readonly ratio: number;
  readonly calibration: Light;
  readonly performance: Performance;
  /** Of 95 %. */
  readonly auc_interval: { readonly from: number; readonly upto: number };
  readonly bands: readonly Band[];
  readonly reversals: number;
}

export interface MonthFigures {
  /** `YYYY-MM` */
  readonly period: string;
  /** Its last day: as of then people were scored. */
  readonly day: string;
  readonly people: number;
  /** PSI against the people of the fit. */
  readonly score: Stability;
  /** CSI of each, in the order of the card. */
  readonly characteristics: readonly (Stability & { readonly characteristic: string })[];
  /** Null: the twelve months after it are not over. */
  readonly outcome: OutcomeFigures | null;
}

/** The characteristic that moved the most; null: the card reads none. */
export function mostMoved({
  characteristics,
}: Pick<MonthFigures, 'characteristics'>): MonthFigures['characteristics'][number] | null {
  return characteristics.reduce<MonthFigures['characteristics'][number] | null>(
    (most, each) => (most === null || each.psi > most.psi ? each : most),
    null,
  );
}
