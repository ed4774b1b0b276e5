/**
 * The commands. What must stay true: `--help` everywhere, `--json` for machines, tables for
 * people; exit codes as docs/OPERATIONS.md lists them.
 */
import { resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { addAskingCommands } from './asking-commands.ts';
import { addComplianceCommands } from './compliance-commands.ts';
import { addDevelopmentSample } from './development-sample-commands.ts';
import { addDisputeEntryCommands } from './dispute-entry-commands.ts';
import { addEnquirerCommands } from './enquirer-commands.ts';
import { addEnquiryCommands, addReportCommands } from './enquiry-commands.ts';
import { addEnquirerEvaluations, addReviewCommands } from './evaluation-commands.ts';
import { addFurnishing } from './furnishing-commands.ts';
import { addGatewayCommands } from './gateway-commands.ts';
import { createCard, VERSION } from './home.ts';
import { exitOnInterrupt } from './interrupt.ts';
import { addMonitoring } from './monitoring-commands.ts';
import { EXIT, outliveReaders, print, printFailure } from './print.ts';
import { addGatewayProofs, addRegistryProofs, addVerifyAuthorisation } from './proof-commands.ts';
import { addRegistryCommands } from './registry-commands.ts';
import { addScorecardCommands } from './scorecard-commands.ts';
import { addScorecardGovernance } from './scorecard-governance-commands.ts';

function addCard(program: Command): void {
  program
    .command('card')
    .description('make keys and a participant.json for a caller of an API: an app, an officer …')
    .requiredOption('--home <folder>', 'where the keys are kept')
    .requiredOption('--name <name>', 'whose they are')
    .option('--json', 'print one JSON document')
    .action((options: { home: string; name: string; json?: boolean }) => {
      const card = createCard(resolve(options.home), options.name);
      print(card, options.json === true, () => `participant ${card.participant_id}`);
    });
}

/** Parses and runs one command line. */
export async function main(argv: readonly string[]): Promise<void> {
  const asJson = argv.includes('--json');
  // Inherited by every command that is added afterwards.
  const program = new Command('assent')
    .description(
      'An open consumer-credit registry in which nothing moves without the borrower’s authorisation',
    )
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('  --help shows what is accepted.')
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'error argument_invalid: ')),
    });
  const gateway = program
    .command('gateway')
    .description("the lender's side: book, authorisations, gate, hand-over");
  addGatewayCommands(gateway);
  addAskingCommands(gateway);
  addComplianceCommands(gateway);
  addGatewayProofs(gateway);
  const registry = program.command('registry').description('the central credit database');
  addRegistryCommands(registry);
  addRegistryProofs(registry);
  addReportCommands(registry);
  addDisputeEntryCommands(registry);
  addScorecardGovernance(registry);
  addFurnishing(registry);
  addMonitoring(registry);
  addDevelopmentSample(registry);
  addReviewCommands(registry);
  const enquirer = program
    .command('enquirer')
    .description("a lender that asks leave to look at a person's file");
  addEnquirerCommands(enquirer);
  addEnquiryCommands(enquirer);
  addEnquirerEvaluations(enquirer);
  addScorecardCommands(program);
  addVerifyAuthorisation(program);
  addCard(program);
  outliveReaders();
  const stopListening = exitOnInterrupt();
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (!(error instanceof CommanderError)) printFailure(error, asJson);
    else if (error.exitCode !== 0) process.exitCode = EXIT.wrong_call;
  } finally {
    stopListening();
  }
}
