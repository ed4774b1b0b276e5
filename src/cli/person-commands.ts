/**
 * `assent registry identify`: at a counter, the operator says who a person is.
 *
 * What must stay true: the identity comes from a file, never from the command line, which other
 * programs of the machine can read and a shell remembers.
 */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import { readJson } from './arguments.ts';
import { operatorClient } from './home.ts';
import { print } from './print.ts';

interface IdentifyOptions {
  readonly home: string;
  readonly assurance: string;
  readonly evidenceSha256?: string;
  readonly json?: boolean;
}

interface Identified {
  readonly ticket: string;
  readonly address: string;
  readonly ends_at: string;
}

async function identify(path: string, options: IdentifyOptions): Promise<void> {
  const { text, value } = readJson(path, 'the identity');
  if (typeof value !== 'object' || value === null)
    throw new AssentError('argument_invalid', { detail: 'the identity is a JSON object' });
  const identified = await operatorClient(resolve(options.home)).json<Identified>({
    method: 'POST',
    path: '/v1/people/sessions',
    json: {
      country: null,
      ...value,
      assurance: options.assurance,
      evidence_sha256: options.evidenceSha256 ?? createHash('sha256').update(text).digest('hex'),
      purpose: 'own_file',
    },
  });
  print(
    identified,
    options.json === true,
    ({ address, ends_at }) => `${address}\nopens the person's own file, once, until ${ends_at}`,
  );
}

/** Adds the command to `assent registry`. */
export function addPersonCommands(registry: Command): void {
  registry
    .command('identify')
    .argument('<file>', 'JSON with kind, country, number, name and birth_date, as on the document')
    .description('say who a person at the counter is; prints where they see their own file')
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .option('--assurance <level>', 'how sure you are: substantial or high', 'high')
    .option('--evidence-sha256 <hash>', 'of what you keep of it (default: of the file)')
    .option('--json', 'print one JSON document')
    .action(identify);
}
