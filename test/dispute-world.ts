/**
 * Test support: a registry that holds a few people's accounts, furnished by a gateway under their
 * approvals; an enquirer; and moments that a test chooses.
 */
import { randomUUID } from 'node:crypto';
import { loadProfile } from '../src/authorisation/profile.ts';
import { pullFeed } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import type { Registry } from '../src/registry/registry.ts';
import { approvalsText, bytesOf, load, monthRow, type Pair, tapeText } from './pair.ts';

export const PERIOD = '2026-01';
export const DAY_MS = 86_400_000;
export const SOURCE = 'a'.repeat(64);
export const PDF = Buffer.from('%PDF-1.7 a letter from the bank');

export interface Held {
  readonly subject_id: string;
  readonly account_id: string;
}

/** Client `n` of the gateway, as the registry holds them. */
export async function heldOf(pair: Pair, n: number): Promise<Held> {
  const { rows: known } = await pair.gateway.db.query<{ account_id: string }>(
    'select account_id from account where account_ref = $1',
    [`a${n}`],
  );
  const { rows } = await pair.registry.db.query<Held>(
    'select subject_id, account_id from account_locator where account_ref = $1',
    [known[0]?.account_id ?? ''],
  );
  if (!rows[0]) throw new Error('the registry does not hold that account');
  return rows[0];
}

/** Clients 1 to 3 approved; the registry holds their month. */
export async function furnish(pair: Pair, months: readonly Record<string, string>[] = []) {
  const rows = months.length > 0 ? months : [1, 2, 3].map((n) => monthRow(n, PERIOD));
  await load(pair.gateway, tapeText(rows));
  await importAuthorisations(
    pair.gateway,
    bytesOf(approvalsText([1, 2, 3].map((n) => ({ n, events: ['given'] })))),
  );
  for (const period of [...new Set(rows.map((row) => row['period'] ?? ''))].sort())
    await handOver(pair.gateway, pair.link(), period);
}

/** The registry as it will be so many days from now, under a profile. */
export const later = (pair: Pair, days: number, profile = 'EU'): Registry => ({
  ...pair.registry,
  profile: loadProfile(profile),
  now: () => new Date(Date.now() + days * DAY_MS),
});

/** An enquirer that was shown a person's file. */
export async function lookAt(pair: Pair, enquirerId: string, subjectId: string): Promise<string> {
  const access_id = randomUUID();
  await pair.registry.db.query(
    `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
     values ($1, $2, $3, 'Q1', 'permitted', $4)`,
    [subjectId, access_id, enquirerId, new Date()],
  );
  return access_id;
}

export const pull = (pair: Pair) => pullFeed(pair.gateway, pair.link());

/** Kinds of a person's messages, oldest first. */
export async function messagesOf(pair: Pair, subjectId: string): Promise<string[]> {
  const { rows } = await pair.registry.db.query<{ kind: string }>(
    'select kind from message where subject_id = $1 order by at, message_id',
    [subjectId],
  );
  return rows.map((row) => row.kind);
}
