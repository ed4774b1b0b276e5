/**
 * Disputes against a simple model, by random sequences of everything that can happen to one; and
 * answering, sweeping and opening with a database that dies at each statement.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import { AssentError } from '../src/model/error.ts';
import { answerClaim } from '../src/registry/claim-answers.ts';
import { type Decision, decideClaim, sweepDisputes } from '../src/registry/decide-claims.ts';
import { listDisputes, openDispute, withdrawDispute } from '../src/registry/disputes.ts';
import type { Registry } from '../src/registry/registry.ts';
import { atEvery } from './at-every.ts';
import { DAY_MS, lookAt, PERIOD, SOURCE } from './dispute-world.ts';
import { Pair } from './pair.ts';

const FIELDS = ['balance_minor', 'limit_minor', 'days_past_due'] as const;
/** Of the profile EU, in days. */
const FURNISHER_DAYS = 12;
const ANSWER_DAYS = 30;
const ENDED = ['verified', 'corrected', 'deleted', 'upheld', 'withdrawn'];
const REFUTED = ['corrected', 'deleted', 'upheld'];

type Step =
  | {
      readonly do: 'answer';
      readonly n: number;
      readonly answer: 'verified' | 'corrected' | 'deleted';
      readonly isOwn: boolean;
    }
  | { readonly do: 'decide'; readonly n: number; readonly decision: Decision }
  | { readonly do: 'wait'; readonly days: number }
  | { readonly do: 'sweep' }
  | { readonly do: 'withdraw' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('answer' as const),
    n: fc.nat(FIELDS.length - 1),
    answer: fc.constantFrom('verified' as const, 'corrected' as const, 'deleted' as const),
    isOwn: fc.constantFrom(true, true, true, false),
  }),
  fc.record({
    do: fc.constant('decide' as const),
    n: fc.nat(FIELDS.length - 1),
    decision: fc.constantFrom<Decision>('verified', 'corrected', 'deleted', 'upheld'),
  }),
  fc.record({ do: fc.constant('wait' as const), days: fc.integer({ min: 1, max: 12 }) }),
  fc.constantFrom<Step>({ do: 'sweep' }, { do: 'sweep' }, { do: 'withdraw' }),
);

/** What should happen, said in another way than the program says it. */
class Model {
  day = 0;
  readonly states: string[] = FIELDS.map(() => 'forwarded');
  readonly answers: (string | null)[] = FIELDS.map(() => null);

  isRunning(): boolean {
    return this.states.some((state) => !ENDED.includes(state));
  }
  disputeState(): string {
    if (this.isRunning()) return 'open';
    return this.states.every((state) => state === 'withdrawn') ? 'withdrawn' : 'decided';
  }
  /** The code of the failure, or null. */
  take(step: Step): string | null {
    if (step.do === 'wait') this.day += step.days;
    if (step.do === 'sweep') this.#sweep();
    if (step.do === 'withdraw') {
      if (!this.isRunning()) return 'dispute_ended';
      for (const [n, state] of this.states.entries())
        if (!ENDED.includes(state)) this.states[n] = 'withdrawn';
    }
    if (step.do === 'answer') return this.#answer(step);
    if (step.do === 'decide') return this.#decide(step);
    return null;
  }
  #sweep(): void {
    for (const [n, state] of this.states.entries()) {
      if (state === 'forwarded' && this.day >= FURNISHER_DAYS) this.states[n] = 'upheld';
      if (state === 'answered' && this.day >= ANSWER_DAYS) this.states[n] = 'verified';
    }
  }
  #answer({ n, answer, isOwn }: Extract<Step, { do: 'answer' }>): string | null {
    if (!isOwn) return 'claim_unknown';
    if (this.answers[n] === answer) return null;
    if (this.states[n] !== 'forwarded' || this.day >= FURNISHER_DAYS) return 'claim_ended';
    this.answers[n] = answer;
    this.states[n] = answer === 'verified' ? 'answered' : answer;
    return null;
  }
  #decide({ n, decision }: Extract<Step, { do: 'decide' }>): string | null {
    const state = this.states[n] ?? '';
    if (ENDED.includes(state)) return 'claim_ended';
    if (decision === 'corrected') return 'answer_invalid';
    if (decision === 'verified' && state !== 'answered') return 'answer_invalid';
    this.states[n] = decision;
    return null;
  }
}

