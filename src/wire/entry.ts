/**
 * An authorisation on its way: the record and its events, as one JSON object in an
 * authorisation line. `subject_ref` is the gateway's subject_id.
 */
import type { AuthorisationEvent, AuthorisationRecord } from '../authorisation/record.ts';

export interface AuthorisationEntry {
  readonly subject_ref: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
}
