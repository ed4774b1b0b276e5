/**
 * The validation report: one HTML file with inline SVG, without script, that can be printed and
 * kept beside the card it judges.
 *
 * What must stay true: every word of a file (names of columns, labels) goes through `html`;
 * tables have captions and headers, so that they can be read aloud.
 */

import { type Html, html } from '../model/html.ts';
import { binsOf, type Characteristic } from './card.ts';
import { FAIRNESS_LIMITS } from './fairness.ts';
import { bar, calibrationPlot, distributionPlot, ksPlot, rankPlot, rocPlot } from './plots.ts';
import type { Recipe, RecipeStep } from './recipe-schema.ts';
import type { ComparisonRow, ReportData } from './report-data.ts';
import { documentOf, four, light, share, tableOf, two, whole } from './report-parts.ts';

function summary({ measured, people, bad, card, bands, reversals }: ReportData): Html {
  const tiles: [string, string][] = [
    ['AUC', four(measured.auc)],
    ['Gini', four(measured.gini)],
    ['KS', four(measured.ks)],
    ['people', whole(people)],
    ['bad', whole(bad)],
    ['share of bad', share(bad / people)],
    ['characteristics', String(card.characteristics.length)],
    ['rank reversals', `${reversals} in ${bands.length}`],
  ];
  return html`<dl class="tiles">${tiles.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const spread = (value: number | null, by: number | null) =>
  value === null ? '–' : by === null ? four(value) : `${four(value)} ± ${four(by)}`;

const comparisonTable = (rows: readonly ComparisonRow[]) =>
  tableOf(
    'This card beside others',
    ['model', 'AUC', 'KS', 'from'],
    rows.map(({ model, auc, auc_spread, ks, ks_spread, from }) => [
      model,
      spread(auc, auc_spread),
      spread(ks, ks_spread),
      from,
    ]),
    [1, 2],
    0,
  );

const bandTable = ({ bands }: ReportData) =>
  tableOf(
    'Bands of people by score',
    ['score up to', 'people', 'bad', 'observed', 'expected', 'observed / expected', 'calibration'],
    bands.map((band) => [
      band.upto === null ? 'above' : String(band.upto),
      whole(band.people),
      whole(band.bad),
      share(band.bad_rate),
      share(band.expected),
      two(band.ratio),
      light(band.light),
    ]),
    [0, 1, 2, 3, 4, 5],
  );

type Combine = Extract<RecipeStep, { make: 'combine' }>;

/** One band of a combined column in words: `ends` are whole and next to each other, or not. */
function bandName(column: string, ends: readonly number[], band: string): string {
  if (band === '-') return `${column} missing`;
  const at = Number(band);
  const [from, upto] = [ends[at - 1], ends[at]];
  if (upto === undefined) return `${column} > ${from === undefined ? '…' : whole(from)}`;
  if (from === undefined) return `${column} ≤ ${whole(upto)}`;
  return upto - from === 1
    ? `${column} = ${whole(upto)}`
    : `${column} ${whole(from)}–${whole(upto)}`;
}

/** "2|0" of a combined characteristic as what it stands for; other labels as they are. */
function labelName(label: string, combine: Combine | undefined): string {
  if (!combine) return label;
  const bands = label.split('|');
  return combine.of
    .map(({ column, ends }, at) => bandName(column, ends, bands[at] ?? '-'))
    .join(' & ');
}

/** What each bin is, in the order of `binsOf`. */
function binNames(each: Characteristic, recipe: Recipe): string[] {
  if (each.kind === 'category') {
    const step = recipe.steps.find(({ name }) => name === each.name);
    const combine = step?.make === 'combine' ? step : undefined;
    const named = each.bins.map(({ values }) =>
      values.map((value) => labelName(value, combine)).join(combine ? '; ' : ', '),
    );
    return [...named, 'all others', 'missing'];
  }
  const unit = 10 ** each.decimals;
  const value = (end: number) =>
    (end / unit).toLocaleString('en', { maximumFractionDigits: each.decimals });
  const names = each.bins.map(({ upto }, at) => {
    const before = each.bins[at - 1]?.upto ?? null;
    if (before === null) return upto === null ? 'any' : `up to ${value(upto)}`;
    return upto === null ? `over ${value(before)}` : `over ${value(before)} to ${value(upto)}`;
  });
  return [...names, 'missing'];
}

const DIRECTION_WORDS = {
  more_is_worse: 'more is worse',
  more_is_better: 'more is better',
  free: 'free',
} as const;

function characteristicTable(each: Characteristic, recipe: Recipe, people: number): Html {
  const names = binNames(each, recipe);
  const direction = each.kind === 'number' ? DIRECTION_WORDS[each.direction] : 'categories';
  const rows = binsOf(each)
    .map((bin, at) => ({ ...bin, name: names[at] ?? '' }))
    .filter(({ count, name }) => count > 0 || name === 'missing')
    .map((bin) => [
      bin.name,
      whole(bin.count),
      share(bin.count / people),
      share(bin.bad / bin.count),
      two(bin.woe_e4 / 1e4),
      bar(bin.woe_e4 / 2e4),
      String(bin.points),
    ]);
  return tableOf(
    `${each.name} (${direction})`,
    ['bin', 'people', 'share', 'bad', 'WOE', '', 'points'],
    rows,
    [1, 2, 3, 4, 6],
  );
}

/** Points between the best and the worst bin that people are in: how much it can move a score. */
function reach(each: Characteristic): number {
  const points = binsOf(each)
    .filter(({ count }) => count > 0)
    .map((bin) => bin.points);
  return Math.max(...points) - Math.min(...points);
}

function cardSection({ card }: ReportData): Html {
  const ordered = [...card.characteristics].sort((a, b) => reach(b) - reach(a));
  const people = Math.max(1, card.training.rows);
  return html`<section id="card"><h2>The card</h2><p>Score = ${card.base_points} + the points of one bin of each characteristic, cut to ${card.scale.lowest}–${card.scale.highest}. ${card.scale.score} points stand for ${card.scale.odds} good to one bad; ${card.scale.double} points double that. A reason is the points lost against the best bin. Bars show the weight of evidence: to the right better than the mean, to the left worse.</p>${ordered.map((each) => html`<details open><summary>${each.name} – ${reach(each)} points between best and worst</summary>${characteristicTable(each, card.recipe, people)}<p class="small">${each.reason.id}: ${each.reason.texts.en.says} ${each.reason.texts.en.improve} <span lang="zh">${each.reason.texts.zh.says}${each.reason.texts.zh.improve}</span></p></details>`)}</section>`;
}

function stabilitySection(data: ReportData): Html {
  const worst = [...data.characteristics_stability].sort((a, b) => b.psi - a.psi);
  return html`<section id="stability"><h2>Stability</h2><p>Measured on ${data.stability_of}. Population stability index of the score: ${four(data.score_stability.psi)} ${light(data.score_stability.light)}. Above 0.10 is amber, above 0.25 red; the index grows as samples shrink.</p>${tableOf(
    'Characteristics, most moved first',
    ['characteristic', 'CSI', 'light'],
    worst.map(({ name, psi, light: own }) => [name, four(psi), light(own)]),
    [1],
  )}</section>`;
}

function fairnessSection({ fairness, approval }: ReportData): Html {
  const { people, bad } = FAIRNESS_LIMITS;
  if (fairness.length === 0)
    return html`<section id="fairness"><h2>Fairness</h2><p>No protected column was named, so nothing was measured.</p></section>`;
  return html`<section id="fairness"><h2>Fairness</h2><p>Protected columns are never inputs. At a cut-off that approves ${share(approval)}; the reference is the largest group. A group is flagged only with at least ${people} people and ${bad} bad: below four fifths of the reference’s approval, ten points less approval among its good ones, an observed share of bad over 1.25 times off, or an AUC 0.05 lower.</p>${fairness.map(
    ({ column, groups, cut_off }) =>
      tableOf(
        `${column}, cut-off ${cut_off}`,
        [
          'group',
          'people',
          'bad',
          'approved',
          'ratio',
          'opportunity',
          'AUC',
          'observed / expected',
          'finding',
        ],
        groups.map((g) => [
          g.group,
          whole(g.people),
          share(g.bad_rate),
          share(g.approved),
          two(g.approval_ratio),
          two(g.opportunity_difference),
          four(g.auc),
          two(g.calibration),
          g.is_large_enough
            ? g.flags.length > 0
              ? g.flags.join('; ')
              : 'none'
            : 'too small to judge',
        ]),
        [1, 2, 3, 4, 5, 6, 7],
      ),
  )}</section>`;
}

function columnsSection({ screened }: ReportData): Html | null {
  if (!screened) return null;
  const rows = [...screened].sort((a, b) => b.iv - a.iv);
  return html`<section id="columns"><h2>Columns and their information value</h2><p>Below 0.02 useless, to 0.1 weak, to 0.3 medium, above strong; above 0.5 worth a second look for leakage.</p>${tableOf(
    'All columns, on the whole sample',
    ['column', 'kind', 'missing', 'different values', 'IV', 'AUC alone', 'left out because'],
    rows.map((each) => [
      each.name,
      each.kind,
      whole(each.missing),
      whole(each.distinct),
      four(each.iv),
      four(each.auc),
      each.left_out ?? '',
    ]),
    [2, 3, 4, 5],
  )}</section>`;
}

const warningsSection = ({ warnings }: ReportData): Html | null =>
  warnings.length === 0
    ? null
    : html`<section id="warnings"><h2>Warnings</h2><ul class="warnings">${warnings.map((each) => html`<li>${each}</li>`)}</ul></section>`;

function madeSection({ card }: ReportData): Html {
  const { training, range } = card;
  const rows = Object.entries(training.parameters).map(([name, value]) => [
    name,
    JSON.stringify(value),
  ]);
  return html`<section id="made"><h2>How it was made</h2><p>The same bytes with the same parameters give the same card, byte for byte. A score reaches ${range.steps.map(({ half_width }) => `±${half_width}`).join(', ')} points: how far 95 % of scores move when the card is fitted on others.</p><p>Data <code>${training.data_sha256}</code>, ${whole(training.rows)} rows, ${whole(training.bad)} bad. Bad means: ${card.bad_means}.</p><details><summary>Parameters</summary>${tableOf('Parameters of the fit', ['parameter', 'value'], rows, [])}</details></section>`;
}

/** The whole file. */
export function reportHtml(data: ReportData): string {
  const { card, scores, target, curve, measured, bands } = data;
  const sections: [string, string][] = [
    ['performance', 'Performance'],
    ['card', 'The card'],
    ['stability', 'Stability'],
    ['fairness', 'Fairness'],
    ['made', 'How it was made'],
  ];
  const page = html`<header><div><h1>Scorecard ${card.name}, version ${card.version}</h1><p>Validation report of ${data.made_on}, measured on ${data.measured_on}.</p><p><code>${data.card_sha256}</code></p></div></header><main><nav aria-label="Sections">${sections.map(([id, name]) => html`<a href="#${id}">${name}</a>`)}</nav><section>${summary(data)}</section>${warningsSection(data)}${data.comparison.length > 0 ? html`<section>${comparisonTable(data.comparison)}</section>` : []}<section id="performance"><h2>Performance</h2><div class="plots">${distributionPlot(scores, target)}${rocPlot(curve, measured.auc)}${ksPlot(scores, target)}${calibrationPlot(bands)}${rankPlot(bands)}</div><h3>By band</h3>${bandTable(data)}</section>${fairnessSection(data)}${stabilitySection(data)}${cardSection(data)}${columnsSection(data)}${madeSection(data)}</main>`;
  return documentOf(`${card.name} version ${card.version}: validation report`, page);
}
