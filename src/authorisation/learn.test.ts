/**
 * Convergence: whatever happens on both sides, and in whatever order and however often each hears
 * of the other, both end in the same state with the same events.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database, Session } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import { canonicalRecord } from './canonical-record.ts';
import { eventChain, sha256Hex } from './hash.ts';
import { learnEvent, type Told } from './learn.ts';
import { type AuthorisationEvent, EVENT_STATES, fold, mayFollow } from './record.ts';
import { sampleRecord } from './sample-record.ts';
import { type Entry, entriesOf, prepare, storeEntries } from './store.ts';

const PROVIDER = '00000000-0000-4000-8000-0000000000aa';
const OPERATORS = ['00000000-0000-4000-8000-0000000000b1', '00000000-0000-4000-8000-0000000000b2'];
const HERE = [
  'paused',
  'resumed',
  'withdrawn',
  'expired',
  'revoked',
  'invalidated',
  'superseded',
] as const;
const THERE = ['withdrawn', 'revoked'] as const;
/** Of the ends, from the mildest. */
const STRICTNESS = ['superseded', 'expired', 'revoked', 'invalidated', 'withdrawn'];

const STEP = fc.oneof(
  fc.record({ do: fc.constant('here' as const), type: fc.constantFrom(...HERE) }),
  fc.record({
    do: fc.constant('there' as const),
    type: fc.constantFrom(...THERE),
    who: fc.constantFrom(...OPERATORS),
  }),
  // One side hears the next event of the other, or again one that it heard.
  fc.record({
    do: fc.constant('hear' as const),
    side: fc.constantFrom('g', 'r'),
    again: fc.boolean(),
  }),
);
type Step = typeof STEP extends fc.Arbitrary<infer T> ? T : never;

let gateway: Database;
let registry: Database;
beforeAll(async () => {
  gateway = await openPglite();
  registry = await openPglite();
  await migrate(gateway, 'gateway', () => new Date());
  await migrate(registry, 'registry', () => new Date());
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await registry.close();
});

/** Stores one entry under some batch; true when it was stored. */
async function store(session: Session, entry: Entry, at: Date): Promise<boolean> {
  const { results } = await storeEntries(session, [prepare(entry)], {
    recorded_at: at,
    by_party: PROVIDER,
    newId: randomUUID,
    batch_id: randomUUID(),
    leafIndex: () => 0,
  });
  return results[0]?.result === 'stored';
}

class Side {
  readonly db: Database;
  readonly id: string;
  readonly subject = randomUUID();
  /** What the other side told so far, and how much of it was heard. */
  readonly inbox: Told[] = [];
  heard = 0;

  constructor(db: Database, id: string) {
    this.db = db;
    this.id = id;
  }

  async begin(at: Date): Promise<void> {
    const record = sampleRecord({ authorisation_id: this.id, arrangement_id: this.id });
    const event = {
      seq: 1,
      type: 'given' as const,
      at: at.toISOString(),
      by_party: PROVIDER,
      reason: null,
    };
    const { subject } = this;
    const entry = { subject_id: subject, subject_ref: subject, record, events: [event] };
    await this.db.transaction((session) => store(session, entry, at));
  }

  async entry() {
    const [entry] = await entriesOf(this.db, [this.id]);
    if (!entry) throw new Error('it was begun');
    return entry;
  }

  async state(): Promise<string> {
    const folded = fold((await this.entry()).events);
    if (!folded.ok) throw new Error(`event ${folded.seq} may not follow`);
    return folded.state;
  }

  /** An event of this side's own, if it may follow; as told to the other. */
  async happen(type: AuthorisationEvent['type'], by: string, at: Date): Promise<Told | null> {
    const entry = await this.entry();
    if (!mayFollow(await this.state(), type)) return null;
    const event = {
      seq: entry.events.length + 1,
      type,
      at: at.toISOString(),
      by_party: by,
      reason: null,
    };
    const events = [...entry.events, event];
    const isStored = await this.db.transaction((session) =>
      store(session, { ...entry, events }, at),
    );
    expect(isStored).toBe(true);
    const ofRecord = sha256Hex(canonicalRecord(entry.record));
    const hashes = eventChain(this.id, ofRecord, events);
    const own = entry.events.findLast((each) => each.by_party === by);
    return {
      authorisation_id: this.id,
      record_sha256: ofRecord,
      event,
      prev_hash: hashes.at(-2) ?? null,
      event_id: hashes.at(-1) ?? '',
      after: by === PROVIDER && own ? (hashes[own.seq - 1] ?? null) : null,
    };
  }

