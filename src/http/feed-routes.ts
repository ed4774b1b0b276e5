/**
 * The registry's routes of events: feeds, events pushed by furnishers, ends on a person's request,
 * and the endpoints of webhooks.
 *
 * What must stay true: a participant reads and writes its own alone; what another has and what
 * does not exist are answered alike.
 */

import { Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';
import { findOrThrow } from '../participants/participant.ts';
import { END_REASONS, endAuthorisation, receiveEvent } from '../registry/authorisation-events.ts';
import { readFeed } from '../registry/feed.ts';
import type { Registry } from '../registry/registry.ts';
import { listWebhooks, registerWebhook, type Webhook } from '../registry/webhooks.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({
  pattern: UUID_PATTERN,
  description: 'UUID, lower case',
});
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, lower-case hex' });
const WEBHOOK = Type.Object({
  participant_id: UUID,
  url: Type.String(),
  state: Type.Enum(['enabled', 'disabled']),
  why: Type.Union([Type.String(), Type.Null()]),
  changed_at: Type.String(),
});

/** Entries of one answer at most. */
const PAGE_MAX = 1000;

const shown = (webhook: Webhook) => ({
  ...webhook,
  changed_at: webhook.changed_at.toISOString(),
});

export interface FeedRoutesOptions {
  readonly registry: Registry;
  /** The registry is on this machine only, and so may be the endpoints of webhooks. */
  readonly loopback: boolean;
}

function addFeed(app: Server, registry: Registry): void {
  app.get(
    '/v1/feed',
    {
      config: { access: { roles: ['furnisher', 'enquirer'], scope: 'feed:read' } },
      schema: {
        summary: 'Read your own feed: signed events in order, after a position',
        querystring: Type.Object({
          after: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
          limit: Type.Optional(
            Type.Integer({ minimum: 1, maximum: PAGE_MAX, description: `default ${PAGE_MAX}` }),
          ),
        }),
        response: {
          200: Type.Object({
            entries: Type.Array(
              Type.Object({
                position: Type.Integer(),
                signed: Type.String({ description: 'compact JWS, typ assent-feed+jws' }),
              }),
            ),
            head: Type.Integer({ description: 'the newest position there is' }),
          }),
        },
      },
    },
    async (request) => {
      const { after = 0, limit = PAGE_MAX } = request.query;
      const page = await readFeed(registry, request.caller.participant_id, { after, limit });
      return { ...page, entries: [...page.entries] };
    },
  );
}

function addPush(app: Server, registry: Registry): void {
  app.put(
    '/v1/authorisation-events/:event_id',
    {
      config: { access: { roles: ['furnisher'], scope: 'events:write' } },
      schema: {
        summary: 'Tell of an event of your own authorisation; the same again changes nothing',
        params: Type.Object({ event_id: SHA256 }),
        body: Type.Object(
          {
            signed: Type.String({
              maxLength: 20_000,
              description: 'compact JWS, typ assent-event+jws',
            }),
            submission_id: Type.Union([UUID, Type.Null()], {
              description: 'your own submission that is bringing the record, if one is',
            }),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            event_id: SHA256,
            result: Type.Enum(['stored', 'unchanged', 'kept']),
            state: Type.Union([Type.String(), Type.Null()]),
          }),
        },
      },
    },
    async (request) => {
      const { participant_id } = request.caller;
      const participant = await findOrThrow(registry.db, participant_id);
      return receiveEvent(registry, {
        furnisher_id: participant_id,
        event_id: request.params.event_id,
        ...request.body,
        keys: participant.jwks,
      });
    },
  );
}

function addEnds(app: Server, registry: Registry): void {
  app.post(
    '/v1/authorisations/:authorisation_id/events',
    {
      config: { access: { roles: ['operator'], scope: 'authorisations:end' } },
      schema: {
        summary: 'End an authorisation at the request of the person, at once',
        params: Type.Object({ authorisation_id: UUID }),
        body: Type.Object(
          {
            type: Type.Enum(['withdrawn', 'revoked']),
            reason: Type.Enum([...END_REASONS.withdrawn, ...END_REASONS.revoked]),
            evidence_sha256: SHA256,
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            authorisation_id: UUID,
            state: Type.String(),
            result: Type.Enum(['stored', 'unchanged']),
          }),
        },
      },
    },
    async (request) =>
      endAuthorisation(registry, request.params.authorisation_id, {
        ...request.body,
        by_party: request.caller.participant_id,
        subject_id: null,
      }),
  );
}

function addWebhooks(app: Server, { registry, loopback }: FeedRoutesOptions): void {
  app.put(
    '/v1/webhook',
    {
      config: { access: { roles: ['furnisher', 'enquirer'], scope: 'webhooks:write' } },
      schema: {
        summary: 'Register or enable again your endpoint for webhooks (https, public address)',
        body: Type.Object(
          { url: Type.String({ maxLength: 500 }) },
          { additionalProperties: false },
        ),
        response: { 200: WEBHOOK },
      },
    },
    async (request) =>
      shown(
        await registerWebhook(registry, request.caller.participant_id, request.body.url, loopback),
      ),
  );
  app.get(
    '/v1/webhooks',
    {
      config: { access: { roles: ['operator'], scope: 'webhooks:read' } },
      schema: {
        summary: "List every participant's endpoint with its state",
        response: { 200: Type.Object({ webhooks: Type.Array(WEBHOOK) }) },
      },
    },
    async () => ({ webhooks: (await listWebhooks(registry)).map(shown) }),
  );
}

/** Adds the routes to a registry's server. */
export function feedRoutes(options: FeedRoutesOptions): (app: Server) => void {
  return (app) => {
    addFeed(app, options.registry);
    addPush(app, options.registry);
    addEnds(app, options.registry);
    addWebhooks(app, options);
  };
}
