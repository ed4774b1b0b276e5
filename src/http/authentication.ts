/**
 * Bearer tokens (RFC 6750) in the form of RFC 9068: who is calling, and whether the route is
 * open to them; sessions of people, on the routes that are for people. Runs after the rate limit and before a byte of the body is read.
 *
 * What must stay true: the token says who it was issued to, the database says what they may do
 * now, so a suspension or a narrowed scope acts on the next request, also of a token whose
 * signature was checked before; a route without a declaration lets nobody in, even if it were
 * reached; a cookie opens pages alone, so a page of another site can never use it on the API.
 */
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { AssentError } from '../model/error.ts';
import type { Participant, ParticipantStore } from '../participants/participant.ts';
import { isScope, ROLE_SCOPES, type Role, type Scope } from '../participants/role.ts';
import type { PersonAccess } from './access.ts';
import type { Server } from './instance.ts';
import type { TokenKeys } from './token-keys.ts';

export interface Caller {
  readonly participant_id: string;
  readonly role: Role;
  /** What the token grants, cut to what the participant holds now. */
  readonly scopes: readonly Scope[];
}

/** Somebody who was identified, and looks at what concerns themselves. */
export interface Person {
  readonly session_id: string;
  /** Null: what was verified leads to nobody here. */
  readonly subject_id: string | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls. Reading it elsewhere than on a participants' route throws. */
    readonly caller: Caller;
    /** Whose session it is. Reading it elsewhere than on a person's route throws. */
    readonly person: Person;
  }
}

export interface AuthenticationOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: TokenKeys;
  readonly participants: ParticipantStore;
  readonly now: () => Date;
  /** The open session of a token, or null; a server without it has no routes for people. */
  readonly findSession?: (token: string) => Promise<Person | null>;
}

/** RFC 6750 section 2.1. A token of ours has some 500 characters. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]{1,4096}=*)$/i;

const CHALLENGE = 'Bearer realm="assent"';

function refuseToken(reply: FastifyReply, detail: string): never {
  reply.header('www-authenticate', `${CHALLENGE}, error="invalid_token"`);
  throw new AssentError('not_authenticated', { detail });
}

function refuseScope(reply: FastifyReply, scope: Scope, detail: string): never {
  reply.header('www-authenticate', `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`);
  throw new AssentError('not_permitted', { detail });
}

type Verify = (token: string) => Promise<JWTPayload | null>;

/** RFC 9068 section 4: signature, `typ`, `iss`, `aud` and `exp`; null says no, whatever the reason. */
function verifierOf(options: AuthenticationOptions): Verify {
  const keySet = createLocalJWKSet({ keys: [...options.keys.publicKeys] });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keySet, {
        algorithms: ['EdDSA'],
        typ: 'at+jwt',
        issuer: options.issuer,
        audience: options.audience,
        currentDate: options.now(),
        requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'scope', 'jti'],
      });
      // jose accepts one match in a list; a token of ours names one audience.
      return payload.aud === options.audience && payload.sub === payload['client_id']
        ? payload
        : null;
    } catch {
      return null;
    }
  };
}

/** Tokens that are remembered, some hundred bytes each: beyond, the oldest is checked again. */
const REMEMBERED_MAX = 10_000;

/**
 * Remembers what a sound token said until it expires, under its hash, so that its signature is
 * checked once and not at each of its thousands of requests. A signature that was right stays
 * right; whatever can change (the participant, the clock) is asked at each request. The keys are
 * those of the server's start: it forgets everything when it starts with others.
 */
export function remembering(verify: Verify, now: () => Date, most = REMEMBERED_MAX): Verify {
  const known = new Map<string, JWTPayload & { readonly exp: number }>();
  return async (token) => {
    const key = hash('sha256', token);
    const found = known.get(key);
    if (found) {
      // As jose counts: whole seconds, and the last one is not its own any more.
      if (found.exp > Math.floor(now().getTime() / 1000)) return found;
      known.delete(key);
      return null;
    }
    const payload = await verify(token);
    // One that is not valid yet is none of ours: it is not remembered, nor is a no.
    if (payload?.exp === undefined || payload.nbf !== undefined) return payload;
    const [oldest] = known.keys();
    if (known.size >= most && oldest !== undefined) known.delete(oldest);
    known.set(key, { ...payload, exp: payload.exp });
    return payload;
  };
}

