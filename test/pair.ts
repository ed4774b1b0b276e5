/**
 * Test support: one gateway and one registry that talk over real HTTP, with databases that a test
 * may swap for dying ones. On PGlite in memory, or in two schemas of TEST_DATABASE_URL.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AUTHORISATION_COLUMNS,
  type AuthorisationColumns,
} from '../src/authorisation/from-columns.ts';
import { loadProfile } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';

import type { Gateway } from '../src/gateway/gateway.ts';
import type { Registry as RegistryLink } from '../src/gateway/hand-over.ts';
import { loadTape, type TapeReport } from '../src/gateway/load-tape.ts';
import { openClient } from '../src/http/client.ts';
import type { Server } from '../src/http/instance.ts';
import { personServing } from '../src/http/person-serving.ts';
import { registryApi } from '../src/http/registry-api.ts';
import { buildServer } from '../src/http/server.ts';
import { publicJwks } from '../src/keys/jws.ts';
import { createKeyFile, loadKeyFile } from '../src/keys/key-file.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { admitParticipant, openParticipantStore } from '../src/participants/participant.ts';
import type { Role } from '../src/participants/role.ts';
import { processSubmission } from '../src/registry/intake.ts';
import type { Registry } from '../src/registry/registry.ts';
import { type Mapping, parseMapping } from '../src/tape/mapping.ts';
import type { ApiClient } from '../src/wire/api-client.ts';

export const BACKENDS = ['pglite', 'postgresql'] as const;
export type Backend = (typeof BACKENDS)[number];
export const SERVER_URL = process.env['TEST_DATABASE_URL'];

/**
 * A database for one test file: programs choose their schemas themselves, and files run side by
 * side. @returns its URL; undefined on PGlite, which needs none
 */
export async function ownDatabase(backend: string, name: string): Promise<string | undefined> {
  if (backend === 'pglite' || !SERVER_URL) return undefined;
  const db = await openPostgresql(SERVER_URL);
  // sql: a name of the test's own; DDL takes no parameters.
  await db.query(`drop database if exists ${name} with (force)`);
  await db.query(`create database ${name}`);
  await db.close();
  return new URL(`/${name}`, SERVER_URL).toString();
}

const now = () => new Date();
const random = (bytes: number) => randomBytes(bytes);
const newId = () => randomUUID();

/** Everything goes to the database it now points to. */
export interface Switch {
  readonly db: Database;
  current: Database;
}

export function switchTo(first: Database): Switch {
  const state = { current: first };
  const db: Database = {
    get backend() {
      return state.current.backend;
    },
    get concurrency() {
      return state.current.concurrency;
    },
    query: (text, params, options) => state.current.query(text, params, options),
    copyIn: (text, chunks) => state.current.copyIn(text, chunks),
    copyOut: (text) => state.current.copyOut(text),
    transaction: (run) => state.current.transaction(run),
    close: () => state.current.close(),
  };
  return Object.assign(state, { db });
}

export async function openStore(backend: Backend, program: 'gateway' | 'registry', schema: string) {
  let db: Database;
  if (backend === 'pglite') db = await openPglite();
  else {
    const url = SERVER_URL ?? '';
    const name = `${schema}_${program}`;
    const bare = await openPostgresql(url);
    await bare.query(`drop schema if exists ${name} cascade`);
    await bare.close();
    db = await openPostgresql(url, name);
  }
  await migrate(db, program, now);
  return db;
}

const KEPT = ['participant', 'client_assertion', 'schema_migration'];

