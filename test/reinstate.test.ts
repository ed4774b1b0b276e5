/**
 * The lender's side of disputes over HTTP: answers, certificates, and an account that was ended by
 * mistake and goes on.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  answerClaim,
  certify,
  fetchEvidence,
  findClaim,
  listClaims,
} from '../src/gateway/claims.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { reinstate } from '../src/gateway/reinstate.ts';
import { openDispute } from '../src/registry/disputes.ts';
import { readFile } from '../src/registry/files.ts';
import { furnish, heldOf, messagesOf, PDF, PERIOD, pull, SOURCE } from './dispute-world.ts';
import { BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const NEXT = '2026-02';
const code = (expected: string) => expect.objectContaining({ code: expected });

describe.each(BACKENDS)('a lender, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 60_000);
  let pair: Pair;

  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'reinstate');
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (!missing) await pair.empty();
  });

  const accounts = async (subjectId: string) => {
    const look = { participant_id: randomUUID(), purpose: 'test', reason: 'test' };
    return (await readFile(pair.registry, { subject_id: subjectId }, look)).accounts;
  };

  test('answers what it was told of, once, and certifies with a document', async () => {
    await furnish(pair);
    const held = await heldOf(pair, 1);
    const about = { account_id: held.account_id, period: PERIOD };
    await openDispute(pair.registry, held.subject_id, {
      claims: [
        { field: 'balance_minor', ...about, claimed_value: '7', evidence: [PDF] },
        { field: 'limit_minor', ...about },
      ],
    });
    await pull(pair);
    const open = await listClaims(pair.gateway, false);
    expect(open.map(({ account_ref, field }) => `${account_ref} ${field}`).sort()).toEqual([
      'a1 balance_minor',
      'a1 limit_minor',
    ]);
    const [balance, limit] = [...open].sort((a, b) => (a.field < b.field ? -1 : 1));
    const { api } = pair.link();
    const file = balance?.evidence[0];
    const bytes = await fetchEvidence(api, balance?.claim_id ?? '', file?.evidence_id ?? '');
    expect(Buffer.from(bytes).equals(PDF)).toBe(true);
    const none = { value: null, source_sha256: null, reason: null };
    await expect(
      answerClaim(pair.gateway, api, limit?.claim_id ?? '', { ...none, answer: 'verified' }),
    ).rejects.toThrow(code('answer_invalid'));
    const verified = { ...none, answer: 'verified', source_sha256: SOURCE, reason: 'r' } as const;
    expect(await answerClaim(pair.gateway, api, limit?.claim_id ?? '', verified)).toMatchObject({
      state: 'answered',
    });
    await answerClaim(pair.gateway, api, balance?.claim_id ?? '', { ...none, answer: 'deleted' });
    await pull(pair);
    expect(await listClaims(pair.gateway, false)).toEqual([]);
    expect(await findClaim(pair.gateway, balance?.claim_id ?? '')).toMatchObject({
      state: 'decided',
      outcome: 'deleted',
    });
    const certificate = {
      ...{ account_ref: 'a1', period: PERIOD, field: 'balance_minor', value: '1001' },
      ...{ source_sha256: SOURCE, reason: 'the ledger' },
    };
    const first = await certify(pair.gateway, api, certificate);
    expect(await certify(pair.gateway, api, certificate)).toEqual(first);
    await expect(
      certify(pair.gateway, api, { ...certificate, account_ref: 'nobody' }),
    ).rejects.toThrow(code('account_unknown'));
  });

  test('reinstates an account that was ended by mistake, and it goes on', async () => {
    const ended = {
      ...{ status: 'closed', closed_on: '2026-01-20', balance_minor: '0', due_minor: '0' },
    };
    await furnish(pair, [{ ...monthRow(1, PERIOD), ...ended }, monthRow(2, PERIOD)]);
    const held = await heldOf(pair, 1);
    expect(await accounts(held.subject_id)).toMatchObject([
      { closed_on: '2026-01-20', months: [{ status: 'closed' }] },
    ]);
    const evidence = { source_sha256: SOURCE, reason: 'another account was meant' };
    expect(await reinstate(pair.gateway, 'a1', evidence)).toEqual({
      ...{ account_ref: 'a1', revision: 2, periods: [PERIOD] },
    });
    await expect(reinstate(pair.gateway, 'a1', evidence)).rejects.toThrow(
      code('reinstate_needless'),
    );
    const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(receipt?.outcomes).toMatchObject({ account: { accepted: 1 }, month: { accepted: 1 } });
    expect(await accounts(held.subject_id)).toMatchObject([
      { closed_on: null, months: [{ status: 'open', revision: 2 }] },
    ]);
    expect(await messagesOf(pair, held.subject_id)).toEqual(['account_reinstated']);
    await load(pair.gateway, tapeText([monthRow(1, NEXT), monthRow(2, NEXT)]));
    const next = await handOver(pair.gateway, pair.link(), NEXT);
    expect(next.receipt?.outcomes.month).toMatchObject({ accepted: 2, held: 0 });
  });
});
