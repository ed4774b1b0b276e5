/**
 * A home: the folder of one program with its keys, its configuration and, unless DATABASE_URL
 * says otherwise, its embedded database.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { loadProfile } from '../authorisation/profile.ts';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { openPostgresql } from '../database/postgresql.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Registry as RegistryLink } from '../gateway/hand-over.ts';
import { askingPages, isPageAddress, sendNoPage } from '../http/asking-pages.ts';
import { askingRoutes } from '../http/asking-routes.ts';
import { openClient } from '../http/client.ts';
import { gatewayRoutes } from '../http/gateway-routes.ts';
import type { Server } from '../http/instance.ts';
import { registryRoutes } from '../http/registry-routes.ts';
import { buildServer } from '../http/server.ts';
import { publicJwks } from '../keys/jws.ts';
import { createKeyFile, loadKeyFile } from '../keys/key-file.ts';
import type { KeyRing, PublicJwk } from '../keys/key-ring.ts';
import { AssentError } from '../model/error.ts';
import { admitParticipant, openParticipantStore } from '../participants/participant.ts';
import { processSubmission, resumeProcessing } from '../registry/intake.ts';
import type { Registry } from '../registry/registry.ts';
import type { ApiClient } from '../wire/api-client.ts';

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

const newId = () => randomUUID();
const VERSION = '0.1.0';
/** How long after a failure a submission is processed again. */
const PROCESS_AGAIN_MS = 60_000;

export interface GatewayConfig {
  readonly participant_id: string;
  readonly name: string;
  readonly profile: string | null;
  readonly notices: Readonly<Record<string, number>>;
  /** Set by `connect`: where the registry is, and the keys it signs with. */
  readonly registry?: { readonly url: string; readonly keys: readonly PublicJwk[] };
}

export interface RegistryConfig {
  readonly url: string;
  readonly profile: string | null;
  readonly notices: Readonly<Record<string, number>>;
  readonly operator_id: string;
}

function readConfig<T>(home: string): T {
  const path = join(home, 'config.json');
  if (!existsSync(path))
    throw new AssentError('home_missing', { detail: 'there is no config.json in that folder' });
  return JSON.parse(readFileSync(path, 'utf8')) as T;
}

