/**
 * A person's claim about a field, as it travels between registry and furnisher: what is told in
 * the feed, and what is answered.
 *
 * What must stay true: a claim names an account, a month and a field, never who the person is;
 * the fields that can be contested are a closed list.
 */
import { type Static, Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';

/** Fields of one month. `month`: that there is such a month at all. */
export const MONTH_FIELDS = [
  'month',
  'status',
  'limit_minor',
  'borrowed_minor',
  'balance_minor',
  'due_minor',
  'paid_minor',
  'days_past_due',
  'past_due_minor',
  'first_delinquency_on',
  'last_paid_on',
  'five_class',
] as const;
/** Fields of an account. `account`: that it is theirs at all. */
export const ACCOUNT_FIELDS = [
  'account',
  'kind',
  'brand',
  'currency',
  'opened_on',
  'closed_on',
  'original_amount_minor',
  'term_months',
  'agreement_limit_minor',
  'agreement_opened_on',
  'agreement_ends_on',
] as const;
/** Fields of the identity: what the claim says of them is sealed, and no furnisher is told. */
export const IDENTITY_FIELDS = ['name', 'birth_date', 'identity_number'] as const;
/** The look itself: the person does not know of it. */
export const LOOK_FIELDS = ['look'] as const;

export const CLAIM_FIELDS = [
  ...MONTH_FIELDS,
  ...ACCOUNT_FIELDS,
  ...IDENTITY_FIELDS,
  ...LOOK_FIELDS,
] as const;
export type ClaimField = (typeof CLAIM_FIELDS)[number];

/** What a furnisher may answer to a claim. */
export const ANSWERS = ['verified', 'corrected', 'deleted'] as const;
export type Answer = (typeof ANSWERS)[number];

/** How a claim may end. */
export const OUTCOMES = ['verified', 'corrected', 'deleted', 'upheld', 'withdrawn'] as const;
export type Outcome = (typeof OUTCOMES)[number];

const UUID = Type.String({ pattern: UUID_PATTERN });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const MOMENT = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' });
const VALUE = Type.Union([Type.String({ maxLength: 200 }), Type.Null()]);
const PERIOD = Type.Union([Type.String({ pattern: '^\\d{4}-(0[1-9]|1[0-2])$' }), Type.Null()]);

/** Data of the news `claim.forwarded`: a later registry may say more, so it is not closed. */
export const CLAIM_FORWARDED = Type.Object({
  claim_id: UUID,
  dispute_id: UUID,
  /** The furnisher's own, as on the wire of a hand-over. */
  account_ref: UUID,
  period: PERIOD,
  field: Type.String({ maxLength: 40 }),
  held_value: VALUE,
  claimed_value: VALUE,
  evidence: Type.Array(
    Type.Object({
      evidence_id: UUID,
      media_type: Type.String({ maxLength: 40 }),
      bytes: Type.Integer({ minimum: 1 }),
      sha256: SHA256,
    }),
    { maxItems: 20 },
  ),
  answer_by: MOMENT,
  /** `identity_theft`: it will be blocked whatever is answered. Absent: the figure is wrong. */
  ground: Type.Optional(Type.String({ maxLength: 40 })),
});
export type ClaimForwarded = Readonly<Static<typeof CLAIM_FORWARDED>>;

/** Data of the news `claim.decided`. */
export const CLAIM_DECIDED = Type.Object({
  claim_id: UUID,
  outcome: Type.Enum([...OUTCOMES]),
});
export type ClaimDecided = Readonly<Static<typeof CLAIM_DECIDED>>;
