/** `assent enquirer …`: its home, the authorisations it brings, leave to look. */
import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { AuthorisationColumns } from '../authorisation/from-columns.ts';
import { LOOK_PURPOSES } from '../authorisation/record.ts';
import { AssentError } from '../model/error.ts';
import type { Permit } from '../registry/permits.ts';
import { countOf, idOf, readJson, urlOf } from './arguments.ts';
import { printConnection } from './connection.ts';
import {
  bringAuthorisation,
  connectEnquirer,
  createEnquirerHome,
  openEnquirer,
  type PersonColumns,
  readEnquirerFeed,
} from './enquirer-home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print, table } from './print.ts';

const shared = homeOptions('enquirer');

/** The columns and the person of a file. @throws file_unreadable, argument_invalid */
function readFile(path: string): { columns: AuthorisationColumns; person: PersonColumns } {
  const { value } = readJson(path, 'the authorisation');
  const { person, ...columns } = (value ?? {}) as { person?: unknown; events?: unknown };
  if (!Array.isArray(columns.events) || columns.events.length === 0)
    throw new AssentError('argument_invalid', { detail: 'the file lists no events' });
  if (typeof person !== 'object' || person === null)
    throw new AssentError('argument_invalid', { detail: 'the file names no person' });
  return {
    columns: columns as unknown as AuthorisationColumns,
    person: person as PersonColumns,
  };
}

function addHome(enquirer: Command): void {
  shared(enquirer.command('init'))
    .description("make an enquirer's home: keys, and participant.json for the operator")
    .requiredOption('--name <name>', 'the legal lender')
    .action((options: HomeOptions & { name: string }) => {
      const { enquirer_id } = createEnquirerHome(resolve(options.home), options.name);
      print(
        { participant_id: enquirer_id, card: 'participant.json' },
        options.json === true,
        () =>
          `participant ${enquirer_id}\ngive participant.json of the home to the operator, who admits it with --role enquirer`,
      );
    });
  shared(enquirer.command('connect'))
    .description('point the enquirer at a registry and pin its keys')
    .requiredOption('--registry <url>', 'URL of the registry', urlOf)
    .option('--replace-keys', 'pin its keys although others were pinned before', false)
    .action(async (options: HomeOptions & { registry: string; replaceKeys: boolean }) => {
      const connection = await connectEnquirer(
        resolve(options.home),
        options.registry,
        options.replaceKeys,
      );
      printConnection(connection, options.json === true);
    });
}

function purposeOf(text: string): string {
  const looks: readonly string[] = LOOK_PURPOSES;
  if (looks.includes(text)) return text;
  throw new AssentError('argument_invalid', {
    detail: `--purpose is one of ${looks.join(', ')}`,
  });
}

function showPermit({ permitted, reason, accounts, use_id }: Permit): string {
  const answer = permitted ? `permitted: ${accounts} accounts` : `not permitted: ${reason}`;
  return `${answer}\nuse ${use_id} (the same with --use-id is the same look)`;
}

function addLooks(enquirer: Command): void {
  shared(enquirer.command('authorise'))
    .argument('<file>', 'JSON (docs/DATA.md, "An enquirer\'s")')
    .description("bring a person's authorisation with its events, signed; again with new events")
    .action(async (path: string, options: HomeOptions) => {
      const { columns, person } = readFile(path);
      const recorded = await bringAuthorisation(
        openEnquirer(resolve(options.home)),
        columns,
        person,
      );
      print(
        recorded,
        options.json === true,
        ({ authorisation_id, state, result }) => `${authorisation_id}: ${state} (${result})`,
      );
    });
  shared(enquirer.command('permit'))
    .argument('<authorisation_id>', 'of one that was brought', idOf)
    .description('ask leave to look at the file; a look that is permitted is a use')
    .requiredOption('--purpose <code>', 'Q1, Q2, Q3 or E1', purposeOf)
    .option('--use-id <id>', 'of the look, to ask again about the same one; default: new', idOf)
    .action(async (id: string, options: HomeOptions & { purpose: string; useId?: string }) => {
      const permit = await openEnquirer(resolve(options.home)).api.json<Permit>({
        method: 'POST',
        path: '/v1/permits',
        json: {
          authorisation_id: id,
          purpose: options.purpose,
          use_id: options.useId ?? randomUUID(),
        },
        idempotent: true,
      });
      print(permit, options.json === true, showPermit);
      if (!permit.permitted) process.exitCode = 1;
    });
  shared(enquirer.command('prove'))
    .argument('<authorisation_id>', 'of one that was brought', idOf)
    .description('print a proof of an authorisation, for verify-authorisation')
    .action(async (id: string, options: HomeOptions) => {
      const proof = await openEnquirer(resolve(options.home)).api.json({
        method: 'GET',
        path: `/v1/authorisations/${id}/proof`,
      });
      print(proof, true, String);
    });
}

function addFeed(enquirer: Command): void {
  shared(enquirer.command('feed'))
    .description("read the enquirer's feed: ends of its authorisations, blocks, corrections")
    .option('--after <position>', 'the newest entry that was read before', countOf('--after'), 0)
    .action(async (options: HomeOptions & { after: number }) => {
      const read = await readEnquirerFeed(openEnquirer(resolve(options.home)), options.after);
      print(read, options.json === true, ({ entries }) =>
        table(
          ['position', 'what', 'about'],
          entries.map(({ position, type, about }) => [String(position), type, about]),
        ),
      );
    });
}

/** Adds the enquirer's commands. */
export function addEnquirerCommands(enquirer: Command): void {
  addFeed(enquirer);
  addHome(enquirer);
  addLooks(enquirer);
}
