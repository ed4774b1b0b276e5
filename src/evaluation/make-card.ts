/**
 * The card of a model: bins with their facts, directions, reasons.
 *
 * What must stay true: a row scored by the card has the points that the model's codes give it (a
 * property test), so what was validated is what is stored.
 */
import type { Characteristic, Direction } from './card.ts';
import { woeOf } from './optimal-bins.ts';
import type { PointedPart } from './points.ts';
import { reasonFor, type WordsFile } from './reason-words.ts';
import type { Column } from './table.ts';

interface Facts {
  points: number;
  count: number;
  bad: number;
  woe_e4: number;
}

/** Facts of every bin, in the order of the groups. */
function factsOf({ part, groups, points }: PointedPart, target: Uint8Array): Facts[] {
  const size = (groups.at(-1) ?? 0) + 1;
  const facts = Array.from({ length: size }, () => ({ points: 0, count: 0, bad: 0, woe_e4: 0 }));
  for (const [code, group] of groups.entries()) {
    const own = facts[group];
    if (own) own.points = points[code] as number;
  }
  const { codes } = part.bins;
  for (let row = 0; row < target.length; row += 1) {
    const own = facts[groups[codes[row] as number] as number] as Facts;
    own.count += 1;
    own.bad += target[row] as number;
  }
  const bad = facts.reduce((sum, own) => sum + own.bad, 0);
  const good = target.length - bad;
  for (const own of facts)
    own.woe_e4 =
      own.count === 0 ? 0 : Math.round(1e4 * woeOf(own.count - own.bad, own.bad, good, bad));
  return facts;
}

const DIRECTION = { [-1]: 'more_is_better', 0: 'free', 1: 'more_is_worse' } as const;

/** @param target of all rows that the bins are to count */
export function characteristicOf(
  pointed: PointedPart,
  column: Column,
  target: Uint8Array,
  words: WordsFile,
): Characteristic {
  const { bins, sign } = pointed.part;
  const facts = factsOf(pointed, target);
  const missing = facts.at(-1) as Facts;
  const { name } = bins;
  if (bins.kind === 'category' || column.kind === 'category') {
    const plain = facts.slice(0, -2).map((own, group) => ({
      values: bins.labels.filter((_, code) => pointed.groups[code] === group),
      ...own,
    }));
    const reason = reasonFor(name, 'category', words);
    return { kind: 'category', name, bins: plain, other: facts.at(-2) as Facts, missing, reason };
  }
  const direction: Direction = DIRECTION[sign];
  const plain = facts.slice(0, -1).map((own, group) => {
    const last = pointed.groups.lastIndexOf(group);
    return { upto: last < bins.edges.length ? (bins.edges[last] as number) : null, ...own };
  });
  const reason = reasonFor(name, direction, words);
  return {
    kind: 'number',
    name,
    decimals: column.decimals,
    direction,
    bins: plain,
    missing,
    reason,
  };
}
