/**
 * The what-if over a real book: who stands where, who would lose the product, what conditional
 * approvals would be worth under each profile; and that asking changes nothing.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile, PROFILE_NAMES } from '../src/authorisation/profile.ts';
import type { Database } from '../src/database/database.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { previewGate } from '../src/gateway/gate.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { type WhatIf, type WhatIfQuestion, whatIf, worthOf } from '../src/gateway/what-if.ts';
import {
  approvalColumns,
  approvalsText,
  BACKENDS,
  bytesOf,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const PERIOD = '2026-01';
const NOW = new Date('2026-06-01T12:00:00Z');
const ASKED: WhatIfQuestion = { profile: 'CN', from: '2026-07-01', period: null, accept_rate: 0.5 };

/** One approval of client `n` that ends on 15 June. */
const ending = (n: number) =>
  approvalColumns(n, `00000000-0000-4000-8000-0000000000${n}0`, {
    expires_at: '2026-06-15T00:00:00Z',
  });

async function fill(gateway: Gateway): Promise<void> {
  const child = {
    identity_kind: 'passport',
    identity_number: 'P1234567',
    identity_country: 'SG',
    birth_date: '2015-01-01',
  };
  const loan = {
    ...monthRow(9, PERIOD),
    subject_ref: 'c3',
    identity_number: 'c3',
    kind: 'instalment_loan',
    currency: 'USD',
    limit_minor: '',
    original_amount_minor: '500000',
    term_months: '12',
    balance_minor: '7000',
  };
  const closed = { status: 'closed', balance_minor: '0', due_minor: '0', closed_on: '2026-01-20' };
  const rows = [
    ...[1, 2, 3, 4, 5, 8].map((n) => monthRow(n, PERIOD)),
    { ...monthRow(6, PERIOD), ...closed },
    { ...monthRow(7, PERIOD), ...child },
    loan,
  ];
  for (const tape of [rows, [monthRow(1, '2025-12')]]) {
    const report = await load(gateway, tapeText(tape));
    expect(report).toMatchObject({ state: 'loaded', counts: { faults_by_rule: {} } });
  }
  const answers = [
    { n: 1, events: ['given'] },
    { n: 2, events: ['requested', 'refused'] },
    { n: 4, events: ['requested'] },
    { n: 5, events: ['given', 'withdrawn'] },
  ];
  const imported = await importAuthorisations(gateway, bytesOf(approvalsText(answers)));
  expect(imported.faults).toEqual([]);
  await recordOne(gateway, ending(8));
}

