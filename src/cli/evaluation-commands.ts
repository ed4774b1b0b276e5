/** Evaluations on the command line: a lender asks for one; the operator sees to reviews. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Evaluation } from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import { LOOK_WINDOWS } from '../model/file-summary.ts';
import { countOf, idOf } from './arguments.ts';
import { openEnquirer } from './enquirer-home.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';

const ofEnquirer = homeOptions('enquirer');
const ofRegistry = homeOptions('registry');

interface EvaluateOptions extends HomeOptions {
  readonly purpose: string;
  readonly amount?: number;
  readonly currency: string;
  readonly term?: number;
  readonly rate?: number;
  readonly income?: number;
  readonly incomeWarned?: boolean;
  readonly useId?: string;
}

/** What is answered to a request for an evaluation. */
export interface EvaluationAnswer {
  readonly enquiry_id: string;
  readonly outcome: 'report' | 'refused';
  readonly reason: string | null;
  readonly report: (Evaluation & { readonly evaluation_id: string }) | null;
}

function applicationOf(options: EvaluateOptions) {
  const { amount, term, currency, rate, income, incomeWarned } = options;
  if (amount === undefined && term === undefined) return null;
  if (amount === undefined || term === undefined)
    throw new AssentError('argument_invalid', { detail: '--amount and --term go together' });
  return {
    amount_minor: amount,
    term_months: term,
    currency,
    annual_rate_bp: rate ?? null,
    income_minor: income ?? null,
    income_warned: incomeWarned ?? false,
  };
}

const share = (points: number | null) => (points === null ? '' : ` (${points / 100} % of income)`);

/** An answer as people read it. */
export function evaluationText({ enquiry_id, outcome, reason, report }: EvaluationAnswer): string {
  if (outcome === 'refused' || !report) return `refused: ${reason}\nenquiry ${enquiry_id}`;
  const { score, burden, sufficiency, exposure, velocity } = report;
  const lines = [`${sufficiency}; as of ${report.day}; ${report.lenders} lenders`];
  if (score) {
    const { value, range, bad_ppm, bad_means, scorecard } = score;
    lines.push(
      `score ${value} (${range.from} to ${range.to}); ${(bad_ppm / 10_000).toFixed(2)} %: ${bad_means}`,
      `card ${scorecard.id} version ${scorecard.version}`,
      ...score.reasons.map(({ points_lost, texts }) => `  -${points_lost}  ${texts.en.says}`),
    );
  }
  if (burden)
    lines.push(
      `each month now ${burden.now_minor}${share(burden.now_of_income_bp)}, with the new loan ${burden.with_new_minor}${share(burden.with_new_of_income_bp)} (minor units, ${burden.currency})`,
    );
  lines.push(
    table(
      ['currency', 'limit', 'used', 'unused', 'due a month', 'past due'],
      exposure.map((each) => [
        each.currency,
        ...[each.limit_minor, each.used_minor, each.unused_minor].map(String),
        ...[each.due_per_month_minor, each.past_due_minor].map(String),
      ]),
    ),
    `looks for new credit: ${LOOK_WINDOWS.map((n) => `${velocity[`m${n}`]} in ${n} m`).join(', ')}`,
    `evaluation ${report.evaluation_id}, enquiry ${enquiry_id}`,
  );
  return lines.join('\n');
}

function addEvaluate(enquirer: Command): void {
  ofEnquirer(enquirer.command('evaluate'))
    .argument('<authorisation_id>', 'of one for E1 that was brought', idOf)
    .description('ask for the evaluation of an applicant; a refusal exits with 1')
    .requiredOption('--purpose <code>', "of the profile's list (docs/REPORT.md), such as 02")
    .option('--amount <minor>', 'asked for, in minor units', countOf('--amount'))
    .option('--term <months>', 'of the loan', countOf('--term'))
    .option('--currency <code>', 'ISO 4217', 'CNY')
    .option('--rate <bp>', 'yearly, in basis points', countOf('--rate'))
    .option('--income <minor>', 'net a month, where the law allows it', countOf('--income'))
    .option('--income-warned', 'the person was warned of telling an income, and agreed')
    .option('--use-id <id>', 'of the look, to get the same answer again; default: new', idOf)
    .action(async (authorisation_id: string, options: EvaluateOptions) => {
      const answer = await openEnquirer(resolve(options.home)).api.json<EvaluationAnswer>({
        method: 'POST',
        path: '/v1/evaluations',
        json: {
          authorisation_id,
          purpose: options.purpose,
          use_id: options.useId ?? randomUUID(),
          application: applicationOf(options),
        },
        idempotent: true,
      });
      print(answer, options.json === true, evaluationText);
      if (answer.outcome === 'refused') process.exitCode = 1;
    });
}

interface ListedReview {
  readonly review_id: string;
  readonly evaluation_id: string;
  readonly state: string;
  readonly due_at: string;
  readonly why: string | null;
}

const reviewTable = (reviews: readonly ListedReview[]) =>
  table(
    ['review', 'evaluation', 'state', 'due', 'why'],
    reviews.map((each) => [
      each.review_id,
      each.evaluation_id,
      each.state,
      each.due_at,
      each.why ?? '',
    ]),
  );

function addReviews(registry: Command): void {
  ofRegistry(registry.command('reviews'))
    .description('scores that people contest and nobody has decided on yet')
    .action(async (options: HomeOptions) => {
      const found = await operatorClient(resolve(options.home)).json<{ reviews: ListedReview[] }>({
        method: 'GET',
        path: '/v1/reviews',
      });
      print(found, options.json === true, ({ reviews }) => reviewTable(reviews));
    });
  ofRegistry(registry.command('review'))
    .argument('<review_id>', '', idOf)
    .description('one review with the words of the person; the look leaves a trace')
    .action(async (id: string, options: HomeOptions) => {
      const found = await operatorClient(resolve(options.home)).json<
        ListedReview & { words: string }
      >({ method: 'POST', path: `/v1/reviews/${id}/open` });
      print(found, options.json === true, (each) => `${reviewTable([each])}\n${each.words}`);
    });
  ofRegistry(registry.command('decide-review'))
    .argument('<review_id>', '', idOf)
    .argument('<outcome>', 'upheld or changed')
    .description('decide a review; the person is told why')
    .requiredOption('--why <text>', 'in plain words, for the person')
    .action(async (id: string, outcome: string, options: HomeOptions & { why: string }) => {
      const decided = await operatorClient(resolve(options.home)).json<ListedReview>({
        method: 'POST',
        path: `/v1/reviews/${id}/decision`,
        json: { outcome, why: options.why },
      });
      print(decided, options.json === true, (each) => reviewTable([each]));
    });
}

/** Adds the enquirer's command to ask for an evaluation. */
export const addEnquirerEvaluations = addEvaluate;

/** Adds the operator's commands of reviews. */
export const addReviewCommands = addReviews;
