/**
 * What a person can do about their file, over the API: disputes, statements, protection.
 *
 * What must stay true: as `me-routes.ts`; evidence comes in the body, in base64, and is known by
 * its first bytes.
 */
import { Type } from 'typebox';
import { letterOf, letterText } from '../model/dispute-letter.ts';
import { AssentError } from '../model/error.ts';
import { BLOCK_KINDS } from '../model/file-facts.ts';
import { LANGUAGES } from '../model/notice.ts';
import { activeBlocks, BLOCK_REASONS, liftBlock, placeBlock } from '../registry/blocks.ts';
import { type DisputeView, outcomeOf } from '../registry/dispute-views.ts';
import { disputeLook, openDispute, withdrawDispute } from '../registry/disputes.ts';
import { previewErasure } from '../registry/erasures.ts';
import { ownDisputes } from '../registry/own-rights.ts';
import type { Registry } from '../registry/registry.ts';
import { listStatements, makeStatement, withdrawStatement } from '../registry/statements.ts';
import { GROUND } from '../registry/theft-blocks.ts';
import { DISPUTE_MORE } from './dispute-routes.ts';
import { DISPUTE_BYTES, WISH, wishesOf } from './dispute-wish.ts';
import type { Server } from './instance.ts';
import { askErasure } from './me-identity-pages.ts';
import { bearer, MOMENT, nullable, plain, subjectOf, tags, UUID } from './me-schema.ts';

const closed = { additionalProperties: false };

const TEXT = nullable(Type.String());
const CLAIM = Type.Object({
  claim_id: UUID,
  account_id: nullable(UUID),
  period: TEXT,
  access_id: nullable(UUID),
  field: Type.String(),
  held_value: TEXT,
  claimed_value: TEXT,
  state: Type.String(),
  furnisher: TEXT,
  furnisher_due_at: nullable(MOMENT),
  answer: TEXT,
  answer_value: TEXT,
  answer_reason: TEXT,
  source_sha256: TEXT,
  decided_by: TEXT,
  decision_reason: TEXT,
  opened_at: MOMENT,
  ended_at: nullable(MOMENT),
  evidence: Type.Array(
    Type.Object({
      evidence_id: UUID,
      media_type: Type.String(),
      bytes: Type.Integer(),
      sha256: Type.String(),
    }),
  ),
});
const DISPUTE = Type.Object({
  dispute_id: UUID,
  state: Type.String(),
  opened_at: MOMENT,
  furnisher_due_at: MOMENT,
  answer_due_at: MOMENT,
  extended_at: nullable(MOMENT),
  ended_at: nullable(MOMENT),
  ...DISPUTE_MORE,
  claims: Type.Array(CLAIM),
});

function addDisputes(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/disputes',
    {
      config: bearer,
      schema: {
        summary: 'Your disputes, newest first, with their clocks',
        tags,
        response: { 200: Type.Object({ disputes: Type.Array(DISPUTE) }) },
      },
    },
    async (request) =>
      plain({ disputes: await ownDisputes(registry, subjectOf(request).subject_id, null) }),
  );
  app.post(
    '/v1/me/disputes',
    {
      config: bearer,
      bodyLimit: DISPUTE_BYTES,
      schema: {
        summary: 'Say which fields are wrong: all claims are opened, or none',
        tags,
        body: Type.Object(
          {
            ground: Type.Optional(nullable(Type.Enum([GROUND]))),
            claims: Type.Array(Type.Object(WISH, closed), { minItems: 1, maxItems: 20 }),
          },
          closed,
        ),
        response: { 201: DISPUTE },
      },
    },
    async (request, reply) => {
      const claims = wishesOf(request.body.claims);
      const { ground = null } = request.body;
      const view = await openDispute(registry, subjectOf(request).subject_id, { claims, ground });
      return reply.code(201).send(plain(view));
    },
  );
}

function addDisputeActs(app: Server, registry: Registry): void {
  const params = Type.Object({ dispute_id: UUID });
  app.get(
    '/v1/me/disputes/:dispute_id/letter',
    {
      config: bearer,
      schema: {
        summary: 'How a dispute stands or ended, as a letter',
        tags,
        params,
        querystring: Type.Object({ lang: Type.Optional(Type.Enum([...LANGUAGES])) }),
        produces: ['text/plain'],
      },
    },
    async (request, reply) => {
      const { dispute_id } = request.params;
      const [found] = await ownDisputes(registry, subjectOf(request).subject_id, dispute_id);
      if (!found) throw new AssentError('dispute_unknown');
      const letter = letterOf(outcomeOf(registry, found), request.query.lang ?? 'en');
      return reply.type('text/plain; charset=utf-8').send(letterText(letter));
    },
  );
  const withdrawal = {
    ...{ summary: 'Withdraw a dispute', tags, params },
    response: { 200: DISPUTE },
  };
  app.post(
    '/v1/me/disputes/:dispute_id/withdrawal',
    { config: bearer, schema: withdrawal },
    async (request) =>
      plain(
        await withdrawDispute(registry, subjectOf(request).subject_id, request.params.dispute_id),
      ),
  );
  app.post(
    '/v1/me/looks/:access_id/not-me',
    {
      config: bearer,
      schema: {
        summary: 'Say that you do not know of a look: a case is opened',
        tags,
        params: Type.Object({ access_id: UUID }),
        response: { 201: DISPUTE },
      },
    },
    async (request, reply) => {
      const { access_id } = request.params;
      const view: DisputeView = await disputeLook(
        registry,
        subjectOf(request).subject_id,
        access_id,
      );
      return reply.code(201).send(plain(view));
    },
  );
}

