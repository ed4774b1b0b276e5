/**
 * The rule book: what a furnished row must satisfy, as data. The gateway applies it to a tape
 * before the book, the registry applies it again to what arrives.
 *
 * What must stay true: `sql` is true for a row that BREAKS the rule and null or false otherwise;
 * it reads only `m` (the month), `k` (its account) and `p` (the month before, nulls when absent);
 * any change to a rule raises its version and RULE_SET_VERSION.
 * Source: domain facts 4.5 (V01 to V15), 8.2 (V16) and 1.5 (grid invariants).
 */
import type { RuleText } from '../model/fault.ts';

/** Goes into every receipt. */
export const RULE_SET_VERSION = 5;

export interface SqlRule extends RuleText {
  /** True when the row breaks the rule. Constants only: nothing of a row is written into it. */
  readonly sql: string;
  /** A rule that only some jurisdictions have. */
  readonly when?: 'adverse_notice_prior';
}

const FROM = '2020-01-01';
const EVALUATOR = 'CFPB Metro 2 evaluator and CRRG checks (domain facts 4.5)';
const PBOC = 'PBOC second-generation report, repayment grid (domain facts 1.5, 1.7)';

type Draft = Omit<SqlRule, 'version' | 'kind' | 'effective_from' | 'effective_to'>;

