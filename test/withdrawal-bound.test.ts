/**
 * The stated bound: from a withdrawal on one side until the other side decides by it, with both
 * programs running as their commands run them, over HTTP, with nothing turned off.
 *
 * Tests run on machines that are busy with other things, so the work gets ten times its share of
 * the bound here; a way that is broken takes for ever, as nothing else would bring the event.
 * BOUND_SHOW=1 prints the times: on an idle machine that is the measurement (docs/PERFORMANCE.md).
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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
import { freePort } from './free-port.ts';
import { approvalsText, bytesOf, load, monthRow, tapeText } from './pair.ts';

/** docs/FEED.md: what the way and the work may take, beside the poll. */
const WORK_MS = 1000;
const BUSY = 10;
const AT_ONCE_MS = BUSY * WORK_MS;
const BY_POLL_MS = POLL_S * 1000 + BUSY * WORK_MS;
const NEVER_MS = 3_600_000;
/** Between two questions: whoever asks all the time slows down what it waits for. */
const ASK_MS = 20;
const PERIOD = '2026-01';
/** One withdraws by poll, five by webhook, five at the gateway. */
const BY_POLL = 1;
const BY_WEBHOOK = [2, 3, 4, 5, 6];
const AT_GATEWAY = [7, 8, 9, 10, 11];
const CLIENTS = [BY_POLL, ...BY_WEBHOOK, ...AT_GATEWAY];
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

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
    exchangeEvery(NEVER_MS);
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

  function exchangeEvery(ms: number): void {
    loop = startExchange(gateway.gateway, gateway.link(), ms, fail);
  }

  /** Milliseconds until `isSo`. */
  async function until(isSo: () => Promise<boolean>): Promise<number> {
    const began = performance.now();
    while (!(await isSo())) {
      if (performance.now() - began > 60_000) return Number.POSITIVE_INFINITY;
      await setTimeout(ASK_MS);
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
    await loop.stop();
    exchangeEvery(POLL_S * 1000);
    await setTimeout(500); // It reads the feed when it starts; that shall be over.
    await withdrawThere(BY_POLL);
    const took = await gatewayWithholds(BY_POLL);
    say('registry to gateway, by poll', took);
    expect(took).toBeLessThan(BY_POLL_MS);
    await loop.stop();
    exchangeEvery(NEVER_MS);
  }, 120_000);

  it('from the registry at once where the webhook is received', async () => {
    await gateway
      .link()
      .api.json({ method: 'PUT', path: '/v1/webhook', json: { url: webhookUrl } });
    await setTimeout(500);
    for (const n of BY_WEBHOOK) {
      await withdrawThere(n);
      const took = await gatewayWithholds(n);
      say('registry to gateway, by webhook', took);
      expect(took).toBeLessThan(AT_ONCE_MS);
    }
  }, 120_000);

  it('from the gateway at once', async () => {
    for (const n of AT_GATEWAY) {
      await appendEvent(gateway.gateway, idOf(n), {
        event: 'withdrawn',
        event_at: new Date().toISOString(),
      });
      const took = await until(async () => {
        const { rows } = await registry.registry.db.query<{ state: string }>(
          'select state from authorisation where authorisation_id = $1',
          [idOf(n)],
        );
        return rows[0]?.state === 'withdrawn';
      });
      say('gateway to registry', took);
      expect(took).toBeLessThan(AT_ONCE_MS);
    }
  }, 120_000);
});
