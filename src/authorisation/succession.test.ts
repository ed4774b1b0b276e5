/** What may take the place of what, without a new answer of the person and with one. */
import { describe, expect, it } from 'vitest';
import type { AuthorisationEvent, AuthorisationRecord } from './record.ts';
import { type RecordChanges, sampleRecord } from './sample-record.ts';
import { fieldsBeyond, type Standing, successionFault } from './succession.ts';

const LATER = '00000000-0000-4000-8000-000000000002';
const BOUNDED: RecordChanges = {
  data: {
    classes: ['IDENTITY', 'MONTHLY_PERFORMANCE'],
    accounts: [LATER],
    range_from: '2025-01',
    range_to: '2026-12',
    sensitive: false,
  },
  parties: { recipient_id: LATER, brand: 'brand' },
  limits: {
    mode: 'QUERY',
    fetch: 'ONETIME',
    frequency: { n: 2, unit: 'MONTH' },
    expires_at: '2027-01-01T00:00:00.000Z',
    data_life: { n: 1, unit: 'YEAR' },
    onward: ['lender'],
    condition: 'LOAN_ACTIVE',
  },
};
const old = sampleRecord(BOUNDED);

/** The old record with one section changed further. */
function changed(section: keyof RecordChanges, change: object): AuthorisationRecord {
  return { ...old, [section]: { ...(old[section] as object), ...change } };
}

describe('fields beyond the answer', () => {
  it.each<[keyof RecordChanges, string, unknown]>([
    ['data', 'classes', ['IDENTITY', 'SCORE']],
    ['data', 'products', ['revolving_line', 'instalment_loan']],
    ['data', 'accounts', 'ALL'],
    ['data', 'accounts', [LATER, old.authorisation_id]],
    ['data', 'range_from', '2024-12'],
    ['data', 'range_from', null],
    ['data', 'range_to', '2027-01'],
    ['data', 'range_to', null],
    ['data', 'sensitive', true],
    ['limits', 'mode', 'STORE'],
    ['limits', 'fetch', 'PERIODIC'],
    ['limits', 'frequency', { n: 3, unit: 'MONTH' }],
    ['limits', 'frequency', { n: 1, unit: 'DAY' }],
    ['limits', 'frequency', null],
    ['limits', 'starts_at', '2026-02-01T00:00:00.000Z'],
    ['limits', 'expires_at', '2027-01-01T00:00:00.001Z'],
    ['limits', 'expires_at', null],
    ['limits', 'data_life', { n: 13, unit: 'MONTH' }],
    ['limits', 'data_life', null],
    ['limits', 'onward', ['lender', 'research']],
    ['limits', 'condition', 'OVERDUE_GT_1D'],
    ['limits', 'condition', null],
    ['parties', 'recipient_id', null],
    ['parties', 'brand', 'another'],
    ['purpose', 'service_conditional', true],
    ['principal', 'on_behalf_of', 'guardian-1'],
  ])('names %s.%s → %j', (section, field, value) => {
    expect(fieldsBeyond(changed(section, { [field]: value }), old)).toEqual([field]);
  });

  it.each<[keyof RecordChanges, object]>([
    ['data', {}],
    ['data', { classes: ['IDENTITY'], range_from: '2025-02', range_to: '2026-11' }],
    ['limits', { mode: 'VIEW', frequency: { n: 2, unit: 'YEAR' }, onward: 'NONE' }],
    ['limits', { expires_at: '2026-06-01T00:00:00.000Z', data_life: { n: 12, unit: 'MONTH' } }],
    ['withdrawal', { effect: 'STOP_AND_ERASE' }],
    ['evidence', { sha256: 'c'.repeat(64) }],
  ])('lets %s narrow to %j', (section, change) => {
    expect(fieldsBeyond(changed(section, change), old)).toEqual([]);
  });

  it('names an effect of withdrawal that protects less, and a notice that was not shown', () => {
    expect(fieldsBeyond(changed('withdrawal', { effect: 'STOP_NEW' }), old)).toEqual([
      'withdrawal_effect',
    ]);
    expect(fieldsBeyond(changed('notice', { version: 2 }), old)).toEqual(['notice_version']);
    expect(fieldsBeyond(changed('notice', { sha256: 'f'.repeat(64) }), old)).toEqual(['notice']);
  });
});

