/**
 * Values of contested fields as text: the one spelling in which they are compared.
 *
 * What must stay true: as the database writes the column; nothing is null, never the empty text.
 */
import { isDate } from './period.ts';
import { ACCOUNT_KINDS, MONTH_STATUSES } from './record.ts';

type Form = (text: string) => boolean;
const money: Form = (text) => /^(0|-?[1-9]\d{0,14})$/.test(text);
const count: Form = (text) => /^(0|[1-9]\d{0,5})$/.test(text);
const oneOf =
  (codes: readonly string[]): Form =>
  (text) =>
    codes.includes(text);
const words: Form = (text) => text.length <= 200 && /^\P{Cc}+$/u.test(text);

const FORMS: Readonly<Record<string, Form>> = {
  status: oneOf(MONTH_STATUSES),
  limit_minor: money,
  borrowed_minor: money,
  balance_minor: money,
  due_minor: money,
  paid_minor: money,
  days_past_due: count,
  past_due_minor: money,
  first_delinquency_on: isDate,
  last_paid_on: isDate,
  five_class: (text) => /^[1-5]$/.test(text),
  kind: oneOf(ACCOUNT_KINDS),
  brand: words,
  currency: (text) => /^[A-Z]{3}$/.test(text),
  opened_on: isDate,
  closed_on: isDate,
  original_amount_minor: money,
  term_months: (text) => /^(0|[1-9]\d{0,3})$/.test(text),
  agreement_limit_minor: money,
  agreement_opened_on: isDate,
  agreement_ends_on: isDate,
  name: words,
  birth_date: isDate,
  identity_number: words,
};

/** Whether a field can be said in full: `month`, `account` and `look` are as a whole or not at all. */
export const hasValue = (field: string) => Object.hasOwn(FORMS, field);

/** True for a text that the field can have. */
export const isValueOf = (field: string, text: string) => FORMS[field]?.(text) === true;

/** Fields that every row has: they cannot be corrected to nothing. */
const NEVER_NULL: readonly string[] = [
  'status',
  'balance_minor',
  'days_past_due',
  'kind',
  'currency',
];
export const mayBeEmpty = (field: string) => hasValue(field) && !NEVER_NULL.includes(field);
