/**
 * Authorisations collected elsewhere, as lines of a CSV file: one line an event; the record's
 * columns stand on the first line of an authorisation and are blank on the later ones. Or one as
 * JSON, with the same columns.
 */
import type { ErrorCode } from '../model/error.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
  PURPOSE_RECIPIENTS,
  type Purpose,
  type Span,
} from './record.ts';

/** A file must have these; OPTIONAL_COLUMNS may be absent or blank. */
export const AUTHORISATION_COLUMNS = [
  'authorisation_id',
  'subject_ref',
  'event',
  'event_at',
  'event_reason',
  'arrangement_id',
  'supersedes',
  'purpose',
  'products',
  'accounts',
  'range_from',
  'range_to',
  'fetch',
  'starts_at',
  'expires_at',
  'notice_id',
  'notice_version',
  'notice_sha256',
  'language',
  'channel',
  'evidence_method',
  'evidence_sha256',
  'service_conditional',
  'necessity_text',
  'alternative_offered',
] as const;

/** What a blank or absent column means stands beside it; it is never more than was approved. */
export const OPTIONAL_COLUMNS = {
  legal_basis: 'consent',
  auth_level: 'L1',
  on_behalf_of: '',
  shown_at: '',
  recipient_class: '',
  recipient_id: '',
  brand: '',
  classes: 'IDENTITY;ACCOUNT_BASIC;MONTHLY_PERFORMANCE;HISTORY',
  sensitive: 'true',
  mode: 'STORE',
  frequency: '',
  data_life: '',
  onward: 'NONE',
  condition: '',
  withdrawal_effect: 'STOP_AND_RESTRICT',
  withdrawal_uri: '',
  evidence_witness: '',
} as const satisfies Readonly<Record<string, string>>;

type Column = (typeof AUTHORISATION_COLUMNS)[number] | keyof typeof OPTIONAL_COLUMNS;
export type AuthorisationLine = Readonly<Record<Column, string>>;

const OPTIONAL = Object.entries(OPTIONAL_COLUMNS);

/** A line with every column: what is not there is blank, or its default. */
export function completeLine(source: Readonly<Record<string, string>>): AuthorisationLine {
  const line: Record<string, string> = {};
  for (const column of AUTHORISATION_COLUMNS) line[column] = source[column] ?? '';
  for (const [column, absent] of OPTIONAL) line[column] = source[column] || absent;
  return line as AuthorisationLine;
}

/**
 * Reads the lines of a file with this header; columns of other names are left out.
 * Measured: a copy of one blank line, overwritten where the file says something, took a third of
 * the time of a line made member by member, which becomes a hash table after its twelfth.
 */
export function lineReader(
  header: readonly string[],
): (fields: readonly string[]) => AuthorisationLine {
  const blank: Record<string, string> = JSON.parse(JSON.stringify(completeLine({})));
  const columns = Object.keys(blank)
    .map((name) => ({ name, at: header.lastIndexOf(name) }))
    .filter(({ at }) => at >= 0);
  return (fields) => {
    const line = { ...blank };
    for (const { name, at } of columns) {
      const text = fields[at]?.trim();
      if (text) line[name] = text;
    }
    return line as AuthorisationLine;
  };
}

export interface ImportContext {
  readonly provider_id: string;
  readonly profile: string;
}

export interface ImportedEntry {
  readonly row: number;
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}

export interface ImportFault {
  readonly row: number;
  /** What the fault is called when it is the answer to a single request. */
  readonly code?: ErrorCode;
  readonly field: string;
  readonly problem: string;
}

const none = (text: string) => (text === '' ? null : text);

const ZULU = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;

/** The moment in UTC with milliseconds; what is no moment stays as it is and is refused later. */
function instant(text: string): string {
  if (ZULU.test(text)) return text.length === 24 ? text : `${text.slice(0, -1)}.000Z`;
  const time = Date.parse(text);
  return Number.isFinite(time) && /(Z|[+-]\d\d:\d\d)$/.test(text)
    ? new Date(time).toISOString()
    : text;
}

const listOf = (text: string) => text.split(';').filter((part) => part !== '');

/** `1/MONTH`, `30 DAY`: a number and a unit. A text of another form gives a span that is refused. */
function spanOf(text: string): Span | null {
  if (text === '') return null;
  const [, n = '0', unit = ''] = /^(\d{1,4})[ /]([A-Z]+)$/.exec(text) ?? [];
  return { n: Number(n), unit: unit as Span['unit'] };
}

