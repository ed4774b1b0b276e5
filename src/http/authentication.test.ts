import { SignJWT } from 'jose';
import { Type } from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { reinstateParticipant, suspendParticipant } from '../participants/participant.ts';
import { remembering } from './authentication.ts';
import type { Server } from './instance.ts';
import { type RouteMatrixCell, routeMatrix } from './route-matrix.ts';
import { buildServer } from './server.ts';
import { type Actor, AUDIENCE, ISSUER, makeTokenKeys, TestServer } from './test-server.ts';

function routes(app: Server): void {
  const answer = () => ({ done: true });
  const read = { roles: ['furnisher'], scope: 'submissions:read' } as const;
  const all = { roles: ['supervisor', 'auditor'], scope: 'submissions:read_all' } as const;
  const audit = { roles: ['auditor'], scope: 'audits:run' } as const;
  app.get('/submissions/:submission_id', { config: { access: read } }, answer);
  app.get('/submissions', { config: { access: all } }, answer);
  app.post('/audits', { config: { access: audit } }, answer);
  app.put(
    '/coverage/:period',
    {
      config: { access: { roles: ['officer'], scope: 'coverage:read' } },
      schema: { body: Type.Object({ rows: Type.Integer() }) },
    },
    answer,
  );
}

let server: TestServer;
let furnisher: Actor;
beforeAll(async () => {
  server = await TestServer.open(routes, { limits: { tokenRequestsPerMinute: 10_000 } });
  furnisher = await server.admit('furnisher');
});
afterAll(() => server.close());

function get(token: string | undefined, url = '/submissions/1') {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return server.app.inject({ url, headers });
}

/** A token of our own making, good but for what is given. */
async function forge(over: {
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  key?: Parameters<SignJWT['sign']>[0];
}) {
  const { keys } = server.options;
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: furnisher.participant_id,
    client_id: furnisher.participant_id,
    scope: 'submissions:read',
    iat: server.now_s(),
    exp: server.now_s() + 600,
    jti: 'forged',
    ...over.claims,
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keys.kid, ...over.header })
    .sign(over.key ?? keys.signing);
}

describe('a token', () => {
  test('opens its route until it expires', async () => {
    const token = await forge({});
    expect((await get(token)).statusCode).toBe(200);
    const issuedAt = server.clock.at;
    server.clock.at = new Date(issuedAt.getTime() + 599_000);
    expect((await get(token)).statusCode).toBe(200);
    server.clock.at = new Date(issuedAt.getTime() + 600_000);
    expect((await get(token)).statusCode).toBe(401);
    server.clock.at = issuedAt;
  });

  test.each([
    ['for another audience', { claims: { aud: 'urn:other' } }],
    ['for two audiences', { claims: { aud: [AUDIENCE, 'urn:other'] } }],
    ['for no audience', { claims: { aud: undefined } }],
    ['of another issuer', { claims: { iss: `${ISSUER}.example` } }],
    ['of no issuer', { claims: { iss: undefined } }],
    ['without an end', { claims: { exp: undefined } }],
    ['without a scope', { claims: { scope: undefined } }],
    ['whose client is not its subject', { claims: { client_id: 'someone' } }],
    ['typed as another JWT', { header: { typ: 'JWT' } }],
    ['of an unknown key', { header: { kid: 'other' } }],
    ['under HS256', { header: { alg: 'HS256' }, key: Buffer.alloc(32) }],
  ])('%s is refused', async (_what, over) => {
    const answer = await get(await forge(over));
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'not_authenticated']);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="assent", error="invalid_token"');
  });

  test("signed by another server's key is refused", async () => {
    const foreign = await makeTokenKeys();
    expect((await get(await forge({ key: foreign.signing }))).statusCode).toBe(401);
  });

  test("signed by the participant's own key is refused", async () => {
    expect((await get(await forge({ key: furnisher.key }))).statusCode).toBe(401);
  });

  test('is refused from the moment its participant is suspended', async () => {
    const token = await server.token(furnisher);
    expect((await get(token)).statusCode).toBe(200);
    await suspendParticipant(server.db, furnisher.participant_id);
    expect((await get(token)).statusCode).toBe(401);
    await reinstateParticipant(server.db, furnisher.participant_id);
    expect((await get(token)).statusCode).toBe(200);
  });

  test('is refused when its participant is gone or holds the scope no more', async () => {
    const { participant_id } = await server.admit('furnisher');
    const token = await forge({ claims: { sub: participant_id, client_id: participant_id } });
    const change = (text: string) => server.db.query(text, [participant_id]);
    expect((await get(token)).statusCode).toBe(200);
    await change(`update participant set scopes = '{}' where participant_id = $1`);
    expect((await get(token)).statusCode).toBe(403);
    await change('delete from participant where participant_id = $1');
    expect((await get(token)).statusCode).toBe(401);
  });

  test('opens nothing under the signature of another that was good, nor without one', async () => {
    const [good, other] = [await forge({}), await forge({ claims: { jti: 'other' } })];
    expect((await get(good)).statusCode).toBe(200);
    expect((await get(other)).statusCode).toBe(200);
    const [header, payload] = good.split('.');
    for (const signature of [other.split('.')[2], '', 'AAAA'])
      expect((await get(`${header}.${payload}.${signature}`)).statusCode).toBe(401);
  });

  test('is refused after the server started again with other keys, good as it was', async () => {
    const token = await forge({});
    expect((await get(token)).statusCode).toBe(200);
    const keys = await makeTokenKeys();
    const again = await buildServer({ ...server.options, keys });
    const answer = await again.inject({
      url: '/submissions/1',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.statusCode).toBe(401);
    await again.close();
  });

  test('without the scope, or in another role, gets a challenge that names the scope', async () => {
    const narrow = await get(await server.token(furnisher, 'submissions:write'));
    expect([narrow.statusCode, narrow.json().code]).toEqual([403, 'not_permitted']);
    expect(narrow.headers['www-authenticate']).toBe(
      'Bearer realm="assent", error="insufficient_scope", scope="submissions:read"',
    );
    const role = await get(await server.token(furnisher), '/submissions');
    expect([role.statusCode, role.json().code]).toEqual([403, 'not_permitted']);
  });

  test('is asked for before the body is read', async () => {
    const answer = await server.app.inject({
      method: 'PUT',
      url: '/coverage/2026-01',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    });
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'not_authenticated']);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="assent"');
  });
});

