/**
 * A fault: what is wrong with a row, said so that a lender's engineer can mend it.
 *
 * What must stay true: no field of a fault holds a value of the row; `found` names the class of
 * the value only (for example "empty", "not a date", "negative").
 */
import type { RecordKind } from './record.ts';

export const SEVERITIES = ['reject', 'hold', 'warn'] as const;
/** reject: the row is lost until corrected · hold: kept aside for a decision · warn: accepted. */
export type Severity = (typeof SEVERITIES)[number];

export interface Fault {
  /** Rule id, for example `V05` or `T03`; the rule book explains it. */
  readonly rule: string;
  readonly severity: Severity;
  readonly kind: RecordKind | 'file';
  /** Record number in the file as a spreadsheet shows it (the header is row 1); null for the file itself. */
  readonly row: number | null;
  /** The period, for a month row cut out of a wide record. */
  readonly period: string | null;
  readonly field: string | null;
  /** The class of the offending value, never the value. */
  readonly found: string | null;
}

/** What a rule says of itself, the same wherever it is checked. */
export interface RuleText {
  readonly id: string;
  readonly version: number;
  readonly severity: Severity;
  readonly kind: RecordKind | 'file';
  readonly field: string | null;
  /** What must hold, in one sentence. */
  readonly explanation: string;
  /** What to do about a row that breaks it. */
  readonly remedy: string;
  /** First and last day on which the rule is applied (inclusive); null is open. */
  readonly effective_from: string;
  readonly effective_to: string | null;
  /** Law, standard or paper. */
  readonly source: string;
}
