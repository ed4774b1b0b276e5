/**
 * The composition root: the first run. It makes a world of two lenders and a registry in one
 * folder, hands everything over through HTTP, shows what happened and serves the registry.
 *
 * What must stay true: every part is the real one; run again, it goes on where it was and changes
 * nothing; the exit code is 0 only when every promise held.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { countOf, portOf } from './cli/arguments.ts';
import { evaluateBorrower } from './cli/first-enquiry.ts';
import {
  buildGatewayServer,
  connectGateway,
  createGatewayHome,
  createRegistryHome,
  isHome,
  moveRegistry,
  type OpenGateway,
  openGateway,
  openRegistry,
  operatorClient,
} from './cli/home.ts';
import { identifyBorrower } from './cli/identify-borrower.ts';
import { exitOnInterrupt, untilInterrupted } from './cli/interrupt.ts';
import { percent, printFailure, table } from './cli/print.ts';
import { showAudit } from './cli/registry-commands.ts';
import { listen } from './cli/serve.ts';
import { type ShownFile, showFile } from './cli/show-file.ts';
import { askOne } from './gateway/asking.ts';
import { type Coverage, coverage } from './gateway/coverage.ts';
import { bookPeriods } from './gateway/gate.ts';
import { type HandOverReport, handOver } from './gateway/hand-over.ts';
import { importAuthorisations } from './gateway/import-authorisations.ts';
import { loadTape, type TapeReport } from './gateway/load-tape.ts';
import { publishNotice } from './gateway/notices.ts';
import { AssentError } from './model/error.ts';
import type { AuditLine } from './registry/audit.ts';
import { parseMapping } from './tape/mapping.ts';
import type { ApiClient } from './wire/api-client.ts';
import { type Lender, makeWorld, NOTICES } from './world/world.ts';

const BORROWERS = 2000;
const BORROWERS_MIN = 20;
const USAGE = `npm start -- [--exit] [--home FOLDER] [--port N] [--borrowers N]

Makes a world of two lenders and one registry, hands over what borrowers approved, shows what
happened, then serves the registry, and the first lender's asking page, until stopped.
  --exit         stop after the summary; exit code 0 only when every promise held
  --home         where everything is kept (default .assent)
  --port         of the registry (default 8088); the first lender's gateway takes the next one
  --borrowers    how many to make up (default ${BORROWERS}, or as many as the home has)

DATABASE_URL is not used here: the world keeps its databases in its folder.`;

const MAPPING = new URL('../examples/canonical.mapping.json', import.meta.url);
const NOTICE = new URL('../examples/credit-record.notice.json', import.meta.url);
const WORLD = { seed: 20261123, months: 24, last_period: '2026-10' } as const;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function* bytesOf(text: string) {
  for (let at = 0; at < text.length; at += 1 << 20)
    yield Buffer.from(text.slice(at, at + (1 << 20)));
}

interface LenderResult {
  readonly lender: Lender;
  readonly tape: TapeReport;
  readonly handovers: readonly HandOverReport[];
  readonly coverage: readonly Coverage[];
}

async function fillBook(open: OpenGateway, lender: Lender): Promise<TapeReport> {
  const mapping = parseMapping(JSON.parse(readFileSync(MAPPING, 'utf8')));
  const source = {
    bytes: bytesOf(lender.tape),
    name: `${lender.kind}.csv`,
    size: lender.tape.length,
    mapping,
    mapping_sha256: 'examples/canonical.mapping.json',
  };
  const tape = await loadTape(open.gateway, source, {
    check: false,
    sign_off: null,
    progress: () => {},
  });
  await importAuthorisations(open.gateway, bytesOf(lender.authorisations));
  return tape;
}

async function runLender(
  home: string,
  lender: Lender,
  url: string,
  admit: (card: object) => Promise<void>,
): Promise<LenderResult> {
  if (!isHome(home))
    createGatewayHome(home, { name: lender.name, profile: 'CN', notices: NOTICES });
  await admit(JSON.parse(readFileSync(join(home, 'participant.json'), 'utf8')) as object);
  await connectGateway(home, url);
  const open = await openGateway(home);
  try {
    const tape = await fillBook(open, lender);
    say(
      `  ${lender.name}: tape ${tape.state}, ${tape.counts.rows.toLocaleString('en')} month rows`,
    );
    const handovers: HandOverReport[] = [];
    for (const period of await bookPeriods(open.gateway.db)) {
      handovers.push(await handOver(open.gateway, open.link(), period));
    }
    const received = handovers.filter((each) => each.state === 'received').length;
    say(
      `  ${lender.name}: ${received} of ${handovers.length} periods handed over, the others had nothing new`,
    );
    return { lender, tape, handovers, coverage: await coverage(open.gateway, null) };
  } finally {
    await open.close();
  }
}

async function admitOnce(
  operator: ApiClient,
  card: object,
  as: {
    readonly role: 'furnisher' | 'enquirer' | 'identifier';
    readonly brands: readonly string[];
  },
): Promise<void> {
  const { participants } = await operator.json<{ participants: { participant_id: string }[] }>({
    method: 'GET',
    path: '/v1/participants',
  });
  const { participant_id } = card as { participant_id: string };
  if (participants.some((each) => each.participant_id === participant_id)) return;
  await operator.json({
    method: 'POST',
    path: '/v1/participants',
    json: { ...card, ...as, licence_id: 'made-up' },
  });
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function summarise({ lender, tape, handovers, coverage: lines }: LenderResult): string {
  const withheld: Record<string, number> = {};
  for (const line of lines) {
    for (const [reason, n] of Object.entries(line.withheld))
      withheld[reason] = (withheld[reason] ?? 0) + n;
  }
  const inScope = sum(lines.map((line) => line.in_scope));
  const eligible = sum(lines.map((line) => line.eligible));
  const handedOver = sum(lines.map((line) => line.handed_over));
  const { counts } = tape;
  const rows: [string, number | string][] = [
    ['month rows in the tape', counts.rows],
    ['  unreadable', counts.unreadable],
    ['  rejected by a rule', counts.rejected],
    ['  held for a decision', counts.held],
    ['  repeated', counts.repeated],
    ['  in the book', inScope],
    ['handed over, receipts signed', handedOver],
    ...Object.entries(withheld).map(([reason, n]): [string, number] => [
      `  withheld: ${reason}`,
      n,
    ]),
    ['receipts of this run', handovers.filter((each) => each.receipt).length],
    ['coverage of rows in scope', percent(inScope ? handedOver / inScope : null)],
    ['coverage of eligible rows', percent(eligible ? handedOver / eligible : null)],
  ];
  return `\n${lender.name}${lender.brand ? ` (brand: ${lender.brand})` : ''}\n${table(['what', 'rows'], rows)}
faults by rule: ${Object.entries(counts.faults_by_rule)
    .map(([rule, n]) => `${rule} ${n}`)
    .join(', ')}`;
}

/**
 * Asks one borrower who was never asked, or finds the request of an earlier run that still waits.
 * @returns path of the asking page
 */
