/**
 * The registry judges successions itself: whatever a furnisher's program or an enquirer sends, a
 * record takes the place of another only where the gateway would have let it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventHash } from '../src/authorisation/hash.ts';
import type { AuthorisationEvent, AuthorisationRecord } from '../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../src/authorisation/sample-record.ts';
import { appendEvent, findAuthorisation, recordOne } from '../src/gateway/authorisations.ts';
import { exchangeEvents } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { signJws } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { rootOf } from '../src/log/merkle.ts';
import { AssentError } from '../src/model/error.ts';
import { audit } from '../src/registry/audit.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { leavesOf } from '../src/registry/authorisation-intake.ts';
import type { Permit } from '../src/registry/permits.ts';
import type { RowFault, SubmissionView } from '../src/wire/part.ts';
import { approvalColumns, BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const at = (day: number) => `2025-01-${String(day).padStart(2, '0')}T00:00:00.000Z`;
const REFUSED = ['A_SUCCESSION'];

interface Participant {
  readonly id: string;
  readonly ring: KeyRing;
}

interface Sent {
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}

describe.each(BACKENDS)('successions at the registry, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      60_000,
    );
  let pair: Pair;
  /** The first approval of client 1: at the registry, given on day 1. */
  let first: Sent;
  let people: Map<string, string>;

  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'successions');
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (missing) return;
    await pair.empty();
    await load(pair.gateway, tapeText([1, 2].map((n) => monthRow(n, PERIOD))));
    const ids = [randomUUID(), randomUUID()];
    for (const [index, id] of ids.entries())
      await recordOne(pair.gateway, approvalColumns(index + 1, id));
    await handOver(pair.gateway, pair.link(), PERIOD);
    first = await findAuthorisation(pair.gateway, ids[0] ?? '');
    const { rows } = await pair.gateway.db.query<{ subject_ref: string; subject_id: string }>(
      'select subject_ref, subject_id from customer',
    );
    people = new Map(rows.map((row) => [row.subject_ref, row.subject_id]));
  });

  const own = (): Participant => ({ id: pair.gateway.furnisher_id, ring: pair.gateway.ring });
  async function newParticipant(role: 'furnisher' | 'enquirer'): Promise<Participant> {
    const id = randomUUID();
    const ring = pair.newRing(`${role}-${id}`);
    await pair.admit(role, id, ring);
    return { id, ring };
  }
  const event = (seq: number, type: AuthorisationEvent['type'], day: number, reason?: string) => ({
    seq,
    type,
    at: at(day),
    by_party: first.record.parties.provider_id,
    reason: reason ?? null,
  });
  /** A record in the place of another, with what a test changes. */
  function next(old: Sent, changes: RecordChanges = {}, day = 5): Sent {
    const { record } = old;
    const own = {
      ...record,
      authorisation_id: randomUUID(),
      supersedes: record.authorisation_id,
      notice: { ...record.notice, ...changes.notice },
      evidence: { ...record.evidence, ...changes.evidence },
      limits: { ...record.limits, ...changes.limits },
      data: { ...record.data, ...changes.data },
      purpose: { ...record.purpose, ...changes.purpose },
      parties: { ...record.parties, ...changes.parties },
    };
    return { record: own, events: [event(1, 'given', day)] };
  }
  const answered = (day = 4) => ({
    evidence: { sha256: createHash('sha256').update(randomUUID()).digest('hex') },
    notice: { shown_at: at(day) },
  });
  const ended = (old: Sent, by: Sent, day = 5): Sent => ({
    ...old,
    events: [
      ...old.events,
      event(old.events.length + 1, 'superseded', day, by.record.authorisation_id),
    ],
  });

  /** Sends authorisations as a furnisher's own program might. @returns the rules of its faults */
  async function send(
    entries: readonly Sent[],
    { client = 'c1', by = own() }: { client?: string; by?: Participant } = {},
  ): Promise<string[]> {
    const lines = entries.map(
      (entry, n) =>
        `${n + 1}\t${JSON.stringify({ subject_ref: people.get(client), record: entry.record, events: entry.events })}\n`,
    );
    const text = lines.join('');
    const id = randomUUID();
    const body = gzipSync(text);
    const leaves = leavesOf(text.split('\n').slice(0, -1), 1);
    const root = Buffer.from(rootOf(leaves)).toString('base64');
    const sha256 = createHash('sha256').update(text).digest('hex');
    const manifest = {
      submission_id: id,
      furnisher_id: by.id,
      period: PERIOD,
      rows: { subject: 0, account: 0, authorisation: entries.length, month: 0 },
      parts: [{ part_number: 1, kind: 'authorisation', rows: entries.length, sha256 }],
      authorisation_tree: { size: entries.length, root },
    };
    const api = pair.client({ participant_id: by.id, ring: by.ring });
    const path = `/v1/submissions/${id}`;
    await api.json({ method: 'PUT', path, json: { period: PERIOD } });
    await api.send({
      method: 'PUT',
      path: `${path}/parts/1`,
      query: { kind: 'authorisation' },
      bytes: body,
      headers: {
        'content-type': 'application/octet-stream',
        'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
      },
    });
    const signed = await signJws(manifest, by.ring, { typ: 'assent-manifest+jws' });
    await api.json({ method: 'POST', path: `${path}/completion`, json: { manifest: signed } });
    await pair.work;
    expect(pair.failures).toEqual([]);
    const view = await api.json<SubmissionView>({ method: 'GET', path });
    expect(view.state).toMatch(/^received/);
    const { faults } = await api.json<{ faults: RowFault[] }>({
      method: 'GET',
      path: `${path}/faults`,
    });
    return faults.filter(({ outcome }) => outcome === 'rejected').map(({ rule }) => rule);
  }
  async function stateOf(sent: Sent): Promise<string | undefined> {
    const { rows } = await pair.registry.db.query<{ state: string }>(
      'select state from authorisation where authorisation_id = $1',
      [sent.record.authorisation_id],
    );
    return rows[0]?.state;
  }

  test('a sound one is taken, in any order of the lines, and again', async () => {
    const second = next(first);
    const third = next(second, answered(6), 7);
    const lines = [third, ended(second, third, 7), ended(first, second)];
    expect(await send(lines)).toEqual([]);
    expect([await stateOf(first), await stateOf(second), await stateOf(third)]).toEqual([
      'superseded',
      'superseded',
      'given',
    ]);
    expect(await send(lines)).toEqual([]);
  });

  test('one is superseded at most once, and only after it ended', async () => {
    const second = next(first);
    expect(await send([second])).toEqual(REFUSED); // The first one is still in force.
    expect(await send([ended(first, second), second])).toEqual([]);
    expect(await send([next(first, answered())])).toEqual(REFUSED);
    const heir = next(second);
    expect(await send([ended(second, heir), next(second)])).toEqual(REFUSED);
    expect(await send([heir])).toEqual([]);
  });

  test('what is unknown, another’s, or of another kind is refused with one rule', async () => {
    const other = await newParticipant('furnisher');
    await pair.registry.db.query(
      `insert into subject_locator (subject_ref, furnisher_id, subject_id, identity_version)
       select subject_ref, $1, subject_id, 1 from subject_locator where subject_ref = $2`,
      [other.id, people.get('c1') ?? ''],
    );
    const theirs = next(first);
    const { parties } = first.record;
    const elsewhere = {
      record: {
        ...theirs.record,
        supersedes: null,
        arrangement_id: theirs.record.authorisation_id,
        parties: { ...parties, provider_id: other.id },
      },
      events: theirs.events.map((each) => ({ ...each, by_party: other.id })),
    };
    expect(await send([elsewhere], { by: other })).toEqual([]);
    const naming = (id: string | null, over: RecordChanges = answered()) => {
      const each = next(first, over);
      return { ...each, record: { ...each.record, supersedes: id } };
    };
    const cases = [
      naming(randomUUID()),
      naming(elsewhere.record.authorisation_id),
      naming(null), // It joins the arrangement and names nothing.
      naming(first.record.authorisation_id, { ...answered(), purpose: { code: 'F2' } }),
    ];
    for (const each of cases) expect(await send([each])).toEqual(REFUSED);
    const second = next(first, answered());
    await send([ended(first, second)]);
    expect(await send([second], { client: 'c2' })).toEqual(REFUSED); // Another person.
    const { rows } = await pair.registry.db.query<{ why: string }>(
      'select distinct why from authorisation_refusal',
    );
    expect(rows).toEqual([{ why: 'succession' }]);
    expect(await send([second])).toEqual([]);
  });

  test('what reaches further, or was paused or withdrawn, needs a new answer', async () => {
    const wider: RecordChanges = { data: { products: ['revolving_line', 'instalment_loan'] } };
    const second = next(first, wider);
    expect(await send([ended(first, second), second])).toEqual(REFUSED);
    const anew = next(first, { ...wider, ...answered() });
    expect(await send([ended(first, second), anew])).toEqual(REFUSED); // Ended for another.
  });

  test('no pause is lifted and no withdrawal undone by a record of the lender’s own', async () => {
    const paused = { ...first, events: [...first.events, event(2, 'paused', 3)] };
    const lifted = next(paused);
    expect(await send([ended(paused, lifted), lifted])).toEqual(REFUSED);
    expect([await stateOf(first), await stateOf(lifted)]).toEqual(['superseded', undefined]);
  });

  test('a withdrawal after the answer reaches it', async () => {
    const gone = { ...first, events: [...first.events, event(2, 'withdrawn', 6)] };
    expect(await send([gone, next(gone)])).toEqual(REFUSED);
    expect(await send([next(gone, answered(4), 5)])).toEqual(REFUSED); // Answered before it.
    expect(await send([next(gone, answered(7), 8)])).toEqual([]);
  });

  const withdrawn = (old: Sent, day: number): Sent => ({
    ...old,
    events: [...old.events, event(old.events.length + 1, 'withdrawn', day)],
  });

  test('a withdrawal reaches what rests on an answer before it, through records that have ended', async () => {
    const second = next(first, answered(2), 3);
    const gone = withdrawn(ended(first, second, 3), 6);
    const sendHeir = (heir: Sent, day: number) => send([gone, ended(second, heir, day), heir]);
    expect(await sendHeir(next(second, answered(4), 5), 5)).toEqual(REFUSED);
    expect([await stateOf(first), await stateOf(second)]).toEqual(['withdrawn', 'superseded']);
    expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
  });

  test('an answer after it goes on, which the lender’s own hand does not', async () => {
    const second = next(first, answered(2), 3);
    const gone = withdrawn(ended(first, second, 3), 6);
    const narrowed = next(second, {}, 8);
    expect(await send([gone, ended(second, narrowed, 8), narrowed])).toEqual(REFUSED);
    const renewed = {
      ...next(second, answered(7), 8).record,
      authorisation_id: narrowed.record.authorisation_id,
    };
    expect(await send([{ ...narrowed, record: renewed }])).toEqual([]);
  });

  test('what has ended lends nothing to what comes after it', async () => {
    const wider: RecordChanges = { data: { products: ['revolving_line', 'instalment_loan'] } };
    const second = next(first, wider, 5);
    const third = next(second, {}, 6);
    const lines = [ended(first, second, 5), ended(second, third, 6), third];
    expect(await send(lines)).toEqual(REFUSED);
    expect([await stateOf(second), await stateOf(third)]).toEqual(['superseded', undefined]);
  });

  test('an amended one-time approval is used once', async () => {
    const once = next(first, { ...answered(), limits: { fetch: 'ONETIME' } });
    expect(await send([ended(first, once), once])).toEqual([]);
    await pair.registry.db.query(
      `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
       select subject_id, authorisation_id, $2, $3 from authorisation where authorisation_id = $1`,
      [once.record.authorisation_id, randomUUID(), at(6)],
    );
    const again = next(once, {}, 7);
    expect(await send([ended(once, again, 7), again])).toEqual([]);
    const { rows } = await pair.registry.db.query<{ n: number }>(
      'select count(*) as n from authorisation_use where authorisation_id = $1',
      [again.record.authorisation_id],
    );
    expect(rows[0]?.n).toBe(1);
  });

  test('an event that gives a request is judged like a record', async () => {
    const asked = next(first);
    const request = { ...asked, events: [event(1, 'requested', 4)] };
    expect(await send([request])).toEqual([]);
    expect(await send([{ ...request, events: [...request.events, event(2, 'given', 5)] }])).toEqual(
      REFUSED,
    );
    expect(await stateOf(request)).toBe('requested');
    const { rows } = await pair.registry.db.query<{ record_sha256: string; hash: string }>(
      `select encode(a.record_sha256, 'hex') as record_sha256, encode(e.hash, 'hex') as hash
       from authorisation a join authorisation_event e on e.authorisation_id = a.authorisation_id
       where a.authorisation_id = $1`,
      [asked.record.authorisation_id],
    );
    const { record_sha256 = '', hash = '' } = rows[0] ?? {};
    const given = event(2, 'given', 5);
    const { authorisation_id } = asked.record;
    const event_id = eventHash(authorisation_id, record_sha256, given, hash);
    const claims = {
      iss: pair.gateway.furnisher_id,
      ...{ authorisation_id, record_sha256, event: given, event_id, prev_hash: hash, after: hash },
    };
    const signed = await signJws(claims, pair.gateway.ring, { typ: 'assent-event+jws' });
    const push = () =>
      pair.client().json<{ result: string }>({
        method: 'PUT',
        path: `/v1/authorisation-events/${event_id}`,
        json: { signed, submission_id: null },
      });
    expect(await codeOf(push())).toBe('authorisation_invalid');
    expect(await send([ended(first, asked)])).toEqual([]);
    expect(await push()).toMatchObject({ result: 'stored' });
  });

  test('a gateway sends what came before a record in its arrangement', async () => {
    const ids = ['', '', ''].map(() => randomUUID());
    await load(pair.gateway, tapeText([monthRow(3, PERIOD)]));
    for (const [n, id] of ids.entries())
      await recordOne(pair.gateway, {
        ...approvalColumns(3, id, {
          arrangement_id: ids[0] ?? '',
          evidence_sha256: String(n).repeat(64),
          shown_at: at(n + 1),
          events: [{ event: 'given', event_at: at(n + 1) }],
        }),
        ...(n > 0 ? { supersedes: ids[n - 1] ?? '' } : {}),
      });
    const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(receipt?.outcomes.authorisation).toMatchObject({ declared: 3, accepted: 3 });
    expect(receipt?.outcomes.month).toMatchObject({ declared: 1, accepted: 1 });
    expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
  });

  /** In the place of client 1's approval, on that day: by an answer of their own, or by nobody's. */
  async function renew(old: string, day: number, isAnswered = true): Promise<string> {
    const id = randomUUID();
    const answer = {
      evidence_sha256: createHash('sha256').update(id).digest('hex'),
      shown_at: at(day),
    };
    await recordOne(pair.gateway, {
      ...approvalColumns(1, id, {
        arrangement_id: first.record.authorisation_id,
        ...(isAnswered ? answer : {}),
        events: [{ event: 'given', event_at: at(day) }],
      }),
      supersedes: old,
    });
    return id;
  }

  /** The next month goes with both records, and the registry takes all of it. */
  async function expectTaken(): Promise<void> {
    await load(pair.gateway, tapeText([1, 2].map((n) => monthRow(n, '2026-02'))));
    const { receipt } = await handOver(pair.gateway, pair.link(), '2026-02');
    expect(receipt?.outcomes.authorisation).toMatchObject({ declared: 2, accepted: 2 });
    expect(receipt?.outcomes.month).toMatchObject({ declared: 2, accepted: 2 });
  }

  test('who approves anew after a revocation that the lender had not heard of goes on', async () => {
    await endAuthorisation(pair.registry, first.record.authorisation_id, {
      ...{ type: 'revoked', reason: 'court_order', evidence_sha256: 'c'.repeat(64) },
      ...{ by_party: randomUUID(), subject_id: null },
    });
    const second = await renew(first.record.authorisation_id, 5, false);
    await exchangeEvents(pair.gateway, pair.link());
    expect((await findAuthorisation(pair.gateway, second)).state).toBe('revoked_by_other');
    await renew(second, 8);
    await expectTaken();
  });

  test('who approves anew after a withdrawal of what the registry never heard of goes on', async () => {
    const second = await renew(first.record.authorisation_id, 5);
    await exchangeEvents(pair.gateway, pair.link());
    await appendEvent(pair.gateway, second, { event: 'withdrawn', event_at: at(6) });
    await exchangeEvents(pair.gateway, pair.link());
    expect(await stateOf(first)).toBe('withdrawn'); // Told in the place of the second.
    const third = await renew(second, 8);
    await expectTaken();
    expect((await findAuthorisation(pair.gateway, third)).state).toBe('given');
    expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
  });

  describe('of an enquirer', () => {
    let enquirer: Participant;
    const PERSON = {
      ...{ kind: 'passport', country: 'CN', number: 'X00000000' },
      ...{ name: 'Nobody Atall', birth_date: '1990-01-01' },
    };
    beforeEach(async () => {
      if (missing) return;
      enquirer = await newParticipant('enquirer');
    });
    function approval(by = enquirer): Sent {
      const id = randomUUID();
      const record = sampleRecord({
        authorisation_id: id,
        arrangement_id: id,
        parties: {
          provider_id: pair.registry.registry_id,
          recipient_class: 'lender',
          recipient_id: by.id,
        },
        purpose: { code: 'Q1' },
        limits: { mode: 'VIEW', fetch: 'ONETIME', starts_at: at(1) },
      });
      return { record, events: [{ ...event(1, 'given', 1), by_party: by.id }] };
    }
    const of = (sent: Sent, by = enquirer): Sent => ({
      ...sent,
      events: sent.events.map((each) => ({ ...each, by_party: by.id })),
    });
    async function bring(sent: Sent, by = enquirer): Promise<{ result: string }> {
      const { record, events } = sent;
      const signed = await signJws({ record, events }, by.ring, {
        typ: 'assent-authorisation+jws',
      });
      return pair.client({ participant_id: by.id, ring: by.ring }).json({
        method: 'POST',
        path: '/v1/authorisations',
        json: { signed, person: PERSON },
      });
    }
    const claim = (sent: Sent) =>
      pair.client({ participant_id: enquirer.id, ring: enquirer.ring }).json<Permit>({
        method: 'POST',
        path: '/v1/permits',
        json: {
          authorisation_id: sent.record.authorisation_id,
          purpose: 'Q1',
          use_id: randomUUID(),
        },
      });

    test('is judged too: one answer is one use, under whatever record', async () => {
      const asked = approval();
      await bring(asked);
      expect(await claim(asked)).toMatchObject({ permitted: true });
      const again = of(next(asked));
      expect(await bring(again)).toMatchObject({ result: 'stored' });
      expect([await stateOf(asked), await stateOf(again)]).toEqual(['superseded', 'given']);
      expect(await bring(again)).toMatchObject({ result: 'unchanged' });
      // Who ends the old one in a call of its own says what is known.
      expect(await bring(of(ended(asked, again)))).toMatchObject({ result: 'unchanged' });
      expect(await claim(again)).toMatchObject({ permitted: false, reason: 'limit_reached' });
      expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
      expect(await codeOf(bring(of(next(asked))))).toBe('authorisation_superseded');
    });

    test('another’s and none are answered alike, and only the trace is kept', async () => {
      const other = await newParticipant('enquirer');
      const theirs = approval(other);
      await bring(theirs, other);
      const mine = approval();
      const naming = (id: string): Sent => ({
        ...mine,
        record: { ...mine.record, authorisation_id: randomUUID(), supersedes: id },
      });
      const answers = [
        await failure(bring(naming(theirs.record.authorisation_id))),
        await failure(bring(naming(randomUUID()))),
      ];
      expect(new Set(answers).size).toBe(1);
      expect(answers[0]).toContain('supersedes_invalid');
      const { rows } = await pair.registry.db.query<{ n: number }>(
        `select count(*) as n from authorisation_refusal where why = 'succession'`,
      );
      expect(rows[0]?.n).toBe(2);
    });
  });

  const failure = (run: Promise<unknown>) =>
    run.then(
      () => 'none',
      (error: unknown) => String(error),
    );
  const codeOf = (run: Promise<unknown>) =>
    run.then(
      () => 'none',
      (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
    );
});
