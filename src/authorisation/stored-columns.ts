/**
 * A record and its events as rows of `authorisation`, `authorisation_record` and
 * `authorisation_event`: COPY text, in the order of the columns.
 *
 * What must stay true: the columns beside the record say what the record says, in the form that
 * the checks read; whatever passed `recordProblems` makes a row that the database takes.
 */
import { escapeField } from '../model/copy-field.ts';
import { intervalText } from './moment.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  isWritten,
  widensRecipients,
} from './record.ts';

/** Columns of `authorisation`, in the order of `authorisationRow`; `recorded_at` comes last. */
export const STORED_COLUMNS = `subject_id, authorisation_id, subject_ref, arrangement_id,
  supersedes, profile, provider_id, recipient_class, recipient_id, purpose, legal_basis, products,
  accounts, classes, mode, range_from, range_to, fetch_type, frequency_n, frequency_window,
  data_life, condition_state, starts_at, expires_at, service_conditional, has_necessity,
  has_alternative, notice_id, notice_version, withdrawal_effect, by_guardian, in_writing,
  widens_recipients, record_sha256, state, last_seq, recorded_at`;

/** Columns of `authorisation_event`, in the order of `eventRow`. */
export const EVENT_COLUMNS = `subject_id, authorisation_id, seq, type, state, at, by_party, reason,
  prev_hash, hash, recorded_at, batch_id, leaf_index`;

const NOTHING = '\\N';
const orNothing = (text: string | null) => (text === null ? NOTHING : text);
const textOrNothing = (text: string | null) => (text === null ? NOTHING : escapeField(text));
const flag = (value: boolean) => (value ? 't' : 'f');
/** Of names from closed lists and of UUIDs, which need no quotes. */
const arrayText = (values: readonly string[]) => `{${values.join(',')}}`;
const firstDayOrNothing = (period: string | null) => (period === null ? NOTHING : `${period}-01`);
/** `\x…`, its backslash doubled as COPY wants it. */
const bytea = (hex: string) => `\\\\x${hex}`;

export interface AuthorisationRow {
  readonly subject_id: string;
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  /** Its canonical JSON and the SHA-256 of that, in hex. */
  readonly canonical: string;
  readonly record_sha256: string;
  readonly state: string;
  readonly last_seq: number;
}

/** One line of COPY text for `authorisation`. @param recordedAt ISO 8601 */
export function authorisationRow(row: AuthorisationRow, recordedAt: string): string {
  const { record } = row;
  const { data, limits, notice, parties, purpose } = record;
  const { frequency } = limits;
  const fields = [
    row.subject_id,
    record.authorisation_id,
    row.subject_ref,
    record.arrangement_id,
    orNothing(record.supersedes),
    escapeField(record.profile),
    parties.provider_id,
    parties.recipient_class,
    orNothing(parties.recipient_id),
    purpose.code,
    record.legal_basis,
    arrayText(data.products),
    data.accounts === 'ALL' ? NOTHING : arrayText(data.accounts),
    arrayText(data.classes),
    limits.mode,
    firstDayOrNothing(data.range_from),
    firstDayOrNothing(data.range_to),
    limits.fetch,
    frequency === null ? NOTHING : String(frequency.n),
    orNothing(intervalText(frequency && { ...frequency, n: 1 })),
    orNothing(intervalText(limits.data_life)),
    orNothing(limits.condition),
    limits.starts_at,
    orNothing(limits.expires_at),
    flag(purpose.service_conditional),
    flag((purpose.necessity_text ?? '') !== ''),
    flag((purpose.alternative_offered ?? '') !== ''),
    escapeField(notice.id),
    String(notice.version),
    record.withdrawal.effect,
    flag(record.principal.on_behalf_of !== null),
    flag(isWritten(record)),
    flag(widensRecipients(record)),
    bytea(row.record_sha256),
    row.state,
    String(row.last_seq),
    recordedAt,
  ];
  return `${fields.join('\t')}\n`;
}

/** One line of COPY text for `authorisation_record`. */
export const recordRow = (row: AuthorisationRow): string =>
  `${row.subject_id}\t${row.record.authorisation_id}\t${escapeField(row.canonical)}\n`;

export interface EventRow {
  readonly subject_id: string;
  readonly authorisation_id: string;
  readonly event: AuthorisationEvent;
  /** After the event. */
  readonly state: string;
  /** In hex; the event before the first has none. */
  readonly prev_hash: string | null;
  readonly hash: string;
  readonly batch_id: string;
  readonly leaf_index: number;
}

/** One line of COPY text for `authorisation_event`. @param recordedAt ISO 8601 */
export function eventRow(row: EventRow, recordedAt: string): string {
  const { event } = row;
  const fields = [
    row.subject_id,
    row.authorisation_id,
    String(event.seq),
    event.type,
    row.state,
    event.at,
    event.by_party,
    textOrNothing(event.reason),
    row.prev_hash === null ? NOTHING : bytea(row.prev_hash),
    bytea(row.hash),
    recordedAt,
    row.batch_id,
    String(row.leaf_index),
  ];
  return `${fields.join('\t')}\n`;
}
