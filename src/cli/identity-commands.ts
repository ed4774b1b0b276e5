/**
 * Commands of people's identity at the registry: cases, merges, splits, corrections, erasure.
 * All but rotate-keys go through the HTTP API, as the operator. An identity is read from a file,
 * never from the command line, which others on the machine can see.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import type { ErasureAnswer, ErasureCertificate, ErasurePreview } from '../registry/erasures.ts';
import type { IdentityCase } from '../registry/identity-cases.ts';
import { countOf, fileDigest, idOf, readJson } from './arguments.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';
import { progressBar } from './progress.ts';
import { rotateHomeKeys } from './rotate-home-keys.ts';

interface Decided extends HomeOptions {
  readonly why: string;
  readonly evidence?: string;
}

const shared = homeOptions('registry');
const decided = (command: Command) =>
  shared(command)
    .requiredOption('--why <text>', 'why, for whoever reads it later')
    .option('--evidence <file>', 'what you saw for it; its hash is kept, the file stays with you');

const decisionOf = ({ why, evidence }: Decided) => ({
  why,
  ...(evidence === undefined ? {} : { evidence_sha256: fileDigest(evidence, 'the evidence') }),
});

const get = <T>({ home }: HomeOptions, path: string, query: Record<string, string> = {}) =>
  operatorClient(resolve(home)).json<T>({ method: 'GET', path, query });
const post = <T>({ home }: HomeOptions, path: string, json: unknown) =>
  operatorClient(resolve(home)).json<T>({ method: 'POST', path, json });

const bits = (weight: number | null) => (weight === null ? '' : weight.toFixed(1));
const odds = (share: number | null) => (share === null ? '' : share.toFixed(4));

function casesTable(cases: readonly IdentityCase[]): string {
  return table(
    ['case', 'kind', 'state', 'known', 'other', 'bits', 'probability', 'agree'],
    cases.map((each) => [
      each.case_id,
      each.kind,
      each.state,
      each.known_id,
      each.other_id,
      bits(each.weight),
      odds(each.probability),
      each.agreed.join(', '),
    ]),
  );
}

/** Every case of a state, page by page. */
async function allCases(options: HomeOptions & { all?: boolean }): Promise<IdentityCase[]> {
  const found: IdentityCase[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const page: { cases: IdentityCase[]; next: string | null } = await get(
      options,
      '/v1/identity-cases',
      { limit: '1000', ...(options.all ? {} : { state: 'open' }), ...(after ? { after } : {}) },
    );
    found.push(...page.cases);
    after = page.next;
  }
  return found;
}

type Opened = Readonly<Record<string, string | null>> | null;

function sideBySide(known: Opened, other: Opened): string {
  const fields = ['kind', 'country', 'number', 'name', 'birth_date'];
  return table(
    ['', 'known', 'other'],
    fields.map((field) => [field, known?.[field] ?? '', other?.[field] ?? '']),
  );
}

function addCases(registry: Command): void {
  shared(registry.command('cases'))
    .description('list who may be one person, for you to decide; shows nothing of an identity')
    .option('--all', 'decided ones too')
    .action(async (options: HomeOptions & { all?: boolean }) =>
      print(await allCases(options), options.json === true, casesTable),
    );
  shared(registry.command('case'))
    .argument('<case_id>', 'as `cases` lists it', idOf)
    .description('open both identities side by side; the look leaves a trace with both people')
    .requiredOption('--reason <text>', 'why you look')
    .action(async (id: string, options: HomeOptions & { reason: string }) => {
      const { reason } = options;
      const path = `/v1/identity-cases/${id}/views`;
      const view = await post<IdentityCase & { known: Opened; other: Opened }>(options, path, {
        reason,
      });
      print(view, options.json === true, (shown) =>
        [casesTable([shown]), sideBySide(shown.known, shown.other)].join('\n'),
      );
    });
  decided(registry.command('resolve'))
    .argument('<case_id>', 'as `cases` lists it', idOf)
    .argument('<outcome>', 'match: one person; no_match: two, never asked again')
    .description('decide a case')
    .action(async (id: string, outcome: string, options: Decided) => {
      if (outcome !== 'match' && outcome !== 'no_match')
        throw new AssentError('argument_invalid', { detail: 'the outcome is match or no_match' });
      const json = { outcome, ...decisionOf(options) };
      const path = `/v1/identity-cases/${id}/resolution`;
      const done = await post<IdentityCase>(options, path, json);
      print(done, options.json === true, (each) =>
        each.event_id ? `${each.state}: merged, event ${each.event_id}` : each.state,
      );
    });
}

