/**
 * Evaluations end to end over HTTP: under the person's authorisation for it, of what that opens,
 * made again byte for byte, contested, and scored for a portfolio; scorecards over HTTP.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorisationEvent, Purpose } from '../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../src/authorisation/sample-record.ts';
import type { Evaluation } from '../src/evaluation/evaluate.ts';
import { catalogueCard } from '../src/evaluation/sample-catalogue-card.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { signJws } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { AssentError } from '../src/model/error.ts';
import { addMonths } from '../src/model/period.ts';
import {
  askReview,
  decideReview,
  listOpenReviews,
  openReview,
} from '../src/registry/evaluation-reviews.ts';
import { listEvaluationsOf, ownEvaluation, readOwnScore } from '../src/registry/evaluations.ts';
import { rebuildReport } from '../src/registry/report.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
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

const PERSON = {
  kind: 'passport',
  country: 'CN',
  number: 'X00000000',
  name: 'Nobody Atall',
  birth_date: '1990-01-01',
};
const NEW_PERSON = { ...PERSON, number: 'X00000007', name: 'Nobody New' };
const EARLIER = '2026-01-02T00:00:00.000Z';
const APPLICATION = { amount_minor: 120_000, currency: 'CNY', term_months: 12 };

type Body = Evaluation & {
  readonly evaluation_id: string;
  readonly adverse_action: { readonly key_factors: readonly unknown[] } | null;
  readonly inputs_sha256: string;
};
interface Answer {
  readonly enquiry_id: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly report: Body | null;
  readonly report_id: string | null;
  readonly report_sha256: string | null;
}

describe.each(BACKENDS)('evaluations on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let enquirer: { id: string; ring: KeyRing; api: ApiClient };
  let operator: ApiClient;

  async function bring(
    code: Purpose,
    person = PERSON,
    changes: RecordChanges = {},
  ): Promise<string> {
    const id = randomUUID();
    const record = sampleRecord({
      ...{ authorisation_id: id, arrangement_id: id, ...changes },
      parties: {
        provider_id: pair.registry.registry_id,
        recipient_class: 'lender',
        recipient_id: enquirer.id,
      },
      purpose: { code },
      limits: { mode: 'VIEW', starts_at: EARLIER, ...changes.limits },
    });
    const events: AuthorisationEvent[] = [
      { seq: 1, type: 'given', at: EARLIER, by_party: enquirer.id, reason: null },
    ];
    const signed = await signJws({ record, events }, enquirer.ring, {
      typ: 'assent-authorisation+jws',
    });
    const json = { signed, person };
    await enquirer.api.json({ method: 'POST', path: '/v1/authorisations', json });
    return id;
  }
  const ask = (authorisation_id: string, over: object = {}, path = '/v1/evaluations') =>
    enquirer.api.json<Answer>({
      method: 'POST',
      path,
      json: { authorisation_id, purpose: 'creditworthiness', use_id: randomUUID(), ...over },
    });
  const codeOf = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => 'no failure',
      (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
    );
  const scorecards = (path: string, json: object) =>
    operator.json<{ scorecard?: { state: string }; state?: string }>({
      method: 'POST',
      path: `/v1/scorecards${path}`,
      json: { why: 'a test', ...json },
    });
  async function subjectOf(authorisationId: string): Promise<string> {
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from authorisation where authorisation_id = $1',
      [authorisationId],
    );
    return rows[0]?.subject_id ?? '';
  }

  beforeAll(async () => {
    pair = await Pair.open(backend, 'evaluations');
    const admit = async (role: 'enquirer' | 'operator') => {
      const id = randomUUID();
      const ring = pair.newRing(`${role}-${id}`);
      await pair.admit(role, id, ring);
      return { id, ring, api: pair.client({ participant_id: id, ring }) };
    };
    enquirer = await admit('enquirer');
    operator = (await admit('operator')).api;
    const { kind, country, number, name, birth_date } = PERSON;
    const document = {
      ...{ identity_kind: kind, identity_country: country, identity_number: number },
      ...{ name, birth_date },
    };
    const newest = addMonths(new Date().toISOString().slice(0, 7), -1);
    const periods = Array.from({ length: 8 }, (_, at) => addMonths(newest, at - 7));
    const rows = periods.map((period, at) =>
      at === 3
        ? { ...lateMonthRow(1, period), first_delinquency_on: `${period}-01` }
        : monthRow(1, period),
    );
    for (const row of rows) await load(pair.gateway, tapeText([{ ...row, ...document }]));
    await recordOne(pair.gateway, approvalColumns(1, randomUUID()));
    for (const period of periods) await handOver(pair.gateway, pair.link(), period);
  });
  afterAll(() => pair.close());

  it('have no score before a scorecard is active, and one with its reasons afterwards', async () => {
    const id = await bring('E1');
    const before = await ask(id);
    expect(before).toMatchObject({
      outcome: 'report',
      report: { sufficiency: 'scored', score: null, adverse_action: null },
    });
    await scorecards('', { card: catalogueCard(1), validation_report: 'report' });
    await scorecards('/test-full/1/state', { to: 'shadow' });
    await scorecards('/test-full/1/state', { to: 'active' });
    const { report } = await ask(id, { person: PERSON, application: APPLICATION });
    expect(report).toMatchObject({
      sufficiency: 'scored',
      score: { value: 455, scorecard: { id: 'test-full', version: 1 }, range: { from: 430 } },
      burden: { new_instalment_minor: 10_000 },
      lenders: 1,
      application: { ...APPLICATION, income_minor: null },
    });
    expect(report?.score?.reasons[0]).toMatchObject({ points_lost: 100 });
    expect(report?.adverse_action?.key_factors).toHaveLength(report?.score?.reasons.length ?? -1);
    expect(JSON.stringify(report)).not.toContain(PERSON.number);
  });

  it('are given again byte for byte, and for another application they are refused', async () => {
    const id = await bring('E1');
    const use = { use_id: randomUUID(), application: APPLICATION };
    const first = await ask(id, use);
    expect(await ask(id, use)).toEqual(first);
    const other = { ...use, application: { ...APPLICATION, term_months: 13 } };
    expect(await codeOf(ask(id, other))).toBe('enquiry_altered');
    const rebuilt = await rebuildReport(
      pair.registry,
      pair.registry.db,
      first.report_id ?? '',
      null,
    );
    expect(rebuilt.sha256).toBe(first.report_sha256);
    expect(JSON.parse(rebuilt.text)).toEqual(first.report);
  });

  it('need an approval of their own: one for a report is none, nor the other way round', async () => {
    expect(await ask(await bring('Q1'))).toMatchObject({ outcome: 'refused', report: null });
    const forEvaluation = await bring('E1');
    expect(await ask(forEvaluation, {}, '/v1/enquiries')).toMatchObject({ outcome: 'refused' });
    expect(await ask(randomUUID())).toMatchObject({ reason: 'no_authorisation' });
    expect(await ask(forEvaluation, { purpose: 'marketing' })).toMatchObject({
      reason: 'purpose_not_permitted',
    });
  });

  it('say that nothing is known of whoever has no file, and give no score', async () => {
    const answer = await ask(await bring('E1', NEW_PERSON));
    expect(answer).toMatchObject({
      outcome: 'report',
      report: { sufficiency: 'no_hit', score: null, exposure: [] },
    });
  });

  it('read an income only after the warning, where the law asks for one', async () => {
    expect(pair.registry.profile?.sensitive_warning).toBe(true);
    const id = await bring('E1');
    const income = { ...APPLICATION, income_minor: 50_000 };
    expect(await codeOf(ask(id, { application: income }))).toBe('application_invalid');
    const warned = { ...income, income_warned: true };
    const { report } = await ask(id, { application: warned });
    expect(report?.burden).toMatchObject({ with_new_of_income_bp: expect.any(Number) });
    expect(JSON.stringify(report)).not.toContain('income_warned');
  });

  it('are the person’s own as well, with what would help, and can be contested', async () => {
    const subject = await subjectOf(await bring('E1'));
    const own = await ownEvaluation(pair.registry, subject);
    const shown = JSON.parse(own.text) as Body & { audience: string };
    expect([shown.audience, shown.score?.value]).toEqual(['subject', 455]);
    const changes = { worst_days_past_due_12m: 0 };
    const read = await readOwnScore(pair.registry, subject, changes);
    expect([read.evaluation.score?.value, read.changed]).toEqual([455, 555]);
    expect(read.improvements[0]?.gain).toBe(100);
    const unknown = readOwnScore(pair.registry, subject, { age_in_years: 40 });
    expect(await codeOf(unknown)).toBe('characteristic_invalid');
    const listed = await listEvaluationsOf(pair.registry, subject);
    expect(listed.map(({ evaluation_id }) => evaluation_id)).toContain(own.report_id);
    expect(listed.map(({ recipient }) => recipient)).toContain('enquirer');

    const review = await askReview(pair.registry, subject, own.report_id, 'It was not me.');
    expect(await askReview(pair.registry, subject, own.report_id, 'Again')).toEqual(review);
    const another = await subjectOf(await bring('E1', NEW_PERSON));
    expect(await codeOf(askReview(pair.registry, another, own.report_id, 'x'))).toBe(
      'evaluation_unknown',
    );
    expect(await listOpenReviews(pair.registry)).toEqual([review]);
    const opened = await openReview(pair.registry, review.review_id, randomUUID());
    expect(opened.words).toBe('It was not me.');
    const decision = { by: randomUUID(), outcome: 'upheld' as const, why: 'It stands.' };
    expect(await decideReview(pair.registry, review.review_id, decision)).toMatchObject({
      state: 'upheld',
    });
    expect(await codeOf(decideReview(pair.registry, review.review_id, decision))).toBe(
      'review_unknown',
    );
    const { rows } = await pair.registry.db.query<{ kind: string }>(
      `select kind from message where subject_id = $1 and kind = 'review'`,
      [subject],
    );
    expect(rows).toHaveLength(1);
  });

  it('are made for a portfolio under Q2', async () => {
    await bring('Q2');
    const json = { use_id: randomUUID(), purpose: 'running_credit', form: 'evaluation' };
    const { answers } = await enquirer.api.json<{ answers: Answer[] }>({
      method: 'POST',
      path: '/v1/portfolio/refresh',
      json,
    });
    expect(answers).toHaveLength(1);
    expect(answers[0]).toMatchObject({ outcome: 'report', report: { score: { value: 455 } } });
  });

  it('rest on cards that the operator sees to over HTTP', async () => {
    const { scorecards: list } = await operator.json<{ scorecards: { state: string }[] }>({
      method: 'GET',
      path: '/v1/scorecards',
    });
    expect(list.map(({ state }) => state)).toEqual(['active']);
    const view = await operator.json<{ events: unknown[]; card: object }>({
      method: 'GET',
      path: '/v1/scorecards/test-full/1',
    });
    expect([view.events.length, view.card]).toEqual([3, catalogueCard(1)]);
    const day = new Date().toISOString().slice(0, 10);
    const run = await operator.json<{ is_done: boolean; people: number }>({
      method: 'POST',
      path: '/v1/scoring-runs',
      json: { scorecard_id: 'test-full', version: 1, day },
    });
    expect(run).toMatchObject({ is_done: true, people: 1 });
    const monitoring = await operator.json({
      method: 'GET',
      path: `/v1/scorecards/test-full/1/monitoring?day=${day}`,
    });
    expect(monitoring).toMatchObject({ people: 1, score: { light: 'unknown' } });
    const sample = await operator.json<{ csv: string; good: number }>({
      method: 'GET',
      path: `/v1/development-sample?day=${day}`,
    });
    expect(sample).toMatchObject({ good: 0, bad: 0, left_out: { hardly_seen: 1 } });
  });
});