function standing(record: AuthorisationRecord, ...types: AuthorisationEvent['type'][]): Standing {
  const events = types.map((type, index) => ({
    seq: index + 1,
    type,
    at: `2026-0${record === old ? 1 : 5}-0${index + 1}T00:00:00.000Z`,
    by_party: record.parties.provider_id,
    reason: null,
  }));
  const states: Record<string, Standing['state']> = {
    resumed: 'given',
    revoked: 'revoked_by_other',
  };
  const last = types.at(-1) ?? '';
  const state = states[last] ?? (last as Standing['state']);
  return { subject_id: 's', record, events, state };
}

describe('a succession', () => {
  const wider = changed('data', { range_from: null });
  const anew: AuthorisationRecord = {
    ...wider,
    evidence: { ...wider.evidence, sha256: 'e'.repeat(64) },
    notice: { ...wider.notice, shown_at: '2026-04-30T00:00:00.000Z' },
  };
  const faultOf = (next: AuthorisationRecord, ...before: AuthorisationEvent['type'][]) =>
    successionFault(standing(next, 'given'), standing(old, ...before))?.code ?? null;

  it('may widen with a new answer alone', () => {
    expect(faultOf(wider, 'given')).toBe('amendment_unanswered');
    expect(faultOf(anew, 'given')).toBeNull();
    expect(faultOf({ ...old }, 'given')).toBeNull();
  });

  it('is no new answer without an artefact, or with a notice shown at another time', () => {
    const shown = (shown_at: string | null) => ({ ...anew, notice: { ...anew.notice, shown_at } });
    expect(faultOf({ ...anew, evidence: old.evidence }, 'given')).toBe('amendment_unanswered');
    expect(faultOf(shown(null), 'given')).toBe('amendment_unanswered');
    expect(faultOf(shown('2026-01-01T00:00:00.000Z'), 'given')).toBe('amendment_unanswered');
    expect(faultOf(shown('2026-06-01T00:00:00.000Z'), 'given')).toBe('amendment_unanswered');
  });

  it('never brings back by itself what was ended or paused', () => {
    for (const ended of ['paused', 'withdrawn', 'expired', 'revoked', 'invalidated'] as const) {
      expect(faultOf({ ...old }, 'given', ended)).toBe('amendment_unanswered');
      expect(faultOf(anew, 'given', ended)).toBeNull();
    }
  });

  it('outlives an end of the old one that came later, but for a withdrawal', () => {
    const narrower = { ...old, authorisation_id: LATER };
    const ended = (last: 'revoked' | 'withdrawn', reason: string) => {
      const before = standing(old, 'given', 'superseded', last);
      const events = before.events.map((event) =>
        event.type === 'superseded' ? { ...event, reason } : event,
      );
      return successionFault(standing(narrower, 'given'), { ...before, events })?.code ?? null;
    };
    expect(ended('revoked', LATER)).toBeNull();
    expect(ended('withdrawn', LATER)).toBe('amendment_unanswered');
    expect(ended('revoked', 'another reason')).toBe('amendment_unanswered');
  });

  it('needs the same person, purpose, arrangement, recipients and ground', () => {
    const others: AuthorisationRecord[] = [
      { ...anew, arrangement_id: LATER },
      { ...anew, purpose: { ...anew.purpose, code: 'F2' } },
      { ...anew, parties: { ...anew.parties, provider_id: LATER } },
      { ...anew, parties: { ...anew.parties, recipient_class: 'lender' } },
      { ...anew, legal_basis: 'contract' },
    ];
    for (const other of others) expect(faultOf(other, 'given')).toBe('supersedes_invalid');
    const stranger = { ...standing(anew, 'given'), subject_id: 'other' };
    expect(successionFault(stranger, standing(old, 'given'))?.code).toBe('supersedes_invalid');
    expect(faultOf(anew, 'requested')).toBe('supersedes_invalid');
  });

  it('does not begin before the newest event of what it supersedes', () => {
    const late = standing(old, 'given', 'paused', 'resumed');
    const events = late.events.map((event) => ({ ...event, at: '2026-05-02T00:00:00.000Z' }));
    const fault = successionFault(standing(anew, 'given'), { ...late, events });
    expect(fault?.code).toBe('event_backdated');
  });
});