const eventText = ({ event_id }: { event_id: string }) => `event ${event_id}`;
const collect = (value: string, before: readonly string[] = []) => [...before, value];

interface SplitOptions extends Decided {
  readonly to?: string;
  readonly identity?: string;
  readonly locator?: readonly string[];
  readonly account?: readonly string[];
  readonly authorisation?: readonly string[];
}

async function splitOff(id: string, options: SplitOptions): Promise<void> {
  const { to, identity, locator = [], account = [], authorisation = [] } = options;
  if ((to === undefined) === (identity === undefined))
    throw new AssentError('argument_invalid', { detail: 'give either --to or --identity' });
  const locators = locator.map((text) => {
    const [furnisher_id = '', subject_ref = ''] = text.split(':');
    return { furnisher_id: idOf(furnisher_id), subject_ref: idOf(subject_ref) };
  });
  const json = {
    from_id: id,
    to:
      to === undefined
        ? { identity: readJson(identity ?? '', 'the identity').value }
        : { subject_id: idOf(to) },
    locators,
    account_ids: account.map(idOf),
    authorisation_ids: authorisation.map(idOf),
    ...decisionOf(options),
  };
  const done = await post<{ event_id: string; to_id: string }>(
    options,
    '/v1/identity-splits',
    json,
  );
  print(done, options.json === true, (each) => `${eventText(each)}: now with ${each.to_id}`);
}

function addMerges(registry: Command): void {
  decided(registry.command('merge'))
    .argument('<from_id>', 'the person whose id will lead to the other', idOf)
    .argument('<into_id>', 'the person who stays', idOf)
    .description('merge two people who are one; all that is theirs follows')
    .action(async (from_id: string, into_id: string, options: Decided) => {
      const json = { from_id, into_id, ...decisionOf(options) };
      const done = await post<{ event_id: string }>(options, '/v1/identity-merges', json);
      print(done, options.json === true, eventText);
    });
  decided(registry.command('split'))
    .argument('<from_id>', 'the person whose file is mixed', idOf)
    .description("take what is somebody else's out of a file")
    .option('--to <subject_id>', 'one who was merged into the person before')
    .option('--identity <file>', 'JSON of a new person: kind, country, number, name, birth_date')
    .option('--locator <furnisher:ref>', "a furnisher's reference that is theirs", collect)
    .option('--account <id>', 'an account that is theirs', collect)
    .option('--authorisation <id>', 'an authorisation that is theirs', collect)
    .action(splitOff);
  decided(registry.command('undo'))
    .argument('<event_id>', 'as `identity-events` lists it', idOf)
    .description('undo a merge or a split; the newest of a person first')
    .action(async (id: string, options: Decided) => {
      const path = `/v1/identity-events/${id}/undo`;
      const done = await post<{ event_id: string }>(options, path, decisionOf(options));
      print(done, options.json === true, eventText);
    });
  shared(registry.command('identity-events'))
    .description('list merges, splits, corrections and what undid them, newest first')
    .option('--subject <id>', 'of one person', idOf)
    .option('--limit <n>', 'how many at most', countOf('--limit'), 100)
    .action(async (options: HomeOptions & { subject?: string; limit: number }) => {
      const query = {
        limit: String(options.limit),
        ...(options.subject ? { subject_id: options.subject } : {}),
      };
      const { events } = await get<{ events: Record<string, string>[] }>(
        options,
        '/v1/identity-events',
        query,
      );
      const columns = ['event_id', 'kind', 'from_id', 'to_id', 'at', 'why'];
      print(events, options.json === true, (all) =>
        table(
          columns,
          all.map((each) => columns.map((column) => each[column] ?? '')),
        ),
      );
    });
}

