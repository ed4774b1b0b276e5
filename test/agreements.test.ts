/**
 * Draws under one credit agreement, from the tape to the report: one entry, one limit; a tape
 * without agreements travels as it did before there were any.
 */
import { randomUUID } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import canonicalize from 'canonicalize';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showReport } from '../src/cli/show-report.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import type { ReportDocument } from '../src/model/report-document.ts';
import { reportBlocks } from '../src/pages/file-blocks.ts';
import { readFile } from '../src/registry/files.ts';
import { issueOwnReport, rebuildReport } from '../src/registry/report.ts';
import { approvalColumns, BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';
import { PersonWorld } from './person-world.ts';

const PERIODS = ['2026-01', '2026-02'] as const;
const LIMIT = { agreement_ref: 'A-1', agreement_limit_minor: '500000' };
const AGREEMENT = {
  ...LIMIT,
  agreement_opened_on: '2025-01-01',
  agreement_ends_on: '2099-12-31',
};

/** Draw number `n` of client 1 in a period. */
const drawRow = (n: number, period: string, over: Record<string, string> = {}) => ({
  ...monthRow(1, period),
  account_ref: `d${n}`,
  // The first is the youngest: of two that were furnished together it speaks.
  opened_on: `2025-${String(12 - n).padStart(2, '0')}-01`,
  kind: 'instalment_loan',
  limit_minor: '',
  original_amount_minor: '120000',
  term_months: '12',
  balance_minor: '100000',
  due_minor: '10000',
  ...AGREEMENT,
  ...over,
});
const late = { days_past_due: '10', past_due_minor: '10000', first_delinquency_on: '2026-02-18' };
const ended = { status: 'closed', balance_minor: '0', due_minor: '0' };
const [FIRST, SECOND] = PERIODS;
const ROWS = [
  drawRow(1, FIRST),
  drawRow(2, FIRST),
  drawRow(1, SECOND, { ...late, balance_minor: '90000' }),
  drawRow(2, SECOND, ended),
  ...PERIODS.map((period) => monthRow(1, period)),
];

describe.each(BACKENDS)('draws under one agreement on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let subject = '';
  /** Lines of accounts as they travelled, without their row number. */
  const sent: string[] = [];
  async function furnish(period: string) {
    const link = pair.link();
    const send: typeof link.api.send = (request) => {
      if (request.query?.['kind'] === 'account' && request.bytes)
        sent.push(...gunzipSync(request.bytes).toString('utf8').trimEnd().split('\n'));
      return link.api.send(request);
    };
    return handOver(pair.gateway, { ...link, api: { ...link.api, send } }, period);
  }
  const look = {
    ...({ audience: 'operator', form: 'full' } as const),
    ...{ participant_id: randomUUID(), purpose: 'operator', reason: 'test' },
  };
  const issue = () =>
    pair.registry.db.transaction((session) =>
      issueOwnReport(pair.registry, session, subject, look),
    );
  const report = async () => JSON.parse((await issue()).text) as ReportDocument;

  beforeAll(async () => {
    pair = await Pair.open(backend, 'agreements');
    await load(pair.gateway, tapeText(ROWS));
    const products = ['revolving_line', 'instalment_loan'];
    await recordOne(pair.gateway, approvalColumns(1, randomUUID(), { products }));
    for (const period of PERIODS)
      expect((await furnish(period)).receipt?.outcomes.month.accepted).toBe(3);
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from subject',
    );
    subject = rows[0]?.subject_id ?? '';
  }, 120_000);
  afterAll(() => pair.close());

  it('travel under an id of the gateway, and an account without one as before', () => {
    const lines = sent.map((line) => line.split('\t').slice(1));
    expect(lines.map(({ length }) => length).sort()).toEqual([10, 14, 14]);
    expect(sent.join()).not.toContain('A-1');
    const [alone] = lines.filter(({ length }) => length === 10);
    expect(alone?.slice(2)).toEqual([
      '1',
      'revolving_line',
      '\\N',
      'CNY',
      '2025-01-01',
      '\\N',
      '\\N',
      '\\N',
    ]);
    const drawn = lines.filter(({ length }) => length === 14).map((line) => line.slice(10));
    expect(drawn[0]).toEqual(drawn[1]);
    expect(drawn[0]?.slice(1)).toEqual(['500000', '2025-01-01', '2099-12-31']);
  });

  it('are one entry of the report, and the limit counts once', async () => {
    const { agreements, accounts, summary } = await report();
    expect(accounts).toHaveLength(3);
    expect(agreements).toMatchObject([
      {
        accounts_closed: 1,
        accounts_open: 1,
        due_per_month_minor: 10_000,
        ends_on: '2099-12-31',
        limit_minor: 500_000,
        past_due_minor: 10_000,
        unused_minor: 410_000,
        used_minor: 90_000,
        worst_days_past_due: 10,
        worst_status: 'open',
      },
    ]);
    expect(agreements?.[0]?.grid?.letters.slice(-2)).toBe('01');
    expect(summary).toMatchObject({ accounts: 3, agreements: 1, agreements_open: 1 });
    expect(summary.amounts).toMatchObject([
      { limit_minor: 600_000, used_minor: 91_001, unused_minor: 508_999 },
    ]);
  });

  it('stand together on the pages in both languages, in print and in the terminal', async () => {
    const document = await report();
    for (const [language, title] of [
      ['en', 'Credit agreement: furnisher'],
      ['zh', '授信协议：furnisher'],
    ] as const) {
      const blocks = reportBlocks({ language, document, identity: null }, false);
      const titles = blocks.flatMap((each) => (each.is === 'heading' ? each.text : []));
      const at = titles.indexOf(title);
      expect(titles.slice(at, at + 3)).toEqual([title, 'furnisher', 'furnisher']);
      expect(titles.filter((each) => each === 'furnisher')).toHaveLength(3);
    }
    expect(showReport(document)).toContain('1 draws open, 1 closed, worst open, 10 days late');
  });

  it('are seen by the operator, and the report is made again byte for byte', async () => {
    const file = await readFile(pair.registry, { subject_id: subject }, look);
    const drawn = file.accounts.filter((each) => each['agreement_id'] !== null);
    expect(drawn).toHaveLength(2);
    expect(drawn[0]).toMatchObject({ agreement_limit_minor: 500_000 });
    const issued = await issue();
    const again = await rebuildReport(pair.registry, pair.registry.db, issued.report_id, null);
    expect(again.text).toBe(issued.text);
    expect(canonicalize(JSON.parse(again.text))).toBe(again.text);
  });

  it('have the limit that was furnished last; one found wrong is not shown', async () => {
    const more = { agreement_limit_minor: '700000' };
    const months = [
      drawRow(1, '2026-03', { ...more, ...late, days_past_due: '38' }),
      drawRow(2, '2026-03', ended),
      monthRow(1, '2026-03'),
    ];
    expect((await load(pair.gateway, tapeText(months))).state).toBe('loaded');
    await furnish('2026-03');
    expect((await report()).agreements).toMatchObject([{ limit_minor: 700_000, accounts_open: 1 }]);
    const { rows } = await pair.registry.db.query<{ account_id: string; n: number }>(
      `select account_id, max(revision) as n from account where agreement_limit_minor = 700000
       group by account_id`,
    );
    expect(rows[0]?.n).toBe(2);
    await pair.registry.db.query(
      `insert into reinsertion_guard (subject_id, account_id, period, field, value, furnisher_id,
         cause, made_at)
       values ($1, $2, '0001-01-01', 'agreement_limit_minor', '700000', $3, 'upheld', $4)`,
      [subject, rows[0]?.account_id ?? '', pair.gateway.furnisher_id, new Date()],
    );
    const { agreements, summary } = await report();
    expect(agreements).toMatchObject([{ limit_minor: null, unused_minor: null }]);
    expect(summary.amounts).toMatchObject([{ limit_minor: 100_000 }]);
    await pair.registry.db.query('delete from reinsertion_guard');
  });

  it.each([
    ['a limit of no agreement', { agreement_ref: '' }],
    ['a limit below zero', { agreement_limit_minor: '-1' }],
    ['an end before the beginning', { agreement_ends_on: '2024-12-31' }],
  ])('are refused with %s', async (_, over) => {
    const { tape_id, counts } = await load(
      pair.gateway,
      tapeText([drawRow(7, FIRST, over), drawRow(8, FIRST)]),
    );
    expect(counts.faults_by_rule).toMatchObject({ V17: 1, V01_ACCOUNT: 1 });
    const { rows } = await pair.gateway.db.query(
      `select kind, field from tape_fault where tape_id = $1 and rule = 'V17'`,
      [tape_id],
    );
    expect(rows).toEqual([{ kind: 'account', field: 'agreement_ref' }]);
  });

  it('of another person never meet: the same number is another agreement', async () => {
    const others = { subject_ref: 'c2', identity_number: 'c2' };
    await load(pair.gateway, tapeText([drawRow(9, FIRST, others)]));
    const { rows } = await pair.gateway.db.query<{ agreement_id: string }>(
      'select distinct agreement_id from account where agreement_id is not null',
    );
    expect(rows).toHaveLength(2);
  });
});

