/** Test support: a sound record that a test changes where it wants. */
import type { AuthorisationRecord } from './record.ts';

/** What a test changes: any part of a section, and the two ids. */
export type RecordChanges = {
  readonly [Section in keyof AuthorisationRecord]?: AuthorisationRecord[Section] extends object
    ? Partial<AuthorisationRecord[Section]>
    : AuthorisationRecord[Section];
};

const SOUND: AuthorisationRecord = {
  schema_version: 1,
  authorisation_id: '00000000-0000-4000-8000-000000000001',
  arrangement_id: '00000000-0000-4000-8000-000000000001',
  supersedes: null,
  profile: 'CN',
  language: 'zh',
  principal: { auth_level: 'L2', on_behalf_of: null },
  notice: { id: 'n', version: 1, sha256: 'a'.repeat(64), channel: 'app', shown_at: null },
  legal_basis: 'consent',
  parties: {
    provider_id: '00000000-0000-4000-8000-0000000000aa',
    recipient_class: 'registry',
    recipient_id: null,
    brand: null,
  },
  purpose: {
    code: 'F1',
    service_conditional: false,
    necessity_text: null,
    alternative_offered: null,
  },
  data: {
    classes: ['IDENTITY', 'ACCOUNT_BASIC', 'MONTHLY_PERFORMANCE', 'HISTORY'],
    products: ['revolving_line'],
    accounts: 'ALL',
    range_from: null,
    range_to: null,
    sensitive: true,
  },
  limits: {
    mode: 'STORE',
    fetch: 'PERIODIC',
    frequency: null,
    starts_at: '2026-01-01T00:00:00.000Z',
    expires_at: null,
    data_life: null,
    onward: 'NONE',
    condition: null,
  },
  withdrawal: { effect: 'STOP_AND_RESTRICT', method_uri: null },
  evidence: { method: 'CLICK', sha256: 'b'.repeat(64), witness: null },
};

/** A sound record with the changes laid over each section. */
export function sampleRecord(changes: RecordChanges = {}): AuthorisationRecord {
  const record: Record<string, unknown> = { ...SOUND };
  for (const [section, change] of Object.entries(changes)) {
    const isSection = typeof change === 'object' && change !== null;
    const before = SOUND[section as keyof AuthorisationRecord];
    record[section] = isSection ? { ...(before as object), ...change } : change;
  }
  return record as unknown as AuthorisationRecord;
}
