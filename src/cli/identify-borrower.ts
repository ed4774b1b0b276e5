/**
 * The first run's identity provider: it says who one made-up borrower is, so that whoever tries
 * the program sees a file as its person does.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  const { identity } = await operator.json<{ identity: object }>({
    method: 'POST',
    path: '/v1/files',
    json: { subject_id: borrower, reason: 'first run' },
  });
  const text = `${JSON.stringify(identity, null, 2)}\n`;
  const file = join(home, 'person.json');
  writeFileSync(file, text, { mode: 0o600 });
  const api = clientOf(url, card.participant_id, ringOf(provider));
  const { address } = await api.json<{ address: string }>({
    method: 'POST',
    path: '/v1/people/sessions',
    json: {
      ...identity,
      assurance: 'high',
      evidence_sha256: createHash('sha256').update(text).digest('hex'),
      purpose: 'own_file',
    },
  });
  return `\nOne borrower was identified, and sees their own file (once, within five minutes):
${address}
Again: npm run -s assent -- registry identify ${file} --home ${registryHome}`;
}
