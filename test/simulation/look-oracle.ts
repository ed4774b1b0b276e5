/**
 * The oracle of looks: what an enquirer may see of a person's file under one authorisation, from
 * the events alone.
 *
 * What must stay true: nothing of `src/` is imported. Source: design.md 6 (limits are enforced at
 * the enquiry as at the gate), domain facts 3.4, 3.7; the Account Aggregator cases 2017 and 2018.
 */
import type { Held } from './file-oracle.ts';
import { type Approval, covers, type Row, type Scene, unitBefore } from './oracle.ts';

/** An account as the file shows it: its months that may be shown, oldest first. */
export interface ShownAccount {
  readonly ref: string;
  readonly kind: string;
  readonly months: readonly Held[];
}

export interface LookVerdict {
  /** Accounts that are open, with the months of them. */
  readonly open: readonly ShownAccount[];
  /** Why others are not: when none is, each may be said of the look. */
  readonly reasons: readonly string[];
}

/** The months that were agreed to: from one period to another, and none before it began. */
function agreedMonths({ terms }: Approval, { months }: ShownAccount): Held[] {
  const { range_from, range_to, classes } = terms.data;
  return months.filter(({ period }) => {
    if (range_from !== null && period < range_from) return false;
    if (range_to !== null && period > range_to) return false;
    return classes.includes('HISTORY') || period >= terms.limits.starts_at.slice(0, 7);
  });
}

/** An account is judged by its newest month of those agreed to; one without, as of today. */
function rowOf(account: ShownAccount, agreed: readonly Held[], now: string): Row {
  const month = agreed.at(-1) ?? account.months.at(-1);
  const newest = month?.revisions.at(-1);
  return {
    account: account.ref,
    kind: account.kind,
    period: month?.period ?? now.slice(0, 7),
    days_past_due: newest?.days_past_due ?? 0,
    open: newest?.open ?? true,
    adult_from: null,
  };
}

/** What one authorisation opens of a file. @param own every one that this enquirer has of the person */
export function judgeLook(
  under: Approval,
  own: readonly Approval[],
  file: readonly ShownAccount[],
  scene: Scene,
): LookVerdict {
  // Where there is nothing to show, the question is the same for each product.
  const nothing = under.terms.data.products.map((kind) => ({ ref: '', kind, months: [] }));
  const accounts = file.length > 0 ? file : nothing;
  const open: ShownAccount[] = [];
  const reasons: string[] = [];
  for (const account of accounts) {
    const months = agreedMonths(under, account);
    const row = rowOf(account, months, scene.now);
    const verdict = covers(under.terms.authorisation_id, own, row, scene);
    if (verdict.covered) open.push({ ...account, months });
    else reasons.push(...verdict.reasons);
  }
  return { open, reasons };
}

/** How many more uses there may be at this moment. */
export function usesLeft({ terms, uses }: Approval, now: string): number {
  const { fetch, frequency } = terms.limits;
  const once = fetch === 'ONETIME' ? Math.max(0, 1 - uses.length) : Number.POSITIVE_INFINITY;
  if (frequency === null) return once;
  const since = unitBefore(now, frequency.unit);
  const lately = uses.filter(({ used_at }) => used_at > since).length;
  return Math.min(once, Math.max(0, frequency.n - lately));
}
