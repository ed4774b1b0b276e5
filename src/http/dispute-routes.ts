/**
 * Disputes over HTTP: what a furnisher answers and certifies, what the operator decides, and the
 * daily work. A person's own routes are elsewhere (`/v1/me`).
 *
 * What must stay true: a furnisher sees claims about its own accounts alone, another's are
 * answered like those that are not there; the operator's look at a dispute is traced.
 */
import { Type } from 'typebox';
import { letterOf, letterText } from '../model/dispute-letter.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import { answerClaim, listClaims } from '../registry/claim-answers.ts';
import {
  DECISIONS,
  decideClaim,
  extendDispute,
  listOpenDisputes,
  readDispute,
  sweepDisputes,
} from '../registry/decide-claims.ts';
import { outcomeOf } from '../registry/dispute-views.ts';
import { readEvidence } from '../registry/evidence.ts';
import { certify } from '../registry/guard.ts';
import { listPurgeCertificates, PURGED_KINDS, purge } from '../registry/purge.ts';
import type { Registry } from '../registry/registry.ts';
import { resendCorrections } from '../registry/resend-corrections.ts';
import { ANSWERS, CLAIM_FIELDS } from '../wire/claim.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const none = <T extends Parameters<typeof Type.Union>[0][number]>(type: T) =>
  Type.Union([type, Type.Null()]);
const VALUE = none(Type.String({ maxLength: 200 }));
const REASON = Type.String({ minLength: 1, maxLength: 2000 });
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const CLAIM_PARAMS = Type.Object({ claim_id: UUID });
const DISPUTE_PARAMS = Type.Object({ dispute_id: UUID });
const MOMENT = Type.String({ description: 'RFC 3339, UTC' });

/** What is said of a dispute about identity theft, or of one that was entered for the person. */
export const DISPUTE_MORE = {
  ground: none(Type.String()),
  block_due_at: none(MOMENT),
  block_state: none(Type.String()),
  channel: none(Type.String()),
  received_on: none(Type.String()),
};

const EVIDENCE = Type.Object({
  evidence_id: UUID,
  media_type: Type.String(),
  bytes: Type.Integer(),
  sha256: SHA256,
});
const CLAIM = {
  claim_id: UUID,
  dispute_id: UUID,
  period: none(PERIOD),
  field: Type.String(),
  held_value: VALUE,
  claimed_value: VALUE,
  state: Type.String(),
  opened_at: MOMENT,
  furnisher_due_at: none(MOMENT),
  answer: none(Type.String()),
  answer_value: VALUE,
  source_sha256: none(SHA256),
  answer_reason: none(Type.String()),
  answered_at: none(MOMENT),
  decided_by: none(Type.String()),
  decision_reason: none(Type.String()),
  ended_at: none(MOMENT),
  evidence: Type.Array(EVIDENCE),
};

/** Moments as text: the schemas say so. */
const texts = (value: object) => JSON.parse(JSON.stringify(value)) as never;

