/**
 * The evaluation of one person: a score with its reasons, the debt burden now and with a new loan,
 * exposure over all lenders, velocity, and how much is known.
 *
 * What must stay true: pure, and whole numbers only, so the same facts and cards give the same
 * bytes; what is unknown gives no score, never a low one; a history that is incomplete by the
 * person's own choice costs no point and is said; no reason names a lender.
 * Source: domain facts 5.1 to 5.5; U9, U10, C15, C23, E3.
 */
import type { FileFacts } from '../model/file-facts.ts';
import { type FileSummary, summaryOf } from '../model/file-summary.ts';
import { statusOf, type ThinBelow } from '../model/report-document.ts';
import { type Application, type Burden, burdenOf } from './affordability.ts';
import { type Card, cardDigest } from './card.ts';
import type { CharacteristicValues } from './catalogue.ts';
import { characteristicsOf } from './characteristics-of.ts';
import { type GivenReason, scoreRecord } from './score.ts';

/** Less than so many months of history, or of months shown, is a thin file. */
export const THIN_MONTHS = 6;

export const SUFFICIENCIES = ['no_hit', 'thin', 'scored', 'suppressed'] as const;
/**
 * `no_hit`: nothing is held; `suppressed`: the person holds enquirers off, disputes something, or
 * nothing of what is held may be shown; `thin`: scored by the card for thin files, or not at all
 * where there is none; `scored`: by the full card.
 */
export type Sufficiency = (typeof SUFFICIENCIES)[number];

/** What an evaluation stands on; kept sealed, so that it can be made again. */
export interface EvaluationFacts {
  readonly facts: FileFacts;
  readonly thin: ThinBelow;
  /** Days within which looks of one enquirer for one purpose count once. */
  readonly counts_once_days: number;
  /** Null: no loan is asked for. */
  readonly application: Application | null;
}

/** The cards in force; a missing one is a gap and gives no score. */
export interface Cards {
  readonly full: Card | null;
  readonly thin: Card | null;
}

export interface Score {
  readonly value: number;
  readonly range: { readonly from: number; readonly to: number };
  readonly scale: { readonly lowest: number; readonly highest: number };
  readonly day: string;
  /** Probability of what the card predicts, in a million. */
  readonly bad_ppm: number;
  readonly bad_means: string;
  readonly reasons: readonly GivenReason[];
  readonly scorecard: {
    readonly id: string;
    readonly version: number;
    readonly kind: 'full' | 'thin';
    readonly sha256: string;
  };
}

export interface Evaluation {
  readonly evaluation_version: 1;
  readonly day: string;
  readonly sufficiency: Sufficiency;
  readonly score: Score | null;
  readonly burden: Burden | null;
  /** Across lenders, by currency: limits, used, unused, balances, due per month, arrears. */
  readonly exposure: FileSummary['amounts'];
  readonly lenders: number;
  /** Looks for new credit, by window of months; repeats of one lender count once. */
  readonly velocity: FileSummary['enquiries']['new_credit'];
  /** Fields that the person disputes. */
  readonly claims_open: number;
  readonly incomplete_since: string | null;
}

/** How much is known of a file. @param values null: nothing of it is shown */
export function sufficiencyOf(
  { facts, thin }: Pick<EvaluationFacts, 'facts' | 'thin'>,
  values: CharacteristicValues | null,
): Sufficiency {
  const { status } = statusOf(facts, thin);
  if (status === 'no_hit' || status === 'suppressed') return status;
  return values === null || isThin(values) ? 'thin' : 'scored';
}

/** The card for thin files is the one for these. */
export function isThin(values: CharacteristicValues): boolean {
  return Math.min(values['file_age'] ?? 0, values['months_shown'] ?? 0) < THIN_MONTHS;
}

/** @throws characteristic_invalid: the card reads what the registry does not compute */
export function scoreOf(card: Card, values: CharacteristicValues, day: string): Score {
  const scored = scoreRecord(card, values);
  return {
    value: scored.score,
    range: scored.range,
    scale: { lowest: card.scale.lowest, highest: card.scale.highest },
    day,
    bad_ppm: scored.bad_ppm,
    bad_means: card.bad_means,
    reasons: scored.reasons,
    scorecard: {
      id: card.name,
      version: card.version,
      kind: card.kind,
      sha256: cardDigest(card),
    },
  };
}

/** The whole evaluation. @throws characteristic_invalid: a card reads what is not computed */
export function evaluate(on: EvaluationFacts, cards: Cards): Evaluation {
  const { facts, application } = on;
  const day = facts.at.slice(0, 10);
  const values = characteristicsOf(facts);
  const sufficiency = sufficiencyOf(on, values);
  const card = { scored: cards.full, thin: cards.thin, no_hit: null, suppressed: null }[
    sufficiency
  ];
  const summary = summaryOf(facts, on.counts_once_days);
  return {
    evaluation_version: 1,
    day,
    sufficiency,
    score: card && values ? scoreOf(card, values, day) : null,
    burden: application ? burdenOf(facts.accounts, application) : null,
    exposure: summary.amounts,
    lenders: summary.lenders,
    velocity: summary.enquiries.new_credit,
    claims_open:
      facts.claims.length + facts.accounts.reduce((total, { claims }) => total + claims.length, 0),
    incomplete_since: facts.incomplete_since,
  };
}

/** What the score would be if one thing changed. */
export interface WhatIf {
  readonly characteristic: string;
  readonly value: number | null;
  readonly score: number;
  /** Points more, or fewer, than now. */
  readonly gain: number;
}

/**
 * Scores changed facts: what a person could do, one change or several at once. Only what the card
 * reads may be changed.
 * @throws characteristic_invalid
 */
export function simulate(
  card: Card,
  values: CharacteristicValues,
  changes: CharacteristicValues,
): { readonly now: number; readonly changed: number } {
  return {
    now: scoreRecord(card, values).score,
    changed: scoreRecord(card, { ...values, ...changes }).score,
  };
}

/** A value in the bin of a characteristic that gives the most points, nearest to the one now. */
function bestValue(each: Card['characteristics'][number], now: number): number | null {
  if (each.kind !== 'number') return null;
  const best = Math.max(...each.bins.map(({ points }) => points));
  const inBest = each.bins.flatMap(({ points, upto }, at) => {
    if (points < best) return [];
    const from = at === 0 ? (upto ?? now) : (each.bins[at - 1]?.upto ?? 0) + 1;
    return [Math.max(from, Math.min(now, upto ?? now))];
  });
  inBest.sort((a, b) => Math.abs(a - now) - Math.abs(b - now));
  return inBest[0] ?? null;
}

/**
 * What would win the most points, one characteristic at a time, of those that a person can do
 * something about; the best first, at most so many.
 */
export function improvements(card: Card, values: CharacteristicValues, most = 4): WhatIf[] {
  const { score } = scoreRecord(card, values);
  const found = card.characteristics.flatMap((each): WhatIf[] => {
    const now = values[each.name];
    if (typeof now !== 'number' || each.reason.texts.en.improve === '') return [];
    const value = bestValue(each, now);
    const then = scoreRecord(card, { ...values, [each.name]: value }).score;
    return then > score
      ? [{ characteristic: each.name, value, score: then, gain: then - score }]
      : [];
  });
  return found.sort((a, b) => b.gain - a.gain).slice(0, most);
}
