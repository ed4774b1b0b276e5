import { createServer } from 'node:http';
import { Type } from 'typebox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { suspendParticipant } from '../participants/participant.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { type ClientOptions, openClient } from './client.ts';
import { readFailure } from './client-failure.ts';
import type { Server } from './instance.ts';
import { buildServer } from './server.ts';
import { type Actor, seededRandom, TestServer } from './test-server.ts';

const ACCESS = { roles: ['furnisher'], scope: 'submissions:write' } as const;

function routes(app: Server): void {
  app.get('/echo', { config: { access: ACCESS } }, (request) => request.query);
  app.post(
    '/echo',
    { config: { access: ACCESS }, schema: { body: Type.Object({ rows: Type.Integer() }) } },
    (request) => request.body,
  );
  app.put('/bytes', { config: { access: ACCESS } }, (request, reply) =>
    reply.type('application/octet-stream').send(request.body),
  );
}

let server: TestServer;
let app: Server;
let base_url: string;
let furnisher: Actor;
let slept: number[];
let sent: string[];
/** Answers instead of the network, first come first served. */
let faults: (number | Error | Response)[];

beforeAll(async () => {
  server = await TestServer.open(() => {});
  furnisher = await server.admit('furnisher');
  // The port, hence the issuer, is known only once something listens.
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as { port: number };
      probe.close(() => resolve(free));
    });
  });
  base_url = `http://127.0.0.1:${port}`;
  app = await buildServer({ ...server.options, issuer: base_url, routes });
  await app.listen({ port, host: '127.0.0.1' });
});
afterAll(async () => {
  await app.close();
  await server.close();
});
beforeEach(() => {
  slept = [];
  sent = [];
  faults = [];
});

function open(over: Partial<ClientOptions> = {}): ApiClient {
  return openClient({
    base_url,
    participant_id: furnisher.participant_id,
    key: furnisher.key,
    fetch: async (input, init) => {
      sent.push(`${init?.method} ${String(input).slice(base_url.length)}`);
      const isApi = !String(input).endsWith('/oauth/token');
      const fault = isApi ? faults.shift() : undefined;
      if (fault instanceof Error) throw fault;
      if (fault instanceof Response) return fault;
      if (typeof fault === 'number') return new Response('<html>', { status: fault });
      return fetch(input, init);
    },
    now: () => server.clock.at,
    random: server.random,
    sleep: async (ms) => {
      slept.push(ms);
    },
    ...over,
  });
}

