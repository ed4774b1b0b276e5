/**
 * The rules of docs/LAW.md that hold today, each shown by itself: on one row where the table of
 * checks decides (its two forms agree, src/gateway/gate.test.ts), on two real programs elsewhere.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Act, AuthorisationFacts, RowFacts } from '../src/authorisation/check.ts';
import { STATE_REASONS } from '../src/authorisation/check.ts';
import { decideOne } from '../src/authorisation/decide.ts';
import { loadProfile, PROFILE_NAMES } from '../src/authorisation/profile.ts';
import { type AuthorisationRecord, recordProblems } from '../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../src/authorisation/sample-record.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { ACCOUNT_FIELDS, IDENTITY_FIELDS, MONTH_FIELDS } from '../src/model/record.ts';
import { readFile } from '../src/registry/files.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const MOMENT = new Date('2026-06-01T00:00:00Z');
const PROVIDER = sampleRecord().parties.provider_id;
const SUBJECT = '00000000-0000-4000-8000-000000000aaa';

function row(changes: Partial<RowFacts> = {}): RowFacts {
  return {
    subject_id: SUBJECT,
    account_ref: '00000000-0000-4000-8000-000000000bbb',
    kind: 'revolving_line',
    period: '2026-05',
    days_past_due: 0,
    active: true,
    adult_from: null,
    ...changes,
  };
}

function act(profile: string, changes: Partial<Act> = {}): Act {
  return {
    moment: MOMENT,
    provider_id: PROVIDER,
    recipient_class: 'registry',
    recipient_id: null,
    purposes: ['F1', 'F2'],
    use_id: SUBJECT,
    profile: loadProfile(profile),
    notices: {},
    ...changes,
  };
}

const holding = (record: AuthorisationRecord, state = 'given'): AuthorisationFacts => ({
  record,
  subject_id: SUBJECT,
  state,
  uses: [],
});

/** Why a row is withheld under a profile with one authorisation; null when it is released. */
function why(profile: string, changes: RecordChanges, over: Partial<RowFacts> = {}) {
  return decideOne(row(over), [holding(sampleRecord(changes))], act(profile)).reason;
}

