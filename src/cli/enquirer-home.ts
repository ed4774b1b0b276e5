/**
 * An enquirer's home: its keys, its card and which registry it knows. No database: what an
 * enquirer brings is the registry's to keep, and the evidence is the enquirer's own.
 */
import { BROUGHT_TYP } from '../authorisation/brought.ts';
import { type AuthorisationColumns, entryOfColumns } from '../authorisation/from-columns.ts';
import { signJws } from '../keys/jws.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { AssentError } from '../model/error.ts';
import type { Recorded } from '../registry/enquirer-authorisations.ts';
import type { ApiClient } from '../wire/api-client.ts';
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
}

/** @throws home_missing, registry_unset */
export function openEnquirer(home: string): Enquirer {
  const { enquirer_id, registry } = readConfig<EnquirerConfig>(home, 'enquirer_id');
  if (!registry) throw new AssentError('registry_unset');
  const ring = ringOf(home);
  return { enquirer_id, ring, api: clientOf(registry.url, enquirer_id, ring) };
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