async function askBorrower({ gateway }: OpenGateway): Promise<string | null> {
  await publishNotice(gateway, JSON.parse(readFileSync(NOTICE, 'utf8')));
  const { rows } = await gateway.db.query<{ subject_ref: string; request_id: string | null }>(
    `select c.subject_ref, r.request_id from customer c
     left join request r on r.subject_id = c.subject_id and r.expires_at > $1::timestamptz
     where (c.adult_from is null or c.adult_from <= $1::timestamptz)
       and not exists (select 1 from authorisation a where a.subject_id = c.subject_id
         and (a.state <> 'requested' or r.request_id is null))
     order by r.request_id is null, c.subject_ref limit 1`,
    [gateway.now()],
  );
  const [borrower] = rows;
  if (!borrower) return null;
  const asked = await askOne(gateway, {
    request_id: borrower.request_id ?? gateway.newId(),
    subject_ref: borrower.subject_ref,
    notice_id: 'credit-record',
    language: 'zh',
  });
  return asked.path;
}

/** Serves the first lender's gateway, with a borrower to be asked, until it is closed. */
async function serveLender(home: string, port: number): Promise<() => Promise<void>> {
  const open = await openGateway(home);
  const url = `http://127.0.0.1:${port}`;
  const server = await buildGatewayServer(open, url);
  const path = await askBorrower(open);
  await listen(server, { port, host: '127.0.0.1' });
  if (path) say(`\nOne borrower is being asked; answer in their place:\n${url}${path}`);
  return async () => {
    await server.close();
    await open.close();
  };
}

