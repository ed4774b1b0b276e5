/**
 * The commands. What must stay true: `--help` everywhere, `--json` for machines, tables for
 * people, exit code 0 for done, 1 for a failure, 2 for a wrong call.
 */
import { Command } from 'commander';
import { addGatewayCommands } from './gateway-commands.ts';
import { printFailure } from './print.ts';
import { addRegistryCommands } from './registry-commands.ts';

/** Parses and runs one command line. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('assent')
    .description(
      'An open consumer-credit registry in which nothing moves without the borrower’s authorisation',
    )
    .showHelpAfterError();
  addGatewayCommands(
    program
      .command('gateway')
      .description("the lender's side: book, authorisations, gate, hand-over"),
  );
  addRegistryCommands(program.command('registry').description('the central credit database'));
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    printFailure(error);
  }
}
