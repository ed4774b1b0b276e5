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

/** What conditional approvals are worth under the profile, and what they must say to be worth it. */
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
  select d.subject_id, k.kind, k.currency, m.balance_minor, coalesce(d.reason, 'released') as standing,
    d.reason is not null and d.reason <> all($2::text[]) and m.status = 'open' as would_lose
  from decided d
  join account k on k.account_id = d.account_id
  join account_month m on m.period = $1::date and m.account_id = d.account_id
    and m.revision = d.revision`;

/** Each row stands in its product and in the whole book. */
const BY_PRODUCT = `what_if_row w cross join lateral (values (w.kind), ('all')) p (product)`;

interface Balance {
  readonly product: string;
  readonly currency: string;
  readonly balance_minor: number;
}

interface Group extends Count {
  readonly product: string;
  /** Which rows: all of the product, those eligible, one standing, those that would lose. */
  readonly part: string;
}

const COUNTS = `count(*) as accounts, count(distinct w.subject_id) as persons`;

async function countGroups(session: Session): Promise<Group[]> {
  const { rows } = await session.query<Group>(
    `select p.product, g.part, ${COUNTS} from ${BY_PRODUCT}
     cross join lateral (values ('in_scope', true), ('eligible', w.standing <> all($1::text[])),
       ('would_lose', w.would_lose), ('standing ' || w.standing, true),
       ('would_lose ' || w.standing, w.would_lose)) g (part, is_in)
     where g.is_in group by p.product, g.part order by p.product, g.part`,
    [NOT_ELIGIBLE],
  );
  return rows;
}

async function sumBalances(session: Session): Promise<Balance[]> {
  const { rows } = await session.query<Balance>(
    `select p.product, w.currency, sum(w.balance_minor)::bigint as balance_minor
     from ${BY_PRODUCT} where w.would_lose
     group by p.product, w.currency order by p.product, w.currency`,
  );
  return rows;
}

interface Counted {
  readonly groups: readonly Group[];
  readonly balances: readonly Balance[];
}

async function countAt(gateway: Gateway, period: string, moment: Date): Promise<Counted> {
  return gateway.db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    await session.query(ROWS, [firstDay(period), NOT_ELIGIBLE]);
    return { groups: await countGroups(session), balances: await sumBalances(session) };
  });
}

const NOBODY: Count = { persons: 0, accounts: 0 };
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

/** The counts of one product, by part. */
function partsOf({ groups }: Counted, product: string) {
  const own = groups.filter((group) => group.product === product);
  const named = (prefix: string) =>
    Object.fromEntries(
      own
        .filter(({ part }) => part.startsWith(`${prefix} `))
        .map(({ part, persons, accounts }) => [
          part.slice(prefix.length + 1),
          { persons, accounts },
        ]),
    );
  const of = (part: string): Count => {
    const group = own.find((each) => each.part === part);
    return group ? { persons: group.persons, accounts: group.accounts } : NOBODY;
  };
  return { of, named };
}

function productWhatIf(
  product: string,
  today: Counted,
  then: Counted,
  question: { readonly points: number; readonly isVoid: boolean },
): ProductWhatIf {
  const { of, named } = partsOf(then, product);
  const [in_scope, eligible, lose] = [of('in_scope'), of('eligible'), of('would_lose')];
  const released = of('standing released').accounts;
  const approve = partOf(lose, question.points);
  const covered = (accounts: number): CoverageThen => ({
    accounts,
    of_in_scope: in_scope.accounts === 0 ? null : accounts / in_scope.accounts,
    of_eligible: eligible.accounts === 0 ? null : accounts / eligible.accounts,
  });
  const added = (accounts: number) => covered(released + (question.isVoid ? 0 : accounts));
  const balances = then.balances
    .filter((each) => each.product === product)
    .map(({ currency, balance_minor }) => ({ currency, balance_minor }));
  return {
    product,
    in_scope,
    eligible,
    standing: named('standing'),
    would_lose: { ...lose, by_reason: named('would_lose'), balances },
    at_accept_rate: { approve, lose: without(lose, approve) },
    coverage: {
      today: covered(partsOf(today, product).of('standing released').accounts),
      unchanged: covered(released),
      if_all_approve: added(lose.accounts),
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
  const today = await countAt(under, period, at);
  const then = await countAt(under, period, start);
  const worth = worthOf(profile);
  const points = Math.round(question.accept_rate * BASIS_POINTS);
  const products = [...new Set(then.groups.map((group) => group.product))].sort(
    (left, right) => Number(left === 'all') - Number(right === 'all') || (left < right ? -1 : 1),
  );
  return {
    profile: profile.name,
    from: question.from,
    period,
    at: at.toISOString(),
    accept_rate: points / BASIS_POINTS,
    worth,
    products: products.map((product) =>
      productWhatIf(product, today, then, { points, isVoid: worth.verdict === 'void' }),
    ),
  };
}
