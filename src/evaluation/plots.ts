/**
 * Plots of the report as inline SVG: no script, nothing fetched, text that can be read aloud.
 *
 * What must stay true: each plot has a title and a description; classes differ by pattern of
 * line or place, not by colour alone; it prints in black and white.
 */
import { type Html, html } from '../model/html.ts';
import type { CurvePoint } from './measure.ts';
import type { Band } from './monitor.ts';

const WIDTH = 460;
const HEIGHT = 300;
const LEFT = 48;
const RIGHT = 14;
const TOP = 14;
const BOTTOM = 42;
const INNER_WIDTH = WIDTH - LEFT - RIGHT;
const INNER_HEIGHT = HEIGHT - TOP - BOTTOM;

export interface Axis {
  readonly label: string;
  readonly least: number;
  readonly most: number;
  readonly show: (value: number) => string;
  /** Where the ticks stand; default: four to six round values. */
  readonly ticks?: readonly number[];
}

const at = (value: number, { least, most }: Axis) => (value - least) / (most - least || 1);
export const placeX = (value: number, axis: Axis) => LEFT + at(value, axis) * INNER_WIDTH;
export const placeY = (value: number, axis: Axis) => TOP + (1 - at(value, axis)) * INNER_HEIGHT;
export const round = (value: number) => Math.round(value * 10) / 10;

export const percentText = (share: number): string =>
  `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
const wholePercent = (share: number) => `${Math.round(share * 100)} %`;

/** Four to six round values between the ends, or those that the axis names. */
function ticks({ least, most, ticks: own }: Axis): readonly number[] {
  if (own) return own;
  const raw = (most - least) / 5;
  const power = 10 ** Math.floor(Math.log10(raw || 1));
  const step = ([1, 2, 2.5, 5, 10].find((each) => each * power >= raw) ?? 10) * power;
  const found: number[] = [];
  for (let value = Math.ceil(least / step) * step; value <= most + step / 1e6; value += step)
    found.push(value);
  return found;
}

/** One plot: axes with their ticks, and what is drawn inside. */
export function frame(title: string, description: string, x: Axis, y: Axis, inside: Html): Html {
  const bottom = TOP + INNER_HEIGHT;
  const rows = ticks(y).map((value) => {
    const place = round(placeY(value, y));
    return html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${place}" y2="${place}"/><text x="${LEFT - 6}" y="${place + 4}" text-anchor="end">${y.show(value)}</text>`;
  });
  const columns = ticks(x).map((value) => {
    const place = round(placeX(value, x));
    return html`<line class="tick" x1="${place}" x2="${place}" y1="${bottom}" y2="${bottom + 4}"/><text x="${place}" y="${bottom + 17}" text-anchor="middle">${x.show(value)}</text>`;
  });
  return html`<figure><figcaption>${title}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${`${title}. ${description}`}">${rows}${columns}<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${bottom}" y2="${bottom}"/>${inside}<text class="name" x="${LEFT + INNER_WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle">${x.label}</text><text class="name" transform="translate(11 ${TOP + INNER_HEIGHT / 2}) rotate(-90)" text-anchor="middle">${y.label}</text></svg><p class="small">${description}</p></figure>`;
}

/** A line through points, as the `d` of a path. */
export function path(points: readonly (readonly [number, number])[], x: Axis, y: Axis): string {
  return points
    .map(
      ([px, py], index) =>
        `${index === 0 ? 'M' : 'L'}${round(placeX(px, x))} ${round(placeY(py, y))}`,
    )
    .join('');
}

/** At most so many points of a curve: more cannot be seen. */
function thinned<T>(list: readonly T[], most = 200): T[] {
  const step = Math.max(1, Math.ceil(list.length / most));
  return list.filter((_, index) => index % step === 0 || index === list.length - 1);
}

const SHARE: Omit<Axis, 'label'> = { least: 0, most: 1, show: wholePercent };

