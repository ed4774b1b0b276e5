import { connect } from 'node:net';
import fc from 'fast-check';
import { Type } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AssentError } from '../model/error.ts';
import { ROLE_SCOPES } from '../participants/role.ts';
import type { Server } from './instance.ts';
import { buildServer } from './server.ts';
import { type Actor, TestServer } from './test-server.ts';

const CANARY = 'canary-91330106';
const FURNISHER = { roles: ['furnisher'], scope: 'submissions:read' } as const;

function routes(app: Server): void {
  app.get(
    '/rows',
    {
      config: { access: 'public' },
      schema: {
        querystring: Type.Object(
          { limit: Type.Optional(Type.Integer({ minimum: 1 })) },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object({ limit: Type.Integer() }) },
      },
    },
    (request) => ({ limit: request.query.limit ?? 10, secret: CANARY }),
  );
  app.post(
    '/rows',
    {
      config: { access: 'public' },
      schema: {
        body: Type.Object(
          {
            number: Type.String({ pattern: '^[0-9]+$' }),
            amount_minor: Type.Integer(),
            kind: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')])),
          },
          { additionalProperties: false },
        ),
      },
    },
    () => ({ done: true }),
  );
  app.put('/parts/:part', { config: { access: 'public' }, bodyLimit: 64 }, (request) => ({
    bytes: (request.body as Buffer).length,
  }));
  app.get('/crash', { config: { access: 'public' } }, () => {
    throw new Error(`row ${CANARY} is broken`);
  });
  app.get('/full', { config: { access: 'public' } }, () => {
    throw new AssentError('database_full', { detail: `SQLSTATE 53100, ${CANARY}` });
  });
  app.get('/mine', { config: { access: FURNISHER } }, (request) => request.caller);
  app.get('/whose', { config: { access: 'public' } }, (request) => request.caller);
}

let server: TestServer;
let furnisher: Actor;
const lines: string[] = [];
let isWell = true;
beforeAll(async () => {
  server = await TestServer.open(routes, {
    log: { level: 'trace', stream: { write: (line) => lines.push(line) } },
    probe: async () => {
      if (!isWell) throw new Error(CANARY);
      return true;
    },
  });
  furnisher = await server.admit('furnisher');
});
afterAll(() => server.close());

function expectProblem(
  answer: Awaited<ReturnType<Server['inject']>>,
  status: number,
  code: string,
) {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = answer.json();
  expect(problem).toMatchObject({ type: `docs/ERRORS.md#${code}`, status, code });
  expect(problem.instance).toBe(answer.headers['x-request-id']);
  expect(answer.statusCode).toBe(status);
  expect(answer.body).not.toContain(CANARY);
  return problem;
}

describe('a server refuses to start', () => {
  test.each([
    ['without an audience', { audience: '' }, 'audience_unset'],
    ['without an issuer', { issuer: '' }, 'audience_unset'],
    ['with an issuer that is no URL', { issuer: 'registry' }, 'argument_invalid'],
    ['with a slash at its end', { issuer: 'https://registry.example/' }, 'argument_invalid'],
    [
      'with an undeclared route',
      { routes: (app: Server) => void app.get('/open', () => 'no') },
      'access_undeclared',
    ],
    [
      'with a route for no role',
      {
        routes: (app: Server) =>
          void app.get('/x', { config: { access: { roles: [], scope: 'files:read' } } }, () => ''),
      },
      'access_undeclared',
    ],
    [
      'with a route for a role that never holds the scope',
      {
        routes: (app: Server) =>
          void app.get(
            '/x',
            { config: { access: { roles: ['furnisher'], scope: 'files:read' } } },
            () => '',
          ),
      },
      'access_undeclared',
    ],
  ])('%s', async (_what, over, code) => {
    await expect(buildServer({ ...server.options, ...over })).rejects.toMatchObject({ code });
  });
});

