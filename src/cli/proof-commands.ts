/** Commands about evidence: `gateway prove` and `audit`, `registry prove`, `verify-authorisation`. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { auditBatches } from '../authorisation/audit-batches.ts';
import {
  proveAuthorisation,
  type Signer,
  type Verified,
  verifyProof,
} from '../authorisation/proof.ts';
import { AssentError } from '../model/error.ts';
import { openGateway, operatorClient } from './home.ts';
import { print, table } from './print.ts';

interface Shared {
  readonly home: string;
  readonly json?: boolean;
}

async function withGateway<T>(
  home: string,
  run: (open: Awaited<ReturnType<typeof openGateway>>) => Promise<T>,
): Promise<T> {
  const open = await openGateway(resolve(home));
  try {
    return await run(open);
  } finally {
    await open.close();
  }
}

/** Adds `gateway prove` and `gateway audit`. */
export function addGatewayProofs(gateway: Command): void {
  gateway
    .command('prove <authorisation_id>')
    .description('print a proof of an authorisation, for verify-authorisation')
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--json', 'print JSON (a proof always is)')
    .action(async (id: string, options: Shared) => {
      const sought = { authorisation_id: id, provider_id: null };
      const { proof } = await withGateway(options.home, ({ gateway: g }) =>
        proveAuthorisation(g.db, sought),
      );
      print(proof, true, String);
    });
  gateway
    .command('audit')
    .description('check that every event stands under a signed root, and what is stored with it')
    .option('--home <folder>', "the gateway's home", '.assent/gateway')
    .option('--json', 'print JSON')
    .action(async (options: Shared) => {
      const checks = await withGateway(options.home, ({ gateway: g }) => auditBatches(g.db));
      print(checks, options.json === true, (all) =>
        table(
          ['check', 'checked', 'violations'],
          all.map((line) => [line.check, line.checked, line.violations]),
        ),
      );
      if (checks.some((line) => line.violations > 0)) process.exitCode = 1;
    });
}

/** Adds `registry prove`. */
export function addRegistryProofs(registry: Command): void {
  registry
    .command('prove <authorisation_id>')
    .description('print a proof from the signature it came under; the look leaves a trace')
    .option('--home <folder>', "the registry's home", '.assent/registry')
    .option('--json', 'print JSON (a proof always is)')
    .action(async (id: string, options: Shared) => {
      const proof = await operatorClient(resolve(options.home)).json({
        method: 'GET',
        path: `/v1/all/authorisations/${encodeURIComponent(id)}/proof`,
      });
      print(proof, true, String);
    });
}

function readJson(path: string, what: string): unknown {
  if (!existsSync(path)) throw new AssentError('file_unreadable', { detail: what });
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new AssentError('argument_invalid', { detail: `${what} is no JSON` });
  }
}

/** A participant.json or a JWK Set. */
function signerOf(document: unknown): Signer {
  const { participant_id, jwks, keys } = (document ?? {}) as Record<string, unknown>;
  const set = typeof jwks === 'object' && jwks !== null ? (jwks as { keys?: unknown }).keys : keys;
  if (!Array.isArray(set))
    throw new AssentError('argument_invalid', { detail: '--keys names no JWK Set' });
  return {
    participant_id: typeof participant_id === 'string' ? participant_id : null,
    keys: { keys: set as Signer['keys']['keys'][number][] },
  };
}

function showVerified({ problems, authorisation_id, state, collector_id }: Verified): string {
  if (problems.length > 0) return `NOT proven:\n${problems.map((each) => `  ${each}`).join('\n')}`;
  return `proven: authorisation ${authorisation_id}, ${state} by its newest event, signed by ${collector_id}`;
}

/** Adds `verify-authorisation`. */
export function addVerifyAuthorisation(program: Command): void {
  program
    .command('verify-authorisation <file>')
    .description('verify a proof offline, and say what is wrong with it')
    .requiredOption(
      '--keys <file>',
      'JWK Set or participant.json of the collector, or of the enquirer that brought it',
    )
    .option('--json', 'print JSON')
    .action(async (path: string, options: { keys: string; json?: boolean }) => {
      const signer = signerOf(readJson(options.keys, 'the keys'));
      const verified = await verifyProof(readJson(path, 'the proof'), signer);
      print(verified, options.json === true, showVerified);
      if (verified.problems.length > 0) process.exitCode = 1;
    });
}
