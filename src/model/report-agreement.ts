/**
 * One credit agreement in a report: what was drawn under it, gathered into one entry. Pure.
 *
 * What must stay true: members stand in the order of their names, as in every report; every sum
 * says as of which days its figures are; the draws themselves stand in the list of accounts.
 * Source: domain facts 1.3 (PD02), 1.10.
 */
import { type Agreement, newestMonths, unusedOf, usedOf, worstStatus } from './agreement.ts';
import { type AccountFacts, isOpen, newestOf } from './file-facts.ts';
import { duePerMonth } from './file-summary.ts';
import { combineGrids, type Grid, type GridScale, gridOf } from './grid.ts';

/** What was drawn under one agreement, together. Its accounts stand in the list of accounts too. */
export interface ReportAgreement {
  readonly account_ids: readonly string[];
  readonly accounts_closed: number;
  readonly accounts_open: number;
  readonly agreement_id: string;
  /** Oldest and newest day of the figures that are added up; null without any. */
  readonly as_of_from: string | null;
  readonly as_of_to: string | null;
  readonly brand: string | null;
  readonly currency: string;
  readonly due_estimated: number;
  readonly due_per_month_minor: number;
  readonly ends_on: string | null;
  /** Of each month the worst letter of what was drawn. */
  readonly grid: Grid | null;
  readonly lender: AccountFacts['lender'];
  readonly limit_minor: number | null;
  readonly opened_on: string | null;
  readonly past_due_minor: number;
  readonly unused_minor: number | null;
  readonly used_minor: number;
  /** By the newest months. */
  readonly worst_days_past_due: number;
  readonly worst_status: string | null;
}

/** In the order of the names. */
export const sortedGrid = (grid: Grid | null) =>
  grid && { from: grid.from, letters: grid.letters, scale: grid.scale, to: grid.to };

/** After these nothing is furnished any more. */
const ENDED: readonly string[] = ['closed', 'transferred'];

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}

/** The entry of one agreement. @param day of the facts, `YYYY-MM-DD` */
export function reportAgreement(
  agreement: Agreement,
  scale: GridScale,
  day: string,
): ReportAgreement {
  const { agreement_id, currency, draws, ends_on, limit_minor, newest, opened_on } = agreement;
  const open = draws.filter(isOpen);
  const months = newestMonths(agreement);
  const days = months.map(({ as_of }) => as_of).sort();
  const dues = open.map(duePerMonth);
  const grids = draws.flatMap((each) => {
    const grid = gridOf(scale, each.opened_on, each.months);
    return grid ? [{ grid, is_open: !ENDED.includes(newestOf(each)?.status ?? '') }] : [];
  });
  return {
    account_ids: draws.map(({ account_id }) => account_id),
    accounts_closed: draws.length - open.length,
    accounts_open: open.length,
    agreement_id,
    as_of_from: days[0] ?? null,
    as_of_to: days.at(-1) ?? null,
    brand: newest.brand,
    currency,
    due_estimated: dues.filter(({ is_estimated }) => is_estimated).length,
    due_per_month_minor: sumOf(dues, ({ minor }) => minor),
    ends_on,
    grid: sortedGrid(combineGrids(grids)),
    lender: newest.lender,
    limit_minor,
    opened_on,
    past_due_minor: sumOf(months, ({ past_due_minor }) => past_due_minor ?? 0),
    unused_minor: unusedOf(agreement, day),
    used_minor: usedOf(agreement),
    worst_days_past_due: Math.max(0, ...months.map(({ days_past_due }) => days_past_due)),
    worst_status: worstStatus(agreement),
  };
}
