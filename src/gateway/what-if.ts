/**
 * The what-if of a compliance officer: if approval became a condition of service from a day under
 * a profile, what would coverage be, who would lose the product, and what would those approvals be
 * worth? Set-based over the real book.
 *
 * What must stay true: it changes nothing; what an approval is worth is read from the same ordered
 * table of checks that the gate reads; refusals never leave the denominator.
 * Source: PIPL 16 (domain facts 2.1 C21), GDPR 7(4) (2.3 E1).
 */
import { type ConditionProof, isConditionLawful } from '../authorisation/check.ts';
import { isInForce, loadProfile, type Profile } from '../authorisation/profile.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { firstDay, isDate, isPeriod } from '../model/period.ts';
import { NOT_ELIGIBLE } from './coverage.ts';
import { bookPeriods, decidePeriod } from './gate.ts';
import type { Gateway } from './gateway.ts';

export interface WhatIfQuestion {
  /** Name of a profile, which need not be the gateway's own. */
  readonly profile: string;
  /** `YYYY-MM-DD`, today or later: from then on service depends on approval. */
  readonly from: string;
  /** `YYYY-MM`; null: the newest period of the book. */
  readonly period: string | null;
  /** Share of those asked on condition who approve, 0 to 1. */
  readonly accept_rate: number;
}

/** Persons are counted once in each count; one with two products stands in the counts of both. */
export interface Count {
  readonly persons: number;
  /** An account has one row in a period: these are rows. */
  readonly accounts: number;
}

/** Accounts covered, and their share of both denominators; null where the divisor is 0. */
export interface CoverageThen {
  readonly accounts: number;
  readonly of_in_scope: number | null;
  readonly of_eligible: number | null;
}

export interface ProductWhatIf {
  /** An account kind; `all` for the whole book. */
  readonly product: string;
  readonly in_scope: Count;
  /** In scope, less those whom no approval can release. */
  readonly eligible: Count;
  /** As of `from`: `released`, and each reason of withholding. */
  readonly standing: Readonly<Record<string, Count>>;
  /** Withheld, eligible and open: who does not approve by `from` loses the product. */
  readonly would_lose: Count & {
    readonly by_reason: Readonly<Record<string, Count>>;
    readonly balances: readonly { readonly currency: string; readonly balance_minor: number }[];
  };
  /** Of `would_lose`, at the accept rate, rounded down: approve, and do not. */
  readonly at_accept_rate: { readonly approve: Count; readonly lose: Count };
  readonly coverage: {
    readonly today: CoverageThen;
    /** On that day without the condition: approvals that end before it are gone. */
    readonly unchanged: CoverageThen;
    readonly if_all_approve: CoverageThen;
    readonly at_accept_rate: CoverageThen;
  };
}

/** What conditional approvals are worth under the profile, and what they must say for it. */
export interface Worth {
  readonly verdict: 'valid' | 'flagged' | 'void';
  readonly needs: readonly ('necessity_text' | 'alternative_offered')[];
  readonly conditionality: string;
  readonly source: string;
}

export interface WhatIf {
  readonly profile: string;
  readonly from: string;
  readonly period: string;
  readonly at: string;
  readonly accept_rate: number;
  readonly worth: Worth;
  readonly products: readonly ProductWhatIf[];
}

/** From the least that can be said to the most. */
const PROOFS: readonly ConditionProof[] = [
  { has_necessity: false, has_alternative: false },
  { has_necessity: true, has_alternative: false },
  { has_necessity: true, has_alternative: true },
];

/** What an approval on condition needs to count under a profile. */
export function worthOf(profile: Profile): Worth {
  const hasConsent = profile.legal_bases.some(
    ({ basis, purposes, rows }) => basis === 'consent' && rows === 'all' && purposes.includes('F1'),
  );
  const least = hasConsent ? PROOFS.find((proof) => isConditionLawful(profile, proof)) : undefined;
  const needs: Worth['needs'][number][] = [];
  if (least?.has_necessity) needs.push('necessity_text');
  if (least?.has_alternative) needs.push('alternative_offered');
  const verdict = least === undefined ? 'void' : needs.length === 0 ? 'valid' : 'flagged';
  const source = hasConsent ? profile.sources['conditionality'] : profile.sources['legal_bases'];
  return { verdict, needs, conditionality: profile.conditionality, source: source ?? '' };
}

