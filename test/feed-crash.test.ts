/**
 * Killed before and after every statement of push, pull, webhook delivery and of a withdrawal with
 * its effects, then resumed: each event counts once, each effect happens once.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { crashing } from '../src/database/crashing.ts';
import { appendEvent, recordOne } from '../src/gateway/authorisations.ts';
import { pullFeed } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { pushEvents } from '../src/gateway/outbox.ts';
import { audit } from '../src/registry/audit.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { deliverWebhooks, registerWebhook } from '../src/registry/webhooks.ts';
import type { ApiClient, ApiRequest } from '../src/wire/api-client.ts';
import { atEvery } from './at-every.ts';
import { approvalColumns, BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const CLIENTS = [1, 2];
const OPERATOR = randomUUID();

describe.each(BACKENDS)('events survive a death at any statement, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      900_000,
    );
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'feedcrash');
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });

  async function handedOver(): Promise<void> {
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, PERIOD))));
    for (const n of CLIENTS)
      await recordOne(
        pair.gateway,
        approvalColumns(n, idOf(n), { withdrawal_effect: 'STOP_AND_ERASE' }),
      );
    await handOver(pair.gateway, pair.link(), PERIOD);
  }
  const event_at = '2026-02-01T00:00:00.000Z';
  const withdrawHere = (n: number) =>
    appendEvent(pair.gateway, idOf(n), { event: 'withdrawn', event_at });
  const withdrawThere = (n: number) =>
    endAuthorisation(pair.registry, idOf(n), {
      type: 'withdrawn',
      reason: 'subject_request',
      evidence_sha256: 'c'.repeat(64),
      by_party: OPERATOR,
      subject_id: null,
    });
  const push = async () => void (await pushEvents(pair.gateway, pair.link(), CLIENTS.map(idOf)));
  const pull = async () => void (await pullFeed(pair.gateway, pair.link()));

  test('when a push fails, nothing of it is still on its way', async () => {
    const healthy = pair.gatewayStore.current;
    const link = pair.link();
    let asked = 0;
    const counted = async <T>(answer: Promise<T>): Promise<T> => {
      asked += 1;
      return answer.finally(() => {
        asked -= 1;
      });
    };
    const api: ApiClient = {
      send: (request) => counted(link.api.send(request)),
      json: <T>(request: ApiRequest) => counted(link.api.json<T>(request)),
    };
    for (let statement = 1, hasFailed = true; hasFailed; statement += 1) {
      await pair.empty();
      await handedOver();
      for (const n of CLIENTS) await withdrawHere(n);
      pair.gatewayStore.current = crashing(healthy, { statement, when: 'before' });
      hasFailed = await pushEvents(pair.gateway, { ...link, api }, CLIENTS.map(idOf)).then(
        () => false,
        () => true,
      );
      pair.gatewayStore.current = healthy;
      expect(asked, `before statement ${statement}`).toBe(0);
    }
  });

  async function countsOf(side: 'gateway' | 'registry') {
    const { rows } = await pair[side].db.query<Record<string, number>>(
      `select count(*) filter (where state = 'withdrawn') as withdrawn, sum(last_seq)::bigint as events
       from authorisation`,
    );
    return rows[0];
  }
  async function checkBoth(where: string, withdrawn: number): Promise<void> {
    const events = CLIENTS.length + withdrawn;
    expect(await countsOf('gateway'), where).toEqual({ withdrawn, events });
    expect(await countsOf('registry'), where).toEqual({ withdrawn, events });
    const { rows } = await pair.registry.db.query<Record<string, number>>(
      `select (select count(*) from account_month) as months, (select count(*) from erasure) as erased,
         (select count(*) from feed_entry) as entries,
         (select coalesce(sum(position), 0)::bigint from feed_head) as head`,
    );
    expect(rows[0], where).toMatchObject({ months: CLIENTS.length - withdrawn, erased: withdrawn });
    expect(rows[0]?.['entries'], where).toBe(rows[0]?.['head']);
    const violated = (await audit(pair.registry)).filter((check) => check.violations > 0);
    expect(violated, where).toEqual([]);
  }

  for (const store of ['gatewayStore', 'registryStore'] as const) {
    const who = store === 'gatewayStore' ? 'gateway' : 'registry';
    test(`the ${who} dies while an event is recorded and pushed`, async () => {
      const statements = await atEvery(pair, store, {
        prepare: handedOver,
        work: async () => {
          await withdrawHere(1);
          await push();
        },
        resume: async () => {
          await withdrawHere(1);
          await push();
        },
        check: (where) => checkBoth(where, 1),
      });
      expect(statements).toBeGreaterThan(10);
    });

    test(`the ${who} dies while the feed is pulled`, async () => {
      const statements = await atEvery(pair, store, {
        prepare: async () => {
          await handedOver();
          await withdrawThere(1);
          await withdrawThere(2);
        },
        work: pull,
        resume: pull,
        check: (where) => checkBoth(where, 2),
      });
      expect(statements).toBeGreaterThan(store === 'gatewayStore' ? 10 : 3);
    });
  }

  test('the registry dies while an authorisation is ended and its months are erased', async () => {
    const statements = await atEvery(pair, 'registryStore', {
      prepare: handedOver,
      work: async () => void (await withdrawThere(1)),
      resume: async () => {
        await withdrawThere(1);
        await pull();
      },
      check: (where) => checkBoth(where, 1),
    });
    expect(statements).toBeGreaterThan(10);
  });

  test('the registry dies while webhooks are delivered: told again under the same id', async () => {
    let told: string[] = [];
    const post = async (request: { headers: Readonly<Record<string, string>> }) => {
      told.push(request.headers['webhook-id'] ?? '');
      return 204;
    };
    const statements = await atEvery(pair, 'registryStore', {
      prepare: async () => {
        told = [];
        await handedOver();
        await registerWebhook(pair.registry, pair.gateway.furnisher_id, 'http://127.0.0.1/', true);
        await withdrawThere(1);
      },
      work: async () => void (await deliverWebhooks(pair.registry, post)),
      // Whoever claimed it is dead: a minute later another takes it.
      resume: async () => {
        const later = { ...pair.registry, now: () => new Date(Date.now() + 61_000) };
        await deliverWebhooks(later, post);
      },
      check: async (where) => {
        expect(told.length, where).toBeGreaterThan(0);
        expect(new Set(told).size, where).toBe(1);
        const { rows } = await pair.registry.db.query('select state from webhook_delivery');
        expect(rows, where).toEqual([{ state: 'delivered' }]);
      },
    });
    expect(statements).toBeGreaterThan(1);
  });
});
