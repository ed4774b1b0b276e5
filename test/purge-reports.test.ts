/**
 * What reports were made of has its time by the law of the place; that they were issued stays as
 * long as the person may see who looked.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { AssentError } from '../src/model/error.ts';
import { issueToPerson, listOwnReports, rebuildOwn } from '../src/registry/own-report.ts';
import { listPurgeCertificates, purge } from '../src/registry/purge.ts';
import type { Registry } from '../src/registry/registry.ts';
import { rebuildReport } from '../src/registry/report.ts';
import { type Answer, Enquirer, identifiedRow } from './enquirer.ts';
import { approvalColumns, BACKENDS, load, Pair, SERVER_URL, tapeText } from './pair.ts';

describe.each(BACKENDS)('the purge of reports, on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let enquirer: Enquirer;
  let authorisation = '';
  let subject = '';
  let asked = '';
  let answer: Answer;
  beforeAll(async () => {
    pair = await Pair.open(backend, 'purge_reports');
  }, 120_000);
  afterAll(() => pair.close());

  beforeEach(async () => {
    await pair.empty();
    enquirer = await Enquirer.admit(pair);
    await load(pair.gateway, tapeText([identifiedRow(0, '2026-01')]));
    await recordOne(pair.gateway, approvalColumns(0, randomUUID()));
    await handOver(pair.gateway, pair.link(), '2026-01');
    authorisation = await enquirer.bring();
    asked = randomUUID();
    answer = await enquirer.ask(authorisation, { use_id: asked });
    expect(answer.outcome).toBe('report');
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from report',
    );
    subject = rows[0]?.subject_id ?? '';
  });

  /** The registry so many months from now, and some days, under a law. */
  const later = (months: number, days: number, profile: string): Registry => ({
    ...pair.registry,
    profile: loadProfile(profile),
    now: () => {
      const day = new Date();
      return new Date(day.setUTCMonth(day.getUTCMonth() + months, day.getUTCDate() + days));
    },
  });
  const codeOf = (run: Promise<unknown>): Promise<string> =>
    run.then(
      () => 'no failure',
      (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
    );
  const rebuild = () =>
    rebuildReport(pair.registry, pair.registry.db, answer.report_id ?? '', null);
  const end = () =>
    pair.registry.db.query(
      `update authorisation set state = 'expired' where authorisation_id = $1`,
      [authorisation],
    );
  const show = (path: string) => enquirer.api.json<Answer>({ method: 'GET', path });

  it.each([
    ['CN', 24],
    ['US', 24],
    ['EU', 24],
    ['UK', 72],
    ['IN', 24],
    ['STRICT', 12],
  ])('takes what they were made of by the clock of %s, and not before', async (profile, months) => {
    expect(await purge(later(months, -2, profile))).toMatchObject({ report: 0 });
    expect((await rebuild()).sha256).toBe(answer.report_sha256);
    expect(await purge(later(months, 2, profile))).toMatchObject({ report: 1 });
    const kept = await listPurgeCertificates(pair.registry);
    expect(kept.find(({ kind }) => kind === 'report')).toMatchObject({
      kept_months: months,
      purged_rows: 1,
    });
    expect(await codeOf(rebuild())).toBe('report_purged');
    expect(await purge(later(months, 2, profile))).toMatchObject({ report: 0 });
  });

  it('answers one who asks again that it is gone; that it was issued stays', async () => {
    await purge(later(25, 0, 'EU'));
    const again = enquirer.ask(authorisation, { use_id: asked });
    expect(await codeOf(again)).toBe('report_purged');
    expect(await codeOf(show(`/v1/enquiries/${answer.enquiry_id}/report`))).toBe('report_purged');
    expect(await show(`/v1/enquiries/${answer.enquiry_id}`)).toMatchObject({
      outcome: 'report',
      report_id: answer.report_id,
    });
    const { rows } = await pair.registry.db.query<{ sha256: string }>(
      `select encode(report_sha256, 'hex') as sha256 from report`,
    );
    expect(rows).toEqual([{ sha256: answer.report_sha256 }]);
  });

  it('lets enquiries go with the looks, where these have a time and the approval has ended', async () => {
    await end();
    // Where the person sees every look for ever, every enquiry stays.
    expect(await purge(later(900, 0, 'EU'))).toMatchObject({ report: 1, enquiry: 0 });
    expect(await purge(later(59, 0, 'CN'))).toMatchObject({ enquiry: 0 });
    expect(await purge(later(61, 0, 'CN'))).toMatchObject({ enquiry: 1, report_record: 1 });
    expect(await codeOf(show(`/v1/enquiries/${answer.enquiry_id}`))).toBe('enquiry_unknown');
    const kinds = (await listPurgeCertificates(pair.registry)).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['report', 'report_record', 'enquiry']));
  });

  it('keeps an enquiry as long as the same use could be answered anew', async () => {
    expect(await purge(later(61, 0, 'CN'))).toMatchObject({ report: 1, enquiry: 0 });
    expect(await codeOf(enquirer.ask(authorisation, { use_id: asked }))).toBe('report_purged');
    await end();
    expect(await purge(later(61, 0, 'CN'))).toMatchObject({ enquiry: 1, report_record: 1 });
  });

  it('keeps everything of a person who disputes, until that has ended', async () => {
    const at = [subject, randomUUID(), new Date()];
    await pair.registry.db.query(
      `insert into dispute (subject_id, dispute_id, state, opened_at, forward_due_at,
         furnisher_due_at, answer_due_at) values ($1, $2, 'open', $3, $3, $3, $3)`,
      at,
    );
    expect(await purge(later(25, 0, 'EU'))).toMatchObject({ report: 0 });
    await end();
    expect(await purge(later(61, 0, 'CN'))).toMatchObject({ report: 0, enquiry: 0 });
    await pair.registry.db.query(`update dispute set state = 'withdrawn', ended_at = opened_at`);
    expect(await purge(later(61, 0, 'CN'))).toMatchObject({
      ...{ report: 1, enquiry: 1, report_record: 1 },
    });
  });

  it('leaves no report in a person’s list that cannot be had again', async () => {
    const id = await issueToPerson(pair.registry, subject);
    expect(await listOwnReports(pair.registry, subject)).toMatchObject([{ report_id: id }]);
    await purge(later(25, 0, 'EU'));
    expect(await listOwnReports(pair.registry, subject)).toEqual([]);
    expect(await codeOf(rebuildOwn(pair.registry, subject, id))).toBe('report_purged');
  });
});
