/**
 * The OpenAPI 3.1 document, made from the route schemas, and its page at /documentation.
 *
 * What must stay true: the page loads nothing from elsewhere, so that it works in a closed
 * network and tells nobody that it was opened; every route shows who may call it.
 */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifySchema, RouteOptions } from 'fastify';
import { SCOPES } from '../participants/role.ts';
import { participantAccess } from './access.ts';
import type { Server } from './instance.ts';
import { PROBLEM_MEDIA_TYPE, PROBLEM_SCHEMA } from './problem.ts';
import { TOKEN_PATH } from './token.ts';

export interface DocumentationOptions {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly issuer: string;
}

/** Swagger UI writes style attributes and draws its icons from `data:` addresses. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PROBLEM_RESPONSE = {
  description: 'A problem; docs/ERRORS.md explains each code.',
  content: { [PROBLEM_MEDIA_TYPE]: { schema: PROBLEM_SCHEMA } },
};

/** Writes the declaration of access and the problem answer into a route's schema. */
function describeAccess(route: RouteOptions): void {
  const access = route.config?.access;
  const asked = participantAccess(access);
  const schema: FastifySchema = route.schema ?? {};
  if (schema.hide) return;
  const response = (schema.response ?? {}) as Record<string, unknown>;
  route.schema = {
    ...schema,
    response: { ...response, default: response['default'] ?? PROBLEM_RESPONSE },
    ...(asked ? { security: [{ oauth2: [asked.scope] }], 'x-roles': asked.roles } : {}),
    ...(typeof access === 'object' && !asked ? { security: [{ session: [] }] } : {}),
  };
}

/** Adds `/documentation`, `/documentation/json` and `/documentation/yaml`. Before any route. */
export async function addDocumentation(app: Server, options: DocumentationOptions): Promise<void> {
  app.addHook('onRoute', describeAccess);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: options.title,
        description: options.description,
        version: options.version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: options.issuer }],
      components: {
        securitySchemes: {
          session: {
            type: 'http',
            scheme: 'bearer',
            description: 'The session of a person who was identified: docs/PERSON.md.',
          },
          oauth2: {
            type: 'oauth2',
            description: 'RFC 6749 section 4.4 with private_key_jwt (RFC 7523).',
            flows: {
              clientCredentials: {
                tokenUrl: `${options.issuer}${TOKEN_PATH}`,
                scopes: { ...SCOPES },
              },
            },
          },
        },
      },
    },
  });
  await app.register(async (pages) => {
    // The page and its files hold no data; the hook stands for the declaration they cannot make.
    pages.addHook('onRoute', (route) => {
      route.config = { ...route.config, access: 'public' };
    });
    await pages.register(swaggerUi, {
      routePrefix: '/documentation',
      staticCSP: PAGE_POLICY,
      uiConfig: { validatorUrl: null, deepLinking: true, persistAuthorization: false },
    });
  });
}
