/**
 * Commands of the operator for people who wrote or came: a dispute entered for them, and the block
 * for identity theft. What they claim is read from a file, never from the command line.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import { THEFT_DECISIONS, THEFT_GROUNDS } from '../registry/theft-blocks.ts';
import { fileOf, idOf, readJson } from './arguments.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print } from './print.ts';

const atRegistry = homeOptions('registry');

interface Letter {
  readonly subject_id: string;
  readonly ground?: string | null;
  readonly claims: readonly (Readonly<Record<string, unknown>> & {
    readonly evidence?: readonly string[];
  })[];
}

/** A file beside the document, as base64. @throws file_unreadable */
function attached(folder: string, name: string): string {
  const path = resolve(folder, name);
  fileOf(path, 'the evidence');
  return readFileSync(path).toString('base64');
}

/** The claims with the bytes of their files. @throws argument_invalid, file_unreadable */
function readLetter(path: string): Letter {
  const letter = readJson(path, 'the dispute').value as Letter;
  if (!Array.isArray(letter.claims))
    throw new AssentError('argument_invalid', { detail: `${path} has no list of claims` });
  const folder = dirname(resolve(path));
  const claims = (letter as Letter).claims.map((claim) => ({
    ...claim,
    evidence: (claim.evidence ?? []).map((name) => attached(folder, name)),
  }));
  return { ...letter, claims };
}

interface Entered {
  readonly dispute_id: string;
  readonly answer_due_at: string;
  readonly block_due_at: string | null;
}

const minute = (moment: string) => moment.slice(0, 16);

function addEntry(registry: Command): void {
  atRegistry(registry.command('enter-dispute'))
    .argument('<file>', 'JSON: subject_id, claims (each with its files by name), perhaps ground')
    .description('enter a dispute that came by post or at the counter; the person is told')
    .requiredOption('--channel <channel>', 'post or counter')
    .requiredOption('--received <day>', 'YYYY-MM-DD on which it came: the clock begins with it')
    .requiredOption('--reason <text>', 'where the letter is kept, or who came')
    .action(
      async (
        file: string,
        options: HomeOptions & { channel: string; received: string; reason: string },
      ) => {
        const { channel, received, reason } = options;
        const entered = await operatorClient(resolve(options.home)).json<Entered>({
          method: 'POST',
          path: '/v1/disputes',
          json: { ...readLetter(file), channel, received_on: received, reason },
        });
        print(entered, options.json === true, (each) => {
          const block = each.block_due_at && `, to be blocked by ${minute(each.block_due_at)}`;
          return `dispute ${each.dispute_id}: answer due ${minute(each.answer_due_at)}${block ?? ''}`;
        });
      },
    );
}

function addTheft(registry: Command): void {
  atRegistry(registry.command('identity-theft'))
    .argument('<dispute_id>', 'as `disputes` lists it', idOf)
    .description('block what is said to be identity theft, decline to, or lift the block again')
    .requiredOption('--decision <decision>', THEFT_DECISIONS.join(', '))
    .option('--ground <ground>', `to decline or lift: ${THEFT_GROUNDS.join(', ')}`)
    .requiredOption('--reason <text>', 'why; the person reads it')
    .action(
      async (
        id: string,
        options: HomeOptions & { decision: string; ground?: string; reason: string },
      ) => {
        const { decision, ground = null, reason } = options;
        const decided = await operatorClient(resolve(options.home)).json<{ block_state: string }>({
          method: 'POST',
          path: `/v1/disputes/${id}/identity-theft`,
          json: { decision, ground, reason },
        });
        print(decided, options.json === true, ({ block_state }) => block_state);
      },
    );
}

/** Adds the registry's commands of this file. */
export function addDisputeEntryCommands(registry: Command): void {
  addEntry(registry);
  addTheft(registry);
}
