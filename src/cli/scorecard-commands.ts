/**
 * `assent scorecard fit`, `report`: from a CSV to a card and its validation report.
 *
 * What must stay true: no value of a cell is ever printed but the labels of the target; the same
 * file and options give the same card.
 */
import { writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { Command } from 'commander';
import {
  type Card,
  cardDigest,
  DEFAULT_SCALE,
  DIRECTIONS,
  type Direction,
} from '../evaluation/card.ts';
import { type FitResult, type FitSettings, fitCard } from '../evaluation/fit.ts';
import { parseWords } from '../evaluation/reason-words.ts';
import { parseRecipe } from '../evaluation/recipe.ts';
import type { RecipeFile } from '../evaluation/recipe-schema.ts';
import { reportHtml } from '../evaluation/report.ts';
import { reportOfCard, reportOfFit } from '../evaluation/report-data.ts';
import { type SampleOptions, sampleOf } from '../evaluation/sample.ts';
import { shapesOf } from '../evaluation/score-table.ts';
import { readTable } from '../evaluation/table.ts';
import { AssentError } from '../model/error.ts';
import { countOf, fileBytes, readJson } from './arguments.ts';
import { print, table } from './print.ts';
import { progressBar } from './progress.ts';
import { addScorecardUse, readScorecard } from './scorecard-use-commands.ts';

const wrong = (detail: string): never => {
  throw new AssentError('argument_invalid', { detail });
};

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

function seedsOf(text: string): number[] {
  const seeds = listOf(text).map((part) => (/^\d{1,9}$/.test(part) ? Number(part) : -1));
  return seeds.length > 0 && seeds.length <= 20 && seeds.every((seed) => seed >= 0)
    ? seeds
    : wrong('--seeds are one to twenty whole numbers with commas, such as 1,2,3');
}

function shareOf(text: string): number {
  const share = Number(text);
  return share > 0 && share < 1
    ? share
    : wrong('--approval is a share between 0 and 1, such as 0.7');
}

/** `days=more_is_worse,income=more_is_better` */
function directionsOf(text: string): Record<string, Direction> {
  return Object.fromEntries(
    listOf(text).map((part): [string, Direction] => {
      const at = part.lastIndexOf('=');
      const direction = DIRECTIONS.find((each) => each === part.slice(at + 1));
      if (at < 1 || !direction)
        return wrong(`--direction is column=${DIRECTIONS.join('|')}, with commas`);
      return [part.slice(0, at), direction];
    }),
  );
}

/** `600:50:20`, and the lowest and highest score. */
function scaleOf(text: string): Card['scale'] {
  const [score, odds, double, lowest, highest] = text.split(':').map(Number);
  const scale = {
    score: score ?? Number.NaN,
    odds: odds ?? Number.NaN,
    double: double ?? Number.NaN,
    lowest: lowest ?? DEFAULT_SCALE.lowest,
    highest: highest ?? DEFAULT_SCALE.highest,
  };
  const isWhole = Object.values(scale).every((n) => Number.isInteger(n) && n >= 0 && n <= 10_000);
  return isWhole && scale.odds > 0 && scale.double > 0 && scale.lowest < scale.highest
    ? scale
    : wrong('--scale is score:odds:points to double[:lowest:highest], such as 600:50:20:300:850');
}

interface SampleFlags {
  readonly csv: string;
  readonly target: string;
  readonly bad?: string;
  readonly good?: string;
  readonly exclude?: string;
  readonly protected?: string;
  readonly id?: string;
}

interface FitFlags extends SampleFlags {
  readonly recipe?: string;
  readonly words?: string;
  readonly categories?: string;
  readonly direction?: string;
  readonly keep?: string;
  readonly seeds?: string;
  readonly folds: number;
  readonly characteristics: number;
  readonly model: string;
  readonly name: string;
  readonly cardVersion: number;
  readonly kind: string;
  readonly badMeans?: string;
  readonly scale: string;
  readonly approval: string;
  readonly compare: boolean;
  readonly out?: string;
  readonly report?: string;
  readonly json?: boolean;
}

const sampleOptions = (flags: SampleFlags): SampleOptions => ({
  target: flags.target,
  bad: flags.bad === undefined ? null : listOf(flags.bad),
  good: flags.good === undefined ? null : listOf(flags.good),
  exclude: listOf(flags.exclude ?? ''),
  protect: listOf(flags.protected ?? ''),
  id: flags.id ?? null,
});

/** Above so many rows one seed is enough: the folds differ by less than a thousandth of AUC. */
const ROWS_FOR_ONE_SEED = 60_000;

function settingsOf(flags: FitFlags, recipe: RecipeFile, rows: number): FitSettings {
  const { model, kind } = flags;
  if (model !== 'best' && model !== 'boosting' && model !== 'woe_logistic')
    return wrong('--model is best, boosting or woe_logistic');
  if (kind !== 'full' && kind !== 'thin') return wrong('--kind is full or thin');
  if (!/^[a-z0-9][a-z0-9-]{0,60}$/.test(flags.name))
    return wrong('--name is made of small letters, digits and hyphens');
  if (flags.folds < 2 || flags.folds > 20) return wrong('--folds is from 2 to 20');
  return {
    name: flags.name,
    version: flags.cardVersion,
    kind,
    bad_means:
      flags.badMeans ?? `${flags.target}${flags.bad === undefined ? '' : ` = ${flags.bad}`}`,
    scale: scaleOf(flags.scale),
    seeds: seedsOf(flags.seeds ?? (rows > ROWS_FOR_ONE_SEED ? '1' : '1,2,3,4,5')),
    folds: flags.folds,
    directions: { ...recipe.directions, ...directionsOf(flags.direction ?? '') },
    algorithm: model,
    characteristics: flags.characteristics,
    recipe: { steps: recipe.steps, drop: recipe.drop },
    words: flags.words === undefined ? {} : parseWords(readJson(flags.words, 'the words').value),
    keep: listOf(flags.keep ?? ''),
    approval: shareOf(flags.approval),
    compare: flags.compare,
  };
}

const three = (value: number) => value.toFixed(4);
const withSpread = (value: number, spread: number) => `${three(value)} ± ${three(spread)}`;

function comparisonRows(result: FitResult, recipe: RecipeFile) {
  const measured = (model: string, m: FitResult['out_of_fold']['measured']) => ({
    model,
    auc: m.auc,
    auc_spread: m.auc_spread,
    ks: m.ks as number | null,
    ks_spread: m.ks_spread,
    from: 'measured in this run',
  });
  return [
    measured(
      `this card (${result.card.characteristics.length} characteristics)`,
      result.out_of_fold.measured,
    ),
    ...result.compared.map((each) => measured(each.model, each.measured)),
    ...(recipe.published ?? []).map(({ model, auc, ks, source }) => ({
      model,
      auc,
      auc_spread: null,
      ks,
      ks_spread: null,
      from: `published: ${source}`,
    })),
  ];
}

function fitText(result: FitResult, recipe: RecipeFile, written: readonly string[]): string {
  const { card } = result;
  const rows = comparisonRows(result, recipe).map(
    ({ model, auc, auc_spread, ks, ks_spread, from }) => [
      model,
      auc_spread === null ? three(auc) : withSpread(auc, auc_spread),
      ks === null ? '–' : ks_spread === null ? three(ks) : withSpread(ks, ks_spread),
      from,
    ],
  );
  const { seeds, folds } = card.training.parameters as { seeds: number[]; folds: number };
  const flags = result.fairness.flatMap(({ column, groups }) =>
    groups.flatMap(({ group, flags: own }) =>
      own.map((flag) => `fairness, ${column} ${group}: ${flag}`),
    ),
  );
  return [
    `${card.name} version ${card.version}, ${cardDigest(card)}`,
    `${card.training.rows.toLocaleString('en')} rows, ${card.training.bad.toLocaleString('en')} bad; ${folds}-fold out of fold, stratified, seeds ${seeds.join(', ')}; mean ± spread over the folds`,
    table(['model', 'AUC', 'KS', 'from'], rows),
    ...result.warnings.map((warning) => `warning: ${warning}`),
    ...flags.map((flag) => `warning: ${flag}`),
    ...written.map((path) => `written: ${path}`),
    ...(written.length === 0 ? ['nothing written: --out keeps the card, --report the report'] : []),
  ].join('\n');
}

async function fit(flags: FitFlags): Promise<void> {
  const recipe = parseRecipe(
    flags.recipe === undefined
      ? { steps: [], drop: [] }
      : readJson(flags.recipe, 'the recipe').value,
  );
  settingsOf(flags, recipe, 0); // A wrong option is named before anything is read.
  const bar = progressBar();
  const read = await readTable(fileBytes(flags.csv, 'the sample'), {
    categories: listOf(flags.categories ?? ''),
    progress: (rows) => bar('reading', rows, null),
  });
  const settings = settingsOf(flags, recipe, read.rows);
  const sample = sampleOf(read, sampleOptions(flags));
  const result = await fitCard(sample, read.data_sha256, settings, async (step, done, total) => {
    bar(step, done, total, 'parts');
    await setImmediate(); // Lets the terminal be written to and Ctrl-C be heard.
  });
  const written: string[] = [];
  if (flags.out !== undefined) {
    writeFileSync(flags.out, `${JSON.stringify(result.card, null, 1)}\n`);
    written.push(flags.out);
  }
  if (flags.report !== undefined) {
    const comparison = comparisonRows(result, recipe);
    writeFileSync(flags.report, reportHtml(reportOfFit(result, comparison, new Date())));
    written.push(flags.report);
  }
  const { card, warnings, screened, fairness, calibration_slope } = result;
  const shown = {
    card_sha256: cardDigest(card),
    name: card.name,
    version: card.version,
    rows: card.training.rows,
    bad: card.training.bad,
    measured: result.out_of_fold.measured,
    comparison: comparisonRows(result, recipe),
    chosen: card.training.parameters['chosen'],
    inner_log_loss: result.losses,
    calibration_slope,
    warnings,
    columns: screened,
    fairness,
    written,
  };
  print(shown, flags.json === true, () => fitText(result, recipe, written));
}

function sampleCommand(command: Command): Command {
  return command
    .requiredOption('--csv <file>', 'CSV with a header, plain or gzip; , ; tab or | between fields')
    .requiredOption('--target <column>', 'the column that says what became of each row')
    .option(
      '--bad <values>',
      'values that mean bad, with commas; default: 1, yes, bad … by themselves',
    )
    .option('--good <values>', 'values that mean good; rows with neither are left out')
    .option('--exclude <columns>', 'never inputs, with commas')
    .option('--protected <columns>', 'never inputs; fairness is measured by them')
    .option('--id <column>', 'names the rows; never an input');
}

function addFit(scorecard: Command): void {
  sampleCommand(scorecard.command('fit'))
    .description(
      'fit a card on a CSV with a target, validate it out of fold, write it and its report',
    )
    .option('--recipe <file>', 'engineered characteristics as JSON (docs/SCORECARD.md)')
    .option('--words <file>', 'words of the reasons in English and Chinese, as JSON')
    .option('--categories <columns>', 'columns whose numbers are names of categories')
    .option(
      '--direction <list>',
      'column=more_is_worse|more_is_better|free; default: found from the data',
    )
    .option('--keep <columns>', 'stay inputs whatever the screening says')
    .option('--seeds <list>', 'default: 1,2,3,4,5; above 60,000 rows 1')
    .option('--folds <n>', 'of the validation', countOf('--folds'), 5)
    .option('--characteristics <n>', 'in the card at most', countOf('--characteristics'), 30)
    .option('--model <name>', 'best (by inner cross-validation), boosting or woe_logistic', 'best')
    .option('--name <name>', 'of the card', 'card')
    .option('--card-version <n>', 'of the card', countOf('--card-version'), 1)
    .option('--kind <kind>', 'full, or thin: for people with little history', 'full')
    .option('--bad-means <text>', 'what bad is, in words')
    .option('--scale <scale>', 'score:odds:points to double:lowest:highest', '600:50:20:300:850')
    .option('--approval <share>', 'approved, for fairness', '0.7')
    .option('--no-compare', 'do not measure the plain models beside it')
    .option('--out <file>', 'write the card, as JSON')
    .option('--report <file>', 'write the validation report, as HTML')
    .option('--json', 'print one JSON document')
    .action(fit);
}

interface ReportFlags extends SampleFlags {
  readonly card: string;
  readonly approval: string;
  readonly out: string;
  readonly json?: boolean;
}

function addReport(scorecard: Command): void {
  sampleCommand(scorecard.command('report').requiredOption('--card <file>', 'the card, as JSON'))
    .description('write the validation report of a card on a sample it was not fitted on')
    .option('--approval <share>', 'approved, for fairness', '0.7')
    .option('--out <file>', 'the report, as HTML', 'report.html')
    .option('--json', 'print one JSON document')
    .action(async (flags: ReportFlags) => {
      const approval = shareOf(flags.approval);
      const card = readScorecard(flags.card);
      const bar = progressBar();
      const read = await readTable(fileBytes(flags.csv, 'the sample'), {
        shapes: shapesOf(card),
        beside: [flags.target, ...listOf(flags.protected ?? '')],
        progress: (rows) => bar('reading', rows, null),
      });
      const data = reportOfCard(card, read, sampleOptions(flags), approval, new Date());
      writeFileSync(flags.out, reportHtml(data));
      const { measured } = data;
      print(
        { card_sha256: cardDigest(card), measured, written: [flags.out] },
        flags.json === true,
        () => `AUC ${three(measured.auc)}, KS ${three(measured.ks)}\nwritten: ${flags.out}`,
      );
    });
}

/** Adds `scorecard` and its commands. */
export function addScorecardCommands(program: Command): void {
  const scorecard = program
    .command('scorecard')
    .description('fit, read, compare and watch scorecards; files only, no home is needed');
  addFit(scorecard);
  addReport(scorecard);
  addScorecardUse(scorecard);
}
