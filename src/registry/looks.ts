/**
 * The gate before a file: whether an authorisation lets its enquirer look, by the ordered table of
 * checks, and which accounts and months it opens. Shared by permits, enquiries and portfolios.
 *
 * What must stay true: the checks are those of hand-over and intake; they judge one authorisation,
 * the one that is named; an account is judged by its newest month in the range that was agreed to.
 */
import type { Act, AuthorisationFacts, RowFacts } from '../authorisation/check.ts';
import { decideOne } from '../authorisation/decide.ts';
import { monthOf } from '../authorisation/moment.ts';
import type { AuthorisationRecord, Purpose } from '../authorisation/record.ts';
import type { AccountFacts, FileFacts, MonthFacts } from '../model/file-facts.ts';
import type { Registry } from './registry.ts';

/** Who wants to look, for what, and when. */
export interface LookRequest {
  readonly enquirer_id: string;
  readonly purposes: readonly Purpose[];
  /** The same again is the same use. */
  readonly use_id: string;
  readonly moment: Date;
}

/** A look at a file as the checks see it: the registry provides, one lender receives. */
export function lookAct(
  registry: Pick<Registry, 'registry_id' | 'profile' | 'notices'>,
  { enquirer_id, purposes, use_id, moment }: LookRequest,
): Act {
  return {
    moment,
    provider_id: registry.registry_id,
    recipient_class: 'lender',
    recipient_id: enquirer_id,
    purposes,
    use_id,
    profile: registry.profile,
    notices: registry.notices,
  };
}

/** One row without an account for each product, when there is nothing to show. */
export function rowsOfNothing(subjectId: string, kinds: readonly string[], moment: Date) {
  return kinds.map((kind) => ({
    subject_id: subjectId,
    account_ref: '',
    kind,
    period: moment.toISOString().slice(0, 7),
    days_past_due: 0,
    active: true,
    adult_from: null,
  }));
}

export interface LookDecision {
  /** Why not; null when at least one row is open. From the closed list of reasons. */
  readonly reason: string | null;
  /** The rows that are open. */
  readonly open: readonly RowFacts[];
}

/** An authorisation that a look is under. */
export interface NamedFacts extends AuthorisationFacts {
  /** What else the person answered to this enquirer: a no is not got around by another basis. */
  readonly beside: readonly AuthorisationFacts[];
}

/** Decides a look at rows, one for each account. @param named the one authorisation it is under */
export function decideLook(
  rows: readonly RowFacts[],
  named: readonly NamedFacts[],
  act: Act,
): LookDecision {
  const all = named.flatMap((each) => [each, ...each.beside]);
  const decided = rows.map((row) => ({ row, reason: decideOne(row, all, act, named).reason }));
  const open = decided.filter(({ reason }) => reason === null).map(({ row }) => row);
  return { open, reason: open.length > 0 ? null : (decided[0]?.reason ?? 'never_asked') };
}

/** Whether a period lies in the range of a record and, without HISTORY, not before its start. */
export function isAgreed({ data, limits }: AuthorisationRecord, period: string): boolean {
  const begins = data.classes.includes('HISTORY') ? '' : monthOf(new Date(limits.starts_at));
  return (
    period >= begins &&
    (data.range_from === null || period >= data.range_from) &&
    (data.range_to === null || period <= data.range_to)
  );
}

function rowOf(
  subjectId: string,
  { account_id, kind }: AccountFacts,
  month: MonthFacts | undefined,
  moment: Date,
): RowFacts {
  return {
    subject_id: subjectId,
    account_ref: account_id,
    kind,
    period: month?.period ?? moment.toISOString().slice(0, 7),
    days_past_due: month?.days_past_due ?? 0,
    active: month === undefined || month.status === 'open',
    adult_from: null,
  };
}

/** What a look is answered with: the facts that the authorisation opens, or why not. */
export type ScopedLook =
  | { readonly reason: null; readonly facts: FileFacts }
  | { readonly reason: string; readonly facts: null };

/** The facts of a file cut to what one authorisation opens. */
export function scopeLook(facts: FileFacts, named: NamedFacts, act: Act): ScopedLook {
  const { record, subject_id } = named;
  const agreed = facts.accounts.map((account) => ({
    ...account,
    months: account.months.filter(({ period }) => isAgreed(record, period)),
  }));
  const rows = facts.accounts.map((account, index) =>
    rowOf(subject_id, account, agreed[index]?.months.at(-1) ?? account.months.at(-1), act.moment),
  );
  const asked =
    rows.length > 0 ? rows : rowsOfNothing(subject_id, record.data.products, act.moment);
  const { reason, open } = decideLook(asked, [named], act);
  if (reason !== null) return { reason, facts: null };
  const ids = new Set(open.map(({ account_ref }) => account_ref));
  return {
    reason: null,
    facts: {
      ...facts,
      accounts: agreed.filter(({ account_id }) => ids.has(account_id)),
      statements: facts.statements.filter(
        ({ account_id }) => account_id === null || ids.has(account_id),
      ),
    },
  };
}
