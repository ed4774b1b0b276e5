/**
 * Test support: asks every route of a server as every role, as people, and with every kind of bad
 * token, and compares the answers with the declarations.
 *
 * What must stay true: the routes come from the server itself, so a new one is asked without
 * anybody remembering it; no route at all is a failure, not a success.
 */
import type { LightMyRequestResponse } from 'fastify';
import type { Database } from '../database/database.ts';
import { admitParticipant, suspendParticipant } from '../participants/participant.ts';
import { ROLE_SCOPES, ROLES, type Role, type Scope } from '../participants/role.ts';
import type { ParticipantAccess, RouteAccess } from './access.ts';
import { sessionCookie } from './authentication.ts';
import type { Server } from './instance.ts';
import { issueToken } from './token.ts';
import type { TokenKeys } from './token-keys.ts';

export interface RouteMatrixOptions {
  readonly app: Server;
  /** The server's own database: the actors are admitted there. */
  readonly db: Database;
  readonly issuer: string;
  readonly audience: string;
  readonly keys: TokenKeys;
  readonly now: () => Date;
  readonly random: (bytes: number) => Uint8Array;
  /** Values for `:parameters`; a random UUID where none is given. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Sessions of people, and things that are none. */
  readonly people?: readonly PersonActor[];
}

export interface PersonActor {
  readonly name: string;
  /** Asked before every request: some routes end a session. */
  readonly token: () => Promise<string>;
  /** Whether it opens the routes that are for people. */
  readonly isOpen: boolean;
}

export interface RouteMatrixCell {
  readonly method: string;
  readonly url: string;
  /** A role, or what is wrong with the token. */
  readonly actor: string;
  readonly expected: 'open' | 401 | 403;
  readonly status: number;
  readonly code: string | null;
  readonly isAsDeclared: boolean;
}

interface Actor {
  readonly name: string;
  readonly token: string | null | PersonActor['token'];
  readonly expected: (access: ParticipantAccess) => RouteMatrixCell['expected'];
  /** What a route for people answers. */
  readonly asPerson: 'open' | 401;
}

function uuid(random: RouteMatrixOptions['random']): string {
  const hex = Buffer.from(random(16)).toString('hex');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
}

async function admit(options: RouteMatrixOptions, role: Role): Promise<string> {
  const participant_id = uuid(options.random);
  const x = Buffer.from(options.random(32)).toString('base64url');
  await admitParticipant(options.db, {
    participant_id,
    name: `Route matrix ${role}`,
    role,
    licence_id: 'none',
    brands: [],
    jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x }] },
    admitted_at: options.now(),
  });
  return participant_id;
}

const refused401 = () => 401 as const;

/** Actors whose role fits every route, but whose token is wrong in one way. */
async function badActors(options: RouteMatrixOptions, role: Role, id: string): Promise<Actor[]> {
  const scopes = ROLE_SCOPES[role];
  const token = (over: Partial<RouteMatrixOptions>) =>
    issueToken(id, scopes, { ...options, ...over });
  const anHourAgo = () => new Date(options.now().getTime() - 3_600_000);
  const suspended = await admit(options, role);
  await suspendParticipant(options.db, suspended);
  const good = await token({});
  const wrong: Record<string, string | null> = {
    'no token': null,
    'expired token': await token({ now: anHourAgo }),
    'wrong audience': await token({ audience: `${options.audience}-other` }),
    'other issuer': await token({ issuer: `${options.issuer}.example` }),
    'altered signature': `${good.slice(0, -6)}${good.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA'}`,
    'suspended participant': await issueToken(suspended, scopes, options),
    'unknown participant': await issueToken(uuid(options.random), scopes, options),
    'id in upper case': await issueToken(id.toUpperCase(), scopes, options),
    'id cut short': await issueToken(id.slice(0, -1), scopes, options),
  };
  return Object.entries(wrong).map(([name, value]) => ({
    name: `${role}: ${name}`,
    token: value,
    expected: refused401,
    asPerson: 401 as const,
  }));
}

