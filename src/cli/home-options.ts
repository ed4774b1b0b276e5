/** The options that the commands of a home have in common. */
import type { Command } from 'commander';

export interface HomeOptions {
  readonly home: string;
  readonly json?: boolean;
}

/** Adds `--home`, where that program lives unless told otherwise, and `--json`. */
export const homeOptions =
  (program: 'gateway' | 'registry' | 'enquirer') =>
  (command: Command): Command =>
    command
      .option('--home <folder>', `the ${program}'s home`, `.assent/${program}`)
      .option('--json', 'print one JSON document');
