/**
 * An authorisation as a consent record of ISO/IEC TS 27560:2023, with DPV terms as values.
 *
 * What must stay true: every field that the standard makes mandatory is there; a fact that nobody
 * configured is a fault that names it, never a made-up value.
 * Source: domain facts 3.1, 3.2 (W3C DPV group, "Consent Records and Receipts as per ISO/IEC TS
 * 27560:2023 using DPV").
 */
import { type Static, Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import {
  BASIS_TERMS,
  CLASS_TERMS,
  closed,
  DPV_CONTEXT,
  durationText,
  type Exported,
  MOMENT,
  PURPOSE_TERMS,
  PURPOSE_TEXTS,
  some,
  statusTerm,
  TEXT,
  UUID,
} from './export-terms.ts';
import { DATA_CLASSES, EVENT_STATES } from './record.ts';

/** A party as it is configured; the standard makes name, address and contact mandatory. */
export interface Party {
  readonly name?: string;
  readonly address?: string;
  readonly contact?: string;
  readonly email?: string;
  readonly url?: string;
  readonly phone?: string;
}

/** What a lender says of itself and of the registry; all of it comes from configuration. */
export interface Parties {
  readonly provider?: Party;
  readonly recipient?: Party;
  /** URIs of the recipient's API. */
  readonly recipient_locations?: readonly string[];
  /** Countries (ISO 3166-1 alpha-2) in which the data is stored. */
  readonly storage_locations?: readonly string[];
  /** Country whose law applies, where the profile is not that of one. */
  readonly jurisdiction?: string;
}

const OPTIONAL = Type.Optional(TEXT);
const CURIE = Type.String({ pattern: '^(dpv|pd|loc|sector-finance):[A-Za-z-]+$' });

const PII_INFORMATION = closed({
  pii_type: CURIE,
  pii_attribute_id: Type.Enum([...DATA_CLASSES]),
  pii_optional: Type.Boolean(),
  sensitive_pii_category: Type.Boolean(),
  special_pii_category: Type.Boolean(),
});

const PARTY = closed({
  party_id: TEXT,
  party_name: TEXT,
  party_address: TEXT,
  party_contact: TEXT,
  party_type: CURIE,
  party_role: Type.Optional(CURIE),
  party_email: OPTIONAL,
  party_url: OPTIONAL,
  party_phone: OPTIONAL,
});

const PURPOSE = closed({
  purpose: TEXT,
  purpose_type: CURIE,
  lawful_basis: CURIE,
  pii_information: some(PII_INFORMATION),
  pii_controllers: some(UUID),
  collection_method: TEXT,
  processing_method: TEXT,
  storage_locations: some(CURIE),
  retention_period: TEXT,
  service: OPTIONAL,
  jurisdiction: CURIE,
  recipient_third_parties: some(TEXT),
  withdrawal_method: TEXT,
});

/** The whole export, as a JSON schema. */
export const TS27560 = closed({
  '@context': Type.Record(Type.String(), TEXT),
  header: closed({ schema_version: TEXT, record_id: UUID, pii_principal_id: TEXT }),
  processing: closed({ privacy_notice: TEXT, language: TEXT, purposes: some(PURPOSE) }),
  party: some(PARTY),
  event: some(
    closed({
      event_time: MOMENT,
      validity_duration: TEXT,
      entity_id: UUID,
      event_type: CURIE,
      event_state: CURIE,
    }),
  ),
});

/** Countries of the profiles that are those of one place. */
const JURISDICTIONS: Readonly<Record<string, string>> = {
  CN: 'CN',
  US: 'US',
  EU: 'EU',
  UK: 'GB',
  IN: 'IN',
};

function need<T>(value: T | undefined, option: string): T {
  if (value !== undefined) return value;
  throw new AssentError('party_not_configured', { detail: `${option} is not configured` });
}

function partyOf(party: Party, id: string, role: string, options: string) {
  const { email, url, phone } = party;
  return {
    party_id: id,
    party_name: need(party.name, `--${options}name`),
    party_address: need(party.address, `--${options}address`),
    party_contact: need(party.contact, `--${options}contact`),
    party_type: 'dpv:Organisation',
    party_role: role,
    ...(email === undefined ? {} : { party_email: email }),
    ...(url === undefined ? {} : { party_url: url }),
    ...(phone === undefined ? {} : { party_phone: phone }),
  };
}

/** The one recipient it names, or else the class, which the notice spells out. */
const recipientOf = ({ parties }: Exported['record']) =>
  parties.recipient_id ?? `urn:assent:recipient-class:${parties.recipient_class}`;

function purposeOf({ record }: Exported, parties: Parties): Static<typeof PURPOSE> {
  const { data, limits, purpose, evidence } = record;
  const country = JURISDICTIONS[record.profile] ?? need(parties.jurisdiction, '--jurisdiction');
  const storage = need(parties.storage_locations, '--storage-location');
  return {
    purpose: PURPOSE_TEXTS[purpose.code],
    purpose_type: PURPOSE_TERMS[purpose.code],
    lawful_basis: BASIS_TERMS[record.legal_basis],
    pii_information: data.classes.map((name) => ({
      pii_type: CLASS_TERMS[name] ?? 'dpv:PersonalData',
      pii_attribute_id: name as (typeof DATA_CLASSES)[number],
      pii_optional: false,
      sensitive_pii_category: data.sensitive,
      special_pii_category: false,
    })),
    pii_controllers: [record.parties.provider_id],
    collection_method: evidence.method,
    processing_method: `${limits.mode} ${limits.fetch}`,
    storage_locations: storage.map((each) => `loc:${each}`),
    retention_period: durationText(limits.data_life) ?? 'STATUTORY',
    ...(record.parties.brand ? { service: record.parties.brand } : {}),
    jurisdiction: `loc:${country}`,
    recipient_third_parties: [recipientOf(record)],
    withdrawal_method: record.withdrawal.method_uri || need(parties.provider?.contact, '--contact'),
  };
}

/** ISO 8601 interval in which what the event says can authorise; an ended one authorises nothing. */
function validityOf(at: string, state: string, endsAt: string | null): string {
  const isValid = /:(Renewed)?ConsentGiven$/.test(state);
  return isValid ? `${at}/${endsAt ?? '..'}` : 'PT0S';
}

/**
 * The consent record.
 * @throws party_not_configured: names the option of `assent gateway configure` that is missing
 */
export function exportTs27560(exported: Exported, parties: Parties): Static<typeof TS27560> {
  const { record, events, ends_at } = exported;
  const provider = parties.provider ?? {};
  // What is configured is the registry; of another recipient the notice says who it is.
  const recipient = record.parties.recipient_class === 'registry' ? parties.recipient : undefined;
  return {
    '@context': DPV_CONTEXT,
    header: {
      schema_version: 'ISO/IEC TS 27560:2023 assent/1',
      record_id: record.authorisation_id,
      pii_principal_id: exported.principal_ref,
    },
    processing: {
      privacy_notice: `${record.notice.id}/${record.notice.version}#sha256-${record.notice.sha256}`,
      language: record.language,
      purposes: [purposeOf(exported, parties)],
    },
    party: [
      partyOf(provider, record.parties.provider_id, 'dpv:DataController', ''),
      ...(recipient
        ? [partyOf(recipient, recipientOf(record), 'dpv:ThirdParty', 'recipient-')]
        : []),
    ],
    event: events.map((event) => {
      const state = statusTerm(EVENT_STATES[event.type], record);
      return {
        event_time: event.at,
        validity_duration: validityOf(event.at, state, ends_at),
        entity_id: event.by_party,
        event_type: BASIS_TERMS[record.legal_basis],
        event_state: state,
      };
    }),
  };
}
