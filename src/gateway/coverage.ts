/**
 * Coverage: how much of the book went, against both denominators, and why the rest stayed.
 *
 * What must stay true: refusals never leave the denominator; the parts of a period add up to its
 * rows in scope.
 */
import { firstDay } from '../model/period.ts';
import { bookPeriods, decidePeriod } from './gate.ts';
import type { Gateway } from './gateway.ts';

/** Reasons that no borrower can change: such rows may not be asked for. */
export const NOT_ELIGIBLE = ['no_profile', 'minor'];

export interface Coverage {
  readonly period: string;
  /** Rows of the book in the period. */
  readonly in_scope: number;
  /** In scope, less those that the law keeps back whatever the borrower says. */
  readonly eligible: number;
  /** The gate releases them now. */
  readonly authorised: number;
  /** A receipt says that the registry has them, in their newest revision. */
  readonly handed_over: number;
  readonly withheld: Readonly<Record<string, number>>;
  /** Share of those rows that are handed over, 0 to 1; null where there are none. */
  readonly of_in_scope: number | null;
  readonly of_eligible: number | null;
  /** Rows whose authorisation ended after they went count in neither part of this share. */
  readonly of_authorised: number | null;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

interface Counted {
  readonly reason: string | null;
  readonly is_handed_over: boolean;
  readonly n: number;
}

/** Every row of a period by the gate's decision now and by whether the registry has it. */
async function countPeriod(gateway: Gateway, period: string, moment: Date): Promise<Counted[]> {
  return gateway.db.transaction(async (session) => {
    await decidePeriod(session, gateway, period, moment);
    const { rows } = await session.query<Counted>(
      `select d.reason, f.account_id is not null as is_handed_over, count(*) as n
       from decided d
       left join furnished_month f on f.period = $1 and f.account_id = d.account_id
         and f.revision = d.revision and f.outcome in ('accepted', 'unchanged')
       group by 1, 2 order by 1, 2`,
      [firstDay(period)],
    );
    return rows;
  });
}

function lineOf(period: string, counted: readonly Counted[]): Coverage {
  const total = (keep: (row: Counted) => boolean) =>
    counted.filter(keep).reduce((sum, row) => sum + row.n, 0);
  const withheld: Record<string, number> = {};
  for (const { reason, n } of counted)
    if (reason !== null) withheld[reason] = (withheld[reason] ?? 0) + n;
  const in_scope = total(() => true);
  const isEligible = ({ reason }: Counted) => !NOT_ELIGIBLE.includes(reason ?? '');
  const eligible = total(isEligible);
  const authorised = total(({ reason }) => reason === null);
  const handed_over = total((row) => row.is_handed_over);
  const both = total((row) => row.is_handed_over && row.reason === null);
  return {
    period,
    in_scope,
    eligible,
    authorised,
    handed_over,
    withheld,
    of_in_scope: share(handed_over, in_scope),
    of_eligible: share(
      total((row) => row.is_handed_over && isEligible(row)),
      eligible,
    ),
    of_authorised: share(both, authorised),
  };
}

/** Coverage of every period of the book (or of one), as of now. */
export async function coverage(gateway: Gateway, period: string | null): Promise<Coverage[]> {
  const periods = period === null ? await bookPeriods(gateway.db) : [period];
  const moment = gateway.now();
  const lines: Coverage[] = [];
  for (const each of periods) lines.push(lineOf(each, await countPeriod(gateway, each, moment)));
  return lines;
}
