/**
 * Blocks, statements and disputes end to end: from the person's claim over the furnisher's answer
 * to what is shown and told.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { letterOf, letterText } from '../src/model/dispute-letter.ts';
import { activeBlocks, liftBlock, placeBlock } from '../src/registry/blocks.ts';
import { answerClaim, listClaims } from '../src/registry/claim-answers.ts';
import { decideClaim, extendDispute, sweepDisputes } from '../src/registry/decide-claims.ts';
import { outcomeOf } from '../src/registry/dispute-views.ts';
import {
  disputeLook,
  findDispute,
  listDisputes,
  openDispute,
  withdrawDispute,
} from '../src/registry/disputes.ts';
import { readEvidence } from '../src/registry/evidence.ts';
import { readFeed } from '../src/registry/feed.ts';
import { resendCorrections } from '../src/registry/resend-corrections.ts';
import { listStatements, makeStatement, withdrawStatement } from '../src/registry/statements.ts';
import {
  furnish,
  type Held,
  heldOf,
  later,
  lookAt,
  messagesOf,
  PDF,
  PERIOD,
  pull,
  SOURCE,
} from './dispute-world.ts';
import { BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe.each(BACKENDS)('rights over a file, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 60_000);
  let pair: Pair;
  let held: Held;
  const enquirer = randomUUID();

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'disputes');
    await pair.admit('enquirer', enquirer, pair.newRing('enquirer'));
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (missing) return;
    await pair.empty();
    await furnish(pair);
    held = await heldOf(pair, 1);
  }, 60_000);

  const balance = (over: object = {}) => ({
    field: 'balance_minor',
    account_id: held.account_id,
    period: PERIOD,
    claimed_value: '7',
    ...over,
  });
  const open = (...claims: Parameters<typeof openDispute>[2]['claims'][number][]) =>
    openDispute(pair.registry, held.subject_id, { claims });
  const answer = (claim_id: string, over: object = {}, registry = pair.registry) =>
    answerClaim(registry, {
      furnisher_id: pair.gateway.furnisher_id,
      claim_id,
      answer: 'deleted',
      value: null,
      source_sha256: null,
      reason: null,
      ...over,
    });
  const newsOf = async (participantId: string) => {
    const { entries } = await readFeed(pair.registry, participantId, { after: 0, limit: 100 });
    return entries.map(
      ({ signed }) =>
        JSON.parse(Buffer.from(signed.split('.')[1] ?? '', 'base64url').toString()) as {
          type: string;
          data: Record<string, unknown>;
        },
    );
  };

  test('a block is in force at once, once, and until it is lifted or runs out', async () => {
    const { registry } = pair;
    const freeze = await placeBlock(registry, held.subject_id, { kind: 'freeze', reason: 'other' });
    expect(
      await placeBlock(registry, held.subject_id, { kind: 'freeze', reason: 'own_finances' }),
    ).toEqual(freeze);
    const ban = await placeBlock(registry, held.subject_id, {
      kind: 'credit_ban',
      reason: 'own_finances',
      months: 2,
    });
    const alert = await placeBlock(later(pair, 0, 'US'), held.subject_id, {
      kind: 'fraud_alert',
      reason: 'identity_theft',
    });
    const kindsIn = async (days: number) =>
      (await activeBlocks(registry.db, held.subject_id, later(pair, days).now())).map(
        ({ kind }) => kind,
      );
    expect(await kindsIn(0)).toEqual(['freeze', 'credit_ban', 'fraud_alert']);
    expect(await kindsIn(100)).toEqual(['freeze', 'fraud_alert']);
    expect(await kindsIn(380)).toEqual(['freeze']);
    expect(alert.expires_at?.getUTCFullYear()).toBe(alert.placed_at.getUTCFullYear() + 1);
    const longer = await placeBlock(later(pair, 1, 'US'), held.subject_id, {
      kind: 'fraud_alert',
      reason: 'identity_theft',
      extended: true,
    });
    expect(longer.expires_at?.getUTCFullYear()).toBe(longer.placed_at.getUTCFullYear() + 7);
    await liftBlock(registry, held.subject_id, freeze.block_id);
    await liftBlock(registry, held.subject_id, freeze.block_id);
    expect(await kindsIn(0)).toEqual(['credit_ban', 'fraud_alert']);
    await expect(liftBlock(later(pair, 100), held.subject_id, ban.block_id)).rejects.toThrow(
      code('block_unknown'),
    );
    await expect(
      placeBlock(registry, held.subject_id, { kind: 'freeze', reason: 'other', months: 3 }),
    ).rejects.toThrow(code('block_invalid'));
    expect(
      (await messagesOf(pair, held.subject_id)).filter((kind) => kind === 'block_placed'),
    ).toHaveLength(4);
  });

  test('a statement is sealed, bounded in words, and goes when it is withdrawn', async () => {
    const us = later(pair, 0, 'US');
    const made = await makeStatement(us, held.subject_id, { language: 'en', text: ' I paid. ' });
    expect(await listStatements(us, held.subject_id)).toMatchObject([{ text: 'I paid.' }]);
    const { rows } = await us.db.query<{ text_sealed: Uint8Array }>(
      'select text_sealed from subject_statement',
    );
    expect(Buffer.from(rows[0]?.text_sealed ?? []).includes('paid')).toBe(false);
    const long = (words: number) => ({ language: 'en', text: 'word '.repeat(words) });
    await makeStatement(us, held.subject_id, long(100));
    await expect(makeStatement(us, held.subject_id, long(101))).rejects.toThrow(
      code('statement_invalid'),
    );
    await makeStatement(later(pair, 0, 'UK'), held.subject_id, long(200));
    await expect(
      makeStatement(us, held.subject_id, { ...long(1), account_id: randomUUID() }),
    ).rejects.toThrow(code('statement_invalid'));
    await withdrawStatement(us, held.subject_id, made.statement_id);
    expect(await listStatements(us, held.subject_id)).toHaveLength(2);
    const { rows: left } = await us.db.query(
      'select 1 from subject_statement where text_sealed = $1',
      [Buffer.alloc(0)],
    );
    expect(left).toHaveLength(1);
  });

  test('a claim reaches its furnisher with its evidence, and nobody else', async () => {
    const { claims, dispute_id } = await open(balance({ evidence: [PDF] }), {
      field: 'closed_on',
      account_id: held.account_id,
    });
    expect(claims).toMatchObject([
      { state: 'forwarded', held_value: '1001', claimed_value: '7' },
      { state: 'forwarded', held_value: null },
    ]);
    await expect(open(balance())).rejects.toThrow(code('claim_running'));
    expect(await pull(pair)).toMatchObject({ learnt: 2 });
    const { rows } = await pair.gateway.db.query(
      `select c.claim_id, k.account_ref, c.held_value, c.state from claim_to_answer c
       join account k on k.account_id = c.account_id order by c.held_value`,
    );
    expect(rows).toEqual([
      { claim_id: claims[0]?.claim_id, account_ref: 'a1', held_value: '1001', state: 'open' },
      { claim_id: claims[1]?.claim_id, account_ref: 'a1', held_value: null, state: 'open' },
    ]);
    const own = await listClaims(pair.registry, pair.gateway.furnisher_id);
    expect(own).toHaveLength(2);
    expect(JSON.stringify(own)).not.toContain(held.subject_id);
    const file = claims[0]?.evidence[0];
    const sought = { claim_id: claims[0]?.claim_id ?? '', evidence_id: file?.evidence_id ?? '' };
    const by = (id: string) => ({ ...sought, furnisher_id: id, participant_id: id });
    const read = await readEvidence(pair.registry, by(pair.gateway.furnisher_id));
    expect(Buffer.from(read.content).equals(PDF)).toBe(true);
    await expect(readEvidence(pair.registry, by(randomUUID()))).rejects.toThrow(
      code('evidence_unknown'),
    );
    expect((await findDispute(pair.registry, held.subject_id, dispute_id)).claims).toHaveLength(2);
    const other = await heldOf(pair, 2);
    await expect(findDispute(pair.registry, other.subject_id, dispute_id)).rejects.toThrow(
      code('dispute_unknown'),
    );
  });

  test('a claim about nothing that is held, or with bad evidence, opens nothing', async () => {
    const wrong: [Parameters<typeof open>[0], string][] = [
      [balance({ field: 'religion' }), 'claim_invalid'],
      [balance({ period: '2025-12' }), 'claim_invalid'],
      [balance({ period: null }), 'claim_invalid'],
      [balance({ account_id: randomUUID() }), 'claim_invalid'],
      [balance({ claimed_value: '1001' }), 'claim_invalid'],
      [balance({ claimed_value: '1e3' }), 'claim_invalid'],
      [balance({ evidence: [Buffer.from('MZ')] }), 'evidence_invalid'],
      [balance({ evidence: Array(6).fill(PDF) }), 'evidence_invalid'],
      [{ field: 'look', access_id: randomUUID() }, 'claim_invalid'],
    ];
    for (const [claim, expected] of wrong)
      await expect(open(claim), JSON.stringify(claim)).rejects.toThrow(code(expected));
    expect(await listDisputes(pair.registry, held.subject_id)).toEqual([]);
  });

  test('verified needs its document and waits for the registry; another cannot answer', async () => {
    const { claims } = await open(balance());
    const id = claims[0]?.claim_id ?? '';
    const verified = { answer: 'verified' as const, reason: 'the ledger says so' };
    await expect(answer(id, verified)).rejects.toThrow(code('answer_invalid'));
    await expect(answer(id, { ...verified, source_sha256: SOURCE, reason: ' ' })).rejects.toThrow(
      code('answer_invalid'),
    );
    await expect(answer(id, { furnisher_id: randomUUID() })).rejects.toThrow(code('claim_unknown'));
    const whole = { ...verified, source_sha256: SOURCE };
    expect(await answer(id, whole)).toMatchObject({ state: 'answered', result: 'stored' });
    expect(await answer(id, whole)).toMatchObject({ state: 'answered', result: 'unchanged' });
    await expect(answer(id, { answer: 'deleted' })).rejects.toThrow(code('claim_ended'));
    const by_party = randomUUID();
    await decideClaim(pair.registry, {
      ...{ claim_id: id, decision: 'verified', reason: 'the document shows it', by_party },
    });
    const [dispute] = await listDisputes(pair.registry, held.subject_id);
    expect(dispute).toMatchObject({ state: 'decided', claims: [{ state: 'verified' }] });
    if (!dispute) return;
    const outcome = outcomeOf(pair.registry, dispute);
    for (const language of ['en', 'zh'] as const) {
      const text = letterText(letterOf(outcome, language));
      expect(text).toContain('10.01');
      expect(text).toContain('the document shows it');
      expect(text).toContain(outcome.regulator.url);
    }
    await expect(
      decideClaim(pair.registry, { claim_id: id, decision: 'upheld', reason: 'x', by_party }),
    ).rejects.toThrow(code('claim_ended'));
  });

  test('what was corrected is told to everyone who was shown it, and the person sees that', async () => {
    const access_id = await lookAt(pair, enquirer, held.subject_id);
    const { claims } = await open(balance());
    const id = claims[0]?.claim_id ?? '';
    await expect(answer(id, { answer: 'corrected', value: '1001' })).rejects.toThrow(
      code('answer_invalid'),
    );
    expect(await answer(id, { answer: 'corrected', value: '7' })).toMatchObject({
      state: 'corrected',
    });
    const [told] = (await newsOf(enquirer)).slice(-1);
    expect(told).toMatchObject({
      type: 'correction.resent',
      data: { access_ids: [access_id], field: 'balance_minor', outcome: 'corrected', value: '7' },
    });
    expect(JSON.stringify(told)).not.toContain(held.subject_id);
    expect((await messagesOf(pair, held.subject_id)).sort()).toEqual([
      'claim_decided',
      'correction_resent',
      'dispute_decided',
      'dispute_opened',
    ]);
    expect(await pull(pair)).toMatchObject({ learnt: 2 });
  });

  test('a correction without a dispute is told to whoever saw the month before, once', async () => {
    const { registry } = pair;
    await resendCorrections(registry);
    const access_id = await lookAt(pair, enquirer, held.subject_id);
    const corrected = { ...monthRow(1, PERIOD), balance_minor: '7', due_minor: '1' };
    await load(pair.gateway, tapeText([corrected]));
    await handOver(pair.gateway, pair.link(), PERIOD);
    await lookAt(pair, enquirer, held.subject_id); // This one saw the right month.
    const before = (await newsOf(enquirer)).length;
    expect(await resendCorrections(registry)).toBe(1);
    expect(await resendCorrections(registry)).toBe(0);
    const told = (await newsOf(enquirer)).slice(before);
    expect(told).toMatchObject([
      { type: 'correction.resent', data: { access_ids: [access_id], period: PERIOD } },
    ]);
    expect(told[0]?.data['fields']).toEqual(['balance_minor', 'due_minor']);
    expect(await messagesOf(pair, held.subject_id)).toEqual(['correction_resent']);
  });

  test('a silent furnisher loses, at the end of its share and not before', async () => {
    const { claims, dispute_id, furnisher_due_at } = await open(balance());
    const days = loadDays(furnisher_due_at);
    expect(await sweepDisputes(later(pair, days - 0.01))).toMatchObject({
      upheld: 0,
      as_answered: 0,
    });
    await expect(answer(claims[0]?.claim_id ?? '', {}, later(pair, days + 0.01))).rejects.toThrow(
      code('claim_ended'),
    );
    expect(await sweepDisputes(later(pair, days + 0.01))).toMatchObject({
      upheld: 1,
      as_answered: 0,
    });
    expect(await sweepDisputes(later(pair, days + 0.01))).toMatchObject({
      upheld: 0,
      as_answered: 0,
    });
    const dispute = await findDispute(pair.registry, held.subject_id, dispute_id);
    expect(dispute).toMatchObject({
      state: 'decided',
      claims: [{ state: 'upheld', decided_by: 'silence' }],
    });
    expect(letterText(letterOf(outcomeOf(pair.registry, dispute), 'en'))).toContain('in time');
  });

  test('the time is extended once, where the law knows it; a late answer is owed for in India', async () => {
    const india = later(pair, 0, 'IN');
    const dispute = await openDispute(india, held.subject_id, {
      claims: [{ field: 'name', claimed_value: 'Another Name' }],
    });
    const wish = { dispute_id: dispute.dispute_id, reason: 'more to read', by_party: randomUUID() };
    await expect(extendDispute(india, wish)).rejects.toThrow(code('extension_unlawful'));
    const us = later(pair, 0, 'US');
    const extended = await extendDispute(us, wish);
    expect(extended.answer_due_at.getTime() - dispute.answer_due_at.getTime()).toBe(
      15 * 86_400_000,
    );
    await expect(extendDispute(us, wish)).rejects.toThrow(code('extension_unlawful'));
    await decideClaim(later(pair, 30 + 15 + 3, 'IN'), {
      claim_id: dispute.claims[0]?.claim_id ?? '',
      decision: 'corrected',
      reason: 'the document shows it',
      by_party: wish.by_party,
    });
    const ended = await findDispute(india, held.subject_id, dispute.dispute_id);
    expect(ended.claims[0]?.claimed_value).toBe('Another Name');
    expect(ended.compensation?.currency).toBe('INR');
    expect(ended.compensation?.amount_minor).toBe(4 * 10_000);
    const { rows } = await pair.registry.db.query('select claimed_value from claim');
    expect(rows).toEqual([{ claimed_value: null }]);
  });

  test('"not me" on a look opens a case for the operator and tells the enquirer', async () => {
    const access_id = await lookAt(pair, enquirer, held.subject_id);
    const before = (await newsOf(enquirer)).length;
    const dispute = await disputeLook(pair.registry, held.subject_id, access_id);
    expect(dispute.claims).toMatchObject([{ field: 'look', state: 'open', access_id }]);
    expect((await newsOf(enquirer)).slice(before)).toMatchObject([
      { type: 'look.disputed', data: { access_id } },
    ]);
    const withdrawn = await withdrawDispute(pair.registry, held.subject_id, dispute.dispute_id);
    expect(withdrawn).toMatchObject({ state: 'withdrawn', claims: [{ state: 'withdrawn' }] });
    await expect(
      withdrawDispute(pair.registry, held.subject_id, dispute.dispute_id),
    ).rejects.toThrow(code('dispute_ended'));
  });
});

/** Days from now to a moment. */
const loadDays = (moment: Date) => (moment.getTime() - Date.now()) / 86_400_000;
