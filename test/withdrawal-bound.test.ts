/**
 * The stated bound, measured: from a withdrawal on one side until the other side decides by it,
 * with both programs running as their commands run them, over HTTP, with nothing turned off.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { POLL_S, startExchange } from '../src/cli/exchange.ts';
import {
  buildGatewayServer,
  connectGateway,
  createGatewayHome,
  createRegistryHome,
  type OpenGateway,
  type OpenRegistry,
  openGateway,
  openRegistry,
  operatorClient,
} from '../src/cli/home.ts';
import type { Loop } from '../src/cli/loop.ts';
import { appendEvent } from '../src/gateway/authorisations.ts';
import { explainAccount } from '../src/gateway/explain.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import type { Server } from '../src/http/instance.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { approvalsText, bytesOf, load, monthRow, tapeText } from './pair.ts';

/** docs/FEED.md: the poll, and one second for the way and the work. */
const BOUND_MS = POLL_S * 1000 + 1000;
const AT_ONCE_MS = 1000;
/** Machines that run these tests are busier than those that run the programs. */
const SLACK_MS = 3000;
const PERIOD = '2026-01';
const CLIENTS = [1, 2, 3];
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  return typeof address === 'object' && address ? address.port : 0;
}

describe('a withdrawal reaches the other side', () => {
  const folder = mkdtempSync(join(tmpdir(), 'assent-bound-'));
  const failures: unknown[] = [];
  const fail = (error: unknown) => void failures.push(error);
  let registry: OpenRegistry;
  let gateway: OpenGateway;
  let gatewayServer: Server;
  let loop: Loop;
  let operator: ApiClient;
  let webhookUrl = '';

  beforeAll(async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const [homeR, homeG] = [join(folder, 'registry'), join(folder, 'gateway')];
    await createRegistryHome(homeR, { url, profile: 'EU' });
    registry = await openRegistry(homeR, fail);
    await registry.server.listen({ port, host: '127.0.0.1' });
    operator = operatorClient(homeR);
    createGatewayHome(homeG, { name: 'Lender', profile: 'EU' });
    const card = JSON.parse(readFileSync(join(homeG, 'participant.json'), 'utf8')) as object;
    await operator.json({
      method: 'POST',
      path: '/v1/participants',
      json: { ...card, role: 'furnisher', licence_id: 'x', brands: [] },
    });
    await connectGateway(homeG, url);
    const poke = () => loop.poke();
    gateway = await openGateway(homeG, poke);
    gatewayServer = await buildGatewayServer(gateway, 'http://127.0.0.1', { pull: poke });
    webhookUrl = `${await gatewayServer.listen({ port: 0, host: '127.0.0.1' })}/v1/webhook`;
    loop = startExchange(gateway.gateway, gateway.link(), POLL_S * 1000, fail);
    await load(gateway.gateway, tapeText(CLIENTS.map((n) => monthRow(n, PERIOD))));
    const approvals = approvalsText(CLIENTS.map((n) => ({ n, events: ['given'] })));
    await importAuthorisations(gateway.gateway, bytesOf(approvals));
    await handOver(gateway.gateway, gateway.link(), PERIOD);
  }, 120_000);
  afterAll(async () => {
    await loop.stop();
    await gatewayServer.close();
    await gateway.close();
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
    expect(failures).toEqual([]);
  });

  /** Milliseconds until `isSo`. */
  async function until(isSo: () => Promise<boolean>): Promise<number> {
    const began = performance.now();
    while (!(await isSo())) {
      if (performance.now() - began > 60_000) return Number.POSITIVE_INFINITY;
      await setTimeout(5);
    }
    return performance.now() - began;
  }
  const gatewayWithholds = (n: number) =>
    until(async () => {
      const { rows } = await explainAccount(gateway.gateway, `a${n}`, PERIOD, new Date());
      return rows[0]?.reason === 'withdrawn';
    });
  const withdrawThere = (n: number) =>
    operator.json({
      method: 'POST',
      path: `/v1/authorisations/${idOf(n)}/events`,
      json: {
        type: 'withdrawn',
        reason: 'subject_request',
        evidence_sha256: createHash('sha256').update('x').digest('hex'),
      },
    });
  const say = (what: string, ms: number) =>
    process.env['BOUND_SHOW'] && process.stderr.write(`${what}: ${ms.toFixed(0)} ms\n`);

  it('from the registry within the poll and a second', async () => {
    await withdrawThere(1);
    const took = await gatewayWithholds(1);
    say('registry to gateway, by poll', took);
    expect(took).toBeLessThan(BOUND_MS + SLACK_MS);
  }, 60_000);

  it('from the registry at once where the webhook is received', async () => {
    await gateway
      .link()
      .api.json({ method: 'PUT', path: '/v1/webhook', json: { url: webhookUrl } });
    // Right after a poll, so that the next one is far.
    await setTimeout(POLL_S * 1000);
    loop.poke();
    await setTimeout(500);
    await withdrawThere(2);
    const took = await gatewayWithholds(2);
    say('registry to gateway, by webhook', took);
    expect(took).toBeLessThan(Math.min(AT_ONCE_MS + SLACK_MS, POLL_S * 1000 - 600));
  }, 60_000);

  it('from the gateway at once', async () => {
    await setTimeout(500);
    await appendEvent(gateway.gateway, idOf(3), {
      event: 'withdrawn',
      event_at: new Date().toISOString(),
    });
    const took = await until(async () => {
      const { rows } = await registry.registry.db.query<{ state: string }>(
        'select state from authorisation where authorisation_id = $1',
        [idOf(3)],
      );
      return rows[0]?.state === 'withdrawn';
    });
    say('gateway to registry', took);
    expect(took).toBeLessThan(Math.min(AT_ONCE_MS + SLACK_MS, POLL_S * 1000 - 600));
  }, 60_000);
});