describe('an authorisation', () => {
  it('C1: without a live one a row is withheld, with the reason', () => {
    expect(decideOne(row(), [], act('CN')).reason).toBe('never_asked');
    for (const [state, reason] of Object.entries(STATE_REASONS)) {
      const held = [holding(sampleRecord(), state)];
      expect(decideOne(row(), held, act('CN'))).toEqual({ authorisation_id: null, reason });
    }
    expect(why('CN', {})).toBe(null);
  });

  it('C6: is for one purpose, and covers no other', () => {
    const enquiry = act('CN', { recipient_class: 'lender', purposes: ['Q1'] });
    // An approval to furnish is not even heard at an enquiry.
    expect(decideOne(row(), [holding(sampleRecord())], enquiry).reason).toBe('never_asked');
    expect(recordProblems(sampleRecord({ purpose: { code: 'Q1' } }))).toEqual(['recipient_class']);
    expect(why('CN', { purpose: { code: 'F2' } })).toBe('out_of_scope');
    expect(why('CN', { purpose: { code: 'F2' } }, { days_past_due: 3 })).toBe(null);
  });

  it('C10: is in writing where the law asks for it', () => {
    const spoken = { evidence: { method: 'VOICE' } } as const;
    for (const name of PROFILE_NAMES) {
      const isWritten = loadProfile(name).written_consent;
      expect(why(name, spoken)).toBe(isWritten ? 'condition_unlawful' : null);
    }
    expect(why('CN', spoken)).toBe('condition_unlawful');
    expect(why('EU', spoken)).toBe(null);
  });

  it('C12: releases the kinds of data that it names, and nothing before it began without history', () => {
    const classes = ['MONTHLY_PERFORMANCE'];
    expect(why('CN', { data: { classes: ['ACCOUNT_BASIC'] } })).toBe('out_of_scope');
    expect(why('CN', { data: { classes } }, { period: '2025-12' })).toBe('out_of_scope');
    expect(why('CN', { data: { classes } })).toBe(null);
  });

  it('C18: rests on a basis that the profile knows for its purpose', () => {
    const over = (basis: 'legitimate_interest' | 'legal_obligation') => ({ legal_basis: basis });
    expect(why('CN', over('legitimate_interest'))).toBe('condition_unlawful');
    expect(why('EU', over('legitimate_interest'))).toBe(null);
    expect(why('UK', over('legitimate_interest'))).toBe(null);
    expect(why('IN', over('legal_obligation'))).toBe(null);
    expect(why('US', over('legitimate_interest'))).toBe('condition_unlawful');
    expect(why('STRICT', over('legal_obligation'))).toBe('condition_unlawful');
  });

  it('C19: ends where the notice changed, if the law asks again', () => {
    const held = [holding(sampleRecord({ notice: { version: 1 } }))];
    const changed = act('CN', { notices: { n: 2 } });
    expect(decideOne(row(), held, changed).reason).toBe('notice_outdated');
    const inform = { ...loadProfile('CN'), notice_change: 'inform' as const };
    expect(decideOne(row(), held, { ...changed, profile: inform }).reason).toBe(null);
  });

  it('C21: on condition of service counts only with the proof that the profile asks for', () => {
    const conditional = (necessity: string | null, alternative: string | null) => ({
      purpose: {
        service_conditional: true,
        necessity_text: necessity,
        alternative_offered: alternative,
      },
    });
    const worth = (name: string) =>
      [conditional(null, null), conditional('needed', null), conditional('needed', 'cash')].map(
        (changes) => why(name, changes) === null,
      );
    expect(worth('CN')).toEqual([false, true, true]);
    for (const name of ['EU', 'UK']) expect(worth(name)).toEqual([false, false, true]);
    for (const name of ['US', 'IN', 'STRICT']) expect(worth(name)).toEqual([false, false, false]);
  });

  it('C22: lets nothing pass on to another class of recipients', () => {
    for (const name of PROFILE_NAMES) {
      expect(why(name, { limits: { onward: ['lender'] } })).toBe('out_of_scope');
      expect(why(name, { limits: { onward: ['registry', 'research'] } })).toBe('out_of_scope');
      expect(why(name, { limits: { onward: ['registry'] } })).toBe(null);
    }
  });

  it('E1: without evidence, or without a notice, is none', () => {
    expect(recordProblems(sampleRecord({ evidence: { sha256: '' } }))).toEqual(['evidence_sha256']);
    expect(recordProblems(sampleRecord({ notice: { sha256: '' } }))).toEqual(['notice_sha256']);
  });

  it('E1: on another basis does not come after a refused or withdrawn consent', () => {
    const other = sampleRecord({
      authorisation_id: randomUUID(),
      legal_basis: 'legitimate_interest',
    });
    for (const state of ['refused', 'withdrawn']) {
      const all = [holding(other), holding(sampleRecord(), state)];
      expect(decideOne(row(), all, act('EU')).reason).toBe('refused');
    }
  });

  it('of a minor counts only when a guardian gave it, where a guardian may', () => {
    const minor = { adult_from: '2030-01-01' };
    const guarded = { principal: { on_behalf_of: 'guardian-1' } };
    expect(decideOne(row(minor), [], act('CN')).reason).toBe('minor');
    expect(why('CN', {}, minor)).toBe('minor');
    expect(why('CN', guarded, minor)).toBe(null);
    expect(why('CN', guarded)).toBe(null);
    expect(why('EU', guarded, minor)).toBe('minor');
    expect(why('EU', guarded)).toBe('out_of_scope');
  });
});

it('C2, U11: the book and the record have no field that the law forbids', () => {
  const names = [...IDENTITY_FIELDS, ...ACCOUNT_FIELDS, ...MONTH_FIELDS].map(({ name }) => name);
  const sections = Object.values(sampleRecord()).flatMap((section) =>
    typeof section === 'object' && section !== null ? Object.keys(section) : [],
  );
  const forbidden =
    /religio|gene|fingerprint|blood|disease|medic|income|deposit|securit|insur|estate|tax|race|colou?r|origin\b|sex\b|gender|marit|assist/;
  expect([...names, ...sections].filter((name) => forbidden.test(name))).toEqual([]);
  expect(names.length).toBeGreaterThan(20);
});

