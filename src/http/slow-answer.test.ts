/** Spaces before an answer that takes its time; none before one that does not, nor before a failure. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Type } from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AssentError } from '../model/error.ts';
import type { Server } from './instance.ts';
import { answerSlowly } from './slow-answer.ts';
import { TestServer } from './test-server.ts';

const BEAT_MS = 20;
const schema = {
  querystring: Type.Object({ ms: Type.Integer() }),
  response: { 200: Type.Object({ seen: Type.Integer() }) },
};

function routes(app: Server): void {
  app.get('/looked', { config: { access: 'public' }, schema }, (request, reply) =>
    answerSlowly(
      reply,
      sleep(request.query.ms).then(() => ({ seen: 3 })),
      BEAT_MS,
    ),
  );
  app.get('/failed', { config: { access: 'public' }, schema }, (request, reply) =>
    answerSlowly(
      reply,
      sleep(request.query.ms).then((): { seen: number } => {
        throw new AssentError('request_invalid', { detail: 'nothing to look through' });
      }),
      BEAT_MS,
    ),
  );
}

let server: TestServer;
let base: string;
beforeAll(async () => {
  server = await TestServer.open(routes);
  base = await server.app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => server.close());

test('what is there within a beat is answered as any other', async () => {
  const answer = await fetch(`${base}/looked?ms=0`);
  expect([answer.status, await answer.text()]).toEqual([200, '{"seen":3}']);
});

test('what takes its time has spaces before it, and is the same JSON', async () => {
  const answer = await fetch(`${base}/looked?ms=200`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
  const text = await answer.text();
  expect(text).toMatch(/^ {2,}\{/);
  expect(JSON.parse(text)).toEqual({ seen: 3 });
});

test('a failure within a beat has its status, a later one breaks the connection', async () => {
  const answer = await fetch(`${base}/failed?ms=0`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'request_invalid' }]);
  const late = await fetch(`${base}/failed?ms=200`);
  await expect(late.text()).rejects.toThrow();
  // And the server goes on.
  expect((await fetch(`${base}/looked?ms=0`)).status).toBe(200);
});
