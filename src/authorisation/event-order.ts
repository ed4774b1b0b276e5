/**
 * The order of events in time: what an event from outside must be so that it can be believed.
 *
 * What must stay true: an event follows the one before it, in kind and in time, and none lies in
 * the future; each of the three wrongs has a code of its own. Source: design.md 6, lessons 14.
 */
import { type AuthorisationEvent, fold, isInstant } from './record.ts';

/** How far another clock may run ahead of ours, in milliseconds. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export interface EventFault {
  readonly seq: number;
  readonly code: 'event_not_next' | 'event_backdated' | 'event_in_future';
  readonly field: 'event' | 'event_at';
  readonly problem: string;
}

/** The state before event number `seq`, in words. */
function stateBefore(events: readonly AuthorisationEvent[], seq: number): string {
  const folded = fold(events.slice(0, seq - 1));
  return folded.ok ? folded.state : 'nothing';
}

/**
 * The first event that is out of order, with what is wrong; null when all are in order. A time
 * that is none is the business of `eventProblems`. The events of one party come in the order of
 * time; two parties hear of each other's late, so one may overtake the other's (`fold`).
 */
export function eventFault(events: readonly AuthorisationEvent[], now: Date): EventFault | null {
  const latest = new Date(now.getTime() + CLOCK_SKEW_MS).toISOString();
  const folded = fold(events);
  const newest = new Map<string, string>();
  for (const { seq, type, at, by_party } of events) {
    if (!folded.ok && folded.seq === seq) {
      const problem = `${type} may not follow ${stateBefore(events, seq)}`;
      return { seq, code: 'event_not_next', field: 'event', problem };
    }
    if (!isInstant(at)) return null;
    if (at < (newest.get(by_party) ?? '')) {
      const problem = 'is earlier than the event before it';
      return { seq, code: 'event_backdated', field: 'event_at', problem };
    }
    if (at > latest) {
      const problem = 'lies more than five minutes in the future';
      return { seq, code: 'event_in_future', field: 'event_at', problem };
    }
    newest.set(by_party, at);
  }
  return null;
}
