/** `assent registry …`: all but init and start go through the HTTP API, as the operator. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import { ROLES, type Role } from '../participants/role.ts';
import type { AuditLine } from '../registry/audit.ts';
import type { FaultPage, SubmissionPage } from '../registry/submissions.ts';
import { type ApiClient, WHOLE_REGISTRY_MS } from '../wire/api-client.ts';
import type { RowFault, SubmissionView } from '../wire/part.ts';
import { countOf, idOf, portOf, readCard, urlOf } from './arguments.ts';
import { printCsv } from './csv-lines.ts';
import { addRegistryDisputeCommands } from './dispute-commands.ts';
import { addRegistryFeedCommands } from './feed-commands.ts';
import { createRegistryHome, openRegistry, operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { addIdentityCommands } from './identity-commands.ts';
import { addPersonCommands } from './person-commands.ts';
import { outcomeTable, print, printFailure, printJsonPages, table } from './print.ts';
import { serveUntilStopped } from './serve.ts';
import { type ShownFile, showFile } from './show-file.ts';

const shared = homeOptions('registry');

async function start(options: HomeOptions & { port: number; host: string }): Promise<void> {
  const open = await openRegistry(resolve(options.home), printFailure);
  try {
    await serveUntilStopped(open.server, options, open.config.url);
  } finally {
    await open.close();
  }
}

interface AdmitOptions extends HomeOptions {
  readonly role: string;
  readonly licence: string;
  readonly brand: readonly string[];
}

/** An operator is made with the registry's home, never admitted. */
const ADMITTED_ROLES: readonly Role[] = [
  'furnisher',
  'enquirer',
  'supervisor',
  'auditor',
  'identifier',
];

async function admit(path: string, options: AdmitOptions): Promise<void> {
  const { role, licence: licence_id, brand: brands } = options;
  const isRole = ROLES.some((known) => known === role) && ADMITTED_ROLES.includes(role as Role);
  if (!isRole)
    throw new AssentError('argument_invalid', {
      detail: `--role is one of ${ADMITTED_ROLES.join(', ')}`,
    });
  const { participant_id, name, jwks } = readCard(path);
  const admitted = await operatorClient(resolve(options.home)).json({
    method: 'POST',
    path: '/v1/participants',
    json: { participant_id, name, jwks, role, licence_id, brands },
  });
  print(admitted, options.json === true, () => `admitted ${participant_id} as ${role}`);
}

function addParticipants(registry: Command): void {
  shared(registry.command('admit'))
    .argument('<card>', 'its participant.json')
    .description('admit a participant from its participant.json')
    .option('--role <role>', ADMITTED_ROLES.join(', '), 'furnisher')
    .requiredOption('--licence <id>', 'its licence id')
    .option('--brand <name...>', 'brands it trades under', [])
    .action(admit);
  shared(registry.command('participants'))
    .description('list who participates')
    .action(async (options: HomeOptions) => {
      const { participants } = await operatorClient(resolve(options.home)).json<{
        participants: Record<string, string>[];
      }>({ method: 'GET', path: '/v1/participants' });
      const columns = ['participant_id', 'name', 'role', 'state'] as const;
      print(participants, options.json === true, (all) =>
        table(
          ['participant', 'name', 'role', 'state'],
          all.map((each) => columns.map((column) => each[column] ?? '')),
        ),
      );
    });
}

const SUBMISSIONS_PAGE = 500;

async function newestSubmissions(api: ApiClient, limit: number): Promise<SubmissionView[]> {
  const found: SubmissionView[] = [];
  for (let before: string | null = ''; before !== null && found.length < limit; ) {
    const page: SubmissionPage = await api.json({
      method: 'GET',
      path: '/v1/all/submissions',
      query: {
        limit: String(Math.min(SUBMISSIONS_PAGE, limit - found.length)),
        ...(before ? { before } : {}),
      },
    });
    found.push(...page.submissions);
    before = page.next;
  }
  return found;
}

async function* faultPages(api: ApiClient, id: string): AsyncGenerator<RowFault[]> {
  for (let after: string | null = ''; after !== null; ) {
    const page: FaultPage = await api.json({
      method: 'GET',
      path: `/v1/all/submissions/${id}/faults`,
      query: { limit: '5000', ...(after ? { after } : {}) },
    });
    yield page.faults;
    after = page.next;
  }
}

const FAULTS_SHOWN = 20;
const FAULT_COLUMNS = ['kind', 'row_number', 'outcome', 'rule', 'severity', 'field'] as const;

