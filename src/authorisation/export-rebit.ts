/**
 * An authorisation as a consent artefact in the style of India's account aggregators (ReBIT).
 *
 * What must stay true: what ReBIT cannot say is left out or said more narrowly, never more widely.
 * Its product list has no consumer loan and its filters know only transactions: `OTHER` and our
 * own two filters stand there, which is why this is the style and not the letter.
 * Source: domain facts 3.4.
 */
import { type Static, Type } from 'typebox';
import { closed, type Exported, MOMENT, PURPOSE_TEXTS, some, TEXT, UUID } from './export-terms.ts';
import {
  type AuthorisationRecord,
  type AuthorisationState,
  type Purpose,
  TIME_UNITS,
} from './record.ts';

const PARTY = closed({ id: TEXT, type: TEXT });
const FI_TYPE = Type.Enum(['CREDIT_CARD', 'OTHER']);

const CONSENT_DETAIL = closed({
  consentStart: MOMENT,
  consentExpiry: MOMENT,
  consentMode: Type.Enum(['VIEW', 'STORE', 'QUERY']),
  fetchType: Type.Enum(['ONETIME', 'PERIODIC']),
  consentTypes: some(Type.Enum(['PROFILE', 'SUMMARY', 'TRANSACTIONS'])),
  fiTypes: some(FI_TYPE),
  DataConsumer: PARTY,
  DataProvider: PARTY,
  Customer: closed({ id: TEXT }),
  /** Empty: all accounts of the products named. */
  Accounts: Type.Array(
    closed({
      fiType: FI_TYPE,
      fipId: UUID,
      accType: TEXT,
      linkRefNumber: TEXT,
      maskedAccNumber: TEXT,
    }),
  ),
  Purpose: closed({
    code: Type.Enum(['102', '103', '104', '105']),
    refUri: TEXT,
    text: TEXT,
    Category: closed({ type: TEXT }),
  }),
  FIDataRange: closed({ from: MOMENT, to: MOMENT }),
  DataLife: closed({
    unit: Type.Enum([...TIME_UNITS, 'INF']),
    value: Type.Integer({ minimum: 0, maximum: 1000 }),
  }),
  /** Absent: not bounded. */
  Frequency: Type.Optional(
    closed({
      unit: Type.Enum([...TIME_UNITS]),
      value: Type.Integer({ minimum: 1, maximum: 1000 }),
    }),
  ),
  DataFilter: Type.Array(
    closed({ type: Type.Enum(['DAYSPASTDUE', 'ACCOUNTSTATUS']), operator: TEXT, value: TEXT }),
  ),
});

/** The whole artefact, as a JSON schema. */
export const REBIT = closed({
  ver: Type.Literal('2.0.0'),
  timestamp: MOMENT,
  txnid: UUID,
  consentId: UUID,
  status: Type.Enum(['PENDING', 'ACTIVE', 'PAUSED', 'REVOKED', 'EXPIRED', 'REJECTED']),
  ConsentDetail: CONSENT_DETAIL,
  /** Compact JWS over the ConsentDetail (RFC 8785), by the provider. */
  consentDetailDigitalSignature: TEXT,
  ConsentUse: closed({
    logUri: TEXT,
    count: Type.Integer({ minimum: 0 }),
    lastUseDateTime: Type.Union([MOMENT, Type.Null()]),
  }),
});
export type RebitArtefact = Static<typeof REBIT>;

const STATUSES: Readonly<Record<AuthorisationState, RebitArtefact['status']>> = {
  requested: 'PENDING',
  given: 'ACTIVE',
  paused: 'PAUSED',
  withdrawn: 'REVOKED',
  revoked_by_other: 'REVOKED',
  invalidated: 'REVOKED',
  superseded: 'REVOKED',
  expired: 'EXPIRED',
  lapsed: 'EXPIRED',
  refused: 'REJECTED',
};

/** 102 reporting, 103 aggregated statement (underwriting), 104 monitoring; 105 one-time. */
const PURPOSE_CODES: Readonly<Record<Purpose, '102' | '103' | '104'>> = {
  F1: '104',
  F2: '104',
  Q1: '103',
  Q2: '104',
  Q3: '104',
  E1: '103',
  E2: '102',
  R1: '103',
};

