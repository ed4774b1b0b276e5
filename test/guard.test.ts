/**
 * The reinsertion guard, end to end: what a dispute found wrong is not shown, is held when it
 * comes back with a hand-over, and passes when its furnisher certifies it.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { audit } from '../src/registry/audit.ts';
import { answerClaim } from '../src/registry/claim-answers.ts';
import { openDispute } from '../src/registry/disputes.ts';
import { readFile } from '../src/registry/files.ts';
import { type Certificate, certify } from '../src/registry/guard.ts';
import { furnish, type Held, heldOf, later, messagesOf, PERIOD, SOURCE } from './dispute-world.ts';
import { BACKENDS, lateMonthRow, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const NEXT = '2026-02';

describe.each(BACKENDS)('the reinsertion guard, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 60_000);
  let pair: Pair;
  let held: Held;

  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'guard');
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (missing) return;
    await pair.empty();
    await furnish(pair, [lateMonthRow(1, PERIOD), monthRow(2, PERIOD)]);
    held = await heldOf(pair, 1);
  }, 60_000);

  const months = async (registry = pair.registry) => {
    const look = { participant_id: randomUUID(), purpose: 'test', reason: 'test' };
    const file = await readFile(registry, { subject_id: held.subject_id }, look);
    return file.accounts.flatMap((each) => (each['months'] ?? []) as Record<string, unknown>[]);
  };
  const refute = async (claim: object, profile = 'EU') => {
    const { claims } = await openDispute(later(pair, 0, profile), held.subject_id, {
      claims: [{ field: 'days_past_due', account_id: held.account_id, period: PERIOD, ...claim }],
    });
    const { state } = await answerClaim(later(pair, 0, profile), {
      furnisher_id: pair.gateway.furnisher_id,
      claim_id: claims[0]?.claim_id ?? '',
      ...{ answer: 'deleted', value: null, source_sha256: null, reason: null },
    });
    expect(state).toBe('deleted');
  };
  const furnishAgain = async (...rows: Record<string, string>[]) => {
    await load(pair.gateway, tapeText(rows));
    const { receipt } = await handOver(pair.gateway, pair.link(), rows[0]?.['period'] ?? '');
    return { ...receipt?.outcomes.month, rules: receipt?.faults_by_rule };
  };
  const certificate = async (over: Partial<Certificate> = {}): Promise<Certificate> => {
    const { rows } = await pair.gateway.db.query<{ account_id: string }>(
      `select account_id from account where account_ref = 'a1'`,
    );
    return {
      furnisher_id: pair.gateway.furnisher_id,
      account_ref: rows[0]?.account_id ?? '',
      ...{ period: PERIOD, field: 'days_past_due', value: '45' },
      ...{ source_sha256: SOURCE, reason: 'the ledger was read again' },
      ...over,
    };
  };
  const sound = async () => {
    for (const line of await audit(pair.registry)) expect(line.violations, line.check).toBe(0);
  };

  test('holds the value of a month, lets another pass, and lets it back when certified', async () => {
    expect(await months()).toMatchObject([{ days_past_due: 45, past_due_minor: 500 }]);
    await refute({});
    const [shown] = await months();
    expect(shown).toMatchObject({ past_due_minor: 500 });
    expect(shown).not.toHaveProperty('days_past_due');
    const again = { ...lateMonthRow(1, PERIOD), past_due_minor: '501' };
    expect(await furnishAgain(again)).toMatchObject({ accepted: 0, held: 1, rules: { V16: 1 } });
    await expect(certify(pair.registry, await certificate({ value: '44' }))).rejects.toThrow(
      expect.objectContaining({ code: 'guard_unknown' }),
    );
    await expect(
      certify(pair.registry, await certificate({ furnisher_id: randomUUID() })),
    ).rejects.toThrow(expect.objectContaining({ code: 'guard_unknown' }));
    const other = { ...again, days_past_due: '44' };
    expect(await furnishAgain(other)).toMatchObject({ accepted: 1, held: 0 });
    expect(await months()).toMatchObject([{ days_past_due: 44 }]);
    const back = { ...again, past_due_minor: '502' };
    expect(await furnishAgain(back)).toMatchObject({ accepted: 0, held: 1 });
    const first = await certify(pair.registry, await certificate());
    expect(await certify(pair.registry, await certificate())).toEqual(first);
    expect(
      (await messagesOf(pair, held.subject_id)).filter((kind) => kind === 'reinsertion_certified'),
    ).toHaveLength(1);
    const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(receipt?.outcomes.month).toMatchObject({ accepted: 1, held: 0 });
    expect(await months()).toMatchObject([{ days_past_due: 45, past_due_minor: 502 }]);
    await sound();
  });

  test('is of its account and month alone', async () => {
    await refute({});
    expect(await furnishAgain(lateMonthRow(2, PERIOD))).toMatchObject({ accepted: 1, held: 0 });
    expect(await furnishAgain(lateMonthRow(1, NEXT), lateMonthRow(2, NEXT))).toMatchObject({
      accepted: 2,
      held: 0,
    });
  });

  test('of a whole month hides it, or erases it where the profile says so; neither comes back', async () => {
    await refute({ field: 'month' }, 'US');
    expect(await months()).toEqual([]);
    const again = { ...lateMonthRow(1, PERIOD), past_due_minor: '501' };
    expect(await furnishAgain(again)).toMatchObject({ held: 1, rules: { V16: 1 } });
    const stored = () =>
      pair.registry.db.query('select 1 from account_month where account_id = $1', [
        held.account_id,
      ]);
    expect((await stored()).rows).toHaveLength(1);
    held = await heldOf(pair, 2);
    await refute({ field: 'month' }, 'EU');
    expect((await stored()).rows).toHaveLength(0);
    expect(await furnishAgain({ ...monthRow(2, PERIOD), balance_minor: '5' })).toMatchObject({
      rules: { V16: 2 }, // The other one comes along again.
    });
    const next = [monthRow(1, NEXT), monthRow(2, NEXT)] as const;
    expect(await furnishAgain(...next)).toMatchObject({ accepted: 2, held: 0 });
    await sound();
  });

  test('of a whole account holds every month and row of it', async () => {
    await refute({ field: 'account', period: null });
    expect(await months()).toEqual([]);
    expect(await furnishAgain(monthRow(1, NEXT), monthRow(2, NEXT))).toMatchObject({
      ...{ accepted: 1, held: 1, rules: { V16: 1 } },
    });
    await sound();
  });

  test('of a field of the account holds a row that brings it back', async () => {
    await refute({ field: 'opened_on', period: null });
    const again = { ...monthRow(1, NEXT), brand: 'Another' };
    expect(await furnishAgain(again, monthRow(2, NEXT))).toMatchObject({
      ...{ accepted: 2, rules: { V16: 1 } },
    });
    const right = { ...again, opened_on: '2025-02-01', balance_minor: '5' };
    expect(await furnishAgain(right)).toMatchObject({ accepted: 1, rules: {} });
    await certify(
      pair.registry,
      await certificate({ field: 'opened_on', period: null, value: '2025-01-01' }),
    );
    await sound();
  });
});