function addFurnisher(app: Server, registry: Registry): void {
  const access = { roles: ['furnisher'] as const, scope: 'claims:answer' as const };
  const OWN = Type.Object({ ...CLAIM, account_ref: UUID, ground: none(Type.String()) });
  app.get(
    '/v1/claims',
    {
      config: { access },
      schema: {
        summary: 'Your open claims, those due first (1000 at most); the feed tells of new ones',
        response: { 200: Type.Object({ claims: Type.Array(OWN) }) },
      },
    },
    async (request) => texts({ claims: await listClaims(registry, request.caller.participant_id) }),
  );
  app.put(
    '/v1/claims/:claim_id/answer',
    {
      config: { access },
      schema: {
        summary: 'Answer a claim, once and in time; the same again changes nothing',
        params: CLAIM_PARAMS,
        body: closed({
          answer: Type.Enum([...ANSWERS]),
          value: VALUE,
          source_sha256: none(SHA256),
          reason: none(REASON),
        }),
        response: {
          200: Type.Object({
            claim_id: UUID,
            state: Type.String(),
            result: Type.Enum(['stored', 'unchanged']),
          }),
        },
      },
    },
    async (request) =>
      answerClaim(registry, {
        ...request.body,
        claim_id: request.params.claim_id,
        furnisher_id: request.caller.participant_id,
      }),
  );
  app.post(
    '/v1/certifications',
    {
      config: { access },
      schema: {
        summary: 'Certify a value that the reinsertion guard holds back; the person is told',
        body: closed({
          account_ref: UUID,
          period: none(PERIOD),
          field: Type.Enum([...CLAIM_FIELDS]),
          value: VALUE,
          source_sha256: SHA256,
          reason: REASON,
        }),
        response: { 200: Type.Object({ certified_at: MOMENT }) },
      },
    },
    async (request) =>
      texts(
        await certify(registry, {
          ...request.body,
          furnisher_id: request.caller.participant_id,
        }),
      ),
  );
}

/** Evidence for both sides: the furnisher of the claim, and the operator. */
function addEvidence(app: Server, registry: Registry): void {
  const params = Type.Object({ claim_id: UUID, evidence_id: UUID });
  for (const [path, role, scope] of [
    ['/v1/claims/:claim_id/evidence/:evidence_id', 'furnisher', 'claims:answer'],
    ['/v1/all/claims/:claim_id/evidence/:evidence_id', 'operator', 'disputes:read'],
  ] as const)
    app.get(
      path,
      {
        config: { access: { roles: [role], scope } },
        schema: {
          summary: 'One file of a claim, as it was sent; each look leaves a trace',
          params,
          response: { 200: Type.Any({ description: 'PDF, PNG or JPEG' }) },
        },
      },
      async (request, reply) => {
        const { participant_id } = request.caller;
        const { content, media_type } = await readEvidence(registry, {
          ...request.params,
          participant_id,
          furnisher_id: role === 'furnisher' ? participant_id : null,
        });
        return reply
          .header('content-type', media_type)
          .header('content-disposition', 'attachment')
          .send(Buffer.from(content));
      },
    );
}

const READS = { roles: ['operator'] as const, scope: 'disputes:read' as const };

function addReading(app: Server, registry: Registry): void {
  const access = READS;
  app.get(
    '/v1/disputes',
    {
      config: { access },
      schema: {
        summary: 'Open disputes, those due first (200 at most), without who or what',
        response: { 200: Type.Object({ disputes: Type.Array(Type.Any()) }) },
      },
    },
    async () => texts({ disputes: await listOpenDisputes(registry) }),
  );
  app.get(
    '/v1/disputes/:dispute_id',
    {
      config: { access },
      schema: {
        summary: 'One dispute with its claims; the look leaves a trace',
        params: DISPUTE_PARAMS,
        response: {
          200: Type.Object({
            subject_id: UUID,
            dispute_id: UUID,
            state: Type.String(),
            opened_at: MOMENT,
            forward_due_at: MOMENT,
            furnisher_due_at: MOMENT,
            answer_due_at: MOMENT,
            extended_at: none(MOMENT),
            extension_reason: none(Type.String()),
            ended_at: none(MOMENT),
            ...DISPUTE_MORE,
            claims: Type.Array(
              Type.Object({
                ...CLAIM,
                account_id: none(UUID),
                access_id: none(UUID),
                furnisher: none(Type.String()),
              }),
            ),
            compensation: none(
              Type.Object({ amount_minor: Type.Integer(), currency: Type.String() }),
            ),
          }),
        },
      },
    },
    async (request) =>
      texts(await readDispute(registry, request.params.dispute_id, request.caller.participant_id)),
  );
  app.get(
    '/v1/disputes/:dispute_id/letter',
    {
      config: { access },
      schema: {
        summary: 'The letter to the person, as plain text; the look leaves a trace',
        params: DISPUTE_PARAMS,
        querystring: Type.Object({ language: Type.Optional(Type.Enum(['en', 'zh'])) }),
        response: { 200: Type.Object({ text: Type.String() }) },
      },
    },
    async (request) => {
      const { participant_id } = request.caller;
      const dispute = await readDispute(registry, request.params.dispute_id, participant_id);
      const { language = 'en' } = request.query;
      return { text: letterText(letterOf(outcomeOf(registry, dispute), language)) };
    },
  );
}

