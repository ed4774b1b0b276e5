/**
 * A home: the folder of one program with its keys, its configuration and, unless DATABASE_URL
 * says otherwise, its embedded database.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Parties } from '../authorisation/export-ts27560.ts';
import { loadProfile } from '../authorisation/profile.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { openPostgresql } from '../database/postgresql.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Registry as RegistryLink } from '../gateway/hand-over.ts';
import { openClient } from '../http/client.ts';
import { gatewayApi } from '../http/gateway-api.ts';
import type { Server } from '../http/instance.ts';
import { personServing } from '../http/person-serving.ts';
import { registryApi } from '../http/registry-api.ts';
import { buildServer } from '../http/server.ts';
import { webhookSender } from '../http/webhook-sender.ts';
import { publicJwks } from '../keys/jws.ts';
import { createKeyFile, loadKeyFile } from '../keys/key-file.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { AssentError } from '../model/error.ts';
import { admitParticipant, openParticipantStore } from '../participants/participant.ts';
import { findAlerts } from '../registry/alerts.ts';
import { compareWaiting } from '../registry/identity-pieces.ts';
import { listProcessing, processSubmission } from '../registry/intake.ts';
import type { Registry } from '../registry/registry.ts';
import { hostOf, isLoopback } from '../registry/webhook-address.ts';
import { deliverWebhooks } from '../registry/webhooks.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { type Connection, connectionTo } from './connection.ts';
import { type Loop, startLoop } from './loop.ts';

const now = () => new Date();

/** Drawn ahead: a call of the system's generator for each nonce was a tenth of loading a tape. */
const POOL_BYTES = 64 * 1024;
let pool = Buffer.alloc(0);

function random(bytes: number): Uint8Array {
  if (bytes > POOL_BYTES) return randomBytes(bytes);
  if (pool.length < bytes) pool = randomBytes(POOL_BYTES);
  const drawn = Buffer.from(pool.subarray(0, bytes));
  pool.fill(0, 0, bytes);
  pool = pool.subarray(bytes);
  return drawn;
}

export const newId = () => randomUUID();
export const SOURCES = { random, now };
export const VERSION = '0.1.0';
/** How long after a failure a submission is processed again. */
const PROCESS_AGAIN_MS = 60_000;

export interface GatewayConfig {
  readonly participant_id: string;
  readonly name: string;
  readonly profile: string | null;
  readonly notices: Readonly<Record<string, number>>;
  /** Set by `configure`: what exports say of the lender and its recipients. */
  readonly parties?: Parties;
  /** Set by `connect`: where the registry is, and the keys it signs with. */
  readonly registry?: Connection;
}

export interface RegistryConfig {
  readonly url: string;
  readonly profile: string | null;
  readonly notices: Readonly<Record<string, number>>;
  readonly operator_id: string;
}

/** @param key what a configuration of this kind holds. @throws home_missing */
export function readConfig<T>(home: string, key: keyof T & string): T {
  const path = join(home, 'config.json');
  if (!existsSync(path))
    throw new AssentError('home_missing', { detail: 'there is no config.json in that folder' });
  let config: unknown;
  try {
    config = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    throw new AssentError('home_missing', { detail: 'its config.json cannot be read' });
  }
  if (typeof (config as Record<string, unknown> | null)?.[key] !== 'string')
    throw new AssentError('home_missing', { detail: `its config.json lacks ${key}` });
  return config as T;
}

/** Writes a file whole or not at all: a reader after a crash sees the old one or the new one. */
function writeJson(home: string, name: string, value: object): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const draft = join(home, `${name}.draft`);
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(draft, join(home, name));
}

export const writeConfig = (home: string, config: object) => writeJson(home, 'config.json', config);

export const isHome = (home: string) => existsSync(join(home, 'config.json'));

export async function openDatabase(
  home: string,
  program: 'gateway' | 'registry',
): Promise<Database> {
  const url = process.env['DATABASE_URL'];
  const schema = process.env['DATABASE_SCHEMA'] ?? `assent_${program}`;
  const db = url ? await openPostgresql(url, schema) : await openPglite(join(home, 'database'));
  try {
    await migrate(db, program, now);
  } catch (error) {
    await db.close();
    throw error;
  }
  return db;
}

export const ringOf = (home: string, name = 'keys') =>
  loadKeyFile(join(home, `${name}.json`), { random });

export function writeCard(home: string, owner: { participant_id: string; name: string }): void {
  const { participant_id, name } = owner;
  writeJson(home, 'participant.json', { participant_id, name, jwks: publicJwks(ringOf(home)) });
}

/** Keys and `participant.json` for whoever calls an API without being a gateway. */
export function createCard(home: string, name: string): { participant_id: string } {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  createKeyFile(join(home, 'keys.json'), { random, now });
  const participant_id = newId();
  writeCard(home, { participant_id, name });
  return { participant_id };
}

