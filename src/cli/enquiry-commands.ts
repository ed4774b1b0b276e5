/**
 * `assent enquirer enquiry | report | portfolio | refresh | alerts` and `assent registry report |
 * rebuild-report`: reports over the API, as text or JSON.
 */
import { createHash, randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import { REPORT_FORMS, type ReportDocument } from '../model/report-document.ts';
import type { ShownAlert } from '../registry/alerts.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { countOf, idOf, readJson } from './arguments.ts';
import { openEnquirer } from './enquirer-home.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';
import { showReport } from './show-report.ts';

interface Answer {
  readonly enquiry_id: string;
  readonly authorisation_id?: string;
  readonly outcome: 'report' | 'refused';
  readonly reason: string | null;
  readonly report: ReportDocument | null;
  readonly report_id: string | null;
  readonly report_sha256: string | null;
}

const enquirers = homeOptions('enquirer');
const registries = homeOptions('registry');

function formOf(text: string): string {
  if (REPORT_FORMS.some((form) => form === text)) return text;
  throw new AssentError('argument_invalid', { detail: `--form is ${REPORT_FORMS.join(' or ')}` });
}

function showAnswer({ enquiry_id, reason, report, report_sha256 }: Answer): string {
  if (!report) return `refused: ${reason}\nenquiry ${enquiry_id}`;
  return `${showReport(report)}\nenquiry ${enquiry_id}, sha256 ${report_sha256}`;
}

interface EnquiryOptions extends HomeOptions {
  readonly purpose: string;
  readonly form: string;
  readonly useId?: string;
  readonly person?: string;
}

/** The person of a file, as `authorise` takes one. @throws file_unreadable */
function personIn(path: string): unknown {
  const { value } = readJson(path, 'the person');
  const document = (value ?? {}) as { person?: unknown };
  return document.person ?? document;
}

async function ask(id: string, options: EnquiryOptions): Promise<void> {
  const { purpose, form, useId, person, home } = options;
  const answer = await openEnquirer(resolve(home)).api.json<Answer>({
    method: 'POST',
    path: '/v1/enquiries',
    json: {
      ...{ authorisation_id: id, purpose, form, use_id: useId ?? randomUUID() },
      ...(person === undefined ? {} : { person: personIn(person) }),
    },
    idempotent: true,
  });
  print(answer, options.json === true, showAnswer);
  if (answer.outcome === 'refused') process.exitCode = 1;
}

function addEnquiry(enquirer: Command): void {
  enquirers(enquirer.command('enquiry'))
    .argument('<authorisation_id>', 'of one that was brought', idOf)
    .description('ask for a report under an authorisation; an answer is a use, and traced')
    .requiredOption('--purpose <code>', 'of the law of the place (docs/REPORT.md), as 02')
    .option('--form <form>', 'full or summary', formOf, 'full')
    .option('--person <file>', 'JSON with the person it must be of')
    .option('--use-id <id>', 'of the look, to ask again about the same one; default: new', idOf)
    .action(ask);
  enquirers(enquirer.command('report'))
    .argument('<enquiry_id>', 'of one that was answered with a report', idOf)
    .description('the report of an enquiry again, byte for byte; traced')
    .action(async (id: string, options: HomeOptions) => {
      const report = await openEnquirer(resolve(options.home)).api.json<ReportDocument>({
        method: 'GET',
        path: `/v1/enquiries/${id}/report`,
      });
      print(report, options.json === true, showReport);
    });
}

interface Entry {
  readonly authorisation_id: string;
  readonly starts_at: string;
  readonly expires_at: string | null;
  readonly seen_at: string | null;
}

async function allEntries(api: ApiClient): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page: { entries: Entry[]; next: string | null } = await api.json({
      method: 'GET',
      path: '/v1/portfolio',
      query: after ? { after } : {},
    });
    entries.push(...page.entries);
    after = page.next;
  }
  return entries;
}

async function refreshAll(api: ApiClient, purpose: string, use_id: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page: { answers: Answer[]; next: string | null } = await api.json({
      method: 'POST',
      path: '/v1/portfolio/refresh',
      json: { use_id, purpose, ...(after ? { after } : {}) },
      idempotent: true,
    });
    answers.push(...page.answers);
    after = page.next;
  }
  return answers;
}

