/** The summary of a file, the status of a report, and the canonical bytes of its document. */
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountFacts, FileFacts, LookFacts, MonthFacts } from './file-facts.ts';
import { countedOnce, duePerMonth, summaryOf } from './file-summary.ts';
import { addMonths } from './period.ts';
import { type Issue, reportText, statusOf } from './report-document.ts';
import { sampleAccount, sampleFacts, sampleMonth } from './sample-facts.ts';

const months = (from: string, figures: readonly Partial<MonthFacts>[]) =>
  figures.map((over, index) => sampleMonth(addMonths(from, index), over));

describe('due per month', () => {
  const loan = (over: Partial<AccountFacts> = {}) =>
    sampleAccount({ kind: 'instalment_loan', opened_on: '2026-01-10', term_months: 12, ...over });
  it('is what was furnished; of a loan no less than its balance over the months left', () => {
    const furnished = sampleAccount({ months: [sampleMonth('2026-04', { due_minor: 700 })] });
    expect(duePerMonth(furnished)).toEqual({ minor: 700, is_estimated: false });
    const left = { balance_minor: 9001 };
    // From January to April three of twelve months are gone.
    const spread = loan({ months: [sampleMonth('2026-04', { ...left, due_minor: 10 })] });
    expect(duePerMonth(spread)).toEqual({ minor: 1001, is_estimated: false });
    const late = loan({ months: [sampleMonth('2027-06', left)] });
    expect(duePerMonth(late)).toEqual({ minor: 9001, is_estimated: true });
  });

  it('is a tenth of the average use of six months where a line tells none', () => {
    const line = sampleAccount({
      months: months(
        '2025-01',
        [99_999, 100, 200, 300, 400, 500, 605].map((balance_minor) => ({ balance_minor })),
      ),
    });
    expect(duePerMonth(line)).toEqual({ minor: Math.ceil(2105 / 60), is_estimated: true });
    expect(duePerMonth(sampleAccount({ months: [] }))).toEqual({ minor: 0, is_estimated: false });
  });
});

describe('looks for new credit', () => {
  const look = (day: string, enquirer_id = 'a', purpose = '02'): LookFacts => ({
    ...{ at: `${day}T10:00:00.000Z`, enquirer: 'A', enquirer_id, kind: 'new_credit', purpose },
  });
  it('of one enquirer for one purpose within the days count once, from the one that counts', () => {
    const days = ['2026-01-01', '2026-01-14', '2026-01-15', '2026-01-28', '2026-02-01'];
    const counted = countedOnce(
      days.map((day) => look(day)),
      14,
    );
    expect(counted.map(({ at }) => at.slice(0, 10))).toEqual([
      '2026-01-01',
      '2026-01-15',
      '2026-02-01',
    ]);
    expect(countedOnce([look('2026-01-01'), look('2026-01-01', 'b')], 14)).toHaveLength(2);
    expect(countedOnce([look('2026-01-01'), look('2026-01-02', 'a', '03')], 14)).toHaveLength(2);
  });

  it('stand in every window that holds them, and no longer', () => {
    const facts = sampleFacts({ at: '2026-03-31T12:00:00.000Z', looks: [look('2026-02-28')] });
    expect(summaryOf(facts, 14).enquiries.new_credit).toEqual({
      m1: 0,
      m3: 1,
      m6: 1,
      m12: 1,
      m24: 1,
    });
  });
});

describe('a summary', () => {
  it('adds up within a currency, counts a lender once, and says as of which days', () => {
    const line = (over: Partial<AccountFacts>, figures: Partial<MonthFacts>) =>
      sampleAccount({ ...over, months: [sampleMonth('2026-02', figures)] });
    const summary = summaryOf(
      sampleFacts({
        at: '2026-03-05T00:00:00.000Z',
        accounts: [
          line({}, { limit_minor: 1000, balance_minor: 400, as_of: '2026-02-20' }),
          line(
            {},
            { limit_minor: 500, balance_minor: 700, as_of: '2026-02-28', days_past_due: 31 },
          ),
          line(
            { currency: 'USD', lender: { licence_id: 'other', name: 'O', participant_id: 'o' } },
            { balance_minor: 9 },
          ),
          line({}, { status: 'closed', balance_minor: 0, limit_minor: 9999 }),
        ],
      }),
      14,
    );
    expect(summary).toMatchObject({ lenders: 2, accounts: 4, accounts_open: 3, months_shown: 4 });
    expect(summary.amounts).toMatchObject([
      {
        ...{ currency: 'CNY', accounts_open: 2, limit_minor: 1500, used_minor: 1100 },
        ...{ unused_minor: 600, as_of_from: '2026-02-20', as_of_to: '2026-02-28' },
      },
      { currency: 'USD', balance_minor: 9 },
    ]);
    expect(summary.worst_days_past_due).toEqual({ m3: 31, m6: 31, m12: 31, m24: 31, m60: 31 });
  });
});