export function rocPlot(curve: readonly CurvePoint[], auc: number): Html {
  const x: Axis = { ...SHARE, label: 'share of the good' };
  const y: Axis = { ...SHARE, label: 'share of the bad' };
  const points = [[0, 0] as const, ...thinned(curve).map(({ good, bad }) => [good, bad] as const)];
  const area = `${path(points, x, y)}L${placeX(1, x)} ${placeY(0, y)}Z`;
  const inside = html`<path class="area" d="${area}"/><path class="chance" d="${path(
    [
      [0, 0],
      [1, 1],
    ],
    x,
    y,
  )}"/><path class="main" d="${path(points, x, y)}"/>`;
  return frame(
    'ROC curve',
    `The area below is ${auc.toFixed(4)}; the broken line is chance (0.5).`,
    x,
    y,
    inside,
  );
}

/** Cumulative shares of both classes by score, and their greatest gap. */
export function ksPlot(scores: Float64Array, target: Uint8Array): Html {
  const sorted = scores.slice().sort();
  const x: Axis = {
    least: sorted[Math.floor(0.002 * sorted.length)] ?? 0,
    most: sorted[Math.ceil(0.998 * (sorted.length - 1))] ?? 1,
    label: 'score',
    show: String,
  };
  const y: Axis = { ...SHARE, label: 'share at or below the score' };
  const counts = new Map<number, [number, number]>();
  const totals: [number, number] = [0, 0];
  for (const [row, score] of scores.entries()) {
    const own = counts.get(score) ?? [0, 0];
    const side = target[row] as 0 | 1;
    own[side] += 1;
    totals[side] += 1;
    counts.set(score, own);
  }
  const sums: [number, number] = [0, 0];
  let gap = { score: 0, good: 0, bad: 0 };
  const points = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([score, [good, bad]]) => {
      sums[0] += good;
      sums[1] += bad;
      const point = { score, good: sums[0] / totals[0], bad: sums[1] / totals[1] };
      if (point.bad - point.good > gap.bad - gap.good) gap = point;
      return point;
    });
  const inRange = points.filter(({ score }) => score >= x.least && score <= x.most);
  const line = (of: 'good' | 'bad') =>
    path(
      thinned(inRange).map((point) => [point.score, point[of]]),
      x,
      y,
    );
  const place = round(placeX(gap.score, x));
  const inside = html`<path class="main" d="${line('good')}"/><path class="bad" d="${line('bad')}"/><line class="gap" x1="${place}" x2="${place}" y1="${round(placeY(gap.good, y))}" y2="${round(placeY(gap.bad, y))}"/>`;
  const text = `Broken: the bad; whole: the good. The greatest gap is ${(gap.bad - gap.good).toFixed(4)} at a score of ${gap.score}.`;
  return frame('KS curves', text, x, y, inside);
}

const HISTOGRAM_BARS = 36;

/** How both classes are spread over the scores, each as shares of its own. */
export function distributionPlot(scores: Float64Array, target: Uint8Array): Html {
  const sorted = scores.slice().sort();
  const least = sorted[Math.floor(0.002 * sorted.length)] ?? 0;
  const most = Math.max(least + 1, sorted[Math.ceil(0.998 * (sorted.length - 1))] ?? 1);
  const bars = Math.min(HISTOGRAM_BARS, most - least);
  const shares = [new Float64Array(bars), new Float64Array(bars)] as const;
  const totals = [0, 0];
  for (const side of target) totals[side] = (totals[side] as number) + 1;
  for (const [row, score] of scores.entries()) {
    const bar = Math.max(
      0,
      Math.min(bars - 1, Math.floor(((score - least) / (most - least)) * bars)),
    );
    const own = shares[target[row] as 0 | 1];
    own[bar] = (own[bar] as number) + 1 / (totals[target[row] as number] as number);
  }
  const x: Axis = { least, most, label: 'score', show: String };
  const top = Math.max(...shares[0], ...shares[1]);
  const y: Axis = { least: 0, most: top * 1.05, label: 'share of the class', show: percentText };
  const step = (own: Float64Array): (readonly [number, number])[] =>
    [...own].flatMap((share, bar) => [
      [least + (bar * (most - least)) / bars, share] as const,
      [least + ((bar + 1) * (most - least)) / bars, share] as const,
    ]);
  const closed = (own: Float64Array) => `${path([[least, 0], ...step(own), [most, 0]], x, y)}Z`;
  const inside = html`<path class="area" d="${closed(shares[0])}"/><path class="main" d="${path(step(shares[0]), x, y)}"/><path class="bad-area" d="${closed(shares[1])}"/><path class="bad" d="${path(step(shares[1]), x, y)}"/>`;
  return frame(
    'Scores of good and bad',
    'Whole line: the good; broken: the bad. A higher score is better.',
    x,
    y,
    inside,
  );
}

