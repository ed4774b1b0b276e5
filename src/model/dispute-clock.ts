/**
 * The clocks of a dispute: when it must be with the furnisher, when the furnisher must have
 * answered, when the person must have the registry's answer.
 *
 * What must stay true: a clock begins once, at the opening, and only an extension moves it, later
 * and once; due moments are in order. Days are of 24 hours in UTC; business days are Monday to
 * Friday, as holidays are not known here: the furnisher and the registry have less time for them.
 * Source: FCRA 611 (U7), Order 631 article 25 (C8), RBI 2025 (I2); domain facts 2.6.
 */

const DAY_MS = 86_400_000;
const SUNDAY = 0;
const SATURDAY = 6;

/** So many days of 24 hours later; days on a weekend are not counted where `business`. */
export function addDays(from: Date, days: number, business: boolean): Date {
  if (!business) return new Date(from.getTime() + days * DAY_MS);
  let at = from;
  for (let counted = 0; counted < days; ) {
    at = new Date(at.getTime() + DAY_MS);
    if (at.getUTCDay() !== SUNDAY && at.getUTCDay() !== SATURDAY) counted += 1;
  }
  return at;
}

export interface ClockRules {
  readonly forward: { readonly days: number; readonly business: boolean };
  /** The furnisher's share, the answer to the person, an extension of both; in days. */
  readonly furnisher: number;
  readonly answer: number;
  readonly extension: number;
  readonly business: boolean;
}

export interface DueMoments {
  readonly forward_due_at: Date;
  readonly furnisher_due_at: Date;
  readonly answer_due_at: Date;
}

/** When each stage of a dispute that opened then is due. */
export function dueMoments(openedAt: Date, rules: ClockRules): DueMoments {
  const furnisher = addDays(openedAt, rules.furnisher, rules.business);
  const forward = addDays(openedAt, rules.forward.days, rules.forward.business);
  return {
    // Where the share is so short, forwarding cannot take all of it.
    forward_due_at: new Date(Math.min(forward.getTime(), furnisher.getTime())),
    furnisher_due_at: furnisher,
    answer_due_at: addDays(openedAt, rules.answer, rules.business),
  };
}

/**
 * The same of a letter that was received before it was entered: the person's answer is due by when
 * it came; the furnisher has its share from now, as far as that leaves it, a day at least.
 */
export function lateMoments(receivedAt: Date, now: Date, rules: ClockRules): DueMoments {
  const { answer_due_at } = dueMoments(receivedAt, rules);
  const fresh = dueMoments(now, rules);
  const latest = Math.max(answer_due_at.getTime(), now.getTime() + DAY_MS);
  const furnisher = Math.min(fresh.furnisher_due_at.getTime(), latest);
  return {
    forward_due_at: new Date(Math.min(fresh.forward_due_at.getTime(), furnisher)),
    furnisher_due_at: new Date(furnisher),
    answer_due_at,
  };
}

/** When the answer is due after an extension, of which there is one; null where there is none. */
export function extended(answerDueAt: Date, rules: ClockRules): Date | null {
  return rules.extension === 0 ? null : addDays(answerDueAt, rules.extension, rules.business);
}

/** Whole days begun between two moments; 0 when the second is not later. */
export function daysLate(dueAt: Date, endedAt: Date): number {
  return Math.max(0, Math.ceil((endedAt.getTime() - dueAt.getTime()) / DAY_MS));
}