function callerOf(participant: Participant, granted: unknown): Caller {
  const names = typeof granted === 'string' ? granted.split(' ') : [];
  const { participant_id, role } = participant;
  const holds = (scope: Scope) =>
    participant.scopes.includes(scope) && ROLE_SCOPES[role].includes(scope);
  return { participant_id, role, scopes: names.filter(isScope).filter(holds) };
}

/** `__Host-`: a cookie of this host alone, over TLS alone (RFC 6265bis, 4.1.3.2). */
export const sessionCookie = (issuer: string): string =>
  issuer.startsWith('https:') ? '__Host-assent' : 'assent';

function cookieOf(request: FastifyRequest, name: string): string | null {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  // Two of one name are somebody's doing: neither counts.
  const values = pairs.filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? (values[0]?.slice(name.length + 1) ?? null) : null;
}

/** A session's token: 256 bits, base64url. */
const SESSION_TOKEN = /^[A-Za-z0-9_-]{43}$/;

async function personOf(
  request: FastifyRequest,
  by: PersonAccess['person'],
  { issuer, findSession }: AuthenticationOptions,
): Promise<Person | null> {
  if (!findSession) throw new AssentError('access_undeclared');
  const token =
    by === 'cookie'
      ? cookieOf(request, sessionCookie(issuer))
      : BEARER.exec(request.headers.authorization ?? '')?.[1];
  return token && SESSION_TOKEN.test(token) ? findSession(token) : null;
}

/**
 * Adds `request.caller` and `request.person`, and closes every route that is not public.
 * Answers 401 `not_authenticated` or `session_unknown`, or 403 `not_permitted`, each with
 * `WWW-Authenticate`.
 */
export function addAuthentication(app: Server, options: AuthenticationOptions): void {
  const callers = new WeakMap<FastifyRequest, Caller>();
  const people = new WeakMap<FastifyRequest, Person>();
  const verify = remembering(verifierOf(options), options.now);

  app.decorateRequest('person', {
    getter() {
      const person = people.get(this as FastifyRequest);
      if (!person) throw new TypeError('request.person was read on a route for others');
      return person;
    },
  });
  app.decorateRequest('caller', {
    getter() {
      const caller = callers.get(this as FastifyRequest);
      if (!caller) throw new TypeError('request.caller was read on a route for others');
      return caller;
    },
  });

  app.addHook('preParsing', async (request, reply) => {
    if (request.is404) return;
    const access = request.routeOptions.config.access;
    if (access === 'public') return;
    if (access === undefined) throw new AssentError('access_undeclared');
    if ('person' in access) {
      const person = await personOf(request, access.person, options);
      if (!person) {
        reply.header('www-authenticate', CHALLENGE);
        throw new AssentError('session_unknown');
      }
      people.set(request, person);
      return;
    }
    const header = request.headers.authorization;
    if (header === undefined) {
      reply.header('www-authenticate', CHALLENGE);
      throw new AssentError('not_authenticated', { detail: 'there is no Authorization header' });
    }
    const token = BEARER.exec(header)?.[1];
    const payload = token === undefined ? null : await verify(token);
    if (!payload) refuseToken(reply, 'the access token is not valid here and now');
    const participant = await options.participants.find(payload.sub ?? '');
    if (participant?.state !== 'admitted') refuseToken(reply, 'the participant is not admitted');
    const caller = callerOf(participant, payload['scope']);
    if (!access.roles.includes(caller.role)) {
      refuseScope(reply, access.scope, `this is not for the role ${caller.role}`);
    }
    if (!caller.scopes.includes(access.scope)) {
      refuseScope(reply, access.scope, `the token does not grant ${access.scope}`);
    }
    callers.set(request, caller);
  });
}
