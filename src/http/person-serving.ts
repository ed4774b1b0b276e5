/** What a registry's server needs so that people can see what concerns themselves. */
import type { Registry } from '../registry/registry.ts';
import { findSession } from '../registry/sessions.ts';
import { isMeAddress, sendMeFailure } from './me-scope.ts';
import type { ServerOptions } from './server.ts';

/** Options of the server: the sessions of people, and failures of their pages as pages. */
export const personServing = (
  registry: Registry,
): Required<Pick<ServerOptions, 'findSession' | 'pages'>> => ({
  findSession: (token) => findSession(registry, token),
  pages: { owns: isMeAddress, sendFailure: sendMeFailure },
});
