/**
 * What the exports of an authorisation share: what goes in, and the terms of the Data Privacy
 * Vocabulary (DPV 2.3) for our words.
 *
 * What must stay true: no identity goes in: the person and the accounts come as references that
 * are made for one arrangement, so that exports of two arrangements cannot be joined.
 * Source: domain facts 3.1 to 3.6; W3C DPV 2.3, its finance sector and personal data modules.
 */
import { Type } from 'typebox';
import type {
  AuthorisationEvent,
  AuthorisationRecord,
  AuthorisationState,
  LegalBasis,
  Purpose,
  Span,
} from './record.ts';

/** One authorisation as it is exported. */
export interface Exported {
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
  /** The state at the moment: one that has reached its end is `expired`. */
  readonly state: AuthorisationState;
  /** When it ends, by its own words or by the profile's bound; ISO 8601; null: open. */
  readonly ends_at: string | null;
  readonly use: { readonly count: number; readonly last_used_at: string | null };
  /** A keyed hash for this arrangement. */
  readonly principal_ref: string;
  /** Keyed hashes for this arrangement. */
  readonly account_refs: 'ALL' | readonly string[];
  /** When the export was made; ISO 8601. */
  readonly moment: string;
}

/** Shapes that the schemas of the exports are made of. */
export const TEXT = Type.String({ minLength: 1 });
export const UUID = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
/** ISO 8601, UTC, milliseconds. */
export const MOMENT = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$',
});
export const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
export const some = <T extends Parameters<typeof Type.Array>[0]>(items: T) =>
  Type.Array(items, { minItems: 1, uniqueItems: true });

/** The prefixes of the terms below. */
export const DPV_CONTEXT = {
  dpv: 'https://w3id.org/dpv#',
  pd: 'https://w3id.org/dpv/pd#',
  loc: 'https://w3id.org/dpv/loc#',
  'sector-finance': 'https://w3id.org/dpv/sector/finance#',
} as const;

/** Only the first two are valid for processing. DPV knows no pause: its parent term says enough. */
const STATUS_TERMS: Readonly<Record<AuthorisationState, string>> = {
  given: 'dpv:ConsentGiven',
  requested: 'dpv:ConsentRequested',
  refused: 'dpv:ConsentRefused',
  lapsed: 'dpv:ConsentRequestDeferred',
  paused: 'dpv:ConsentStatusInvalidForProcessing',
  withdrawn: 'dpv:ConsentWithdrawn',
  expired: 'dpv:ConsentExpired',
  revoked_by_other: 'dpv:ConsentRevoked',
  invalidated: 'dpv:ConsentInvalidated',
  superseded: 'dpv:ConsentInvalidated',
};

/** The DPV status; one that renews another is `RenewedConsentGiven`. */
export const statusTerm = (state: AuthorisationState, record: AuthorisationRecord): string =>
  state === 'given' && record.supersedes !== null ? 'dpv:RenewedConsentGiven' : STATUS_TERMS[state];

export const PURPOSE_TERMS: Readonly<Record<Purpose, string>> = {
  F1: 'sector-finance:MaintainCreditCheckingDatabase',
  F2: 'sector-finance:MaintainCreditCheckingDatabase',
  Q1: 'sector-finance:CreditChecking',
  Q2: 'sector-finance:CreditChecking',
  Q3: 'sector-finance:DebtManagement',
  E1: 'sector-finance:CreditScoreEvaluation',
  E2: 'sector-finance:CreditHistoryEvaluation',
  R1: 'dpv:ResearchAndDevelopment',
};

export const PURPOSE_TEXTS: Readonly<Record<Purpose, string>> = {
  F1: 'Furnish the credit account to the registry',
  F2: 'Furnish late payments alone to the registry',
  Q1: 'Enquire for new credit',
  Q2: 'Monitor an open account',
  Q3: 'Collect a debt',
  E1: 'Evaluate for a lender',
  E2: 'Evaluate for the borrower',
  R1: 'De-identified research',
};

export const BASIS_TERMS: Readonly<Record<LegalBasis, string>> = {
  consent: 'dpv:ExplicitlyExpressedConsent',
  contract: 'dpv:Contract',
  legal_obligation: 'dpv:LegalObligation',
  public_task: 'dpv:OfficialAuthorityOfController',
  legitimate_interest: 'dpv:LegitimateInterest',
};

export const CLASS_TERMS: Readonly<Record<string, string>> = {
  IDENTITY: 'pd:OfficialID',
  ACCOUNT_BASIC: 'pd:FinancialAccount',
  MONTHLY_PERFORMANCE: 'pd:LoanRecord',
  HISTORY: 'pd:CreditRecord',
  ENQUIRY: 'pd:CreditStanding',
  SCORE: 'pd:CreditScore',
};

/** ISO 8601 duration of a span; null, as long as the statute says, has none. */
export function durationText(span: Span | null): string | null {
  if (span === null) return null;
  return span.unit === 'HOUR' ? `PT${span.n}H` : `P${span.n}${span.unit.charAt(0)}`;
}
