/** Drawing one of several, each as often as its share says. */
import type { Seeded } from '../../src/world/seeded.ts';

/** What may be drawn, with its share; shares need not add up to one. */
export type Shares<T> = readonly (readonly [number, T])[];

/** One of the list; none, once in a very long time, where rounding leaves a gap at its end. */
export function drawn<T>(random: Seeded, list: Shares<T>): T | undefined {
  let at = random.unit() * list.reduce((sum, [share]) => sum + share, 0);
  for (const [share, each] of list) {
    at -= share;
    if (at < 0) return each;
  }
  return undefined;
}
