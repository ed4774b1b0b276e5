/**
 * A world for the end-to-end simulation: two gateways and one registry, each with a database of
 * its own, talking through the registry's real server and the real client, without sockets.
 *
 * What must stay true: time stands still but for steps and requests, so both sides decide at
 * moments that the oracle knows; what a submission does is done when its completion is answered; ids and
 * randomness come from the seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Profile } from '../../src/authorisation/profile.ts';
import { buildGatewayServer } from '../../src/cli/home.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import type { Registry as RegistryLink } from '../../src/gateway/hand-over.ts';
import { openClient } from '../../src/http/client.ts';
import type { Server } from '../../src/http/instance.ts';
import { personServing } from '../../src/http/person-serving.ts';
import { registryApi } from '../../src/http/registry-api.ts';
import { buildServer } from '../../src/http/server.ts';
import { publicJwks } from '../../src/keys/jws.ts';
import { createKeyFile, loadKeyFile } from '../../src/keys/key-file.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { admitParticipant, openParticipantStore } from '../../src/participants/participant.ts';
import type { Role } from '../../src/participants/role.ts';
import { processSubmission } from '../../src/registry/intake.ts';
import type { Registry } from '../../src/registry/registry.ts';
import type { PostWebhook } from '../../src/registry/webhooks.ts';
import type { ApiRequest } from '../../src/wire/api-client.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { type Backend, empty, openStore, type Switch, switchTo } from '../pair.ts';

export const FURNISHERS = [
  '00000000-0000-4000-8000-0000000000aa',
  '00000000-0000-4000-8000-0000000000ab',
] as const;
/** Who asks for looks at files. */
export const ENQUIRERS = [
  '00000000-0000-4000-8000-0000000000e1',
  '00000000-0000-4000-8000-0000000000e2',
] as const;
/** Who acts at the registry for people who ask it. */
export const OPERATOR = '00000000-0000-4000-8000-0000000000ad';
const ISSUER = 'http://registry.test';
/** Requests kept, to be sent again. */
const PUSHES_KEPT = 20;
/** Tidying costs as much as some steps, and bounds what a long run holds in memory. */
const EPISODES_UNTIDIED = 4;

/** Every property may be set anew for each episode. */
type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** Called around each request of a gateway; a throw is a gateway that died there. */
export type Watch = (request: ApiRequest, phase: 'before' | 'after') => Promise<void>;

export class World {
  clock = '2026-01-01T00:00:00.000Z';
  random: Seeded = seeded(0);
  readonly notices: Record<string, number> = { n: 2 };
  readonly gateways: readonly [Open<Gateway>, Open<Gateway>];
  readonly enquirers: readonly { readonly id: string; readonly ring: KeyRing }[];
  /** Which gateways were told to read the feed, and have not yet. */
  readonly knocked: [boolean, boolean] = [false, false];
  readonly #receivers: Server[] = [];
  readonly registry: Open<Registry>;
  readonly stores: { readonly gateways: readonly [Switch, Switch]; readonly registry: Switch };
  readonly failures: unknown[] = [];
  /** The newest events that each gateway pushed. */
  readonly pushed: readonly [ApiRequest[], ApiRequest[]] = [[], []];
  /** A fault on the way: the registry's feed comes empty. */
  isFeedEmpty = false;
  #server: Server | null = null;
  #work: Promise<unknown> = Promise.resolve();
  #turn: Promise<unknown> = Promise.resolve();
  #episodes = 0;
  readonly #folder: string;

