/**
 * The commands. What must stay true: `--help` everywhere, `--json` for machines, tables for
 * people, exit code 0 for done, 1 for a failure, 2 for a wrong call.
 */
import { resolve } from 'node:path';
import { Command } from 'commander';
import { addAskingCommands } from './asking-commands.ts';
import { addGatewayCommands } from './gateway-commands.ts';
import { createCard } from './home.ts';
import { printFailure } from './print.ts';
import { addRegistryCommands } from './registry-commands.ts';

/** Parses and runs one command line. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('assent')
    .description(
      'An open consumer-credit registry in which nothing moves without the borrower’s authorisation',
    )
    .showHelpAfterError();
  const gateway = program
    .command('gateway')
    .description("the lender's side: book, authorisations, gate, hand-over");
  addGatewayCommands(gateway);
  addAskingCommands(gateway);
  addRegistryCommands(program.command('registry').description('the central credit database'));
  program
    .command('card')
    .description('make keys and a participant.json for a caller of an API: an app, an officer …')
    .requiredOption('--home <folder>', 'where the keys are kept')
    .requiredOption('--name <name>', 'whose they are')
    .action((options: { home: string; name: string }) => {
      const { participant_id } = createCard(resolve(options.home), options.name);
      process.stdout.write(`participant ${participant_id}\n`);
    });
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    printFailure(error);
  }
}
