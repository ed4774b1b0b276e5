/** `assent gateway …` */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  type AuthorisationColumns,
  appendEvent,
  findAuthorisation,
  type Recorded,
  recordOne,
} from '../gateway/authorisations.ts';
import { coverage } from '../gateway/coverage.ts';
import { FAULT_COLUMNS, faultsAsCsv, listTapes, tapeFaults } from '../gateway/faults.ts';
import { bookPeriods, explainGate, previewGate } from '../gateway/gate.ts';
import { handOver } from '../gateway/hand-over.ts';
import { importAuthorisations } from '../gateway/import-authorisations.ts';
import { loadTape, type TapeReport } from '../gateway/load-tape.ts';
import { AssentError } from '../model/error.ts';
import { admitParticipant } from '../participants/participant.ts';
import { parseMapping } from '../tape/mapping.ts';
import {
  buildGatewayServer,
  connectGateway,
  createGatewayHome,
  type OpenGateway,
  openGateway,
} from './home.ts';
import { percent, print, progressBar, table } from './print.ts';
import { serveUntilStopped } from './serve.ts';

export interface Shared {
  readonly home: string;
  readonly json?: boolean;
}

export async function withGateway(
  shared: Shared,
  run: (open: OpenGateway) => Promise<void>,
): Promise<void> {
  const open = await openGateway(resolve(shared.home));
  try {
    await run(open);
  } finally {
    await open.close();
  }
}

export function shared(command: Command): Command {
  return command
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--json', 'print JSON');
}

function fileBytes(path: string): AsyncIterable<Uint8Array> {
  if (!existsSync(path) || !statSync(path).isFile()) throw new AssentError('file_unreadable');
  return createReadStream(path, { highWaterMark: 1 << 20 });
}

function readMapping(path: string) {
  if (!existsSync(path)) throw new AssentError('file_unreadable', { detail: 'the mapping' });
  const text = readFileSync(path, 'utf8');
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw new AssentError('mapping_invalid', { detail: 'it is no JSON' });
  }
  return {
    mapping: parseMapping(document),
    mapping_sha256: createHash('sha256').update(text).digest('hex'),
  };
}

function showTape({ tape_id, state, counts }: TapeReport): string {
  const { faults_by_rule, ...numbers } = counts;
  const rows = [
    ...Object.entries(numbers),
    ...Object.entries(faults_by_rule).map(([rule, n]) => [`fault ${rule}`, n] as const),
  ];
  return `tape ${tape_id}: ${state}\n${table(
    ['what', 'rows'],
    rows.map(([name, n]) => [name, n]),
  )}`;
}

function addTapeCommands(gateway: Command): void {
  for (const verb of ['check', 'load'] as const) {
    shared(gateway.command(`${verb} <tape>`))
      .description(
        verb === 'check' ? 'check a tape without loading it' : 'load a tape into the book',
      )
      .requiredOption('--mapping <file>', 'which column is what (docs/DATA.md)')
      .option('--sign-off <reason>', 'why a tape that drifts is right all the same')
      .action((path: string, options: Shared & { mapping: string; signOff?: string }) =>
        withGateway(options, async ({ gateway: g }) => {
          const source = {
            bytes: fileBytes(path),
            name: basename(path),
            size: statSync(path).size,
            ...readMapping(options.mapping),
          };
          const report = await loadTape(g, source, {
            check: verb === 'check',
            sign_off: options.signOff ?? null,
            progress: progressBar(),
          });
          print(report, options.json === true, showTape);
          if (report.state === 'held') process.exitCode = 1;
        }),
      );
  }
  shared(gateway.command('tapes'))
    .description('list the tapes taken in')
    .action((options: Shared) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await listTapes(g.db), options.json === true, (tapes) =>
          table(
            ['tape', 'name', 'mapping', 'state'],
            tapes.map((t) => [t.tape_id, t.name, t.mapping_name, t.state]),
          ),
        ),
      ),
    );
  gateway
    .command('faults <tape_id>')
    .description('faults of a tape, as CSV for a spreadsheet')
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .action((id: string, options: Shared) =>
      withGateway(options, async ({ gateway: g }) => {
        process.stdout.write(`\ufeff${FAULT_COLUMNS.join(',')}\r\n`);
        for await (const page of tapeFaults(g.db, id)) process.stdout.write(faultsAsCsv(page));
      }),
    );
}