function writeConfig(home: string, config: object): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  writeFileSync(join(home, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
}

export const isHome = (home: string) => existsSync(join(home, 'config.json'));

async function openDatabase(home: string, program: 'gateway' | 'registry'): Promise<Database> {
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

const ringOf = (home: string, name = 'keys') => loadKeyFile(join(home, `${name}.json`), { random });

function writeCard(home: string, owner: { participant_id: string; name: string }): void {
  const { participant_id, name } = owner;
  const card = { participant_id, name, jwks: publicJwks(ringOf(home)) };
  writeFileSync(join(home, 'participant.json'), `${JSON.stringify(card, null, 2)}\n`);
}

/** Keys and `participant.json` for whoever calls an API without being a gateway. */
export function createCard(home: string, name: string): { participant_id: string } {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  createKeyFile(join(home, 'keys.json'), { random, now });
  const participant_id = newId();
  writeCard(home, { participant_id, name });
  return { participant_id };
}

/** Makes a gateway's home: keys, configuration, and `participant.json` for the registry's operator. */
export function createGatewayHome(
  home: string,
  options: { name: string; profile: string | null },
): GatewayConfig {
  if (isHome(home)) throw new AssentError('home_exists');
  if (options.profile !== null) loadProfile(options.profile);
  createKeyFile(join(home, 'keys.json'), { random, now });
  const config: GatewayConfig = { participant_id: newId(), notices: {}, ...options };
  writeConfig(home, config);
  writeCard(home, config);
  return config;
}

/** Points a gateway at a registry and pins the keys that the registry signs with. */
export async function connectGateway(home: string, url: string): Promise<void> {
  const answer = await fetch(new URL('/.well-known/jwks.json', url)).catch(() => null);
  if (!answer?.ok)
    throw new AssentError('registry_unreachable', { detail: 'its keys cannot be fetched' });
  const { keys } = (await answer.json()) as { keys: PublicJwk[] };
  const config = readConfig<GatewayConfig>(home);
  writeConfig(home, { ...config, registry: { url: url.replace(/\/$/, ''), keys } });
}

export interface OpenGateway {
  readonly gateway: Gateway;
  readonly config: GatewayConfig;
  readonly link: () => RegistryLink;
  readonly close: () => Promise<void>;
}

function clientOf(url: string, participantId: string, ring: KeyRing): ApiClient {
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

export async function openGateway(home: string): Promise<OpenGateway> {
  const config = readConfig<GatewayConfig>(home);
  const ring = ringOf(home);
  const db = await openDatabase(home, 'gateway');
  const gateway: Gateway = {
    db,
    ring,
    furnisher_id: config.participant_id,
    notices: config.notices,
    now,
    newId,
    profile: config.profile === null ? null : loadProfile(config.profile),
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

/** Makes a registry's home: its keys, the operator's keys, the first participant. */
export async function createRegistryHome(
  home: string,
  options: { url: string; profile: string | null },
): Promise<RegistryConfig> {
  if (isHome(home)) throw new AssentError('home_exists');
  if (options.profile !== null) loadProfile(options.profile);
  createKeyFile(join(home, 'keys.json'), { random, now });
  createKeyFile(join(home, 'operator-keys.json'), { random, now });
  const config: RegistryConfig = { ...options, notices: {}, operator_id: newId() };
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
 * The gateway's own API, for the lender's app and officers, and the asking page.
 * @param url where they reach it
 * @param behind proxies whose `X-Forwarded-For` is believed: limits count people, not proxies
 */
export function buildGatewayServer(
  { gateway }: OpenGateway,
  url: string,
  behind: { readonly trustProxy?: string[] } = {},
): Promise<Server> {
  return buildServer({
    ...behind,
    ...serverBase(url, gateway.ring, gateway.db),
    routes: async (app) => {
      gatewayRoutes(gateway)(app);
      askingRoutes(gateway, url)(app);
      await askingPages(gateway)(app);
    },
    pages: { owns: isPageAddress, sendFailure: sendNoPage },
    title: 'Assent gateway',
    description: "The lender's side: what borrowers answered, and what may leave.",
  });
}

export interface OpenRegistry {
  readonly server: Server;
  readonly registry: Registry;
  readonly close: () => Promise<void>;
}

/** Opens a registry's store and builds its server; `listen` is the caller's. */
export async function openRegistry(
  home: string,
  onFailure: (error: unknown) => void,
): Promise<OpenRegistry> {
  const config = readConfig<RegistryConfig>(home);
  const ring = ringOf(home);
  const db = await openDatabase(home, 'registry');
  const registry: Registry = {
    db,
    ring,
    issuer: config.url,
    notices: config.notices,
    now,
    newId,
    profile: config.profile === null ? null : loadProfile(config.profile),
  };
  let work: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  const process = (id: string) => {
    work = work
      .then(() => processSubmission(registry, id))
      .catch((error: unknown) => {
        onFailure(error);
        // A full disk or a lost connection passes; nothing of the submission is lost meanwhile.
        if (!isClosed) globalThis.setTimeout(() => process(id), PROCESS_AGAIN_MS).unref();
      });
  };
  const server = await buildServer({
    ...serverBase(config.url, ring, db),
    routes: registryRoutes({ registry, process }),
    title: 'Assent registry',
    description:
      'The central credit database: nothing is stored without the authorisation of the borrower.',
  });
  work = resumeProcessing(registry).catch(onFailure);
  return {
    server,
    registry,
    close: async () => {
      isClosed = true;
      await server.close();
      await work;
      await db.close();
    },
  };
}

/** The operator's client of a registry, over HTTP like everyone else's. */
export function operatorClient(home: string): ApiClient {
  const config = readConfig<RegistryConfig>(home);
  return clientOf(config.url, config.operator_id, ringOf(home, 'operator-keys'));
}
