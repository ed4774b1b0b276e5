/**
 * Enquiries and reports over HTTP: an enquirer asks, an operator looks or makes a report again.
 *
 * What must stay true: a report goes out as the bytes that were hashed; another's enquiry is
 * answered like one that does not exist; identity stands in a body alone.
 */
import type { FastifyReply } from 'fastify';
import { Type } from 'typebox';
import { IDENTITY_KINDS } from '../model/record.ts';
import { REPORT_FORMS } from '../model/report-document.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import { answerText, ENQUIRY_REASONS } from '../registry/answer-looks.ts';
import { type EnquiryRequest, enquire, fetchReport, findEnquiry } from '../registry/enquiries.ts';
import { lookAtRebuilt, lookAtReport } from '../registry/operator-reports.ts';
import type { Registry } from '../registry/registry.ts';
import { PERSON } from './enquirer-routes.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const UUID_OR_NULL = Type.Union([UUID, Type.Null()]);
const TEXT_OR_NULL = Type.Union([Type.String(), Type.Null()]);
const SHA256_OR_NULL = Type.Union([Type.String({ pattern: '^[0-9a-f]{64}$' }), Type.Null()]);
const FORM = Type.Enum([...REPORT_FORMS]);
const REASON = Type.String({ minLength: 3, maxLength: 500 });
const REPORT = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: 'docs/REPORT.md' }),
);
const reasons = Object.entries(ENQUIRY_REASONS).map(([code, meaning]) => `${code}: ${meaning}`);
/** How one look was answered. */
export const ANSWER = Type.Object({
  enquiry_id: UUID,
  outcome: Type.Enum(['report', 'refused']),
  reason: Type.Union([
    Type.String({ description: `${reasons.join('; ')}; or a reason of the ordered checks` }),
    Type.Null(),
  ]),
  report: Type.Union([REPORT, Type.Null()]),
  report_id: UUID_OR_NULL,
  report_sha256: SHA256_OR_NULL,
});
/** The text as it is: a serialiser would write it anew. */
export function sendJson(reply: FastifyReply, text: string) {
  return reply.type('application/json; charset=utf-8').send(Buffer.from(text, 'utf8')) as never;
}

const enquirerReads = { access: { roles: ['enquirer'] as const, scope: 'files:read' as const } };
const operatorReads = { access: { roles: ['operator'] as const, scope: 'files:read' as const } };

function addEnquiries(app: Server, registry: Registry): void {
  app.post(
    '/v1/enquiries',
    {
      config: enquirerReads,
      schema: {
        summary: 'Ask for a report on a person; a refusal is an answer, and traced as well',
        body: Type.Object(
          {
            use_id: UUID,
            authorisation_id: UUID,
            purpose: Type.String({ minLength: 1, maxLength: 40, description: 'docs/REPORT.md' }),
            form: Type.Optional(FORM),
            person: Type.Optional(PERSON),
          },
          { additionalProperties: false },
        ),
        response: { 200: ANSWER },
      },
    },
    async (request, reply) => {
      const { form, person, ...asked } = request.body;
      const answered = await enquire(registry, {
        ...asked,
        enquirer_id: request.caller.participant_id,
        form: form ?? 'full',
        person: person ?? null,
      } as EnquiryRequest);
      return sendJson(reply, answerText(answered));
    },
  );
  const params = Type.Object({ enquiry_id: UUID });
  app.get(
    '/v1/enquiries/:enquiry_id',
    {
      config: enquirerReads,
      schema: {
        summary: "How one of one's own enquiries was answered",
        params,
        response: {
          200: Type.Object({
            enquiry_id: UUID,
            authorisation_id: UUID,
            purpose: Type.String(),
            form: Type.Enum([...REPORT_FORMS, 'evaluation']),
            outcome: Type.String(),
            reason: TEXT_OR_NULL,
            report_id: UUID_OR_NULL,
            at: Type.String(),
          }),
        },
      },
    },
    async (request) => {
      const { enquiry_id } = request.params;
      const found = await findEnquiry(registry.db, request.caller.participant_id, enquiry_id);
      return { ...found, at: found.at.toISOString() };
    },
  );
  app.get(
    '/v1/enquiries/:enquiry_id/report',
    {
      config: enquirerReads,
      schema: {
        summary: "The report of one of one's own enquiries again, byte for byte; traced",
        params,
        response: { 200: REPORT },
      },
    },
    async (request, reply) => {
      const { participant_id } = request.caller;
      const report = await fetchReport(registry, participant_id, request.params.enquiry_id);
      return sendJson(reply, report.text);
    },
  );
}

function addOperatorReports(app: Server, registry: Registry): void {
  app.post(
    '/v1/reports',
    {
      config: operatorReads,
      schema: {
        summary: "Issue a report on a person's file to the operator; traced",
        body: Type.Object(
          {
            reason: REASON,
            form: Type.Optional(FORM),
            subject_id: Type.Optional(UUID),
            account: Type.Optional(Type.Object({ account_ref: UUID, furnisher_id: UUID })),
            identity: Type.Optional(
              Type.Object({
                kind: Type.Enum([...IDENTITY_KINDS]),
                country: TEXT_OR_NULL,
                number: Type.String({ maxLength: 64 }),
              }),
            ),
          },
          { additionalProperties: false },
        ),
        response: { 200: REPORT },
      },
    },
    async (request, reply) => {
      const report = await lookAtReport(registry, request.body as never, {
        participant_id: request.caller.participant_id,
      });
      return sendJson(reply, report.text);
    },
  );
  app.post(
    '/v1/reports/:report_id/rebuild',
    {
      config: operatorReads,
      schema: {
        summary: 'Make a report again from the facts that were kept, and compare its hash; traced',
        description:
          'A file as of a past day is a report that was issued on that day: where none was, there is none.',
        params: Type.Object({ report_id: UUID }),
        body: Type.Object({ reason: REASON }, { additionalProperties: false }),
        response: { 200: REPORT },
      },
    },
    async (request, reply) => {
      const report = await lookAtRebuilt(registry, request.params.report_id, {
        participant_id: request.caller.participant_id,
        reason: request.body.reason,
      });
      reply.header('x-report-sha256', report.sha256);
      return sendJson(reply, report.text);
    },
  );
}

/** Adds the routes of enquiries and reports to the registry's server. */
export function enquiryRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addEnquiries(app, registry);
    addOperatorReports(app, registry);
  };
}