/** Every decided row with what the answer is counted by; $1 the first day of the period. */
const ROWS = `create temp table what_if_row on commit drop as
  select d.subject_id, k.kind, k.currency, m.balance_minor,
    coalesce(d.reason, 'released') as standing,
    d.reason is not null and d.reason <> all($2::text[]) and m.status = 'open' as would_lose
  from decided d
  join account k on k.account_id = d.account_id
  join account_month m on m.period = $1::date and m.account_id = d.account_id
    and m.revision = d.revision`;

/**
 * Accounts of a person by product and standing, in the product and in the whole book: persons are
 * counted as groups, which hash; `count(distinct)` sorted every row five times over.
 */
const PEOPLE = `create temp table what_if_person on commit drop as
  select p.product, w.subject_id, w.standing, count(*) as accounts,
    count(*) filter (where w.would_lose) as lost
  from what_if_row w cross join lateral (values (w.kind), ('all')) p (product)
  group by p.product, w.subject_id, w.standing`;

interface Standing {
  readonly product: string;
  readonly standing: string;
  readonly all: Count;
  readonly lost: Count;
}

interface Total {
  readonly product: string;
  readonly in_scope: Count;
  readonly eligible: Count;
  readonly lost: Count;
}

interface Balance {
  readonly product: string;
  readonly currency: string;
  readonly balance_minor: number;
}

async function countStandings(session: Session): Promise<Standing[]> {
  const { rows } = await session.query<Standing>(
    `select product, standing,
       jsonb_build_object('persons', count(*), 'accounts', sum(accounts)) as all,
       jsonb_build_object('persons', count(*) filter (where lost > 0),
         'accounts', sum(lost)) as lost
     from what_if_person group by product, standing order by product, standing`,
  );
  return rows;
}

async function countTotals(session: Session): Promise<Total[]> {
  const { rows } = await session.query<Total>(
    `select product,
       jsonb_build_object('persons', count(*), 'accounts', sum(accounts)) as in_scope,
       jsonb_build_object('persons', count(*) filter (where eligible > 0),
         'accounts', sum(eligible)) as eligible,
       jsonb_build_object('persons', count(*) filter (where lost > 0),
         'accounts', sum(lost)) as lost
     from (select product, subject_id, sum(accounts) as accounts, sum(lost) as lost,
             coalesce(sum(accounts) filter (where standing <> all($1::text[])), 0) as eligible
           from what_if_person group by product, subject_id) person
     group by product order by product`,
    [NOT_ELIGIBLE],
  );
  return rows;
}

async function sumBalances(session: Session): Promise<Balance[]> {
  const { rows } = await session.query<Balance>(
    `select p.product, w.currency, sum(w.balance_minor)::bigint as balance_minor
     from what_if_row w cross join lateral (values (w.kind), ('all')) p (product)
     where w.would_lose group by p.product, w.currency order by p.product, w.currency`,
  );
  return rows;
}

interface Counted {
  readonly standings: readonly Standing[];
  readonly totals: readonly Total[];
  readonly balances: readonly Balance[];
}

async function countAt(gateway: Gateway, period: string, moment: Date): Promise<Counted> {
  return gateway.db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    await session.query(ROWS, [firstDay(period), NOT_ELIGIBLE]);
    await session.query(PEOPLE);
    return {
      standings: await countStandings(session),
      totals: await countTotals(session),
      balances: await sumBalances(session),
    };
  });
}

/** Accounts that the gate releases at a moment, by product; `all` for the whole book. */
async function releasedAt(
  gateway: Gateway,
  period: string,
  moment: Date,
): Promise<ReadonlyMap<string, number>> {
  return gateway.db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    const { rows } = await session.query<{ kind: string; n: number }>(
      `select k.kind, count(*) as n from decided d join account k on k.account_id = d.account_id
       where d.reason is null group by k.kind`,
    );
    const all = rows.reduce((sum, { n }) => sum + n, 0);
    return new Map([...rows.map(({ kind, n }) => [kind, n] as const), ['all', all]]);
  });
}

