import fc from 'fast-check';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, UnsecuredJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rotateKeys, suspendParticipant } from '../participants/participant.ts';
import { ROLE_SCOPES } from '../participants/role.ts';
import { ASSERTION_TYPE } from './client-assertion.ts';
import { type Actor, AUDIENCE, ISSUER, TestServer, TOKEN_URL } from './test-server.ts';

let server: TestServer;
let furnisher: Actor;
let other: Actor;
beforeAll(async () => {
  server = await TestServer.open(() => {}, { limits: { tokenRequestsPerMinute: 100_000 } });
  furnisher = await server.admit('furnisher');
  other = await server.admit('enquirer');
});
afterAll(() => server.close());

describe('a token', () => {
  test('is granted against an assertion and has the form of RFC 9068', async () => {
    const answer = await server.ask(await server.assertion(furnisher));
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const body = answer.json();
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 600,
      scope: ROLE_SCOPES.furnisher.join(' '),
    });
    expect(decodeProtectedHeader(body.access_token).typ).toBe('at+jwt');
    const jwks = (await server.app.inject('/.well-known/jwks.json')).json();
    const { payload } = await jwtVerify(body.access_token, createLocalJWKSet(jwks), {
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: server.clock.at,
    });
    expect(payload).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: furnisher.participant_id,
      client_id: furnisher.participant_id,
      scope: body.scope,
      iat: server.now_s(),
      exp: server.now_s() + 600,
      jti: expect.any(String),
    });
  });

  test('is narrowed to the scope that was asked for', async () => {
    const answer = await server.ask(await server.assertion(furnisher), {
      scope: 'submissions:read',
      client_id: furnisher.participant_id,
    });
    expect(answer.json().scope).toBe('submissions:read');
  });

  test.each([
    ['the issuer', ISSUER],
    ['a list of one', [TOKEN_URL]],
  ])('is granted when aud is %s', async (_what, aud) => {
    const answer = await server.ask(await server.assertion(furnisher, { claims: { aud } }));
    expect(answer.statusCode).toBe(200);
  });

  test('is granted under either key while a participant rotates', async () => {
    const actor = await server.admit('auditor');
    const next = await server.admit('auditor');
    const keyOf = async (one: Actor) =>
      (await server.options.participants.find(one.participant_id))?.jwks.keys[0];
    const keys = [await keyOf(actor), await keyOf(next)];
    await rotateKeys(server.db, actor.participant_id, { keys });
    for (const key of [actor.key, next.key]) {
      const answer = await server.ask(await server.assertion({ ...actor, key }));
      expect(answer.statusCode).toBe(200);
    }
  });

  test('is granted to a clock that is 30 seconds ahead, not 31', async () => {
    const at = (ahead: number) =>
      server.assertion(furnisher, { claims: { iat: server.now_s() + ahead } });
    expect((await server.ask(await at(30))).statusCode).toBe(200);
    expect((await server.ask(await at(31))).statusCode).toBe(401);
  });
});

