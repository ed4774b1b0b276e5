/** `assent registry …`: all but init and start go through the HTTP API, as the operator. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import type { AuditLine } from '../registry/audit.ts';
import type { FaultPage } from '../registry/submissions.ts';
import type { SubmissionView } from '../wire/part.ts';
import { addRegistryFeedCommands } from './feed-commands.ts';
import { createRegistryHome, openRegistry, operatorClient } from './home.ts';
import { print, printFailure, table } from './print.ts';
import { serveUntilStopped } from './serve.ts';

interface Shared {
  readonly home: string;
  readonly json?: boolean;
}

function shared(command: Command): Command {
  return command
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .option('--json', 'print JSON');
}

async function start(options: Shared & { port: string; host: string }): Promise<void> {
  const open = await openRegistry(resolve(options.home), printFailure);
  await serveUntilStopped(open.server, options);
  await open.close();
}

function addOperation(registry: Command): void {
  shared(registry.command('admit <card>'))
    .description('admit a participant from its participant.json')
    .option('--role <role>', 'furnisher, enquirer, supervisor or auditor', 'furnisher')
    .requiredOption('--licence <id>', 'its licence id')
    .option('--brand <name...>', 'brands it trades under', [])
    .action(
      async (
        path: string,
        options: Shared & { role: string; licence: string; brand: string[] },
      ) => {
        if (!existsSync(path)) throw new AssentError('file_unreadable');
        const { participant_id, name, jwks } = JSON.parse(readFileSync(path, 'utf8')) as Record<
          string,
          unknown
        >;
        const json = {
          participant_id,
          name,
          jwks,
          role: options.role,
          licence_id: options.licence,
          brands: options.brand,
        };
        const admitted = await operatorClient(resolve(options.home)).json({
          method: 'POST',
          path: '/v1/participants',
          json,
        });
        print(
          admitted,
          options.json === true,
          () => `admitted ${String(participant_id)} as ${options.role}`,
        );
      },
    );
  shared(registry.command('participants'))
    .description('list who participates')
    .action(async (options: Shared) => {
      const { participants } = await operatorClient(resolve(options.home)).json<{
        participants: Record<string, string>[];
      }>({ method: 'GET', path: '/v1/participants' });
      print(participants, options.json === true, (all) =>
        table(
          ['participant', 'name', 'role', 'state'],
          all.map((p) => [
            p['participant_id'] ?? '',
            p['name'] ?? '',
            p['role'] ?? '',
            p['state'] ?? '',
          ]),
        ),
      );
    });
  shared(registry.command('submissions'))
    .description('list submissions, newest first')
    .action(async (options: Shared) => {
      const { submissions } = await operatorClient(resolve(options.home)).json<{
        submissions: SubmissionView[];
      }>({ method: 'GET', path: '/v1/all/submissions' });
      print(submissions, options.json === true, (all) =>
        table(
          ['submission', 'furnisher', 'period', 'state', 'months accepted'],
          all.map((s) => [
            s.submission_id,
            s.furnisher_id,
            s.period,
            s.state,
            s.outcomes?.month.accepted ?? null,
          ]),
        ),
      );
    });
  shared(registry.command('submission <id>'))
    .description('show one submission with its faults')
    .action(async (id: string, options: Shared) => {
      const api = operatorClient(resolve(options.home));
      const view = await api.json<SubmissionView>({
        method: 'GET',
        path: `/v1/all/submissions/${encodeURIComponent(id)}`,
      });
      const { faults } = await api.json<FaultPage>({
        method: 'GET',
        path: `/v1/all/submissions/${encodeURIComponent(id)}/faults`,
        query: { limit: '1000' },
      });
      print(
        { ...view, faults },
        options.json === true,
        () =>
          `${view.period}: ${view.state}\n${view.what_to_do}\n${table(
            ['kind', 'row', 'outcome', 'rule', 'field'],
            faults.map((f) => [f.kind, f.row_number, f.outcome, f.rule, f.field]),
          )}`,
      );
    });
  shared(registry.command('file <subject_id>'))
    .description("show a person's file; the look leaves a trace")
    .requiredOption('--reason <text>', 'why you look')
    .action(async (id: string, options: Shared & { reason: string }) => {
      print(
        await operatorClient(resolve(options.home)).json({
          method: 'POST',
          path: '/v1/files',
          json: { subject_id: id, reason: options.reason },
        }),
        true,
        String,
      );
    });
  shared(registry.command('audit'))
    .description('check promises 1 to 3 against what is stored')
    .action(async (options: Shared) => {
      const { checks } = await operatorClient(resolve(options.home)).json<{ checks: AuditLine[] }>({
        method: 'POST',
        path: '/v1/audits',
        json: {},
      });
      print(checks, options.json === true, (all) =>
        table(
          ['promise', 'check', 'checked', 'violations'],
          all.map((c) => [c.promise, c.check, c.checked, c.violations]),
        ),
      );
      if (checks.some((check) => check.violations > 0)) process.exitCode = 1;
    });
}

/** Adds the registry's commands. */
export function addRegistryCommands(registry: Command): void {
  registry
    .command('init')
    .description("make a registry's home: keys, the operator's keys, the store")
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .requiredOption('--url <url>', 'its public URL')
    .option(
      '--profile <name>',
      'the law: CN, US, EU, UK, IN or STRICT; without it nothing is ever stored',
    )
    .action(async (options: Shared & { url: string; profile?: string }) => {
      const config = await createRegistryHome(resolve(options.home), {
        url: options.url.replace(/\/$/, ''),
        profile: options.profile ?? null,
      });
      process.stdout.write(`operator ${config.operator_id}\n`);
    });
  registry
    .command('start')
    .description('serve the registry until stopped')
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .option('--port <number>', 'port', '8088')
    .option('--host <address>', 'address', '127.0.0.1')
    .action(start);
  addOperation(registry);
  addRegistryFeedCommands(registry);
}
