/**
 * What the operator does for a person who wrote or came: a dispute entered in their name, with what
 * they sent; and the decision about a block for identity theft.
 *
 * What must stay true: each is traced as the operator's act, and the person is told; nothing is
 * entered without what came, among the files.
 */
import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import { openDispute } from '../registry/disputes.ts';
import { EVIDENCE_FILES_MAX } from '../registry/evidence.ts';
import { livingSubject } from '../registry/people.ts';
import type { Registry } from '../registry/registry.ts';
import { decideTheft, GROUND, THEFT_DECISIONS, THEFT_GROUNDS } from '../registry/theft-blocks.ts';
import { CLAIM_FIELDS } from '../wire/claim.ts';
import type { Server } from './instance.ts';

/** A request with files: some of five megabytes in base64. */
const BODY_BYTES = 36 * 1024 * 1024;
const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const REASON = Type.String({ minLength: 1, maxLength: 2000 });
const none = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Union([type, Type.Null()]);
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const WISH = closed({
  field: Type.Enum([...CLAIM_FIELDS]),
  account_id: Type.Optional(none(UUID)),
  period: Type.Optional(
    none(Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' })),
  ),
  access_id: Type.Optional(none(UUID)),
  claimed_value: Type.Optional(none(Type.String({ maxLength: 200 }))),
  evidence: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'base64' }), {
      maxItems: EVIDENCE_FILES_MAX,
    }),
  ),
});

const access = { roles: ['operator'] as const, scope: 'disputes:decide' as const };

function addEntry(app: Server, registry: Registry): void {
  app.post(
    '/v1/disputes',
    {
      config: { access },
      bodyLimit: BODY_BYTES,
      schema: {
        summary: 'Enter a dispute that came by post or at the counter, with what came; all or none',
        body: closed({
          subject_id: UUID,
          channel: Type.Enum(['post', 'counter']),
          received_on: Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }),
          reason: REASON,
          ground: Type.Optional(none(Type.Enum([GROUND]))),
          claims: Type.Array(WISH, { minItems: 1, maxItems: 20 }),
        }),
        response: {
          201: Type.Object({
            dispute_id: UUID,
            answer_due_at: Type.String(),
            block_due_at: none(Type.String()),
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
        claims: request.body.claims.map(({ evidence = [], ...claim }) => ({
          ...claim,
          evidence: evidence.map((text) => Buffer.from(text, 'base64')),
        })),
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
          ground: Type.Optional(none(Type.Enum([...THEFT_GROUNDS]))),
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