const BASIS_POINTS = 10_000;

/** The part of a count at a rate in basis points, rounded down. */
const partOf = (whole: Count, points: number): Count => ({
  persons: Math.floor((whole.persons * points) / BASIS_POINTS),
  accounts: Math.floor((whole.accounts * points) / BASIS_POINTS),
});

const without = (whole: Count, part: Count): Count => ({
  persons: whole.persons - part.persons,
  accounts: whole.accounts - part.accounts,
});

function productWhatIf(
  { product, in_scope, eligible, lost }: Total,
  today: ReadonlyMap<string, number>,
  then: Counted,
  question: { readonly points: number; readonly isVoid: boolean },
): ProductWhatIf {
  const standings = then.standings.filter((each) => each.product === product);
  const released = standings.find((each) => each.standing === 'released')?.all.accounts ?? 0;
  const approve = partOf(lost, question.points);
  const covered = (accounts: number): CoverageThen => ({
    accounts,
    of_in_scope: in_scope.accounts === 0 ? null : accounts / in_scope.accounts,
    of_eligible: eligible.accounts === 0 ? null : accounts / eligible.accounts,
  });
  const added = (accounts: number) => covered(released + (question.isVoid ? 0 : accounts));
  const losing = standings.filter((each) => each.lost.accounts > 0);
  const balances = then.balances
    .filter((each) => each.product === product)
    .map(({ currency, balance_minor }) => ({ currency, balance_minor }));
  return {
    product,
    in_scope,
    eligible,
    standing: Object.fromEntries(standings.map((each) => [each.standing, each.all])),
    would_lose: {
      ...lost,
      by_reason: Object.fromEntries(losing.map((each) => [each.standing, each.lost])),
      balances,
    },
    at_accept_rate: { approve, lose: without(lost, approve) },
    coverage: {
      today: covered(today.get(product) ?? 0),
      unchanged: covered(released),
      if_all_approve: added(lost.accounts),
      at_accept_rate: added(approve.accounts),
    },
  };
}

/** @throws argument_invalid naming what is wrong with the question */
async function checked(gateway: Gateway, question: WhatIfQuestion) {
  const refuse = (detail: string) => new AssentError('argument_invalid', { detail });
  const { from, accept_rate } = question;
  const at = gateway.now();
  if (!isDate(from)) throw refuse('from is no day YYYY-MM-DD');
  if (from < at.toISOString().slice(0, 10)) throw refuse('from lies in the past');
  if (!(accept_rate >= 0 && accept_rate <= 1)) throw refuse('accept rate is not from 0 to 1');
  const profile = loadProfile(question.profile);
  const start = new Date(`${from}T00:00:00.000Z`);
  if (!isInForce(profile, start))
    throw refuse(`${profile.name} is in force from ${profile.effective_from} only`);
  const periods = await bookPeriods(gateway.db);
  const period = question.period ?? periods.at(-1);
  if (period === undefined) throw refuse('the book is empty');
  if (!isPeriod(period) || !periods.includes(period)) throw refuse('the book has no such period');
  return { profile, period, at, start: start < at ? at : start };
}

/**
 * Answers the question over the book as it is, changing nothing.
 * @throws argument_invalid, profile_unknown
 */
export async function whatIf(gateway: Gateway, question: WhatIfQuestion): Promise<WhatIf> {
  const { profile, period, at, start } = await checked(gateway, question);
  const under = { ...gateway, profile };
  const today = await releasedAt(under, period, at);
  const then = await countAt(under, period, start);
  const worth = worthOf(profile);
  const points = Math.round(question.accept_rate * BASIS_POINTS);
  // The whole book comes last.
  const totals = then.totals.toSorted((left, right) =>
    left.product === 'all' ? 1 : right.product === 'all' ? -1 : 0,
  );
  return {
    profile: profile.name,
    from: question.from,
    period,
    at: at.toISOString(),
    accept_rate: points / BASIS_POINTS,
    worth,
    products: totals.map((total) =>
      productWhatIf(total, today, then, { points, isVoid: worth.verdict === 'void' }),
    ),
  };
}
