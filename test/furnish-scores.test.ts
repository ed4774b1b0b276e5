/**
 * The scores of a run told to who watches an account (Q2), end to end over HTTP: once, under the
 * authorisation that stands then, of whom may be told, also when the telling dies half-way.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CrashingDatabase, crashing } from '../src/database/crashing.ts';
import { catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { AssentError } from '../src/model/error.ts';
import { addMonths } from '../src/model/period.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { placeBlock } from '../src/registry/blocks.ts';
import { type Furnishing, furnishScores } from '../src/registry/furnish-scores.ts';
import { merge } from '../src/registry/identity-actions.ts';
import { rebuildReport } from '../src/registry/report.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { Enquirer, identifiedRow, personOf } from './enquirer.ts';
import { approvalColumns, BACKENDS, load, Pair, SERVER_URL, tapeText } from './pair.ts';

const CLIENTS = [1, 2, 3, 4, 5];
const DAY = new Date().toISOString().slice(0, 10);
const PERIODS = Array.from({ length: 8 }, (_, at) => addMonths(DAY.slice(0, 7), at - 8));

interface Told {
  readonly run_id: string;
  readonly authorisation_id: string;
  readonly enquiry_id: string;
  readonly evaluation_id: string;
  readonly evaluation_sha256: string;
  readonly day: string;
  readonly sufficiency: string;
  readonly score: {
    readonly value: number;
    readonly range: object;
    readonly reasons: readonly object[];
    readonly scorecard: object;
  };
}

describe.each(BACKENDS)('scores of a run on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let lender: Enquirer;
  let other: Enquirer;
  let operator: ApiClient;
  const ids = new Map<number, string>();

  const count = async (text: string, ...params: string[]) =>
    (await pair.registry.db.query<{ n: number }>(`select count(*) as n from ${text}`, params))
      .rows[0]?.n ?? 0;
  async function subjectOf(n: number): Promise<string> {
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from authorisation where authorisation_id = $1',
      [ids.get(n) ?? ''],
    );
    return rows[0]?.subject_id ?? '';
  }
  async function run(version: number, day = DAY): Promise<string> {
    const made = await operator.json<{ run_id: string; people: number; is_done: boolean }>({
      method: 'POST',
      path: '/v1/scoring-runs',
      json: { scorecard_id: 'test-full', version, day },
    });
    expect(made.is_done).toBe(true);
    return made.run_id;
  }
  const furnish = (run_id: string) =>
    operator.json<Furnishing>({ method: 'POST', path: `/v1/scoring-runs/${run_id}/furnishing` });
  const codeOf = (asked: Promise<unknown>) =>
    asked.then(
      () => 'no failure',
      (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
    );
  async function told(by: Enquirer, run_id: string): Promise<Told[]> {
    const { entries } = await by.api.json<{ entries: { signed: string }[] }>({
      method: 'GET',
      path: '/v1/feed',
      query: { after: '0', limit: '500' },
    });
    return entries.flatMap(({ signed }) => {
      const text = Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString();
      const { type, data } = JSON.parse(text) as { type: string; data: Told };
      return type === 'score.furnished' && data.run_id === run_id ? [data] : [];
    });
  }
  /** Which clients, sorted. */
  const clients = (found: readonly Told[]) =>
    found
      .map(({ authorisation_id }) => [...ids].find(([, id]) => id === authorisation_id)?.[0])
      .sort();
  async function activate(version: number): Promise<void> {
    const post = (path: string, json: object) =>
      operator.json({
        method: 'POST',
        path: `/v1/scorecards${path}`,
        json: { why: 'test', ...json },
      });
    await post('', { card: catalogueCard(version), validation_report: 'report' });
    for (const to of ['shadow', 'active']) await post(`/test-full/${version}/state`, { to });
  }
  const withdraw = (id: string) =>
    endAuthorisation(pair.registry, id, {
      ...{ type: 'withdrawn', reason: 'subject_request', evidence_sha256: 'c'.repeat(64) },
      ...{ by_party: randomUUID(), subject_id: null },
    });

  beforeAll(async () => {
    pair = await Pair.open(backend, 'furnish');
    [lender, other] = [await Enquirer.admit(pair), await Enquirer.admit(pair)];
    const ring = pair.newRing('operator');
    const operatorId = randomUUID();
    await pair.admit('operator', operatorId, ring);
    operator = pair.client({ participant_id: operatorId, ring });
    const late = (period: string) => ({
      ...{ days_past_due: '45', past_due_minor: '500', first_delinquency_on: `${period}-01` },
    });
    for (const [at, period] of PERIODS.entries()) {
      const more = (n: number) => (n === 1 && at === 3 ? late(period) : {});
      const rows = CLIENTS.map((n) => identifiedRow(n, period, more(n)));
      await load(pair.gateway, tapeText(rows));
    }
    for (const n of CLIENTS) await recordOne(pair.gateway, approvalColumns(n, randomUUID()));
    for (const period of PERIODS) await handOver(pair.gateway, pair.link(), period);
    for (const n of CLIENTS)
      ids.set(n, await lender.bring({ purpose: { code: 'Q2' } }, personOf(n)));
    await lender.bring({}, personOf(1)); // For new credit: nothing is told under it.
    await lender.bring({ purpose: { code: 'Q2' } }, personOf(9)); // Of whom nothing is held.
    await other.bring({ purpose: { code: 'Q2' } }, personOf(2));
    await activate(1);
  }, 120_000);
  afterAll(() => pair.close());

  it('reach each who watches, once, with what a look alone would give', async () => {
    const run_id = await run(1);
    // Twice the same person for the same enquirer: told once.
    const twice = await lender.bring({ purpose: { code: 'Q2' } }, personOf(5));
    const before = await count(`access where outcome = 'report'`);
    const first = await furnish(run_id);
    expect(first).toMatchObject({ enquirers: 2, told: 6, passed_over: {}, is_done: true });
    const found = await told(lender, run_id);
    expect(found).toHaveLength(5);
    expect(await told(other, run_id)).toHaveLength(1);
    expect(await count(`access where outcome = 'report'`)).toBe(before + 6);
    expect(await furnish(run_id)).toEqual(first);
    expect(await told(lender, run_id)).toEqual(found);
    await withdraw(twice);

    const one = found.find(({ authorisation_id }) => authorisation_id === ids.get(1));
    expect(one).toMatchObject({
      ...{ day: DAY, sufficiency: 'scored' },
      score: { value: expect.any(Number), scorecard: { id: 'test-full', version: 1 } },
    });
    expect(one?.score.reasons.length).toBeGreaterThan(0);
    const text = JSON.stringify(found);
    for (const secret of [pair.gateway.furnisher_id, personOf(1).number, await subjectOf(1)])
      expect(text).not.toContain(secret);
    // The same as by asking; and it can be fetched and made again.
    const { answers } = await lender.api.json<{
      answers: { report: { enquiry: { authorisation_id: string }; score: object } }[];
    }>({
      method: 'POST',
      path: '/v1/portfolio/refresh',
      json: { use_id: randomUUID(), purpose: 'running_credit', form: 'evaluation' },
    });
    const asked = answers.find(({ report }) => report.enquiry.authorisation_id === ids.get(1));
    expect(asked?.report.score).toEqual(one?.score);
    const fetched = await lender.api.json<{ evaluation_id: string }>({
      method: 'GET',
      path: `/v1/enquiries/${one?.enquiry_id}/report`,
    });
    expect(fetched.evaluation_id).toBe(one?.evaluation_id);
    const rebuilt = await rebuildReport(
      ...[pair.registry, pair.registry.db, one?.evaluation_id ?? '', null],
    );
    expect(rebuilt.sha256).toBe(one?.evaluation_sha256);
  });

  it('pass over who withdrew since, is frozen, disputes or has the account out of scope', async () => {
    await activate(2);
    const run_id = await run(2);
    await withdraw(ids.get(1) ?? '');
    await placeBlock(pair.registry, await subjectOf(2), { kind: 'freeze', reason: 'other' });
    await pair.registry.db.query(
      `insert into claim (subject_id, claim_id, dispute_id, account_id, field, state, opened_at)
       select $1::uuid, $2::uuid, $2::uuid, a.account_id, 'account', 'open', $3::timestamptz
       from account a where a.subject_id = $1::uuid limit 1`,
      [await subjectOf(3), randomUUID(), new Date()],
    );
    const before = await count(`access where participant_id = $1`, lender.id);
    const found = await furnish(run_id);
    expect(clients(await told(lender, run_id))).toEqual([4, 5]);
    expect(await told(other, run_id)).toEqual([]);
    expect(found).toMatchObject({ told: 2, passed_over: { suppressed: 3 }, is_done: true });
    // Nothing was shown of the others, so nothing is traced of them.
    expect(await count(`access where participant_id = $1`, lender.id)).toBe(before + 2);
    await pair.registry.db.query('delete from claim');
    await pair.registry.db.query('delete from subject_block');
    expect(await furnish(run_id)).toEqual(found);
  });

  it('are told once each though the telling dies at every statement', async () => {
    await activate(3);
    const run_id = await run(3);
    const healthy = pair.registryStore.current;
    for (let statement = 1; ; statement += 1) {
      let dying: CrashingDatabase | null = null;
      for (const when of ['before', 'after'] as const) {
        dying = crashing(healthy, { statement, when });
        await furnishScores({ ...pair.registry, db: dying }, run_id).catch((error: unknown) => {
          if (!dying?.isDead()) throw error;
        });
      }
      if (dying?.isDead() !== true) break;
    }
    const found = await told(lender, run_id);
    expect(clients(found)).toEqual([2, 3, 4, 5]);
    expect(await told(other, run_id)).toHaveLength(1);
    expect(await count(`authorisation_use where use_id = $1::uuid`, run_id)).toBe(5);
    expect(await furnish(run_id)).toMatchObject({ told: 5, is_done: true });
  });

  it('are told by two programs at once as by one', async () => {
    await activate(4);
    const run_id = await run(4);
    await Promise.allSettled([furnish(run_id), furnish(run_id)]);
    await furnish(run_id);
    expect(clients(await told(lender, run_id))).toEqual([2, 3, 4, 5]);
  });

  it('never follow a withdrawal that the enquirer was told of', async () => {
    await activate(5);
    const run_id = await run(5);
    const more = new Map<string, number>();
    for (const n of [3, 4, 5])
      more.set(await other.bring({ purpose: { code: 'Q2' } }, personOf(n)), n);
    const ends = [...more.keys()].map((id) => withdraw(id));
    await Promise.all([...ends, furnish(run_id)]);
    const { rows } = await pair.registry.db.query<{ id: string; scored: number; ended: number }>(
      `select w.authorisation_id as id, w.position as ended, s.position as scored
       from feed_entry w join feed_entry s on s.participant_id = w.participant_id
         and s.event_id = (select r.report_id::text from report r
           join enquiry e on e.report_id = r.report_id
           where e.authorisation_id = w.authorisation_id)
       where w.participant_id = $1 and w.type = 'withdrawn'
         and w.authorisation_id = any($2::uuid[])`,
      [other.id, [...more.keys()]],
    );
    for (const { scored, ended } of rows) expect(scored).toBeLessThan(ended);
    expect(
      await count(`feed_entry where participant_id = $1 and type = 'withdrawn'`, other.id),
    ).toBe(more.size);
  });

  it('are of a run that ended, is young and whose card is active', async () => {
    expect(await codeOf(furnish(randomUUID()))).toBe('scoring_run_unknown');
    expect(await codeOf(furnish(await run(3)))).toBe('scoring_run_unfit');
    expect(await codeOf(furnish(await run(5, '2025-01-31')))).toBe('scoring_run_unfit');
  });

  it('stay with their people when two who were scored turn out to be one', async () => {
    const way = { from_id: await subjectOf(4), into_id: await subjectOf(5) };
    const decision = { by_party: randomUUID(), why: 'a test', evidence_sha256: null };
    await merge(pair.registry, way, decision);
    expect(await count('score where subject_id = $1::uuid', way.from_id)).toBeGreaterThan(0);
  });
});