let pair: Pair;
const enquirer = randomUUID();
const opened = new Date('2026-03-02T09:00:00Z');

beforeAll(async () => {
  pair = await Pair.open('pglite', 'model');
  await pair.admit('enquirer', enquirer, pair.newRing('enquirer'));
  await pair.registry.db.query(
    `create table account_month_now partition of account_month
       for values from ('2026-01-01') to ('2026-02-01')`,
  );
}, 60_000);
afterAll(() => pair.close());

const at = (day: number): Registry => ({
  ...pair.registry,
  profile: loadProfile('EU'),
  now: () => new Date(opened.getTime() + day * DAY_MS),
});

/** A person with one account and month of the pair's furnisher, who was looked at. */
async function person(): Promise<{ subject_id: string; account_id: string }> {
  const [subject_id, account_id] = [randomUUID(), randomUUID()];
  const { db, ring } = pair.registry;
  const key = ring.newSubjectKey();
  await db.query(
    `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
       created_at) values ($1, 'passport', $2, $3, $3, $4)`,
    [subject_id, key.wrapped, key.seal(Buffer.from('{}'), `subject ${subject_id}`), opened],
  );
  await db.query(
    `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind,
       currency, submission_id) values ($1, $2, 1, $3, $2, 'revolving_line', 'CNY', $2)`,
    [subject_id, account_id, pair.gateway.furnisher_id],
  );
  await db.query(
    `insert into account_month (subject_id, account_id, period, revision, as_of, status,
       limit_minor, balance_minor, days_past_due, authorisation_id, submission_id, row_number)
     values ($1, $2, '2026-01-01', 1, '2026-01-31', 'open', 100, 50, 45, $1, $2, 1)`,
    [subject_id, account_id],
  );
  await db.query(
    `insert into submission (submission_id, furnisher_id, period, state, profile,
       rule_set_version, declared_at, completed_at)
     values ($1, $2, '2026-01-01', 'received', 'EU', 1, '2026-02-01', '2026-02-01')`,
    [account_id, pair.gateway.furnisher_id],
  );
  await lookAt(pair, enquirer, subject_id);
  return { subject_id, account_id };
}

const openAll = async () => {
  const { subject_id, account_id } = await person();
  const claims = FIELDS.map((field) => ({ field, account_id, period: PERIOD }));
  return openDispute(at(0), subject_id, { claims });
};

const answerOf = (claim_id: string, answer: 'verified' | 'corrected' | 'deleted', own = true) => ({
  furnisher_id: own ? pair.gateway.furnisher_id : randomUUID(),
  claim_id,
  answer,
  value: answer === 'corrected' ? '7' : null,
  source_sha256: answer === 'verified' ? SOURCE : null,
  reason: answer === 'verified' ? 'the ledger' : null,
});

const count = async (text: string, params: string[]) =>
  (await pair.registry.db.query<{ n: number }>(text, params)).rows[0]?.n ?? 0;

