/**
 * Seeded numbers for folds and bags: the same seed gives the same card on every machine.
 * The generator is mulberry32 (public domain, T. Ettinger); nothing here is a secret.
 */
export type Random = () => number;

/** Numbers in [0, 1). */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Puts numbers into a random order, in place (Fisher and Yates). */
export function shuffle(list: Uint32Array, random: Random): Uint32Array {
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    const kept = list[at] as number;
    list[at] = list[other] as number;
    list[other] = kept;
  }
  return list;
}

/**
 * The fold of each row, stratified: every fold has its share of the bad ones, within one.
 * @param among rows to divide; others get 255
 */
export function foldsOf(
  target: Uint8Array,
  folds: number,
  random: Random,
  among: Uint32Array = Uint32Array.from(target.keys()),
): Uint8Array {
  const fold = new Uint8Array(target.length).fill(255);
  let next = 0;
  for (const side of [0, 1]) {
    const rows = shuffle(
      among.filter((row) => target[row] === side),
      random,
    );
    for (const row of rows) {
      fold[row] = next % folds;
      next += 1;
    }
  }
  return fold;
}