function showSubmission(view: SubmissionView, faults: readonly RowFault[]): string {
  const lines = [
    `${view.period}: ${view.state}${view.why === null ? '' : ` (${view.why})`}`,
    view.what_to_do,
    outcomeTable(view.outcomes ?? {}, 'declared'),
  ];
  if (faults.length > 0)
    lines.push(
      table(
        FAULT_COLUMNS,
        faults.slice(0, FAULTS_SHOWN).map((f) => FAULT_COLUMNS.map((column) => f[column])),
      ),
    );
  if (faults.length > FAULTS_SHOWN)
    lines.push(`all of them: assent registry faults ${view.submission_id}`);
  return lines.join('\n');
}

async function showOne(id: string, options: HomeOptions): Promise<void> {
  const api = operatorClient(resolve(options.home));
  const path = `/v1/all/submissions/${id}`;
  const view = await api.json<SubmissionView>({ method: 'GET', path });
  // The first page; `registry faults` lists them all without holding them.
  const first = await faultPages(api, id).next();
  const faults = first.done ? [] : first.value;
  print({ ...view, faults }, options.json === true, () => showSubmission(view, faults));
}

async function showFaults(id: string, options: HomeOptions): Promise<void> {
  const pages = faultPages(operatorClient(resolve(options.home)), id);
  if (options.json) await printJsonPages(pages);
  else await printCsv(pages, FAULT_COLUMNS);
}

function addSubmissions(registry: Command): void {
  shared(registry.command('submissions'))
    .description('list submissions, newest first')
    .option('--limit <n>', 'how many at most', countOf('--limit'), 100)
    .action(async (options: HomeOptions & { limit: number }) => {
      const found = await newestSubmissions(operatorClient(resolve(options.home)), options.limit);
      print(found, options.json === true, (all) =>
        table(
          ['submission', 'furnisher', 'period', 'state', 'months accepted', 'not taken'],
          all.map(({ submission_id, furnisher_id, period, state, outcomes }) => {
            const month = outcomes?.month;
            const lost = month ? month.rejected + month.held + month.refused : null;
            return [submission_id, furnisher_id, period, state, month?.accepted ?? null, lost];
          }),
        ),
      );
    });
  shared(registry.command('submission'))
    .argument('<id>', 'submission_id', idOf)
    .description('show one submission with its first 5,000 faults')
    .action(showOne);
  shared(registry.command('faults'))
    .argument('<submission_id>', 'as `submissions` lists it', idOf)
    .description('every row of a submission that was not simply accepted, as CSV')
    .action(showFaults);
}

function addLooks(registry: Command): void {
  shared(registry.command('file'))
    .argument('<subject_id>', 'of the person', idOf)
    .description("show a person's file; the look leaves a trace (--json shows the identity too)")
    .requiredOption('--reason <text>', 'why you look')
    .action(async (id: string, options: HomeOptions & { reason: string }) => {
      const file = await operatorClient(resolve(options.home)).json<ShownFile>({
        method: 'POST',
        path: '/v1/files',
        json: { subject_id: id, reason: options.reason },
      });
      print(file, options.json === true, showFile);
    });
  shared(registry.command('audit'))
    .description('check promises 1 to 3 against what is stored')
    .action(async (options: HomeOptions) => {
      const { checks } = await operatorClient(resolve(options.home)).json<{ checks: AuditLine[] }>({
        method: 'POST',
        path: '/v1/audits',
        json: {},
        timeout_ms: WHOLE_REGISTRY_MS,
      });
      print(checks, options.json === true, showAudit);
      if (checks.some((check) => check.violations > 0)) process.exitCode = 1;
    });
}

/** The audit's lines as a table. */
export function showAudit(checks: readonly AuditLine[]): string {
  return table(
    ['promise', 'check', 'checked', 'violations'],
    checks.map((line) => [line.promise, line.check, line.checked, line.violations]),
  );
}

/** Adds the registry's commands. */
export function addRegistryCommands(registry: Command): void {
  shared(registry.command('init'))
    .description("make a registry's home: keys, the operator's keys, the store")
    .requiredOption('--url <url>', 'its public URL', urlOf)
    .option(
      '--profile <name>',
      'the law: CN, US, EU, UK, IN or STRICT; without it nothing is ever stored',
    )
    .action(async (options: HomeOptions & { url: string; profile?: string }) => {
      const { operator_id, url } = await createRegistryHome(resolve(options.home), {
        url: options.url,
        profile: options.profile ?? null,
      });
      print({ operator_id, url }, options.json === true, () => `operator ${operator_id}`);
    });
  registry
    .command('start')
    .description('serve the registry until stopped')
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .option('--port <number>', 'port', portOf, 8088)
    .option('--host <address>', 'address', '127.0.0.1')
    .action(start);
  addParticipants(registry);
  addSubmissions(registry);
  addLooks(registry);
  addRegistryFeedCommands(registry);
  addPersonCommands(registry);
  addIdentityCommands(registry);
  addRegistryDisputeCommands(registry);
}