/** Every table with its rows, as one text. */
async function contentOf(db: Database): Promise<Record<string, string | null>> {
  const { rows: tables } = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = current_schema()::regnamespace
     and c.relkind in ('r', 'p') order by c.relname`,
  );
  const content: Record<string, string | null> = {};
  for (const { name } of tables) {
    // sql: the name comes from the catalogue.
    const { rows } = await db.query<{ all: string | null }>(
      `select md5(string_agg(t::text, '|' order by t::text)) as all from ${name} t`,
    );
    content[name] = rows[0]?.all ?? null;
  }
  return content;
}

const productOf = (answer: WhatIf, product: string) => {
  const found = answer.products.find((each) => each.product === product);
  if (!found) throw new Error(`no ${product}`);
  return found;
};

describe.each(BACKENDS.filter((each) => each === 'pglite' || SERVER_URL))('on %s', (backend) => {
  let pair: Pair;
  let gateway: Gateway;
  beforeAll(async () => {
    pair = await Pair.open(backend, 'what_if');
    gateway = { ...pair.gateway, profile: loadProfile('CN'), now: () => NOW };
    await fill(gateway);
  });
  afterAll(() => pair.close());

  it('counts who stands where on that day, and who would lose the product', async () => {
    const answer = await whatIf(gateway, ASKED);
    expect(answer.period).toBe(PERIOD);
    const line = productOf(answer, 'revolving_line');
    const one = { persons: 1, accounts: 1 };
    expect(line.in_scope).toEqual({ persons: 8, accounts: 8 });
    expect(line.eligible).toEqual({ persons: 7, accounts: 7 });
    expect(line.standing).toEqual({
      released: one,
      refused: one,
      never_asked: { persons: 2, accounts: 2 },
      pending: one,
      withdrawn: one,
      minor: one,
      expired: one,
    });
    expect(line.would_lose).toEqual({
      persons: 5,
      accounts: 5,
      by_reason: { refused: one, never_asked: one, pending: one, withdrawn: one, expired: one },
      balances: [{ currency: 'CNY', balance_minor: 5000 + 2 + 3 + 4 + 5 + 8 }],
    });
    expect(line.at_accept_rate).toEqual({
      approve: { persons: 2, accounts: 2 },
      lose: { persons: 3, accounts: 3 },
    });
    const whole = productOf(answer, 'all');
    expect(whole.would_lose).toMatchObject({ persons: 5, accounts: 6 });
    expect(whole.would_lose.balances.map((each) => each.currency)).toEqual(['CNY', 'USD']);
  });

  it('says coverage today, on that day, and with the condition, against both denominators', async () => {
    const { coverage } = productOf(await whatIf(gateway, ASKED), 'revolving_line');
    expect(coverage.today).toEqual({ accounts: 2, of_in_scope: 2 / 8, of_eligible: 2 / 7 });
    expect(coverage.unchanged).toEqual({ accounts: 1, of_in_scope: 1 / 8, of_eligible: 1 / 7 });
    expect(coverage.if_all_approve).toEqual({
      accounts: 6,
      of_in_scope: 6 / 8,
      of_eligible: 6 / 7,
    });
    expect(coverage.at_accept_rate.accounts).toBe(3);
  });

  it('agrees with the gate on every profile, and leaves coverage alone where approval is void', async () => {
    for (const name of PROFILE_NAMES) {
      const answer = await whatIf(gateway, { ...ASKED, profile: name });
      const profile = loadProfile(name);
      const start = new Date('2026-07-01T00:00:00Z');
      const gate = await previewGate({ ...gateway, profile }, PERIOD, start);
      const whole = productOf(answer, 'all');
      const { released = { accounts: 0 }, ...withheld } = whole.standing;
      expect(released.accounts).toBe(gate.released);
      expect(
        Object.fromEntries(Object.entries(withheld).map(([why, { accounts }]) => [why, accounts])),
      ).toEqual(gate.withheld);
      const isVoid = profile.conditionality === 'void';
      expect(answer.worth.verdict === 'void').toBe(isVoid);
      const gained = isVoid ? 0 : whole.would_lose.accounts;
      expect(whole.coverage.if_all_approve.accounts).toBe(gate.released + gained);
      expect(whole.would_lose.accounts).toBeGreaterThan(0);
    }
  });

  it('changes nothing in the database', async () => {
    const before = await contentOf(gateway.db);
    await whatIf(gateway, ASKED);
    expect(await contentOf(gateway.db)).toEqual(before);
    expect(Object.values(before).filter((each) => each !== null).length).toBeGreaterThan(5);
  });

  it('gives the same answer twice', async () => {
    expect(await whatIf(gateway, ASKED)).toEqual(await whatIf(gateway, ASKED));
  });

  it.each([
    [{ from: '2026-05-31' }, 'past'],
    [{ from: '2026-02-30' }, 'no day'],
    [{ accept_rate: 1.5 }, 'accept rate'],
    [{ accept_rate: Number.NaN }, 'accept rate'],
    [{ period: '2024-01' }, 'no such period'],
    [{ period: "2024'" }, 'no such period'],
  ])('refuses %j', async (changes, detail) => {
    await expect(whatIf(gateway, { ...ASKED, ...changes })).rejects.toMatchObject({
      code: 'argument_invalid',
      detail: expect.stringContaining(detail),
    });
  });

  it('refuses a day before the profile is in force, and a book without a row', async () => {
    const early = { ...gateway, now: () => new Date('2021-01-01T00:00:00Z') };
    await expect(whatIf(early, { ...ASKED, from: '2021-06-01' })).rejects.toMatchObject({
      detail: expect.stringContaining('in force from 2022-01-01'),
    });
    await expect(whatIf(gateway, { ...ASKED, profile: 'FR' })).rejects.toMatchObject({
      code: 'profile_unknown',
    });
  });
});

describe('what approval on condition is worth', () => {
  it.each([
    ['CN', 'flagged', ['necessity_text']],
    ['EU', 'flagged', ['necessity_text', 'alternative_offered']],
    ['UK', 'flagged', ['necessity_text', 'alternative_offered']],
    ['US', 'void', []],
    ['IN', 'void', []],
    ['STRICT', 'void', []],
  ])('in %s: %s', (name, verdict, needs) => {
    const profile = loadProfile(name);
    expect(worthOf(profile)).toEqual({
      verdict,
      needs,
      conditionality: profile.conditionality,
      source: profile.sources['conditionality'],
    });
  });

  it('is nothing where the profile knows no consent for furnishing', () => {
    const legal_bases = [
      { basis: 'contract' as const, purposes: ['F1' as const], rows: 'all' as const },
    ];
    const worth = worthOf({ ...loadProfile('CN'), conditionality: 'valid', legal_bases });
    expect(worth).toMatchObject({
      verdict: 'void',
      source: loadProfile('CN').sources['legal_bases'],
    });
  });
});
