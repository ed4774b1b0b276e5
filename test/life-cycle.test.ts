/**
 * The life of an authorisation at a gateway: renewed, amended, paused, ended by time, by a ward's
 * coming of age and by death; on both databases, with a clock of the test's own.
 */
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { AuthorisationColumns } from '../src/authorisation/from-columns.ts';
import { loadProfile } from '../src/authorisation/profile.ts';
import { type CrashingDatabase, crashing } from '../src/database/crashing.ts';
import { appendEvent, findAuthorisation, recordOne } from '../src/gateway/authorisations.ts';
import { recordDeath } from '../src/gateway/death.ts';
import { explainAccount } from '../src/gateway/explain.ts';
import { pullFeed } from '../src/gateway/feed.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { noticesDue } from '../src/gateway/notices-due.ts';
import { pushEvents } from '../src/gateway/outbox.ts';
import { sweep } from '../src/gateway/sweep.ts';
import { AssentError } from '../src/model/error.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { BACKENDS, bytesOf, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 2, 1);
const dayAt = (n: number) => new Date(START + n * DAY_MS).toISOString();
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const hashOf = (n: number) => String(n).padStart(64, '0');

describe.each(BACKENDS)('the life of an authorisation, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) => it.skipIf(missing)(name(text), run);
  let pair: Pair;
  let gateway: Gateway;
  let today = 0;

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'life_cycle');
    const now = () => new Date(START + today * DAY_MS);
    gateway = { ...pair.gateway, now };
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (missing) return;
    today = 0;
    await pair.empty();
    await load(gateway, tapeText([1, 2, 3].map((n) => monthRow(n, PERIOD))));
  });

  /** An approval of client 1 given on day 0, with whatever a test changes. */
  const approval = (n: number, over: object = {}): AuthorisationColumns =>
    ({
      authorisation_id: idOf(n),
      arrangement_id: idOf(100),
      subject_ref: 'c1',
      purpose: 'F1',
      products: ['revolving_line'],
      accounts: 'ALL',
      fetch: 'PERIODIC',
      starts_at: dayAt(0),
      notice_id: 'n',
      notice_version: 1,
      notice_sha256: hashOf(0),
      language: 'zh',
      channel: 'app',
      evidence_method: 'CLICK',
      evidence_sha256: hashOf(1),
      service_conditional: false,
      events: [{ event: 'given', event_at: dayAt(0) }],
      ...over,
    }) as AuthorisationColumns;
  /** One that takes the place of the approval before it, given on a day; unanswered. */
  const amended = (n: number, day: number, over: object = {}) =>
    approval(n, {
      supersedes: idOf(n - 1),
      events: [{ event: 'given', event_at: dayAt(day) }],
      ...over,
    });
  /** What makes it a new answer. */
  const answered = (n: number, day: number) => ({
    evidence_sha256: hashOf(n),
    shown_at: dayAt(day - 0.5),
  });
  const stateOf = async (n: number) => (await findAuthorisation(gateway, idOf(n))).state;
  const decision = async (account = 'a1') => {
    const { rows } = await explainAccount(gateway, account, PERIOD, gateway.now());
    return rows[0]?.reason ?? rows[0]?.authorisation_id;
  };
  const codeOf = (run: Promise<unknown>) =>
    run.then(
      () => 'none',
      (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
    );
  const event = (n: number, type: string, day: number) =>
    appendEvent(gateway, idOf(n), { event: type, event_at: dayAt(day) });

  test('renews: the new one is given as the old one is superseded', async () => {
    await recordOne(gateway, approval(1, { expires_at: dayAt(30) }));
    today = 20;
    const renewal = amended(2, 20, { expires_at: dayAt(60), ...answered(2, 20) });
    expect(await recordOne(gateway, renewal)).toMatchObject({ state: 'given', result: 'stored' });
    expect(await stateOf(1)).toBe('superseded');
    const { record, events } = await findAuthorisation(gateway, idOf(1));
    expect(events.at(-1)).toMatchObject({ at: dayAt(20), reason: idOf(2) });
    expect(record.arrangement_id).toBe(idOf(100));
    expect(await decision()).toBe(idOf(2));
    expect(await recordOne(gateway, renewal)).toMatchObject({ result: 'unchanged' });
    expect(await recordOne(gateway, approval(1, { expires_at: dayAt(30) }))).toMatchObject({
      result: 'unchanged',
    });
    const second = { ...amended(3, 20, answered(3, 20)), supersedes: idOf(1) };
    expect(await codeOf(recordOne(gateway, second))).toBe('authorisation_superseded');
  });

  test('lets a narrowing pass without an answer, and a widening only with one', async () => {
    await recordOne(gateway, approval(1, { range_from: '2025-12', expires_at: dayAt(30) }));
    const narrower = { range_from: '2026-01', expires_at: dayAt(20) };
    await recordOne(gateway, amended(2, 0, narrower));
    expect([await stateOf(1), await stateOf(2)]).toEqual(['superseded', 'given']);
    today = 1;
    for (const wider of [
      { ...narrower, range_from: '2025-12' },
      { ...narrower, expires_at: '' },
    ]) {
      expect(await codeOf(recordOne(gateway, amended(3, 1, wider)))).toBe('amendment_unanswered');
      expect(await stateOf(2)).toBe('given');
    }
    await recordOne(gateway, amended(3, 1, { range_from: '2025-12', ...answered(3, 1) }));
    expect(await decision()).toBe(idOf(3));
  });

  test('refuses what belongs to another person, purpose, arrangement, or to nobody', async () => {
    await recordOne(gateway, approval(1));
    const wrongs = [
      { subject_ref: 'c2' },
      { purpose: 'F2' },
      { arrangement_id: idOf(101) },
      { supersedes: idOf(77) },
      { legal_basis: 'contract' },
      { supersedes: idOf(2) },
    ];
    for (const wrong of wrongs) {
      const next = amended(2, 0, { ...answered(2, 1), ...wrong });
      expect(await codeOf(recordOne(gateway, next))).toBe('supersedes_invalid');
    }
    const intruder = approval(3, answered(3, 0));
    expect(await codeOf(recordOne(gateway, intruder))).toBe('supersedes_invalid');
    expect(await stateOf(1)).toBe('given');
  });

  test('judges a request with the answer, and ends the old one with it', async () => {
    await recordOne(gateway, approval(1, { range_from: '2026-01' }));
    today = 5;
    const events = [{ event: 'requested', event_at: dayAt(2) }];
    await recordOne(gateway, { ...amended(2, 2), events });
    expect([await stateOf(1), await stateOf(2)]).toEqual(['given', 'requested']);
    expect(await codeOf(event(2, 'given', 3))).toBe('amendment_unanswered');
    await recordOne(gateway, {
      ...amended(3, 2, { ...answered(3, 3), supersedes: idOf(1) }),
      events,
    });
    await event(3, 'given', 4);
    expect([await stateOf(1), await stateOf(2), await stateOf(3)]).toEqual([
      'superseded',
      'requested',
      'given',
    ]);
  });

  test('lets one of two that come together win', async () => {
    await recordOne(gateway, approval(1));
    today = 1;
    const rivals = [2, 3, 4].map((n) =>
      recordOne(gateway, { ...amended(n, 1, answered(n, 1)), supersedes: idOf(1) }),
    );
    const ended = await Promise.allSettled(rivals);
    const lost = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    expect(lost).toEqual(['authorisation_superseded', 'authorisation_superseded']);
    const { rows } = await gateway.db.query<{ state: string }>(
      `select state from authorisation where state in ('given', 'paused')`,
    );
    expect(rows).toHaveLength(1);
  });

  test('lets a withdrawal by an old link reach what took its place', async () => {
    await recordOne(gateway, approval(1));
    today = 5;
    await recordOne(gateway, amended(2, 1, answered(2, 1)));
    await recordOne(gateway, amended(3, 2, answered(3, 2)));
    for (const result of ['stored', 'unchanged'])
      expect(await event(1, 'withdrawn', 3)).toEqual({
        authorisation_id: idOf(3),
        state: 'withdrawn',
        result,
      });
    expect(await stateOf(1)).toBe('superseded');
    expect(await decision()).toBe('withdrawn');
  });

  test('lets it reach what is in force, past one that ended', async () => {
    await recordOne(gateway, approval(1));
    today = 5;
    await recordOne(gateway, amended(2, 1, answered(2, 1)));
    await event(2, 'withdrawn', 2);
    await recordOne(gateway, amended(3, 3, answered(3, 3)));
    expect(await event(1, 'withdrawn', 4)).toMatchObject({ authorisation_id: idOf(3) });
    expect(await decision()).toBe('withdrawn');
  });

  /** The first approval, given and handed over on day 0, with nothing else there. */
  async function furnishAnew(): Promise<void> {
    await pair.empty();
    today = 0;
    await load(gateway, tapeText([1, 2, 3].map((n) => monthRow(n, PERIOD))));
    await recordOne(gateway, approval(1));
    await handOver(gateway, pair.link(), PERIOD);
  }
  /** The first approval ends at the registry, today. */
  const endThere = (type: 'withdrawn' | 'revoked') =>
    endAuthorisation({ ...pair.registry, now: gateway.now }, idOf(1), {
      ...{ type, reason: type === 'withdrawn' ? 'subject_request' : 'court_order' },
      ...{ evidence_sha256: hashOf(9), by_party: idOf(90), subject_id: null },
    });

  test('lets a withdrawal at the registry reach a renewal, whatever else was ended there', async () => {
    await recordOne(gateway, approval(1));
    await handOver(gateway, pair.link(), PERIOD);
    today = 5;
    await recordOne(gateway, amended(2, 1, answered(2, 1)));
    for (const type of ['revoked', 'withdrawn'] as const) await endThere(type);
    await pullFeed(gateway, pair.link());
    expect([await stateOf(1), await stateOf(2)]).toEqual(['withdrawn', 'withdrawn']);
  });

  test('ends what the lender narrowed after a withdrawal at the registry, not a new answer', async () => {
    for (const [answer, state] of [
      [{}, 'withdrawn'],
      [answered(2, 5), 'given'],
    ] as const) {
      await furnishAnew();
      today = 2;
      await endThere('withdrawn');
      today = 5;
      await recordOne(gateway, amended(2, 5, answer));
      await pullFeed(gateway, pair.link());
      expect([await stateOf(1), await stateOf(2)]).toEqual(['withdrawn', state]);
    }
  });

  test('ends what the lender narrowed after a revocation at the registry, and only that', async () => {
    for (const [given, answer, isTold, state] of [
      [5, {}, false, 'revoked_by_other'],
      [5, answered(2, 5), false, 'given'],
      [1, answered(2, 1), false, 'given'],
      [1, {}, false, 'revoked_by_other'], // The registry would refuse it.
      [1, {}, true, 'given'],
    ] as const) {
      await furnishAnew();
      if (isTold) {
        today = 1;
        await recordOne(gateway, amended(2, given, answer));
        await load(gateway, tapeText([1, 2, 3].map((n) => monthRow(n, '2025-12'))));
        await handOver(gateway, pair.link(), '2025-12');
      }
      today = 2;
      await endThere('revoked');
      today = 5;
      if (!isTold) await recordOne(gateway, amended(2, given, answer));
      await pullFeed(gateway, pair.link());
      expect([await stateOf(1), await stateOf(2)]).toEqual(['revoked_by_other', state]);
    }
  });

  test('tells the registry of a withdrawal of what only the lender knows', async () => {
    await recordOne(gateway, approval(1));
    await handOver(gateway, pair.link(), PERIOD);
    today = 5;
    await recordOne(gateway, amended(2, 1));
    await event(2, 'withdrawn', 2);
    expect(await stateOf(1)).toBe('withdrawn');
    expect(await pushEvents(gateway, pair.link())).toMatchObject({ pending: 0 });
    const { rows } = await pair.registry.db.query<{ state: string; effect: string }>(
      `select a.state, w.effect from authorisation a join authorisation_effect w
         on w.subject_id = a.subject_id and w.authorisation_id = a.authorisation_id`,
    );
    expect(rows).toEqual([{ state: 'withdrawn', effect: 'STOP_AND_RESTRICT' }]);
    // By the old link, and told again: it is withdrawn.
    expect(await event(1, 'withdrawn', 2)).toMatchObject({ result: 'unchanged' });
  });

  test('does not give a used one-time approval a second use', async () => {
    await recordOne(gateway, approval(1, { fetch: 'ONETIME' }));
    await handOver(gateway, pair.link(), PERIOD);
    expect((await findAuthorisation(gateway, idOf(1))).use).toMatchObject({ count: 1 });
    expect(await decision()).toBe('limit_reached');
    today = 1;
    await recordOne(gateway, amended(2, 1, { fetch: 'ONETIME', range_from: '2026-01' }));
    expect(await decision()).toBe('limit_reached');
    today = 2;
    await recordOne(gateway, amended(3, 2, { fetch: 'ONETIME', ...answered(3, 2) }));
    expect(await decision()).toBe(idOf(3));
  });

  test('pauses and resumes, and an amendment does not resume', async () => {
    await recordOne(gateway, approval(1));
    today = 3;
    await event(1, 'paused', 1);
    expect(await decision()).toBe('paused');
    expect(await codeOf(recordOne(gateway, amended(2, 2)))).toBe('amendment_unanswered');
    await event(1, 'resumed', 2);
    expect(await decision()).toBe(idOf(1));
    expect(await codeOf(event(1, 'resumed', 2))).toBe('none');
    expect(await codeOf(event(1, 'lapsed', 2))).toBe('event_not_next');
    expect(await codeOf(event(1, 'paused', 1))).toBe('none'); // The same again.
    expect(await codeOf(event(1, 'paused', 1.2))).toBe('event_backdated');
    expect(await codeOf(event(1, 'paused', 3.01))).toBe('event_in_future');
    expect(await codeOf(event(1, 'paused', 3.003))).toBe('none');
  });

  const told = async () =>
    (await noticesDue(gateway.db, 0, 100)).map(({ kind, days_before, subject_ref }) =>
      [kind, days_before, subject_ref].join(' '),
    );

  test('tells before the end and after it, once, and expires at the end', async () => {
    await recordOne(gateway, approval(1, { expires_at: dayAt(40) }));
    await recordOne(
      gateway,
      approval(2, { subject_ref: 'c2', arrangement_id: '', expires_at: dayAt(3) }),
    );
    const seen: string[][] = [];
    for (const day of [0, 1, 10, 10, 36, 41, 41, 60]) {
      today = day;
      await sweep(gateway);
      seen.push((await told()).slice(seen.flat().length));
    }
    expect(seen).toEqual([
      [],
      [],
      ['expired 0 c2', 'expiring 30 c1'],
      [],
      ['expiring 7 c1'],
      ['expired 0 c1'],
      [],
      [],
    ]);
    const { events } = await findAuthorisation(gateway, idOf(1));
    expect(events.at(-1)).toMatchObject({ type: 'expired', at: dayAt(40) });
    expect(await decision()).toBe('expired');
    const late = amended(2, 60, { expires_at: dayAt(90) });
    expect(
      await codeOf(recordOne(gateway, { ...late, authorisation_id: idOf(9), supersedes: idOf(1) })),
    ).toBe('amendment_unanswered');
    const renewed = { ...late, authorisation_id: idOf(9), supersedes: idOf(1), ...answered(9, 60) };
    await recordOne(gateway, renewed);
    expect(await decision()).toBe(idOf(9));
  });

  test('ends an approval at the bound of the law, and a request that nobody answers', async () => {
    const strict = { ...gateway, profile: loadProfile('STRICT') };
    await recordOne(strict, approval(1));
    await recordOne(strict, {
      ...approval(2, { subject_ref: 'c2', arrangement_id: '' }),
      events: [{ event: 'requested', event_at: dayAt(0) }],
    });
    today = 89;
    expect(await sweep(strict)).toMatchObject({ expired: 0, lapsed: 0 });
    today = 90;
    expect(await sweep(strict)).toMatchObject({ expired: 0, lapsed: 1 });
    today = 365;
    expect(await sweep(strict)).toMatchObject({ expired: 1, lapsed: 0, notices: 1 });
    const { events } = await findAuthorisation(strict, idOf(1));
    expect(events.at(-1)?.at).toBe('2027-03-01T00:00:00.000Z');
  });

  test('ends what a guardian answered on the day the ward comes of age', async () => {
    await gateway.db.query(
      `update customer set adult_from = '2026-03-11' where subject_ref = 'c1'`,
    );
    const guarded = { on_behalf_of: 'guardian-1', arrangement_id: '' };
    await recordOne(gateway, approval(1, guarded));
    await recordOne(gateway, approval(2, { ...guarded, subject_ref: 'c2' }));
    today = 9;
    expect(await sweep(gateway)).toMatchObject({ of_age: 0 });
    today = 12;
    await recordOne(gateway, {
      ...approval(3, guarded),
      events: [{ event: 'given', event_at: dayAt(11) }],
    });
    expect(await sweep(gateway)).toMatchObject({ of_age: 1, notices: 1 });
    const { events } = await findAuthorisation(gateway, idOf(1));
    expect(events.at(-1)).toMatchObject({
      type: 'invalidated',
      at: '2026-03-11T00:00:00.000Z',
      reason: 'of_age',
    });
    // Those of an adult ward stay: the guardian there does not stand in for age.
    expect([await stateOf(2), await stateOf(3)]).toEqual(['given', 'given']);
    expect(await told()).toEqual(['of_age 0 c1']);
  });

  test('ends everything with death, refuses what is new, and takes a mistake back', async () => {
    const own = { arrangement_id: '' };
    await recordOne(gateway, approval(1, own));
    await recordOne(gateway, approval(2, own));
    await recordOne(gateway, {
      ...approval(3, own),
      events: [{ event: 'requested', event_at: dayAt(0) }],
    });
    today = 2;
    await event(2, 'paused', 1);
    const death = { subject_ref: 'c1', evidence_sha256: hashOf(9) };
    expect(await recordDeath(gateway, death)).toMatchObject({ result: 'stored', ended: 3 });
    expect(await recordDeath(gateway, death)).toMatchObject({ result: 'unchanged', ended: 0 });
    expect([await stateOf(1), await stateOf(2), await stateOf(3)]).toEqual([
      'revoked_by_other',
      'revoked_by_other',
      'invalidated',
    ]);
    expect((await findAuthorisation(gateway, idOf(1))).events.at(-1)?.reason).toBe('death');
    expect(await codeOf(recordOne(gateway, approval(4, own)))).toBe('subject_deceased');
    expect(await recordOne(gateway, approval(1, own))).toMatchObject({ result: 'unchanged' });
    expect(await codeOf(recordDeath(gateway, { ...death, subject_ref: 'c9' }))).toBe(
      'subject_unknown',
    );
    expect(await codeOf(recordDeath(gateway, { ...death, evidence_sha256: 'x' }))).toBe(
      'argument_invalid',
    );
    await recordDeath(gateway, { ...death, mistaken: true });
    expect(await stateOf(1)).toBe('revoked_by_other');
    await recordOne(gateway, approval(4, own));
    expect(await decision()).toBe(idOf(4));
  });

  test('asks a witness and the time of showing of paper and of voice', async () => {
    for (const method of ['PAPER', 'VOICE']) {
      const heard = { evidence_method: method, arrangement_id: '' };
      const there = { evidence_witness: 'clerk-7', shown_at: dayAt(-1) };
      const n = method === 'PAPER' ? 1 : 2;
      for (const part of [{}, { shown_at: dayAt(-1) }, { evidence_witness: 'clerk-7' }])
        expect(await codeOf(recordOne(gateway, approval(n, { ...heard, ...part })))).toBe(
          'authorisation_invalid',
        );
      expect(await recordOne(gateway, approval(n, { ...heard, ...there }))).toMatchObject({
        result: 'stored',
      });
    }
  });

  test('takes renewals in bulk, in any order within the file, and again', async () => {
    const columns = [
      ...['authorisation_id', 'arrangement_id', 'supersedes', 'subject_ref', 'event', 'event_at'],
      ...['event_reason', 'purpose', 'products', 'accounts', 'range_from', 'range_to', 'fetch'],
      ...['starts_at', 'expires_at', 'notice_id', 'notice_version', 'notice_sha256', 'language'],
      ...['channel', 'evidence_method', 'evidence_sha256', 'service_conditional'],
      ...['necessity_text', 'alternative_offered', 'shown_at'],
    ];
    const line = ({ events, ...row }: AuthorisationColumns) =>
      columns.map((column) => String({ ...row, ...events[0] }[column] ?? '')).join(',');
    const file = [
      amended(3, 20, answered(3, 20)),
      amended(2, 10, answered(2, 10)),
      approval(1),
      amended(6, 20, { arrangement_id: idOf(5), ...answered(6, 20) }),
      amended(8, 20, { supersedes: idOf(9), ...answered(8, 20) }),
      amended(9, 20, { supersedes: idOf(8), ...answered(9, 20) }),
    ].map(line);
    const text = `${columns.join(',')}\n${file.join('\n')}\n`;
    today = 30;
    const first = await importAuthorisations(gateway, bytesOf(text));
    expect(first).toMatchObject({ stored: 3, unchanged: 0 });
    expect(first.faults.map(({ row, field }) => [row, field])).toEqual([
      [5, 'supersedes'],
      [6, 'supersedes'],
      [7, 'supersedes'],
    ]);
    expect([await stateOf(1), await stateOf(2), await stateOf(3)]).toEqual([
      'superseded',
      'superseded',
      'given',
    ]);
    const again = await importAuthorisations(gateway, bytesOf(text));
    expect(again).toMatchObject({ stored: 0, unchanged: 3 });
    expect(await decision()).toBe(idOf(3));
  });

  test('tells the registry of an end although no row goes', async () => {
    const soon = (ms: number) => new Date(Date.now() + ms).toISOString();
    const end = soon(3_000);
    await recordOne(
      pair.gateway,
      approval(1, {
        starts_at: soon(-DAY_MS),
        expires_at: end,
        events: [{ event: 'given', event_at: soon(-DAY_MS) }],
      }),
    );
    expect(await handOver(pair.gateway, pair.link(), PERIOD)).toMatchObject({ released: 1 });
    const stateThere = async () => {
      const { rows } = await pair.registry.db.query('select state from authorisation');
      return rows[0];
    };
    expect(await stateThere()).toEqual({ state: 'given' });
    await setTimeout(Math.max(0, Date.parse(end) - Date.now()) + 10);
    expect(await handOver(pair.gateway, pair.link(), PERIOD)).toMatchObject({
      state: 'nothing_to_hand_over',
    });
    expect(await stateThere()).toEqual({ state: 'expired' });
  });

  test('sweeps once, whenever it is killed', async () => {
    const healthy = pair.gatewayStore.current;
    for (let statement = 1; ; statement++) {
      let dying: CrashingDatabase | null = null;
      for (const when of ['before', 'after'] as const) {
        today = 0;
        await gateway.db.query(
          'truncate authorisation, authorisation_record, authorisation_event, authorisation_notice_due',
        );
        await recordOne(gateway, approval(1, { expires_at: dayAt(40) }));
        const second = { subject_ref: 'c2', arrangement_id: '', expires_at: dayAt(50) };
        await recordOne(gateway, approval(2, second));
        today = 45;
        dying = crashing(healthy, { statement, when });
        pair.gatewayStore.current = dying;
        await sweep(gateway).catch((error: unknown) => {
          if (!dying?.isDead()) throw error;
        });
        pair.gatewayStore.current = healthy;
        await sweep(gateway);
        const where = `${when} statement ${statement}`;
        expect([await stateOf(1), await stateOf(2)], where).toEqual(['expired', 'given']);
        expect(await told(), where).toEqual(['expired 0 c1', 'expiring 7 c2']);
        expect((await findAuthorisation(gateway, idOf(1))).events, where).toHaveLength(2);
      }
      if (dying !== null && dying.count() < statement) break;
    }
  });
});
