/**
 * The order of events in time: what an event from outside must be so that it can be believed.
 *
 * What must stay true: an event follows the one before it, in kind and in time, and none lies in
 * the future; each of the three wrongs has a code of its own. Source: design.md 6, lessons 14.
 */
import { type AuthorisationEvent, EVENT_STATES, isInstant, NEXT_EVENTS } from './record.ts';

/** How far another clock may run ahead of ours, in milliseconds. */
export const CLOCK_SKEW_MS = 5 * 60_000;

export interface EventFault {
  readonly seq: number;
  readonly code: 'event_not_next' | 'event_backdated' | 'event_in_future';
  readonly field: 'event' | 'event_at';
  readonly problem: string;
}

/**
 * The first event that is out of order, with what is wrong; null when all are in order. A time
 * that is none is the business of `eventProblems`.
 */
export function eventFault(events: readonly AuthorisationEvent[], now: Date): EventFault | null {
  const latest = new Date(now.getTime() + CLOCK_SKEW_MS).toISOString();
  let [state, before] = ['', ''];
  for (const { seq, type, at } of events) {
    if (NEXT_EVENTS[state]?.includes(type) !== true) {
      const problem = `${type} may not follow ${state === '' ? 'nothing' : state}`;
      return { seq, code: 'event_not_next', field: 'event', problem };
    }
    if (!isInstant(at)) return null;
    if (at < before) {
      const problem = 'is earlier than the event before it';
      return { seq, code: 'event_backdated', field: 'event_at', problem };
    }
    if (at > latest) {
      const problem = 'lies more than five minutes in the future';
      return { seq, code: 'event_in_future', field: 'event_at', problem };
    }
    [state, before] = [EVENT_STATES[type], at];
  }
  return null;
}