/** Keys for a home. Those of a making that was cut off are kept: nothing was sealed under others. */
export function createKeys(home: string, name = 'keys'): void {
  if (!existsSync(join(home, `${name}.json`)))
    createKeyFile(join(home, `${name}.json`), { random, now });
}

/** Makes a gateway's home: keys, configuration, and `participant.json` for the registry's operator. */
export function createGatewayHome(
  home: string,
  options: { name: string; profile: string | null; notices?: Readonly<Record<string, number>> },
): GatewayConfig {
  if (isHome(home)) throw new AssentError('home_exists');
  if (options.profile !== null) loadProfile(options.profile);
  createKeys(home);
  const config: GatewayConfig = { participant_id: newId(), notices: {}, ...options };
  writeCard(home, config);
  writeConfig(home, config); // Last: a folder with a configuration is a whole home.
  return config;
}

/** Points a gateway at a registry and pins its keys. @throws as `connectionTo` */
export async function connectGateway(
  home: string,
  url: string,
  replaceKeys = false,
): Promise<Connection> {
  const config = readConfig<GatewayConfig>(home, 'participant_id');
  const registry = await connectionTo(url, config.registry, replaceKeys);
  writeConfig(home, { ...config, registry });
  return registry;
}

/** Adds to what exports say of the lender and its recipients; what is not named stays. */
export function configureGateway(home: string, parties: Parties): Parties {
  const config = readConfig<GatewayConfig>(home, 'participant_id');
  const before = config.parties ?? {};
  const after: Parties = {
    ...before,
    ...parties,
    ...(parties.provider ? { provider: { ...before.provider, ...parties.provider } } : {}),
    ...(parties.recipient ? { recipient: { ...before.recipient, ...parties.recipient } } : {}),
  };
  writeConfig(home, { ...config, parties: after });
  return after;
}

/** Its name and the address of its registry are known without being said again. */
function partiesOf({ name, parties, registry }: GatewayConfig): Parties {
  return {
    ...(registry ? { recipient_locations: [registry.url] } : {}),
    ...parties,
    provider: { name, ...parties?.provider },
  };
}
/** How often portfolios are looked through; besides after every intake. */
const ALERTS_EVERY_MS = 86_400_000;
/** How often the registry looks for webhooks that are due; new ones leave at once. */
const WEBHOOK_POLL_MS = 1_000;
/** How often it looks for people who came and are not compared with the others yet. */
const COMPARE_POLL_MS = 5_000;

export interface OpenGateway {
  readonly gateway: Gateway;
  readonly config: GatewayConfig;
  readonly link: () => RegistryLink;
  readonly close: () => Promise<void>;
}

export function clientOf(url: string, participantId: string, ring: KeyRing): ApiClient {
  const key = ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']);
  return openClient({
    base_url: url,
    participant_id: participantId,
    key: key as never,
    kid: ring.signing.kid,
    fetch,
    now,
    random,
    sleep: async (ms) => void (await setTimeout(ms)),
  });
}

/** @param announce called after an event was recorded */
export async function openGateway(home: string, announce?: () => void): Promise<OpenGateway> {
  const config = readConfig<GatewayConfig>(home, 'participant_id');
  const ring = ringOf(home);
  const db = await openDatabase(home, 'gateway');
  const gateway: Gateway = {
    db,
    ring,
    furnisher_id: config.participant_id,
    notices: config.notices,
    parties: partiesOf(config),
    now,
    newId,
    profile: config.profile === null ? null : loadProfile(config.profile),
    ...(announce ? { announce } : {}),
  };
  const link = (): RegistryLink => {
    if (!config.registry) throw new AssentError('registry_unset');
    return {
      api: clientOf(config.registry.url, config.participant_id, ring),
      keys: { keys: config.registry.keys },
      sleep: async (ms) => void (await setTimeout(ms)),
    };
  };
  return { gateway, config, link, close: () => db.close() };
}

