/**
 * The oracle of renewals: whether one approval may take the place of another, from what happened
 * to that one and from what the new one was made with.
 *
 * What must stay true: nothing of `src/` is imported. Whether a record reaches further is not
 * compared here: who made it knows. Source: docs/LIFE_CYCLE.md, PIPL 14 and 23, lessons 17.
 */
import { type Happening, stateAfter } from './oracle.ts';

export interface Renewal {
  /** When the person, or the lender for them, said yes to it. */
  readonly given: string;
  /** It reaches further than the one before, or is about something else that must stay. */
  readonly isFurther: boolean;
  readonly isOther: boolean;
  /** A proof of its own, of a notice shown after the earlier yes and before this one. */
  readonly isAnsweredAnew: boolean;
}

/** @param old what is known of the one before, in order @param isTaken its place has another */
export function mayTakePlace(next: Renewal, old: readonly Happening[], isTaken: boolean): boolean {
  if (next.isOther || isTaken) return false;
  // Nobody ever said yes to it.
  if (!old.some(({ type }) => type === 'given')) return false;
  const before = old.filter(({ type }) => type !== 'superseded');
  const state = stateAfter(before.map(({ type }) => type));
  // An answer counts only after what the person, or anybody, did since: above all a withdrawal.
  const isLate = before.some(({ at }) => at > next.given);
  if (isLate && ['given', 'paused', 'withdrawn'].includes(state)) return false;
  if (next.isAnsweredAnew) return true;
  // What was paused or ended does not come back by the lender's hand.
  return state === 'given' && !next.isFurther;
}