describe('the status of a file', () => {
  const thin = { months_open: 6, months_shown: 6 };
  const of = (over: Partial<FileFacts>) => {
    const { status, reasons } = statusOf(
      sampleFacts({ at: '2026-07-01T00:00:00.000Z', ...over }),
      thin,
    );
    return [status, ...reasons];
  };
  const six = months('2026-01', [{}, {}, {}, {}, {}, {}]);
  const account = (over: Partial<AccountFacts> = {}) =>
    sampleAccount({ opened_on: '2026-01-01', months: six, ...over });
  const block = (kind: 'freeze' | 'credit_ban' | 'fraud_alert') => ({
    ...{ kind, placed_at: '2026-01-01T00:00:00.000Z', expires_at: null },
  });

  it('says what is missing, and never takes the unknown for little', () => {
    expect(of({ accounts: [], known_accounts: 0 })).toEqual(['no_hit']);
    expect(of({ accounts: [], known_accounts: 2 })).toEqual(['suppressed', 'hidden']);
    expect(of({ accounts: [account()] })).toEqual(['full']);
    expect(of({ accounts: [account({ opened_on: '2026-01-02' })] })).toEqual([
      'thin',
      'young_accounts',
    ]);
    expect(of({ accounts: [account({ months: six.slice(1) })] })).toEqual(['thin', 'few_months']);
    expect(of({ accounts: [account()], blocks: [block('freeze')] })).toEqual([
      'suppressed',
      'frozen',
    ]);
    expect(of({ accounts: [account()], blocks: [block('fraud_alert')] })).toEqual(['full']);
    const claim = { account_id: 'a', claim_id: 'c', field: 'f', opened_at: '', period: null };
    expect(of({ accounts: [account({ claims: [claim] })], blocks: [block('credit_ban')] })).toEqual(
      ['suppressed', 'banned', 'disputed'],
    );
  });
});

describe('a document', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 12 });
  const anyMonth = fc.record({
    balance_minor: fc.integer({ min: -5, max: 10 ** 9 }),
    days_past_due: fc.integer({ min: 0, max: 200 }),
    limit_minor: fc.option(fc.integer({ min: 0, max: 10 ** 9 })),
    due_minor: fc.option(fc.integer({ min: 0, max: 10 ** 6 })),
    status: fc.constantFrom('open', 'closed', 'written_off', 'transferred'),
  });
  const anyAccount = fc
    .record({
      brand: fc.option(text),
      kind: fc.constantFrom('revolving_line', 'instalment_loan'),
      term_months: fc.option(fc.integer({ min: 1, max: 60 })),
      agreement_id: fc.constantFrom(null, 'g1', 'g2'),
      agreement_limit_minor: fc.option(fc.integer({ min: 0, max: 10 ** 6 })),
      months: fc.array(anyMonth, { maxLength: 30 }).map((each) => months('2023-05', each)),
    })
    .map((over) => sampleAccount(over));
  const issue = fc.record({
    accounts: fc.array(anyAccount, { maxLength: 4 }),
    statement: text,
    form: fc.constantFrom('full', 'summary'),
    audience: fc.constantFrom('enquirer', 'subject', 'operator'),
    grid: fc.constantFrom('pboc', 'metro2', 'bands'),
    renderer_version: fc.constantFrom(1, 2),
  });
  it('is written as canonical JSON, and the same from what was kept', () => {
    fc.assert(
      fc.property(issue, ({ accounts, statement, form, audience, grid, renderer_version }) => {
        const statements = [
          { account_id: null, language: 'zh', made_at: '', statement_id: 's', text: statement },
        ];
        const made = {
          ...{ audience, counts_once_days: 14, enquiry: null, form, grid },
          facts: sampleFacts({ accounts, statements }),
          issued_at: '2026-03-05T00:00:00.000Z',
          profile: { name: 'CN', sha256: '0' },
          renderer_version,
          report_id: 'r',
          thin: { months_open: 6, months_shown: 6 },
        } as Issue;
        const written = reportText(made);
        expect(canonicalize(JSON.parse(written))).toBe(written);
        expect(reportText(JSON.parse(JSON.stringify(made)) as Issue)).toBe(written);
      }),
    );
  });

  it('of a renderer that is not there is not made', () => {
    expect(() => reportText({ renderer_version: 99 } as Issue)).toThrow(RangeError);
  });
});
