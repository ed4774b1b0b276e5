/**
 * What travels between gateway and registry, byte by byte.
 *
 * A part is gzip of UTF-8 lines, each ended by one line feed, fields separated by tabs, `\N` for
 * nothing. Kinds come in this order in a submission: subject, account, authorisation, month.
 * The first field of every line is the row number: 1, 2, 3 … within its kind over the whole
 * submission.
 *
 * What must stay true: a value has exactly one spelling (no leading zeros, lower-case UUIDs, ISO
 * dates), so the line itself is the specified layout of a month's leaf:
 * leaf = "assent/month/1" TAB period TAB line-without-line-feed, hashed by RFC 9162.
 * Month rows ascend strictly by account_ref, so one account cannot come twice in a submission.
 */

import { type Static, Type } from 'typebox';
import { leafHasher } from '../log/merkle.ts';
import { UUID_TEXT } from '../model/uuid.ts';

export const PART_KINDS = ['subject', 'account', 'authorisation', 'month'] as const;
export type PartKind = (typeof PART_KINDS)[number];

/** Rows of a part at most; the registry refuses more. */
export const PART_ROWS_MAX = 250_000;
/** Bytes of a part before compression at most (a guard against bombs). */
export const PART_BYTES_MAX = 128 * 1024 * 1024;

/** Why the period before is not in the registry: nothing to say, the account began, or the gate withheld it. */
export const PRECEDING = ['furnished', 'first', 'withheld'] as const;

/**
 * Columns of a line by kind, row number first. An authorisation line is `row TAB json`; an account
 * without an agreement ends before `AGREEMENT_COLUMNS`, as it did before there were any.
 */
export const PART_COLUMNS = {
  subject: [
    'row_number',
    'subject_ref',
    'identity_version',
    'identity_kind',
    'identity_country',
    'identity_number',
    'name',
    'birth_date',
  ],
  account: [
    'row_number',
    'account_ref',
    'subject_ref',
    'revision',
    'kind',
    'brand',
    'currency',
    'opened_on',
    'closed_on',
    'original_amount_minor',
    'term_months',
    'agreement_id',
    'agreement_limit_minor',
    'agreement_opened_on',
    'agreement_ends_on',
  ],
  authorisation: ['row_number', 'entry'],
  month: [
    'row_number',
    'account_ref',
    'authorisation_id',
    'revision',
    'preceding',
    'as_of',
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
    'adverse_notice_on',
  ],
} as const satisfies Record<PartKind, readonly string[]>;

/** The last columns of a line of kind account: left out, all of them, where there is no agreement. */
export const AGREEMENT_COLUMNS = 4;

const DATE = '[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])';
const MONEY = '(?:0|-?[1-9][0-9]{0,14})';
const NONE = '|\\\\N';

/** One month line with its line feed, in its only spelling; group 1 is the row number, 2 the account_ref. */
export const MONTH_LINE = [
  '([1-9][0-9]{0,11})',
  `(${UUID_TEXT})`,
  UUID_TEXT,
  '[1-9][0-9]{0,5}',
  '(?:furnished|first|withheld)',
  DATE,
  '(?:open|closed|written_off|transferred)',
  `(?:${MONEY}${NONE})`,
  `(?:${MONEY}${NONE})`,
  MONEY,
  `(?:${MONEY}${NONE})`,
  `(?:${MONEY}${NONE})`,
  '(?:0|[1-9][0-9]{0,5})',
  `(?:${MONEY}${NONE})`,
  `(?:${DATE}${NONE})`,
  `(?:${DATE}${NONE})`,
  `(?:[1-5]${NONE})`,
  `(?:${DATE}${NONE})`,
]
  .join('\\t')
  .concat('\\n');

/** More bytes than the longest line that `MONTH_LINE` takes. */
const MONTH_LINE_BYTES = 512;

/**
 * Hashes the month lines of a period, each into its place of a buffer of hashes: the leaf is
 * `assent/month/1`, the period and the line without its line feed, separated by tabs.
 * @param period `YYYY-MM`
 */