const answerLine = ({ enquiry_id, outcome, reason, report }: Answer) => [
  enquiry_id,
  reason ?? report?.status ?? outcome,
  report?.summary.lenders ?? null,
  report?.summary.accounts_open ?? null,
  report?.summary.worst_days_past_due.m3 ?? null,
];

function addPortfolio(enquirer: Command): void {
  enquirers(enquirer.command('portfolio'))
    .description('list the people that are monitored, by their authorisations (Q2)')
    .action(async (options: HomeOptions) => {
      const entries = await allEntries(openEnquirer(resolve(options.home)).api);
      print(entries, options.json === true, (all) =>
        table(
          ['authorisation', 'since', 'until', 'last looked at'],
          all.map((each) => [each.authorisation_id, each.starts_at, each.expires_at, each.seen_at]),
        ),
      );
    });
  enquirers(enquirer.command('refresh'))
    .description('summaries of everyone that is monitored; each is a look, traced and counted')
    .requiredOption('--purpose <code>', 'of the law of the place (docs/REPORT.md), as 01')
    .option('--use-id <id>', 'of the refresh, to go on with the same one; default: new', idOf)
    .action(async (options: HomeOptions & { purpose: string; useId?: string }) => {
      const use = options.useId ?? randomUUID();
      const { api } = openEnquirer(resolve(options.home));
      const answers = await refreshAll(api, options.purpose, use);
      print(answers, options.json === true, (all) =>
        [
          table(['enquiry', 'answer', 'lenders', 'open', 'worst in 3 months'], all.map(answerLine)),
          `use ${use} (the same with --use-id is the same look)`,
        ].join('\n'),
      );
    });
  enquirers(enquirer.command('alerts'))
    .description('what changed about the people that are monitored')
    .option('--after <position>', 'only later ones', countOf('--after'), 0)
    .action(async (options: HomeOptions & { after: number }) => {
      const { alerts } = await openEnquirer(resolve(options.home)).api.json<{
        alerts: (Omit<ShownAlert, 'at'> & { at: string })[];
      }>({ method: 'GET', path: '/v1/alerts', query: { after: String(options.after) } });
      print(alerts, options.json === true, (all) =>
        table(
          ['position', 'at', 'authorisation', 'what', 'figures'],
          all.map((each) => [
            ...[each.position, each.at, each.authorisation_id, each.kind],
            Object.entries(each.facts)
              .map(([name, value]) => `${name} ${value}`)
              .join(', '),
          ]),
        ),
      );
    });
}

/** Adds the enquirer's commands for enquiries and portfolios. */
export function addEnquiryCommands(enquirer: Command): void {
  addEnquiry(enquirer);
  addPortfolio(enquirer);
}

/** Adds the operator's commands for reports. */
export function addReportCommands(registry: Command): void {
  registries(registry.command('report'))
    .argument('<subject_id>', 'of the person', idOf)
    .description("issue a report on a person's file as it stands now; the look leaves a trace")
    .requiredOption('--reason <text>', 'why you look')
    .option('--form <form>', 'full or summary', formOf, 'full')
    .action(async (id: string, options: HomeOptions & { reason: string; form: string }) => {
      const report = await operatorClient(resolve(options.home)).json<ReportDocument>({
        method: 'POST',
        path: '/v1/reports',
        json: { subject_id: id, reason: options.reason, form: options.form },
      });
      print(report, options.json === true, showReport);
    });
  registries(registry.command('rebuild-report'))
    .argument('<report_id>', 'of any report that was issued', idOf)
    .description(
      'make a report again from what was kept and compare its hash; traced. A day on which none was issued cannot be had again',
    )
    .requiredOption('--reason <text>', 'why you look')
    .action(async (id: string, options: HomeOptions & { reason: string }) => {
      const answer = await operatorClient(resolve(options.home)).send({
        method: 'POST',
        path: `/v1/reports/${id}/rebuild`,
        json: { reason: options.reason },
      });
      const text = Buffer.from(answer.body).toString('utf8');
      const sha256 = createHash('sha256').update(text).digest('hex');
      const rebuilt = { sha256, report: JSON.parse(text) as ReportDocument };
      print(
        rebuilt,
        options.json === true,
        ({ report }) => `${showReport(report)}\nsha256 ${sha256}`,
      );
    });
}