describe('remembered tokens', () => {
  const at = { s: 1000 };
  const asked: string[] = [];
  const verify = remembering(
    async (token) => {
      asked.push(token);
      const [name = '', exp, nbf] = token.split(' ');
      if (name === 'bad') return null;
      return { jti: name, ...(exp ? { exp: Number(exp) } : {}), ...(nbf ? { nbf: 1 } : {}) };
    },
    () => new Date(at.s * 1000),
    2,
  );
  const ask = async (token: string) => (await verify(token))?.jti ?? null;
  beforeEach(() => {
    asked.length = 0;
    at.s = 1000;
  });

  test('are checked once until they expire, and never after', async () => {
    expect([await ask('a 1010'), await ask('a 1010')]).toEqual(['a', 'a']);
    at.s = 1009.999;
    expect(await ask('a 1010')).toBe('a');
    expect(asked).toEqual(['a 1010']);
    at.s = 1010;
    expect(await ask('a 1010')).toBeNull();
  });

  test('are never more than were allowed', async () => {
    for (const token of ['b 2000', 'c 2000', 'd 2000', 'd 2000', 'b 2000']) await ask(token);
    expect(asked).toEqual(['b 2000', 'c 2000', 'd 2000', 'b 2000']);
  });

  test('are sound ones with an end and no beginning', async () => {
    for (const token of ['bad', 'bad', 'e', 'e', 'f 2000 1', 'f 2000 1']) await ask(token);
    expect(asked).toEqual(['bad', 'bad', 'e', 'e', 'f 2000 1', 'f 2000 1']);
  });
});

describe('every route and every role', () => {
  let cells: RouteMatrixCell[];
  beforeAll(async () => {
    cells = await routeMatrix({
      ...server.options,
      app: server.app,
      db: server.db,
      random: server.random,
    });
  });

  test('are as declared', () => {
    expect(cells.filter((cell) => !cell.isAsDeclared)).toEqual([]);
    expect(cells.length).toBeGreaterThan(500);
    for (const expected of ['open', 401, 403]) {
      expect(cells.some((cell) => cell.expected === expected)).toBe(true);
    }
  });

  test('include the head routes, the token endpoint and the documentation', () => {
    const asked = new Set(cells.map((cell) => `${cell.method} ${cell.url}`));
    for (const route of ['HEAD /submissions', 'POST /oauth/token', 'GET /documentation/json']) {
      expect(asked).toContain(route);
    }
  });

  test('a server without closed routes does not pass', async () => {
    const empty = await TestServer.open(() => {});
    const options = { ...empty.options, app: empty.app, db: empty.db, random: empty.random };
    await expect(routeMatrix(options)).rejects.toThrow(/no closed route/);
    await empty.close();
  });
});
