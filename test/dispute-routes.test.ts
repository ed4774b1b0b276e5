/**
 * Disputes over HTTP: the operator's routes from the list to the letter, what a furnisher may and
 * may not see, and the daily work in steps.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AssentError } from '../src/model/error.ts';
import { openDispute } from '../src/registry/disputes.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { furnish, type Held, heldOf, PDF, PERIOD, SOURCE } from './dispute-world.ts';
import { Pair } from './pair.ts';

let pair: Pair;
let operator: ApiClient;
let stranger: ApiClient;
let held: Held;
const operatorId = randomUUID();

beforeAll(async () => {
  pair = await Pair.open('pglite', 'dispute-routes');
  const client = async (role: 'operator' | 'furnisher', participant_id: string) => {
    const ring = pair.newRing(participant_id);
    await pair.admit(role, participant_id, ring);
    return pair.client({ participant_id, ring });
  };
  operator = await client('operator', operatorId);
  stranger = await client('furnisher', randomUUID());
}, 60_000);
afterAll(() => pair.close());
beforeEach(async () => {
  await pair.empty();
  await furnish(pair);
  held = await heldOf(pair, 1);
}, 60_000);

const codeOf = (run: Promise<unknown>) =>
  run.then(
    () => null,
    (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
  );
const open = () =>
  openDispute(pair.registry, held.subject_id, {
    claims: [
      { field: 'balance_minor', account_id: held.account_id, period: PERIOD, evidence: [PDF] },
      { field: 'name', claimed_value: 'Somebody Else' },
    ],
  });
const get = <T>(client: ApiClient, path: string, query = {}) =>
  client.json<T>({ method: 'GET', path, query });
const looks = async () =>
  (
    await pair.registry.db.query<{ reason: string }>(
      'select reason from access where participant_id = $1 order by at',
      [operatorId],
    )
  ).rows.map(({ reason }) => reason);

describe('disputes over HTTP', () => {
  it('go from the list over the decision to the letter, and each look is traced', async () => {
    const { dispute_id, claims } = await open();
    const account = claims.find(({ field }) => field === 'balance_minor');
    const listed = await get<{ disputes: { dispute_id: string }[] }>(operator, '/v1/disputes');
    expect(listed.disputes.map((each) => each.dispute_id)).toEqual([dispute_id]);
    expect(JSON.stringify(listed)).not.toMatch(/Somebody|1001/);
    expect(await looks()).toEqual([]);
    const shown = await get<{ claims: object[] }>(operator, `/v1/disputes/${dispute_id}`);
    expect(shown.claims).toHaveLength(2);
    expect(JSON.stringify(shown)).toContain('Somebody Else');
    const file = `evidence/${account?.evidence[0]?.evidence_id}`;
    const path = `/v1/all/claims/${account?.claim_id}/${file}`;
    const answer = await operator.send({ method: 'GET', path });
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    expect(Buffer.from(answer.body).equals(PDF)).toBe(true);
    for (const { claim_id, field } of claims)
      await operator.json({
        method: 'POST',
        path: `/v1/claims/${claim_id}/decision`,
        json: { decision: field === 'name' ? 'corrected' : 'upheld', reason: 'as it was shown' },
      });
    for (const [language, word] of [
      ['en', 'You are right'],
      ['zh', '您的异议成立'],
    ] as const) {
      const letter = `/v1/disputes/${dispute_id}/letter`;
      expect((await get<{ text: string }>(operator, letter, { language })).text).toContain(word);
    }
    expect(await looks()).toHaveLength(6);
  });

  it('show a furnisher its own claims, and take its answer once', async () => {
    const { claims } = await open();
    const claim = claims.find(({ field }) => field === 'balance_minor');
    const own = await get<{ claims: Record<string, unknown>[] }>(pair.client(), '/v1/claims');
    expect(own.claims.map((each) => each['claim_id'])).toEqual([claim?.claim_id]);
    expect(JSON.stringify(own)).not.toContain(held.subject_id);
    expect(await get(stranger, '/v1/claims')).toEqual({ claims: [] });
    const path = `/v1/claims/${claim?.claim_id}`;
    const file = `${path}/evidence/${claim?.evidence[0]?.evidence_id}`;
    expect(await codeOf(stranger.send({ method: 'GET', path: file }))).toBe('evidence_unknown');
    const json = { answer: 'verified', value: null, source_sha256: SOURCE, reason: 'the ledger' };
    const put = (client: ApiClient, over = {}) =>
      client.json<{ result: string }>({
        method: 'PUT',
        path: `${path}/answer`,
        json: { ...json, ...over },
      });
    expect(await codeOf(put(stranger))).toBe('claim_unknown');
    expect(await codeOf(put(pair.client(), { source_sha256: null }))).toBe('answer_invalid');
    expect(await put(pair.client())).toMatchObject({ state: 'answered', result: 'stored' });
    expect(await put(pair.client())).toMatchObject({ result: 'unchanged' });
    expect(await codeOf(put(pair.client(), { answer: 'deleted' }))).toBe('claim_ended');
    const decide = {
      method: 'POST',
      path: `${path}/decision`,
      json: { decision: 'upheld' },
    } as const;
    expect(await codeOf(pair.client().json(decide))).toBe('not_permitted');
  });

  it('do the daily work in steps, and show its certificates', async () => {
    await open();
    await operator.json({ method: 'POST', path: '/v1/sweeps', json: {} });
    const first = { method: 'POST', path: '/v1/purges', json: { after: null } } as const;
    expect(await operator.json(first)).toEqual({
      ...{ adverse_months: 0, access: 0, message: 0, evidence: 0, next: null },
      ...{ report: 0, report_record: 0, enquiry: 0 },
    });
    expect(await get(operator, '/v1/purges')).toEqual({ certificates: [] });
  });
});
