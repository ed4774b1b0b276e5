/** `assent gateway notice …`, `ask`, `campaign …`, `outbox`, `funnel`: asking borrowers. */
import type { Command } from 'commander';
import { askOne } from '../gateway/asking.ts';
import {
  ASKABLE,
  type CampaignProgress,
  campaignProgress,
  createCampaign,
  moveCampaign,
} from '../gateway/campaigns.ts';
import { type FunnelLine, funnel } from '../gateway/funnel.ts';
import { MESSAGE_COLUMNS, readOutbox } from '../gateway/messages.ts';
import { findNotice, listNotices, type Notice, publishNotice } from '../gateway/notices.ts';
import { advanceCampaign } from '../gateway/wave.ts';
import { AssentError } from '../model/error.ts';
import { isLanguage, LANGUAGES, type Language } from '../model/notice.ts';
import { idOf, readJson, urlOf } from './arguments.ts';
import { printCsv } from './csv-lines.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import { percent, print, table } from './print.ts';

const wrong = (detail: string): never => {
  throw new AssentError('argument_invalid', { detail });
};

const languageOf = (text: string): Language =>
  isLanguage(text) ? text : wrong(`--language is one of ${LANGUAGES.join(', ')}`);

const listOf = (text: string) => text.split(',').map((part) => part.trim());

function wholeNumber(text: string, option: string): number {
  return /^\d{1,9}$/.test(text) ? Number(text) : wrong(`${option} is a whole number`);
}

const noticeRow = (notice: Notice) => [
  notice.notice_id,
  notice.version,
  notice.material ? 'material' : '',
  Object.keys(notice.document.texts).join(', '),
  notice.document.purposes.map(({ code }) => code).join(', '),
  notice.published_at.toISOString(),
  notice.sha256,
];
const noticeTable = (notices: readonly Notice[]) =>
  table(
    ['notice', 'version', 'change', 'languages', 'purposes', 'published', 'sha256'],
    notices.map(noticeRow),
  );

function addNoticeCommands(gateway: Command): void {
  const notice = gateway.command('notice').description('what borrowers read: publish, show');
  gatewayOptions(notice.command('publish <file>'))
    .description('publish a version of a notice; it never changes again')
    .action(async (path: string, options: GatewayOptions) => {
      const document = readJson(path, 'the notice').value;
      await withGateway(options, async ({ gateway: g }) => {
        const published = await publishNotice(g, document);
        print(
          published,
          options.json === true,
          ({ notice: n, result }) => `${n.notice_id} version ${n.version}: ${result}\n${n.sha256}`,
        );
      });
    });
  gatewayOptions(notice.command('show <notice_id>'))
    .description('show every word of a notice, as JSON')
    .option('--notice-version <n>', 'default: the newest')
    .action((id: string, options: GatewayOptions & { noticeVersion?: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const text = options.noticeVersion;
        const version = text === undefined ? null : wholeNumber(text, '--notice-version');
        print(await findNotice(g.db, id, version), true, String);
      }),
    );
  gatewayOptions(gateway.command('notices'))
    .description('list every version of every notice')
    .action((options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await listNotices(g.db), options.json === true, noticeTable),
      ),
    );
}

interface AskOptions extends GatewayOptions {
  readonly notice: string;
  readonly language: string;
  readonly purposes?: string;
  readonly url: string;
  readonly requestId?: string;
}

function addAskCommand(gateway: Command): void {
  gatewayOptions(gateway.command('ask <subject_ref>'))
    .description('ask one borrower; prints the link, which is for that person alone')
    .requiredOption('--notice <notice_id>', 'which notice, in its newest version')
    .requiredOption('--language <code>', LANGUAGES.join(' or '))
    .option('--purposes <codes>', 'some of the notice’s, with commas; default: all')
    .option('--request-id <uuid>', 'makes a repetition the same request; default: a new one', idOf)
    .option('--url <url>', 'where people reach the gateway', urlOf, 'http://127.0.0.1:8089')
    .action((subject_ref: string, options: AskOptions) =>
      withGateway(options, async ({ gateway: g }) => {
        const asked = await askOne(g, {
          request_id: options.requestId ?? g.newId(),
          subject_ref,
          notice_id: options.notice,
          language: languageOf(options.language),
          ...(options.purposes === undefined ? {} : { purposes: listOf(options.purposes) }),
        });
        const { path, ...rest } = asked;
        const shown = { ...rest, link: `${options.url}${path}` };
        print(
          shown,
          options.json === true,
          ({ link, answer_by, authorisations }) =>
            `${link}\nto be answered before ${answer_by}: ${authorisations.map(({ purpose }) => purpose).join(', ')}`,
        );
      }),
    );
}

function progressTable(campaigns: readonly CampaignProgress[]): string {
  return table(
    ['campaign', 'state', 'notice', 'chosen', 'asked', 'handed out', 'waiting', 'dropped'],
    campaigns.map(({ name, state, plan, chosen, asked, messages }) => [
      name,
      state,
      `${plan.notice_id} ${plan.notice_version}`,
      chosen,
      asked,
      messages.handed_out,
      messages.waiting,
      messages.dropped,
    ]),
  );
}