describe('a client', () => {
  test('gets one token for requests side by side, and sends JSON and bytes', async () => {
    const client = open();
    const [echo, posted, raw] = await Promise.all([
      client.json({ method: 'GET', path: '/echo', query: { period: '2026-01', q: 'a b&c' } }),
      client.json({ method: 'POST', path: '/echo', json: { rows: 7 } }),
      client.send({ method: 'PUT', path: '/bytes', bytes: new Uint8Array([0, 10, 13, 255]) }),
    ]);
    expect(echo).toEqual({ period: '2026-01', q: 'a b&c' });
    expect(posted).toEqual({ rows: 7 });
    expect([...raw.body]).toEqual([0, 10, 13, 255]);
    expect(sent.filter((line) => line === 'POST /oauth/token')).toHaveLength(1);
  });

  test('renews its token before it expires', async () => {
    const client = open();
    const started = server.clock.at;
    await client.send({ method: 'GET', path: '/echo' });
    server.clock.at = new Date(started.getTime() + 571_000);
    await Promise.all([
      client.send({ method: 'GET', path: '/echo' }),
      client.send({ method: 'GET', path: '/echo' }),
    ]);
    server.clock.at = started;
    expect(sent.filter((line) => line === 'POST /oauth/token')).toHaveLength(2);
  });

  test('gets another token when one is refused, and repeats even a POST', async () => {
    faults = [401];
    await open().json({ method: 'POST', path: '/echo', json: { rows: 1 } });
    expect(sent).toEqual(['POST /oauth/token', 'POST /echo', 'POST /oauth/token', 'POST /echo']);
  });

  test('repeats an idempotent request with growing, jittered pauses', async () => {
    faults = [503, new TypeError('fetch failed'), 502, 429];
    await open({ random: () => new Uint8Array([128, 0]) }).send({ method: 'GET', path: '/echo' });
    expect(slept).toEqual([200, 400, 800, 1600]);
    expect(sent.filter((line) => line === 'GET /echo')).toHaveLength(5);
  });

  test('waits as long as Retry-After asks for', async () => {
    faults = [new Response('', { status: 429, headers: { 'retry-after': '7' } })];
    await open({ random: () => new Uint8Array([0, 0]) }).send({ method: 'GET', path: '/echo' });
    expect(slept).toEqual([7000]);
  });

  test('never repeats a POST whose outcome is unknown, unless told that it may', async () => {
    faults = [new TypeError('fetch failed'), 503];
    const request = { method: 'POST', path: '/echo', json: { rows: 1 } } as const;
    await expect(open().send(request)).rejects.toMatchObject({ code: 'registry_unreachable' });
    await expect(open().send(request)).rejects.toMatchObject({ code: 'registry_refused' });
    expect(slept).toEqual([]);
    faults = [503];
    expect((await open().send({ ...request, idempotent: true })).status).toBe(200);
  });

  test('gives up after its tries and says only that', async () => {
    faults = Array.from({ length: 9 }, () => new TypeError('connect ECONNREFUSED 10.0.0.7'));
    const failure = open({ attempts: 3 }).send({ method: 'GET', path: '/echo' });
    await expect(failure).rejects.toMatchObject({
      code: 'registry_unreachable',
      message: 'registry_unreachable: no answer in 3 tries',
    });
  });

  test('finds a stopped server unreachable', async () => {
    const client = open({ base_url: 'http://127.0.0.1:1', attempts: 2 });
    await expect(client.send({ method: 'GET', path: '/echo' })).rejects.toMatchObject({
      code: 'registry_unreachable',
    });
  });

  test('does not follow a redirect with its token', async () => {
    const elsewhere = createServer((_request, response) => {
      response.writeHead(302, { location: `${base_url}/echo` }).end();
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as { port: number };
    const client = open({ base_url: `http://127.0.0.1:${port}`, attempts: 1 });
    await expect(client.send({ method: 'GET', path: '/echo' })).rejects.toMatchObject({
      code: 'registry_unreachable',
    });
    await new Promise((resolve) => elsewhere.close(resolve));
  });
});

describe('a refusal', () => {
  test('keeps the code and the pointers of the problem', async () => {
    const request = { method: 'POST', path: '/echo', json: { rows: 'many' } } as const;
    await expect(open().send(request)).rejects.toMatchObject({
      code: 'request_invalid',
      detail: expect.stringMatching(/body\/rows must be integer/),
    });
    await expect(open().send({ method: 'GET', path: '/gone' })).rejects.toMatchObject({
      code: 'not_found',
    });
    const narrow = open({ scopes: ['submissions:read'] });
    await expect(narrow.send({ method: 'GET', path: '/echo' })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });

  test('of a token is told as such, and asked for again the next time', async () => {
    const actor = await server.admit('furnisher');
    await suspendParticipant(server.db, actor.participant_id);
    const client = open({ participant_id: actor.participant_id, key: actor.key });
    for (const _time of [1, 2]) {
      await expect(client.send({ method: 'GET', path: '/echo' })).rejects.toMatchObject({
        code: 'not_authenticated',
        detail: 'the participant is suspended',
      });
    }
    await expect(
      open({ scopes: ['audits:run'] }).send({ method: 'GET', path: '/echo' }),
    ).rejects.toMatchObject({ code: 'registry_refused' });
  });

  test.each([
    [
      'an unknown code',
      '{"code":"frozen_over","title":"Too\\u001b[31m cold"}',
      '500 Too [31m cold',
    ],
    ['a code of Object', '{"code":"constructor","title":"No"}', '500 No'],
    ['a page', '<html>', '500'],
    ['null', 'null', '500'],
    ['nothing', '', '500'],
  ])('with %s becomes registry_refused', (_what, body, detail) => {
    const failure = readFailure(500, new TextEncoder().encode(body));
    expect([failure.code, failure.detail]).toEqual(['registry_refused', detail]);
  });

  test('draws its jitter from the bytes it is given', () => {
    expect([...seededRandom('a')(2)]).toEqual([...seededRandom('a')(2)]);
  });
});
