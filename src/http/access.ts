/**
 * Who may call a route, declared beside the route: `config: { access: { roles, scope } }` for
 * participants, `{ access: { person: 'bearer' } }` for a person about themselves (a page: by
 * `cookie`), or `{ access: 'public' }`.
 *
 * What must stay true: a server with a route that declares nothing, or something no caller could
 * fulfil, does not start (lessons 7 and 15: what is missing is a gap, never an allow).
 */
import type { RouteOptions } from 'fastify';
import { AssentError } from '../model/error.ts';
import { ROLE_SCOPES, type Role, type Scope } from '../participants/role.ts';
import type { Server } from './instance.ts';

export interface ParticipantAccess {
  readonly roles: readonly Role[];
  readonly scope: Scope;
}

/** By a session, never by a participant's token; by cookie for pages alone. */
export interface PersonAccess {
  readonly person: 'bearer' | 'cookie';
}

export type Access = 'public' | ParticipantAccess | PersonAccess;

/** What participants need; null where the route is not for them. */
export function participantAccess(access: Access | undefined): ParticipantAccess | null {
  return typeof access === 'object' && 'roles' in access ? access : null;
}

/** One route and method as the server really has it. */
export interface RouteAccess {
  readonly method: string;
  /** The pattern, for example `/submissions/:submission_id`. */
  readonly url: string;
  readonly access: Access;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyInstance {
    /** Every route with its declaration; complete once the server is ready. */
    accessTable: readonly RouteAccess[];
  }
}

/** Why a declaration cannot be used; null when it can. */
function faultOf(access: Access | undefined): string | null {
  if (access === undefined) return 'declares no access';
  if (access === 'public' || 'person' in access) return null;
  if (access.roles.length === 0) return 'names no role';
  const without = access.roles.find((role) => !ROLE_SCOPES[role].includes(access.scope));
  return without === undefined ? null : `names ${without}, a role that never holds ${access.scope}`;
}

function methodsOf(route: RouteOptions): string[] {
  return typeof route.method === 'string' ? [route.method] : [...route.method];
}

/**
 * Collects the declaration of every route registered from here on and refuses to start when one
 * is missing. Register before any route.
 * @throws access_undeclared, from `ready()` and `listen()`.
 */
export function declareAccess(app: Server): void {
  const routes: RouteOptions[] = [];
  const table: RouteAccess[] = [];
  app.decorate('accessTable', table);
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  app.addHook('onReady', async () => {
    for (const route of routes) {
      const access = route.config?.access;
      const fault = faultOf(access);
      if (fault !== null || access === undefined) {
        const detail = `${methodsOf(route).join('/')} ${route.url} ${fault}`;
        throw new AssentError('access_undeclared', { detail });
      }
      for (const method of methodsOf(route)) table.push({ method, url: route.url, access });
    }
  });
}
