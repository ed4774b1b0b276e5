/** Commands of events between gateway and registry: push, pull, webhooks, ends at the registry. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type PullReport, pullFeed } from '../gateway/feed.ts';
import { type PushReport, pushEvents } from '../gateway/outbox.ts';
import { AssentError } from '../model/error.ts';
import { type OpenGateway, openGateway, operatorClient } from './home.ts';
import { print, table } from './print.ts';

interface Shared {
  readonly home: string;
  readonly json?: boolean;
}

const atHome = (command: Command, program: 'gateway' | 'registry') =>
  command
    .option('--home <folder>', `the ${program}'s home`, `.assent/${program}`)
    .option('--json', 'print JSON');

async function withGateway(options: Shared, run: (open: OpenGateway) => Promise<void>) {
  const open = await openGateway(resolve(options.home));
  try {
    await run(open);
  } finally {
    await open.close();
  }
}

function showPush(report: PushReport): string {
  const refused = report.refused.map((each) => `  ${each.authorisation_id}: ${each.code}`);
  const reach = report.is_reachable ? '' : '\n  the registry does not answer';
  return `sent ${report.sent}, kept for their record ${report.kept}, pending ${report.pending}${reach}${refused.map((line) => `\n${line}`).join('')}`;
}

const showPull = (r: PullReport) =>
  `entries ${r.entries}, learnt ${r.learnt}, skipped ${r.skipped}, refused ${r.refused}, position ${r.position}`;

/** What to say of one authorisation after it was pushed at once. */
export async function tellRegistry({ gateway, config, link }: OpenGateway, id: string) {
  if (!config.registry) return 'not connected to a registry';
  const report = await pushEvents(gateway, link(), [id]);
  if (report.sent > 0 && report.pending === 0) return 'the registry has it';
  if (report.kept > 0) return 'the registry applies it with the hand-over on its way';
  if (report.pending === 0) return 'the registry does not know this authorisation';
  return report.is_reachable
    ? `the registry would not take it: ${report.refused.map((each) => each.code).join(', ')}`
    : 'the registry does not have it yet: it is told as soon as it answers';
}

/** Adds the gateway's commands of this file. */
export function addGatewayFeedCommands(gateway: Command): void {
  atHome(gateway.command('push'), 'gateway')
    .description('tell the registry of events it does not know yet')
    .action((options: Shared) =>
      withGateway(options, async ({ gateway: g, link }) => {
        const report = await pushEvents(g, link());
        print(report, options.json === true, showPush);
        if (report.pending > report.kept) process.exitCode = 1;
      }),
    );
  atHome(gateway.command('pull'), 'gateway')
    .description("read the registry's feed and apply its events")
    .action((options: Shared) =>
      withGateway(options, async ({ gateway: g, link }) =>
        print(await pullFeed(g, link()), options.json === true, showPull),
      ),
    );
  atHome(gateway.command('webhook <url>'), 'gateway')
    .description("have the registry's webhooks sent to an address that leads to this gateway")
    .action((url: string, options: Shared) =>
      withGateway(options, async ({ link }) =>
        print(
          await link().api.json<Record<string, string>>({
            method: 'PUT',
            path: '/v1/webhook',
            json: { url },
          }),
          options.json === true,
          (webhook) => `${webhook['state']}: ${webhook['url']}`,
        ),
      ),
    );
}

function digestOf(path: string): string {
  if (!existsSync(path)) throw new AssentError('file_unreadable', { detail: 'the evidence' });
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Adds the registry's commands of this file. */
export function addRegistryFeedCommands(registry: Command): void {
  atHome(registry.command('end <authorisation_id>'), 'registry')
    .description('end an authorisation at the request of the person, at once')
    .requiredOption('--evidence <file>', 'the request as it was received; its hash is kept')
    .option('--type <type>', 'withdrawn or revoked', 'withdrawn')
    .option('--reason <code>', 'see docs/FEED.md', 'subject_request')
    .action(
      async (id: string, options: Shared & { evidence: string; type: string; reason: string }) =>
        print(
          await operatorClient(resolve(options.home)).json<Record<string, string>>({
            method: 'POST',
            path: `/v1/authorisations/${encodeURIComponent(id)}/events`,
            json: {
              type: options.type,
              reason: options.reason,
              evidence_sha256: digestOf(options.evidence),
            },
            idempotent: true,
          }),
          options.json === true,
          (answer) => `${answer['authorisation_id']}: ${answer['state']} (${answer['result']})`,
        ),
    );
  atHome(registry.command('webhooks'), 'registry')
    .description("list participants' endpoints for webhooks")
    .action(async (options: Shared) => {
      const { webhooks } = await operatorClient(resolve(options.home)).json<{
        webhooks: Record<string, string>[];
      }>({ method: 'GET', path: '/v1/webhooks' });
      print(webhooks, options.json === true, (all) =>
        table(
          ['participant', 'url', 'state', 'why'],
          all.map((w) => [
            w['participant_id'] ?? '',
            w['url'] ?? '',
            w['state'] ?? '',
            w['why'] ?? '',
          ]),
        ),
      );
    });
}