/** The operator's id follows from its key, so that a making begun twice admits one operator. */
function operatorIdOf(ring: KeyRing): string {
  const hex = createHash('sha256').update(`operator ${ring.signing.kid}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Makes a registry's home: its keys, the operator's keys, the first participant. */
export async function createRegistryHome(
  home: string,
  options: { url: string; profile: string | null },
): Promise<RegistryConfig> {
  if (isHome(home)) throw new AssentError('home_exists');
  if (options.profile !== null) loadProfile(options.profile);
  createKeys(home);
  createKeys(home, 'operator-keys');
  const operator_id = operatorIdOf(ringOf(home, 'operator-keys'));
  const config: RegistryConfig = { ...options, notices: {}, operator_id };
  const db = await openDatabase(home, 'registry');
  try {
    await admitParticipant(db, {
      participant_id: config.operator_id,
      name: 'Operator',
      role: 'operator',
      licence_id: 'operator',
      brands: [],
      jwks: publicJwks(ringOf(home, 'operator-keys')),
      admitted_at: now(),
    });
  } finally {
    await db.close();
  }
  writeConfig(home, config);
  return config;
}

/** Gives a registry another URL. Tokens of the old one end; receipts name the one of their day. */
export function moveRegistry(home: string, url: string): void {
  writeConfig(home, { ...readConfig<RegistryConfig>(home, 'operator_id'), url });
}

/** What both servers have in common. */
function serverBase(url: string, ring: KeyRing, db: Database) {
  return {
    issuer: url,
    audience: url,
    now,
    random,
    version: VERSION,
    keys: {
      kid: ring.signing.kid,
      signing: ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never,
      publicKeys: ring.publicKeys as never,
    },
    participants: openParticipantStore(db),
    probe: async () => (await db.query('select 1')).rows.length === 1,
  };
}

/**
 * The gateway's own API for the lender's app and officers, the asking page, and the registry's
 * webhooks.
 * @param url where they reach it
 * @param serving `pull` is called when the registry has news; `trustProxy` names proxies whose
 * `X-Forwarded-For` is believed: limits count people, not proxies
 */
export function buildGatewayServer(
  { gateway, config }: Pick<OpenGateway, 'gateway'> & Partial<Pick<OpenGateway, 'config'>>,
  url: string,
  serving: { readonly pull?: () => void; readonly trustProxy?: string[] } = {},
): Promise<Server> {
  const { pull = () => {}, ...behind } = serving;
  const keys = () => config?.registry?.keys ?? [];
  return buildServer({
    ...behind,
    ...serverBase(url, gateway.ring, gateway.db),
    ...gatewayApi(gateway, url, { keys, pull }),
    title: 'Assent gateway',
    description: "The lender's side: what borrowers answered, and what may leave.",
  });
}

export interface OpenRegistry {
  readonly server: Server;
  readonly config: RegistryConfig;
  readonly registry: Registry;
  readonly close: () => Promise<void>;
}

/** Opens a registry's store and builds its server; `listen` is the caller's. */
export async function openRegistry(
  home: string,
  onFailure: (error: unknown) => void,
): Promise<OpenRegistry> {
  const config = readConfig<RegistryConfig>(home, 'operator_id');
  const ring = ringOf(home);
  const db = await openDatabase(home, 'registry');
  const registry: Registry = {
    db,
    ring,
    registry_id: config.operator_id,
    issuer: config.url,
    notices: config.notices,
    now,
    newId,
    profile: config.profile === null ? null : loadProfile(config.profile),
    announce: () => webhooks?.poke(),
  };
  const loopback = isLoopback(hostOf(new URL(config.url)));
  let webhooks: Loop | null = null;
  let alerts: Loop | null = null;
  let work: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const process = (id: string) => {
    work = work
      .then(() => processSubmission(registry, id))
      .then(() => alerts?.poke())
      .catch((error: unknown) => {
        onFailure(error);
        // A full disk or a lost connection passes; nothing of the submission is lost meanwhile.
        if (!isClosed) globalThis.setTimeout(() => process(id), PROCESS_AGAIN_MS).unref();
      });
  };
  const server = await buildServer({
    ...serverBase(config.url, ring, db),
    ...personServing(registry),
    routes: registryApi({ registry, process, loopback }),
    title: 'Assent registry',
    description:
      'The central credit database: nothing is stored without the authorisation of the borrower.',
  });
  // One by one, each tried again by itself: one that fails does not hold up the others.
  for (const id of await listProcessing(registry)) process(id);
  const post = webhookSender(loopback);
  webhooks = startLoop(() => deliverWebhooks(registry, post), WEBHOOK_POLL_MS, onFailure);
  const comparing = startLoop(
    () => compareWaiting(registry, () => isClosed),
    COMPARE_POLL_MS,
    onFailure,
  );
  alerts = startLoop(() => findAlerts(registry), ALERTS_EVERY_MS, onFailure);
  return {
    server,
    config,
    registry,
    close: async () => {
      isClosed = true;
      await server.close();
      await webhooks?.stop();
      await comparing.stop();
      await alerts?.stop();
      await work;
      await db.close();
    },
  };
}

/** The operator's client of a registry, over HTTP like everyone else's. */
export function operatorClient(home: string): ApiClient {
  const config = readConfig<RegistryConfig>(home, 'operator_id');
  return clientOf(config.url, config.operator_id, ringOf(home, 'operator-keys'));
}
