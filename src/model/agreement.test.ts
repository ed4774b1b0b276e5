/** Draws under one agreement: gathered once, counted once, and reports of before as they were. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agreementsOf, isInForce, unusedOf, usedOf, worstStatus } from './agreement.ts';
import type { AccountFacts } from './file-facts.ts';
import { summaryOf } from './file-summary.ts';
import { combineGrids, type Grid, gridOf } from './grid.ts';
import { addMonths, monthsBetween } from './period.ts';
import { type Issue, type ReportDocument, reportDocument, reportText } from './report-document.ts';
import { sampleAccount, sampleFacts, sampleMonth } from './sample-facts.ts';

const DAY = '2026-03-05';

/** A loan under agreement `g` with a limit of a thousand. */
const draw = (account_id: string, over: Partial<AccountFacts> = {}) =>
  sampleAccount({
    account_id,
    agreement_ends_on: null,
    agreement_id: 'g',
    agreement_limit_minor: 1000,
    agreement_opened_on: '2025-01-01',
    kind: 'instalment_loan',
    original_amount_minor: 300,
    ...over,
  });
const owes = (balance_minor: number, over: object = {}) => [
  sampleMonth('2026-02', { balance_minor, ...over }),
];

describe('an agreement', () => {
  it('gathers what one lender lent under it in one currency, and nothing else', () => {
    const other = { ...sampleAccount().lender, participant_id: 'another' };
    const accounts = [
      draw('a'),
      sampleAccount({ account_id: 'alone', agreement_id: null }),
      draw('b'),
      draw('c', { lender: other }),
      draw('d', { currency: 'USD' }),
      sampleAccount({ account_id: 'sealed before' }),
    ];
    const found = agreementsOf(accounts).map(({ draws }) => draws.map((each) => each.account_id));
    expect(found).toEqual([['a', 'b'], ['c'], ['d']]);
  });

  it('has the limit that was furnished last, in whatever order the draws come', () => {
    const accounts = [
      draw('old', { agreement_limit_minor: 700, months: [sampleMonth('2025-10')] }),
      draw('new', { agreement_limit_minor: 900, months: [sampleMonth('2026-02')] }),
      draw('unborn', { agreement_limit_minor: 800 }),
    ];
    for (const order of [accounts, accounts.toReversed()])
      expect(agreementsOf(order)[0]).toMatchObject({ limit_minor: 900 });
  });

  it('is used by what is open, and lends nothing after its end', () => {
    const [agreement] = agreementsOf([
      draw('a', { months: owes(300) }),
      draw('b', { months: owes(0, { status: 'closed' }) }),
      draw('c', { months: owes(-5) }),
    ]);
    if (!agreement) throw new Error('none');
    expect([usedOf(agreement), unusedOf(agreement, DAY)]).toEqual([300, 700]);
    const ended = { ...agreement, ends_on: '2026-03-04' };
    expect([unusedOf(ended, DAY), isInForce(ended, DAY)]).toEqual([0, true]);
    expect(unusedOf({ ...agreement, ends_on: DAY }, DAY)).toBe(700);
    expect(unusedOf({ ...agreement, limit_minor: null }, DAY)).toBe(null);
    expect(isInForce({ ...ended, draws: [] }, DAY)).toBe(false);
    expect(isInForce({ ...ended, ends_on: DAY, draws: [] }, DAY)).toBe(true);
  });

  it.each([
    [['closed', 'open'], 'open'],
    [['transferred', 'open'], 'transferred'],
    [['transferred', 'written_off', 'closed'], 'written_off'],
    [[], null],
  ])('stands as the worst of its draws: %j', (statuses, expected) => {
    const draws = statuses.map((status) => draw(status, { months: owes(1, { status }) }));
    const [agreement] = agreementsOf([...draws, draw('no month')]);
    expect(agreement && worstStatus(agreement)).toBe(expected);
  });
});

describe('a summary', () => {
  it('counts the limit of an agreement once, beside lines that stand alone', () => {
    const line = { months: owes(50, { limit_minor: 200 }) };
    const accounts = [
      draw('a', { months: owes(300) }),
      draw('b', { months: owes(100) }),
      // A line within the agreement has no limit of its own.
      draw('c', { ...line, kind: 'revolving_line' }),
      sampleAccount({ account_id: 'alone', ...line }),
    ];
    const { amounts, ...summary } = summaryOf(sampleFacts({ accounts }), 14);
    expect(summary).toMatchObject({ accounts: 4, agreements: 1, agreements_open: 1 });
    expect(amounts).toMatchObject([
      { limit_minor: 1200, used_minor: 500, unused_minor: 700, balance_minor: 500 },
    ]);
  });

  it('without a limit of the agreement counts the lines as they are', () => {
    const over = { agreement_limit_minor: null, months: owes(50, { limit_minor: 200 }) };
    const accounts = [
      draw('a', { ...over, kind: 'revolving_line' }),
      draw('b', { ...over, months: owes(100) }),
    ];
    const { amounts } = summaryOf(sampleFacts({ accounts }), 14);
    expect(amounts).toMatchObject([{ limit_minor: 200, used_minor: 50, unused_minor: 150 }]);
  });

  it('leaves out an agreement of which nothing is open and whose end is not agreed', () => {
    const paid = { months: owes(0, { status: 'closed' }) };
    const limit = (over: object) => {
      const accounts = [draw('a', { ...paid, ...over })];
      return summaryOf(sampleFacts({ accounts }), 14).amounts[0]?.limit_minor;
    };
    expect(limit({})).toBe(0);
    expect(limit({ agreement_ends_on: '2026-12-31' })).toBe(1000);
  });
});

