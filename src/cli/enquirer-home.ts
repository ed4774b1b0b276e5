/**
 * An enquirer's home: its keys, its card and which registry it knows. No database: what an
 * enquirer brings is the registry's to keep, and the evidence is the enquirer's own.
 */
import { BROUGHT_TYP } from '../authorisation/brought.ts';
import { type AuthorisationColumns, entryOfColumns } from '../authorisation/from-columns.ts';
import { signJws, type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { AssentError } from '../model/error.ts';
import type { Recorded } from '../registry/enquirer-authorisations.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { FEED_TYP, type FeedPage } from '../wire/feed.ts';
import { type Connection, connectionTo } from './connection.ts';
import {
  clientOf,
  createKeys,
  isHome,
  newId,
  readConfig,
  ringOf,
  writeCard,
  writeConfig,
} from './home.ts';

interface EnquirerConfig {
  readonly enquirer_id: string;
  readonly name: string;
  /** Set by `connect`. */
  readonly registry?: Connection;
}

/** Makes the home: keys, configuration, and `participant.json` for the registry's operator. */
export function createEnquirerHome(home: string, name: string): EnquirerConfig {
  if (isHome(home)) throw new AssentError('home_exists');
  createKeys(home);
  const config: EnquirerConfig = { enquirer_id: newId(), name };
  writeCard(home, { participant_id: config.enquirer_id, name });
  writeConfig(home, config); // Last: a folder with a configuration is a whole home.
  return config;
}

/** Points an enquirer at a registry and pins its keys. @throws as `connectionTo` */
export async function connectEnquirer(
  home: string,
  url: string,
  replaceKeys: boolean,
): Promise<Connection> {
  const config = readConfig<EnquirerConfig>(home, 'enquirer_id');
  const registry = await connectionTo(url, config.registry, replaceKeys);
  writeConfig(home, { ...config, registry });
  return registry;
}

export interface Enquirer {
  readonly enquirer_id: string;
  readonly ring: KeyRing;
  readonly api: ApiClient;
  /** The registry's, as pinned. */
  readonly keys: VerifyingKeys;
}

/** @throws home_missing, registry_unset */
export function openEnquirer(home: string): Enquirer {
  const { enquirer_id, registry } = readConfig<EnquirerConfig>(home, 'enquirer_id');
  if (!registry) throw new AssentError('registry_unset');
  const ring = ringOf(home);
  const { keys } = registry;
  return { enquirer_id, ring, api: clientOf(registry.url, enquirer_id, ring), keys: { keys } };
}

/** Whom an authorisation is of: identity that travels in the body alone and is never printed. */
export type PersonColumns = Readonly<Record<string, string | null>>;

/**
 * Brings one authorisation to the registry: the record names the registry as its provider and the
 * enquirer as its one recipient, and the enquirer signs it with its events.
 * @throws authorisation_invalid; what the registry answers
 */
export async function bringAuthorisation(
  { enquirer_id, ring, api }: Enquirer,
  columns: AuthorisationColumns,
  person: PersonColumns,
): Promise<Recorded> {
  const { registry_id, profile } = await api.json<{ registry_id: string; profile: string | null }>({
    method: 'GET',
    path: '/v1/registry',
  });
  // A look keeps nothing unless the person agreed to that as well.
  const own = { mode: 'VIEW', ...columns, recipient_id: enquirer_id };
  const entry = entryOfColumns(own, { provider_id: registry_id, profile: profile ?? '' });
  if ('problem' in entry)
    throw new AssentError('authorisation_invalid', { detail: `${entry.field} ${entry.problem}` });
  const events = entry.events.map((event) => ({ ...event, by_party: enquirer_id }));
  const signed = await signJws({ record: entry.record, events }, ring, { typ: BROUGHT_TYP });
  return api.json<Recorded>({
    method: 'POST',
    path: '/v1/authorisations',
    json: { signed, person },
    idempotent: true,
  });
}

export interface FeedLine {
  readonly position: number;
  readonly type: string;
  /** The authorisation, or the id of the news. */
  readonly about: string;
  /** What the registry signed. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/**
 * The enquirer's own feed after a position, each entry verified.
 * @throws signature_invalid; feed_wrong: an entry is missing or another's
 */
export async function readEnquirerFeed(
  { api, keys, enquirer_id }: Enquirer,
  after: number,
): Promise<{ readonly entries: readonly FeedLine[]; readonly head: number }> {
  const entries: FeedLine[] = [];
  for (;;) {
    const query = { after: String(after + entries.length) };
    const page = await api.json<FeedPage>({ method: 'GET', path: '/v1/feed', query });
    for (const { signed } of page.entries) {
      const claims = await verifyJws(signed, keys, { typ: FEED_TYP });
      const position = after + entries.length + 1;
      if (claims['aud'] !== enquirer_id || claims['position'] !== position)
        throw new AssentError('feed_wrong', { detail: `position ${position} is missing` });
      const event = claims['event'] as { type?: string } | undefined;
      const type = String(event?.type ?? claims['type']);
      const about = String(claims['authorisation_id'] ?? claims['event_id']);
      entries.push({ position, type, about, claims });
    }
    if (page.entries.length === 0) return { entries, head: page.head };
  }
}