/** Empties every table but who participates. */
export async function empty(db: Database): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and c.relname <> all($1::text[])`,
    [KEPT],
  );
  // A handful of rows: deleting them is ten times as fast as new files for every table.
  const deletes = rows.map(({ name }, n) => `d${n} as (delete from ${name})`);
  await db.query(`with ${deletes.join(', ')} select 1`);
}

export class Pair {
  readonly gateway: Gateway;
  readonly registry: Registry;
  readonly gatewayStore: Switch;
  readonly registryStore: Switch;
  readonly server: Server;
  /** Failures of processing in the background. */
  readonly failures: unknown[] = [];
  readonly url: string;
  work: Promise<unknown> = Promise.resolve();
  readonly #folder: string;

  private constructor(
    parts: Pick<Pair, 'gateway' | 'registry' | 'gatewayStore' | 'registryStore' | 'url'>,
    server: Server,
    folder: string,
  ) {
    this.gateway = parts.gateway;
    this.registry = parts.registry;
    this.gatewayStore = parts.gatewayStore;
    this.registryStore = parts.registryStore;
    this.url = parts.url;
    this.server = server;
    this.#folder = folder;
  }

  static async open(
    backend: Backend,
    schema: string,
    stream?: { write(line: string): void },
  ): Promise<Pair> {
    const folder = mkdtempSync(join(tmpdir(), 'assent-pair-'));
    const gatewayStore = switchTo(await openStore(backend, 'gateway', schema));
    const registryStore = switchTo(await openStore(backend, 'registry', schema));
    const ringOf = (name: string) => {
      const path = join(folder, `${name}.json`);
      createKeyFile(path, { random, now });
      return loadKeyFile(path, { random });
    };
    const base = { profile: loadProfile('EU'), notices: {}, now, newId };
    const ring = ringOf('registry');
    const issuer = 'http://registry.test';
    const registry_id = randomUUID();
    const registry: Registry = { ...base, db: registryStore.db, ring, issuer, registry_id };
    const gateway: Gateway = {
      ...base,
      db: gatewayStore.db,
      ring: ringOf('gateway'),
      furnisher_id: randomUUID(),
    };
    let pair: Pair | null = null;
    const process = (id: string) => {
      if (!pair) return;
      const { failures } = pair;
      pair.work = pair.work
        .then(() => processSubmission(registry, id))
        .catch((error) => failures.push(error));
    };
    const server = await buildServer({
      issuer,
      audience: issuer,
      now,
      random,
      version: 'test',
      keys: {
        kid: ring.signing.kid,
        signing: ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never,
        publicKeys: ring.publicKeys as never,
      },
      participants: openParticipantStore(registryStore.db),
      ...personServing(registry),
      routes: registryApi({ registry, process, loopback: true }),
      title: 'Test',
      description: 'Test',
      probe: async () => true,
      ...(stream ? { log: { level: 'trace', stream } } : {}),
      limits: { tokenRequestsPerMinute: 100_000, requestsPerMinute: 10_000_000 },
    });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    pair = new Pair({ gateway, registry, gatewayStore, registryStore, url }, server, folder);
    await pair.admit('furnisher', gateway.furnisher_id, gateway.ring);
    return pair;
  }

  async admit(role: Role, participantId: string, ring: KeyRing): Promise<void> {
    await admitParticipant(this.registry.db, {
      participant_id: participantId,
      name: role,
      role,
      licence_id: 'test',
      brands: [],
      jwks: publicJwks(ring),
      admitted_at: now(),
    });
  }

  client(over: { participant_id?: string; ring?: KeyRing } = {}): ApiClient {
    const ring = over.ring ?? this.gateway.ring;
    return openClient({
      base_url: this.registry.issuer,
      participant_id: over.participant_id ?? this.gateway.furnisher_id,
      key: ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never,
      kid: ring.signing.kid,
      fetch: (input, init) =>
        fetch(String(input).replace(this.registry.issuer, this.url), init as RequestInit),
      now,
      random,
      attempts: 2,
      sleep: async () => void (await new Promise((next) => setTimeout(next, 1))),
    });
  }

  link(): RegistryLink {
    return {
      api: this.client(),
      keys: { keys: this.registry.ring.publicKeys },
      // Asking every millisecond cost more than what was being waited for.
      sleep: async () => {
        await this.work;
        await new Promise((next) => setTimeout(next, 1));
      },
    };
  }

  /** A new key ring in the pair's folder. */
  newRing(name: string): KeyRing {
    const path = join(this.#folder, `${name}.json`);
    createKeyFile(path, { random, now });
    return loadKeyFile(path, { random });
  }

  async empty(): Promise<void> {
    await empty(this.gatewayStore.current);
    await empty(this.registryStore.current);
    this.failures.length = 0;
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.work;
    await this.gatewayStore.current.close();
    await this.registryStore.current.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export const canonical: Mapping = parseMapping(
  JSON.parse(readFileSync(new URL('../examples/canonical.mapping.json', import.meta.url), 'utf8')),
);

/** A tape in the canonical columns; what a row does not name stays empty. */
export function tapeText(rows: readonly Readonly<Record<string, string>>[]): string {
  const columns = canonicalColumns();
  const lines = rows.map((row) => columns.map((column) => row[column] ?? '').join(','));
  return `${columns.join(',')}\n${lines.join('\n')}\n`;
}

function canonicalColumns(): string[] {
  const sections = [canonical.identity, canonical.account, canonical.month];
  const columns = sections.flatMap((section) =>
    Object.values(section ?? {}).flatMap((source) => source.column ?? []),
  );
  return [...new Set(columns)];
}

/** One revolving account of client `n` in a period; valid, and without a document. */
export function monthRow(n: number, period: string): Record<string, string> {
  return {
    subject_ref: `c${n}`,
    identity_kind: 'furnisher_reference',
    identity_number: `c${n}`,
    account_ref: `a${n}`,
    kind: 'revolving_line',
    currency: 'CNY',
    opened_on: '2025-01-01',
    period,
    as_of: `${period}-28`,
    status: 'open',
    limit_minor: '100000',
    balance_minor: String(1000 + n),
    days_past_due: '0',
  };
}

/** The same of a client who is 45 days late. */
export function lateMonthRow(n: number, period: string): Record<string, string> {
  const late = { days_past_due: '45', past_due_minor: '500', first_delinquency_on: '2025-06-13' };
  return { ...monthRow(n, period), ...late };
}

export async function* bytesOf(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof text === 'string' ? Buffer.from(text) : text;
}

/** Loads a tape in the canonical columns: a text, or what is read of one. */
export function load(
  gateway: Gateway,
  tape: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<TapeReport> {
  const isWhole = typeof tape === 'string' || tape instanceof Uint8Array;
  return loadTape(
    gateway,
    {
      bytes: isWhole ? bytesOf(tape) : tape,
      name: 't',
      size: null,
      mapping: canonical,
      mapping_sha256: 'm',
    },
    { check: false, sign_off: null, progress: () => {} },
  );
}

/** CSV of approvals for clients, each with the events given. */
export function approvalsText(
  clients: readonly { readonly n: number; readonly events: readonly string[] }[],
): string {
  const lines = clients.flatMap(({ n, events }) =>
    events.map((event, index) => {
      const row: Record<string, string> = {
        authorisation_id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
        subject_ref: `c${n}`,
        event,
        event_at: `2025-01-0${index + 1}T00:00:00Z`,
        ...(index > 0
          ? {}
          : {
              purpose: 'F1',
              products: 'revolving_line',
              accounts: 'ALL',
              fetch: 'PERIODIC',
              starts_at: '2025-01-01T00:00:00Z',
              notice_id: 'n',
              notice_version: '1',
              notice_sha256: 'a'.repeat(64),
              language: 'zh',
              channel: 'app',
              evidence_method: 'click',
              evidence_sha256: 'b'.repeat(64),
              service_conditional: 'false',
            }),
      };
      return AUTHORISATION_COLUMNS.map((column) => row[column] ?? '').join(',');
    }),
  );
  return `${AUTHORISATION_COLUMNS.join(',')}\n${lines.join('\n')}\n`;
}

/** One approval of client `n` as JSON for `recordOne` and the API, given on New Year's Day 2025. */
export function approvalColumns(
  n: number,
  authorisation_id: string,
  over: Partial<AuthorisationColumns> = {},
): AuthorisationColumns {
  const columns = {
    authorisation_id,
    subject_ref: `c${n}`,
    purpose: 'F1',
    products: ['revolving_line'],
    accounts: 'ALL',
    fetch: 'PERIODIC',
    starts_at: '2025-01-01T00:00:00Z',
    notice_id: 'n',
    notice_version: 1,
    notice_sha256: 'a'.repeat(64),
    language: 'zh',
    channel: 'app',
    evidence_method: 'click',
    evidence_sha256: 'b'.repeat(64),
    service_conditional: false,
    events: [{ event: 'given', event_at: '2025-01-01T00:00:00Z' }],
  };
  return { ...columns, ...over } as AuthorisationColumns;
}
