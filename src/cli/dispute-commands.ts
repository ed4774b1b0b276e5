/** Commands of disputes: what a lender answers, what the operator decides, the daily work. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  answerClaim,
  type ClaimToAnswer,
  certify,
  fetchEvidence,
  findClaim,
  listClaims,
} from '../gateway/claims.ts';
import { pullFeed } from '../gateway/feed.ts';
import { reinstate } from '../gateway/reinstate.ts';
import { AssentError } from '../model/error.ts';
import type { DisputeLine, DisputeSweep } from '../registry/decide-claims.ts';
import type { DisputeView } from '../registry/dispute-views.ts';
import { PURGED_KINDS, type Purge } from '../registry/purge.ts';
import type { PurgeCursor } from '../registry/purge-months.ts';
import { ANSWERS, type Answer } from '../wire/claim.ts';
import { fileDigest, idOf, periodOf } from './arguments.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';

const day = (moment: Date | string | null) =>
  moment === null ? '' : new Date(moment).toISOString().slice(0, 16);

function answerOf(text: string): Answer {
  const known = ANSWERS.find((answer) => answer === text);
  if (known) return known;
  throw new AssentError('argument_invalid', {
    detail: `--field-outcome is one of ${ANSWERS.join(', ')}`,
  });
}

function sha256Of(text: string): string {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new AssentError('argument_invalid', {
    detail: '--source-sha256 is 64 hexadecimal digits in small letters; or name --source <file>',
  });
}

interface Source {
  readonly source?: string;
  readonly sourceSha256?: string;
}

/** The digest of the source document, given or reckoned. @throws file_unreadable */
function sourceOf({ source, sourceSha256 }: Source): string | null {
  if (source === undefined) return sourceSha256 ?? null;
  return fileDigest(source, 'the source document');
}

function neededSource(options: Source): string {
  const digest = sourceOf(options);
  if (digest !== null) return digest;
  throw new AssentError('argument_invalid', { detail: 'name --source or --source-sha256' });
}

const withSource = (command: Command) =>
  command
    .option('--source <file>', 'the document that shows it; its hash is sent, never the file')
    .option('--source-sha256 <hex>', 'the hash of that document', sha256Of);

const claimsTable = (claims: readonly ClaimToAnswer[]) =>
  table(
    ['claim', 'account', 'period', 'field', 'held', 'claimed', 'files', 'answer by', 'state', ''],
    claims.map((c) => [
      c.claim_id,
      c.account_ref,
      c.period ?? '',
      c.field,
      c.held_value ?? '',
      c.claimed_value ?? '',
      c.evidence.length,
      day(c.answer_by),
      c.outcome ?? c.state,
      c.ground ?? '',
    ]),
  );

function addClaims(gateway: Command): void {
  gatewayOptions(gateway.command('claims'))
    .description('list the claims that people made about your accounts, those due first')
    .option('--all', 'also those that were answered or decided', false)
    .action((options: GatewayOptions & { all: boolean }) =>
      withGateway(options, async ({ gateway: g, link }) => {
        await pullFeed(g, link());
        print(await listClaims(g, options.all), options.json === true, claimsTable);
      }),
    );
  gatewayOptions(gateway.command('claim'))
    .argument('<claim_id>', 'as `claims` lists it', idOf)
    .description('show one claim; with --evidence, fetch its files into a folder')
    .option('--evidence <folder>', 'where to write the files, named by their ids')
    .action((id: string, options: GatewayOptions & { evidence?: string }) =>
      withGateway(options, async ({ gateway: g, link }) => {
        const claim = await findClaim(g, id);
        for (const file of options.evidence === undefined ? [] : claim.evidence) {
          const bytes = await fetchEvidence(link().api, id, file.evidence_id);
          const ending = file.media_type.slice(file.media_type.indexOf('/') + 1);
          const path = resolve(options.evidence ?? '', `${file.evidence_id}.${ending}`);
          writeFileSync(path, bytes);
        }
        print(claim, options.json === true, (each) => claimsTable([each]));
      }),
    );
}

interface AnswerOptions extends GatewayOptions, Source {
  readonly fieldOutcome: Answer;
  readonly value?: string;
  readonly reason?: string;
}

