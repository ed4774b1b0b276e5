/**
 * The first run's identity provider: it says who one made-up borrower is, so that whoever tries
 * the program sees a file as its person does.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssentError } from '../model/error.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { clientOf, createCard, ringOf } from './home.ts';

/** Where the provider lives, and who lets it in. */
export interface IdentityWorld {
  readonly home: string;
  readonly registryHome: string;
  readonly url: string;
  readonly operator: ApiClient;
  /** Admits a participant once. */
  readonly admit: (card: object) => Promise<void>;
}

interface Answers {
  readonly '/v1/me/session': { readonly token: string };
  readonly '/v1/me/disputes': { readonly disputes?: readonly object[] };
  readonly '/v1/me/file': {
    readonly document: {
      readonly accounts: readonly {
        readonly account_id: string;
        readonly months: readonly { readonly period: string }[];
      }[];
    };
  };
}

/** Asks the registry as the person does, by their session. @throws registry_refused */
async function asPerson<Path extends keyof Answers>(
  url: string,
  path: Path,
  { token, json }: { readonly token?: string; readonly json?: object },
): Promise<Answers[Path]> {
  const answer = await fetch(`${url}${path}`, {
    method: json ? 'POST' : 'GET',
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(json ? { 'content-type': 'application/json' } : {}),
    },
    ...(json ? { body: JSON.stringify(json) } : {}),
  });
  if (!answer.ok) throw new AssentError('registry_refused', { detail: `HTTP ${answer.status}` });
  return (await answer.json()) as Answers[Path];
}

/** The borrower doubts the newest figure of one account, once, so that there is a dispute to see. */
async function disputeOnce(url: string, ticket: string): Promise<void> {
  const { token } = await asPerson(url, '/v1/me/session', { json: { ticket } });
  const { disputes = [] } = await asPerson(url, '/v1/me/disputes', { token });
  const { document } = await asPerson(url, '/v1/me/file', { token });
  const account = document.accounts.find(({ months }) => months.length > 0);
  const period = account?.months.at(-1)?.period;
  if (disputes.length > 0 || !account || !period) return;
  const claim = { field: 'balance_minor', account_id: account.account_id, period };
  await asPerson(url, '/v1/me/disputes', { token, json: { claims: [claim] } });
}

/** Who a borrower is, as the operator may read it; the look leaves a trace. */
export async function identityOf(
  operator: ApiClient,
  borrower: string,
): Promise<Readonly<Record<string, string | null>>> {
  const { identity } = await operator.json<{ identity: Record<string, string | null> }>({
    method: 'POST',
    path: '/v1/files',
    json: { subject_id: borrower, reason: 'first run' },
  });
  return identity;
}

/**
 * Identifies a borrower. The identity is kept beside the world, as a borrower keeps a document, so
 * that it can be shown again: a link opens once, for five minutes.
 * @returns what to tell the reader
 */
export async function identifyBorrower(world: IdentityWorld, borrower: string): Promise<string> {
  const { home, registryHome, url, operator, admit } = world;
  const provider = join(home, 'identity-provider');
  const path = join(provider, 'participant.json');
  if (!existsSync(path)) createCard(provider, 'Harbour Identity Service');
  const card = JSON.parse(readFileSync(path, 'utf8')) as { participant_id: string };
  await admit(card);
  const identity = await identityOf(operator, borrower);
  const text = `${JSON.stringify(identity, null, 2)}\n`;
  const file = join(home, 'person.json');
  writeFileSync(file, text, { mode: 0o600 });
  const api = clientOf(url, card.participant_id, ringOf(provider));
  const identified = () =>
    api.json<{ ticket: string; address: string }>({
      method: 'POST',
      path: '/v1/people/sessions',
      json: {
        ...identity,
        assurance: 'high',
        evidence_sha256: createHash('sha256').update(text).digest('hex'),
        purpose: 'own_file',
      },
    });
  await disputeOnce(url, (await identified()).ticket);
  const { address } = await identified();
  return `\nOne borrower was identified, and sees their own file (once, within five minutes):
${address}
Again: npm run -s assent -- registry identify ${file} --home ${registryHome}`;
}
