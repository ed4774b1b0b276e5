/**
 * The registry's API. Each route names who may call it; the schemas are the documentation.
 *
 * What must stay true: a furnisher sees its own submissions alone; an identity document is sought
 * in a body, never in an address.
 */

import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { IDENTITY_KINDS } from '../model/record.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import {
  admitParticipant,
  findParticipant,
  listParticipants,
  type Participant,
  suspendParticipant,
} from '../participants/participant.ts';
import { REGISTRY_ROLES, type Role } from '../participants/role.ts';
import { readFile } from '../registry/files.ts';
import type { Registry } from '../registry/registry.ts';
import {
  completeSubmission,
  declareSubmission,
  findSubmission,
  listFaults,
  listSubmissions,
  storePart,
  viewSubmission,
} from '../registry/submissions.ts';
import { PART_KINDS } from '../wire/part.ts';
import type { Caller } from './authentication.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const SUBMISSION_PARAMS = Type.Object({ submission_id: UUID });
const OUTCOMES = Type.Record(Type.String(), Type.Record(Type.String(), Type.Integer()));
const VIEW = Type.Object({
  submission_id: UUID,
  furnisher_id: UUID,
  period: PERIOD,
  state: Type.String(),
  what_to_do: Type.String(),
  why: Type.Union([Type.String(), Type.Null()]),
  parts: Type.Array(
    Type.Object({ part_number: Type.Integer(), kind: Type.String(), sha256: Type.String() }),
  ),
  parts_at_once: Type.Integer({
    description: 'How many parts the registry works at side by side',
  }),
  outcomes: Type.Union([OUTCOMES, Type.Null()]),
});
const PARTICIPANT = Type.Object({
  participant_id: UUID,
  name: Type.String(),
  role: Type.String(),
  licence_id: Type.Union([Type.String(), Type.Null()]),
  brands: Type.Array(Type.String()),
  scopes: Type.Array(Type.String()),
  state: Type.String(),
  admitted_at: Type.String(),
});

/** One part's bytes at most; PART_BYTES_MAX bounds what they unfold to. */
const PART_BODY_BYTES = 64 * 1024 * 1024;

export interface RegistryRoutesOptions {
  readonly registry: Registry;
  /** Begins processing in the background; must not throw. */
  readonly process: (submissionId: string) => void;
}

/** Whose submissions the caller may see: null is all of them. */
function ownOnly(caller: Caller): string | null {
  return caller.role === 'furnisher' ? caller.participant_id : null;
}

const furnisherWrites = {
  access: { roles: ['furnisher'] as const, scope: 'submissions:write' as const },
};
const READERS: readonly Role[] = ['operator', 'supervisor', 'auditor'];

function shownParticipant(participant: Participant) {
  return {
    ...participant,
    scopes: [...participant.scopes],
    brands: [...participant.brands],
    admitted_at: participant.admitted_at.toISOString(),
  };
}

