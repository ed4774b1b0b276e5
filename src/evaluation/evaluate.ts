/**
 * The evaluation of one person: a score with its reasons, the debt burden now and with a new loan,
 * exposure over all lenders, velocity, and how much is known.
 *
 * What must stay true: pure, and whole numbers only, so the same facts and cards give the same
 * bytes; what is unknown gives no score, never a low one; a history that is incomplete by the
 * person's own choice costs no point and is said; no reason names a lender.
 * Source: domain facts 5.1 to 5.5; U9, U10, C15, C23, E3.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Application, type Burden, burdenOf, type OpenAccount } from './affordability.ts';
import { type Card, cardDigest } from './card.ts';
import type { CharacteristicValues } from './catalogue.ts';
import { type GivenReason, scoreRecord } from './score.ts';

/** Less than so many months of history, or of months shown, is a thin file. */
export const THIN_MONTHS = 6;

export const SUFFICIENCIES = ['no_hit', 'thin', 'scored', 'suppressed'] as const;
/**
 * `no_hit`: nothing is held; `suppressed`: something is held and none of it may be shown; `thin`:
 * scored by the card for thin files, or not at all where there is none; `scored`: by the full card.
 */
export type Sufficiency = (typeof SUFFICIENCIES)[number];

export interface EvaluationFacts {
  /** `YYYY-MM-DD`: the day the file is read as of. */
  readonly day: string;
  /** Null: nothing of the person is shown. */
  readonly values: CharacteristicValues | null;
  /** Whether something is held that may not be shown. */
  readonly holds_hidden: boolean;
  readonly accounts: readonly OpenAccount[];
  /** Open claims of the person on what is shown. */
  readonly claims_open: number;
  /** Since when the history is incomplete by choice of the person, `YYYY-MM-DD`. */
  readonly incomplete_since: string | null;
  readonly application: Application | null;
}

/** The cards in force; a missing one is a gap and gives no score. */
export interface Cards {
  readonly full: Card | null;
  readonly thin: Card | null;
}

export interface Exposure {
  readonly currency: string;
  readonly open_accounts: number;
  readonly limit_minor: number;
  readonly used_minor: number;
  readonly unused_minor: number;
  readonly loans_minor: number;
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
  readonly exposure: readonly Exposure[];
  readonly lenders: number;
  /** Lenders that looked for new credit, by window. */
  readonly velocity: Readonly<Record<'1m' | '3m' | '6m' | '12m' | '24m', number>>;
  readonly claims_open: number;
  readonly incomplete_since: string | null;
}

const total = (values: readonly (number | null)[]) =>
  values.reduce<number>((sum, value) => sum + Math.max(value ?? 0, 0), 0);

/** Limits and what is used of them, by currency in alphabetical order. */
export function exposureOf(accounts: readonly OpenAccount[]): Exposure[] {
  const currencies = [...new Set(accounts.map(({ currency }) => currency))].sort();
  return currencies.map((currency) => {
    const own = accounts.filter((each) => each.currency === currency);
    const lines = own.filter(({ kind }) => kind === 'revolving_line');
    const loans = own.filter(({ kind }) => kind !== 'revolving_line');
    return {
      currency,
      open_accounts: own.length,
      limit_minor: total(lines.map((each) => each.limit_minor)),
      used_minor: total(lines.map((each) => each.balance_minor)),
      unused_minor: total(lines.map((each) => (each.limit_minor ?? 0) - each.balance_minor)),
      loans_minor: total(loans.map((each) => each.balance_minor)),
    };
  });
}

/** How much is known of a file. */
export function sufficiencyOf({
  values,
  holds_hidden,
}: Pick<EvaluationFacts, 'values' | 'holds_hidden'>): Sufficiency {
  if (values === null) return holds_hidden ? 'suppressed' : 'no_hit';
  const known = Math.min(values['file_age'] ?? 0, values['months_shown'] ?? 0);
  return known < THIN_MONTHS ? 'thin' : 'scored';
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

const WINDOWS = ['1m', '3m', '6m', '12m', '24m'] as const;

/** The whole evaluation. @throws characteristic_invalid */
export function evaluate(facts: EvaluationFacts, cards: Cards): Evaluation {
  const { values, day } = facts;
  const sufficiency = sufficiencyOf(facts);
  const card = { scored: cards.full, thin: cards.thin, no_hit: null, suppressed: null }[
    sufficiency
  ];
  const velocity = Object.fromEntries(
    WINDOWS.map((window) => [window, values?.[`enquiries_${window}`] ?? 0]),
  );
  return {
    evaluation_version: 1,
    day,
    sufficiency,
    score: card && values ? scoreOf(card, values, day) : null,
    burden: facts.application ? burdenOf(facts.accounts, facts.application) : null,
    exposure: exposureOf(facts.accounts),
    lenders: values?.['lenders'] ?? 0,
    velocity: velocity as Evaluation['velocity'],
    claims_open: facts.claims_open,
    incomplete_since: facts.incomplete_since,
  };
}

/** The canonical JSON (RFC 8785) of facts or of an evaluation, and its SHA-256 in hex. */
export function sealedForm(value: object): { readonly text: string; readonly sha256: string } {
  const text = canonicalize(value);
  if (text === undefined) throw new Error('facts hold nothing that JSON cannot');
  return { text, sha256: hash('sha256', text, 'hex') };
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