const DRAFTS: readonly Draft[] = [
  {
    id: 'V04',
    severity: 'reject',
    field: 'as_of',
    source: EVALUATOR,
    explanation: 'The as-of date lies inside the period.',
    remedy: 'Send the date at which the figures of this period stood.',
    sql: `(m.as_of < m.period or m.as_of >= m.period + interval '1 month')`,
  },
  {
    id: 'V04_OPENED',
    severity: 'reject',
    field: 'as_of',
    source: EVALUATOR,
    explanation: 'A month is not older than its account.',
    remedy: 'Correct opened_on of the account or the period of the month.',
    sql: `(k.opened_on > m.as_of)`,
  },
  {
    id: 'V04_PAID',
    severity: 'reject',
    field: 'last_paid_on',
    source: EVALUATOR,
    explanation: 'The last payment is not before the account was opened nor after the as-of date.',
    remedy: 'Correct the date of the last payment, or leave it empty.',
    sql: `(m.last_paid_on > m.as_of or m.last_paid_on < k.opened_on)`,
  },
  {
    id: 'V04_DELINQUENT',
    severity: 'reject',
    field: 'first_delinquency_on',
    source: EVALUATOR,
    explanation:
      'The first delinquency is neither before the account was opened nor after the as-of date.',
    remedy: 'Send the first day late of the running episode.',
    sql: `(m.first_delinquency_on > m.as_of or m.first_delinquency_on < k.opened_on)`,
  },
  {
    id: 'V05',
    severity: 'reject',
    field: 'past_due_minor',
    source: EVALUATOR,
    explanation:
      'A current month has nothing past due; a late month has an amount past due above 0.',
    remedy:
      'Send days_past_due and past_due_minor of the same day; leave the amount empty if unknown.',
    sql: `((m.days_past_due = 0 and m.past_due_minor <> 0) or (m.days_past_due > 0 and m.past_due_minor <= 0))`,
  },
  {
    id: 'V05_CURED',
    severity: 'reject',
    field: 'first_delinquency_on',
    source: EVALUATOR,
    explanation: 'A current month has no date of first delinquency: a cure clears it.',
    remedy: 'Leave first_delinquency_on empty when days_past_due is 0.',
    sql: `(m.days_past_due = 0 and m.first_delinquency_on is not null)`,
  },
  {
    id: 'V05_UNSAID',
    severity: 'warn',
    field: 'first_delinquency_on',
    source: EVALUATOR,
    explanation: 'A late month says how much is late and since when.',
    remedy: 'Add past_due_minor and first_delinquency_on when your system knows them.',
    sql: `(m.days_past_due > 0 and (m.past_due_minor is null or m.first_delinquency_on is null))`,
  },
  {
    id: 'V06',
    severity: 'reject',
    field: 'balance_minor',
    source: EVALUATOR,
    explanation: 'A closed account owes nothing and has nothing due.',
    remedy: 'Send the closing month with balance and due 0, or keep the account open.',
    sql: `(m.status = 'closed' and (m.balance_minor <> 0 or m.due_minor <> 0 or m.past_due_minor <> 0))`,
  },
  {
    id: 'V06_DATE',
    severity: 'warn',
    field: 'closed_on',
    source: EVALUATOR,
    explanation: 'A closed account has a closing date.',
    remedy: 'Add closed_on to the account.',
    sql: `(m.status = 'closed' and k.closed_on is null)`,
  },
  {
    id: 'V07',
    severity: 'warn',
    field: 'days_past_due',
    source: EVALUATOR,
    explanation: 'The days past due do not exceed the days since the first delinquency.',
    remedy: 'Count days_past_due from first_delinquency_on.',
    sql: `(m.days_past_due > m.as_of - m.first_delinquency_on + 1)`,
  },
  {
    id: 'V08',
    severity: 'warn',
    field: 'days_past_due',
    source: PBOC,
    explanation: 'The days past due grow by no more than the days between two months.',
    remedy: 'Check the month before: a month late was missed there, or this one is too high.',
    sql: `(m.days_past_due > p.days_past_due + (m.as_of - p.as_of) + 1)`,
  },
  {
    id: 'V08_REAGED',
    severity: 'reject',
    field: 'first_delinquency_on',
    source: 'FCRA 605(c), 623(a)(5)',
    explanation: 'The date of first delinquency does not move later without a cure (re-ageing).',
    remedy: 'Send the first day late of the running episode, as in the month before.',
    sql: `(p.days_past_due > 0 and m.days_past_due > p.days_past_due and m.first_delinquency_on > p.first_delinquency_on)`,
  },
  {
    id: 'V09',
    severity: 'warn',
    field: 'balance_minor',
    source: EVALUATOR,
    explanation: 'The balance is not below 0.',
    remedy: 'A credit balance is kept as it is; check the sign.',
    sql: `(m.balance_minor < 0)`,
  },
  {
    id: 'V09_LIMIT',
    severity: 'warn',
    field: 'balance_minor',
    source: EVALUATOR,
    explanation: 'The balance of a line is not above its limit.',
    remedy: 'Check the limit; interest may carry a balance over it.',
    sql: `(m.balance_minor > m.limit_minor and k.kind = 'revolving_line')`,
  },
  {
    id: 'V10',
    severity: 'reject',
    field: 'limit_minor',
    source: EVALUATOR,
    explanation: 'A revolving line has a limit.',
    remedy: 'Send the credit limit of the month.',
    sql: `(k.kind = 'revolving_line' and m.limit_minor is null)`,
  },
  {
    id: 'V10_LOAN',
    severity: 'reject',
    field: 'limit_minor',
    source: EVALUATOR,
    explanation: 'An instalment loan has no limit, an amount lent above 0 and a term.',
    remedy: 'Leave limit_minor empty; send original_amount_minor and term_months of the account.',
    sql: `(k.kind = 'instalment_loan' and (m.limit_minor > 0 or coalesce(k.original_amount_minor, 0) <= 0 or coalesce(k.term_months, 0) <= 0))`,
  },
  {
    id: 'V12',
    severity: 'reject',
    field: 'five_class',
    source: 'CBIRC and PBOC risk classification measures, 2023',
    explanation: 'The five-class grade is 1 to 5 and not better than the days past due allow.',
    remedy:
      'Over 90 days is at least 3, over 270 at least 4, over 360 is 5; any day late at least 2.',
    sql: `(m.five_class not between 1 and 5 or m.five_class < case when m.days_past_due > 360 then 5 when m.days_past_due > 270 then 4 when m.days_past_due > 90 then 3 when m.days_past_due > 0 then 2 else 1 end)`,
  },
  {
    id: 'V14',
    severity: 'hold',
    field: 'adverse_notice_on',
    source: 'Regulation on the Credit Reporting Industry, art. 15 and 29 (domain facts C3, C10)',
    explanation: 'The person was told before an adverse month is furnished.',
    remedy: 'Tell the person, send adverse_notice_on, and load the month again.',
    sql: `(m.days_past_due > 0 and (m.adverse_notice_on is null or m.adverse_notice_on < m.first_delinquency_on))`,
    when: 'adverse_notice_prior',
  },
];

/** Rules on one month row, in the order in which they are reported. */
export const MONTH_RULES: readonly SqlRule[] = DRAFTS.map((draft) => ({
  ...draft,
  version: 1,
  kind: 'month',
  effective_from: FROM,
  effective_to: null,
}));

function text(
  id: string,
  severity: RuleText['severity'],
  kind: RuleText['kind'],
  field: string | null,
  explanation: string,
  remedy: string,
): RuleText {
  return {
    id,
    version: 1,
    severity,
    kind,
    field,
    explanation,
    remedy,
    effective_from: FROM,
    effective_to: null,
    source: EVALUATOR,
  };
}

