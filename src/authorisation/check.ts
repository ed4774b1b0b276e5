/**
 * The ordered table of checks: what decides whether a row may leave, be stored or be shown.
 *
 * What must stay true: the table is read from top to bottom and the first check that fails gives
 * the reason; each check has two forms that agree, `sql` for sets and `passes` for one row (a
 * property test compares them); missing configuration fails.
 *
 * SQL reads `a` (an authorisation, `a.state` being its state at the moment), `r` (the row:
 * subject_id, account_ref, kind, period, adverse, days_past_due, active, adult_from), the table
 * `{authorisations}` that holds all of them, and the parameters of `decideParams`.
 * Source: design.md 6 (closed list of reasons), domain facts 2.1 C1, C6, C10, C12, C19 to C22, 3.4.
 */
import { addSpan, monthOf } from './moment.ts';
import { isInForce, type Profile } from './profile.ts';
import {
  type AuthorisationRecord,
  isWritten,
  type Purpose,
  type RecipientClass,
  widensRecipients,
} from './record.ts';

/** What the checks know of one row. */
export interface RowFacts {
  readonly subject_id: string;
  readonly account_ref: string;
  readonly kind: string;
  /** `YYYY-MM` */
  readonly period: string;
  readonly days_past_due: number;
  /** The account is open in this period. */
  readonly active: boolean;
  /** First day on which the person counts as an adult, `YYYY-MM-DD`; null: known to be one. */
  readonly adult_from: string | null;
}

/** What the checks know of one authorisation at the moment. */
export interface AuthorisationFacts {
  readonly record: AuthorisationRecord;
  readonly subject_id: string;
  readonly state: string;
  readonly uses: readonly { readonly use_id: string; readonly used_at: Date }[];
}

/** Who wants to do what, when and under which law. */
export interface Act {
  readonly moment: Date;
  readonly provider_id: string;
  readonly recipient_class: RecipientClass;
  readonly recipient_id: string | null;
  readonly purposes: readonly Purpose[];
  /** The hand-over, submission or enquiry: its own use never counts against it. */
  readonly use_id: string;
  readonly profile: Profile | null;
  /** Oldest notice version that still authorises, by notice id. */
  readonly notices: Readonly<Record<string, number>>;
}

/** A row and what is wanted with it. */
export interface RowCase {
  readonly r: RowFacts;
  readonly act: Act;
}

/** The same beside one authorisation. */
export interface AuthorisationCase extends RowCase {
  readonly a: AuthorisationFacts;
  /** Every authorisation of the person, `a` included. */
  readonly all: readonly AuthorisationFacts[];
}

export interface Check<Case = never> {
  readonly name: string;
  /** The reason given when it fails; null: by the state of the authorisation. */
  readonly reason: string | null;
  /** True when the check passes. */
  readonly sql: string;
  readonly passes: (facts: Case) => boolean;
}

/** State → reason, for states that do not authorise. */
export const STATE_REASONS: Readonly<Record<string, string>> = {
  requested: 'pending',
  refused: 'refused',
  lapsed: 'lapsed',
  withdrawn: 'withdrawn',
  expired: 'expired',
  paused: 'paused',
  revoked_by_other: 'revoked',
  invalidated: 'invalidated',
  superseded: 'invalidated',
};

/** Checks on the row and the configuration alone: they win over every authorisation. */
export const ROW_CHECKS: readonly Check<RowCase>[] = [
  {
    // A profile that is not yet in force is as good as none.
    name: 'profile_in_force',
    reason: 'no_profile',
    sql: '$3::text is not null',
    passes: ({ act }) => act.profile !== null && isInForce(act.profile, act.moment),
  },
];

/** The person of row `r` is of age at the moment. */
export const IS_ADULT = `(r.adult_from is null
  or r.adult_from <= ($1::timestamptz at time zone 'UTC')::date)`;
/** The same of one row. */
export const isAdult = ({ r, act }: RowCase) =>
  r.adult_from === null || r.adult_from <= act.moment.toISOString().slice(0, 10);

/** What was said when service was made to depend on approval. */
export interface ConditionProof {
  readonly has_necessity: boolean;
  readonly has_alternative: boolean;
}

/** Whether approval on condition counts with this proof. Source: PIPL 16 (C21), GDPR 7(4) (E1). */
export function isConditionLawful(profile: Profile | null, proof: ConditionProof): boolean {
  const policy = profile?.conditionality ?? 'void';
  if (policy === 'valid') return true;
  if (policy === 'void' || !proof.has_necessity) return false;
  return policy === 'flagged' || proof.has_alternative;
}

const isAdverse = (r: RowFacts) => r.days_past_due > 0;