function addSubmissionWrites(app: Server, { registry, process }: RegistryRoutesOptions): void {
  app.put(
    '/v1/submissions/:submission_id',
    {
      config: furnisherWrites,
      schema: {
        summary: 'Declare a submission for one period',
        params: SUBMISSION_PARAMS,
        body: Type.Object({ period: PERIOD }, { additionalProperties: false }),
        response: { 200: VIEW },
      },
    },
    async (request) =>
      declareSubmission(
        registry,
        request.caller.participant_id,
        request.params.submission_id,
        request.body.period,
      ) as never,
  );

  app.put(
    '/v1/submissions/:submission_id/parts/:part_number',
    {
      config: furnisherWrites,
      bodyLimit: PART_BODY_BYTES,
      schema: {
        summary: 'Upload or replace one part (gzip of tab-separated lines)',
        params: Type.Object({
          submission_id: UUID,
          part_number: Type.Integer({ minimum: 1, maximum: 100_000 }),
        }),
        querystring: Type.Object({ kind: Type.Enum([...PART_KINDS]) }),
        headers: Type.Object({
          'content-digest': Type.String({ pattern: '^sha-256=:[A-Za-z0-9+/]{43}=:$' }),
        }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      if (!Buffer.isBuffer(request.body))
        throw new AssentError('argument_invalid', {
          detail: 'the body must be application/octet-stream',
        });
      await storePart(registry, request.caller.participant_id, request.params.submission_id, {
        part_number: request.params.part_number,
        kind: request.query.kind,
        body: request.body,
        content_digest: request.headers['content-digest'],
      });
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/submissions/:submission_id/completion',
    {
      config: furnisherWrites,
      bodyLimit: PART_BODY_BYTES,
      schema: {
        summary: 'Complete a submission with its signed manifest',
        params: SUBMISSION_PARAMS,
        body: Type.Object({ manifest: Type.String() }, { additionalProperties: false }),
        response: { 200: VIEW },
      },
    },
    async (request) => {
      const { participant_id } = request.caller;
      const participant = await findParticipant(registry.db, participant_id);
      if (!participant) throw new AssentError('submission_unknown');
      const view = await completeSubmission(
        registry,
        participant_id,
        request.params.submission_id,
        { manifest: request.body.manifest, keys: participant.jwks },
      );
      process(request.params.submission_id);
      return view as never;
    },
  );
}

function addSubmissionReads(app: Server, { registry }: RegistryRoutesOptions): void {
  const own = { access: { roles: ['furnisher'] as Role[], scope: 'submissions:read' as const } };
  const all = { access: { roles: [...READERS], scope: 'submissions:read_all' as const } };
  for (const [prefix, config] of [
    ['/v1', own],
    ['/v1/all', all],
  ] as const) {
    const whose = prefix === '/v1' ? 'own' : "every furnisher's";
    app.get(
      `${prefix}/submissions`,
      {
        config,
        schema: {
          summary: `List ${whose} submissions, newest first`,
          querystring: Type.Object({
            before: Type.Optional(
              Type.String({
                pattern: `^[0-9]{1,15}:${UUID_PATTERN.slice(1)}`,
                description: '`next` of the page before',
              }),
            ),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 500 })),
          }),
          response: {
            200: Type.Object({
              submissions: Type.Array(VIEW),
              next: Type.Union([Type.String(), Type.Null()]),
            }),
          },
        },
      },
      async (request) =>
        (await listSubmissions(registry, ownOnly(request.caller), {
          before: request.query.before ?? '',
          limit: request.query.limit ?? 500,
        })) as never,
    );
    app.get(
      `${prefix}/submissions/:submission_id`,
      {
        config,
        schema: {
          summary: `Ask for the state of one of ${whose} submissions`,
          params: SUBMISSION_PARAMS,
          response: { 200: VIEW },
        },
      },
      async (request) =>
        viewSubmission(registry, request.params.submission_id, ownOnly(request.caller)) as never,
    );
    app.get(
      `${prefix}/submissions/:submission_id/faults`,
      {
        config,
        schema: {
          summary: 'Rows that were not simply accepted, with the rule or the reason',
          params: SUBMISSION_PARAMS,
          querystring: Type.Object({
            after: Type.Optional(Type.String({ pattern: '^[0-9]{1,9}:[0-9]{1,9}$' })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 5000, default: 1000 })),
          }),
          response: {
            200: Type.Object({
              faults: Type.Array(
                Type.Object({
                  kind: Type.String(),
                  row_number: Type.Integer(),
                  outcome: Type.String(),
                  rule: Type.String(),
                  severity: Type.String(),
                  field: Type.Union([Type.String(), Type.Null()]),
                }),
              ),
              next: Type.Union([Type.String(), Type.Null()]),
            }),
          },
        },
      },
      async (request) =>
        listFaults(registry, request.params.submission_id, ownOnly(request.caller), {
          after: request.query.after ?? '',
          limit: request.query.limit ?? 1000,
        }),
    );
    app.get(
      `${prefix}/submissions/:submission_id/receipt`,
      {
        config,
        schema: {
          summary: 'Fetch the signed receipt (compact JWS)',
          params: SUBMISSION_PARAMS,
          produces: ['application/jose'],
        },
      },
      async (request, reply) => {
        const row = await findSubmission(
          registry,
          request.params.submission_id,
          ownOnly(request.caller),
        );
        if (row.receipt === null)
          throw new AssentError('submission_state', {
            detail: `it is ${row.state}; there is no receipt yet`,
          });
        return reply.type('application/jose').send(row.receipt);
      },
    );
  }
}