/** Rules that look at more than one row, or at identity; checked where the rows are at hand. */
export const OTHER_RULES: readonly RuleText[] = [
  text(
    'V01',
    'reject',
    'account',
    'account_ref',
    'An account number is present and is not an identity number.',
    'Send a stable account number that holds no personal data.',
  ),
  text(
    'V01_OWNER',
    'reject',
    'account',
    'account_ref',
    'An account number belongs to one person.',
    'Use a number that is unique in your system.',
  ),
  text(
    'V01_ACCOUNT',
    'reject',
    'month',
    'account_ref',
    'The account of a month is known.',
    'Send the account in the same tape or before it.',
  ),
  text(
    'V01_SUBJECT',
    'reject',
    'account',
    'subject_ref',
    'The person of an account is known.',
    'Send the person in the same tape or before it.',
  ),
  text(
    'V03',
    'reject',
    'identity',
    'identity_number',
    'The identity number is one that its issuer could have given.',
    'Check kind, length and check digit against the document.',
  ),
  text(
    'V03_DETAILS',
    'hold',
    'identity',
    'identity_number',
    'One document belongs to one name and birth date.',
    'Wait for the registry to resolve it, or correct name and birth date.',
  ),
  text(
    'V03_FORMER',
    'warn',
    'identity',
    'identity_number',
    'Name and birth date are those the registry knows by now.',
    "Renew your own record: the person's identity was corrected at the registry on evidence.",
  ),
  text(
    'V13_GAP',
    'hold',
    'month',
    'period',
    'No month is missing between two months of an account.',
    'Send the missing month first, or with this one.',
  ),
  text(
    'V13_SAME',
    'warn',
    'month',
    'period',
    'A month comes once in a tape.',
    'Remove the repeated line; one copy was kept.',
  ),
  text(
    'V13_CONFLICT',
    'hold',
    'month',
    'period',
    'One month of an account has one set of figures.',
    'Send the right figures alone; none of the copies was taken.',
  ),
  text(
    'V15_COUNT',
    'hold',
    'file',
    null,
    'The number of rows of a period is within 10 % of the period before.',
    'Check that the tape is complete, then load it with --sign-off.',
  ),
  text(
    'V15_LATE',
    'hold',
    'file',
    'days_past_due',
    'The share of late rows is within 30 % of the period before.',
    'Check the arrears, then load it with --sign-off.',
  ),
  text(
    'V15_SAME',
    'hold',
    'file',
    'balance_minor',
    'Balances are not all the same.',
    'Check the column the mapping reads, then load it with --sign-off.',
  ),
  text(
    'V16',
    'hold',
    'month',
    null,
    'What a dispute found wrong does not come back (the reinsertion guard): this value of this field of this account or month.',
    'Send the right value; or, if it is right after all, certify it with its source document (`assent gateway certify`).',
  ),
  text(
    'V16_PURGED',
    'reject',
    'month',
    'period',
    'A late month whose time has run out was purged and does not come back.',
    'Nothing: do not send it again.',
  ),
  text(
    'V17',
    'reject',
    'account',
    'agreement_ref',
    'What is said of an agreement names it; its limit is not below 0 and it does not end before it begins.',
    'Send agreement_ref with the limit and the dates, or leave all of them empty.',
  ),
  text(
    'W01',
    'reject',
    'month',
    null,
    'A line has the wire form.',
    'Use the gateway of this release; see src/wire/part.ts.',
  ),
  text(
    'A_ALTERED',
    'reject',
    'month',
    null,
    'A recorded authorisation is never altered.',
    'Record a new authorisation that supersedes the old one.',
  ),
  text(
    'A_SUCCESSION',
    'reject',
    'month',
    'supersedes',
    'An authorisation takes the place of one of the same person, provider and arrangement that has ended and has no other successor, within what the person answered to.',
    'Send what it supersedes first, with its end; where it reaches further, ask the person anew.',
  ),
];

/** The month rules that hold under a profile. @param profile null when none is configured */
export function rulesOf(
  profile: { readonly adverse_notice: 'prior' | 'none' } | null,
): readonly SqlRule[] {
  return MONTH_RULES.filter((rule) => !rule.when || profile?.adverse_notice === 'prior');
}

/** One SQL expression: true when any of the rules is broken. */
export function anyBroken(rules: readonly SqlRule[]): string {
  return `((${rules.map((rule) => rule.sql).join(' or ')}) is true)`;
}

/** One SQL expression: text[] of the ids of the rules that are broken. */
export function brokenIds(rules: readonly SqlRule[]): string {
  const cases = rules.map((rule) => `case when ${rule.sql} then '${rule.id}' end`);
  return `array_remove(array[${cases.join(', ')}]::text[], null)`;
}

/** The text of a rule, for people. Unknown ids (a newer registry's) give null. */
export function ruleText(id: string): RuleText | null {
  return [...MONTH_RULES, ...OTHER_RULES].find((rule) => rule.id === id) ?? null;
}
