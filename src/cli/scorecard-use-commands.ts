/**
 * `assent scorecard score`, `compare`, `monitor`, `export`, `import`: what is done with a card.
 *
 * What must stay true: rows are named by their id column or their number, nothing else of them is
 * printed.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { type Card, cardDigest, parseCard } from '../evaluation/card.ts';
import { compareCards } from '../evaluation/monitor.ts';
import { type MonitorResult, monitorTable } from '../evaluation/monitor-table.ts';
import { exportPmml, importPmml } from '../evaluation/pmml.ts';
import { textsOf } from '../evaluation/sample.ts';
import { explainPoints } from '../evaluation/score.ts';
import { type ScoredTable, scoreTable, shapesOf } from '../evaluation/score-table.ts';
import { type ColumnShape, readTable, type Table } from '../evaluation/table.ts';
import { fileBytes, fileOf, readJson } from './arguments.ts';
import { printCsv } from './csv-lines.ts';
import { print, table } from './print.ts';
import { progressBar } from './progress.ts';

/** @throws file_unreadable, argument_invalid, scorecard_invalid */
export const readScorecard = (path: string): Card =>
  parseCard(readJson(path, 'the scorecard').value);

async function readFor(
  card: Card,
  path: string,
  id: string | undefined,
  beside: readonly string[],
): Promise<{ table: Table; scored: ScoredTable }> {
  const bar = progressBar();
  // An id is read as a text, so that it keeps what it looks like.
  const texts: ColumnShape[] =
    id === undefined || card.inputs.some(({ name }) => name === id)
      ? []
      : [{ name: id, kind: 'category', decimals: 0 }];
  const read = await readTable(fileBytes(path, 'the sample'), {
    shapes: [...shapesOf(card), ...texts],
    beside,
    progress: (rows) => bar('reading', rows, null),
  });
  return { table: read, scored: scoreTable(card, read) };
}

const PAGE = 1000;
const COLUMNS = [
  'row',
  'score',
  'range_from',
  'range_to',
  'bad_ppm',
  'reason_1',
  'reason_2',
  'reason_3',
  'reason_4',
  'reason_5',
] as const;

function* scoredPages(card: Card, read: Table, scored: ScoredTable, id: string | undefined) {
  const column = id === undefined ? undefined : read.columns.find(({ name }) => name === id);
  const names = column ? textsOf(column) : null;
  const by = card.characteristics.findIndex(({ name }) => name === card.range.by);
  for (let from = 0; from < scored.rows; from += PAGE) {
    const page = [];
    for (let row = from; row < Math.min(scored.rows, from + PAGE); row += 1) {
      const points = scored.points.map((own) => own[row] as number);
      const column = by < 0 ? undefined : scored.columns[by];
      const value = column?.kind === 'number' ? (column.values[row] ?? Number.NaN) : Number.NaN;
      const { score, range, bad_ppm, reasons } = explainPoints(
        card,
        points,
        Number.isNaN(value) ? null : value,
      );
      page.push({
        row: names ? (names.labels[names.codes[row] ?? -1] ?? '') : row + 2,
        score,
        range_from: range.from,
        range_to: range.to,
        bad_ppm,
        ...Object.fromEntries(reasons.map((reason, at) => [`reason_${at + 1}`, reason.id])),
      } as Record<(typeof COLUMNS)[number], string | number>);
    }
    yield page;
  }
}

interface ScoreFlags {
  readonly card: string;
  readonly csv: string;
  readonly id?: string;
  readonly json?: boolean;
}

function addScore(scorecard: Command): void {
  scorecard
    .command('score')
    .description('score every row of a CSV; prints CSV: row, score, range, probability, reasons')
    .requiredOption('--card <file>', 'the card, as JSON')
    .requiredOption('--csv <file>', 'CSV with the columns that the card was fitted on')
    .option('--id <column>', 'names the rows; default: their number in the file')
    .option('--json', 'print one JSON document')
    .action(async ({ card: path, csv, id, json }: ScoreFlags) => {
      const card = readScorecard(path);
      const { table: read, scored } = await readFor(card, csv, id, []);
      const pages = scoredPages(card, read, scored, id);
      if (json === true) print([...pages].flat(), true, String);
      else await printCsv(pages, COLUMNS);
    });
}

