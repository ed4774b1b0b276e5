/**
 * `assent registry monitor-scorecard`: one day, or month by month with a report in HTML.
 *
 * What must stay true: months are asked for one at a time, so that a long stretch shows progress.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Card, cardDigest } from '../evaluation/card.ts';
import { type MonthFigures, mostMoved, type OutcomeFigures } from '../evaluation/monitor-months.ts';
import { monthsHtml } from '../evaluation/monitor-report.ts';
import { AssentError } from '../model/error.ts';
import { isPeriod, periodsBetween } from '../model/period.ts';
import { type ApiClient, WHOLE_REGISTRY_MS } from '../wire/api-client.ts';
import { countOf } from './arguments.ts';
import { dayOf } from './development-sample-commands.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';
import { progressBar } from './progress.ts';

interface Monitored {
  readonly people: number;
  readonly score: { readonly psi: number; readonly light: string };
  readonly characteristics: readonly { characteristic: string; psi: number; light: string }[];
  readonly outcome: {
    readonly day: string;
    readonly people: number;
    readonly bad: number;
    readonly performance: { auc: number; ks: number; light: string };
    readonly reversals: number;
  };
}

const figure = (value: number | null | undefined) =>
  typeof value === 'number' && Number.isFinite(value) ? value.toFixed(4) : '';

function monitorText({ people, score, characteristics, outcome }: Monitored): string {
  const { performance } = outcome;
  return [
    `${people} people; PSI of the score ${figure(score.psi)} ${score.light}`,
    table(
      ['characteristic', 'CSI', 'light'],
      characteristics.map((each) => [each.characteristic, figure(each.psi), each.light]),
    ),
    `as of ${outcome.day}: ${outcome.people} people, ${outcome.bad} bad; AUC ${figure(performance.auc)}, KS ${figure(performance.ks)} ${performance.light}; ${outcome.reversals} reversals`,
  ].join('\n');
}

/** With its interval; nothing where too few turned out either way. */
function aucText({ performance, auc_interval: { from, upto } }: OutcomeFigures): string {
  const auc = figure(performance.auc);
  return figure(from) === '' ? auc : `${auc} (${figure(from)} to ${figure(upto)})`;
}

function monthsText(months: readonly MonthFigures[]): string {
  const row = (month: MonthFigures) => {
    const { outcome } = month;
    const moved = mostMoved(month);
    return [
      ...[month.period, month.people, figure(month.score.psi), month.score.light],
      moved ? `${moved.characteristic} ${figure(moved.psi)} ${moved.light}` : '',
      ...(outcome === null
        ? ['not over yet', '', '', '']
        : [
            `${outcome.people} (${outcome.bad} bad)`,
            aucText(outcome),
            outcome.performance.light,
            `${figure(outcome.ratio)} ${outcome.calibration}`,
          ]),
    ];
  };
  const head = ['month', 'people', 'PSI', 'light', 'moved the most (CSI)', 'outcome known of'];
  return table([...head, 'AUC (95 %)', 'light', 'observed / expected'], months.map(row));
}

/** @throws argument_invalid */
function periodsOf({ from, to }: MonitorOptions): string[] {
  const periods =
    isPeriod(from ?? '') && isPeriod(to ?? '') ? periodsBetween(from ?? '', to ?? '') : [];
  if (periods.length > 0) return periods;
  throw new AssentError('argument_invalid', {
    detail: '--from and --to are months, YYYY-MM, the first not after the last',
  });
}

interface MonitorOptions extends HomeOptions {
  readonly day: string;
  readonly from?: string;
  readonly to?: string;
  readonly report?: string;
}

async function monitorByMonth(client: ApiClient, path: string, options: MonitorOptions) {
  const months: MonthFigures[] = [];
  const bar = progressBar();
  const periods = periodsOf(options);
  for (const period of periods) {
    const found = await client.json<{ months: MonthFigures[] }>({
      method: 'GET',
      path: `${path}/monitoring/months`,
      query: { from: period, to: period },
      timeout_ms: WHOLE_REGISTRY_MS,
    });
    months.push(...found.months);
    bar('months', months.length, periods.length, 'parts');
  }
  if (options.report !== undefined) {
    const { card } = await client.json<{ card: Card }>({ method: 'GET', path });
    const { name, version, training } = card;
    const made_on = new Date().toISOString().slice(0, 10);
    const named = { card: { name, version, sha256: cardDigest(card) }, auc_e4: training.auc_e4 };
    writeFileSync(options.report, monthsHtml({ ...named, made_on, months }));
  }
  print({ months }, options.json === true, () => monthsText(months));
}

/** Adds the registry's command of this file. */
export function addMonitoring(registry: Command): void {
  homeOptions('registry')(registry.command('monitor-scorecard'))
    .argument('<scorecard_id>')
    .argument('<version>', '', countOf('version'))
    .description('whether people and outcomes still are what the card was made for')
    .option('--day <day>', 'as of', dayOf, new Date().toISOString().slice(0, 10))
    .option('--from <month>', 'month by month, from here')
    .option('--to <month>', 'to here, a month that is over')
    .option('--report <file>', 'with --from and --to: write the report, as HTML')
    .action(async (id: string, version: number, options: MonitorOptions) => {
      const client = operatorClient(resolve(options.home));
      const path = `/v1/scorecards/${encodeURIComponent(id)}/${version}`;
      const { from, to, report, day } = options;
      if ([from, to, report].some((each) => each !== undefined))
        return monitorByMonth(client, path, options);
      const query = { day };
      const asked = { method: 'GET' as const, path: `${path}/monitoring`, query };
      const found = await client.json<Monitored>({ ...asked, timeout_ms: WHOLE_REGISTRY_MS });
      print(found, options.json === true, monitorText);
    });
}
