/**
 * Scoring one person by a card: points, score, range, probability, reasons.
 *
 * What must stay true: whole numbers only, so any machine and the SQL text of the card
 * (score-sql.ts) give the same; the points add up to the score before it is cut to the scale;
 * the points lost add up to the best possible score less that one.
 */
import { AssentError } from '../model/error.ts';
import { bestPoints, type Card, type Characteristic, type Reason } from './card.ts';

export type CharacteristicValue = number | string | null;
export type CharacteristicRecord = Readonly<Record<string, CharacteristicValue>>;

/** One reason why a score is not higher; never two from one characteristic. */
export interface GivenReason {
  readonly id: string;
  readonly characteristic: string;
  /** Points less than the best bin of the characteristic gives; above zero. */
  readonly points_lost: number;
  readonly texts: Reason['texts'];
}

export interface Scored {
  /** Cut to the scale of the card. */
  readonly score: number;
  /** Base and points added up, before the cut. */
  readonly points_total: number;
  readonly range: { readonly from: number; readonly to: number };
  /** Probability of bad, in a million. */
  readonly bad_ppm: number;
  readonly reasons: readonly GivenReason[];
  /** Of each characteristic, in the order of the card. */
  readonly points: readonly {
    readonly characteristic: string;
    readonly points: number;
    readonly points_lost: number;
  }[];
}

/** Reasons at most, and one more for enquiries that cost points (US: 15 USC 1681g(f)(9)). */
const PRINCIPAL_REASONS = 4;

function wrongValue(name: string, wanted: string): never {
  throw new AssentError('characteristic_invalid', { detail: `${name}: ${wanted} is wanted` });
}

/** Points of one value. @throws characteristic_invalid; the value is never named */
export function pointsOf(characteristic: Characteristic, value: CharacteristicValue): number {
  const { name } = characteristic;
  if (value === null) return characteristic.missing.points;
  if (characteristic.kind === 'category') {
    if (typeof value !== 'string') wrongValue(name, 'a text or null');
    const bin = characteristic.bins.find(({ values }) => values.includes(value));
    return (bin ?? characteristic.other).points;
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value))
    wrongValue(name, 'a whole number within ±(2^53 − 1) or null');
  const bin = characteristic.bins.find(({ upto }) => upto === null || value <= upto);
  if (!bin) throw new Error('the last bin has no end'); // parseCard has checked it.
  return bin.points;
}

const scoreOf = ({ scale }: Card, total: number) =>
  Math.max(scale.lowest, Math.min(scale.highest, total));

/** How far the score reaches to both sides, in points. @param value of the card's `range.by` */
function halfWidth({ range }: Card, value: CharacteristicValue): number {
  const [first] = range.steps;
  const step =
    typeof value === 'number'
      ? range.steps.find(({ upto }) => upto === null || value <= upto)
      : first;
  return step?.half_width ?? 0;
}

function reasonsOf(card: Card, points: Scored['points']): GivenReason[] {
  const lost = card.characteristics
    .map(({ name, reason }, at) => ({
      id: reason.id,
      characteristic: name,
      points_lost: points[at]?.points_lost ?? 0,
      texts: reason.texts,
      isEnquiries: reason.is_enquiries,
    }))
    .filter(({ points_lost }) => points_lost > 0)
    .sort((a, b) => b.points_lost - a.points_lost); // Stable: equals stay as in the card.
  const principal = lost.slice(0, PRINCIPAL_REASONS);
  const enquiries = lost.slice(PRINCIPAL_REASONS).find(({ isEnquiries }) => isEnquiries);
  const isFifth = enquiries && !principal.some(({ isEnquiries }) => isEnquiries);
  return [...principal, ...(isFifth ? [enquiries] : [])].map(
    ({ isEnquiries: _, ...reason }) => reason,
  );
}

/**
 * What a score by its points is: whoever scored in bulk by SQL gets reasons from here.
 * @param points of each characteristic, in the order of the card
 * @param rangeValue the value of the card's `range.by`; null when there is none
 */
export function explainPoints(
  card: Card,
  points: readonly number[],
  rangeValue: CharacteristicValue = null,
): Scored {
  if (points.length !== card.characteristics.length) throw new Error('points of another card');
  const each = card.characteristics.map((characteristic, at) => {
    const own = points[at] ?? 0;
    return {
      characteristic: characteristic.name,
      points: own,
      points_lost: bestPoints(characteristic) - own,
    };
  });
  const total = points.reduce((sum, own) => sum + own, card.base_points);
  const score = scoreOf(card, total);
  const width = halfWidth(card, rangeValue);
  return {
    score,
    points_total: total,
    range: { from: scoreOf(card, score - width), to: scoreOf(card, score + width) },
    bad_ppm: card.bad_ppm[score - card.scale.lowest] ?? 0,
    reasons: reasonsOf(card, each),
    points: each,
  };
}

/**
 * Scores one flat record of characteristics. Every characteristic of the card must be there, with
 * null for what is unknown: a name left out would quietly count as missing.
 * @throws characteristic_invalid
 */
export function scoreRecord(card: Card, record: CharacteristicRecord): Scored {
  const given = (name: string): CharacteristicValue =>
    Object.hasOwn(record, name) ? (record[name] ?? null) : wrongValue(name, 'a value, or null');
  const points = card.characteristics.map((each) => pointsOf(each, given(each.name)));
  return explainPoints(card, points, card.range.by === null ? null : given(card.range.by));
}