function addGateCommands(gateway: Command): void {
  shared(gateway.command('gate <period>'))
    .description('preview the gate: what would be released, what withheld and why')
    .option('--at <moment>', 'decide as of a past moment (ISO 8601)')
    .option('--account <number>', 'explain one account')
    .action((period: string, options: Shared & { at?: string; account?: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const moment = options.at ? new Date(options.at) : g.now();
        if (Number.isNaN(moment.getTime()))
          throw new AssentError('argument_invalid', { detail: '--at is no moment' });
        if (options.account) {
          print(await explainGate(g, options.account, period, moment), true, String);
          return;
        }
        print(await previewGate(g, period, moment), options.json === true, (gate) =>
          table(
            ['decision', 'rows'],
            [
              ['in scope', gate.in_scope],
              ['released', gate.released],
              ...Object.entries(gate.withheld).map(
                ([reason, n]) => [`withheld: ${reason}`, n] as const,
              ),
            ],
          ),
        );
      }),
    );
  shared(gateway.command('hand-over [period]'))
    .description('hand a period over, or resume it; without a period, every period of the book')
    .action((period: string | undefined, options: Shared) =>
      withGateway(options, async (open) => {
        const periods = period ? [period] : await bookPeriods(open.gateway.db);
        for (const each of periods) {
          print(
            await handOver(open.gateway, open.link(), each, progressBar()),
            options.json === true,
            (report) =>
              `${each}: ${report.state}, in scope ${report.in_scope}, already handed over ${report.already_handed_over}, sent ${report.receipt?.outcomes.month.declared ?? 0}, accepted ${report.receipt?.outcomes.month.accepted ?? 0}, withheld ${Object.values(report.withheld).reduce((a, b) => a + b, 0)}`,
          );
        }
      }),
    );
  shared(gateway.command('coverage [period]'))
    .description('how much went, against both denominators, and why the rest stayed')
    .action((period: string | undefined, options: Shared) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await coverage(g, period ?? null), options.json === true, (lines) =>
          table(
            [
              'period',
              'in scope',
              'eligible',
              'authorised',
              'handed over',
              'of in scope',
              'of eligible',
              'of authorised',
            ],
            lines.map((l) => [
              l.period,
              l.in_scope,
              l.eligible,
              l.authorised,
              l.handed_over,
              percent(l.of_in_scope),
              percent(l.of_eligible),
              percent(l.of_authorised),
            ]),
          ),
        ),
      ),
    );
  shared(gateway.command('receipt <period>'))
    .description('the newest signed receipt of a period')
    .action((period: string, options: Shared) =>
      withGateway(options, async ({ gateway: g }) => {
        const { rows } = await g.db.query<{ receipt: string }>(
          `select receipt from handover where to_char(period, 'YYYY-MM') = $1 and receipt is not null order by ended_at desc limit 1`,
          [period],
        );
        const [row] = rows;
        if (!row)
          throw new AssentError('argument_invalid', { detail: 'no receipt of that period' });
        process.stdout.write(`${row.receipt}\n`);
      }),
    );
}

export function readJson(path: string): unknown {
  if (!existsSync(path)) throw new AssentError('file_unreadable');
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new AssentError('argument_invalid', { detail: 'the file is no JSON' });
  }
}

const showRecorded = (r: Recorded) => `${r.authorisation_id}: ${r.state} (${r.result})`;

