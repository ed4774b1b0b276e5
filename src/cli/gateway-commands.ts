/** `assent gateway …`: its home, its tapes, its authorisations, its server. */
import { createHash } from 'node:crypto';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuthorisationColumns } from '../authorisation/from-columns.ts';
import {
  appendEvent,
  findAuthorisation,
  type Recorded,
  recordOne,
  type ShownAuthorisation,
} from '../gateway/authorisations.ts';
import { FAULT_COLUMNS, listTapes, type TapeLine, tapeFaults } from '../gateway/faults.ts';
import { HAND_OVER_FAULT_COLUMNS, handOverFaults, isHandOver } from '../gateway/hand-overs.ts';
import { type ImportReport, importAuthorisations } from '../gateway/import-authorisations.ts';
import { loadTape, type TapeReport } from '../gateway/load-tape.ts';
import { AssentError } from '../model/error.ts';
import { admitParticipant } from '../participants/participant.ts';
import { parseMapping } from '../tape/mapping.ts';
import { ruleText } from '../tape/rule-book.ts';
import {
  fileBytes,
  fileOf,
  idOf,
  momentOf,
  portOf,
  readCard,
  readJson,
  urlOf,
} from './arguments.ts';
import { printConnection } from './connection.ts';
import { printCsv } from './csv-lines.ts';
import { addGatewayDisputeCommands } from './dispute-commands.ts';
import { POLL_S, startExchange } from './exchange.ts';
import { addGatewayFeedCommands, tellRegistry } from './feed-commands.ts';
import { type GatewayOptions, gatewayOptions, withGateway } from './gateway-home.ts';
import { addHandOverCommands } from './hand-over-commands.ts';
import { buildGatewayServer, connectGateway, createGatewayHome, openGateway } from './home.ts';
import { addLifeCycleCommands, sweepHourly } from './life-cycle-commands.ts';
import type { Loop } from './loop.ts';
import { print, printFailure, printJsonPages, table } from './print.ts';
import { progressBar } from './progress.ts';
import { serveUntilStopped } from './serve.ts';

function readMapping(path: string) {
  let read: { text: string; value: unknown };
  try {
    read = readJson(path, 'the mapping');
  } catch (error) {
    if (error instanceof AssentError && error.code === 'argument_invalid')
      throw new AssentError('mapping_invalid', { detail: 'it is no JSON' });
    throw error;
  }
  return {
    mapping: parseMapping(read.value),
    mapping_sha256: createHash('sha256').update(read.text).digest('hex'),
  };
}

/** Names of the counts for people, in the order in which they add up. */
const COUNT_NAMES = {
  rows: 'month rows in the tape',
  unreadable: '  unreadable',
  rejected: '  rejected by a rule',
  held: '  held for a decision',
  repeated: '  repeated',
  new: '  new in the book',
  corrected: '  corrected in the book',
  unchanged: '  in the book already',
  customers: 'people',
  accounts: 'accounts',
} as const;

function showTape({ tape_id, state, counts }: TapeReport): string {
  // A check stops before the book.
  const names = Object.entries(COUNT_NAMES).filter(
    ([name]) => state !== 'checked' || !['new', 'corrected', 'unchanged'].includes(name),
  );
  const rows: [string, number][] = [
    ...names.map(([name, text]): [string, number] => [
      text,
      counts[name as keyof typeof COUNT_NAMES],
    ]),
    ...Object.entries(counts.faults_by_rule).map(([rule, n]): [string, number] => [
      `${ruleText(rule)?.severity === 'warn' ? 'warning' : 'fault'} ${rule}`,
      n,
    ]),
  ];
  const hasFaults = Object.keys(counts.faults_by_rule).length > 0;
  const more = hasFaults ? `\nevery fault with its row: assent gateway faults ${tape_id}` : '';
  return `tape ${tape_id}: ${state}\n${table(['what', 'number'], rows)}${more}`;
}

function showTapes(tapes: readonly TapeLine[]): string {
  return table(
    ['tape', 'name', 'mapping', 'state', 'taken in', 'rows'],
    tapes.map((tape) => [
      tape.tape_id,
      tape.name,
      tape.mapping_name,
      tape.state,
      tape.started_at.toISOString().slice(0, 16),
      Number(tape.counts['rows'] ?? 0),
    ]),
  );
}

interface TapeOptions extends GatewayOptions {
  readonly mapping: string;
  readonly signOff?: string;
}

async function takeTape(path: string, options: TapeOptions, check: boolean): Promise<void> {
  const mapping = readMapping(options.mapping);
  const { size } = fileOf(path, 'the tape');
  await withGateway(options, async ({ gateway }) => {
    const bytes = fileBytes(path, 'the tape');
    const source = { bytes, name: basename(path), size: size || null, ...mapping };
    const report = await loadTape(gateway, source, {
      check,
      sign_off: options.signOff ?? null,
      progress: progressBar(),
    });
    print(report, options.json === true, showTape);
    if (report.state === 'held') process.exitCode = 1;
  });
}