/** A borrower of both lenders with an agreement, if there is one; found through the store. */
async function findBorrower(
  registry: Awaited<ReturnType<typeof openRegistry>>['registry'],
): Promise<string | null> {
  const { rows } = await registry.db.query<{ subject_id: string }>(
    `select subject_id from account where subject_id in (select subject_id from account_month)
     group by subject_id order by count(distinct furnisher_id) desc,
       count(distinct account_id) filter (where agreement_id is not null) desc, subject_id limit 1`,
  );
  return rows[0]?.subject_id ?? null;
}

/** Rows that do not add up, and rows a receipt names but the gate did not release. */
function accountErrors(results: readonly LenderResult[]): string[] {
  const errors: string[] = [];
  for (const { lender, tape, coverage: lines } of results) {
    const { counts } = tape;
    const inBook = sum(lines.map((line) => line.in_scope));
    const lost = counts.unreadable + counts.rejected + counts.held + counts.repeated;
    if (counts.rows !== lost + inBook) errors.push(`${lender.name}: the tape's rows do not add up`);
    for (const line of lines) {
      const accounted = line.authorised + sum(Object.values(line.withheld));
      if (accounted !== line.in_scope)
        errors.push(`${lender.name} ${line.period}: the gate's rows do not add up`);
    }
    for (const [rule, n] of Object.entries(lender.spoilt)) {
      if ((counts.faults_by_rule[rule] ?? 0) < n)
        errors.push(`${lender.name}: spoilt rows of ${rule} were not found`);
    }
  }
  return errors;
}

interface RunOptions {
  readonly home: string;
  readonly port: number;
  /** Null: as many as the world of this home has, else BORROWERS. */
  readonly borrowers: number | null;
  readonly exit: boolean;
}

interface Made {
  readonly borrowers: number;
  readonly made_at: Date;
}

/**
 * A home keeps the size and the day of its world: the tapes of another would be other lenders'
 * books, and answers of another day other answers.
 */
function worldOf({ home, borrowers }: RunOptions): Made {
  const path = join(home, 'world.json');
  const made = existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as { borrowers: number; made_at?: string })
    : null;
  if (made !== null && borrowers !== null && made.borrowers !== borrowers)
    throw new AssentError('argument_invalid', {
      detail: `the world of this home has ${made.borrowers} borrowers; leave --borrowers out or name another --home`,
    });
  const world: Made = {
    borrowers: made?.borrowers ?? borrowers ?? BORROWERS,
    made_at: made?.made_at === undefined ? new Date() : new Date(made.made_at),
  };
  mkdirSync(home, { recursive: true });
  writeFileSync(path, `${JSON.stringify(world)}\n`);
  return world;
}

