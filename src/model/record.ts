/**
 * The three records a lender furnishes, field by field, as data: one list serves the tape's
 * mapping, the staging tables, the wire and the documentation.
 *
 * What must stay true: the order of the fields is the order of the columns in COPY text and on
 * the wire; adding a field appends. Source: domain facts 1.4 (basic / monthly / event split).
 */

/** How a field's text is written once it has left the tape reader. */
export type FieldType =
  /** Non-empty text without tab, line break or NUL. */
  | 'text'
  /** Integer minor units, `-9007199254740991 … 9007199254740991`. */
  | 'money'
  /** Non-negative integer. */
  | 'count'
  /** `YYYY-MM-DD`. */
  | 'date'
  /** `YYYY-MM`. */
  | 'period'
  /** One of `codes`. */
  | 'code';

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  readonly codes?: readonly string[];
  readonly meaning: string;
}

export const ACCOUNT_KINDS = ['revolving_line', 'instalment_loan'] as const;
export type AccountKind = (typeof ACCOUNT_KINDS)[number];

export const MONTH_STATUSES = ['open', 'closed', 'written_off', 'transferred'] as const;
export type MonthStatus = (typeof MONTH_STATUSES)[number];

/** Strongest first; `furnisher_reference` means no document at all, only the lender's own number. */
export const IDENTITY_KINDS = [
  'cn_resident_id',
  'us_ssn',
  'us_itin',
  'passport',
  'furnisher_reference',
] as const;
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

export const IDENTITY_FIELDS = [
  {
    name: 'subject_ref',
    type: 'text',
    required: true,
    meaning: "the lender's number for the person",
  },
  {
    name: 'identity_kind',
    type: 'code',
    codes: IDENTITY_KINDS,
    required: true,
    meaning: 'the kind of identity document',
  },
  {
    name: 'identity_country',
    type: 'text',
    required: false,
    meaning: 'ISO 3166-1 alpha-2, required for a passport',
  },
  { name: 'identity_number', type: 'text', required: true, meaning: 'the number on the document' },
  { name: 'name', type: 'text', required: false, meaning: 'full name as on the document' },
  { name: 'birth_date', type: 'date', required: false, meaning: 'date of birth' },
] as const satisfies readonly Field[];

export const ACCOUNT_FIELDS = [
  {
    name: 'account_ref',
    type: 'text',
    required: true,
    meaning: 'stable account number, no personal data inside',
  },
  { name: 'subject_ref', type: 'text', required: true, meaning: 'whose account it is' },
  {
    name: 'kind',
    type: 'code',
    codes: ACCOUNT_KINDS,
    required: true,
    meaning: 'R1, or R4/D1; Metro 2 R or I',
  },
  {
    name: 'brand',
    type: 'text',
    required: false,
    meaning: 'the platform brand the borrower saw, if not the lender',
  },
  {
    name: 'currency',
    type: 'text',
    required: true,
    meaning: 'ISO 4217 code of every amount of the account',
  },
  { name: 'opened_on', type: 'date', required: false, meaning: 'date the contract began' },
  { name: 'closed_on', type: 'date', required: false, meaning: 'date it ended' },
  {
    name: 'original_amount_minor',
    type: 'money',
    required: false,
    meaning: 'instalment loan: the amount lent',
  },
  {
    name: 'term_months',
    type: 'count',
    required: false,
    meaning: 'instalment loan: agreed number of months',
  },
  {
    name: 'agreement_ref',
    type: 'text',
    required: false,
    meaning: "the lender's number for the credit agreement the account was drawn under (PBOC R4)",
  },
  {
    name: 'agreement_limit_minor',
    type: 'money',
    required: false,
    meaning: 'limit of the agreement, shared by all that is drawn under it',
  },
  {
    name: 'agreement_opened_on',
    type: 'date',
    required: false,
    meaning: 'first day of the agreement',
  },
  { name: 'agreement_ends_on', type: 'date', required: false, meaning: 'its last day, if agreed' },
] as const satisfies readonly Field[];

export const MONTH_FIELDS = [
  { name: 'account_ref', type: 'text', required: true, meaning: 'which account' },
  { name: 'period', type: 'period', required: true, meaning: 'which month' },
  {
    name: 'as_of',
    type: 'date',
    required: true,
    meaning: 'the day the figures stand at, inside the period',
  },
  {
    name: 'status',
    type: 'code',
    codes: MONTH_STATUSES,
    required: true,
    meaning: 'open, closed, written off or transferred',
  },
  { name: 'limit_minor', type: 'money', required: false, meaning: 'credit limit (revolving line)' },
  { name: 'borrowed_minor', type: 'money', required: false, meaning: 'borrowed during the month' },
  { name: 'balance_minor', type: 'money', required: true, meaning: 'owed at as_of' },
  { name: 'due_minor', type: 'money', required: false, meaning: 'due this month' },
  { name: 'paid_minor', type: 'money', required: false, meaning: 'paid this month' },
  {
    name: 'days_past_due',
    type: 'count',
    required: true,
    meaning: 'days the oldest unpaid due is late; 0 is current',
  },
  { name: 'past_due_minor', type: 'money', required: false, meaning: 'amount late' },
  {
    name: 'first_delinquency_on',
    type: 'date',
    required: false,
    meaning: 'first day late of the running episode',
  },
  { name: 'last_paid_on', type: 'date', required: false, meaning: 'date of the last payment' },
  {
    name: 'five_class',
    type: 'count',
    required: false,
    meaning: 'five-class loan classification, 1 normal … 5 loss',
  },
  {
    name: 'adverse_notice_on',
    type: 'date',
    required: false,
    meaning: 'day on which the person was told that this late month will be furnished',
  },
] as const satisfies readonly Field[];

export type RecordKind = 'identity' | 'account' | 'month';

export const RECORD_FIELDS = {
  identity: IDENTITY_FIELDS,
  account: ACCOUNT_FIELDS,
  month: MONTH_FIELDS,
} as const satisfies Record<RecordKind, readonly Field[]>;

/** A record as text values in field order; null where the tape had nothing. */
export type RecordValues = readonly (string | null)[];