/** What the end of claims must have left behind, whatever the way there. */
async function checkEnds(subjectId: string, where: string): Promise<void> {
  const [dispute] = await listDisputes(pair.registry, subjectId);
  const claims = dispute?.claims ?? [];
  const ids = claims.map(({ claim_id }) => claim_id);
  const ended = claims.filter(({ state }) => ENDED.includes(state));
  const refuted = claims.filter(({ state }) => REFUTED.includes(state));
  const is = async (text: string, expected: number) =>
    expect(await count(text, [subjectId]), `${where}: ${text}`).toBe(expected);
  await is(
    'select count(*)::int as n from reinsertion_guard where subject_id = $1',
    refuted.length,
  );
  const told = `select count(*)::int as n from message where subject_id = $1 and kind =`;
  await is(`${told} 'claim_decided'`, ended.length);
  await is(`${told} 'correction_resent'`, refuted.length);
  await is(`${told} 'dispute_opened'`, dispute ? 1 : 0);
  await is(
    `${told} 'dispute_${dispute?.state ?? ''}'`,
    dispute && dispute.state !== 'open' ? 1 : 0,
  );
  for (const [type, expected] of [
    ['claim.forwarded', claims],
    ['claim.decided', ended],
    ['correction.resent', refuted],
  ] as const) {
    const { rows } = await pair.registry.db.query<{ event_id: string }>(
      'select event_id from feed_entry where type = $1 and event_id = any($2::text[])',
      [type, ids],
    );
    expect(rows.map((row) => row.event_id).sort(), `${where}: ${type}`).toEqual(
      expected.map(({ claim_id }) => claim_id).sort(),
    );
  }
}

describe('a dispute', () => {
  it('goes as the model says, whatever happens to it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const { subject_id, dispute_id, claims } = await openAll();
        const byField = FIELDS.map((f) => claims.find(({ field }) => field === f)?.claim_id ?? '');
        const model = new Model();
        const by_party = randomUUID();
        const run = async (each: Step): Promise<unknown> => {
          const registry = at(model.day);
          if (each.do === 'sweep') return sweepDisputes(registry);
          if (each.do === 'withdraw') return withdrawDispute(registry, subject_id, dispute_id);
          if (each.do === 'wait') return null;
          const claim_id = byField[each.n] ?? '';
          if (each.do === 'answer')
            return answerClaim(registry, answerOf(claim_id, each.answer, each.isOwn));
          return decideClaim(registry, {
            ...{ claim_id, decision: each.decision, reason: 'read', by_party },
          });
        };
        for (const each of steps) {
          const code = await run(each).then(
            () => null,
            (error: unknown) => (error instanceof AssentError ? error.code : String(error)),
          );
          expect(code, JSON.stringify(each)).toBe(model.take(each));
          const [dispute] = await listDisputes(pair.registry, subject_id);
          expect(dispute?.state).toBe(model.disputeState());
          const states = byField.map(
            (id) => dispute?.claims.find(({ claim_id }) => claim_id === id)?.state,
          );
          expect(states).toEqual(model.states);
        }
        await checkEnds(subject_id, JSON.stringify(steps));
      }),
      { numRuns: 60 },
    );
  }, 240_000);

  it.each(['open', 'answer', 'sweep'] as const)(
    'survives a database that dies at each statement of: %s',
    async (what) => {
      let subjectId = '';
      let accountId = '';
      let claimId = '';
      const claim = () => ({ field: 'balance_minor', account_id: accountId, period: PERIOD });
      const open = () => openDispute(at(0), subjectId, { claims: [claim()] });
      const works = {
        open,
        answer: () => answerClaim(at(1), answerOf(claimId, 'corrected')),
        sweep: () => sweepDisputes(at(FURNISHER_DAYS)),
      };
      const died = await atEvery(pair, 'registryStore', {
        prepare: async () => {
          ({ subject_id: subjectId, account_id: accountId } = await person());
          if (what !== 'open') claimId = (await open()).claims[0]?.claim_id ?? '';
        },
        work: async () => void (await works[what]()),
        // Again as its caller would: what is done already is said so.
        resume: () =>
          works[what]().then(
            () => {},
            (error: unknown) => {
              if (!(error instanceof AssentError && error.code === 'claim_running')) throw error;
            },
          ),
        check: (where) => checkEnds(subjectId, where),
      });
      expect(died).toBeGreaterThan(10);
    },
    240_000,
  );
});
