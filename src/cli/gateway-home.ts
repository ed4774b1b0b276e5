/** What every command of a gateway shares: its options, and the home it opens and closes. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type OpenGateway, openGateway } from './home.ts';

export interface GatewayOptions {
  readonly home: string;
  readonly json?: boolean;
}

/** Adds `--home` and `--json`. */
export function gatewayOptions(command: Command): Command {
  return command
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--json', 'print one JSON document');
}

/** Opens the home, runs, and closes it whatever happens. */
export async function withGateway(
  options: GatewayOptions,
  run: (open: OpenGateway) => Promise<void>,
): Promise<void> {
  const open = await openGateway(resolve(options.home));
  try {
    await run(open);
  } finally {
    await open.close();
  }
}
