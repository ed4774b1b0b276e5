/**
 * Coverage: how much of the book went, against both denominators, and why the rest stayed.
 *
 * What must stay true: refusals never leave the denominator; the parts of a period add up to its
 * rows in scope.
 */
import type { Session } from '../database/database.ts';
import { bookPeriods, previewGate } from './gate.ts';
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
  /** Handed over ÷ in scope, ÷ eligible, ÷ authorised; null where the divisor is 0. */
  readonly of_in_scope: number | null;
  readonly of_eligible: number | null;
  readonly of_authorised: number | null;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

async function countHandedOver(session: Session): Promise<Map<string, number>> {
  const { rows } = await session.query<{ period: string; n: number }>(
    `select to_char(f.period, 'YYYY-MM') as period, count(*) as n
     from furnished_month f
     join (select period, account_id, max(revision) as revision from account_month
           group by period, account_id) m
       on m.period = f.period and m.account_id = f.account_id and m.revision = f.revision
     where f.outcome in ('accepted', 'unchanged') group by f.period`,
  );
  return new Map(rows.map((row) => [row.period, row.n]));
}

/** Coverage of every period of the book (or of one), as of now. */
export async function coverage(gateway: Gateway, period: string | null): Promise<Coverage[]> {
  const handedOver = await countHandedOver(gateway.db);
  const periods = period === null ? await bookPeriods(gateway.db) : [period];
  const moment = gateway.now();
  const lines: Coverage[] = [];
  for (const each of periods) {
    const gate = await previewGate(gateway, each, moment);
    const barred = NOT_ELIGIBLE.reduce((sum, reason) => sum + (gate.withheld[reason] ?? 0), 0);
    const eligible = gate.in_scope - barred;
    const handed_over = handedOver.get(each) ?? 0;
    lines.push({
      period: each,
      in_scope: gate.in_scope,
      eligible,
      authorised: gate.released,
      handed_over,
      withheld: gate.withheld,
      of_in_scope: share(handed_over, gate.in_scope),
      of_eligible: share(handed_over, eligible),
      of_authorised: share(handed_over, gate.released),
    });
  }
  return lines;
}