async function showFaults(id: string, options: GatewayOptions): Promise<void> {
  await withGateway(options, async ({ gateway: { db } }) => {
    if (await isHandOver(db, id)) {
      const pages = handOverFaults(db, id);
      if (options.json) await printJsonPages(pages);
      else await printCsv(pages, HAND_OVER_FAULT_COLUMNS);
      return;
    }
    const pages = tapeFaults(db, id);
    if (options.json) await printJsonPages(pages);
    else await printCsv(pages, FAULT_COLUMNS);
  });
}

function addTapeCommands(gateway: Command): void {
  for (const [verb, text] of [
    ['check', 'check a tape without loading it'],
    ['load', 'load a tape into the book'],
  ] as const) {
    gatewayOptions(gateway.command(verb))
      .argument('<tape>', 'CSV, plain or gzip (docs/DATA.md)')
      .description(text)
      .requiredOption('--mapping <file>', 'which column is what (docs/DATA.md)')
      .option('--sign-off <reason>', 'why a tape that drifts is right all the same')
      .action((path: string, options: TapeOptions) => takeTape(path, options, verb === 'check'));
  }
  gatewayOptions(gateway.command('tapes'))
    .description('list the tapes taken in')
    .action((options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await listTapes(g.db), options.json === true, showTapes),
      ),
    );
  gatewayOptions(gateway.command('faults'))
    .argument('<id>', 'of a tape, or of a hand-over', idOf)
    .description('every faulty row with its rule and what to do, as CSV for a spreadsheet')
    .action(showFaults);
}

const showRecorded = (r: Recorded) => `${r.authorisation_id}: ${r.state} (${r.result})`;

const FAULTS_SHOWN = 20;

function showImport(report: ImportReport): string {
  const lines = report.faults
    .slice(0, FAULTS_SHOWN)
    .map((fault) => `  row ${fault.row}, ${fault.field}: ${fault.problem}`);
  const left = report.not_taken - lines.length;
  if (left > 0) lines.push(`  … and ${left.toLocaleString('en')} more (--json lists 10,000)`);
  const counts = `stored ${report.stored}, unchanged ${report.unchanged}, not taken ${report.not_taken}`;
  return [counts, ...lines].join('\n');
}

function showAuthorisation({ subject_ref, state, record, events }: ShownAuthorisation): string {
  const { purpose, data, limits } = record;
  const facts = [
    ['authorisation', record.authorisation_id],
    ['of person', subject_ref],
    ['state', state],
    ['purpose', purpose.code],
    ['products', data.products.join(', ')],
    ['accounts', data.accounts === 'ALL' ? 'ALL' : `${data.accounts.length} named`],
    ['from', limits.starts_at],
    ['until', limits.expires_at ?? 'no end'],
  ] as const;
  const history = events.map((event) => [event.seq, event.type, event.at, event.reason ?? '']);
  return `${table(['what', ''], facts)}\n${table(['', 'event', 'at', 'reason'], history)}`;
}

function addAuthorisationCommands(gateway: Command): void {
  gatewayOptions(gateway.command('import-authorisations'))
    .argument('<file>', 'CSV (docs/DATA.md, "Authorisations")')
    .description('import authorisations from CSV')
    .action(async (path: string, options: GatewayOptions) => {
      fileOf(path, 'the authorisations');
      await withGateway(options, async ({ gateway: g }) => {
        const bytes = fileBytes(path, 'the authorisations');
        const report = await importAuthorisations(g, bytes, progressBar());
        print(report, options.json === true, showImport);
        if (report.not_taken > 0) process.exitCode = 1;
      });
    });
  gatewayOptions(gateway.command('authorise'))
    .argument('<file>', 'JSON (docs/DATA.md, "One by one")')
    .description('record one authorisation from JSON')
    .action(async (path: string, options: GatewayOptions) => {
      const columns = readJson(path, 'the authorisation').value as AuthorisationColumns;
      if (!Array.isArray(columns?.events) || columns.events.length === 0)
        throw new AssentError('argument_invalid', { detail: 'the file lists no events' });
      await withGateway(options, async ({ gateway: g }) =>
        print(await recordOne(g, columns), options.json === true, showRecorded),
      );
    });
  gatewayOptions(gateway.command('event'))
    .argument('<authorisation_id>', 'as the import named it', idOf)
    .argument('<event>', 'such as withdrawn')
    .description('append an event to an authorisation, such as withdrawn')
    .option('--at <moment>', 'when it happened (ISO 8601); default: now', momentOf)
    .option('--reason <text>', 'why; no identity values')
    .action((id: string, event: string, options: GatewayOptions & { at?: Date; reason?: string }) =>
      withGateway(options, async (open) => {
        const { gateway: g } = open;
        const columns = {
          event,
          event_at: (options.at ?? g.now()).toISOString(),
          ...(options.reason === undefined ? {} : { event_reason: options.reason }),
        };
        const recorded = await appendEvent(g, id, columns);
        const told = { ...recorded, registry: await tellRegistry(open, id) };
        print(told, options.json === true, (r) => `${showRecorded(r)}; ${r.registry}`);
      }),
    );
  gatewayOptions(gateway.command('authorisation'))
    .argument('<authorisation_id>', 'as the import named it', idOf)
    .description('show an authorisation: its record, its events and its state')
    .action((id: string, options: GatewayOptions) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await findAuthorisation(g, id), options.json === true, showAuthorisation),
      ),
    );
}