const CONSENT_TYPES: Readonly<Record<string, 'PROFILE' | 'SUMMARY' | 'TRANSACTIONS'>> = {
  IDENTITY: 'PROFILE',
  ACCOUNT_BASIC: 'SUMMARY',
  MONTHLY_PERFORMANCE: 'TRANSACTIONS',
  HISTORY: 'TRANSACTIONS',
  ENQUIRY: 'SUMMARY',
  SCORE: 'SUMMARY',
};

/** ReBIT knows no open end: these stand for one. */
const FIRST_MOMENT = '1970-01-01T00:00:00.000Z';
const LAST_MOMENT = '9999-12-31T23:59:59.999Z';

const fiTypeOf = (product: string) =>
  product === 'revolving_line' ? ('CREDIT_CARD' as const) : ('OTHER' as const);
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

/** The last moment of a period `YYYY-MM`. */
function endOf(period: string): string {
  const [year = 0, month = 0] = period.split('-').map(Number);
  return new Date(Date.UTC(year, month, 1) - 1).toISOString();
}

function filtersOf({ purpose, limits }: AuthorisationRecord) {
  const filters: Static<typeof CONSENT_DETAIL>['DataFilter'] = [];
  if (purpose.code === 'F2') filters.push({ type: 'DAYSPASTDUE', operator: '>', value: '0' });
  if (limits.condition === 'OVERDUE_GT_1D')
    filters.push({ type: 'DAYSPASTDUE', operator: '>', value: '1' });
  if (limits.condition === 'LOAN_ACTIVE')
    filters.push({ type: 'ACCOUNTSTATUS', operator: '=', value: 'open' });
  return filters;
}

/** The ConsentDetail: what is signed. */
export function rebitDetail(exported: Exported): Static<typeof CONSENT_DETAIL> {
  const { record, ends_at, account_refs } = exported;
  const { data, limits, parties, purpose } = record;
  const fiTypes = unique(data.products.map(fiTypeOf));
  const code = limits.fetch === 'ONETIME' ? '105' : PURPOSE_CODES[purpose.code];
  const accounts = account_refs === 'ALL' ? [] : account_refs;
  return {
    consentStart: limits.starts_at,
    consentExpiry: ends_at ?? LAST_MOMENT,
    consentMode: limits.mode,
    fetchType: limits.fetch,
    consentTypes: unique(data.classes.map((name) => CONSENT_TYPES[name] ?? 'SUMMARY')),
    fiTypes,
    DataConsumer: {
      id: parties.recipient_id ?? parties.recipient_class,
      type: parties.recipient_class.toUpperCase(),
    },
    DataProvider: { id: parties.provider_id, type: 'FIP' },
    Customer: { id: `${exported.principal_ref}@${parties.provider_id}` },
    Accounts: accounts.map((ref) => ({
      fiType: fiTypes[0] ?? 'OTHER',
      fipId: parties.provider_id,
      accType: data.products.join(' '),
      linkRefNumber: ref,
      maskedAccNumber: `XXXX${ref.slice(-4)}`,
    })),
    Purpose: {
      code,
      refUri: `https://api.rebit.org.in/aa/purpose/${code}.xml`,
      text: PURPOSE_TEXTS[purpose.code],
      Category: { type: purpose.code },
    },
    FIDataRange: {
      from: data.range_from === null ? FIRST_MOMENT : `${data.range_from}-01T00:00:00.000Z`,
      to: data.range_to === null ? (ends_at ?? LAST_MOMENT) : endOf(data.range_to),
    },
    DataLife: limits.data_life
      ? { unit: limits.data_life.unit, value: limits.data_life.n }
      : { unit: 'INF', value: 0 },
    ...(limits.frequency
      ? { Frequency: { unit: limits.frequency.unit, value: limits.frequency.n } }
      : {}),
    DataFilter: filtersOf(record),
  };
}

/**
 * The artefact around a detail.
 * @param signature compact JWS over `rebitDetail`
 */
export function exportRebit(exported: Exported, signature: string): RebitArtefact {
  const { record, use } = exported;
  return {
    ver: '2.0.0',
    timestamp: exported.moment,
    txnid: record.arrangement_id,
    consentId: record.authorisation_id,
    status: STATUSES[exported.state],
    ConsentDetail: rebitDetail(exported),
    consentDetailDigitalSignature: signature,
    ConsentUse: {
      logUri: `/v1/authorisations/${record.authorisation_id}`,
      count: use.count,
      lastUseDateTime: use.last_used_at,
    },
  };
}
