/**
 * A person's own file over the API: as it stands, as reports that are kept, and in print.
 *
 * What must stay true: as `me-routes.ts`; a report is its canonical bytes, named by their hash.
 */
import { Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';
import {
  freeReportsLeft,
  issueToPerson,
  listOwnReports,
  readOwnFile,
  rebuildOwn,
} from '../registry/own-report.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';
import { bearer, MOMENT, nullable, plain, subjectOf, tags, UUID } from './me-schema.ts';

const JSON_OBJECT = Type.Record(Type.String(), Type.Unknown());

/** Members of a report in the order of their names; docs/PERSON.md explains them. */
const DOCUMENT = Type.Object({
  accounts: nullable(Type.Array(JSON_OBJECT)),
  agreements: nullable(Type.Array(JSON_OBJECT)),
  audience: Type.Literal('subject'),
  blocks: Type.Array(JSON_OBJECT),
  claims: Type.Array(JSON_OBJECT),
  enquiries: nullable(Type.Array(JSON_OBJECT)),
  facts_at: MOMENT,
  form: Type.String(),
  hidden: Type.Array(JSON_OBJECT),
  incomplete_since: nullable(Type.String()),
  profile: Type.Object({ name: Type.String(), sha256: Type.String() }),
  statements: Type.Array(JSON_OBJECT),
  status: Type.String(),
  status_reasons: Type.Array(Type.String()),
  summary: JSON_OBJECT,
});

const REPORT = Type.Object({ report_id: UUID, issued_at: MOMENT, sha256: Type.String() });
const PARAMS = Type.Object({ report_id: Type.String({ pattern: UUID_PATTERN }) });

function addFile(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/file',
    {
      config: bearer,
      schema: {
        summary: 'Your whole file as it stands now; asking is a look',
        tags,
        response: {
          200: Type.Object({
            identity: Type.Object({
              name: nullable(Type.String()),
              kind: Type.String(),
              number_end: Type.String({ description: 'The end of the number alone' }),
              birth_date: nullable(Type.String()),
            }),
            document: DOCUMENT,
          }),
        },
      },
    },
    async (request) => plain(await readOwnFile(registry, subjectOf(request).subject_id, 'file')),
  );
}

function addReports(app: Server, registry: Registry): void {
  app.get(
    '/v1/me/reports',
    {
      config: bearer,
      schema: {
        summary: 'The reports you had made, newest first',
        tags,
        response: {
          200: Type.Object({
            reports: Type.Array(REPORT),
            free_left: nullable(Type.Integer({ description: 'Null: any number' })),
          }),
        },
      },
    },
    async (request) => {
      const { subject_id } = subjectOf(request);
      const free_left = await freeReportsLeft(registry, subject_id);
      return plain({ reports: await listOwnReports(registry, subject_id), free_left });
    },
  );
  app.post(
    '/v1/me/reports',
    {
      config: bearer,
      schema: {
        summary: 'Make a report of your file; asked again within a minute it is the same one',
        tags,
        response: { 201: Type.Object({ report_id: UUID }) },
      },
    },
    async (request, reply) => {
      const report_id = await issueToPerson(registry, subjectOf(request).subject_id);
      return reply.code(201).send({ report_id });
    },
  );
  app.get(
    '/v1/me/reports/:report_id',
    {
      config: bearer,
      schema: {
        summary: 'One of your reports: canonical JSON (RFC 8785), the same bytes every time',
        description: '`Repr-Digest` holds their SHA-256 (RFC 9530). Having it is a look.',
        tags,
        params: PARAMS,
        produces: ['application/json'],
      },
    },
    async (request, reply) => {
      const { subject_id } = subjectOf(request);
      const report = await rebuildOwn(registry, subject_id, request.params.report_id);
      const digest = Buffer.from(report.sha256, 'hex').toString('base64');
      return reply
        .header('repr-digest', `sha-256=:${digest}:`)
        .type('application/json; charset=utf-8')
        .send(report.text);
    },
  );
}

/** Adds the routes of the file. */
export function addFileRoutes(app: Server, registry: Registry): void {
  addFile(app, registry);
  addReports(app, registry);
}