  private constructor(stores: World['stores'], folder: string) {
    this.#folder = folder;
    this.stores = stores;
    const base = {
      profile: null,
      notices: this.notices,
      now: () => new Date(this.clock),
      newId: () => this.random.uuid(),
    };
    const [first, second] = stores.gateways;
    this.registry = {
      ...base,
      db: stores.registry.db,
      ring: this.#ring('registry'),
      issuer: ISSUER,
      registry_id: '00000000-0000-4000-8000-0000000000ee',
    };
    this.gateways = [
      { ...base, db: first.db, ring: this.#ring('first'), furnisher_id: FURNISHERS[0] },
      { ...base, db: second.db, ring: this.#ring('second'), furnisher_id: FURNISHERS[1] },
    ];
    this.enquirers = ENQUIRERS.map((id) => ({ id, ring: this.#ring(id) }));
  }

  static async open(backend: Backend = 'pglite'): Promise<World> {
    const open = async (program: 'gateway' | 'registry', name: string) =>
      switchTo(await openStore(backend, program, name));
    const stores = {
      gateways: [await open('gateway', 'sim_a'), await open('gateway', 'sim_b')] as const,
      registry: await open('registry', 'sim'),
    };
    const world = new World(stores, mkdtempSync(join(tmpdir(), 'assent-world-')));
    await world.#serve();
    for (const { furnisher_id, ring } of world.gateways)
      await world.#admit('furnisher', furnisher_id, ring);
    for (const { id, ring } of world.enquirers) await world.#admit('enquirer', id, ring);
    return world;
  }

  #admit(role: Role, participant_id: string, ring: KeyRing): Promise<unknown> {
    return admitParticipant(this.registry.db, {
      ...{ participant_id, role, licence_id: 'test', brands: [], jwks: publicJwks(ring) },
      name: `${role} ${participant_id.slice(-2)}`,
      admitted_at: new Date(this.clock),
    });
  }

  #ring(name: string): KeyRing {
    const path = join(this.#folder, `${name}.json`);
    const random = (bytes: number) => this.bytes(bytes);
    createKeyFile(path, { random, now: () => new Date(this.clock) });
    return loadKeyFile(path, { random });
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.random.between(0, 255));
  }

  async #serve(): Promise<void> {
    const { registry } = this;
    const config = { registry: { url: ISSUER, keys: registry.ring.publicKeys } } as never;
    for (const side of [0, 1] as const) {
      const pull = () => {
        this.knocked[side] = true;
      };
      const gateway = this.gateways[side];
      const url = `http://gateway-${side}.test`;
      this.#receivers.push(await buildGatewayServer({ gateway, config }, url, { pull }));
    }
    const process = (id: string) => {
      this.#work = this.#work
        .then(() => processSubmission(registry, id))
        .catch((error: unknown) => this.failures.push(error));
    };
    this.#server = await buildServer({
      issuer: ISSUER,
      audience: ISSUER,
      now: registry.now,
      random: (bytes) => this.bytes(bytes),
      version: 'test',
      keys: {
        kid: registry.ring.signing.kid,
        signing: signingKey(registry.ring),
        publicKeys: registry.ring.publicKeys as never,
      },
      participants: openParticipantStore(registry.db),
      ...personServing(registry),
      routes: registryApi({ registry, process, loopback: true }),
      title: 'Test',
      description: 'Test',
      probe: async () => true,
      limits: { tokenRequestsPerMinute: 1e9, requestsPerMinute: 1e9 },
    });
  }

  /** The gateway's way to the registry. */
  link(gateway: Gateway, watch: Watch): RegistryLink {
    const api = openClient({
      base_url: ISSUER,
      participant_id: gateway.furnisher_id,
      key: signingKey(gateway.ring),
      kid: gateway.ring.signing.kid,
      fetch: (input, init) => this.#fetch(String(input), init ?? {}),
      now: gateway.now,
      random: (bytes) => this.bytes(bytes),
      attempts: 2,
      sleep: async () => {},
    });
    const inTurn = async <T>(request: ApiRequest, run: () => Promise<T>): Promise<T> => {
      await watch(request, 'before');
      // What is done on either side of a request is told apart.
      this.clock = new Date(Date.parse(this.clock) + 1).toISOString();
      const answer = await run();
      this.#keep(gateway, request);
      await watch(request, 'after');
      return answer;
    };
    // One request at a time: time must not move for another that is still being answered.
    const around = <T>(request: ApiRequest, run: () => Promise<T>): Promise<T> => {
      const turn = this.#turn.then(() => inTurn(request, run));
      this.#turn = turn.catch(() => {});
      return turn;
    };
    return {
      api: {
        send: (request) => around(request, () => api.send(request)),
        json: <T>(request: ApiRequest) => around(request, () => api.json<T>(request)),
      },
      keys: { keys: this.registry.ring.publicKeys },
      sleep: async () => {},
    };
  }