function addCorrections(registry: Command): void {
  decided(registry.command('correct-identity'))
    .argument('<subject_id>', 'of the person', idOf)
    .description("correct a person's name, birth date or document; --evidence is needed")
    .requiredOption('--identity <file>', 'JSON: kind, country, number, name, birth_date')
    .action(async (id: string, options: Decided & { identity: string }) => {
      if (options.evidence === undefined)
        throw new AssentError('argument_invalid', { detail: '--evidence names a file' });
      const identity = readJson(options.identity, 'the identity').value;
      const json = { identity, ...decisionOf(options) };
      const done = await post<{ event_id: string }>(options, `/v1/subjects/${id}/identity`, json);
      print(done, options.json === true, eventText);
    });
  shared(registry.command('fit-matching'))
    .description('fit the weights of matching to the people of the store, without labels')
    .action(async (options: HomeOptions) => {
      const done = await post<{ version: number; records: number }>(
        options,
        '/v1/matching/fits',
        {},
      );
      print(done, options.json === true, (fit) => `version ${fit.version}, ${fit.records} records`);
    });
}

function previewText(preview: ErasurePreview): string {
  const stays = preview.stays.map(
    (each) =>
      `  ${each.rows} ${each.reason}${each.until ? ` until ${each.until}` : ''}: ${each.why}`,
  );
  const rows = Object.values(preview.goes).reduce((sum, n) => sum + n, 0);
  const { rows: records, until } = preview.approval_records;
  const kept =
    records === 0 ? '' : `\n${records} records of approvals stay without the person until ${until}`;
  const said =
    stays.length === 0
      ? `nothing must stay: all ${rows} rows go`
      : `must stay:\n${stays.join('\n')}\nmonths that go: ${preview.months_going}`;
  return `${said}${kept}`;
}

const certificateText = (each: ErasureCertificate) =>
  `erased ${String(each.erased_at)}\n${table(
    ['table', 'rows'],
    Object.entries(each.erased_rows).map(([name, rows]) => [name, rows]),
  )}`;

function addErasures(registry: Command): void {
  shared(registry.command('erase'))
    .argument('<subject_id>', 'of the person', idOf)
    .description('take down that a person asks to be erased, and say what must stay and why')
    .option('--evidence <file>', 'the request as it was received; its hash is kept')
    .option('--preview', 'only say what would stay and what would go')
    .action(async (id: string, options: HomeOptions & { evidence?: string; preview?: boolean }) => {
      const path = `/v1/subjects/${id}/erasure`;
      if (options.preview) {
        print(await get<ErasurePreview>(options, path), options.json === true, previewText);
        return;
      }
      if (options.evidence === undefined)
        throw new AssentError('argument_invalid', { detail: '--evidence names a file' });
      const json = { evidence_sha256: fileDigest(options.evidence, 'the evidence') };
      const answer = await post<ErasureAnswer>(options, path, json);
      print(
        answer,
        options.json === true,
        (each) => `request ${each.request_id}, due ${String(each.due_at)}\n${previewText(each)}`,
      );
    });
  shared(registry.command('sweep-erasures'))
    .description('erase whoever is due; run it daily')
    .option('--no-rewrite', 'leave deleted bytes in the files until they are written over')
    .action(async (options: HomeOptions & { rewrite: boolean }) => {
      const json = { rewrite: options.rewrite };
      const done = await post<Record<string, number>>(options, '/v1/erasures/sweep', json);
      print(
        done,
        options.json === true,
        (each) => `erased ${each['erased']}, waiting for what must stay ${each['partly']}`,
      );
    });
  shared(registry.command('erasure'))
    .argument('<request_id>', 'as `erase` answered it', idOf)
    .description('show the certificate of an erasure')
    .action(async (id: string, options: HomeOptions) =>
      print(
        await get<ErasureCertificate>(options, `/v1/erasures/${id}`),
        options.json === true,
        certificateText,
      ),
    );
  shared(registry.command('rotate-keys'))
    .description("wrap everybody's key under the newest sealing key; the registry is stopped")
    .option('--new', 'make a new sealing key first; leave it out to go on after an interruption')
    .action(async (options: HomeOptions & { new?: boolean }) => {
      const bar = progressBar();
      const rotated = await rotateHomeKeys(resolve(options.home), options.new === true, (done) =>
        bar('keys', done, null),
      );
      print({ rotated }, options.json === true, () => `${rotated} keys wrapped anew`);
    });
}

/** Adds the commands of identity. */
export function addIdentityCommands(registry: Command): void {
  addCases(registry);
  addMerges(registry);
  addCorrections(registry);
  addErasures(registry);
}
