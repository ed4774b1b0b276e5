/**
 * What a withdrawal does to what the registry holds: hidden, erased with a certificate, or left;
 * adverse months keep their clock, and who withdraws does not look better than who does not.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuthorisationColumns } from '../src/authorisation/from-columns.ts';
import { loadProfile } from '../src/authorisation/profile.ts';
import { appendEvent, recordOne } from '../src/gateway/authorisations.ts';
import { exchangeEvents } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { leafHash, MerkleTree } from '../src/log/merkle.ts';
import { audit } from '../src/registry/audit.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { effectOf, stricterEffect } from '../src/registry/effects.ts';
import { readFile } from '../src/registry/files.ts';
import { readFacts } from '../src/registry/report-facts.ts';
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

const PERIODS = ['2025-06', '2025-07', '2025-08', '2025-09'];
const LATE = '2025-07';
const PEOPLE = {
  honest: 1,
  restricts: 2,
  erases: 3,
  covered: 4,
  renewed: 5,
  stops: 6,
  misused: 7,
  both: 8,
  narrowed: 9,
} as const;
const ERASING: readonly string[] = ['erases', 'both', 'narrowed'];
type Person = keyof typeof PEOPLE;

const row = (n: number, period: string) =>
  period === LATE ? lateMonthRow(n, period) : monthRow(n, period);

describe.each(BACKENDS)('after a withdrawal, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(
      missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
      run,
      120_000,
    );
  let pair: Pair;
  const ids = new Map<Person, string>();
  const operator = randomUUID();

  async function approve(
    person: Person,
    over: Partial<AuthorisationColumns> = {},
  ): Promise<string> {
    const id = randomUUID();
    await recordOne(pair.gateway, approvalColumns(PEOPLE[person], id, over));
    return id;
  }

  const withdraw = (id: string | undefined) =>
    endAuthorisation(pair.registry, id ?? '', {
      type: 'withdrawn',
      reason: 'subject_request',
      evidence_sha256: 'c'.repeat(64),
      by_party: operator,
      subject_id: null,
    });

  async function fileOf(person: Person, now: () => Date = () => new Date()) {
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      'select subject_id from authorisation where authorisation_id = $1',
      [ids.get(person) ?? ''],
    );
    const view = await readFile(
      { ...pair.registry, now },
      { subject_id: rows[0]?.subject_id ?? '' },
      { participant_id: operator, purpose: 'test', reason: 'test' },
    );
    const months = view.accounts.flatMap(
      (account) => account['months'] as { period: string; days_past_due: number }[],
    );
    return {
      periods: months.map((month) => month.period),
      since: view.incomplete_since,
      remark: view.remark,
      text: JSON.stringify(view),
    };
  }

  beforeAll(async () => {
    if (missing) return;
    pair = await Pair.open(backend, 'effects');
    for (const period of PERIODS)
      await load(pair.gateway, tapeText(Object.values(PEOPLE).map((n) => row(n, period))));
    for (const person of Object.keys(PEOPLE) as Person[])
      ids.set(
        person,
        await approve(
          person,
          ERASING.includes(person)
            ? { withdrawal_effect: 'STOP_AND_ERASE' }
            : person === 'stops'
              ? { withdrawal_effect: 'STOP_NEW' }
              : {},
        ),
      );
    for (const period of PERIODS) {
      const { receipt } = await handOver(pair.gateway, pair.link(), period);
      expect(receipt?.outcomes.month.accepted).toBe(Object.keys(PEOPLE).length);
    }
  }, 120_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });

  const today = () => new Date().toISOString().slice(0, 10);

  test('months are hidden, but for the adverse one; nobody looks better for it', async () => {
    expect((await fileOf('restricts')).periods).toEqual(PERIODS);
    await withdraw(ids.get('restricts'));
    const [honest, withdrew] = [await fileOf('honest'), await fileOf('restricts')];
    expect(withdrew.periods).toEqual([LATE]);
    expect(withdrew).toMatchObject({
      since: today(),
      remark: `history incomplete by choice of the subject since ${today()}`,
    });
    expect(honest).toMatchObject({ periods: PERIODS, since: null, remark: null });
    // Whatever speaks against the honest one speaks against the other too, and less speaks for them.
    const good = (periods: string[]) => periods.filter((period) => period !== LATE);
    expect(withdrew.periods).toContain(LATE);
    expect(good(withdrew.periods).length).toBeLessThan(good(honest.periods).length);
    const { rows } = await pair.registry.db.query<{ n: number }>(
      'select count(*) as n from account_month where authorisation_id = $1',
      [ids.get('restricts') ?? ''],
    );
    expect(rows[0]?.n).toBe(4); // Storage only.
  });

  test('the adverse month leaves when its clock has run out, and its lender is not named', async () => {
    const held = new Date('2030-06-12T00:00:00Z'); // First late on 13 June 2025, five years.
    const over = new Date('2030-06-15T00:00:00Z');
    expect((await fileOf('restricts', () => held)).periods).toEqual([LATE]);
    const file = await fileOf('restricts', () => over);
    expect(file.periods).toEqual([]);
    expect(file.text).not.toContain('"furnisher"');
    expect(file.text).toContain('"provider":null');
  });

  test('months are erased, and a certificate says how many, with a root over their names', async () => {
    const { rows: before } = await pair.registry.db.query<Record<string, string>>(
      `select submission_id::text as s, row_number::text as r, account_id::text as a,
         to_char(period, 'YYYY-MM') as p, revision::text as v
       from account_month where authorisation_id = $1 order by period`,
      [ids.get('erases') ?? ''],
    );
    await withdraw(ids.get('erases'));
    expect((await fileOf('erases')).periods).toEqual([LATE]);
    const { rows: left } = await pair.registry.db.query(
      `select to_char(period, 'YYYY-MM') as period from account_month where authorisation_id = $1`,
      [ids.get('erases') ?? ''],
    );
    expect(left).toEqual([{ period: LATE }]);
    const { rows: certificates } = await pair.registry.db.query<{
      submission_id: string;
      months: number;
      merkle_root: Uint8Array;
    }>('select submission_id, months, merkle_root from erasure where authorisation_id = $1', [
      ids.get('erases') ?? '',
    ]);
    const erased = before.filter((each) => each['p'] !== LATE);
    expect(certificates.length).toBe(erased.length);
    for (const { s, r, a, p, v } of erased as Record<string, string>[]) {
      const tree = new MerkleTree();
      tree.addHashes(leafHash(Buffer.from(['assent/erased/1', s, r, a, p, v].join('\t'))));
      const certificate = certificates.find((each) => each.submission_id === s);
      expect(certificate?.months).toBe(1);
      expect(Buffer.from(certificate?.merkle_root ?? []).equals(tree.root())).toBe(true);
    }
  });

  test('the history is incomplete by choice from the withdrawal on, not from an end before', async () => {
    const profile = loadProfile('EU');
    const law = { ...profile, effect_after: ['revoked_by_other' as const] };
    const id = ids.get('misused') ?? '';
    const of = { evidence_sha256: 'c'.repeat(64), by_party: operator, subject_id: null };
    const revoked = { type: 'revoked', reason: 'identity_misuse', ...of } as const;
    await endAuthorisation({ ...pair.registry, profile: law }, id, revoked);
    expect((await fileOf('misused')).since).toBe(null);
    const later = new Date(Date.now() + 3 * 86_400_000);
    const withdrawn = { type: 'withdrawn', reason: 'subject_request', ...of } as const;
    await endAuthorisation({ ...pair.registry, now: () => later }, id, withdrawn);
    expect((await fileOf('misused')).since).toBe(later.toISOString().slice(0, 10));
  });

  /** The registry must know of an approval: a month is corrected, so that a hand-over takes it along. */
  async function furnish(period: string, balance: string) {
    const corrected = Object.values(PEOPLE).map((n) => row(n, period));
    for (const each of corrected) each['balance_minor'] = balance;
    await load(pair.gateway, tapeText(corrected));
    await handOver(pair.gateway, pair.link(), period);
  }

  test('months that another approval covers stay in sight', async () => {
    await approve('covered', { starts_at: '2025-02-01T00:00:00Z' });
    const second = await approve('covered', { starts_at: '2025-03-01T00:00:00Z' });
    await furnish('2025-09', '4321');
    await withdraw(ids.get('covered'));
    expect(await fileOf('covered')).toMatchObject({ periods: PERIODS, since: null });
    await withdraw(second);
    expect((await fileOf('covered')).periods).toEqual([LATE]);
  });

  test('withdrawing a renewal reaches the months of what it renewed', async () => {
    const first = ids.get('renewed') ?? '';
    const second = await approve('renewed', {
      arrangement_id: first,
      supersedes: first,
      starts_at: '2025-04-01T00:00:00Z',
      shown_at: '2025-03-31T00:00:00Z',
      evidence_sha256: 'c'.repeat(64),
      events: [{ event: 'given', event_at: '2025-04-01T00:00:00Z' }],
    });
    await furnish('2025-08', '1234');
    expect((await fileOf('renewed')).periods).toEqual(PERIODS);
    await appendEvent(pair.gateway, second, {
      event: 'withdrawn',
      event_at: new Date().toISOString(),
    });
    await exchangeEvents(pair.gateway, pair.link());
    expect((await fileOf('renewed')).periods).toEqual([LATE]);
  });

  /** The months of a person that stand under their first approval. */
  async function underFirst(person: Person): Promise<string[]> {
    const { rows } = await pair.registry.db.query<{ period: string }>(
      `select to_char(period, 'YYYY-MM') as period from account_month
       where authorisation_id = $1 order by period`,
      [ids.get(person) ?? ''],
    );
    return rows.map(({ period }) => period);
  }
  test('months that another approval covers are erased when that has ended too', async () => {
    const second = await approve('both', { starts_at: '2025-02-01T00:00:00Z' });
    await furnish('2025-09', '77');
    await withdraw(ids.get('both'));
    expect((await fileOf('both')).periods).toEqual(PERIODS);
    expect(await underFirst('both')).toContain('2025-06');
    await withdraw(second);
    // A month goes with what its newest revision stands under: that of September is the second's.
    expect(await underFirst('both')).toEqual([LATE, '2025-09', '2025-09']);
  });

  test('months of what was renewed are erased with the renewal, whichever is withdrawn', async () => {
    const first = ids.get('narrowed') ?? '';
    await approve('narrowed', {
      arrangement_id: first,
      supersedes: first,
      withdrawal_effect: 'STOP_AND_ERASE',
      events: [{ event: 'given', event_at: '2025-04-01T00:00:00Z' }],
    });
    await furnish('2025-09', '78');
    await withdraw(first);
    expect(await underFirst('narrowed')).toEqual([LATE]);
  });

  test('who approves anew after an erasure goes on from there', async () => {
    await approve('erases', { starts_at: '2025-10-01T00:00:00Z' });
    await load(pair.gateway, tapeText(Object.values(PEOPLE).map((n) => row(n, '2025-10'))));
    const { receipt } = await handOver(pair.gateway, pair.link(), '2025-10');
    // The month before it is missing because it was erased: that is no gap.
    expect(receipt?.faults_by_rule).toEqual({});
    expect((await fileOf('erases')).periods).toEqual([LATE, '2025-10']);
  });

  test('the stricter of record and profile counts, and the audit finds nothing wrong', async () => {
    await withdraw(ids.get('stops')); // The record says STOP_NEW, the profile STOP_AND_RESTRICT.
    expect((await fileOf('stops')).periods).toEqual([LATE]);
    const wrong = (await audit(pair.registry)).filter((check) => check.violations > 0);
    expect(wrong).toEqual([]);
    expect(pair.failures).toEqual([]);
  });

  test('an account of which no month is left is not shown, and its lender is not named', async () => {
    const { rows } = await pair.registry.db.query<{ subject_id: string }>(
      `delete from account_month n using authorisation a
       where a.subject_id = n.subject_id and a.authorisation_id = $1 returning n.subject_id`,
      [ids.get('erases') ?? ''],
    );
    const file = await fileOf('erases');
    expect(file.periods).toEqual([]);
    expect(file.text).toContain('"accounts":[]');
    const { db } = pair.registry;
    expect(await readFacts(pair.registry, db, rows[0]?.subject_id ?? '')).toMatchObject({
      accounts: [],
    });
  });
});

describe('the effect of an end', () => {
  it('is the stricter of two', () => {
    expect(stricterEffect('STOP_NEW', 'STOP_AND_RESTRICT')).toBe('STOP_AND_RESTRICT');
    expect(stricterEffect('STOP_AND_ERASE', 'STOP_NEW')).toBe('STOP_AND_ERASE');
  });

  it('is that of a withdrawal alone, but for ends that the profile names', () => {
    const profile = { withdrawal_effect: 'STOP_NEW', effect_after: ['expired'] } as never;
    expect(effectOf('withdrawn', 'STOP_NEW', profile)).toBe('STOP_NEW');
    expect(effectOf('expired', 'STOP_AND_ERASE', profile)).toBe('STOP_AND_ERASE');
    expect(effectOf('revoked_by_other', 'STOP_AND_ERASE', profile)).toBe(null);
    expect(effectOf('superseded', 'STOP_AND_ERASE', profile)).toBe(null);
    expect(effectOf('withdrawn', 'STOP_NEW', null)).toBe('STOP_AND_RESTRICT');
  });
});