describe('errors are problems', () => {
  test('an unknown address', async () => {
    expectProblem(await server.app.inject(`/nothing/${CANARY}?q=${CANARY}`), 404, 'not_found');
    expectProblem(await server.app.inject({ method: 'DELETE', url: '/rows' }), 404, 'not_found');
  });

  test('an address that cannot be decoded', async () => {
    const answer = await server.app.inject(`/rows/%E0%A4%A-${CANARY}`);
    expect(answer.json()).toMatchObject({ code: 'request_invalid', status: 400 });
    expect(answer.body).not.toContain(CANARY);
  });

  test('a body of the wrong form, field by field and without its values', async () => {
    const payload = { number: CANARY, amount_minor: '7', kind: CANARY, [CANARY]: 1 };
    const answer = await server.app.inject({ method: 'POST', url: '/rows', payload });
    const problem = expectProblem(answer, 400, 'request_invalid');
    const pointers = problem.errors.map((one: { pointer: string }) => one.pointer);
    expect(pointers).toContain('/number');
    expect(pointers).toContain('/amount_minor');
    expect(problem.errors[0].location).toBe('body');
  });

  test('a null is not a zero, and a query is converted', async () => {
    const payload = { number: '1', amount_minor: null };
    const answer = await server.app.inject({ method: 'POST', url: '/rows', payload });
    expectProblem(answer, 400, 'request_invalid');
    expect((await server.app.inject('/rows?limit=7')).json()).toEqual({ limit: 7 });
    expectProblem(await server.app.inject(`/rows?limit=${CANARY}`), 400, 'request_invalid');
    expectProblem(await server.app.inject(`/rows?${CANARY}=1`), 400, 'request_invalid');
  });

  test.each([
    ['text that is no JSON', 'application/json', `{"a":"${CANARY}`, 400, 'request_invalid'],
    ['nothing', 'application/json', '', 400, 'request_invalid'],
    ['a poisoned prototype', 'application/json', '{"__proto__":{}}', 400, 'request_invalid'],
    ['another content type', 'text/csv', CANARY, 415, 'media_type_unsupported'],
  ])('%s', async (_what, type, payload, status, code) => {
    const headers = { 'content-type': type };
    const answer = await server.app.inject({ method: 'POST', url: '/rows', headers, payload });
    expectProblem(answer, status, code);
  });

  test('bytes within and beyond the limit of a route', async () => {
    const put = (size: number) =>
      server.app.inject({
        method: 'PUT',
        url: '/parts/1',
        headers: { 'content-type': 'application/octet-stream' },
        payload: Buffer.alloc(size),
      });
    expect((await put(64)).json()).toEqual({ bytes: 64 });
    expectProblem(await put(65), 413, 'body_too_large');
  });

  test('a crash and a full database, without a word of what they say', async () => {
    expectProblem(await server.app.inject('/crash'), 500, 'internal_error');
    expectProblem(await server.app.inject('/full'), 507, 'database_full');
    expectProblem(await server.app.inject('/whose'), 500, 'internal_error');
  });

  test('bytes that are not HTTP', async () => {
    await server.app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = server.app.server.address() as { port: number };
    const text = await new Promise<string>((resolve) => {
      let seen = '';
      const socket = connect(port, '127.0.0.1', () => socket.write(`${CANARY}\r\n\r\n`));
      socket.on('data', (data) => {
        seen += String(data);
      });
      socket.on('close', () => resolve(seen));
    });
    expect(text).toMatch(/^HTTP\/1.1 400[\s\S]+"code":"request_invalid"/);
    expect(text).not.toContain(CANARY);
  });

  test('no body, address or token makes the server fail', async () => {
    const header = fc.string({ unit: fc.constantFrom(...'aZ0.-_~+/= '), maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.webPath(), header, async (payload, path, token) => {
        const body = await server.app.inject({
          method: 'POST',
          url: '/rows',
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(payload),
        });
        const address = await server.app.inject({ method: 'GET', url: `/x${path}` });
        const headers = { authorization: `Bearer ${token}` };
        const mine = await server.app.inject({ method: 'GET', url: '/mine', headers });
        expect([200, 400]).toContain(body.statusCode);
        expect([400, 404, 414]).toContain(address.statusCode);
        expect(mine.statusCode).toBe(401);
      }),
      { numRuns: 150 },
    );
  });
});