describe('an assertion is refused', () => {
  const refused: [string, () => Promise<string>][] = [
    ['made for another audience', () => sign({ aud: 'https://other.example' })],
    ['made for us and another', () => sign({ aud: [TOKEN_URL, 'https://other.example'] })],
    ['made for us twice', () => sign({ aud: [TOKEN_URL, ISSUER] })],
    ['made for nobody', () => sign({ aud: undefined })],
    ['made for an audience that begins like ours', () => sign({ aud: `${ISSUER}.evil.example` })],
    ['expired', () => sign({ exp: server.now_s() })],
    ['without an end', () => sign({ exp: undefined })],
    ['with an end that is no number', () => sign({ exp: '9999999999' })],
    ['that lives too long', () => sign({ exp: server.now_s() + 301 })],
    ['from the future', () => sign({ iat: server.now_s() + 31 })],
    ['not valid yet', () => sign({ nbf: server.now_s() + 31 })],
    ['without a jti', () => sign({ jti: undefined })],
    ['with an endless jti', () => sign({ jti: 'x'.repeat(201) })],
    ['with a jti that is no text', () => sign({ jti: 7 })],
    ['without an issuer', () => sign({ iss: undefined })],
    ['whose issuer is not its subject', () => sign({ iss: other.participant_id })],
    ['of a case-changed id', () => signAs(furnisher.participant_id.toUpperCase())],
    ['of a truncated id', () => signAs(furnisher.participant_id.slice(0, -1))],
    ['of a stranger', () => signAs('00000000-0000-4000-8000-000000000000')],
    ["under another's key", () => server.assertion(furnisher, { key: other.key })],
    ['of an unknown kid', () => server.assertion(furnisher, { header: { kid: 'nobody' } })],
    ['typed as an access token', () => server.assertion(furnisher, { header: { typ: 'at+jwt' } })],
    ['without a signature', async () => new UnsecuredJWT(await claims()).encode()],
    [
      'under HS256 with the public key as the secret',
      async () => {
        const held = await server.options.participants.find(furnisher.participant_id);
        const secret = Buffer.from(held?.jwks.keys[0]?.x ?? '', 'base64url');
        return server.assertion(furnisher, { header: { alg: 'HS256' }, key: secret });
      },
    ],
    [
      'with an altered claim',
      async () => {
        const [header, , signature] = (await server.assertion(furnisher)).split('.');
        const body = Buffer.from(JSON.stringify(await claims())).toString('base64url');
        return [header, body, signature].join('.');
      },
    ],
    ['with a signature cut short', async () => (await server.assertion(furnisher)).slice(0, -4)],
  ];
  const sign = (over: Record<string, unknown>) => server.assertion(furnisher, { claims: over });
  const signAs = (id: string) => sign({ iss: id, sub: id });
  const claims = async () => ({
    iss: furnisher.participant_id,
    sub: furnisher.participant_id,
    aud: TOKEN_URL,
    exp: server.now_s() + 60,
    jti: 'unsecured',
  });

  test.each(refused)('%s', async (_what, make) => {
    const answer = await server.ask(await make());
    expect(answer.statusCode).toBe(401);
    expect(answer.json().error).toBe('invalid_client');
    expect(answer.headers['www-authenticate']).toBeDefined();
    expect(answer.body).not.toContain(furnisher.participant_id);
  });

  test('the second time, also when sent twenty times at once', async () => {
    const assertion = await server.assertion(furnisher);
    const answers = await Promise.all(Array.from({ length: 20 }, () => server.ask(assertion)));
    expect(answers.filter((one) => one.statusCode === 200)).toHaveLength(1);
    expect(answers.filter((one) => one.statusCode === 401)).toHaveLength(19);
  });

  test('of a suspended participant, and says so only under its own key', async () => {
    const actor = await server.admit('furnisher');
    await suspendParticipant(server.db, actor.participant_id);
    const own = await server.ask(await server.assertion(actor));
    expect(own.statusCode).toBe(401);
    expect(own.json().error_description).toMatch(/suspended/);
    const foreign = await server.ask(await server.assertion(actor, { key: other.key }));
    expect(foreign.json().error_description).not.toMatch(/suspended/);
  });
});