interface CreateOptions extends GatewayOptions {
  readonly notice: string;
  readonly language: string;
  readonly purposes?: string;
  readonly products?: string;
  readonly states: string;
  readonly perDay: string;
  readonly timeZone: string;
  readonly askRefusedAfter: string;
}

function addCreateCommand(campaign: Command): void {
  gatewayOptions(campaign.command('create <name>'))
    .description('make a campaign, as a draft')
    .requiredOption('--notice <notice_id>', 'which notice, in its newest version')
    .requiredOption('--language <code>', LANGUAGES.join(' or '))
    .requiredOption('--per-day <n>', 'new people a day')
    .requiredOption('--time-zone <name>', 'where the people live, such as Asia/Shanghai')
    .option('--purposes <codes>', 'some of the notice’s, with commas; default: all')
    .option('--products <kinds>', 'whoever has one of them; default: all of the notice’s')
    .option('--states <states>', `some of ${ASKABLE.join(',')}`, 'never_asked')
    .option('--ask-refused-after <days>', 'ask again whoever refused so long ago; 0: never', '0')
    .action((name: string, options: CreateOptions) =>
      withGateway(options, async ({ gateway: g }) => {
        const { purposes, products } = options;
        const made = await createCampaign(g, {
          name,
          notice_id: options.notice,
          language: languageOf(options.language),
          ...(purposes === undefined ? {} : { purposes: listOf(purposes) }),
          ...(products === undefined ? {} : { products: listOf(products) }),
          states: listOf(options.states) as (typeof ASKABLE)[number][],
          per_day: wholeNumber(options.perDay, '--per-day'),
          time_zone: options.timeZone,
          ask_refused_after: wholeNumber(options.askRefusedAfter, '--ask-refused-after'),
        });
        print(made, options.json === true, ({ state }) => `${name}: ${state}`);
      }),
    );
}

const STEPS = {
  start: 'start a campaign, or go on with one that is paused',
  pause: 'hand nothing out until it is started again',
  stop: 'hand nothing out any more, for ever, from now on',
} as const;

function addCampaignCommands(gateway: Command): void {
  const campaign = gateway.command('campaign').description('ask many borrowers in waves');
  addCreateCommand(campaign);
  for (const step of ['start', 'pause', 'stop'] as const) {
    gatewayOptions(campaign.command(`${step} <name>`))
      .description(STEPS[step])
      .action((name: string, options: GatewayOptions) =>
        withGateway(options, async ({ gateway: g }) =>
          print(
            await moveCampaign(g, name, step),
            options.json === true,
            ({ state }) => `${name}: ${state}`,
          ),
        ),
      );
  }
  gatewayOptions(campaign.command('advance <name>'))
    .description('ask the wave of the day and remind; a scheduler runs it as often as it likes')
    .action((name: string, options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(
          await advanceCampaign(g, name),
          options.json === true,
          ({ outcome, asked, reminded }) =>
            `${name}: ${outcome}, asked ${asked}, reminded ${reminded}`,
        ),
      ),
    );
  gatewayOptions(campaign.command('show [name]'))
    .description('how far a campaign is, or every one')
    .action((name: string | undefined, options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await campaignProgress(g.db, name ?? null), options.json === true, progressTable),
      ),
    );
}

function addOutboxCommand(gateway: Command): void {
  gatewayOptions(gateway.command('outbox'))
    .description('hand out messages to send, as CSV; the next position goes to standard error')
    .option('--after <position>', 'the last one that was taken care of', '0')
    .option('--limit <n>', 'at most', '1000')
    .action((options: GatewayOptions & { after: string; limit: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const after = wholeNumber(options.after, '--after');
        const page = await readOutbox(g, after, wholeNumber(options.limit, '--limit'));
        if (options.json === true) print(page, true, String);
        else {
          await printCsv([page.messages], MESSAGE_COLUMNS);
          process.stderr.write(`next: --after ${page.next}\n`);
        }
      }),
    );
}

function funnelTable(lines: readonly FunnelLine[]): string {
  return table(
    [
      'notice',
      'campaign',
      'purpose',
      'product',
      'asked',
      'shown',
      'given',
      'refused',
      'no answer',
      'lapsed',
      'withdrawn',
      'void',
      'given of asked',
    ],
    lines.map((line) => [
      `${line.notice_id} ${line.notice_version}`,
      line.campaign,
      line.purpose,
      line.product,
      line.asked,
      line.shown,
      line.given,
      line.refused,
      line.no_answer,
      line.lapsed,
      line.withdrawn,
      line.invalidated,
      percent(line.given / line.asked),
    ]),
  );
}

/** Adds the commands of asking to those of the gateway. */
export function addAskingCommands(gateway: Command): void {
  addNoticeCommands(gateway);
  addAskCommand(gateway);
  addCampaignCommands(gateway);
  addOutboxCommand(gateway);
  gatewayOptions(gateway.command('funnel'))
    .description('how many were asked, saw the page, and what they answered')
    .action((options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await funnel(g.db), options.json === true, funnelTable),
      ),
    );
}