interface StartOptions extends GatewayOptions {
  readonly port: number;
  readonly host: string;
  readonly url?: string;
  readonly trustProxy?: string;
  readonly poll: string;
}

async function start(options: StartOptions): Promise<void> {
  const poll = Number(options.poll);
  if (!(poll > 0)) throw new AssentError('argument_invalid', { detail: '--poll is no time' });
  let loop: Loop | null = null;
  const poke = () => loop?.poke();
  const open = await openGateway(resolve(options.home), poke);
  try {
    const url = options.url ?? `http://${options.host}:${options.port}`;
    const trusted = options.trustProxy?.split(',');
    const server = await buildGatewayServer(open, url, {
      pull: poke,
      ...(trusted ? { trustProxy: trusted } : {}),
    });
    const stopSweeping = sweepHourly(open.gateway);
    if (open.config.registry)
      loop = startExchange(open.gateway, open.link(), poll * 1000, printFailure);
    try {
      await serveUntilStopped(server, options, url);
    } finally {
      await stopSweeping();
    }
  } finally {
    await loop?.stop();
    await open.close();
  }
}

function addServerCommands(gateway: Command): void {
  gatewayOptions(gateway.command('admit'))
    .argument('<card>', 'its participant.json')
    .description("admit the lender's app or an officer from its participant.json")
    .requiredOption('--role <role>', 'app or officer')
    .action(async (path: string, options: GatewayOptions & { role: string }) => {
      const { role } = options;
      if (role !== 'app' && role !== 'officer')
        throw new AssentError('argument_invalid', { detail: '--role is app or officer' });
      const { participant_id, name, jwks } = readCard(path);
      await withGateway(options, async ({ gateway: g }) => {
        const admitted = await admitParticipant(g.db, {
          participant_id,
          name,
          jwks,
          role,
          licence_id: 'own',
          brands: [],
          admitted_at: g.now(),
        });
        print(
          { participant_id: admitted.participant_id, role },
          options.json === true,
          () => `admitted ${admitted.participant_id} as ${role}`,
        );
      });
    });
  gateway
    .command('start')
    .description("serve the gateway's API to the lender's app and officers until stopped")
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--port <n>', 'port to listen on', portOf, 8089)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--url <url>', 'where callers reach it; default: host and port', urlOf)
    .option('--trust-proxy <addresses>', 'proxies whose X-Forwarded-For is believed, with commas')
    .option('--poll <seconds>', "how often the registry's feed is read", String(POLL_S))
    .action(start);
}

/** Adds the gateway's commands. */
export function addGatewayCommands(gateway: Command): void {
  gatewayOptions(gateway.command('init'))
    .description("make a gateway's home: keys, configuration, participant.json for the operator")
    .requiredOption('--name <name>', 'the legal lender')
    .option(
      '--profile <name>',
      'the law: CN, US, EU, UK, IN or STRICT; without it nothing is ever released',
    )
    .action((options: GatewayOptions & { name: string; profile?: string }) => {
      const { participant_id } = createGatewayHome(resolve(options.home), {
        name: options.name,
        profile: options.profile ?? null,
      });
      print(
        { participant_id, card: 'participant.json' },
        options.json === true,
        () => `participant ${participant_id}\ngive participant.json of the home to the operator`,
      );
    });
  gatewayOptions(gateway.command('connect'))
    .description('point the gateway at a registry and pin its keys')
    .requiredOption('--registry <url>', 'URL of the registry', urlOf)
    .option('--replace-keys', 'pin its keys although others were pinned before')
    .action(async (options: GatewayOptions & { registry: string; replaceKeys?: boolean }) => {
      const connection = await connectGateway(
        resolve(options.home),
        options.registry,
        options.replaceKeys,
      );
      printConnection(connection, options.json === true);
    });
  addTapeCommands(gateway);
  addAuthorisationCommands(gateway);
  addHandOverCommands(gateway);
  addServerCommands(gateway);
  addLifeCycleCommands(gateway);
  addGatewayFeedCommands(gateway);
  addGatewayDisputeCommands(gateway);
}