export const monthLeafHasher = (period: string) =>
  leafHasher(Buffer.from(`assent/month/1\t${period}\t`), MONTH_LINE_BYTES);

const ROWS = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const ID = Type.String({ pattern: `^${UUID_TEXT}$` });

/** A part as the manifest names it; `sha256` is of the uncompressed text, lower-case hex. */
const MANIFEST_PART = Type.Object(
  {
    part_number: Type.Integer({ minimum: 1 }),
    kind: Type.Enum([...PART_KINDS]),
    rows: ROWS,
    sha256: SHA256,
  },
  { additionalProperties: false },
);
export type ManifestPart = Readonly<Static<typeof MANIFEST_PART>>;

/** What the furnisher signs (JWS, typ `assent-manifest+jws`) to complete a submission. */
export const MANIFEST = Type.Object(
  {
    submission_id: ID,
    furnisher_id: ID,
    /** `YYYY-MM` */
    period: Type.String(),
    rows: Type.Object(
      { subject: ROWS, account: ROWS, authorisation: ROWS, month: ROWS },
      { additionalProperties: false },
    ),
    parts: Type.Array(MANIFEST_PART),
    /**
     * RFC 9162 tree over the authorisation lines in row order (leaves: authorisation/hash.ts), so
     * that the signature over the manifest vouches for each of them; base64.
     */
    authorisation_tree: Type.Object(
      { size: ROWS, root: Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$' }) },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);
export type Manifest = Readonly<Static<typeof MANIFEST>>;

/** How the rows of one kind ended. The six add up to `declared`. */
export interface Outcome {
  readonly declared: number;
  readonly accepted: number;
  /** The registry had exactly this row: nothing changed. */
  readonly unchanged: number;
  /** A rule with severity reject. */
  readonly rejected: number;
  /** A rule with severity hold. */
  readonly held: number;
  /** No valid authorisation at the registry, by reason. */
  readonly refused: number;
}

/** What the registry signs (JWS, typ `assent-receipt+jws`) when a submission has ended. */
export interface Receipt {
  readonly iss: string;
  readonly iat: number;
  readonly submission_id: string;
  readonly furnisher_id: string;
  readonly period: string;
  readonly profile: string;
  readonly rule_set_version: number;
  readonly outcomes: Readonly<Record<PartKind, Outcome>>;
  readonly refused_by_reason: Readonly<Record<string, number>>;
  readonly faults_by_rule: Readonly<Record<string, number>>;
  readonly manifest_sha256: string;
  /** RFC 9162 tree over the accepted month rows in row order. */
  readonly merkle: { readonly size: number; readonly root: string };
}

/** One row that the registry did not simply accept. `outcome` `accepted` goes with a warning. */
export interface RowFault {
  readonly kind: PartKind;
  readonly row_number: number;
  readonly outcome: 'accepted' | 'unchanged' | 'rejected' | 'held' | 'refused';
  /** Rule id, or the gate's reason for `refused`, or `unchanged`. */
  readonly rule: string;
  readonly severity: string;
  readonly field: string | null;
}

export const SUBMISSION_STATES = {
  open: 'Upload the parts, then complete the submission with its signed manifest.',
  processing: 'Wait: the parts are being checked and merged. Ask again in a moment.',
  received: 'Fetch the receipt. Every row was accepted or was already here.',
  received_with_faults:
    'Fetch the receipt and the faults; correct those rows in the book and hand over again.',
  rejected: 'Nothing was kept. Read why, mend the cause and hand over under a new submission id.',
} as const;
export type SubmissionState = keyof typeof SUBMISSION_STATES;

/** The body of a submission as the API shows it. */
export interface SubmissionView {
  readonly submission_id: string;
  readonly furnisher_id: string;
  readonly period: string;
  readonly state: SubmissionState;
  readonly what_to_do: string;
  readonly why: string | null;
  /** `sha256` is of the body as uploaded, base64. */
  readonly parts: readonly { part_number: number; kind: string; sha256: string }[];
  /** How many parts the registry works at side by side; releases before this did not say. */
  readonly parts_at_once?: number;
  readonly outcomes: Readonly<Record<PartKind, Outcome>> | null;
}
