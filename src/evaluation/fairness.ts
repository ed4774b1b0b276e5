/**
 * Fairness by group of a protected column, which is never an input.
 *
 * What must stay true: no group is flagged below 100 people and 200 bad ones, for a group of
 * fourteen "fails" by chance; the reference is the largest group, not the luckiest. Four-fifths
 * rule: 29 CFR 1607.4(D). Separation as the criterion: Kozodoi, Jacob, Lessmann, EJOR 2022.
 */
import { discrimination } from './measure.ts';
import { bandEnds } from './monitor.ts';
import { textsOf } from './sample.ts';
import type { Column } from './table.ts';

export interface GroupFigures {
  readonly group: string;
  readonly people: number;
  readonly bad: number;
  readonly bad_rate: number;
  readonly approved: number;
  /** Approval over that of the reference group. */
  readonly approval_ratio: number;
  /** Approved among the good ones, less that of the reference group. */
  readonly opportunity_difference: number;
  readonly auc: number;
  /** Observed over expected bad ones. */
  readonly calibration: number;
  readonly is_large_enough: boolean;
  readonly flags: readonly string[];
}

export interface Fairness {
  readonly column: string;
  readonly reference: string;
  readonly cut_off: number;
  readonly groups: readonly GroupFigures[];
}

export const FAIRNESS_LIMITS = {
  people: 100,
  bad: 200,
  approval_ratio: 0.8,
  opportunity: 0.1,
  calibration: 1.25,
  auc: 0.05,
} as const;
/** Groups of a number: quarters of the people; more groups of a category are too small to judge. */
const MOST_GROUPS = 12;

/** The group of every row. Numbers with many values, such as an age, are cut into quarters. */
function groupsOf(column: Column): { labels: string[]; codes: Int32Array } {
  const texts = textsOf(column);
  if (texts.labels.length <= MOST_GROUPS) return texts;
  if (column.kind === 'number') {
    const known = column.values.filter((value) => !Number.isNaN(value));
    const ends = bandEnds(known, 4);
    const unit = 10 ** column.decimals;
    const labels = [...ends, null].map((end, at) => {
      const from = at === 0 ? null : (ends[at - 1] ?? 0) / unit;
      if (from === null) return `up to ${(end ?? 0) / unit}`;
      return end === null ? `over ${from}` : `over ${from} to ${end / unit}`;
    });
    const codes = Int32Array.from(column.values, (value) => {
      if (Number.isNaN(value)) return -1;
      const at = ends.findIndex((end) => value <= end);
      return at < 0 ? ends.length : at;
    });
    return { labels, codes };
  }
  const counts = new Float64Array(texts.labels.length);
  for (const code of texts.codes) if (code >= 0) counts[code] = (counts[code] as number) + 1;
  const kept = [...counts.keys()]
    .sort((a, b) => (counts[b] as number) - (counts[a] as number))
    .slice(0, MOST_GROUPS - 1);
  const labels = [...kept.map((code) => texts.labels[code] ?? ''), 'all others'];
  const codes = texts.codes.map((code) => {
    if (code < 0) return -1;
    const at = kept.indexOf(code);
    return at < 0 ? kept.length : at;
  });
  return { labels, codes };
}

function flagsOf(own: Omit<GroupFigures, 'flags'>, auc: number): string[] {
  if (!own.is_large_enough) return [];
  const { approval_ratio, opportunity, calibration } = FAIRNESS_LIMITS;
  return [
    ...(own.approval_ratio < approval_ratio ? ['approval below four fifths'] : []),
    ...(own.opportunity_difference < -opportunity ? ['good ones approved less often'] : []),
    ...(Math.max(own.calibration, 1 / own.calibration) > calibration ? ['probability is off'] : []),
    ...(auc - own.auc > FAIRNESS_LIMITS.auc ? ['the score tells less here'] : []),
  ];
}

/**
 * @param scores of every row
 * @param expected probability of bad of every row
 * @param cutOff approved is who scores this or more
 */
export function fairnessOf(
  column: Column,
  scores: Float64Array,
  expected: Float64Array,
  target: Uint8Array,
  cutOff: number,
): Fairness {
  const { labels, codes } = groupsOf(column);
  const rowsOf = labels.map((_, code) =>
    Uint32Array.from(codes.keys()).filter((row) => codes[row] === code),
  );
  const largest = rowsOf.reduce(
    (best, rows, at) => (rows.length > (rowsOf[best]?.length ?? 0) ? at : best),
    0,
  );
  const figures = rowsOf.map((rows) => {
    let bad = 0;
    let approved = 0;
    let approvedGood = 0;
    let wanted = 0;
    for (const row of rows) {
      const isApproved = (scores[row] as number) >= cutOff;
      bad += target[row] as number;
      wanted += expected[row] as number;
      if (isApproved) approved += 1;
      if (isApproved && target[row] === 0) approvedGood += 1;
    }
    const risk = Float64Array.from(rows, (row) => -(scores[row] as number));
    const { auc } = discrimination(
      risk,
      Uint8Array.from(rows, (row) => target[row] as number),
    );
    const people = rows.length;
    return {
      people,
      bad,
      approved: approved / people,
      opportunity: approvedGood / (people - bad),
      auc,
      calibration: bad / wanted,
    };
  });
  const reference = figures[largest];
  const groups = figures.map(({ opportunity, ...own }, at) => {
    const group = {
      ...own,
      group: labels[at] ?? '',
      bad_rate: own.bad / own.people,
      approval_ratio: own.approved / (reference?.approved ?? Number.NaN),
      opportunity_difference: opportunity - (reference?.opportunity ?? Number.NaN),
      is_large_enough: own.people >= FAIRNESS_LIMITS.people && own.bad >= FAIRNESS_LIMITS.bad,
    };
    return { ...group, flags: flagsOf(group, reference?.auc ?? Number.NaN) };
  });
  const shown = groups.filter(({ people }) => people > 0).sort((a, b) => b.people - a.people);
  return { column: column.name, reference: labels[largest] ?? '', cut_off: cutOff, groups: shown };
}
