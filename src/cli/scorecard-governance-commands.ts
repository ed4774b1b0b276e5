/**
 * Scorecards on the registry's own history, on the command line: fit, add, promote, score
 * everybody.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Card, cardDigest } from '../evaluation/card.ts';
import { catalogueSettings, SAMPLE_TARGET } from '../evaluation/catalogue-fit.ts';
import { fitCard } from '../evaluation/fit.ts';
import { reportHtml } from '../evaluation/report.ts';
import { reportOfFit } from '../evaluation/report-data.ts';
import { sampleOf } from '../evaluation/sample.ts';
import { readTable } from '../evaluation/table.ts';
import { AssentError } from '../model/error.ts';
import { countOf, readJson } from './arguments.ts';
import { countsText, dayOf, fetchSample } from './development-sample-commands.ts';
import { furnishedText, furnishToEnd } from './furnishing-commands.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';
import { progressBar } from './progress.ts';

const ofRegistry = homeOptions('registry');

interface ListedScorecard {
  readonly scorecard_id: string;
  readonly version: number;
  readonly kind: string;
  readonly state: string;
  readonly sha256: string;
  readonly has_report: boolean;
}

interface ShownScorecard extends ListedScorecard {
  readonly card: Card;
  readonly validation_report: string | null;
  readonly events: readonly { state: string; at: string; by_party: string; why: string }[];
}

const rowOf = (each: ListedScorecard) => [
  each.scorecard_id,
  String(each.version),
  each.kind,
  each.state,
  each.has_report ? 'yes' : 'no',
  each.sha256.slice(0, 16),
];
const HEAD = ['scorecard', 'version', 'kind', 'state', 'report', 'sha256'];

function addReading(registry: Command): void {
  ofRegistry(registry.command('scorecards'))
    .description('list the scorecards with their states')
    .action(async (options: HomeOptions) => {
      const found = await operatorClient(resolve(options.home)).json<{
        scorecards: ListedScorecard[];
      }>({ method: 'GET', path: '/v1/scorecards' });
      print(found, options.json === true, ({ scorecards }) => table(HEAD, scorecards.map(rowOf)));
    });
  ofRegistry(registry.command('scorecard'))
    .argument('<scorecard_id>')
    .argument('<version>', '', countOf('version'))
    .description('show a scorecard and who moved it; --report writes its validation report')
    .option('--report <file>', 'write the validation report, as HTML')
    .option('--out <file>', 'write the card, as JSON')
    .action(async (id: string, version: number, options: HomeOptions & WriteOptions) => {
      const found = await operatorClient(resolve(options.home)).json<ShownScorecard>({
        method: 'GET',
        path: `/v1/scorecards/${encodeURIComponent(id)}/${version}`,
      });
      if (options.report !== undefined)
        writeFileSync(options.report, found.validation_report ?? '');
      if (options.out !== undefined)
        writeFileSync(options.out, JSON.stringify(found.card, null, 1));
      print(found, options.json === true, () =>
        [
          table(HEAD, [rowOf(found)]),
          table(
            ['state', 'since', 'by', 'why'],
            found.events.map(({ state, at, by_party, why }) => [state, at, by_party, why]),
          ),
        ].join('\n'),
      );
    });
}

interface WriteOptions {
  readonly report?: string;
  readonly out?: string;
}

interface WhyOption {
  readonly why: string;
}

function addMoving(registry: Command): void {
  ofRegistry(registry.command('add-scorecard'))
    .argument('<card.json>', 'written by `scorecard fit` or `import`')
    .description('add a scorecard as a draft; it must read the catalogue alone')
    .requiredOption('--why <text>', 'goes into its history')
    .option('--report <file>', 'its validation report; none becomes active without')
    .action(async (path: string, options: HomeOptions & WhyOption & WriteOptions) => {
      const { value } = readJson(path, 'the card');
      const validation_report =
        options.report === undefined ? null : readFileSync(options.report, 'utf8');
      const added = await operatorClient(resolve(options.home)).json<ListedScorecard>({
        method: 'POST',
        path: '/v1/scorecards',
        json: { card: value, validation_report, why: options.why },
      });
      print(added, options.json === true, (each) => table(HEAD, [rowOf(each)]));
    });
  ofRegistry(registry.command('promote-scorecard'))
    .argument('<scorecard_id>')
    .argument('<version>', '', countOf('version'))
    .argument('<state>', 'shadow, active or retired')
    .description('move a scorecard on; blocked when scores would move unseen')
    .requiredOption('--why <text>', 'goes into its history')
    .option('--sign-off', 'I answer for the scores that move')
    .action(
      async (
        id: string,
        version: number,
        to: string,
        options: HomeOptions & WhyOption & { signOff?: boolean },
      ) => {
        const moved = await operatorClient(resolve(options.home)).json<{
          scorecard: ListedScorecard;
          canary: { people: number; moved: number; most: number } | null;
        }>({
          method: 'POST',
          path: `/v1/scorecards/${encodeURIComponent(id)}/${version}/state`,
          json: { to, why: options.why, sign_off: options.signOff ?? false },
        });
        print(moved, options.json === true, ({ scorecard, canary }) =>
          [
            table(HEAD, [rowOf(scorecard)]),
            ...(canary
              ? [
                  `${canary.moved} of ${canary.people} scores move by over 10 points, ${canary.most} at most`,
                ]
              : []),
          ].join('\n'),
        );
      },
    );
}

interface FitOptions extends HomeOptions, WriteOptions {
  readonly day: string;
  readonly name: string;
  readonly cardVersion: number;
  readonly kind: string;
}

async function fitOnHistory(options: FitOptions): Promise<void> {
  const { name, cardVersion: version, kind } = options;
  if (kind !== 'full' && kind !== 'thin')
    throw new AssentError('argument_invalid', { detail: '--kind is full or thin' });
  const client = operatorClient(resolve(options.home));
  const { bytes, counts } = fetchSample(client, options.day);
  const read = await readTable(bytes, {});
  const sample = sampleOf(read, {
    ...{ target: SAMPLE_TARGET, bad: ['1'], good: null, exclude: [], protect: [], id: null },
  });
  const bar = progressBar();
  const settings = catalogueSettings({ name, version, kind }, [1, 2, 3]);
  const result = await fitCard(sample, read.data_sha256, settings, async (step, done, total) => {
    bar(step, done, total, 'parts');
    await setImmediate();
  });
  const report = reportHtml(reportOfFit(result, [], new Date()));
  if (options.out !== undefined) writeFileSync(options.out, JSON.stringify(result.card, null, 1));
  if (options.report !== undefined) writeFileSync(options.report, report);
  const added = await client.json<ListedScorecard>({
    method: 'POST',
    path: '/v1/scorecards',
    json: {
      card: result.card,
      validation_report: report,
      why: `fitted on the history as of ${options.day}`,
    },
  });
  const { measured } = result.out_of_fold;
  print(
    { scorecard: added, card_sha256: cardDigest(result.card), measured, ...counts },
    options.json === true,
    () =>
      [
        countsText(counts),
        `AUC ${measured.auc.toFixed(4)}, KS ${measured.ks.toFixed(4)}, out of fold`,
        ...result.warnings.map((warning) => `warning: ${warning}`),
        table(HEAD, [rowOf(added)]),
      ].join('\n'),
  );
}

interface RunAnswer {
  readonly run_id: string;
  readonly people: number;
  readonly ranges: number;
  readonly ranges_done: number;
  readonly is_done: boolean;
}

interface ScoreOptions extends HomeOptions {
  readonly day: string;
  readonly furnish?: boolean;
}

async function scoreAll(id: string, version: number, options: ScoreOptions) {
  const client = operatorClient(resolve(options.home));
  const bar = progressBar();
  for (;;) {
    const run = await client.json<RunAnswer>({
      method: 'POST',
      path: '/v1/scoring-runs',
      json: { scorecard_id: id, version, day: options.day },
      idempotent: true,
    });
    bar('scoring', run.ranges_done, run.ranges, 'parts');
    if (!run.is_done) continue;
    const furnished = options.furnish === true ? await furnishToEnd(client, run.run_id) : null;
    const scored = `${run.people} people scored in run ${run.run_id}`;
    print({ ...run, ...(furnished && { furnished }) }, options.json === true, () =>
      furnished ? `${scored}\n${furnishedText(furnished)}` : scored,
    );
    return;
  }
}

function addHistory(registry: Command): void {
  ofRegistry(registry.command('fit-scorecard'))
    .description("fit a scorecard on the registry's own history and add it as a draft")
    .requiredOption('--day <day>', 'what was known then, and became of people in a year', dayOf)
    .option('--name <name>', 'of the card', 'registry-full')
    .option('--card-version <n>', 'of the card', countOf('--card-version'), 1)
    .option('--kind <kind>', 'full or thin', 'full')
    .option('--out <file>', 'write the card, as JSON')
    .option('--report <file>', 'write the validation report, as HTML')
    .action(fitOnHistory);
  const today = new Date().toISOString().slice(0, 10);
  ofRegistry(registry.command('score-everybody'))
    .argument('<scorecard_id>')
    .argument('<version>', '', countOf('version'))
    .description('score everybody by a card; cut off, the same again goes on')
    .option('--day <day>', 'as of', dayOf, today)
    .option('--furnish', 'then tell the scores to who watches an account of the person (Q2)')
    .action(scoreAll);
}

/** Adds the operator's commands of scorecards. */
export function addScorecardGovernance(registry: Command): void {
  addReading(registry);
  addMoving(registry);
  addHistory(registry);
}
