/**
 * Events between the two programs over HTTP: a withdrawal on either side, conflicts, replays,
 * feeds that nobody else can read, and webhooks.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventHash } from '../src/authorisation/hash.ts';
import { buildGatewayServer } from '../src/cli/home.ts';
import { appendEvent, findAuthorisation } from '../src/gateway/authorisations.ts';
import { explainAccount } from '../src/gateway/explain.ts';
import { exchangeEvents, pullFeed } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { pushEvents } from '../src/gateway/outbox.ts';
import type { Server } from '../src/http/instance.ts';
import { webhookSender } from '../src/http/webhook-sender.ts';
import { signJws } from '../src/keys/jws.ts';
import { AssentError } from '../src/model/error.ts';
import { audit } from '../src/registry/audit.ts';
import { appendNews, type News } from '../src/registry/news.ts';
import { deliverWebhooks, registerWebhook } from '../src/registry/webhooks.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { EVENT_TYP, type EventClaims, FEED_TYP, type FeedPage } from '../src/wire/feed.ts';
import {
  approvalsText,
  BACKENDS,
  bytesOf,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const PERIOD = '2026-01';
const EVIDENCE = createHash('sha256').update('a letter').digest('hex');
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof AssentError ? error.code : String(error);
}

describe.each(BACKENDS)('events, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 120_000);
  let pair: Pair;
  let operator: ApiClient;
  /** The gateway's own server, where webhooks arrive. */
  let receiver: Server;
  let url: string;
  let pulls = 0;
  const operatorId = randomUUID();

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'feed');
    const ring = pair.newRing('operator');
    await pair.admit('operator', operatorId, ring);
    operator = pair.client({ participant_id: operatorId, ring });
    const config = { registry: { url: 'x', keys: pair.registry.ring.publicKeys } } as never;
    const pull = () => {
      pulls += 1;
    };
    receiver = await buildGatewayServer({ gateway: pair.gateway, config }, 'http://g.test', {
      pull,
    });
    url = `${await receiver.listen({ port: 0, host: '127.0.0.1' })}/v1/webhook`;
  }, 60_000);
  afterAll(async () => {
    if (missing) return;
    await receiver.close();
    await pair.close();
  });
  /** Clients 1 to 3 approved; the registry holds their month. */
  beforeEach(async () => {
    if (missing) return;
    await pair.empty();
    await load(pair.gateway, tapeText([1, 2, 3, 4].map((n) => monthRow(n, PERIOD))));
    await importAuthorisations(
      pair.gateway,
      bytesOf(approvalsText([1, 2, 3].map((n) => ({ n, events: ['given'] })))),
    );
    const report = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(report.receipt?.outcomes.month.accepted).toBe(3);
  }, 60_000);

  const end = (id: string, over: object = {}) =>
    operator.json<{ state: string; result: string }>({
      method: 'POST',
      path: `/v1/authorisations/${id}/events`,
      json: {
        type: 'withdrawn',
        reason: 'subject_request',
        evidence_sha256: EVIDENCE,
        ...over,
      },
    });
  const append = (id: string, event: string) =>
    appendEvent(pair.gateway, id, { event, event_at: new Date().toISOString() });
  const push = (ids?: string[]) => pushEvents(pair.gateway, pair.link(), ids ?? null);
  const pull = () => pullFeed(pair.gateway, pair.link());
  const decision = async (n: number) =>
    (await explainAccount(pair.gateway, `a${n}`, PERIOD, new Date())).rows[0]?.reason;
  async function chainAt(side: 'gateway' | 'registry', id: string) {
    const { rows } = await pair[side].db.query<{ type: string; state: string; hash: string }>(
      `select type, state, encode(hash, 'hex') as hash from authorisation_event
       where authorisation_id = $1 order by seq`,
      [id],
    );
    const { rows: now } = await pair[side].db.query<{ state: string }>(
      'select state from authorisation where authorisation_id = $1',
      [id],
    );
    expect(rows.at(-1)?.state).toBe(now[0]?.state);
    return { types: rows.map((row) => row.type), state: now[0]?.state, last: rows.at(-1)?.hash };
  }
  const feedOf = (api: ApiClient, after = 0) =>
    api.json<FeedPage>({ method: 'GET', path: '/v1/feed', query: { after: String(after) } });

  test('a withdrawal at the registry stops the gateway, in one chain on both sides', async () => {
    expect(await decision(1)).toBe(null);
    expect(await end(idOf(1))).toMatchObject({ state: 'withdrawn', result: 'stored' });
    expect(await end(idOf(1))).toMatchObject({ state: 'withdrawn', result: 'unchanged' });
    expect(await pull()).toEqual({ entries: 1, learnt: 1, skipped: 0, refused: 0, position: 1 });
    expect(await pull()).toEqual({ entries: 0, learnt: 0, skipped: 0, refused: 0, position: 1 });
    expect(await decision(1)).toBe('withdrawn');
    expect(await chainAt('gateway', idOf(1))).toEqual(await chainAt('registry', idOf(1)));
    const { events } = await findAuthorisation(pair.gateway, idOf(1));
    expect(events[1]).toMatchObject({
      type: 'withdrawn',
      by_party: operatorId,
      reason: `subject_request sha256:${EVIDENCE}`,
    });
    // What was learnt is not told back.
    expect(await push()).toMatchObject({ sent: 0, pending: 0 });
  });

  test('a hand-over asks the feed before it decides', async () => {
    await load(pair.gateway, tapeText([1, 2, 3, 4].map((n) => monthRow(n, '2026-02'))));
    await end(idOf(2));
    const report = await handOver(pair.gateway, pair.link(), '2026-02');
    expect(report).toMatchObject({ released: 2, withheld: { never_asked: 1, withdrawn: 1 } });
  });

  test('a withdrawal at the gateway is told at once, without any hand-over', async () => {
    await append(idOf(1), 'withdrawn');
    expect(await push()).toMatchObject({ sent: 1, pending: 0, is_reachable: true });
    expect(await push()).toMatchObject({ sent: 0, pending: 0 });
    expect(await chainAt('registry', idOf(1))).toEqual(await chainAt('gateway', idOf(1)));
    expect((await chainAt('registry', idOf(1))).state).toBe('withdrawn');
    // Its own events do not come back to it.
    expect((await feedOf(pair.client())).head).toBe(0);
  });

  test('only authorisations that the registry knows are told', async () => {
    await importAuthorisations(
      pair.gateway,
      bytesOf(approvalsText([{ n: 4, events: ['requested'] }])),
    );
    await append(idOf(4), 'refused');
    expect(await push()).toMatchObject({ sent: 0, pending: 0 });
  });

  test('a registry that does not answer leaves it pending, and hears of it later', async () => {
    const dead: ApiClient = {
      send: () => Promise.reject(new AssentError('registry_unreachable')),
      json: () => Promise.reject(new AssentError('registry_unreachable')),
    };
    await append(idOf(1), 'withdrawn');
    const report = await pushEvents(pair.gateway, { ...pair.link(), api: dead });
    expect(report).toMatchObject({ sent: 0, pending: 1, is_reachable: false });
    const { rows } = await pair.gateway.db.query<{ attempts: number; later: boolean }>(
      'select attempts, next_try_at > queued_at as later from outbox where sent_at is null',
    );
    expect(rows).toEqual([{ attempts: 1, later: true }]);
    expect(await push()).toMatchObject({ sent: 0, pending: 1 }); // Not due yet.
    expect(await push([idOf(1)])).toMatchObject({ sent: 1, pending: 0 });
  });

  test('both sides at once: each keeps the other’s event, the person wins', async () => {
    const cases = [
      ['paused', 'withdrawn', 'withdrawn'],
      ['expired', 'withdrawn', 'withdrawn'],
      ['withdrawn', 'revoked', 'withdrawn'],
      ['invalidated', 'revoked', 'invalidated'],
    ] as const;
    for (const [index, [here, there, state]] of cases.entries()) {
      const id = idOf((index % 3) + 1);
      if (index === 3) {
        await pair.empty();
        await load(pair.gateway, tapeText([monthRow(1, PERIOD)]));
        const approvals = approvalsText([{ n: 1, events: ['given'] }]);
        await importAuthorisations(pair.gateway, bytesOf(approvals));
        await handOver(pair.gateway, pair.link(), PERIOD);
      }
      await append(id, here);
      await end(
        id,
        there === 'revoked' ? { type: 'revoked', reason: 'court_order' } : { type: there },
      );
      await exchangeEvents(pair.gateway, pair.link());
      const [g, r] = [await chainAt('gateway', id), await chainAt('registry', id)];
      expect(g).toMatchObject({ state, types: ['given', here, there] });
      expect(r).toMatchObject({ state, types: ['given', there, here] });
    }
  });

  test('a renewal at the gateway does not escape a withdrawal of what it renewed', async () => {
    const before = idOf(1);
    const renewal = randomUUID();
    await append(before, 'superseded');
    const text = approvalsText([{ n: 1, events: ['given'] }])
      .replaceAll(before, renewal)
      .split('\n');
    const header = text[0]?.split(',') ?? [];
    const row = text[1]?.split(',') ?? [];
    row[header.indexOf('supersedes')] = before;
    row[header.indexOf('arrangement_id')] = before;
    await importAuthorisations(pair.gateway, bytesOf(`${text[0]}\n${row.join(',')}\n`));
    await end(before);
    await exchangeEvents(pair.gateway, pair.link());
    expect((await chainAt('gateway', before)).state).toBe('withdrawn');
    expect((await chainAt('gateway', renewal)).types).toEqual(['given', 'withdrawn']);
  });

  test('a feed is its owner’s alone, in order and without a gap, also side by side', async () => {
    const ring = pair.newRing(`other-${randomUUID()}`);
    const other = randomUUID();
    await pair.admit('furnisher', other, ring);
    await Promise.all([1, 2, 3].map((n) => end(idOf(n))));
    const mine = await feedOf(pair.client());
    expect(mine.entries.map((entry) => entry.position)).toEqual([1, 2, 3]);
    expect(await feedOf(pair.client(), 2)).toMatchObject({ entries: [{ position: 3 }], head: 3 });
    expect(await feedOf(pair.client({ participant_id: other, ring }))).toEqual({
      entries: [],
      head: 0,
    });
  });

  test('an entry that was altered, is another’s, or leaves a gap is not believed', async () => {
    for (const n of [1, 2, 3]) await end(idOf(n));
    const link = pair.link();
    const tampered = (change: (page: FeedPage) => FeedPage) => ({
      ...link,
      api: {
        ...link.api,
        json: async <T>(request: Parameters<ApiClient['json']>[0]) =>
          change(await link.api.json<FeedPage>(request)) as T,
      },
    });
    const swap = tampered(({ entries: [a, b, ...rest], head }) => ({
      entries: [b, a, ...rest].filter((each) => each !== undefined),
      head,
    }));
    const gap = tampered(({ entries, head }) => ({ entries: entries.slice(1), head }));
    const forged = tampered(({ entries, head }) => ({
      entries: entries.map((each) => ({ ...each, signed: `${each.signed.slice(0, -3)}AAA` })),
      head,
    }));
    expect(await codeOf(pullFeed(pair.gateway, swap))).toBe('feed_wrong');
    expect(await codeOf(pullFeed(pair.gateway, gap))).toBe('feed_wrong');
    expect(await codeOf(pullFeed(pair.gateway, forged))).toBe('signature_invalid');
    expect(await decision(1)).toBe(null);
    expect(await pull()).toMatchObject({ learnt: 3 });
    const shrunk = tampered(() => ({ entries: [], head: 1 }));
    expect(await codeOf(pullFeed(pair.gateway, shrunk))).toBe('feed_wrong');
  });

  test('news stands among the events: the gateway takes what it knows and skips the rest', async () => {
    const tell = (news: News) =>
      pair.registry.db.transaction((session) =>
        appendNews(pair.registry, session, [pair.gateway.furnisher_id], news),
      );
    const data = {
      claim_id: randomUUID(),
      dispute_id: randomUUID(),
      account_ref: randomUUID(),
      period: PERIOD,
      field: 'balance_minor',
      held_value: '1001',
      claimed_value: '1',
      evidence: [],
      answer_by: '2026-02-01T00:00:00.000Z',
    };
    const id = { event_id: data.claim_id };
    await tell({ type: 'claim.forwarded', ...id, data });
    await end(idOf(1));
    await tell({ type: 'sun.risen', ...id, data: { at: 'six' } });
    await tell({ type: 'claim.forwarded', ...id, data: { claim_id: 'mine' } });
    await tell({
      type: 'claim.decided',
      ...id,
      data: { ...id, claim_id: data.claim_id, outcome: 'upheld' },
    });
    expect(await pull()).toEqual({ entries: 5, learnt: 3, skipped: 1, refused: 1, position: 5 });
    const { rows } = await pair.gateway.db.query(
      'select claim_id, field, held_value, state, outcome from claim_to_answer',
    );
    const { claim_id, field, held_value } = data;
    expect(rows).toEqual([{ claim_id, field, held_value, state: 'decided', outcome: 'upheld' }]);
  });

  describe.skipIf(missing)('pushed by hand', () => {
    const send = (claims: EventClaims, over: { ring?: 'other'; id?: string } = {}) => {
      const ring = over.ring ? pair.newRing(`forger-${randomUUID()}`) : pair.gateway.ring;
      return signJws(claims, ring, { typ: EVENT_TYP }).then((signed) =>
        pair.client().json<{ result: string }>({
          method: 'PUT',
          path: `/v1/authorisation-events/${over.id ?? claims.event_id}`,
          json: { signed, submission_id: null },
        }),
      );
    };
    async function claimsOf(id: string): Promise<EventClaims> {
      const api: ApiClient = {
        send: () => Promise.reject(new AssentError('registry_unreachable')),
        json: (request) => {
          const { signed } = request.json as { signed: string };
          const payload = Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString();
          caught.push(JSON.parse(payload) as EventClaims);
          return Promise.reject(new AssentError('registry_unreachable'));
        },
      };
      const caught: EventClaims[] = [];
      await pushEvents(pair.gateway, { ...pair.link(), api }, [id]);
      const [claims] = caught;
      if (!claims) throw new Error('nothing was pushed');
      return claims;
    }

    it('the same again is unchanged; anything altered or another’s is refused and traced', async () => {
      await append(idOf(1), 'paused');
      const claims = await claimsOf(idOf(1));
      const { event } = claims;
      const other = randomUUID();
      const altered: [EventClaims, object, string][] = [
        [{ ...claims, event: { ...event, type: 'withdrawn' } }, {}, 'authorisation_altered'],
        [{ ...claims, event: { ...event, reason: 'x' } }, {}, 'authorisation_altered'],
        [{ ...claims, record_sha256: 'c'.repeat(64) }, {}, 'authorisation_altered'],
        [{ ...claims, iss: other }, {}, 'authorisation_altered'],
        [claims, { id: 'd'.repeat(64) }, 'authorisation_altered'],
        [claims, { ring: 'other' }, 'signature_invalid'],
        [{ ...claims, authorisation_id: other }, {}, 'authorisation_unknown'],
        [{ ...claims, authorisation_id: idOf(2) }, {}, 'authorisation_altered'],
        [{ ...claims, after: 'e'.repeat(64) }, {}, 'event_out_of_order'],
      ];
      for (const [changed, over, code] of altered)
        expect(await codeOf(send(changed, over)), JSON.stringify(over)).toBe(code);
      expect((await chainAt('registry', idOf(1))).types).toEqual(['given']);
      const { rows } = await pair.registry.db.query<{ n: number }>(
        'select count(*) as n from authorisation_refusal',
      );
      expect(rows[0]?.n).toBe(altered.length - 1); // Whose signature is it that does not hold?
      expect(await send(claims)).toMatchObject({ result: 'stored' });
      expect(await send(claims)).toMatchObject({ result: 'unchanged' });
    }, 60_000);

    it('what another furnisher has and what does not exist are answered alike', async () => {
      await append(idOf(1), 'withdrawn');
      const claims = await claimsOf(idOf(1));
      const ring = pair.newRing(`stranger-${randomUUID()}`);
      const stranger = randomUUID();
      await pair.admit('furnisher', stranger, ring);
      const api = pair.client({ participant_id: stranger, ring });
      const told = async (id: string) => {
        const event = { ...claims.event, by_party: stranger };
        const forged = { ...claims, iss: stranger, authorisation_id: id, event };
        const signed = await signJws(forged, ring, { typ: EVENT_TYP });
        return codeOf(
          api.json({
            method: 'PUT',
            path: `/v1/authorisation-events/${claims.event_id}`,
            json: { signed, submission_id: null },
          }),
        );
      };
      expect(await told(idOf(1))).toBe('authorisation_unknown');
      expect(await told(randomUUID())).toBe('authorisation_unknown');
    }, 60_000);
  });

  test('only what was given is ended at the registry, for a reason from the list', async () => {
    expect(await codeOf(end(randomUUID()))).toBe('authorisation_unknown');
    expect(await codeOf(end(idOf(1), { reason: 'court_order' }))).toBe('authorisation_invalid');
    expect(await codeOf(end(idOf(1), { type: 'paused' }))).toBe('request_invalid');
    const furnisher = pair.client();
    const own = furnisher.json({
      method: 'POST',
      path: `/v1/authorisations/${idOf(1)}/events`,
      json: { type: 'withdrawn', reason: 'subject_request', evidence_sha256: EVIDENCE },
    });
    expect(await codeOf(own)).toBe('not_permitted');
  });

  test('the registry cannot speak for the lender, nor make anything but ends', async () => {
    await append(idOf(1), 'paused');
    await push();
    const { rows } = await pair.registry.db.query<Record<string, string>>(
      `select encode(hash, 'hex') as prev, encode(a.record_sha256, 'hex') as record
       from authorisation_event e join authorisation a using (subject_id, authorisation_id)
       where authorisation_id = $1 order by seq desc limit 1`,
      [idOf(1)],
    );
    const { prev = '', record = '' } = rows[0] ?? {};
    for (const by_party of [pair.gateway.furnisher_id, operatorId]) {
      const at = new Date().toISOString();
      const event = { seq: 3, type: 'resumed' as const, at, by_party, reason: null };
      const claims = {
        ...{ iss: 'x', aud: pair.gateway.furnisher_id, position: 1, iat: 1 },
        ...{ authorisation_id: idOf(1), record_sha256: record, event, prev_hash: prev },
        event_id: eventHash(idOf(1), record, event, prev),
      };
      const signed = await signJws(claims, pair.registry.ring, { typ: FEED_TYP });
      const page: FeedPage = { entries: [{ position: 1, signed }], head: 1 };
      await pair.gateway.db.query('delete from feed_cursor');
      const api: ApiClient = { ...pair.client(), json: async <T>() => page as T };
      const report = await pullFeed(pair.gateway, { ...pair.link(), api });
      expect(report).toMatchObject({ learnt: 0, refused: 1 });
      expect(await decision(1)).toBe('paused');
    }
  });

  test('events that fail at the gateway are traced and do not stop those behind them', async () => {
    await end(idOf(1));
    await end(idOf(2));
    await pair.gateway.db.query('delete from authorisation_event where authorisation_id = $1', [
      idOf(1),
    ]);
    await pair.gateway.db.query('delete from authorisation where authorisation_id = $1', [idOf(1)]);
    expect(await pull()).toEqual({ entries: 2, learnt: 1, skipped: 0, refused: 1, position: 2 });
    const { rows } = await pair.gateway.db.query('select why from authorisation_refusal');
    expect(rows).toEqual([{ why: 'feed 1: unknown' }]);
  });

  describe.skipIf(missing)('webhooks', () => {
    const deliver = () => deliverWebhooks(pair.registry, webhookSender(true));

    it('a withdrawal at the registry knocks at the gateway once, and names nobody', async () => {
      pulls = 0;
      await pair.client().json({ method: 'PUT', path: '/v1/webhook', json: { url } });
      await end(idOf(1));
      const caught: { headers: Record<string, string>; body: Uint8Array }[] = [];
      const post = webhookSender(true);
      await deliverWebhooks(pair.registry, (request) => {
        caught.push(request as never);
        return post(request);
      });
      expect(pulls).toBe(1);
      expect(await deliver()).toBe(0);
      const [sent] = caught;
      if (!sent) throw new Error('nothing was sent');
      const body = JSON.parse(Buffer.from(sent.body).toString());
      expect(Object.keys(body.data).sort()).toEqual(['event_id', 'event_type', 'position']);
      // The same again, and the same with another body or an old timestamp.
      expect(await post({ url, ...sent })).toBe(204);
      expect(pulls).toBe(1);
      const bad = [
        { ...sent, body: Buffer.from('{}') },
        { ...sent, headers: { ...sent.headers, 'webhook-timestamp': '1700000000' } },
        { ...sent, headers: { ...sent.headers, 'webhook-id': randomUUID() } },
      ];
      for (const each of bad) expect(await post({ url, ...each })).toBe(400);
      expect(pulls).toBe(1);
    }, 60_000);

    it('a dead endpoint is tried for days, then disabled with a trace', async () => {
      let http: HttpServer | null = null;
      let status = 500;
      http = createServer((_request, response) => response.writeHead(status).end());
      await new Promise<void>((ready) => http?.listen(0, '127.0.0.1', ready));
      const dead = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
      const furnisher = pair.gateway.furnisher_id;
      await registerWebhook(pair.registry, furnisher, dead, true);
      await end(idOf(1));
      let at = Date.now();
      const later = { ...pair.registry, now: () => new Date(at) };
      const waits: number[] = [];
      for (;;) {
        expect(await deliverWebhooks(later, webhookSender(true))).toBe(1);
        expect(await deliverWebhooks(later, webhookSender(true))).toBe(0);
        const { rows } = await pair.registry.db.query<{ state: string; next_try_at: Date }>(
          'select state, next_try_at from webhook_delivery',
        );
        if (rows[0]?.state !== 'pending') break;
        const next = rows[0].next_try_at.getTime();
        waits.push(next - at);
        at = next;
      }
      expect(waits.length).toBe(9);
      expect(waits.every((wait, index) => wait > (waits[index - 1] ?? 0))).toBe(true);
      expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(2 * 86_400_000);
      const list = () =>
        operator.json<{ webhooks: object[] }>({ method: 'GET', path: '/v1/webhooks' });
      expect((await list()).webhooks).toMatchObject([
        { state: 'disabled', why: '10 attempts failed over three days' },
      ]);
      await end(idOf(2));
      expect(await deliver()).toBe(0);
      // Registered again, and gone for good at the first word.
      status = 410;
      await registerWebhook(pair.registry, furnisher, dead, true);
      await end(idOf(3));
      expect(await deliver()).toBe(1);
      expect((await list()).webhooks).toMatchObject([
        { state: 'disabled', why: 'the endpoint answered 410 Gone' },
      ]);
      http.close();
      expect(await pull()).toMatchObject({ learnt: 3 }); // The feed lost nothing.
    }, 60_000);
  });

  afterEach(async () => {
    if (missing) return;
    expect(pair.failures).toEqual([]);
    const violated = (await audit(pair.registry)).filter((check) => check.violations > 0);
    expect(violated).toEqual([]);
  });
});
