/**
 * A person's own API: what the pages show, for programs that act for the person.
 *
 * What must stay true: by the bearer of a session alone, never by a cookie or a participant's
 * token; no route names the person, so nobody can name another; each answer has its schema, and
 * nothing beyond it leaves.
 */

import { Type } from 'typebox';
import { ownAuthorisations, withdrawOwn } from '../registry/own-authorisations.ts';
import { ownLooks, readMessages } from '../registry/own-looks.ts';
import type { Registry } from '../registry/registry.ts';
import { endSession, endSessionsOf, openSession } from '../registry/sessions.ts';
import type { Server } from './instance.ts';
import { addFileRoutes } from './me-file-routes.ts';
import { addRightsRoutes } from './me-rights-routes.ts';
import { bearer, MOMENT, nullable, plain, subjectOf, tags, UUID } from './me-schema.ts';

const LOOK = Type.Object({
  access_id: UUID,
  at: MOMENT,
  who: nullable(Type.String()),
  role: nullable(Type.String()),
  purpose: Type.String(),
  reason: Type.String(),
  kind: nullable(Type.String()),
  outcome: nullable(Type.String()),
  authorisation_id: nullable(UUID),
});

const AUTHORISATION = Type.Object({
  authorisation_id: UUID,
  arrangement_id: UUID,
  purpose: Type.String(),
  provider: nullable(Type.String()),
  recipient: nullable(Type.String()),
  recipient_class: Type.String(),
  products: Type.Array(Type.String()),
  state: Type.String(),
  state_at: MOMENT,
  given_at: nullable(MOMENT),
  starts_at: MOMENT,
  expires_at: nullable(MOMENT),
  effect: Type.String({ description: 'What withdrawing does to what is held' }),
  may_withdraw: Type.Boolean(),
  notice_id: Type.String(),
  notice_version: Type.Integer(),
  record_sha256: Type.String(),
  uses: Type.Integer(),
});

function addSession(app: Server, registry: Registry): void {
  app.post(
    '/v1/me/session',
    {
      config: {
        access: 'public',
        rateLimit: { max: 60, timeWindow: 60_000, groupId: 'ticket' },
      },
      schema: {
        summary: 'Exchange a ticket for a session, once',
        tags,
        body: Type.Object(
          { ticket: Type.String({ minLength: 1, maxLength: 100 }) },
          { additionalProperties: false },
        ),
        response: {
          201: Type.Object({
            token: Type.String({ description: 'Send it as a bearer token' }),
            ends_at: Type.String({ description: 'The latest it ends; 20 idle minutes end it too' }),
          }),
        },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await openSession(registry, request.body.ticket)),
  );
  app.delete(
    '/v1/me/session',
    {
      config: bearer,
      schema: { summary: 'End this session', tags, response: { 204: Type.Null() } },
    },
    async (request, reply) => {
      await endSession(registry, request.person.session_id);
      return reply.code(204).send(null);
    },
  );
  app.delete(
    '/v1/me/sessions',
    {
      config: bearer,
      schema: {
        summary: 'End every session and ticket of yours, this one too',
        tags,
        response: { 200: Type.Object({ ended: Type.Integer() }) },
      },
    },
    async (request) => {
      const { subject_id } = subjectOf(request);
      return { ended: await endSessionsOf(registry.db, subject_id, registry.now()) };
    },
  );
}

function addLooks(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/looks',
    {
      config: bearer,
      schema: {
        summary: 'Who looked at your file; asking is a look too',
        tags,
        response: {
          200: Type.Object({
            others: Type.Array(LOOK),
            own: Type.Array(LOOK, { description: 'The newest of your own' }),
            own_count: Type.Integer(),
            since: nullable(MOMENT),
          }),
        },
      },
    },
    async (request) => plain(await ownLooks(registry, subjectOf(request).subject_id)),
  );
  app.get(
    '/v1/me/messages',
    {
      config: bearer,
      schema: {
        summary: 'What you were told, newest first; reading marks it as read',
        tags,
        response: {
          200: Type.Object({
            messages: Type.Array(
              Type.Object({
                message_id: UUID,
                kind: Type.String(),
                facts: Type.Record(Type.String(), Type.Unknown()),
                at: MOMENT,
                read_at: nullable(MOMENT),
                who: nullable(Type.String()),
              }),
            ),
          }),
        },
      },
    },
    async (request) =>
      plain({ messages: await readMessages(registry, subjectOf(request).subject_id) }),
  );
}

function addAuthorisations(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/authorisations',
    {
      config: bearer,
      schema: {
        summary: 'Every authorisation of yours that the registry knows',
        tags,
        response: { 200: Type.Object({ authorisations: Type.Array(AUTHORISATION) }) },
      },
    },
    async (request) =>
      plain({ authorisations: await ownAuthorisations(registry, subjectOf(request).subject_id) }),
  );
  app.post(
    '/v1/me/authorisations/:authorisation_id/withdrawal',
    {
      config: bearer,
      schema: {
        summary: 'Withdraw an authorisation, at once',
        tags,
        params: Type.Object({ authorisation_id: UUID }),
        response: {
          200: Type.Object({
            authorisation_id: UUID,
            state: Type.String(),
            result: Type.Enum(['stored', 'unchanged']),
          }),
        },
      },
    },
    async (request) => withdrawOwn(registry, subjectOf(request), request.params.authorisation_id),
  );
}

/** Adds a person's own routes to a registry's server. */
export function meRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addSession(app, registry);
    addLooks(app, registry);
    addAuthorisations(app, registry);
    addFileRoutes(app, registry);
    addRightsRoutes(app, registry);
  };
}
