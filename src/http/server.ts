/**
 * One HTTP server for both programs: each brings its own routes, everything else is the same.
 *
 * What must stay true: a server without issuer or audience, or with an undeclared route, does not
 * start (lessons 12 and 7); every error is a problem document; a log line names the route's
 * pattern, never the address, a header, a query or a body.
 */
import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import type { ParticipantStore } from '../participants/participant.ts';
import { declareAccess } from './access.ts';
import { type AuthenticationOptions, addAuthentication } from './authentication.ts';
import { addDocumentation } from './documentation.ts';
import type { Server } from './instance.ts';
import { logged, PROBLEM_MEDIA_TYPE, problemOf, sendProblem } from './problem.ts';
import { addTokenRoutes } from './token.ts';
import type { TokenKeys } from './token-keys.ts';

export interface ServerLimits {
  /** Bytes of a body; a route may name its own `bodyLimit`. */
  readonly bodyBytes: number;
  /** Requests per minute and address, all routes together. */
  readonly requestsPerMinute: number;
  /** Token requests per minute and address. */
  readonly tokenRequestsPerMinute: number;
  /** How long a client may take to send a request. */
  readonly requestMs: number;
}

const LIMITS: ServerLimits = {
  bodyBytes: 1024 * 1024,
  requestsPerMinute: 60_000,
  tokenRequestsPerMinute: 300,
  requestMs: 300_000,
};

export interface ServerOptions {
  /** This server's own URL, without a slash at the end. */
  readonly issuer: string;
  /** The name of this API, which its tokens are for. */
  readonly audience: string;
  readonly keys: TokenKeys;
  readonly participants: ParticipantStore;
  /** The open session of a person, by its token; without it no route may be for people. */
  readonly findSession?: NonNullable<AuthenticationOptions['findSession']>;
  readonly now: () => Date;
  readonly random: (bytes: number) => Uint8Array;
  /** Adds the program's routes; each declares `config.access`. */
  readonly routes: (app: Server) => void | Promise<void>;
  readonly title: string;
  readonly description: string;
  readonly version: string;
  /** Whether the program can do its work now, for `GET /health`. A throw counts as no. */
  readonly probe: () => Promise<boolean>;
  readonly limits?: Partial<ServerLimits>;
  /** Logging is off unless asked for; `stream` defaults to standard output. */
  readonly log?: { readonly level: string; readonly stream?: { write(line: string): void } };
  /** Addresses of pages for people: what fails before a route is found is a page there too. */
  readonly pages?: {
    readonly owns: (url: string) => boolean;
    readonly sendFailure: typeof sendProblem;
  };
  /** The proxies whose `X-Forwarded-For` is believed; none by default. */
  readonly trustProxy?: string[];
}

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** RFC 8414 section 2: a URL with neither query nor fragment. */
function checkIssuer(options: ServerOptions): void {
  if (!options.issuer || !options.audience) throw new AssentError('audience_unset');
  const isPlain = /^https?:\/\/[^?#\s]+[^/?#\s]$/.test(options.issuer);
  if (!isPlain || !URL.canParse(options.issuer)) {
    const detail = 'issuer must be an http(s) URL without query, fragment or slash at the end';
    throw new AssentError('argument_invalid', { detail });
  }
}

function headersOf(options: ServerOptions): Readonly<Record<string, string>> {
  if (!options.issuer.startsWith('https:')) return HEADERS;
  return { ...HEADERS, 'strict-transport-security': 'max-age=31536000' };
}

function loggerOf(log: ServerOptions['log']): NonNullable<FastifyServerOptions['logger']> {
  if (!log) return false;
  return {
    level: log.level,
    ...(log.stream ? { stream: log.stream } : {}),
    redact: ['req.headers', 'headers', '*.authorization', '*.client_assertion', '*.access_token'],
    serializers: {
      req: (request) => ({ method: request.method, route: request.routeOptions?.url ?? null }),
      res: (reply) => ({ statusCode: reply.statusCode }),
      err: (error: unknown) => ({ ...logged(error), type: 'error', message: '', stack: '' }),
    },
  };
}

/** Bytes that are not HTTP never reach a route; the answer still is a problem. */
function refuseConnection(_error: Error, socket: Socket): void {
  if (socket.destroyed) return;
  const body = JSON.stringify(problemOf({ statusCode: 400 }, ''));
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nContent-Type: ${PROBLEM_MEDIA_TYPE}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function createInstance(options: ServerOptions, limits: ServerLimits): Server {
  const headers = headersOf(options);
  const app: Server = Fastify({
    logger: loggerOf(options.log),
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    trustProxy: options.trustProxy ?? false,
    requestIdHeader: false,
    genReqId: () => Buffer.from(options.random(12)).toString('base64url'),
    clientErrorHandler: refuseConnection,
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
      reply.headers({ ...headers, 'x-request-id': request.id });
      const { pages } = options;
      const send = pages?.owns(request.url) ? pages.sendFailure : sendProblem;
      send(error, request, reply);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler(TypeBoxValidatorCompiler);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ ...headers, 'x-request-id': request.id });
  });
  app.setErrorHandler(sendProblem);
  // Parts travel as bytes; a route that takes them names its own bodyLimit.
  app.addContentTypeParser(
    'application/octet-stream',
    { parseAs: 'buffer' },
    async (_request: FastifyRequest, bytes: string | Buffer) => bytes,
  );
  return app;
}

function addHealth(app: Server, probe: ServerOptions['probe']): void {
  app.get(
    '/health',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Whether the server can do its work',
        tags: ['service'],
        response: { 200: Type.Object({ status: Type.Literal('ok') }) },
      },
    },
    async () => {
      const isHealthy = await probe().catch(() => false);
      if (!isHealthy) throw new AssentError('not_healthy');
      return { status: 'ok' as const };
    },
  );
}

/**
 * Builds a server that is ready for `listen` or `inject`.
 * @throws audience_unset, argument_invalid (issuer), access_undeclared.
 */
export async function buildServer(options: ServerOptions): Promise<Server> {
  checkIssuer(options);
  const limits = { ...LIMITS, ...options.limits };
  const app = createInstance(options, limits);
  declareAccess(app);
  await app.register(rateLimit, {
    max: limits.requestsPerMinute,
    timeWindow: 60_000,
    errorResponseBuilder: () => new AssentError('rate_limited'),
  });
  addAuthentication(app, options);
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, (request, reply) =>
    sendProblem(new AssentError('not_found'), request, reply),
  );
  await addDocumentation(app, options);
  addTokenRoutes(app, { ...options, requestsPerMinute: limits.tokenRequestsPerMinute });
  addHealth(app, options.probe);
  await app.register(async (scope) => {
    await options.routes(scope);
  });
  await app.ready();
  return app;
}
