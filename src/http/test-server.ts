/**
 * Test support: a server over an in-memory database, with a clock that tests turn and actors that
 * sign for themselves.
 */
import { createHash } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { admitParticipant, openParticipantStore } from '../participants/participant.ts';
import type { Role, Scope } from '../participants/role.ts';
import { ASSERTION_TYPE } from './client-assertion.ts';
import type { Server } from './instance.ts';
import { buildServer, type ServerOptions } from './server.ts';
import type { TokenKeys } from './token-keys.ts';

export const ISSUER = 'http://registry.example';
export const AUDIENCE = 'urn:assent:registry';
export const TOKEN_URL = `${ISSUER}/oauth/token`;

export interface Actor {
  readonly participant_id: string;
  readonly key: CryptoKey;
}

export interface AssertionParts {
  readonly header?: Record<string, unknown>;
  readonly claims?: Record<string, unknown>;
  readonly key?: CryptoKey | Uint8Array;
}

/** Bytes that look random and are the same in every run. */
export function seededRandom(seed: string): (bytes: number) => Uint8Array {
  let count = 0;
  return (bytes) => {
    count += 1;
    return createHash('sha512').update(`${seed}:${count}`).digest().subarray(0, bytes);
  };
}

export async function makeTokenKeys(kid = 'server-1'): Promise<TokenKeys> {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(pair.publicKey);
  return { kid, signing: pair.privateKey, publicKeys: [{ ...jwk, kid }] };
}

export class TestServer {
  readonly db: Database;
  readonly options: ServerOptions;
  readonly app: Server;
  clock: { at: Date };
  readonly random = seededRandom('actors');

  private constructor(db: Database, options: ServerOptions, app: Server, clock: { at: Date }) {
    this.db = db;
    this.options = options;
    this.app = app;
    this.clock = clock;
  }

  static async open(
    routes: ServerOptions['routes'],
    over: Partial<ServerOptions> = {},
  ): Promise<TestServer> {
    const db = await openPglite();
    const clock = { at: new Date('2026-03-01T08:00:00Z') };
    await migrate(db, 'registry', () => clock.at);
    const options: ServerOptions = {
      issuer: ISSUER,
      audience: AUDIENCE,
      keys: await makeTokenKeys(),
      participants: openParticipantStore(db),
      now: () => clock.at,
      random: seededRandom('server'),
      routes,
      title: 'Assent test',
      description: 'A server of the tests.',
      version: '0.0.0',
      probe: async () => true,
      ...over,
    };
    return new TestServer(db, options, await buildServer(options), clock);
  }

  async close(): Promise<void> {
    await this.app.close();
    await this.db.close();
  }

  /** Admits a participant with a fresh key. */
  async admit(role: Role, scopes?: readonly Scope[]): Promise<Actor> {
    const hex = Buffer.from(this.random(16)).toString('hex');
    const participant_id = hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
    const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
    await admitParticipant(this.db, {
      participant_id,
      name: `${role} of the tests`,
      role,
      licence_id: '91330106MA2CFLDG4R',
      brands: [],
      ...(scopes ? { scopes } : {}),
      jwks: { keys: [await exportJWK(pair.publicKey)] },
      admitted_at: this.clock.at,
    });
    return { participant_id, key: pair.privateKey };
  }

  now_s(): number {
    return Math.floor(this.clock.at.getTime() / 1000);
  }

  /** A good assertion of an actor, but for the parts that are given. */
  assertion(actor: Actor, parts: AssertionParts = {}): Promise<string> {
    const claims = {
      iss: actor.participant_id,
      sub: actor.participant_id,
      aud: TOKEN_URL,
      iat: this.now_s(),
      exp: this.now_s() + 60,
      jti: Buffer.from(this.random(16)).toString('base64url'),
      ...parts.claims,
    };
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', ...parts.header })
      .sign(parts.key ?? actor.key);
  }

  /** Posts a form to the token endpoint. */
  post(form: Record<string, string> | string) {
    return this.app.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
    });
  }

  /** Asks for a token with an assertion. */
  ask(client_assertion: string, more: Record<string, string> = {}) {
    return this.post({
      grant_type: 'client_credentials',
      client_assertion_type: ASSERTION_TYPE,
      client_assertion,
      ...more,
    });
  }

  /** A token of an actor. */
  async token(actor: Actor, scope?: string): Promise<string> {
    const answer = await this.ask(await this.assertion(actor), scope ? { scope } : {});
    if (answer.statusCode !== 200) throw new Error(`no token: ${answer.body}`);
    return (answer.json() as { access_token: string }).access_token;
  }
}
