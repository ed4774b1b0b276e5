/**
 * Every route of both programs, asked as every role and with every kind of bad token; and what
 * the gateway's API does for the lender's app and officers.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildGatewayServer } from '../src/cli/home.ts';
import { sweep } from '../src/gateway/sweep.ts';
import { type WhatIf, whatIf } from '../src/gateway/what-if.ts';
import { openClient } from '../src/http/client.ts';
import type { Server } from '../src/http/instance.ts';
import { type PersonActor, routeMatrix } from '../src/http/route-matrix.ts';
import { publicJwks } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { AssentError } from '../src/model/error.ts';
import { admitParticipant } from '../src/participants/participant.ts';
import type { Role } from '../src/participants/role.ts';
import { identify, openSession } from '../src/registry/sessions.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { makePerson } from '../src/world/people.ts';
import { seeded } from '../src/world/seeded.ts';
import { load, monthRow, Pair, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const now = () => new Date();
const random = (bytes: number) => randomBytes(bytes);
let pair: Pair;
let gatewayServer: Server;
let gatewayUrl: string;

beforeAll(async () => {
  pair = await Pair.open('pglite', 'routes');
  const open = { gateway: pair.gateway } as Parameters<typeof buildGatewayServer>[0];
  gatewayServer = await buildGatewayServer(open, 'http://gateway.test');
  gatewayUrl = await gatewayServer.listen({ port: 0, host: '127.0.0.1' });
  await load(pair.gateway, tapeText([1, 2].map((n) => monthRow(n, PERIOD))));
});
afterAll(async () => {
  await gatewayServer.close();
  await pair.close();
});

const keysOf = (ring: KeyRing) => ({
  kid: ring.signing.kid,
  signing: ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never,
  publicKeys: ring.publicKeys as never,
});

/** Somebody with a file, somebody without, and what is no open session. */
async function people(): Promise<PersonActor[]> {
  const { registry } = pair;
  const { rows } = await registry.db.query<{ participant_id: string }>(
    'select participant_id from participant limit 1',
  );
  const by = { participant_id: rows[0]?.participant_id ?? '' };
  const { number, name, birth_date } = makePerson(seeded(3), 1, false);
  const verified = {
    ...{ kind: 'cn_resident_id' as const, country: null, number, name, birth_date },
    ...{ assurance: 'high' as const, evidence_sha256: 'e'.repeat(64) },
  };
  const ticket = async () => (await identify(registry, verified, by)).ticket;
  const nobody = async () => (await openSession(registry, await ticket())).token;
  const known = async () => {
    const token = await nobody();
    await registry.db.query(
      `update person_session set subject_id = $1 where ended_at is null and subject_id is null`,
      [randomUUID()],
    );
    return token;
  };
  const past = (column: string) => async () => {
    const token = await nobody();
    // sql: a column of this test's own choice.
    await registry.db.query(
      `update person_session set ${column} = $1 where ended_at is null and opened_at is not null`,
      [new Date(Date.now() - 10 * 3_600_000)],
    );
    return token;
  };
  return [
    { name: 'a person', token: known, isOpen: true },
    { name: 'a person of whom nothing is held', token: nobody, isOpen: true },
    { name: 'a person who was idle', token: past('seen_at'), isOpen: false },
    { name: 'a person whose day is over', token: past('opened_at'), isOpen: false },
    { name: 'a person who left', token: past('ended_at'), isOpen: false },
    { name: 'a ticket', token: ticket, isOpen: false },
    { name: 'a guess', token: async () => 'A'.repeat(43), isOpen: false },
  ];
}

describe('every route answers every role as declared', () => {
  it.each(['registry', 'gateway'] as const)(
    'of the %s',
    async (program) => {
      const isRegistry = program === 'registry';
      const issuer = isRegistry ? pair.registry.issuer : 'http://gateway.test';
      const cells = await routeMatrix({
        app: isRegistry ? pair.server : gatewayServer,
        db: isRegistry ? pair.registry.db : pair.gateway.db,
        issuer,
        audience: issuer,
        keys: keysOf(isRegistry ? pair.registry.ring : pair.gateway.ring),
        now,
        random,
        parameters: { period: PERIOD, part_number: '1' },
        people: isRegistry ? await people() : [],
      });
      const routes = new Set(cells.map((cell) => `${cell.method} ${cell.url}`));
      expect(routes.size).toBeGreaterThan(isRegistry ? 16 : 9);
      expect(cells.filter((cell) => !cell.isAsDeclared)).toEqual([]);
    },
    300_000,
  );
});