  async hear(told: Told, at: Date): Promise<string> {
    const { result } = await this.db.transaction((session) =>
      learnEvent(session, told, {
        provider_id: PROVIDER,
        signed: 'jws',
        recorded_at: at,
        store: (inner, entry) => store(inner, entry, at),
      }),
    );
    return result;
  }

  async hearNext(isAgain: boolean, at: Date): Promise<void> {
    const again = this.inbox[this.heard - 1];
    if (isAgain && again) expect(await this.hear(again, at)).toBe('unchanged');
    const next = this.inbox[this.heard];
    if (isAgain || !next) return;
    this.heard += 1;
    expect(await this.hear(next, at)).toBe('stored');
  }
}

async function play(steps: readonly Step[]): Promise<[Side, Side]> {
  const id = randomUUID();
  const [g, r] = [new Side(gateway, id), new Side(registry, id)];
  let time = Date.parse('2026-01-01T00:00:00.000Z');
  const tick = () => {
    time += 1000;
    return new Date(time);
  };
  await g.begin(new Date(time));
  await r.begin(new Date(time));
  for (const step of steps) {
    if (step.do === 'hear') await (step.side === 'g' ? g : r).hearNext(step.again, tick());
    else if (step.do === 'here') {
      const told = await g.happen(step.type, PROVIDER, tick());
      if (told) r.inbox.push(told);
    } else {
      const told = await r.happen(step.type, step.who, tick());
      if (told) g.inbox.push(told);
    }
  }
  for (const side of [g, r])
    while (side.heard < side.inbox.length) await side.hearNext(false, tick());
  return [g, r];
}

const eventsOf = async (side: Side) =>
  (await side.entry()).events.map((e) => `${e.type} ${e.by_party} ${e.at}`).sort();

async function hashesAreAChain({ db, id }: Side): Promise<boolean> {
  const { rows } = await db.query<{ ok: boolean }>(
    `select bool_and(prev_hash is not distinct from before) as ok from (
       select prev_hash, lag(hash) over (order by seq) as before from authorisation_event
       where authorisation_id = $1) e`,
    [id],
  );
  return rows[0]?.ok === true;
}

describe('both sides of an authorisation', () => {
  it('converge on the strictest end, with the whole history on both', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { maxLength: 12 }), async (steps) => {
        const [g, r] = await play(steps);
        expect(await g.state()).toBe(await r.state());
        expect(await eventsOf(g)).toEqual(await eventsOf(r));
        expect([await hashesAreAChain(g), await hashesAreAChain(r)]).toEqual([true, true]);
        const types = (await g.entry()).events.map((event) => event.type);
        const strictest = STRICTNESS.findLast((type) => types.some((each) => each === type));
        if (strictest) {
          const state = EVENT_STATES[strictest as keyof typeof EVENT_STATES];
          // superseded and expired never meet: both are the gateway's, which makes one of them.
          expect(await g.state()).toBe(state);
        }
      }),
      { numRuns: Number(process.env['LEARN_RUNS'] ?? 60) },
    );
  }, 300_000);

  it('learn nothing that was altered, or of a number that is taken', async () => {
    const id = randomUUID();
    const at = new Date('2026-01-01T00:00:00.000Z');
    const [g, r] = [new Side(gateway, id), new Side(registry, id)];
    await g.begin(at);
    await r.begin(at);
    const paused = await g.happen('paused', PROVIDER, at);
    const resumed = await g.happen('resumed', PROVIDER, at);
    if (!paused || !resumed) throw new Error('both may follow');
    expect(await r.hear({ ...paused, prev_hash: null }, at)).toBe('altered');
    expect(await r.hear({ ...paused, authorisation_id: randomUUID() }, at)).toBe('unknown');
    expect(await r.hear(resumed, at)).toBe('out_of_order');
    expect(await r.hear(paused, at)).toBe('stored');
    expect(await r.hear(resumed, at)).toBe('stored');
    const event = { ...paused.event, reason: 'another' };
    const [, hash] = eventChain(id, paused.record_sha256, [
      (await g.entry()).events[0] as AuthorisationEvent,
      event as AuthorisationEvent,
    ]);
    const fork = { ...paused, event, event_id: hash ?? '' };
    expect(await r.hear(fork, at)).toBe('altered');
  });
});