function addDeciding(app: Server, registry: Registry): void {
  const access = { roles: ['operator'] as const, scope: 'disputes:decide' as const };
  app.post(
    '/v1/claims/:claim_id/decision',
    {
      config: { access },
      schema: {
        summary: 'Decide a claim; verified only with the document of its furnisher',
        params: CLAIM_PARAMS,
        body: closed({ decision: Type.Enum([...DECISIONS]), reason: REASON }),
        response: { 200: Type.Object({ claim_id: UUID, state: Type.String() }) },
      },
    },
    async (request) =>
      decideClaim(registry, {
        ...request.body,
        claim_id: request.params.claim_id,
        by_party: request.caller.participant_id,
      }),
  );
  app.post(
    '/v1/disputes/:dispute_id/extension',
    {
      config: { access },
      schema: {
        summary: 'Extend the time for the answer, once, where the law knows an extension',
        params: DISPUTE_PARAMS,
        body: closed({ reason: REASON }),
        response: { 200: Type.Object({ dispute_id: UUID, answer_due_at: MOMENT }) },
      },
    },
    async (request) =>
      texts(
        await extendDispute(registry, {
          ...request.body,
          dispute_id: request.params.dispute_id,
          by_party: request.caller.participant_id,
        }),
      ),
  );
}

function addDaily(app: Server, registry: Registry): void {
  const access = { roles: ['operator'] as const, scope: 'retention:run' as const };
  const COUNT = Type.Integer();
  app.post(
    '/v1/sweeps',
    {
      config: { access },
      schema: {
        summary:
          'End claims whose clock has run out, tell of corrections; daily, and after a failure',
        response: {
          200: Type.Object({
            ...{ upheld: COUNT, as_answered: COUNT, blocked: COUNT },
            corrections_told: COUNT,
          }),
        },
      },
    },
    async () => ({
      ...(await sweepDisputes(registry)),
      corrections_told: await resendCorrections(registry),
    }),
  );
  const CURSOR = closed({ subject_id: UUID, account_id: UUID });
  app.post(
    '/v1/purges',
    {
      config: { access },
      schema: {
        summary: 'Delete the next stretch of what has had its time; call again with `next`',
        body: closed({ after: none(CURSOR) }),
        response: {
          200: Type.Object({
            adverse_months: COUNT,
            ...Object.fromEntries(PURGED_KINDS.map((kind) => [kind, COUNT])),
            next: none(CURSOR),
          }),
        },
      },
    },
    async (request) => purge(registry, { after: request.body.after, batches: PURGE_BATCHES }),
  );
  app.get(
    '/v1/purges',
    {
      config: { access },
      schema: {
        summary: 'The newest certificates of purges (200 at most)',
        response: {
          200: Type.Object({
            certificates: Type.Array(
              Type.Object({
                certificate_id: UUID,
                kind: Type.String(),
                purged_at: MOMENT,
                kept_months: COUNT,
                purged_rows: COUNT,
                merkle_root: SHA256,
              }),
            ),
          }),
        },
      },
    },
    async () => texts({ certificates: await listPurgeCertificates(registry) }),
  );
}

/** Transactions over months of one call. */
const PURGE_BATCHES = 20;

/** Adds the routes to a registry's server. */
export function disputeRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addFurnisher(app, registry);
    addEvidence(app, registry);
    addReading(app, registry);
    addDeciding(app, registry);
    addDaily(app, registry);
  };
}