/** Checks on one authorisation, in order. */
export const AUTHORISATION_CHECKS: readonly Check<AuthorisationCase>[] = [
  {
    // Minors do not answer for themselves; another does only where the profile lets a guardian.
    name: 'of_age_or_guarded',
    reason: 'minor',
    sql: `(${IS_ADULT} or (a.by_guardian and 'guardian_may_answer' = any($12::text[])))`,
    passes: ({ a: { record }, r, act }) =>
      isAdult({ r, act }) ||
      (record.principal.on_behalf_of !== null && act.profile?.guardian_may_answer === true),
  },
  {
    // Nor does a guardian answer for an adult where the profile knows of none.
    name: 'guardian',
    reason: 'out_of_scope',
    sql: `(not a.by_guardian or 'guardian_may_answer' = any($12::text[]))`,
    passes: ({ a: { record }, act }) =>
      record.principal.on_behalf_of === null || act.profile?.guardian_may_answer === true,
  },
  { name: 'given', reason: null, sql: `a.state = 'given'`, passes: ({ a }) => a.state === 'given' },
  {
    name: 'started',
    reason: 'pending',
    sql: 'a.starts_at <= $1::timestamptz',
    passes: ({ a, act }) => new Date(a.record.limits.starts_at) <= act.moment,
  },
  {
    name: 'not_expired',
    reason: 'expired',
    sql: '(a.expires_at is null or a.expires_at > $1::timestamptz)',
    passes: ({ a: { record }, act }) =>
      record.limits.expires_at === null || new Date(record.limits.expires_at) > act.moment,
  },
  {
    // An approval does not last for ever where the profile bounds it.
    name: 'within_validity',
    reason: 'expired',
    sql: '($10::int is null or a.starts_at + make_interval(months => $10::int) > $1::timestamptz)',
    passes: ({ a, act }) => {
      const months = act.profile?.validity_months ?? null;
      const starts = new Date(a.record.limits.starts_at);
      return months === null || addSpan(starts, { n: months, unit: 'MONTH' }) > act.moment;
    },
  },
  {
    name: 'lawful_basis',
    reason: 'condition_unlawful',
    sql: `((a.legal_basis || ':' || a.purpose) = any($5::text[])
      or (r.adverse and (a.legal_basis || ':' || a.purpose || ':adverse') = any($5::text[])))`,
    passes: ({ a: { record }, r, act }) =>
      (act.profile?.legal_bases ?? []).some(
        (each) =>
          each.basis === record.legal_basis &&
          each.purposes.includes(record.purpose.code) &&
          (each.rows === 'all' || isAdverse(r)),
      ),
  },
  {
    // GDPR guidance, PIPL 13: a basis is not exchanged for another after a refusal.
    name: 'basis_not_exchanged',
    reason: 'refused',
    sql: `(a.legal_basis = 'consent' or not exists (select 1 from {authorisations} d
      where d.subject_id = a.subject_id and d.provider_id = a.provider_id and d.purpose = a.purpose
        and d.legal_basis = 'consent' and d.state in ('refused', 'withdrawn')))`,
    passes: ({ a, all }) =>
      a.record.legal_basis === 'consent' ||
      !all.some(
        ({ record, state }) =>
          record.parties.provider_id === a.record.parties.provider_id &&
          record.purpose.code === a.record.purpose.code &&
          record.legal_basis === 'consent' &&
          (state === 'refused' || state === 'withdrawn'),
      ),
  },
  {
    // PIPL 16, GDPR 7(4): service may depend on approval only where the data is necessary for it.
    name: 'conditionality',
    reason: 'condition_unlawful',
    sql: `(not a.service_conditional or $4::text = 'valid' or ($4::text = 'flagged' and a.has_necessity)
      or ($4::text = 'flagged_with_alternative' and a.has_necessity and a.has_alternative))`,
    passes: ({ a: { record }, act }) => {
      const { service_conditional, necessity_text, alternative_offered } = record.purpose;
      return (
        !service_conditional ||
        isConditionLawful(act.profile, {
          has_necessity: (necessity_text ?? '') !== '',
          has_alternative: (alternative_offered ?? '') !== '',
        })
      );
    },
  },
  {
    // Order 631, articles 18 and 29: consent in writing, where the profile asks for it.
    name: 'written',
    reason: 'condition_unlawful',
    sql: `(a.in_writing or a.legal_basis <> 'consent' or not 'written_consent' = any($12::text[]))`,
    passes: ({ a: { record }, act }) =>
      isWritten(record) || record.legal_basis !== 'consent' || !act.profile?.written_consent,
  },
  {
    // PIPL 14: a change of purpose, method or kind of data needs a new approval.
    name: 'notice_current',
    reason: 'notice_outdated',
    sql: 'a.notice_version >= coalesce(($6::jsonb ->> a.notice_id)::int, 0)',
    passes: ({ a: { record }, act }) => {
      const asksAgain = act.profile?.notice_change === 'ask_again';
      return !asksAgain || record.notice.version >= (act.notices[record.notice.id] ?? 0);
    },
  },
  {
    name: 'recipient',
    reason: 'out_of_scope',
    sql: `(a.recipient_class = $7::text and (a.recipient_id is null or a.recipient_id = $11::uuid))`,
    passes: ({ a: { record }, act }) =>
      record.parties.recipient_class === act.recipient_class &&
      (record.parties.recipient_id === null || record.parties.recipient_id === act.recipient_id),
  },
  {
    // PIPL 23: each class of recipients needs an approval of its own.
    name: 'onward',
    reason: 'out_of_scope',
    sql: `(not a.widens_recipients or not 'separate_per_recipient' = any($12::text[]))`,
    passes: ({ a: { record }, act }) =>
      !widensRecipients(record) || !act.profile?.separate_per_recipient,
  },
  {
    name: 'purpose',
    reason: 'out_of_scope',
    sql: `(a.purpose = any($8::text[]) and (a.purpose <> 'F2' or r.adverse))`,
    passes: ({ a: { record }, r, act }) =>
      act.purposes.includes(record.purpose.code) && (record.purpose.code !== 'F2' || isAdverse(r)),
  },
  {
    name: 'mode',
    reason: 'out_of_scope',
    sql: `($7::text <> 'registry' or a.mode = 'STORE')`,
    passes: ({ a: { record }, act }) =>
      act.recipient_class !== 'registry' || record.limits.mode === 'STORE',
  },
  {
    name: 'product',
    reason: 'out_of_scope',
    sql: 'r.kind = any(a.products)',
    passes: ({ a: { record }, r }) => record.data.products.includes(r.kind),
  },
  {
    name: 'account',
    reason: 'out_of_scope',
    sql: '(a.accounts is null or r.account_ref::text = any(a.accounts))',
    passes: ({ a: { record }, r }) =>
      record.data.accounts === 'ALL' || record.data.accounts.includes(r.account_ref),
  },
  {
    name: 'range',
    reason: 'out_of_scope',
    sql: '(a.range_from is null or r.period >= a.range_from) and (a.range_to is null or r.period <= a.range_to)',
    passes: ({ a: { record }, r }) =>
      (record.data.range_from === null || r.period >= record.data.range_from) &&
      (record.data.range_to === null || r.period <= record.data.range_to),
  },
  {
    // Minimum necessary (order 4 of 2021, article 7): a month row is monthly performance, one of
    // a period before the approval is history as well.
    name: 'data_class',
    reason: 'out_of_scope',
    sql: `('MONTHLY_PERFORMANCE' = any(a.classes) and ('HISTORY' = any(a.classes)
      or r.period >= date_trunc('month', a.starts_at at time zone 'UTC')::date))`,
    passes: ({ a: { record }, r }) =>
      record.data.classes.includes('MONTHLY_PERFORMANCE') &&
      (record.data.classes.includes('HISTORY') ||
        r.period >= monthOf(new Date(record.limits.starts_at))),
  },
  {
    name: 'condition',
    reason: 'out_of_scope',
    sql: `(a.condition_state is null or (a.condition_state = 'LOAN_ACTIVE' and r.active)
      or (a.condition_state = 'OVERDUE_GT_1D' and r.days_past_due > 1))`,
    passes: ({ a: { record }, r }) =>
      record.limits.condition === null ||
      (record.limits.condition === 'LOAN_ACTIVE' && r.active) ||
      (record.limits.condition === 'OVERDUE_GT_1D' && r.days_past_due > 1),
  },
  {
    // Account Aggregator 2017: one time means once.
    name: 'one_time',
    reason: 'limit_reached',
    sql: `(a.fetch_type = 'PERIODIC' or not exists (select 1 from authorisation_use u
      where u.subject_id = a.subject_id and u.authorisation_id = a.authorisation_id
        and u.use_id <> $9::uuid and u.used_at <= $1::timestamptz))`,
    passes: ({ a, act }) => a.record.limits.fetch === 'PERIODIC' || usesBefore(a, act, null) === 0,
  },
  {
    // Account Aggregator 2018: no more than `n` uses within any one unit of time.
    name: 'frequency',
    reason: 'limit_reached',
    sql: `(a.frequency_n is null or a.frequency_n > (select count(*) from authorisation_use u
      where u.subject_id = a.subject_id and u.authorisation_id = a.authorisation_id
        and u.use_id <> $9::uuid and u.used_at <= $1::timestamptz
        and u.used_at > $1::timestamptz - a.frequency_window))`,
    passes: ({ a, act }) => {
      const { frequency } = a.record.limits;
      if (frequency === null) return true;
      const since = addSpan(act.moment, { n: -1, unit: frequency.unit });
      return usesBefore(a, act, since) < frequency.n;
    },
  },
];

function usesBefore(a: AuthorisationFacts, act: Act, since: Date | null): number {
  return a.uses.filter(
    ({ use_id, used_at }) =>
      use_id !== act.use_id && used_at <= act.moment && (since === null || used_at > since),
  ).length;
}

/** The reason of a check that failed on an authorisation in this state. */
export function reasonOf(check: Check, state: string): string {
  return check.reason ?? STATE_REASONS[state] ?? 'invalidated';
}