function addCompare(scorecard: Command): void {
  scorecard
    .command('compare <before> <after>')
    .description('how far scores move from one card to another; exit code 1 when blocked')
    .requiredOption('--csv <file>', 'people to score by both')
    .option('--json', 'print one JSON document')
    .action(async (before: string, after: string, flags: { csv: string; json?: boolean }) => {
      const scoresOf = async (path: string) =>
        (await readFor(readScorecard(path), flags.csv, undefined, [])).scored.scores;
      const compared = compareCards(await scoresOf(before), await scoresOf(after));
      print(compared, flags.json === true, (c) =>
        table(
          ['people', 'moved over 10', 'share', 'mean change', 'greatest', 'verdict'],
          [
            [
              c.people,
              c.moved,
              `${(c.moved_share * 100).toFixed(2)} %`,
              c.mean_change.toFixed(2),
              c.greatest_change,
              c.is_blocked ? 'blocked: over 0.5 %' : 'may go on',
            ],
          ],
        ),
      );
      if (compared.is_blocked) process.exitCode = 1;
    });
}

function monitorText({
  people,
  score,
  performance,
  bands,
  reversals,
  reversal_light,
  characteristics,
  warnings,
}: MonitorResult): string {
  const worst = [...characteristics].sort((a, b) => b.psi - a.psi).slice(0, 15);
  return [
    table(
      ['figure', 'value', 'light'],
      [
        ['people', people, ''],
        ['PSI of the score', score.psi.toFixed(4), score.light],
        ...(performance
          ? [
              ['AUC', performance.auc.toFixed(4), performance.light],
              ['KS', performance.ks.toFixed(4), ''],
              ['rank reversals', reversals ?? 0, reversal_light ?? ''],
            ]
          : []),
      ],
    ),
    table(
      ['characteristic (worst 15)', 'CSI', 'light'],
      worst.map(({ name, psi, light }) => [name, psi.toFixed(4), light]),
    ),
    ...(bands
      ? [
          table(
            ['score up to', 'people', 'bad', 'observed', 'expected', 'ratio', 'light'],
            bands.map((b) => [
              b.upto ?? 'above',
              b.people,
              b.bad,
              b.bad_rate.toFixed(4),
              b.expected.toFixed(4),
              b.ratio.toFixed(2),
              b.light,
            ]),
          ),
        ]
      : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ].join('\n');
}

interface MonitorFlags {
  readonly card: string;
  readonly csv: string;
  readonly reference?: string;
  readonly target?: string;
  readonly bad?: string;
  readonly json?: boolean;
}

function addMonitor(scorecard: Command): void {
  scorecard
    .command('monitor')
    .description(
      'stability of score and characteristics; with a target also AUC, calibration, rank order',
    )
    .requiredOption('--card <file>', 'the card, as JSON')
    .requiredOption('--csv <file>', 'the people of now')
    .option('--reference <file>', 'the people of before; default: those the card was fitted on')
    .option('--target <column>', 'what became of them, when it is known')
    .option('--bad <values>', 'values that mean bad, with commas')
    .option('--json', 'print one JSON document')
    .action(async (flags: MonitorFlags) => {
      const card = readScorecard(flags.card);
      const { target } = flags;
      const now = await readFor(card, flags.csv, undefined, target === undefined ? [] : [target]);
      const before =
        flags.reference === undefined ? null : await readFor(card, flags.reference, undefined, []);
      const bad = flags.bad?.split(',') ?? null;
      const result = monitorTable(card, now.table, now.scored, {
        reference: before?.scored ?? null,
        target: target === undefined ? null : { column: target, bad },
      });
      print(result, flags.json === true, monitorText);
    });
}

function addExchange(scorecard: Command): void {
  scorecard
    .command('export')
    .description('print the card as PMML 4.4 (Scorecard), or write it')
    .requiredOption('--card <file>', 'the card, as JSON')
    .option('--pmml', 'as PMML, the only format there is')
    .option('--out <file>', 'default: standard output')
    .action((flags: { card: string; out?: string }) => {
      const text = exportPmml(readScorecard(flags.card));
      if (flags.out === undefined) process.stdout.write(text);
      else writeFileSync(flags.out, text);
    });
  scorecard
    .command('import <pmml>')
    .description('make a card of a PMML 4.4 Scorecard; whatever is not understood is refused')
    .requiredOption('--out <file>', 'write the card, as JSON')
    .option('--json', 'print one JSON document')
    .action((path: string, flags: { out: string; json?: boolean }) => {
      fileOf(path, 'the PMML');
      const card = importPmml(readFileSync(path, 'utf8'));
      writeFileSync(flags.out, `${JSON.stringify(card, null, 1)}\n`);
      const { name, version, characteristics } = card;
      const shown = {
        card_sha256: cardDigest(card),
        name,
        version,
        characteristics: characteristics.length,
      };
      print(
        shown,
        flags.json === true,
        (s) =>
          `${s.name} version ${s.version}, ${s.card_sha256}\n${s.characteristics} characteristics\nwritten: ${flags.out}`,
      );
    });
}

/** Adds what is done with a card that is there. */
export function addScorecardUse(scorecard: Command): void {
  addScore(scorecard);
  addCompare(scorecard);
  addMonitor(scorecard);
  addExchange(scorecard);
}