const STATEMENT = Type.Object({
  statement_id: UUID,
  account_id: nullable(UUID),
  language: Type.String(),
  text: Type.String(),
  made_at: MOMENT,
});

function addStatements(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/statements',
    {
      config: bearer,
      schema: {
        summary: 'What you say of your file, as it stands on every report',
        tags,
        response: { 200: Type.Object({ statements: Type.Array(STATEMENT) }) },
      },
    },
    async (request) =>
      plain({ statements: await listStatements(registry, subjectOf(request).subject_id) }),
  );
  app.post(
    '/v1/me/statements',
    {
      config: bearer,
      schema: {
        summary: 'Add a statement to your file or to an account of it',
        tags,
        body: Type.Object(
          {
            text: Type.String({ minLength: 1, maxLength: 16_384 }),
            language: Type.String({ minLength: 2, maxLength: 35, description: 'BCP 47' }),
            account_id: Type.Optional(nullable(UUID)),
          },
          closed,
        ),
        response: { 201: STATEMENT },
      },
    },
    async (request, reply) =>
      reply
        .code(201)
        .send(plain(await makeStatement(registry, subjectOf(request).subject_id, request.body))),
  );
  app.delete(
    '/v1/me/statements/:statement_id',
    {
      config: bearer,
      schema: {
        summary: 'Take a statement back',
        tags,
        params: Type.Object({ statement_id: UUID }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const { statement_id } = request.params;
      await withdrawStatement(registry, subjectOf(request).subject_id, statement_id);
      return reply.code(204).send(null);
    },
  );
}

const BLOCK = Type.Object({
  block_id: UUID,
  kind: Type.String(),
  reason: Type.String(),
  extended: Type.Boolean(),
  placed_at: MOMENT,
  expires_at: nullable(MOMENT),
  lifted_at: nullable(MOMENT),
});

function addBlocks(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/blocks',
    {
      config: bearer,
      schema: {
        summary: 'What holds others off your file now',
        tags,
        response: { 200: Type.Object({ blocks: Type.Array(BLOCK) }) },
      },
    },
    async (request) => {
      const { subject_id } = subjectOf(request);
      return plain({ blocks: await activeBlocks(registry.db, subject_id, registry.now()) });
    },
  );
  app.post(
    '/v1/me/blocks',
    {
      config: bearer,
      schema: {
        summary: 'Freeze the file, set a fraud alert or a credit ban; the same again is the same',
        tags,
        body: Type.Object(
          {
            kind: Type.Enum([...BLOCK_KINDS]),
            reason: Type.Enum([...BLOCK_REASONS]),
            months: Type.Optional(nullable(Type.Integer({ minimum: 1, maximum: 1200 }))),
          },
          closed,
        ),
        response: { 201: BLOCK },
      },
    },
    async (request, reply) =>
      reply
        .code(201)
        .send(plain(await placeBlock(registry, subjectOf(request).subject_id, request.body))),
  );
  app.delete(
    '/v1/me/blocks/:block_id',
    {
      config: bearer,
      schema: {
        summary: 'Lift a block, at once',
        tags,
        params: Type.Object({ block_id: UUID }),
        response: { 200: BLOCK },
      },
    },
    async (request) =>
      plain(await liftBlock(registry, subjectOf(request).subject_id, request.params.block_id)),
  );
}

const STAYING = Type.Object({
  reason: Type.String(),
  why: Type.String(),
  rows: Type.Integer(),
  until: TEXT,
});
const ERASURE = {
  stays: Type.Array(STAYING),
  months_going: Type.Integer(),
  goes: Type.Record(Type.String(), Type.Integer()),
  notice_hours: Type.Integer(),
};

function addErasure(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/erasure',
    {
      config: bearer,
      schema: {
        summary: 'What would be erased at your wish, and what the law lets stay',
        tags,
        response: { 200: Type.Object(ERASURE) },
      },
    },
    async (request) =>
      plain(await previewErasure(registry, registry.db, subjectOf(request).subject_id)),
  );
  app.post(
    '/v1/me/erasure',
    {
      config: bearer,
      schema: {
        summary: 'Ask to be erased; asked again, it is the same request',
        tags,
        response: {
          201: Type.Object({ ...ERASURE, request_id: UUID, due_at: MOMENT }),
        },
      },
    },
    async (request, reply) =>
      reply.code(201).send(plain(await askErasure(registry, subjectOf(request)))),
  );
}

/** Adds the routes of a person's rights. */
export function addRightsRoutes(app: Server, registry: Registry): void {
  addDisputes(app, registry);
  addDisputeActs(app, registry);
  addStatements(app, registry);
  addBlocks(app, registry);
  addErasure(app, registry);
}