async function caller(role: Role): Promise<ApiClient> {
  const ring = pair.newRing(`caller-${randomUUID()}`);
  const participant_id = randomUUID();
  await admitParticipant(pair.gateway.db, {
    participant_id,
    name: role,
    role,
    licence_id: 'own',
    brands: [],
    jwks: publicJwks(ring),
    admitted_at: now(),
  });
  return openClient({
    base_url: 'http://gateway.test',
    participant_id,
    key: keysOf(ring).signing,
    kid: ring.signing.kid,
    fetch: (input, init) =>
      fetch(String(input).replace('http://gateway.test', gatewayUrl), init as RequestInit),
    now,
    random,
    sleep: async () => {},
  });
}

const moment = (answer: object) => (answer as { moment: string }).moment;

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof AssentError ? error.code : 'none';
}

describe("the gateway's API", () => {
  const authorisation = (id: string, over: object = {}) => ({
    authorisation_id: id,
    subject_ref: 'c1',
    purpose: 'F1',
    products: ['revolving_line'],
    accounts: ['a1'],
    fetch: 'PERIODIC',
    starts_at: '2025-06-01T08:00:00+08:00',
    notice_id: 'n',
    notice_version: 1,
    notice_sha256: 'a'.repeat(64),
    language: 'zh',
    channel: 'app',
    evidence_method: 'click',
    evidence_sha256: 'b'.repeat(64),
    service_conditional: false,
    events: [{ event: 'given', event_at: '2025-06-01T08:00:00+08:00' }],
    ...over,
  });
  const record = (api: ApiClient, json: unknown) =>
    api.json<{ state: string; result: string }>({
      method: 'POST',
      path: '/v1/authorisations',
      json,
      idempotent: true,
    });
  const append = (api: ApiClient, id: string, json: unknown) =>
    api.json<{ state: string; result: string }>({
      method: 'POST',
      path: `/v1/authorisations/${id}/events`,
      json,
      idempotent: true,
    });
  const decision = (api: ApiClient, account_ref: string) =>
    api.json<{ reason: string | null; authorisation_id: string | null }>({
      method: 'POST',
      path: `/v1/periods/${PERIOD}/decisions`,
      json: { account_ref },
      idempotent: true,
    });

  it('records an answer, releases the row, and withholds it after the withdrawal', async () => {
    const app = await caller('app');
    const officer = await caller('officer');
    const id = randomUUID();
    expect(await decision(officer, 'a1')).toMatchObject({ reason: 'never_asked' });
    expect(await record(app, authorisation(id))).toMatchObject({
      state: 'given',
      result: 'stored',
    });
    expect(await record(app, authorisation(id))).toMatchObject({ result: 'unchanged' });
    expect(await decision(officer, 'a1')).toMatchObject({ reason: null, authorisation_id: id });
    const withdrawn = { event: 'withdrawn', event_at: '2025-07-01T00:00:00Z' };
    expect(await append(app, id, withdrawn)).toMatchObject({
      state: 'withdrawn',
      result: 'stored',
    });
    expect(await append(app, id, withdrawn)).toMatchObject({ result: 'unchanged' });
    expect(await decision(officer, 'a1')).toMatchObject({ reason: 'withdrawn' });
    const shown = await officer.json<{ subject_ref: string; events: unknown[] }>({
      method: 'GET',
      path: `/v1/authorisations/${id}`,
    });
    expect(shown.subject_ref).toBe('c1');
    expect(shown.events).toHaveLength(2);
    const { coverage } = await officer.json<{ coverage: { withheld: object }[] }>({
      method: 'GET',
      path: '/v1/coverage',
      query: { period: PERIOD },
    });
    expect(coverage[0]?.withheld).toEqual({ never_asked: 1, withdrawn: 1 });
  });

  it('refuses what is wrong with a code of its own, and keeps what was there', async () => {
    const app = await caller('app');
    const id = randomUUID();
    await record(app, authorisation(id));
    const events = [{ event: 'given', event_at: '2025-06-02T00:00:00Z' }];
    const cases: [Promise<unknown>, string][] = [
      [record(app, authorisation(id, { events })), 'authorisation_altered'],
      [
        record(app, authorisation(randomUUID(), { subject_ref: 'nobody' })),
        'authorisation_invalid',
      ],
      [
        record(app, authorisation(randomUUID(), { accounts: ['nothing'] })),
        'authorisation_invalid',
      ],
      [record(app, authorisation(randomUUID(), { purpose: 'X9' })), 'authorisation_invalid'],
      [record(app, { ...authorisation(randomUUID()), more: 1 }), 'request_invalid'],
      [append(app, id, { event: 'refused', event_at: '2025-07-01T00:00:00Z' }), 'event_not_next'],
      [
        append(app, id, { event: 'withdrawn', event_at: '2025-01-01T00:00:00Z' }),
        'event_backdated',
      ],
      [
        append(app, id, { event: 'withdrawn', event_at: '2125-01-01T00:00:00Z' }),
        'event_in_future',
      ],
      [
        append(app, randomUUID(), { event: 'withdrawn', event_at: '2025-07-01T00:00:00Z' }),
        'authorisation_unknown',
      ],
    ];
    for (const [run, code] of cases) expect(await codeOf(run)).toBe(code);
    expect(await record(app, authorisation(id))).toMatchObject({ result: 'unchanged' });
  });

  it('answers the what-if to an officer, and says what is wrong with the question', async () => {
    const officer = await caller('officer');
    const ask = (query: Record<string, string>) =>
      officer.json<WhatIf>({ method: 'GET', path: '/v1/what-if', query });
    const from = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
    const answer = await ask({ profile: 'CN', from, accept_rate: '0.8' });
    expect(answer).toEqual(
      await whatIf(
        { ...pair.gateway, now: () => new Date(answer.at) },
        { profile: 'CN', from, accept_rate: 0.8, period: null },
      ),
    );
    expect(await codeOf(ask({ profile: 'CN', from: '2020-01-01' }))).toBe('argument_invalid');
    expect(await codeOf(ask({ profile: 'XX', from }))).toBe('profile_unknown');
    expect(await codeOf(ask({ profile: 'CN', from, accept_rate: '2' }))).toBe('request_invalid');
  });

  it('tells of ends, explains, exports and takes a death down', async () => {
    const app = await caller('app');
    const officer = await caller('officer');
    const id = randomUUID();
    const day = 86_400_000;
    const expires_at = new Date(Date.now() + 5 * day).toISOString();
    const lasting = { expires_at, withdrawal_uri: 'https://lender.test/withdraw' };
    await record(app, authorisation(id, { subject_ref: 'c2', accounts: ['a2'], ...lasting }));
    await sweep(pair.gateway);
    type Notices = { notices: { kind: string; subject_ref: string }[]; next: number };
    const told = (after: string) =>
      app.json<Notices>({ method: 'GET', path: '/v1/expiry-notices', query: { after } });
    const first = await told('0');
    expect(first.notices).toMatchObject([{ kind: 'expiring', days_before: 7, subject_ref: 'c2' }]);
    expect(await told(String(first.next))).toEqual({ notices: [], next: first.next });
    const explain = (json: object) =>
      officer.json<{ rows: object[]; authorisations: object[] }>({
        method: 'POST',
        path: '/v1/explanations',
        json,
        idempotent: true,
      });
    const whole = await explain({ subject_ref: 'c2' });
    expect(whole).toEqual(await explain({ account_ref: 'a2', period: PERIOD, at: moment(whole) }));
    expect(whole.rows).toMatchObject([
      { account_ref: 'a2', period: PERIOD, authorisation_id: id, reason: null },
    ]);
    const path = `/v1/authorisations/${id}/export`;
    const exported = (as: string) =>
      officer.json({ method: 'GET', path, query: { as }, idempotent: true });
    expect(await exported('rebit')).toMatchObject({ consentId: id, status: 'ACTIVE' });
    expect(await exported('rfc9396')).toMatchObject({
      authorization_details: [{ type: 'assent_credit_data', identifier: id }],
    });
    expect(await codeOf(exported('ts27560'))).toBe('party_not_configured');
    const death = { subject_ref: 'c2', evidence_sha256: 'd'.repeat(64) };
    expect(
      await app.json({ method: 'POST', path: '/v1/deaths', json: death, idempotent: true }),
    ).toMatchObject({ result: 'stored', ended: 1 });
    expect(await decision(officer, 'a2')).toMatchObject({ reason: 'revoked' });
  });

  it('lets only one of two events that arrive together in', async () => {
    const app = await caller('app');
    const id = randomUUID();
    await record(app, authorisation(id));
    const both = await Promise.allSettled(
      ['withdrawn', 'expired'].map((event) =>
        append(app, id, { event, event_at: '2025-08-01T00:00:00Z' }),
      ),
    );
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});