async function showWorld(
  results: readonly LenderResult[],
  operator: ApiClient,
  borrower: string | null,
): Promise<boolean> {
  for (const result of results) say(summarise(result));
  if (borrower !== null) {
    const json = { subject_id: borrower, reason: 'first run' };
    const file = await operator.json<ShownFile>({ method: 'POST', path: '/v1/files', json });
    say(
      `\none borrower's file as the registry holds it (the look left a trace)\n${showFile(file)}`,
    );
  }
  const { checks } = await operator.json<{ checks: AuditLine[] }>({
    method: 'POST',
    path: '/v1/audits',
    json: {},
  });
  say(`\nthe audit\n${showAudit(checks)}`);
  const errors = accountErrors(results);
  for (const error of errors) process.stderr.write(`broken: ${error}\n`);
  const violations = sum(checks.map((check) => check.violations));
  return errors.length === 0 && violations === 0 && checks.every((check) => check.checked > 0);
}

async function run(options: RunOptions): Promise<void> {
  const world = worldOf(options);
  const url = `http://127.0.0.1:${options.port}`;
  const registryHome = join(options.home, 'registry');
  if (isHome(registryHome)) moveRegistry(registryHome, url);
  else await createRegistryHome(registryHome, { url, profile: 'CN' });
  const open = await openRegistry(registryHome, printFailure);
  try {
    await listen(open.server, { port: options.port, host: '127.0.0.1' });
    say(`The registry listens on ${url}. Everything is kept in ${options.home}.`);
    const operator = operatorClient(registryHome);
    const results: LenderResult[] = [];
    for (const [index, lender] of makeWorld({ ...WORLD, ...world }).entries()) {
      const home = join(options.home, `lender-${index + 1}`);
      const brands = lender.brand ? [lender.brand] : [];
      const admit = (card: object) => admitOnce(operator, card, { role: 'furnisher', brands });
      results.push(await runLender(home, lender, url, admit));
    }
    const borrower = await findBorrower(open.registry);
    const isKept = await showWorld(results, operator, borrower);
    if (borrower !== null) {
      const admit = (card: object) => admitOnce(operator, card, { role: 'enquirer', brands: [] });
      say(await evaluateBorrower({ home: options.home, url, operator, admit }, borrower));
    }
    say(isKept ? '\nEvery promise held.' : '\nA promise was broken.');
    if (!isKept) process.exitCode = 1;
    if (options.exit) return;
    const closeLender = await serveLender(join(options.home, 'lender-1'), options.port + 1);
    if (borrower !== null) {
      const admit = (card: object) => admitOnce(operator, card, { role: 'identifier', brands: [] });
      const people = { home: options.home, registryHome, url, operator, admit };
      say(await identifyBorrower(people, borrower));
    }
    say(`\nAPI documentation: ${url}/documentation\nStop with Ctrl-C.`);
    await untilInterrupted();
    await closeLender();
  } finally {
    await open.close();
  }
}

function readOptions(): RunOptions | null {
  let values: { exit: boolean; help: boolean; home: string; port: string; borrowers?: string };
  try {
    ({ values } = parseArgs({
      allowPositionals: true,
      options: {
        exit: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        home: { type: 'string', default: '.assent' },
        port: { type: 'string', default: '8088' },
        borrowers: { type: 'string' },
      },
    }));
  } catch (error) {
    // Its first sentence names the option.
    const [sentence = ''] = (error as Error).message.split('. ');
    throw new AssentError('argument_invalid', { detail: sentence });
  }
  if (values.help) return null;
  const borrowers =
    values.borrowers === undefined ? null : countOf('--borrowers')(values.borrowers);
  if (borrowers !== null && borrowers < BORROWERS_MIN)
    throw new AssentError('argument_invalid', {
      detail: `--borrowers is at least ${BORROWERS_MIN}: a smaller world has no room for its spoilt rows`,
    });
  return {
    home: resolve(values.home),
    port: portOf(values.port),
    borrowers,
    exit: values.exit,
  };
}

exitOnInterrupt();
// Two lenders and a registry in one database would be one lender: this world has folders.
delete process.env['DATABASE_URL'];
try {
  const options = readOptions();
  if (options === null) say(USAGE);
  else await run(options);
} catch (error) {
  printFailure(error);
}
