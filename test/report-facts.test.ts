/**
 * The facts of a file and the reports made of them: what may be shown, what a rule hides, what the
 * person said, and the same bytes again.
 */
import { randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile, type Profile } from '../src/authorisation/profile.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import type { ReportDocument } from '../src/model/report-document.ts';
import type { Registry } from '../src/registry/registry.ts';
import { issueOwnReport, rebuildReport } from '../src/registry/report.ts';
import { readFacts } from '../src/registry/report-facts.ts';
import { statementPlace } from '../src/registry/statements.ts';
import {
  approvalColumns,
  BACKENDS,
  lateMonthRow,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

/** Late in June and July 2025, repaid in August; the fourth month is good again. */
const PERIODS = ['2025-05', '2025-06', '2025-07', '2025-08'];
const LATE = ['2025-06', '2025-07'];

describe.each(BACKENDS)('the facts of a file on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let subject: string;
  const under = (profile: string, at: string): Registry => ({
    ...pair.registry,
    profile: loadProfile(profile) as Profile,
    now: () => new Date(at),
  });
  const facts = async (registry: Registry) => {
    const found = await registry.db.transaction((session) => readFacts(registry, session, subject));
    if (!found) throw new Error('no file');
    return found;
  };
  const periods = (found: Awaited<ReturnType<typeof facts>>) =>
    found.accounts.flatMap(({ months }) => months.map(({ period }) => period));

  beforeAll(async () => {
    pair = await Pair.open(backend, 'report_facts');
    for (const period of PERIODS) {
      const row = LATE.includes(period)
        ? { ...lateMonthRow(1, period), first_delinquency_on: '2025-06-13' }
        : monthRow(1, period);
      await load(pair.gateway, tapeText([row]));
    }
    await recordOne(pair.gateway, approvalColumns(1, randomUUID()));
    for (const period of PERIODS) {
      const { receipt } = await handOver(pair.gateway, pair.link(), period);
      expect(receipt?.outcomes.month.accepted).toBe(1);
    }
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from subject',
    );
    subject = rows[0]?.subject_id ?? '';
  });
  afterAll(() => pair.close());

  it('are what was furnished, with lender, currency and the day of every figure', async () => {
    const found = await facts(under('EU', '2025-09-15T00:00:00Z'));
    expect(periods(found)).toEqual(PERIODS);
    const [account] = found.accounts;
    expect(account).toMatchObject({
      currency: 'CNY',
      kind: 'revolving_line',
      lender: { name: 'furnisher', participant_id: pair.gateway.furnisher_id },
      opened_on: '2025-01-01',
    });
    expect(account?.months[1]).toMatchObject({
      as_of: '2025-06-28',
      days_past_due: 45,
      past_due_minor: 500,
    });
  });

  it('lose a late month when its clock has run out, purged or not', async () => {
    const good = PERIODS.filter((period) => !LATE.includes(period));
    const over = { EU: '2030-06-14', UK: '2031-08-29', US: '2032-06-14' } as const;
    for (const [profile, day] of Object.entries(over)) {
      const before = new Date(Date.parse(`${day}T00:00:00Z`) - 2 * 86_400_000).toISOString();
      const last = await facts({ ...under(profile, before) });
      // Sixty months are shown: by then some have left for their age.
      expect(last.accounts.length === 0 || periods(last).every((p) => PERIODS.includes(p))).toBe(
        true,
      );
      const gone = await facts(under(profile, `${day}T00:00:00Z`));
      expect(periods(gone).filter((period) => !good.includes(period))).toEqual([]);
    }
    const shortly = {
      ...loadProfile('EU'),
      adverse_retention: { months: 12, from: 'end_of_event' },
    };
    const at = (day: string): Registry => ({
      ...under('EU', `${day}T00:00:00Z`),
      profile: shortly as Profile,
    });
    expect(periods(await facts(at('2026-08-27')))).toEqual(PERIODS);
    expect(periods(await facts(at('2026-08-28')))).toEqual(good);
  });

  it('leave out what a dated rule hides, and tell the person which rule', async () => {
    const shown = await facts(under('CN', '2025-12-31T23:59:59Z'));
    expect([periods(shown), shown.hidden]).toEqual([PERIODS, []]);
    const repaired = await facts(under('CN', '2026-01-01T00:00:00Z'));
    expect(periods(repaired)).toEqual(PERIODS.filter((period) => !LATE.includes(period)));
    const { account_id } = repaired.accounts[0] ?? { account_id: '' };
    expect(repaired.hidden).toEqual(
      LATE.map((period) => ({ account_id, period, rule: 'cn_credit_repair_2025' })),
    );
    await pair.registry.db.query('update account_month set past_due_minor = 1000001');
    expect(periods(await facts(under('CN', '2026-01-01T00:00:00Z')))).toEqual(PERIODS);
    await pair.registry.db.query('update account_month set past_due_minor = 500');
    const stored = await pair.registry.db.query('select 1 from account_month');
    expect(stored.rows).toHaveLength(4);
  });

  it('leave out what a dispute found wrong, and a month without what it needs', async () => {
    const { db } = pair.registry;
    const registry = under('UK', '2025-09-15T00:00:00Z');
    const [account] = (await facts(registry)).accounts;
    const refute = (period: string, field: string, value: string) =>
      db.query(
        `insert into reinsertion_guard (subject_id, account_id, period, field, value, furnisher_id,
           cause, made_at) values ($1, $2, $3::date, $4, $5, $6, 'upheld', '2025-09-01')`,
        [...[subject, account?.account_id ?? '', period, field, value], pair.gateway.furnisher_id],
      );
    await refute('2025-05-01', 'limit_minor', '100000');
    await refute('2025-06-01', 'days_past_due', '45');
    await refute('2025-07-01', 'days_past_due', '44'); // Another value is a correction.
    await refute('0001-01-01', 'opened_on', '2025-01-01');
    const found = await facts(registry);
    expect(periods(found)).toEqual(['2025-05', '2025-07', '2025-08']);
    expect(found.accounts[0]).toMatchObject({ opened_on: null });
    expect(found.accounts[0]?.months[0]).toMatchObject({ limit_minor: null, balance_minor: 1001 });
    await refute('0001-01-01', 'account', '*');
    expect((await facts(registry)).accounts).toEqual([]);
    await db.query('delete from reinsertion_guard');
    expect(periods(await facts(registry))).toEqual(PERIODS);
  });

  it('carry marks, statements and blocks in force, and a report of them is made again', async () => {
    const { db, ring } = pair.registry;
    const { rows } = await db.query<{ wrapped_key: Uint8Array; account_id: string }>(
      `select s.wrapped_key, a.account_id from subject s
       join account a on a.subject_id = s.subject_id`,
    );
    const [{ wrapped_key, account_id } = { wrapped_key: new Uint8Array(), account_id: '' }] = rows;
    const statement = randomUUID();
    const words = Buffer.from('我没有借这笔钱', 'utf8');
    await db.query(
      `insert into subject_statement (subject_id, statement_id, account_id, language, text_sealed, made_at)
       values ($1, $2, $3, 'zh', $4, '2025-09-01')`,
      [subject, statement, account_id, ring.seal(wrapped_key, words, statementPlace(statement))],
    );
    await db.query(
      `insert into subject_block (subject_id, block_id, kind, reason, placed_at, expires_at)
       values ($1, $2, 'fraud_alert', 'identity_theft', '2025-09-01', null),
         ($1, $3, 'freeze', 'other', '2025-01-01', '2025-02-01')`,
      [subject, randomUUID(), randomUUID()],
    );
    await db.query(
      `insert into claim (subject_id, claim_id, dispute_id, account_id, period, field, state, opened_at)
       values ($1, $2, $2, $3, '2025-06-01', 'days_past_due', 'forwarded', '2025-09-02'),
         ($1, $4, $2, $3, '2025-07-01', 'days_past_due', 'verified', '2025-09-02')`,
      [subject, randomUUID(), account_id, randomUUID()],
    );
    const registry = under('CN', '2025-09-15T00:00:00Z');
    const found = await facts(registry);
    expect(found.blocks).toMatchObject([{ kind: 'fraud_alert' }]);
    expect(found.statements).toMatchObject([{ text: '我没有借这笔钱', account_id }]);
    expect(found.accounts[0]?.claims).toMatchObject([
      { field: 'days_past_due', period: '2025-06' },
    ]);

    const issued = await db.transaction((session) =>
      issueOwnReport(registry, session, subject, {
        audience: 'subject',
        form: 'full',
        participant_id: randomUUID(),
        purpose: 'own',
        reason: 'own',
      }),
    );
    const document = JSON.parse(issued.text) as ReportDocument;
    expect(canonicalize(document)).toBe(issued.text);
    expect(document).toMatchObject({ status: 'suppressed', status_reasons: ['disputed'] });
    expect(document.accounts?.[0]?.grid?.letters.endsWith('/////N22N')).toBe(false);
    expect(document.accounts?.[0]?.grid?.letters.endsWith('####N22N')).toBe(true);
    // Whatever happens to the file afterwards, the report stays what it was.
    await db.query('delete from account_month');
    const again = await rebuildReport(registry, db, issued.report_id, null);
    expect(again).toEqual({
      report_id: issued.report_id,
      text: issued.text,
      sha256: issued.sha256,
    });
    await db.query(`update report set report_sha256 = decode($1, 'hex')`, ['00'.repeat(32)]);
    await expect(rebuildReport(registry, db, issued.report_id, null)).rejects.toMatchObject({
      code: 'report_altered',
    });
    await db.query('delete from subject');
    await expect(rebuildReport(registry, db, issued.report_id, null)).rejects.toMatchObject({
      code: 'report_unknown',
    });
  });
});
