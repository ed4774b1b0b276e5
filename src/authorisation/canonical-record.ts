/**
 * A record as RFC 8785 canonical JSON, faster than a general writer.
 *
 * What must stay true: the text equals `canonicalize`'s for every record (a property test). RFC
 * 8785 sorts members by UTF-16 code units and writes strings and integers as JSON.stringify does,
 * so an object whose members were put in that order is written by JSON.stringify as it should be.
 */
import { canonicalBytes } from '../keys/jws.ts';
import type { AuthorisationRecord, Span } from './record.ts';

const sortedSpan = (span: Span | null) => span && { n: span.n, unit: span.unit };

/** The members of every section in the order of their names. */
function sortedRecord(record: AuthorisationRecord): AuthorisationRecord {
  const { data, evidence, limits, notice, parties, principal, purpose, withdrawal } = record;
  return {
    arrangement_id: record.arrangement_id,
    authorisation_id: record.authorisation_id,
    data: {
      accounts: data.accounts,
      classes: data.classes,
      products: data.products,
      range_from: data.range_from,
      range_to: data.range_to,
      sensitive: data.sensitive,
    },
    evidence: { method: evidence.method, sha256: evidence.sha256, witness: evidence.witness },
    language: record.language,
    legal_basis: record.legal_basis,
    limits: {
      condition: limits.condition,
      data_life: sortedSpan(limits.data_life),
      expires_at: limits.expires_at,
      fetch: limits.fetch,
      frequency: sortedSpan(limits.frequency),
      mode: limits.mode,
      onward: limits.onward,
      starts_at: limits.starts_at,
    },
    notice: {
      channel: notice.channel,
      id: notice.id,
      sha256: notice.sha256,
      shown_at: notice.shown_at,
      version: notice.version,
    },
    parties: {
      brand: parties.brand,
      provider_id: parties.provider_id,
      recipient_class: parties.recipient_class,
      recipient_id: parties.recipient_id,
    },
    principal: { auth_level: principal.auth_level, on_behalf_of: principal.on_behalf_of },
    profile: record.profile,
    purpose: {
      alternative_offered: purpose.alternative_offered,
      code: purpose.code,
      necessity_text: purpose.necessity_text,
      service_conditional: purpose.service_conditional,
    },
    schema_version: record.schema_version,
    supersedes: record.supersedes,
    withdrawal: { effect: withdrawal.effect, method_uri: withdrawal.method_uri },
  };
}

/**
 * The canonical text of a record.
 * @throws argument_invalid: a text holds half a surrogate pair, so it has no canonical form.
 */
export function canonicalRecord(record: AuthorisationRecord): string {
  const sorted = sortedRecord(record);
  const text = JSON.stringify(sorted);
  // JSON.stringify writes half a pair as an escape where RFC 8785 has no text at all: the general
  // writer tells it from a backslash that stands in a text.
  return text.includes('\\ud') ? Buffer.from(canonicalBytes(sorted)).toString('utf8') : text;
}
