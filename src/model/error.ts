/**
 * The one error type for failures. Three kinds of wrong exist in this house:
 * a programmer's error crashes (assert), an expected outcome is returned as a value,
 * and a failure is an AssentError whose `code` is stable and explained in docs/ERRORS.md.
 *
 * What must stay true: neither `message` nor `detail` ever holds an identity value.
 */
import { ASKING_ERRORS } from './asking-errors.ts';
import { DISPUTE_ERRORS } from './dispute-errors.ts';
import { ENQUIRY_ERRORS } from './enquiry-errors.ts';
import { FEED_ERRORS } from './feed-errors.ts';
import { IDENTITY_ERRORS } from './identity-errors.ts';
import { PERSON_ERRORS } from './person-errors.ts';

interface ErrorKind {
  /** HTTP status when it crosses the API. */
  readonly status: number;
  /** One short sentence, the same for every occurrence. */
  readonly title: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** Every failure code. docs/ERRORS.md has one section for each; a test compares them both ways. */
export const ERROR_KINDS = {
  argument_invalid: {
    status: 400,
    title: 'A command or request argument is not valid.',
    remedy: 'Correct the argument that the detail names; `--help` shows the accepted forms.',
  },
  database_in_use: {
    status: 503,
    title: 'Another process has this embedded database open.',
    remedy: 'Stop the other process, or set DATABASE_URL to share a PostgreSQL server.',
  },
  database_failed: {
    status: 500,
    title: 'The database refused a statement.',
    remedy: 'See the SQLSTATE in the detail; nothing was committed, so the step can be repeated.',
  },
  database_unreachable: {
    status: 503,
    title: 'The database server does not answer, or does not let this program in.',
    remedy:
      'Check DATABASE_URL (host, port, user, password, database) and that the server runs; the step can be repeated.',
  },
  database_full: {
    status: 507,
    title: 'The disk or the database is full.',
    remedy: 'Free space, then repeat the step: nothing half-done was kept.',
  },
  database_newer: {
    status: 500,
    title: 'The database was migrated by a newer release.',
    remedy: 'Run the newer release, or restore the backup made before the upgrade.',
  },
  migration_changed: {
    status: 500,
    title: 'A migration that was already applied has been edited.',
    remedy: 'Restore the original file and add a new migration instead.',
  },
  participant_invalid: {
    status: 400,
    title: 'What was said about a participant is not valid.',
    remedy: 'Correct what the detail names and send it again.',
  },
  participant_exists: {
    status: 409,
    title: 'A participant with this id exists and its facts differ.',
    remedy: 'Use another id, or change the participant that exists.',
  },
  participant_unknown: {
    status: 404,
    title: 'There is no such participant.',
    remedy: 'Check the id: it is compared exactly, in case and in length.',
  },
  audience_unset: {
    status: 500,
    title: 'The server does not know its own issuer or audience.',
    remedy: 'Set both: without an audience a token meant for another service would be accepted.',
  },
  access_undeclared: {
    status: 500,
    title: 'A route does not declare who may call it.',
    remedy: 'Give every route `config: { access }` with roles and a scope, or `public`.',
  },
  not_authenticated: {
    status: 401,
    title: 'The request carries no valid access token.',
    remedy: 'Get a token from /oauth/token and send it as `Authorization: Bearer`.',
  },
  not_permitted: {
    status: 403,
    title: 'The caller may not do this.',
    remedy: 'Ask for a token with the scope that the answer names, or act in a role that may.',
  },
  not_found: {
    status: 404,
    title: 'There is nothing at this address.',
    remedy: 'Check the address; /documentation lists every route.',
  },
  request_invalid: {
    status: 400,
    title: 'The request does not have the documented form.',
    remedy: 'Correct the fields that `errors` points at; /documentation shows the form.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is larger than the route accepts.',
    remedy: 'Send smaller parts.',
  },
  media_type_unsupported: {
    status: 415,
    title: 'The route does not accept this content type.',
    remedy: 'Send the content type that /documentation names.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests.',
    remedy: 'Wait for the seconds that `Retry-After` names.',
  },
  not_healthy: {
    status: 503,
    title: 'The server cannot do its work now.',
    remedy: 'See the log of the server; its database is the first suspect.',
  },
  internal_error: {
    status: 500,
    title: 'The server failed.',
    remedy: 'Give the operator the request id, which finds the failure in the log.',
  },
  registry_refused: {
    status: 502,
    title: 'The server refused with an answer that this program does not know.',
    remedy: 'Read the status and title in the detail; a newer release may know the answer.',
  },
  registry_unreachable: {
    status: 503,
    title: 'The server does not answer.',
    remedy: 'Check the address and the network; the step can be repeated.',
  },
  keys_missing: {
    status: 500,
    title: 'There is no key file.',
    remedy:
      'Make a home (`assent gateway init`, `assent registry init`) or a card (`assent card`), or restore it from its backup.',
  },
  keys_invalid: {
    status: 500,
    title: 'The key file is not a key file of this program.',
    remedy: 'Restore it from its backup; without it nothing that was sealed can be opened.',
  },
  keys_exposed: {
    status: 500,
    title: 'Others can read the key file.',
    remedy: 'Run `chmod 600` on it, find out who could have read it, and rotate the keys.',
  },
  keys_exist: {
    status: 409,
    title: 'There is a key file already.',
    remedy: 'Keep it: replacing it makes all that was sealed unreadable. Choose another path.',
  },
  sealed_unreadable: {
    status: 500,
    title: 'Sealed bytes cannot be opened.',
    remedy: 'Check that the key file belongs to this database; otherwise the bytes were altered.',
  },
  signature_invalid: {
    status: 400,
    title: 'A signature does not hold.',
    remedy: 'Sign with EdDSA and a key that is registered, over canonical JSON (RFC 8785).',
  },
  tree_unreadable: {
    status: 500,
    title: 'The stored state of a Merkle tree cannot be read.',
    remedy: 'Repeat the hand-over from its first part; the state was altered.',
  },
  submission_rejected: {
    status: 409,
    title: 'The registry rejected the whole submission.',
    remedy: 'Read why, mend the cause and hand the period over again: a new submission is made.',
  },
  receipt_wrong: {
    status: 502,
    title: 'The receipt does not agree with what was sent.',
    remedy:
      'Keep the receipt and ask the operator of the registry; nothing was marked as received.',
  },
  tape_unknown: {
    status: 404,
    title: 'No such tape or hand-over is known here.',
    remedy: 'Run `assent gateway tapes` or `assent gateway hand-overs` to see their ids.',
  },
  tape_empty: {
    status: 400,
    title: 'The file holds no records.',
    remedy: 'Check that the right file was sent, and that the export ran to its end.',
  },
  tape_binary: {
    status: 400,
    title: 'The file is not text.',
    remedy: 'Send CSV, plain or gzip.',
  },
  tape_encoding: {
    status: 400,
    title: 'The text is not in the encoding that the mapping names.',
    remedy: 'Set file.encoding in the mapping to utf-8 or gb18030, or export again.',
  },
  tape_truncated: {
    status: 400,
    title: 'The compressed file is cut off or damaged.',
    remedy: 'Fetch the file again; nothing of it was loaded.',
  },
  tape_header_missing: {
    status: 400,
    title: 'The header lacks columns that the mapping reads.',
    remedy: 'Compare the header with the mapping; names are compared exactly.',
  },
  tape_record_too_long: {
    status: 400,
    title: 'One record is longer than a record can be.',
    remedy: 'Check line ends and quotes of the export.',
  },
  tape_quote_open: {
    status: 400,
    title: 'A quoted field is never closed.',
    remedy: 'Check the quotes of the export near the line named.',
  },
  mapping_invalid: {
    status: 400,
    title: 'The mapping is not valid.',
    remedy: 'Correct every place that the detail lists; docs/DATA.md has the language.',
  },
  profile_invalid: {
    status: 500,
    title: 'A profile is not whole.',
    remedy: 'Correct what the detail names in src/authorisation/profiles, with its source.',
  },
  profile_unknown: {
    status: 400,
    title: 'There is no profile of that name.',
    remedy: 'Name one of the profiles that the detail lists.',
  },
  submission_unknown: {
    status: 404,
    title: 'There is no such submission of yours.',
    remedy: 'Check the id; a submission is seen by its furnisher alone.',
  },
  submission_conflict: {
    status: 409,
    title: 'The submission id is taken by another declaration.',
    remedy: 'Use a new id.',
  },
  submission_state: {
    status: 409,
    title: 'The submission is not in a state for this.',
    remedy: 'Ask for its state and do what it says.',
  },
  digest_mismatch: {
    status: 400,
    title: 'The body does not have the digest of its Content-Digest header.',
    remedy: 'Send the part again.',
  },
  manifest_wrong: {
    status: 400,
    title: 'The manifest does not describe this submission.',
    remedy: 'Complete with the manifest of the parts that were uploaded.',
  },
  authorisation_invalid: {
    status: 422,
    title: 'The authorisation or its event is not as it must be.',
    remedy:
      'Correct the field that is named; docs/DATA.md lists the fields and the order of events.',
  },
  event_not_next: {
    status: 422,
    title: 'The event may not follow the state in which the authorisation is.',
    remedy: 'Ask for the authorisation to see its state; docs/LIFE_CYCLE.md shows what may follow.',
  },
  event_backdated: {
    status: 422,
    title: 'The event is earlier than one that is known.',
    remedy: 'Give the time at which it happened; events are recorded in the order of time.',
  },
  event_in_future: {
    status: 422,
    title: 'The event lies in the future.',
    remedy: 'Check the clock of the sender and the zone of the time.',
  },
  supersedes_invalid: {
    status: 422,
    title: 'The authorisation cannot take the place of the one it names.',
    remedy:
      'Name an answered authorisation of the same person, provider, recipient class, purpose, legal basis and arrangement.',
  },
  authorisation_superseded: {
    status: 409,
    title: 'Another authorisation has taken the place of this one already.',
    remedy: 'Supersede the newest of the arrangement.',
  },
  amendment_unanswered: {
    status: 422,
    title: 'The authorisation reaches beyond what the person answered to.',
    remedy:
      'Ask the person and record evidence of its own with the time of showing; only what narrows needs no answer.',
  },
  subject_deceased: {
    status: 409,
    title: 'The person is recorded as dead.',
    remedy: 'Nothing new is recorded for them; if that is a mistake, take the death back first.',
  },
  subject_unknown: {
    status: 404,
    title: 'There is no such person in the book.',
    remedy: "Check the lender's number of the person; it is compared exactly.",
  },
  party_not_configured: {
    status: 409,
    title: 'The standard makes a fact about a party mandatory that is not configured.',
    remedy: 'Run `assent gateway configure` with the options that the detail names.',
  },
  authorisation_altered: {
    status: 409,
    title: 'The authorisation is known with another record or other events.',
    remedy: 'Records and past events never change: record a new one that supersedes it.',
  },
  authorisation_unknown: {
    status: 404,
    title: 'There is no such authorisation.',
    remedy: 'Check the authorisation_id.',
  },
  authorisation_unproven: {
    status: 409,
    title: 'The batch of the authorisation is not signed yet.',
    remedy: 'Wait for the running import to end; after a crash, the next import signs it.',
  },
  ...ASKING_ERRORS,
  ...ENQUIRY_ERRORS,
  ...DISPUTE_ERRORS,
  ...FEED_ERRORS,
  ...PERSON_ERRORS,
  ...IDENTITY_ERRORS,
  home_missing: {
    status: 400,
    title: 'The folder is no home of this program.',
    remedy: 'Name the folder with --home, or make one with the init command.',
  },
  home_exists: {
    status: 409,
    title: 'The folder is a home already.',
    remedy: 'Use it, or name another folder.',
  },
  registry_unset: {
    status: 400,
    title: 'The program does not know its registry.',
    remedy: 'Run `assent gateway connect` (an enquirer: `assent enquirer connect`) first.',
  },
  registry_keys_changed: {
    status: 409,
    title: 'The registry shows other keys than those that were pinned.',
    remedy:
      'Ask its operator by another channel; then run the `connect` command again with --replace-keys.',
  },
  address_unusable: {
    status: 503,
    title: 'The server cannot listen at that address.',
    remedy: 'Choose another --port or --host, or stop the program that has it.',
  },
  period_unknown: {
    status: 404,
    title: 'The book has no row of that period.',
    remedy: 'Run `assent gateway coverage` to see the periods of the book, or load the tape.',
  },
  receipt_unknown: {
    status: 404,
    title: 'There is no receipt of that period.',
    remedy: 'Run `assent gateway hand-overs` to see what was handed over and how it ended.',
  },
  file_unreadable: {
    status: 400,
    title: 'The file cannot be read.',
    remedy: 'Check its path and its rights.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

export interface AssentErrorOptions {
  /** Facts of this occurrence (counts, ids, names of fields). Never an identity value. */
  readonly detail?: string;
  /** The underlying error, for the log of the process that raised it; never sent to a client. */
  readonly cause?: unknown;
}

/** A failure with a stable code. `message` is `code: detail`; `remedy` says what to do next. */
export class AssentError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;

  constructor(code: ErrorCode, options: AssentErrorOptions = {}) {
    const detail = options.detail ?? ERROR_KINDS[code].title;
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AssentError';
    this.code = code;
    this.detail = detail;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  get title(): string {
    return ERROR_KINDS[this.code].title;
  }

  get remedy(): string {
    return ERROR_KINDS[this.code].remedy;
  }
}
