/**
 * Misuse of an approval to furnish, case by case, as the conformance tests of the Account
 * Aggregator list it (lessons 10 and 11): the lender's gate withholds it, and where the gate is
 * open the registry refuses it, with the same reason, and stores nothing.
 *
 * Misuse of an approval to look stands in permits.test.ts; ids of others, cut short, in another
 * case or random in permits.test.ts, evidence.test.ts and feed.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { approvalColumns, BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';
import { DISHONEST, type Mutant, mutated } from './simulation/mutants.ts';

const [FIRST, SECOND] = ['2026-01', '2026-02'] as const;
const SOMEBODY = '00000000-0000-4000-8000-0000000000cc';

interface Case {
  readonly misuse: string;
  readonly terms: Readonly<Record<string, string | readonly string[]>>;
  /** Whether the first month may go; the second may not. */
  readonly isFirstGood: boolean;
  readonly reason: string;
}

const CASES: readonly Case[] = [
  {
    misuse: 'a one-time approval used twice (AA 2017)',
    terms: { fetch: 'ONETIME' },
    isFirstGood: true,
    reason: 'limit_reached',
  },
  {
    misuse: 'once a year, used twice (AA 2018)',
    terms: { frequency: '1/YEAR' },
    isFirstGood: true,
    reason: 'limit_reached',
  },
  {
    misuse: 'a range wider than agreed, at its end (AA 2007)',
    terms: { range_to: FIRST },
    isFirstGood: true,
    reason: 'out_of_scope',
  },
  {
    misuse: 'a product that was not agreed',
    terms: { products: ['instalment_loan'] },
    isFirstGood: false,
    reason: 'out_of_scope',
  },
  {
    misuse: 'a class of data that was not agreed',
    terms: { classes: ['IDENTITY', 'ACCOUNT_BASIC'] },
    isFirstGood: false,
    reason: 'out_of_scope',
  },
  {
    misuse: 'another recipient than the one that was named',
    terms: { recipient_id: SOMEBODY },
    isFirstGood: false,
    reason: 'out_of_scope',
  },
  {
    misuse: 'looked at, but not to be stored',
    terms: { mode: 'VIEW' },
    isFirstGood: false,
    reason: 'out_of_scope',
  },
  {
    misuse: 'after its end',
    terms: { expires_at: '2026-01-03T00:00:00Z' },
    isFirstGood: false,
    reason: 'expired',
  },
];
/** Client 0 misuses nothing; client `n` is case `n - 1`. */
const CLIENTS = [0, ...CASES.map((_, index) => index + 1)];
const idOf = (n: number) => `00000000-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`;

const countBy = (reasons: readonly string[]) =>
  Object.fromEntries([...Map.groupBy(reasons, (each) => each)].map(([r, all]) => [r, all.length]));

describe.each(BACKENDS)('misuse of an approval to furnish, on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.open(backend, 'misuse');
    for (const period of [FIRST, SECOND])
      await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, period))));
    await recordOne(pair.gateway, approvalColumns(0, idOf(0)));
    for (const [index, { terms }] of CASES.entries())
      await recordOne(pair.gateway, approvalColumns(index + 1, idOf(index + 1), terms));
  });
  afterAll(() => pair.close());

  async function storedOf(n: number): Promise<string[]> {
    const { rows } = await pair.registry.db.query<{ period: string }>(
      `select to_char(period, 'YYYY-MM') as period from account_month where authorisation_id = $1
       order by period`,
      [idOf(n)],
    );
    return rows.map((row) => row.period);
  }

  /** Hands over with faults in the lender's own programs. */
  async function handOverWith(mutants: readonly Mutant[], period: string) {
    const honest = pair.gatewayStore.current;
    pair.gatewayStore.current = mutated(honest, mutants);
    try {
      return await handOver(pair.gateway, pair.link(), period);
    } finally {
      pair.gatewayStore.current = honest;
    }
  }

  it('is withheld by the lender’s gate', async () => {
    const first = await handOver(pair.gateway, pair.link(), FIRST);
    expect(first.released).toBe(1 + CASES.filter((each) => each.isFirstGood).length);
    expect(first.receipt?.refused_by_reason).toEqual({});
    const second = await handOver(pair.gateway, pair.link(), SECOND);
    expect(second.released).toBe(1);
    expect(second.withheld).toEqual(countBy(CASES.map((each) => each.reason)));
  });

  it('is refused by the registry where the gate is open, and counted as refused', async () => {
    const { released, receipt } = await handOverWith(DISHONEST, SECOND);
    // What has expired is swept, and the sweep is not part of the gate.
    expect(released).toBe(CASES.length);
    expect(receipt?.refused_by_reason).toEqual(countBy(CASES.map((each) => each.reason)));
    expect(receipt?.outcomes.month).toMatchObject({ accepted: 0, refused: CASES.length });
    expect(receipt?.merkle.size).toBe(0);
    expect(pair.failures).toEqual([]);
  });

  it.each(CASES.map((each, index) => ({ ...each, n: index + 1 })))(
    'nothing is stored of $misuse',
    async ({ n, isFirstGood }) => {
      expect(await storedOf(n)).toEqual(isFirstGood ? [FIRST] : []);
    },
  );

  it.each([
    ["another person's", idOf(1)],
    ['random', 'abcdefab-cdef-4abc-8def-abcdefabcdef'],
  ])('a month that names an approval that is %s is refused alike', async (_, id) => {
    const period = '2026-03';
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, period))));
    const swap = {
      fault: 'every month names this approval',
      from: 'select h.wire_number, h.account_id, h.authorisation_id',
      to: `select h.wire_number, h.account_id, '${id}'::uuid as authorisation_id`,
    };
    const { receipt } = await handOverWith([swap], period);
    expect(receipt?.refused_by_reason).toEqual({ never_asked: 1 });
    expect(receipt?.outcomes.month).toMatchObject({ declared: 1, accepted: 0 });
  });
});