describe('a token request is refused', () => {
  test.each([
    ['a scope of another role', 'audits:run', 'invalid_scope'],
    ['one scope too many', 'submissions:read files:read', 'invalid_scope'],
    ['an unknown scope', 'constructor', 'invalid_scope'],
    ['a scope in another case', 'Submissions:read', 'invalid_scope'],
  ])('for %s', async (_what, scope, error) => {
    const answer = await server.ask(await server.assertion(furnisher), { scope });
    expect([answer.statusCode, answer.json().error]).toEqual([400, error]);
  });

  test('for a scope of the role that this participant was not given', async () => {
    const narrow = await server.admit('furnisher', ['submissions:read']);
    const answer = await server.ask(await server.assertion(narrow), { scope: 'submissions:write' });
    expect(answer.json().error).toBe('invalid_scope');
  });

  test.each([
    ['another grant', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['another client_id', { client_id: '1' }, 401, 'invalid_client'],
    ['another type of assertion', { client_assertion_type: 'x' }, 401, 'invalid_client'],
    ['no assertion', { client_assertion: '' }, 401, 'invalid_client'],
    ['no grant', { grant_type: '' }, 400, 'invalid_request'],
  ])('with %s', async (_what, over, status, error) => {
    const answer = await server.ask(await server.assertion(furnisher), over);
    expect([answer.statusCode, answer.json().error]).toEqual([status, error]);
  });

  test('when a parameter comes twice, as JSON, or beside another authentication', async () => {
    const twice = await server.post('grant_type=client_credentials&grant_type=client_credentials');
    expect([twice.statusCode, twice.json().error]).toEqual([400, 'invalid_request']);
    const json = await server.app.inject({ method: 'POST', url: '/oauth/token', payload: {} });
    expect([json.statusCode, json.json().error]).toEqual([400, 'invalid_request']);
    const basic = await server.app.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: {
        authorization: 'Basic YTpi',
        'content-type': 'application/x-www-form-urlencoded',
      },
      payload: new URLSearchParams({
        grant_type: 'client_credentials',
        client_assertion_type: ASSERTION_TYPE,
        client_assertion: await server.assertion(furnisher),
      }).toString(),
    });
    expect([basic.statusCode, basic.json().error]).toEqual([401, 'invalid_client']);
    const long = await server.post(`grant_type=${'x'.repeat(20_000)}`);
    expect([long.statusCode, long.json().error]).toEqual([400, 'invalid_request']);
  });

  test('with garbage, and never by a failure of ours', async () => {
    const segment = fc.oneof(
      fc.string(),
      fc.json().map((text) => Buffer.from(text).toString('base64url')),
    );
    const assertion = fc.oneof(
      fc.string(),
      fc.array(segment, { minLength: 3, maxLength: 3 }).map((parts) => parts.join('.')),
      fc
        .record({ alg: fc.constantFrom('EdDSA', 'none'), iss: fc.anything(), exp: fc.anything() })
        .map(({ alg, ...claims }) =>
          [{ alg }, { ...claims, sub: claims.iss }]
            .map((part) => Buffer.from(JSON.stringify(part) ?? '').toString('base64url'))
            .concat('AAAA')
            .join('.'),
        ),
    );
    await fc.assert(
      fc.asyncProperty(assertion, fc.string(), async (text, form) => {
        for (const answer of [await server.ask(text), await server.post(form)]) {
          expect([400, 401]).toContain(answer.statusCode);
          expect(answer.json().error).toEqual(expect.any(String));
        }
      }),
      { numRuns: 150 },
    );
  });

  test('signed claims of any shape never make the server fail', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom('aud', 'exp', 'iat', 'nbf', 'jti'), fc.jsonValue()),
        async (over) => {
          const answer = await server.ask(await server.assertion(furnisher, { claims: over }));
          expect([200, 401]).toContain(answer.statusCode);
        },
      ),
      { numRuns: 150 },
    );
  });
});

test('the metadata of RFC 8414 names what the server does', async () => {
  const answer = await server.app.inject('/.well-known/oauth-authorization-server');
  expect(answer.json()).toMatchObject({
    issuer: ISSUER,
    token_endpoint: TOKEN_URL,
    jwks_uri: `${ISSUER}/.well-known/jwks.json`,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
  });
});

test('the key set never holds a private member', async () => {
  const { keys } = (await server.app.inject('/.well-known/jwks.json')).json();
  expect(keys).toHaveLength(1);
  expect(Object.keys(keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
});
