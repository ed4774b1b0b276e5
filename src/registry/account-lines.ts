/**
 * Lines of kind account, as they travel: which are in their only spelling, and how they are staged.
 *
 * What must stay true: in the order of PART_COLUMNS; an account without an agreement ends before
 * the columns of one, and one with an agreement names it.
 */
import { isDate } from '../model/period.ts';
import { UUID } from '../model/uuid.ts';
import { AGREEMENT_COLUMNS } from '../wire/part.ts';

type Text = string | null;
type Form = (value: Text) => boolean;
const form =
  (pattern: RegExp): Form =>
  (value) =>
    value !== null && pattern.test(value);
const orNone =
  (isForm: Form): Form =>
  (value) =>
    value === null || isForm(value);
const isDay = orNone((value) => value !== null && isDate(value));
const amount = orNone(form(/^(0|[1-9]\d{0,14})$/));

/** From account_ref on: one spelling each. */
const ACCOUNT: readonly Form[] = [
  form(UUID),
  form(UUID),
  form(/^[1-9]\d{0,8}$/),
  form(/^(revolving_line|instalment_loan)$/),
  orNone(form(/^\P{Cc}{1,200}$/u)),
  form(/^[A-Z]{3}$/),
  isDay,
  isDay,
  amount,
  orNone(form(/^(0|[1-9]\d{0,3})$/)),
];
const DRAW: readonly Form[] = [...ACCOUNT, form(UUID), amount, isDay, isDay];

/** Fields of a line after its row number: without an agreement, and with one. */
export const ACCOUNT_WIDTHS: readonly number[] = [ACCOUNT.length, DRAW.length];

/** Whether the fields of a line of one of the widths are in their only spelling. */
export function isAccountLine(fields: readonly Text[]): boolean {
  const forms = fields.length === DRAW.length ? DRAW : ACCOUNT;
  const [opened = null, ends = null] = fields.slice(DRAW.length - 2);
  const isInOrder = opened === null || ends === null || opened <= ends;
  return isInOrder && forms.every((isForm, index) => isForm(fields[index] ?? null));
}

/** The id that a new account gets, and the columns of a line of kind account. */
export const ARRIVED = `create temp table arrived_account (row_number bigint, account_id uuid,
  account_ref uuid, subject_ref uuid, revision int, kind text, brand text, currency text,
  opened_on date, closed_on date, original_amount_minor bigint, term_months int,
  agreement_id uuid, agreement_limit_minor bigint, agreement_opened_on date,
  agreement_ends_on date) on commit drop`;

const NO_AGREEMENT: readonly null[] = Array.from({ length: AGREEMENT_COLUMNS }, () => null);

/** A line as it is staged, after its row number. */
export const arrivedValues = (accountId: string, fields: readonly Text[]): Text[] => [
  accountId,
  ...fields,
  ...(fields.length === DRAW.length ? [] : NO_AGREEMENT),
];
