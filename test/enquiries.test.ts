/**
 * Enquiries: a report or a reasoned refusal, in one transaction with its trace; the same again
 * gives the same bytes; who is not there and who did not agree are answered alike.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RecordChanges } from '../src/authorisation/sample-record.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { AssentError } from '../src/model/error.ts';
import { answerText } from '../src/registry/answer-looks.ts';
import { type EnquiryRequest, enquire, UNAUTHORISED_PER_HOUR } from '../src/registry/enquiries.ts';
import { rebuildReport } from '../src/registry/report.ts';
import { attended } from './attended.ts';
import { type Answer, Enquirer, identifiedRow, PERSON } from './enquirer.ts';
import { approvalColumns, BACKENDS, load, Pair, SERVER_URL, tapeText } from './pair.ts';

const STRANGER = { ...PERSON, number: 'X00000009', name: 'Somebody Else' };
const PERIODS = ['2026-01', '2026-02'];

describe.each(BACKENDS)('enquiries on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let enquirer: Enquirer;

  const bring = (changes: RecordChanges = {}, person: object = PERSON, by = enquirer) =>
    by.bring(changes, person);
  const ask = (id: string, over: object = {}, by = enquirer) => by.ask(id, over);
  const codeOf = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => 'no failure',
      (error: unknown) => (error instanceof AssentError ? error.code : 'other'),
    );
  async function count(table: 'access' | 'message' | 'report' | 'authorisation_use' | 'enquiry') {
    // sql: one of five names.
    const { rows } = await pair.registry.db.query<{ n: number }>(`select count(*) n from ${table}`);
    return rows[0]?.n ?? 0;
  }
  const inProcess = (over: Partial<EnquiryRequest> & { authorisation_id: string }) =>
    enquire(pair.registry, {
      ...{ enquirer_id: enquirer.id, use_id: randomUUID(), purpose: 'creditworthiness' },
      ...{ form: 'full', person: null },
      ...over,
    });
  async function block(kind: string): Promise<() => Promise<void>> {
    const block_id = randomUUID();
    await pair.registry.db.query(
      `insert into subject_block (subject_id, block_id, kind, reason, placed_at)
       select distinct subject_id, $1::uuid, $2, 'other', $3::timestamptz from account`,
      [block_id, kind, new Date(Date.now() - 1000)],
    );
    return async () => {
      const lift = 'update subject_block set lifted_at = $2 where block_id = $1';
      await pair.registry.db.query(lift, [block_id, new Date(Date.now() - 1)]);
    };
  }

  beforeAll(async () => {
    pair = await Pair.open(backend, 'enquiries');
    enquirer = await Enquirer.admit(pair);
    for (const period of PERIODS) await load(pair.gateway, tapeText([identifiedRow(0, period)]));
    await recordOne(pair.gateway, approvalColumns(0, randomUUID()));
    for (const period of PERIODS) {
      const { receipt } = await handOver(pair.gateway, pair.link(), period);
      expect(receipt?.outcomes.month.accepted).toBe(1);
    }
  });
  afterAll(() => pair.close());

  it('are answered with a report, a use, a trace and a message', async () => {
    const id = await bring();
    const before = [await count('access'), await count('message'), await count('report')];
    const answer = await ask(id, { person: PERSON });
    expect(answer).toMatchObject({ outcome: 'report', reason: null });
    const { report } = answer;
    expect(report).toMatchObject({
      status: 'thin',
      status_reasons: ['few_months'],
      form: 'full',
      audience: 'enquirer',
      enquiry: { authorisation_id: id, kind: 'new_credit', purpose: 'creditworthiness' },
      summary: { lenders: 1, accounts_open: 1, months_shown: 2 },
    });
    expect(report?.accounts?.[0]?.grid?.letters.slice(-3)).toBe('-00');
    const after = [await count('access'), await count('message'), await count('report')];
    expect(after).toEqual(before.map((n) => n + 1));
    const { rows } = await pair.registry.db.query(
      `select l.kind, l.outcome, l.authorisation_id, u.use_id is not null as is_use
       from access l join authorisation_use u on u.authorisation_id = l.authorisation_id
       where l.enquiry_id = $1`,
      [answer.enquiry_id],
    );
    expect(rows).toEqual([
      { kind: 'new_credit', outcome: 'report', authorisation_id: id, is_use: true },
    ]);
    // The next one knows of this one, and names nobody.
    const next = await ask(id);
    expect(next.report?.summary.enquiries.new_credit.m1).toBeGreaterThan(0);
    expect(JSON.stringify(next.report)).not.toContain(enquirer.id);
    const short = await ask(id, { form: 'summary' });
    expect(short.report).toMatchObject({
      accounts: null,
      enquiries: null,
      summary: { lenders: 1 },
    });
  });

  it('give the same bytes for the same use_id, and refuse another body', async () => {
    const id = await bring();
    const request = { authorisation_id: id, use_id: randomUUID() };
    const first = await inProcess(request);
    const again = await inProcess(request);
    expect(answerText(again)).toBe(answerText(first));
    const refused = {
      authorisation_id: await bring({ purpose: { code: 'Q2' } }),
      use_id: randomUUID(),
    };
    expect(answerText(await inProcess(refused))).toBe(answerText(await inProcess(refused)));
    for (const over of [{ form: 'summary' }, { purpose: 'arrears' }, { person: PERSON }] as const)
      expect(await codeOf(inProcess({ ...request, ...over }))).toBe('enquiry_altered');
    const many = { authorisation_id: id, use_id: randomUUID() };
    const answers = await Promise.all(Array.from({ length: 5 }, () => inProcess(many)));
    expect(new Set(answers.map(answerText)).size).toBe(1);
  });

  it("show one's own again, another's as if it were not there", async () => {
    const id = await bring();
    const answer = await ask(id);
    const path = `/v1/enquiries/${answer.enquiry_id}`;
    const shown = await enquirer.api.json({ method: 'GET', path });
    expect(shown).toMatchObject({ outcome: 'report', report_id: answer.report_id });
    const before = await count('access');
    const report = await enquirer.api.json({ method: 'GET', path: `${path}/report` });
    expect(report).toEqual(answer.report);
    expect(await count('access')).toBe(before + 1);
    const other = (await Enquirer.admit(pair)).api;
    for (const what of [path, `${path}/report`])
      expect(await codeOf(other.json({ method: 'GET', path: what }))).toBe('enquiry_unknown');
    const rebuilt = await rebuildReport(
      pair.registry,
      pair.registry.db,
      answer.report_id ?? '',
      null,
    );
    expect(rebuilt.sha256).toBe(answer.report_sha256);
  });

  it.each<[string, RecordChanges, object, string]>([
    ['a purpose that is not in the list', {}, { purpose: 'marketing' }, 'purpose_not_permitted'],
    ['an authorisation for another purpose', { purpose: { code: 'Q2' } }, {}, 'out_of_scope'],
    ['one that has expired', { limits: { expires_at: '2026-01-03T00:00:00.000Z' } }, {}, 'expired'],
    ['one of other periods', { data: { range_to: '2001-01' } }, {}, 'out_of_scope'],
    ['another person', {}, { person: { ...PERSON, name: 'Other Name' } }, 'person_differs'],
    ['a person nobody knows', {}, { person: STRANGER }, 'person_differs'],
  ])('refuse %s, and trace it', async (_, changes, over, reason) => {
    const id = await bring(changes);
    const before = await count('access');
    expect(await ask(id, over)).toMatchObject({ outcome: 'refused', reason, report: null });
    expect(await count('access')).toBe(before + 1);
  });

  it('show only what was agreed to', async () => {
    const classes = ['IDENTITY', 'MONTHLY_PERFORMANCE'];
    const starts_at = '2026-02-03T00:00:00.000Z';
    const recent = await bring({ data: { classes }, limits: { starts_at } });
    const periods = ({ report }: Answer) =>
      report?.accounts?.flatMap(({ months }) => months.map(({ period }) => period));
    expect(periods(await ask(recent))).toEqual(['2026-02']);
    const old = await bring({ data: { range_to: '2026-01' } });
    expect(periods(await ask(old))).toEqual(['2026-01']);
    const loans = await bring({ data: { products: ['instalment_loan'] } });
    expect(await ask(loans)).toMatchObject({ outcome: 'refused', reason: 'out_of_scope' });
  });

  it('end at a freeze and a ban when they are for new credit, and show a fraud alert', async () => {
    const [fresh, held] = [await bring(), await bring({ purpose: { code: 'Q2' } })];
    for (const [kind, reason] of [
      ['freeze', 'frozen'],
      ['credit_ban', 'banned'],
    ] as const) {
      const lift = await block(kind);
      const messages = await count('message');
      const uses = await count('authorisation_use');
      expect(await ask(fresh)).toMatchObject({ outcome: 'refused', reason });
      expect(await count('message')).toBe(messages + 1);
      expect(await count('authorisation_use')).toBe(uses);
      const review = await ask(held, { purpose: 'running_credit' });
      expect(review.report).toMatchObject({ status: 'suppressed', status_reasons: [reason] });
      await lift();
    }
    const lift = await block('fraud_alert');
    expect((await ask(fresh)).report?.blocks).toMatchObject([{ kind: 'fraud_alert' }]);
    await lift();
    expect((await ask(fresh)).report?.blocks).toEqual([]);
  });

  it('say that there is no hit, which is a use', async () => {
    const id = await bring({ limits: { fetch: 'ONETIME' } }, STRANGER);
    expect(await ask(id)).toMatchObject({ outcome: 'refused', reason: 'no_hit' });
    expect(await ask(id)).toMatchObject({ outcome: 'refused', reason: 'limit_reached' });
  });

  it('one time means one report, also for ten at once', async () => {
    const id = await bring({ limits: { fetch: 'ONETIME' } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(id)));
    expect(answers.filter(({ outcome }) => outcome === 'report')).toHaveLength(1);
    expect(new Set(answers.map(({ reason }) => reason))).toEqual(new Set([null, 'limit_reached']));
  });

  it('without a trace give no byte, and leave nothing behind', async () => {
    const id = await bring();
    const tables = ['access', 'message', 'report', 'authorisation_use', 'enquiry'] as const;
    const counts = async () => Promise.all(tables.map(count));
    const before = await counts();
    const whole = pair.registryStore.current;
    pair.registryStore.current = attended(whole, async (text) => {
      if (text.includes('insert into access')) throw new AssentError('database_failed');
    });
    try {
      expect(await codeOf(ask(id))).toBe('database_failed');
    } finally {
      pair.registryStore.current = whole;
    }
    expect(await counts()).toEqual(before);
  });

  it('answer alike whoever is not there and whoever did not agree, and slow down', async () => {
    const other = await Enquirer.admit(pair);
    const theirs = await bring({}, PERSON, other);
    const prober = await Enquirer.admit(pair);
    const probe = async (over: object) => {
      const { enquiry_id: _, ...rest } = await ask(randomUUID(), over, prober);
      return JSON.stringify(rest);
    };
    const traces = await count('access');
    const answers = [
      await probe({}),
      await probe({ authorisation_id: theirs }),
      await probe({ person: PERSON }),
      await probe({ person: { ...PERSON, name: 'Other Name' } }),
      await probe({ person: STRANGER }),
      await probe({ person: { ...PERSON, number: 'Y1234567' } }),
    ];
    expect(new Set(answers)).toEqual(
      new Set([
        JSON.stringify({
          ...{ outcome: 'refused', reason: 'no_authorisation', report: null },
          ...{ report_id: null, report_sha256: null },
        }),
      ]),
    );
    // Those who are known see that somebody asked after them.
    expect(await count('access')).toBe(traces + 3);
    for (let n = answers.length; n < UNAUTHORISED_PER_HOUR; n += 1) await probe({});
    expect(await codeOf(probe({}))).toBe('rate_limited');
    // Not even one that would be answered tells anything now.
    expect(await codeOf(ask(await bring({}, PERSON, prober), {}, prober))).toBe('rate_limited');
    expect(await ask(await bring())).toMatchObject({ outcome: 'report' });
  });
});
