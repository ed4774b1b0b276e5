/**
 * What the operator does for a person who wrote or came: a dispute entered in their name, with what
 * they sent; and the decision about a block for identity theft.
 *
 * What must stay true: each is traced as the operator's act, and the person is told; nothing is
 * entered without what came, among the files.
 */
import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { openDispute } from '../registry/disputes.ts';
import { livingSubject } from '../registry/people.ts';
import type { Registry } from '../registry/registry.ts';
import { decideTheft, GROUND, THEFT_DECISIONS, THEFT_GROUNDS } from '../registry/theft-blocks.ts';
import { DISPUTE_BYTES, WISH, wishesOf } from './dispute-wish.ts';
import type { Server } from './instance.ts';
import { nullable, UUID } from './me-schema.ts';

const REASON = Type.String({ minLength: 1, maxLength: 2000 });
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const access = { roles: ['operator'] as const, scope: 'disputes:decide' as const };

function addEntry(app: Server, registry: Registry): void {
  app.post(
    '/v1/disputes',
    {
      config: { access },
      bodyLimit: DISPUTE_BYTES,
      schema: {
        summary: 'Enter a dispute that came by post or at the counter, with what came; all or none',
        body: closed({
          subject_id: UUID,
          channel: Type.Enum(['post', 'counter']),
          received_on: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
          reason: REASON,
          ground: Type.Optional(nullable(Type.Enum([GROUND]))),
          claims: Type.Array(closed({ ...WISH, access_id: Type.Optional(nullable(UUID)) }), {
            minItems: 1,
            maxItems: 20,
          }),
        }),
        response: {
          201: Type.Object({
            dispute_id: UUID,
            answer_due_at: Type.String(),
            block_due_at: nullable(Type.String()),
            claims: Type.Array(Type.Object({ claim_id: UUID, field: Type.String() })),
          }),
        },
      },
    },
    async (request, reply) => {
      const { subject_id, channel, received_on, reason, ground = null } = request.body;
      const living = await livingSubject(registry.db, subject_id);
      if (living === null) throw new AssentError('file_unknown');
      const view = await openDispute(registry, living, {
        claims: wishesOf(request.body.claims),
        ground,
        entry: { channel, received_on, reason, by_party: request.caller.participant_id },
      });
      return reply.code(201).send(JSON.parse(JSON.stringify(view)) as never);
    },
  );
}

function addTheft(app: Server, registry: Registry): void {
  app.post(
    '/v1/disputes/:dispute_id/identity-theft',
    {
      config: { access },
      schema: {
        summary: 'Block what is said to be identity theft, decline to, or lift the block again',
        params: Type.Object({ dispute_id: UUID }),
        body: closed({
          decision: Type.Enum([...THEFT_DECISIONS]),
          ground: Type.Optional(nullable(Type.Enum([...THEFT_GROUNDS]))),
          reason: REASON,
        }),
        response: { 200: Type.Object({ dispute_id: UUID, block_state: Type.String() }) },
      },
    },
    async (request) =>
      decideTheft(registry, {
        ...request.body,
        ground: request.body.ground ?? null,
        dispute_id: request.params.dispute_id,
        by_party: request.caller.participant_id,
      }),
  );
}

/** Adds the routes to a registry's server. */
export function disputeEntryRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addEntry(app, registry);
    addTheft(app, registry);
  };
}