describe('a grid of several accounts', () => {
  const months = (from: string, letters: string) =>
    [...letters].map((letter, index) => {
      const status = { C: 'closed', G: 'transferred', B: 'written_off' }[letter] ?? 'open';
      const days_past_due = /\d/.test(letter) ? (Number(letter) - 1) * 30 + 1 : 0;
      const balance_minor = letter === 'C' ? 0 : 100;
      return sampleMonth(addMonths(from, index), { balance_minor, days_past_due, status });
    });
  const of = (...accounts: readonly (readonly [from: string, letters: string])[]) =>
    combineGrids(
      accounts.map(([from, letters]) => ({
        grid: gridOf('pboc', `${from}-01`, months(from, letters)) as Grid,
        is_open: !/[CG]$/.test(letters),
      })),
    )?.letters.replace(/^\/+/, '/');

  it.each([
    [
      'the worst of a month',
      [
        ['2025-01', 'NN2N'],
        ['2025-02', 'N1N'],
      ],
      '/NN2N',
    ],
    [
      'an end is none while another runs',
      [
        ['2025-01', 'NC'],
        ['2025-01', 'NNN'],
      ],
      '/NNN',
    ],
    [
      'nothing runs between two draws',
      [
        ['2025-01', 'NC'],
        ['2025-04', 'NC'],
      ],
      '/N**NC',
    ],
    [
      'all ended, at once',
      [
        ['2025-01', 'NC'],
        ['2025-01', 'NC'],
      ],
      '/NC',
    ],
    [
      'sold is seen',
      [
        ['2025-01', 'NG'],
        ['2025-01', 'NNN'],
      ],
      '/NGN',
    ],
    [
      'a running draw without a month is not known',
      [
        ['2025-01', 'N1'],
        ['2025-01', 'NNN'],
      ],
      '/N1#',
    ],
    ['one account is its own grid', [['2025-01', 'N123B']], '/N123B'],
  ] as const)('%s', (_, accounts, expected) => {
    expect(of(...accounts)).toBe(expected);
  });

  it('is never better than any of its accounts, in any month', () => {
    const level = (letter: string) => 'N123456GB'.indexOf(letter);
    const life = fc.tuple(
      fc.integer({ min: 0, max: 20 }).map((n) => addMonths('2024-01', n)),
      fc.string({ unit: fc.constantFrom('N', '1', '3', '6', 'B'), minLength: 1, maxLength: 20 }),
    );
    fc.assert(
      fc.property(fc.array(life, { minLength: 1, maxLength: 4 }), (lives) => {
        const grids = lives.map(([from, text]) => gridOf('pboc', null, months(from, text)) as Grid);
        const both = combineGrids(grids.map((grid) => ({ grid, is_open: true })));
        if (!both) throw new Error('none');
        for (const grid of grids) {
          // Both end in their newest month: how many months later the one of all begins.
          const later = monthsBetween(grid.from, both.from);
          for (let at = later; at < 60; at += 1) {
            const own = level(grid.letters[at] ?? '');
            const all = both.letters[at - later] ?? '';
            // Not known is the one letter that stands above a month in order.
            if (own >= 0 && all !== '#') expect(level(all)).toBeGreaterThanOrEqual(own);
            if (own > 0) expect(all).not.toBe('#');
          }
        }
      }),
    );
  });
});

describe('a report', () => {
  const issue = (accounts: AccountFacts[], over: object = {}) =>
    ({
      ...{ audience: 'subject', counts_once_days: 14, enquiry: null, form: 'full', grid: 'pboc' },
      facts: sampleFacts({ accounts }),
      issued_at: '2026-03-05T00:00:00.000Z',
      profile: { name: 'CN', sha256: '0' },
      renderer_version: 2,
      report_id: 'r',
      thin: { months_open: 6, months_shown: 6 },
      ...over,
    }) as Issue;

  it('gathers draws into one entry, and lists them beside it', () => {
    const late = { days_past_due: 40, due_minor: 30, past_due_minor: 30 };
    const report: ReportDocument = reportDocument(
      issue([
        draw('a', { opened_on: '2026-01-05', months: owes(300, late) }),
        draw('b', { months: owes(0, { status: 'closed' }) }),
      ]),
    );
    expect(report.agreements).toMatchObject([
      {
        account_ids: ['a', 'b'],
        accounts_closed: 1,
        accounts_open: 1,
        due_per_month_minor: 30,
        limit_minor: 1000,
        past_due_minor: 30,
        unused_minor: 700,
        used_minor: 300,
        worst_days_past_due: 40,
        worst_status: 'open',
      },
    ]);
    expect(report.agreements?.[0]?.grid?.letters.endsWith('#2')).toBe(true);
    expect(report.accounts?.map(({ agreement_id }) => agreement_id)).toEqual(['g', 'g']);
    expect(reportDocument(issue([draw('a')], { form: 'summary' })).agreements).toBe(null);
  });

  it('of the first renderer has the bytes it went out with', () => {
    const accounts = [
      sampleAccount({
        months: ['2026-01', '2026-02'].map((period) => sampleMonth(period, { limit_minor: 500 })),
      }),
      sampleAccount({
        account_id: 'b',
        kind: 'instalment_loan',
        original_amount_minor: 900,
        term_months: 12,
        months: [sampleMonth('2026-01', { days_past_due: 40, past_due_minor: 7 })],
      }),
    ];
    // Hashes of what the release before agreements made of these facts.
    const sent = {
      full: '4fe91f51733b6eb598100ad56f5d71e7eabf632fa1ba50ea298d8ecf963ae42a',
      summary: '51448f3b62784bc1fc02444465cd45aa0781cef46b4de85cd0b3925f368cb9e0',
    };
    for (const [form, sha256] of Object.entries(sent)) {
      const text = reportText(issue(accounts, { form, renderer_version: 1 }));
      expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
    }
  });
});