function addAnswers(gateway: Command): void {
  withSource(gatewayOptions(gateway.command('answer-claim')))
    .argument('<claim_id>', 'as `claims` lists it', idOf)
    .description('answer a claim: verified (with its source document), corrected or deleted')
    .requiredOption('--field-outcome <outcome>', ANSWERS.join(', '), answerOf)
    .option('--value <value>', 'of corrected: what the field should say; without it, nothing')
    .option('--reason <text>', 'why; the person reads it')
    .action((id: string, options: AnswerOptions) =>
      withGateway(options, async ({ gateway: g, link }) =>
        print(
          await answerClaim(g, link().api, id, {
            answer: options.fieldOutcome,
            value: options.value ?? null,
            source_sha256: sourceOf(options),
            reason: options.reason ?? null,
          }),
          options.json === true,
          ({ state }) =>
            state === 'corrected'
              ? 'corrected: load the right figures and hand the period over'
              : state,
        ),
      ),
    );
  withSource(gatewayOptions(gateway.command('certify')))
    .argument('<account>', 'your account number')
    .description('certify a value that the registry holds back (rule V16), with its document')
    .requiredOption('--field <field>', 'as in the fault and the claim')
    .option('--period <period>', 'YYYY-MM, of a field of a month', periodOf)
    .option('--value <value>', 'the value; without it, that the field is empty')
    .requiredOption('--reason <text>', 'why; the person reads it')
    .action(
      (
        account: string,
        options: GatewayOptions &
          Source & { field: string; period?: string; value?: string; reason: string },
      ) =>
        withGateway(options, async ({ gateway: g, link }) =>
          print(
            await certify(g, link().api, {
              account_ref: account,
              period: options.period ?? null,
              field: options.field,
              value: options.value ?? null,
              source_sha256: neededSource(options),
              reason: options.reason,
            }),
            options.json === true,
            ({ certified_at }) => `certified at ${day(certified_at)}: hand the period over again`,
          ),
        ),
    );
}

function addReinstate(gateway: Command): void {
  withSource(gatewayOptions(gateway.command('reinstate')))
    .argument('<account>', 'your account number')
    .description('reinstate an account that was ended by mistake, as new revisions in the book')
    .requiredOption('--reason <text>', 'why it was a mistake')
    .action((account: string, options: GatewayOptions & Source & { reason: string }) =>
      withGateway(options, async ({ gateway: g }) =>
        print(
          await reinstate(g, account, {
            source_sha256: neededSource(options),
            reason: options.reason,
          }),
          options.json === true,
          ({ periods }) =>
            periods.length === 0
              ? 'reinstated: it leaves with the next month of the account'
              : `reinstated; hand over: ${periods.join(' ')}`,
        ),
      ),
    );
}

/** Adds the gateway's commands of this file. */
export function addGatewayDisputeCommands(gateway: Command): void {
  addClaims(gateway);
  addAnswers(gateway);
  addReinstate(gateway);
}

const atRegistry = homeOptions('registry');
const clientOf = ({ home }: HomeOptions) => operatorClient(resolve(home));

const showDisputes = (disputes: readonly DisputeLine[]) =>
  table(
    ['dispute', 'answer due', '', 'claims'],
    disputes.map(({ dispute_id, answer_due_at, block_due_at, is_late, claims }) => [
      dispute_id,
      day(answer_due_at),
      [is_late ? 'LATE' : '', block_due_at && `identity theft: block by ${day(block_due_at)}`]
        .filter(Boolean)
        .join('\n'),
      claims
        .map((c) => `${c.claim_id} ${c.field}: ${c.state}${c.answer ? ` (${c.answer})` : ''}`)
        .join('\n'),
    ]),
  );

/** How it came, and how its block stands, where there is something to say. */
function disputeMore({ channel, received_on, block_state, block_due_at }: DisputeView): string {
  const came = channel && `, came by ${channel} on ${received_on}`;
  const block = block_state && `, identity theft: ${block_state}, block by ${day(block_due_at)}`;
  return `${came ?? ''}${block ?? ''}`;
}

const showDispute = (dispute: DisputeView) =>
  `dispute ${dispute.dispute_id}: ${dispute.state}, answer due ${day(dispute.answer_due_at)}${disputeMore(dispute)}\n${table(
    ['claim', 'lender', 'period', 'field', 'held', 'claimed', 'state', 'answer', 'source'],
    dispute.claims.map((c) => [
      c.claim_id,
      c.furnisher ?? '',
      c.period ?? '',
      c.field,
      c.held_value ?? '',
      // What is claimed of an identity is not printed: JSON has it.
      c.account_id === null ? '' : (c.claimed_value ?? ''),
      c.state,
      [c.answer, c.answer_value].filter(Boolean).join(': '),
      c.source_sha256?.slice(0, 12) ?? '',
    ]),
  )}`;

