/**
 * The report of a card watched month by month: one HTML file with plots over the months.
 *
 * What must stay true: a month of which the outcome is not known yet is a gap in the plots of the
 * outcome, and says so in the table.
 */
import { type Html, html } from '../model/html.ts';
import { LIMITS } from './monitor.ts';
import { type MonthFigures, mostMoved, type OutcomeFigures } from './monitor-months.ts';
import { type Axis, frame, path, percentText, placeX, placeY, round } from './plots.ts';
import { documentOf, four, light, share, tableOf, two, whole } from './report-parts.ts';

export interface MonthsReport {
  readonly card: { readonly name: string; readonly version: number; readonly sha256: string };
  /** AUC out of fold when the card was made, in ten-thousandths; null: unknown. */
  readonly auc_e4: number | null;
  readonly made_on: string;
  readonly months: readonly MonthFigures[];
}

const NOT_YET = 'not over yet';

const MOST_TICKS = 6;

/** Months from left to right, with the names of some. */
function monthAxis(months: readonly MonthFigures[]): Axis {
  const step = Math.ceil(months.length / MOST_TICKS);
  return {
    least: 0,
    most: Math.max(1, months.length - 1),
    label: 'month',
    show: (at) => months[at]?.period ?? '',
    ticks: [...months.keys()].filter((at) => at % step === 0),
  };
}

type Point = readonly [number, number];

/** Points of the months that have a value; what has none is left out. */
const pointsOf = (
  months: readonly MonthFigures[],
  of: (month: MonthFigures) => number | undefined,
): Point[] =>
  months.flatMap((month, at) => {
    const value = of(month);
    return value !== undefined && Number.isFinite(value) ? [[at, value] as const] : [];
  });

/** Lines only between months next to each other, and a dot for each. */
function line(points: readonly Point[], x: Axis, y: Axis, kind: 'main' | 'bad'): Html {
  const runs: Point[][] = [];
  for (const point of points) {
    const last = runs.at(-1);
    if (last && last.at(-1)?.[0] === point[0] - 1) last.push(point);
    else runs.push([point]);
  }
  const dots = points.map(
    ([at, value]) =>
      html`<circle class="dot" cx="${round(placeX(at, x))}" cy="${round(placeY(value, y))}" r="3"/>`,
  );
  return html`${runs.map((run) => html`<path class="${kind}" d="${path(run, x, y)}"/>`)}${kind === 'main' ? dots : null}`;
}

const limit = (value: number, x: Axis, y: Axis) =>
  html`<path class="chance" d="${path(
    [
      [x.least, value],
      [x.most, value],
    ],
    x,
    y,
  )}"/>`;

function stabilityPlot(months: readonly MonthFigures[]): Html {
  const score = pointsOf(months, (month) => month.score.psi);
  const worst = pointsOf(months, (month) => mostMoved(month)?.psi);
  const { amber, red } = LIMITS.psi;
  const x = monthAxis(months);
  const most = Math.max(red, ...[...score, ...worst].map(([, value]) => value)) * 1.08;
  const y: Axis = { least: 0, most, label: 'stability index', show: two };
  const inside = html`${limit(amber, x, y)}${limit(red, x, y)}${line(worst, x, y, 'bad')}${line(score, x, y, 'main')}`;
  const text = `Whole: the score (PSI); broken: the characteristic that moved the most (CSI). Above ${amber} is amber, above ${red} red.`;
  return frame('Stability', text, x, y, inside);
}

function aucPlot({ months, auc_e4 }: MonthsReport): Html {
  const known = months.flatMap(({ outcome }) => outcome ?? []);
  const points = pointsOf(months, ({ outcome }) => outcome?.performance.auc);
  const developed = auc_e4 === null ? null : auc_e4 / 10_000;
  const ends = known.flatMap(({ auc_interval: { from, upto } }) => [from, upto]);
  const shown = [...ends, ...points.map(([, auc]) => auc), developed ?? Number.NaN];
  const finite = shown.filter(Number.isFinite);
  const x = monthAxis(months);
  const y: Axis = {
    least: Math.max(0, Math.min(0.7, ...finite) - 0.02),
    most: Math.min(1, Math.max(0.8, ...finite) + 0.02),
    label: 'AUC',
    show: two,
  };
  const errors = months.map(({ outcome }, at) => {
    const { from, upto } = outcome?.auc_interval ?? { from: Number.NaN, upto: Number.NaN };
    if (!Number.isFinite(from)) return null;
    const place = round(placeX(at, x));
    return html`<line class="error" x1="${place}" x2="${place}" y1="${round(placeY(from, y))}" y2="${round(placeY(upto, y))}"/>`;
  });
  const inside = html`${developed === null ? null : limit(developed, x, y)}${errors}${line(points, x, y, 'main')}`;
  const of = developed === null ? '' : ' The broken line is the AUC when the card was made.';
  return frame('AUC', `With its 95 % interval, of months whose year is over.${of}`, x, y, inside);
}