function recordOf(line: AuthorisationLine, context: ImportContext): AuthorisationRecord {
  const code = line.purpose as Purpose;
  const recipient = line.recipient_class || PURPOSE_RECIPIENTS[code]?.[0] || '';
  return {
    schema_version: 1,
    authorisation_id: line.authorisation_id,
    arrangement_id: line.arrangement_id || line.authorisation_id,
    supersedes: none(line.supersedes),
    profile: context.profile,
    language: line.language || 'und',
    principal: { auth_level: line.auth_level, on_behalf_of: none(line.on_behalf_of) },
    notice: {
      id: line.notice_id,
      version: Number(line.notice_version),
      sha256: line.notice_sha256,
      channel: line.channel,
      shown_at: none(instant(line.shown_at)),
    },
    legal_basis: line.legal_basis as 'consent',
    parties: {
      provider_id: context.provider_id,
      recipient_class: recipient as 'registry',
      recipient_id: none(line.recipient_id),
      brand: none(line.brand),
    },
    purpose: {
      code,
      // A gap is never an allowance: whatever is not the word `false` counts as a condition.
      service_conditional: line.service_conditional !== 'false',
      necessity_text: none(line.necessity_text),
      alternative_offered: none(line.alternative_offered),
    },
    data: {
      classes: listOf(line.classes),
      products: listOf(line.products),
      accounts: line.accounts === 'ALL' ? 'ALL' : line.accounts.split(';'),
      range_from: none(line.range_from),
      range_to: none(line.range_to),
      sensitive: line.sensitive !== 'false',
    },
    limits: {
      mode: line.mode as 'STORE',
      fetch: line.fetch as 'PERIODIC',
      frequency: spanOf(line.frequency),
      starts_at: instant(line.starts_at),
      expires_at: none(instant(line.expires_at)),
      data_life: spanOf(line.data_life),
      onward: line.onward === 'NONE' ? 'NONE' : (listOf(line.onward) as ['registry']),
      condition: none(line.condition) as 'LOAN_ACTIVE' | null,
    },
    withdrawal: {
      effect: line.withdrawal_effect as 'STOP_NEW',
      method_uri: none(line.withdrawal_uri),
    },
    evidence: {
      method: line.evidence_method.toUpperCase() as 'CLICK',
      sha256: line.evidence_sha256,
      witness: none(line.evidence_witness),
    },
  };
}

/**
 * One authorisation from its lines, in the order of the file.
 * @returns the entry, or what is wrong with which line; values are never repeated.
 */
export function entryOfLines(
  lines: readonly { readonly row: number; readonly line: AuthorisationLine }[],
  context: ImportContext,
): ImportedEntry | ImportFault {
  const [first] = lines;
  if (!first) throw new Error('an authorisation has at least one line');
  const events: AuthorisationEvent[] = [];
  for (const { row, line } of lines) {
    if (!Object.hasOwn(EVENT_STATES, line.event)) {
      return { row, field: 'event', problem: `is none of ${Object.keys(EVENT_STATES).join(', ')}` };
    }
    events.push({
      seq: events.length + 1,
      type: line.event as EventType,
      at: instant(line.event_at),
      by_party: context.provider_id,
      reason: none(line.event_reason),
    });
  }
  return {
    row: first.row,
    subject_ref: first.line.subject_ref,
    record: recordOf(first.line, context),
    events,
  };
}

/** One event as it comes from outside: `event_at` is ISO 8601 with an offset. */
export interface EventColumns {
  readonly event: string;
  readonly event_at: string;
  readonly event_reason?: string;
}

/** The import's columns as JSON, lists as lists, with all events. */
export type AuthorisationColumns = Readonly<
  Record<string, string | number | boolean | readonly string[] | readonly EventColumns[]>
> & { readonly events: readonly EventColumns[] };

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return Array.isArray(value) ? value.join(';') : String(value);
}

function linesOf(columns: AuthorisationColumns): { row: number; line: AuthorisationLine }[] {
  return columns.events.map((event, index) => {
    const source: Readonly<Record<string, unknown>> = { ...columns, ...event };
    const texts = Object.fromEntries(
      Object.entries(source).map(([column, value]) => [column, textOf(value)]),
    );
    return { row: index + 1, line: completeLine(texts) };
  });
}

/** The same of one authorisation as JSON; rows number its events. */
export function entryOfColumns(
  columns: AuthorisationColumns,
  context: ImportContext,
): ImportedEntry | ImportFault {
  return entryOfLines(linesOf(columns), context);
}
