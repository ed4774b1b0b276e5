/**
 * The authorisation server: client credentials (RFC 6749 section 4.4) against private_key_jwt,
 * answered by a JWT access token (RFC 9068); its metadata (RFC 8414) and public keys (RFC 7517).
 *
 * What must stay true: no scope beyond the participant's own and its role's is ever granted; a
 * parameter given twice is an error (RFC 6749 section 3.2); no answer may be cached.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SignJWT } from 'jose';
import { Type } from 'typebox';
import type { Participant } from '../participants/participant.ts';
import { isScope, ROLE_SCOPES, type Scope } from '../participants/role.ts';
import { participantAccess } from './access.ts';
import type { AuthenticationOptions } from './authentication.ts';
import { ASSERTION_TYPE, authenticateClient } from './client-assertion.ts';
import type { Server } from './instance.ts';
import { OAuthError } from './oauth-error.ts';
import { codeOf, sendProblem } from './problem.ts';

export const TOKEN_PATH = '/oauth/token';
const JWKS_PATH = '/.well-known/jwks.json';
const TOKEN_LIFETIME_S = 600;
const FORM_BYTES_MAX = 16 * 1024;

export interface TokenOptions extends AuthenticationOptions {
  readonly random: (bytes: number) => Uint8Array;
  /** Requests per minute and address. */
  readonly requestsPerMinute: number;
}

const FORM = Type.Object({
  grant_type: Type.String({ description: '`client_credentials`' }),
  client_assertion_type: Type.Optional(Type.String({ description: ASSERTION_TYPE })),
  client_assertion: Type.Optional(Type.String({ description: 'A JWT, RFC 7523 section 3.' })),
  client_id: Type.Optional(Type.String()),
  scope: Type.Optional(Type.String({ description: 'Names separated by spaces; default: all.' })),
});

const TOKEN = Type.Object({
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'Seconds.' }),
  scope: Type.String(),
});

const METADATA = Type.Object({
  issuer: Type.String(),
  token_endpoint: Type.String(),
  jwks_uri: Type.String(),
  scopes_supported: Type.Array(Type.String()),
  response_types_supported: Type.Array(Type.String()),
  grant_types_supported: Type.Array(Type.String()),
  token_endpoint_auth_methods_supported: Type.Array(Type.String()),
  token_endpoint_auth_signing_alg_values_supported: Type.Array(Type.String()),
});

const JWKS = Type.Object({
  keys: Type.Array(
    Type.Object({
      kty: Type.String(),
      crv: Type.String(),
      x: Type.String(),
      kid: Type.String(),
      use: Type.Literal('sig'),
      alg: Type.Literal('EdDSA'),
    }),
  ),
});

/** Reads `application/x-www-form-urlencoded`; an empty value counts as absent (RFC 6749 3.2). */
function parseForm(text: string): Record<string, string> {
  const form: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === '') continue;
    if (form[name] !== undefined) throw new OAuthError('invalid_request', 'a parameter came twice');
    form[name] = value;
  }
  return form;
}

/** RFC 6749 section 3.3: what was asked for, or everything when nothing was. */
function grantedScopes(participant: Participant, requested: string | undefined): Scope[] {
  const allowed = participant.scopes.filter((scope) =>
    ROLE_SCOPES[participant.role].includes(scope),
  );
  if (requested === undefined) return allowed;
  const names = [...new Set(requested.split(' '))];
  const granted = names.filter(isScope).filter((scope) => allowed.includes(scope));
  if (granted.length < names.length) {
    throw new OAuthError('invalid_scope', 'a requested scope is not open to this participant');
  }
  return granted;
}

/** Signs an access token for a participant: RFC 9068 section 2.2, ten minutes. */
export async function issueToken(
  subject: string,
  scopes: readonly Scope[],
  options: Omit<TokenOptions, 'requestsPerMinute' | 'participants'>,
): Promise<string> {
  const iat = Math.floor(options.now().getTime() / 1000);
  return new SignJWT({ client_id: subject, scope: scopes.join(' ') })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: options.keys.kid })
    .setIssuer(options.issuer)
    .setAudience(options.audience)
    .setSubject(subject)
    .setIssuedAt(iat)
    .setExpirationTime(iat + TOKEN_LIFETIME_S)
    .setJti(Buffer.from(options.random(16)).toString('base64url'))
    .sign(options.keys.signing);
}