async function actorsOf(options: RouteMatrixOptions): Promise<Actor[]> {
  const actors: Actor[] = [];
  for (const role of ROLES) {
    const id = await admit(options, role);
    const all: readonly Scope[] = ROLE_SCOPES[role];
    actors.push({
      name: role,
      token: await issueToken(id, all, options),
      expected: (access) => (access.roles.includes(role) ? 'open' : 403),
      asPerson: 401,
    });
    for (const scope of all) {
      actors.push({
        name: `${role} with ${scope} alone`,
        token: await issueToken(id, [scope], options),
        expected: (access) =>
          access.roles.includes(role) && access.scope === scope ? 'open' : 403,
        asPerson: 401,
      });
    }
    const beyond = Object.values(ROLE_SCOPES).flat();
    actors.push({
      name: `${role} with scopes beyond its role`,
      token: await issueToken(id, beyond, options),
      expected: (access) => (access.roles.includes(role) ? 'open' : 403),
      asPerson: 401,
    });
    actors.push(...(await badActors(options, role, id)));
  }
  const people = (options.people ?? []).map(
    ({ name, token, isOpen }): Actor => ({
      name,
      token,
      expected: refused401,
      asPerson: isOpen ? 'open' : 401,
    }),
  );
  return [...actors, ...people];
}

/** A session travels as a cookie where pages are, and so is every other token tried there. */
async function headersOf(route: RouteAccess, actor: Actor, options: RouteMatrixOptions) {
  const token = typeof actor.token === 'function' ? await actor.token() : actor.token;
  if (token === null) return {};
  const { access } = route;
  const isPage = typeof access === 'object' && 'person' in access && access.person === 'cookie';
  const cookie = `${sessionCookie(options.issuer)}=${token}`;
  return { headers: isPage ? { cookie } : { authorization: `Bearer ${token}` } };
}

function expectedOf({ access }: RouteAccess, actor: Actor): RouteMatrixCell['expected'] {
  if (access === 'public') return 'open';
  return 'person' in access ? actor.asPerson : actor.expected(access);
}

function addressOf(route: RouteAccess, options: RouteMatrixOptions): string {
  return route.url
    .replace(/:(\w+)/g, (_all, name: string) => options.parameters?.[name] ?? uuid(options.random))
    .replace('*', 'nothing');
}

/** Every request comes from an address of its own: what is asked is access, not the rate limit. */
const visitor = (n: number) => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

function codeOf(response: LightMyRequestResponse): string | null {
  try {
    return (JSON.parse(response.body) as { code?: string }).code ?? null;
  } catch {
    return null;
  }
}

/**
 * Asks every route as every actor. Each role comes with all its scopes, with each scope alone,
 * with scopes it may not have, and with nine kinds of bad token; then come people's sessions. `open` means that the request
 * got past authentication: the handler may still answer 400, 404 or 409 to an empty body.
 * @throws when the server has no route besides the public ones.
 */
export async function routeMatrix(options: RouteMatrixOptions): Promise<RouteMatrixCell[]> {
  const actors = await actorsOf(options);
  const cells: RouteMatrixCell[] = [];
  for (const route of options.app.accessTable) {
    for (const actor of actors) {
      const response = await options.app.inject({
        method: route.method as 'GET',
        url: addressOf(route, options),
        remoteAddress: visitor(cells.length),
        ...(await headersOf(route, actor, options)),
      });
      const expected = expectedOf(route, actor);
      const code = codeOf(response);
      const isClosed = code === 'not_authenticated' || code === 'not_permitted';
      const status = response.statusCode;
      // Neither HEAD nor a page has a code to tell what the status means.
      const isHead = code === null && (status === 401 || status === 403);
      const isAsDeclared =
        expected === 'open' ? !isClosed && !isHead && status < 500 : status === expected;
      cells.push({
        method: route.method,
        url: route.url,
        actor: actor.name,
        expected,
        status,
        code,
        isAsDeclared,
      });
    }
  }
  if (!options.app.accessTable.some((route) => route.access !== 'public')) {
    throw new Error('the server has no closed route: there is nothing to check');
  }
  return cells;
}