/** Observed against expected by band. */
export function calibrationPlot(bands: readonly Band[]): Html {
  const top = Math.max(...bands.flatMap(({ bad_rate, expected }) => [bad_rate, expected])) * 1.08;
  const x: Axis = { least: 0, most: top, label: 'expected share of bad', show: wholePercent };
  const y: Axis = { least: 0, most: top, label: 'observed share of bad', show: wholePercent };
  const dots = bands.map(({ expected, bad_rate, people }) => {
    const error = 1.96 * Math.sqrt((bad_rate * (1 - bad_rate)) / people);
    const px = round(placeX(expected, x));
    return html`<line class="error" x1="${px}" x2="${px}" y1="${round(placeY(Math.max(0, bad_rate - error), y))}" y2="${round(placeY(Math.min(top, bad_rate + error), y))}"/><circle class="dot" cx="${px}" cy="${round(placeY(bad_rate, y))}" r="4"/>`;
  });
  const inside = html`<path class="chance" d="${path(
    [
      [0, 0],
      [top, top],
    ],
    x,
    y,
  )}"/>${dots}`;
  return frame(
    'Calibration',
    'Each dot is a band of scores with its 95 % interval; on the broken line the probability is right.',
    x,
    y,
    inside,
  );
}

/** The bad rate of bands of equal size, from the lowest scores up. */
export function rankPlot(bands: readonly Band[]): Html {
  const top = Math.max(...bands.map(({ bad_rate }) => bad_rate)) * 1.12;
  const x: Axis = {
    least: 0,
    most: bands.length,
    label: 'band of people, lowest scores first',
    show: () => '',
  };
  const y: Axis = { least: 0, most: top, label: 'share of bad', show: wholePercent };
  const width = INNER_WIDTH / bands.length;
  const bars = bands.map(({ bad_rate }, index) => {
    const place = placeY(bad_rate, y);
    const left = LEFT + index * width;
    return html`<rect class="bar" x="${round(left + width * 0.12)}" width="${round(width * 0.76)}" y="${round(place)}" height="${round(TOP + INNER_HEIGHT - place)}"/><text x="${round(left + width / 2)}" y="${round(place) - 4}" text-anchor="middle">${percentText(bad_rate)}</text><text x="${round(left + width / 2)}" y="${TOP + INNER_HEIGHT + 17}" text-anchor="middle">${index + 1}</text>`;
  });
  return frame(
    'Rank order',
    'The share of bad should fall from each band to the next.',
    x,
    y,
    html`${bars}`,
  );
}

/** A bar to both sides of zero, for a table cell. @param value of −1 to 1 of the width */
export function bar(value: number): Html {
  const half = 40;
  const length = round(Math.min(1, Math.abs(value)) * half);
  const x = value < 0 ? half - length : half;
  return html`<svg class="spark" viewBox="0 0 80 12" aria-hidden="true"><line class="axis" x1="${half}" x2="${half}" y1="0" y2="12"/><rect class="${value < 0 ? 'bar-bad' : 'bar'}" x="${x}" y="2" width="${length}" height="8"/></svg>`;
}