describe('an agreement in one’s own file', () => {
  let world: PersonWorld;
  beforeAll(async () => {
    const columns = { agreement_ref: 'A-1', agreement_limit_minor: '500000' };
    world = await PersonWorld.open('pglite', 'agreements_person', { columns });
  }, 120_000);
  afterAll(() => world?.close());

  it('is seen by page, by program and in the report that is carried away', async () => {
    const token = await world.enter(0);
    const file = await world.api(token, 'GET', '/v1/me/file');
    const seen = { agreements: [{ limit_minor: 500_000, accounts_open: 1 }] };
    expect(file.json()).toMatchObject({ document: seen });
    expect((await world.page(token, '/me?lang=en')).body).toContain('Credit agreement: furnisher');
    expect((await world.page(token, '/me/file?lang=zh')).body).toContain('授信协议：furnisher');
    const made = await world.api(token, 'POST', '/v1/me/reports');
    const { report_id } = made.json() as { report_id: string };
    const json = await world.page(token, `/me/reports/${report_id}.json`);
    expect(JSON.parse(json.body)).toMatchObject(seen);
  });

  it('is contested like any other figure', async () => {
    const token = await world.enter(1);
    const { account_id } = await world.account(1);
    const claims = [{ field: 'agreement_limit_minor', account_id, claimed_value: '400000' }];
    const opened = await world.api(token, 'POST', '/v1/me/disputes', { claims });
    expect(opened.json()).toMatchObject({ claims: [{ held_value: '500000' }] });
    const page = await world.page(token, `/me/disputes/new?account=${account_id}&period=&lang=en`);
    expect(page.body).toContain('Limit of the agreement: CN¥5,000.00');
  });
});