function addReading(registry: Command): void {
  atRegistry(registry.command('disputes'))
    .description('list the open disputes, those due first')
    .action(async (options: HomeOptions) => {
      const { disputes } = await clientOf(options).json<{ disputes: DisputeLine[] }>({
        method: 'GET',
        path: '/v1/disputes',
      });
      print(disputes, options.json === true, showDisputes);
    });
  atRegistry(registry.command('dispute'))
    .argument('<dispute_id>', 'as `disputes` lists it', idOf)
    .description('show one dispute, or its letter; the look leaves a trace')
    .option('--letter <language>', 'en or zh: the letter to the person as plain text')
    .action(async (id: string, options: HomeOptions & { letter?: string }) => {
      const path = `/v1/disputes/${id}`;
      if (options.letter === undefined) {
        const dispute = await clientOf(options).json<DisputeView>({ method: 'GET', path });
        print(dispute, options.json === true, showDispute);
        return;
      }
      const letter = await clientOf(options).json<{ text: string }>({
        method: 'GET',
        path: `${path}/letter`,
        query: { language: options.letter },
      });
      print(letter, options.json === true, ({ text }) => text);
    });
}

function addDeciding(registry: Command): void {
  atRegistry(registry.command('decide'))
    .argument('<id>', 'of a claim; with --extend, of a dispute', idOf)
    .description('decide a claim, or extend the time for the answer')
    .option('--decision <decision>', 'verified, corrected, deleted or upheld')
    .option('--extend', 'extend instead, once, where the law knows it', false)
    .requiredOption('--reason <text>', 'why; the person reads it')
    .action(
      async (
        id: string,
        options: HomeOptions & { decision?: string; extend: boolean; reason: string },
      ) => {
        const { decision, extend, reason } = options;
        if (extend === (decision !== undefined))
          throw new AssentError('argument_invalid', { detail: 'give --decision or --extend' });
        const answer = await clientOf(options).json<Record<string, string>>({
          method: 'POST',
          path: extend ? `/v1/disputes/${id}/extension` : `/v1/claims/${id}/decision`,
          json: extend ? { reason } : { decision, reason },
        });
        print(answer, options.json === true, (each) =>
          extend ? `answer due ${day(each['answer_due_at'] ?? null)}` : `${each['state']}`,
        );
      },
    );
}

function addDaily(registry: Command): void {
  atRegistry(registry.command('sweep'))
    .description(
      'end the claims whose clock has run out, tell of corrections; daily, and after a failure',
    )
    .action(async (options: HomeOptions) => {
      const swept = await clientOf(options).json<DisputeSweep & { corrections_told: number }>({
        method: 'POST',
        path: '/v1/sweeps',
        json: {},
        idempotent: true,
      });
      print(
        swept,
        options.json === true,
        (s) =>
          `upheld ${s.upheld}, blocked ${s.blocked}, ended as answered ${s.as_answered}, corrections told ${s.corrections_told}`,
      );
    });
  atRegistry(registry.command('purge'))
    .description('delete what has had its time, with certificates; daily')
    .action(async (options: HomeOptions) => {
      const client = clientOf(options);
      const kinds = ['adverse_months', ...PURGED_KINDS] as const;
      const total = Object.fromEntries(kinds.map((kind) => [kind, 0])) as Record<string, number>;
      for (let after: PurgeCursor | null | undefined; after !== null; ) {
        const purged: Purge = await client.json<Purge>({
          method: 'POST',
          path: '/v1/purges',
          json: { after: after ?? null },
          idempotent: true,
        });
        for (const kind of kinds) total[kind] = (total[kind] ?? 0) + purged[kind];
        after = purged.next;
      }
      print(total, options.json === true, (t) => table(['what', 'rows'], Object.entries(t)));
    });
}

/** Adds the registry's commands of this file. */
export function addRegistryDisputeCommands(registry: Command): void {
  addReading(registry);
  addDeciding(registry);
  addDaily(registry);
}