function addOperatorRoutes(app: Server, { registry }: RegistryRoutesOptions): void {
  app.get(
    '/v1/participants',
    {
      config: { access: { roles: [...READERS], scope: 'participants:read' } },
      schema: {
        summary: 'List who participates',
        response: { 200: Type.Object({ participants: Type.Array(PARTICIPANT) }) },
      },
    },
    async () => ({ participants: (await listParticipants(registry.db)).map(shownParticipant) }),
  );
  app.post(
    '/v1/participants',
    {
      config: { access: { roles: ['operator'], scope: 'participants:write' } },
      schema: {
        summary: 'Admit a participant with its public keys',
        body: Type.Object(
          {
            participant_id: UUID,
            name: Type.String({ minLength: 1, maxLength: 200 }),
            role: Type.Enum([...REGISTRY_ROLES]),
            licence_id: Type.String({ minLength: 1, maxLength: 100 }),
            brands: Type.Array(Type.String({ maxLength: 200 }), { maxItems: 50 }),
            jwks: Type.Unknown(),
          },
          { additionalProperties: false },
        ),
        response: { 201: PARTICIPANT },
      },
    },
    async (request, reply) => {
      const admitted = await admitParticipant(registry.db, {
        ...request.body,
        admitted_at: registry.now(),
      });
      return reply.code(201).send(shownParticipant(admitted));
    },
  );
  app.post(
    '/v1/participants/:participant_id/suspension',
    {
      config: { access: { roles: ['operator'], scope: 'participants:write' } },
      schema: {
        summary: 'Suspend a participant at once',
        params: Type.Object({ participant_id: UUID }),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      await suspendParticipant(registry.db, request.params.participant_id);
      return reply.code(204).send(null);
    },
  );
  app.post(
    '/v1/files',
    {
      config: { access: { roles: ['operator'], scope: 'files:read' } },
      schema: {
        summary: "Read a person's file; the look leaves a trace",
        body: Type.Object(
          {
            reason: Type.String({ minLength: 3, maxLength: 500 }),
            subject_id: Type.Optional(UUID),
            account: Type.Optional(Type.Object({ account_ref: UUID, furnisher_id: UUID })),
            identity: Type.Optional(
              Type.Object({
                kind: Type.Enum([...IDENTITY_KINDS]),
                country: Type.Union([Type.String(), Type.Null()]),
                number: Type.String({ maxLength: 64 }),
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: {
          200: Type.Object({
            subject_id: UUID,
            identity: Type.Record(Type.String(), Type.Unknown()),
            incomplete_since: Type.Union([Type.String(), Type.Null()]),
            remark: Type.Union([Type.String(), Type.Null()]),
            accounts: Type.Array(Type.Record(Type.String(), Type.Unknown())),
            authorisations: Type.Array(Type.Record(Type.String(), Type.Unknown())),
          }),
        },
      },
    },
    async (request) => {
      const { subject_id, account, identity, reason } = request.body;
      const sought = subject_id ? { subject_id } : (account ?? identity);
      if (!sought)
        throw new AssentError('argument_invalid', {
          detail: 'give subject_id, account or identity',
        });
      return readFile(registry, sought, {
        participant_id: request.caller.participant_id,
        purpose: 'operator_review',
        reason,
      }) as never;
    },
  );
}

/** Adds the registry's routes to a server. */
export function registryRoutes(options: RegistryRoutesOptions): (app: Server) => void {
  return (app) => {
    addSubmissionWrites(app, options);
    addSubmissionReads(app, options);
    addOperatorRoutes(app, options);
  };
}
