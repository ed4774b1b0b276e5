/** What every command of a gateway shares: its options, and the home it opens and closes. */
import { resolve } from 'node:path';
import { type OpenGateway, openGateway } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';

export type GatewayOptions = HomeOptions;

/** Adds `--home` and `--json`. */
export const gatewayOptions = homeOptions('gateway');

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