/** Turns what went wrong at the token endpoint into RFC 6749 section 5.2. */
function sendOAuthError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const fromFastify = ['request_invalid', 'media_type_unsupported', 'body_too_large'];
  const answer =
    error instanceof OAuthError
      ? error
      : fromFastify.includes(codeOf(error))
        ? new OAuthError('invalid_request', 'the form is not as RFC 6749 section 4.4.2 has it')
        : null;
  if (!answer) {
    sendProblem(error, request, reply);
    return;
  }
  // RFC 9110 section 15.5.2: a 401 names a challenge.
  if (answer.status === 401) reply.header('www-authenticate', 'Bearer realm="assent"');
  reply
    .code(answer.status)
    .type('application/json')
    .send(JSON.stringify({ error: answer.error, error_description: answer.description }));
}

function addTokenEndpoint(app: Server, options: TokenOptions): void {
  const audiences = [options.issuer, `${options.issuer}${TOKEN_PATH}`];
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES_MAX },
    async (_request: FastifyRequest, text: string | Buffer) => parseForm(String(text)),
  );
  app.setErrorHandler(sendOAuthError);
  app.post(
    TOKEN_PATH,
    {
      config: {
        access: 'public',
        rateLimit: { max: options.requestsPerMinute, timeWindow: 60_000, groupId: 'token' },
      },
      schema: {
        summary: 'Get an access token',
        description: 'Client credentials with private_key_jwt: RFC 6749 4.4, RFC 7523, RFC 9068.',
        tags: ['authentication'],
        consumes: ['application/x-www-form-urlencoded'],
        body: FORM,
        response: { 200: TOKEN },
      },
    },
    async (request) => {
      const form = request.body;
      if (form.grant_type !== 'client_credentials') {
        throw new OAuthError('unsupported_grant_type', 'only client_credentials is granted');
      }
      const isAssertion = form.client_assertion_type === ASSERTION_TYPE;
      // RFC 6749 section 2.3: one method of authentication, and this is the only one.
      if (!isAssertion || !form.client_assertion || request.headers.authorization !== undefined) {
        throw new OAuthError('invalid_client', 'authenticate with private_key_jwt alone');
      }
      const participant = await authenticateClient(form.client_assertion, {
        participants: options.participants,
        audiences,
        now: options.now(),
      });
      // RFC 7521 section 4.2: client_id is optional, and must name the same client.
      if (form.client_id !== undefined && form.client_id !== participant.participant_id) {
        throw new OAuthError('invalid_client', 'client_id is not the subject of the assertion');
      }
      const scopes = grantedScopes(participant, form.scope);
      return {
        access_token: await issueToken(participant.participant_id, scopes, options),
        token_type: 'Bearer' as const,
        expires_in: TOKEN_LIFETIME_S,
        scope: scopes.join(' '),
      };
    },
  );
}

/** The scopes that some route of this server asks for. */
function scopesOf(app: Server): string[] {
  const named = app.accessTable.flatMap(({ access }) => participantAccess(access)?.scope ?? []);
  return [...new Set(named)].sort();
}

function addMetadata(app: Server, options: TokenOptions): void {
  const config = { access: 'public' } as const;
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      config,
      schema: {
        summary: 'How to get a token (RFC 8414)',
        tags: ['authentication'],
        response: { 200: METADATA },
      },
    },
    () => ({
      issuer: options.issuer,
      token_endpoint: `${options.issuer}${TOKEN_PATH}`,
      jwks_uri: `${options.issuer}${JWKS_PATH}`,
      scopes_supported: scopesOf(app),
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      token_endpoint_auth_signing_alg_values_supported: ['EdDSA'],
    }),
  );
  app.get(
    JWKS_PATH,
    {
      config,
      schema: {
        summary: 'The public keys of this server (RFC 7517)',
        tags: ['authentication'],
        response: { 200: JWKS },
      },
    },
    () => ({
      keys: options.keys.publicKeys.map(({ kid = '', x = '' }) => ({
        ...{ kty: 'OKP', crv: 'Ed25519', kid, x },
        ...{ use: 'sig' as const, alg: 'EdDSA' as const },
      })),
    }),
  );
}

/** Adds `POST /oauth/token`, the metadata and the key set. */
export function addTokenRoutes(app: Server, options: TokenOptions): void {
  app.register(async (scope) => addTokenEndpoint(scope, options));
  addMetadata(app, options);
}