  /** A webhook arrives at a gateway. @returns the status it is answered with */
  async receive(side: 0 | 1, webhook: Parameters<PostWebhook>[0]): Promise<number> {
    const answer = await this.#receivers[side]?.inject({
      method: 'POST',
      url: '/v1/webhook',
      headers: { ...webhook.headers },
      payload: Buffer.from(webhook.body),
    });
    return answer?.statusCode ?? 0;
  }

  /** Fulfilled when nothing that was asked is unanswered: what died may have left requests behind. */
  async idle(): Promise<void> {
    for (let turn: unknown = null; turn !== this.#turn; ) {
      turn = this.#turn;
      await turn;
      await new Promise((next) => setImmediate(next));
    }
  }

  #keep(gateway: Gateway, request: ApiRequest): void {
    if (!request.path.startsWith('/v1/authorisation-events/')) return;
    const pushed = this.pushed[gateway.furnisher_id === FURNISHERS[0] ? 0 : 1];
    pushed.push(request);
    if (pushed.length > PUSHES_KEPT) pushed.shift();
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const { method = 'GET', headers = {}, body } = init;
    const isForm = body instanceof URLSearchParams;
    const answer = await this.#server?.inject({
      method: method as 'GET',
      url: url.slice(ISSUER.length),
      headers: {
        ...(headers as Record<string, string>),
        ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
      },
      ...(body ? { payload: isForm ? body.toString() : (body as Buffer) } : {}),
    });
    if (!answer) throw new Error('the server is closed');
    if (url.endsWith('/completion')) await this.#work;
    const isBare = answer.statusCode === 204;
    if (this.isFeedEmpty && url.includes('/v1/feed?'))
      return Response.json({ ...(answer.json() as object), entries: [] });
    return new Response(isBare ? null : new Uint8Array(answer.rawPayload), {
      status: answer.statusCode,
      headers: answer.headers as Record<string, string>,
    });
  }

  /**
   * An embedded database has nobody who tidies it: neither what was deleted nor the log of what was
   * done would ever be let go of, and both lie in memory.
   */
  async #tidy(): Promise<void> {
    for (const { current } of [...this.stores.gateways, this.stores.registry]) {
      if (current.backend !== 'pglite') continue;
      await current.query('vacuum');
      await current.query('checkpoint');
    }
  }

  /** Empties all three databases and begins another episode. */
  async begin(seed: number, profiles: readonly Profile[], partRows: number): Promise<void> {
    // Not the steps' own generator: how much the system draws must not change the history.
    this.random = seeded(seed ^ 0x5f3759df);
    this.knocked.fill(false);
    for (const list of [this.failures, ...this.pushed]) list.length = 0;
    for (const store of [...this.stores.gateways, this.stores.registry]) await empty(store.current);
    await this.registry.db.query('delete from client_assertion');
    this.#episodes += 1;
    if (this.#episodes % EPISODES_UNTIDIED === 0) await this.#tidy();
    const [first = null, second = null, third = null] = profiles;
    this.gateways[0].profile = first;
    this.gateways[1].profile = second;
    this.registry.profile = third;
    for (const gateway of this.gateways) gateway.partRows = partRows;
    this.notices['n'] = 2;
  }

  async close(): Promise<void> {
    await this.#server?.close();
    for (const receiver of this.#receivers) await receiver.close();
    for (const store of [...this.stores.gateways, this.stores.registry])
      await store.current.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const signingKey = (ring: KeyRing) =>
  ring.signing.key.toCryptoKey({ name: 'Ed25519' }, false, ['sign']) as never;