describe('a server', () => {
  test('says who calls', async () => {
    const headers = { authorization: `Bearer ${await server.token(furnisher)}` };
    expect((await server.app.inject({ url: '/mine', headers })).json()).toEqual({
      participant_id: furnisher.participant_id,
      role: 'furnisher',
      scopes: [...ROLE_SCOPES.furnisher],
    });
  });

  test('sends only what the response schema lists, under careful headers', async () => {
    const answer = await server.app.inject('/rows');
    expect(answer.json()).toEqual({ limit: 10 });
    expect(answer.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    });
    expect(answer.headers['strict-transport-security']).toBeUndefined();
    const app = await buildServer({ ...server.options, issuer: 'https://registry.example' });
    const { headers } = await app.inject('/health');
    expect(headers['strict-transport-security']).toBe('max-age=31536000');
    await app.close();
  });

  test('is healthy only while its probe says so', async () => {
    expect((await server.app.inject('/health')).json()).toEqual({ status: 'ok' });
    isWell = false;
    expectProblem(await server.app.inject('/health'), 503, 'not_healthy');
    isWell = true;
  });

  test('limits the rate per address, and of tokens more', async () => {
    const limits = { requestsPerMinute: 3, tokenRequestsPerMinute: 1 };
    const app = await buildServer({ ...server.options, limits });
    const statuses: number[] = [];
    for (let request = 0; request < 4; request++) {
      statuses.push((await app.inject('/mine')).statusCode);
    }
    expect(statuses).toEqual([401, 401, 401, 429]);
    const limited = await app.inject('/nothing');
    expectProblem(limited, 429, 'rate_limited');
    expect(limited.headers['retry-after']).toBeDefined();
    const token = () => app.inject({ method: 'POST', url: '/oauth/token' });
    expect([(await token()).statusCode, (await token()).statusCode]).toEqual([400, 429]);
    await app.close();
  });

  test('logs neither an address, a query, a body, a token nor a message', async () => {
    const token = await server.token(furnisher);
    const headers = { authorization: `Bearer ${token}` };
    await server.app.inject({ url: `/mine?name=${CANARY}`, headers });
    await server.app.inject({ method: 'POST', url: '/rows', payload: { number: CANARY } });
    const text = lines.join('');
    expect(lines.length).toBeGreaterThan(20);
    expect(text).toContain('request failed');
    expect(text).toContain('"route":"/mine"');
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain(token);
  });
});

describe('the documentation', () => {
  test('is OpenAPI 3.1 with access, problems and every route', async () => {
    const document = (await server.app.inject('/documentation/json')).json();
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/rows', '/mine', '/oauth/token', '/health', '/parts/{part}']),
    );
    expect(document.paths['/mine'].get).toMatchObject({
      security: [{ oauth2: ['submissions:read'] }],
      'x-roles': ['furnisher'],
    });
    expect(document.paths['/rows'].get.security).toBeUndefined();
    const problem = document.paths['/rows'].post.responses.default.content;
    expect(Object.keys(problem)).toEqual(['application/problem+json']);
    expect(document.components.securitySchemes.oauth2.type).toBe('oauth2');
  });

  test('has a page that loads nothing from elsewhere', async () => {
    const page = await server.app.inject('/documentation/');
    expect(page.statusCode).toBe(200);
    expect(page.headers['content-security-policy']).toMatch(
      /default-src 'none'; script-src 'self'/,
    );
    expect(page.body).not.toMatch(/(?:src|href)="https?:/);
    const files = [...page.body.matchAll(/(?:src|href)="\.(\/static\/[^"]+)"/g)];
    expect(files.length).toBeGreaterThan(4);
    for (const [, file] of files) {
      const answer = await server.app.inject(`/documentation${file}`);
      expect([file, answer.statusCode]).toEqual([file, 200]);
    }
  });
});
