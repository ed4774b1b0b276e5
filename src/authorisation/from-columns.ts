/**
 * Authorisations collected elsewhere, as lines of a CSV file: one line an event; the record's
 * columns stand on the first line of an authorisation and are blank on the later ones.
 */
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
} from './record.ts';

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
export type AuthorisationLine = Readonly<Record<(typeof AUTHORISATION_COLUMNS)[number], string>>;

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
  readonly field: string;
  readonly problem: string;
}

const none = (text: string) => (text === '' ? null : text);

function instant(text: string): string {
  const time = Date.parse(text);
  return Number.isFinite(time) && /(Z|[+-]\d\d:\d\d)$/.test(text)
    ? new Date(time).toISOString()
    : text;
}

function recordOf(line: AuthorisationLine, context: ImportContext): AuthorisationRecord {
  return {
    schema_version: 1,
    authorisation_id: line.authorisation_id,
    arrangement_id: line.arrangement_id || line.authorisation_id,
    supersedes: none(line.supersedes),
    profile: context.profile,
    language: line.language || 'und',
    principal: { auth_level: 'L1', on_behalf_of: null },
    notice: {
      id: line.notice_id,
      version: Number(line.notice_version),
      sha256: line.notice_sha256,
      channel: line.channel,
    },
    legal_basis: 'consent',
    parties: { provider_id: context.provider_id, recipient_class: 'registry' },
    purpose: {
      code: line.purpose as AuthorisationRecord['purpose']['code'],
      service_conditional: line.service_conditional !== 'false',
      necessity_text: none(line.necessity_text),
      alternative_offered: none(line.alternative_offered),
    },
    data: {
      classes: ['IDENTITY', 'ACCOUNT_BASIC', 'MONTHLY_PERFORMANCE', 'HISTORY'],
      products: line.products.split(';').filter((kind) => kind !== ''),
      accounts: line.accounts === 'ALL' ? 'ALL' : line.accounts.split(';'),
      range_from: none(line.range_from),
      range_to: none(line.range_to),
    },
    limits: {
      mode: 'STORE',
      fetch: line.fetch as 'PERIODIC',
      starts_at: instant(line.starts_at),
      expires_at: none(instant(line.expires_at)),
      data_life: null,
      onward: 'NONE',
    },
    withdrawal: { effect: 'STOP_AND_RESTRICT' },
    evidence: { method: line.evidence_method, sha256: line.evidence_sha256 },
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