describe('between two real programs', () => {
  const PERIOD = '2026-01';
  let pair: Pair;
  beforeAll(async () => {
    pair = await Pair.open('pglite', 'law');
  });
  afterEach(() => pair.empty());
  afterAll(() => pair.close());

  const late = (n: number, changes: Record<string, string>) => ({
    ...monthRow(n, PERIOD),
    days_past_due: '10',
    past_due_minor: '500',
    first_delinquency_on: '2026-01-18',
    ...changes,
  });
  const document = (n: number, name: string) => ({
    ...monthRow(n, PERIOD),
    identity_kind: 'passport',
    identity_country: 'SG',
    identity_number: 'K1234567',
    name,
    birth_date: '1990-01-01',
  });
  const approve = (...clients: number[]) =>
    importAuthorisations(
      pair.gateway,
      bytesOf(approvalsText(clients.map((n) => ({ n, events: ['given'] })))),
    );

  it('C3: an adverse month is held until the person was told, in each episode anew', async () => {
    const rows = [
      late(1, {}),
      late(2, { adverse_notice_on: '2026-01-20' }),
      late(3, { adverse_notice_on: '2025-11-20' }),
    ];
    const { counts } = await load({ ...pair.gateway, profile: loadProfile('CN') }, tapeText(rows));
    expect(counts.faults_by_rule).toMatchObject({ V14: 2 });
    await pair.empty();
    const told = await load({ ...pair.gateway, profile: loadProfile('EU') }, tapeText(rows));
    expect(told.counts.faults_by_rule).not.toHaveProperty('V14');
  });

  it('C7, U6: no file is read without a trace of who looked and why', async () => {
    await load(pair.gateway, tapeText([monthRow(1, PERIOD)]));
    await approve(1);
    await handOver(pair.gateway, pair.link(), PERIOD);
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from subject',
    );
    const subject_id = rows[0]?.subject_id ?? '';
    const look = { participant_id: randomUUID(), purpose: 'operation', reason: 'a question' };
    await readFile(pair.registry, { subject_id }, look);
    const traces = await pair.registry.db.query(
      'select subject_id, participant_id, purpose, reason from access',
    );
    expect(traces.rows).toEqual([{ subject_id, ...look }]);
  });

  it('U5: two names on one document are never made one person', async () => {
    await load(pair.gateway, tapeText([document(1, 'Ada Lim'), document(2, 'Bo Tan')]));
    await approve(1, 2);
    const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(receipt?.outcomes.month).toMatchObject({ declared: 2, accepted: 1 });
    const { rows } = await pair.registry.db.query<{ n: number }>(
      'select count(*) as n from subject',
    );
    expect(rows[0]?.n).toBe(1);
  });

  it('U2, U12: the date of first delinquency is never moved later without a cure', async () => {
    await load(pair.gateway, tapeText([late(1, {})]));
    const february = {
      ...late(1, { first_delinquency_on: '2026-02-05' }),
      period: '2026-02',
      as_of: '2026-02-28',
      days_past_due: '23',
    };
    const { counts } = await load(pair.gateway, tapeText([february]));
    expect(counts.faults_by_rule).toMatchObject({ V08_REAGED: 1 });
  });

  it('F5: a correction is a new revision beside the one that was wrong', async () => {
    await load(pair.gateway, tapeText([monthRow(1, PERIOD)]));
    await load(pair.gateway, tapeText([{ ...monthRow(1, PERIOD), balance_minor: '77' }]));
    const { rows } = await pair.gateway.db.query<{ revision: number; balance_minor: number }>(
      'select revision, balance_minor from account_month order by revision',
    );
    expect(rows).toEqual([
      { revision: 1, balance_minor: 1001 },
      { revision: 2, balance_minor: 77 },
    ]);
  });

  it('N1: a revolving line without its limit is refused', async () => {
    const { counts } = await load(
      pair.gateway,
      tapeText([{ ...monthRow(1, PERIOD), limit_minor: '' }]),
    );
    expect(counts.faults_by_rule).toMatchObject({ V10: 1 });
  });
});