function addAuthorisationCommands(gateway: Command): void {
  shared(gateway.command('import-authorisations <file>'))
    .description('import authorisations from CSV')
    .action((path: string, options: Shared) =>
      withGateway(options, async ({ gateway: g }) => {
        const report = await importAuthorisations(g, fileBytes(path), progressBar());
        print(
          report,
          options.json === true,
          (r) =>
            `stored ${r.stored}, unchanged ${r.unchanged}, faults ${r.faults.length}\n${r.faults
              .slice(0, 20)
              .map((f) => `  row ${f.row}, ${f.field}: ${f.problem}`)
              .join('\n')}`,
        );
        if (report.faults.length > 0) process.exitCode = 1;
      }),
    );
  shared(gateway.command('authorise <file>'))
    .description('record one authorisation from JSON (docs/DATA.md, "One by one")')
    .action((path: string, options: Shared) =>
      withGateway(options, async ({ gateway: g }) => {
        const columns = readJson(path) as AuthorisationColumns;
        if (!Array.isArray(columns?.events) || columns.events.length === 0)
          throw new AssentError('argument_invalid', { detail: 'the file lists no events' });
        print(await recordOne(g, columns), options.json === true, showRecorded);
      }),
    );
  shared(gateway.command('event <authorisation_id> <event>'))
    .description('append an event to an authorisation, such as withdrawn')
    .option('--at <moment>', 'when it happened (ISO 8601); default: now')
    .option('--reason <text>', 'why; no identity values')
    .action((id: string, event: string, options: Shared & { at?: string; reason?: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const columns = {
          event,
          event_at: options.at ?? g.now().toISOString(),
          ...(options.reason === undefined ? {} : { event_reason: options.reason }),
        };
        print(await appendEvent(g, id, columns), options.json === true, showRecorded);
      }),
    );
  shared(gateway.command('authorisation <authorisation_id>'))
    .description('show an authorisation: its record, its events and its state')
    .action((id: string, options: Shared) =>
      withGateway(options, async ({ gateway: g }) =>
        print(await findAuthorisation(g, id), true, String),
      ),
    );
}

function addServerCommands(gateway: Command): void {
  gateway
    .command('admit <card>')
    .description("admit the lender's app or an officer from its participant.json")
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .requiredOption('--role <role>', 'app or officer')
    .action((path: string, options: Shared & { role: string }) =>
      withGateway(options, async ({ gateway: g }) => {
        const { role } = options;
        if (role !== 'app' && role !== 'officer')
          throw new AssentError('argument_invalid', { detail: '--role is app or officer' });
        const card = readJson(path) as { participant_id: string; name: string; jwks: unknown };
        const admitted = await admitParticipant(g.db, {
          participant_id: card.participant_id,
          name: card.name,
          jwks: card.jwks,
          role,
          licence_id: 'own',
          brands: [],
          admitted_at: g.now(),
        });
        process.stdout.write(`admitted ${admitted.participant_id} as ${role}\n`);
      }),
    );
  gateway
    .command('start')
    .description("serve the gateway's API to the lender's app and officers until stopped")
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--port <n>', 'port to listen on', '8089')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--url <url>', 'where callers reach it; default: host and port')
    .option('--trust-proxy <addresses>', 'proxies whose X-Forwarded-For is believed, with commas')
    .action((options: Shared & { port: string; host: string; url?: string; trustProxy?: string }) =>
      withGateway(options, async (open) => {
        const url = options.url ?? `http://${options.host}:${options.port}`;
        const trusted = options.trustProxy?.split(',');
        const behind = trusted ? { trustProxy: trusted } : {};
        await serveUntilStopped(await buildGatewayServer(open, url, behind), options);
      }),
    );
}

/** Adds the gateway's commands. */
export function addGatewayCommands(gateway: Command): void {
  gateway
    .command('init')
    .description("make a gateway's home: keys, configuration, participant.json for the operator")
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .requiredOption('--name <name>', 'the legal lender')
    .option(
      '--profile <name>',
      'the law: CN, US, EU, UK, IN or STRICT; without it nothing is ever released',
    )
    .action((options: Shared & { name: string; profile?: string }) => {
      const config = createGatewayHome(resolve(options.home), {
        name: options.name,
        profile: options.profile ?? null,
      });
      process.stdout.write(`participant ${config.participant_id}\n`);
    });
  gateway
    .command('connect')
    .description('point the gateway at a registry and pin its keys')
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .requiredOption('--registry <url>', 'URL of the registry')
    .action((options: Shared & { registry: string }) =>
      connectGateway(resolve(options.home), options.registry),
    );
  addTapeCommands(gateway);
  addAuthorisationCommands(gateway);
  addGateCommands(gateway);
  addServerCommands(gateway);
}