function calibrationOverMonths(months: readonly MonthFigures[]): Html {
  const rate = (of: (outcome: OutcomeFigures) => number) =>
    pointsOf(months, ({ outcome }) =>
      outcome && outcome.people > 0 ? of(outcome) / outcome.people : undefined,
    );
  const observed = rate(({ bad }) => bad);
  const expected = rate((outcome) => outcome.expected);
  const x = monthAxis(months);
  const most = Math.max(0.01, ...[...observed, ...expected].map(([, value]) => value)) * 1.12;
  const y: Axis = { least: 0, most, label: 'share of bad', show: percentText };
  const inside = html`${line(expected, x, y, 'bad')}${line(observed, x, y, 'main')}`;
  return frame('Calibration', 'Whole: observed; broken: expected by the card.', x, y, inside);
}

const outcomeCells = (outcome: OutcomeFigures | null) =>
  outcome === null
    ? [NOT_YET, '', '', '', '', '', '', '']
    : [
        whole(outcome.people),
        whole(outcome.bad),
        four(outcome.performance.auc),
        Number.isFinite(outcome.auc_interval.from)
          ? `${four(outcome.auc_interval.from)} to ${four(outcome.auc_interval.upto)}`
          : '–',
        light(outcome.performance.light),
        share(outcome.bad / outcome.people),
        share(outcome.expected / outcome.people),
        html`${two(outcome.ratio)} ${light(outcome.calibration)}`,
      ];

const monthsTable = (months: readonly MonthFigures[]) =>
  tableOf(
    'Month by month',
    [
      ...['month', 'people', 'PSI', 'light', 'moved the most', 'CSI', 'light'],
      ...['outcome known', 'bad', 'AUC', '95 % interval', 'light'],
      ...['observed', 'expected', 'observed / expected'],
    ],
    months.map((month) => {
      const moved = mostMoved(month);
      return [
        ...[month.period, whole(month.people), four(month.score.psi), light(month.score.light)],
        ...(moved ? [moved.characteristic, four(moved.psi), light(moved.light)] : ['', '', '']),
        ...outcomeCells(month.outcome),
      ];
    }),
    [0, 1, 2, 5, 7, 8, 9, 10, 12, 13],
  );

/** CSI of every characteristic in every month, the most moved first. */
function characteristicsTable(months: readonly MonthFigures[]): Html {
  const names = months[0]?.characteristics.map(({ characteristic }) => characteristic) ?? [];
  const rows = names.map((name, at) => {
    const own = months.map(({ characteristics }) => characteristics[at]?.psi ?? Number.NaN);
    return { name, own, most: Math.max(...own) };
  });
  rows.sort((left, right) => right.most - left.most);
  return tableOf(
    'Stability of each characteristic (CSI)',
    ['characteristic', ...months.map(({ period }) => period)],
    rows.map(({ name, own }) => [name, ...own.map(four)]),
    months.map((_, at) => at + 1),
  );
}

/** The whole file. */
export function monthsHtml(report: MonthsReport): string {
  const { card, months } = report;
  const [first, last] = [months[0]?.period ?? '', months.at(-1)?.period ?? ''];
  const over = months.filter(({ outcome }) => outcome !== null).length;
  const page = html`<header><div><h1>Scorecard ${card.name}, version ${card.version}</h1><p>Monitoring of ${first} to ${last}, made on ${report.made_on}.</p><p><code>${card.sha256}</code></p></div></header><main><section id="months"><h2>Month by month</h2><p>Everybody whom the card is for, scored as of the last day of each month. The outcome is that of the twelve months after it: known of ${over} of ${months.length} months. Months are as they are corrected today.</p><div class="plots">${stabilityPlot(months)}${aucPlot(report)}${calibrationOverMonths(months)}</div>${monthsTable(months)}</section><section id="characteristics"><h2>Characteristics</h2>${characteristicsTable(months)}</section></main>`;
  return documentOf(`${card.name} version ${card.version}: monitoring`, page);
}
