/** The exports: whole by their schema for any sound record and history, and without identity. */
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { ACCOUNT_KINDS } from '../model/record.ts';
import { exportRebit, REBIT, rebitDetail } from './export-rebit.ts';
import { exportRfc9396, RFC9396 } from './export-rfc9396.ts';
import type { Exported } from './export-terms.ts';
import { exportTs27560, type Parties, TS27560 } from './export-ts27560.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  CONDITIONS,
  DATA_CLASSES,
  EVENT_STATES,
  EVIDENCE_METHODS,
  type EventType,
  fold,
  LEGAL_BASES,
  NEXT_EVENTS,
  PURPOSE_RECIPIENTS,
  PURPOSES,
  RECIPIENT_CLASSES,
  recordProblems,
  TIME_UNITS,
  WITHDRAWAL_EFFECTS,
} from './record.ts';
import { sampleRecord } from './sample-record.ts';

const PARTIES: Parties = {
  provider: { name: 'Lender', address: '1 Street', contact: 'privacy@lender.test' },
  storage_locations: ['CN'],
  jurisdiction: 'CN',
};
/** What must not come out. */
const SECRETS = ['canary-guardian', 'canary-witness', 'canary-subject'];

const orNone = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const some = <T>(values: readonly T[]) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 });
const SPAN = fc.record({
  n: fc.integer({ min: 1, max: 1000 }),
  unit: fc.constantFrom(...TIME_UNITS),
});
const MOMENT = fc
  .date({
    min: new Date('2020-01-01T00:00:00Z'),
    max: new Date('2035-01-01T00:00:00Z'),
    noInvalidDate: true,
  })
  .map((date) => date.toISOString());
const PERIOD = MOMENT.map((moment) => moment.slice(0, 7));
const UUID = fc.uuid({ version: 4 });

const DATA = fc.record({
  classes: some(DATA_CLASSES),
  products: some(ACCOUNT_KINDS),
  accounts: fc.oneof(fc.constant('ALL' as const), fc.uniqueArray(UUID, { minLength: 1 })),
  range_from: orNone(PERIOD),
  range_to: orNone(PERIOD),
  sensitive: fc.boolean(),
});
const LIMITS = fc.record({
  mode: fc.constantFrom('STORE', 'QUERY', 'VIEW'),
  fetch: fc.constantFrom('PERIODIC', 'ONETIME'),
  frequency: orNone(SPAN),
  starts_at: MOMENT,
  expires_at: orNone(MOMENT),
  data_life: orNone(SPAN),
  onward: fc.oneof(fc.constant('NONE' as const), some(RECIPIENT_CLASSES)),
  condition: orNone(fc.constantFrom(...CONDITIONS)),
});
const RECORD = fc
  .record({
    ids: fc.tuple(UUID, UUID, orNone(UUID), UUID, orNone(UUID)),
    code: fc.constantFrom(...PURPOSES),
    profile: fc.constantFrom('CN', 'US', 'EU', 'UK', 'IN', 'STRICT'),
    basis: fc.constantFrom(...LEGAL_BASES),
    brand: orNone(fc.constantFrom('Brand', '花呗')),
    effect: fc.constantFrom(...WITHDRAWAL_EFFECTS),
    method: fc.constantFrom(...EVIDENCE_METHODS),
    method_uri: orNone(fc.constantFrom('', 'https://lender.test/withdraw')),
    shown_at: MOMENT,
    data: DATA,
    limits: LIMITS,
  })
  .map(({ ids: [authorisation_id, arrangement_id, supersedes, provider_id, recipient_id], ...r }) =>
    sampleRecord({
      ...{ authorisation_id, arrangement_id, supersedes, profile: r.profile },
      principal: { on_behalf_of: 'canary-guardian' },
      notice: { shown_at: r.shown_at },
      legal_basis: r.basis,
      parties: {
        ...{ provider_id, recipient_id, brand: r.brand },
        recipient_class: PURPOSE_RECIPIENTS[r.code][0] ?? 'registry',
      },
      purpose: { code: r.code },
      data: r.data,
      limits: r.limits as AuthorisationRecord['limits'],
      withdrawal: { effect: r.effect, method_uri: r.method_uri },
      evidence: { method: r.method, witness: 'canary-witness' },
    }),
  );

/** A legal walk through the life cycle, steered by random picks. */
function walk(record: AuthorisationRecord, picks: readonly number[]): AuthorisationEvent[] {
  const events: AuthorisationEvent[] = [];
  let state = '';
  for (const pick of picks) {
    const choices: readonly EventType[] = NEXT_EVENTS[state] ?? [];
    const type = choices[pick % Math.max(1, choices.length)];
    if (type === undefined) break;
    const at = new Date(Date.UTC(2026, 0, events.length + 1)).toISOString();
    const by_party = record.parties.provider_id;
    events.push({ seq: events.length + 1, type, at, by_party, reason: null });
    state = EVENT_STATES[type];
  }
  return events;
}

const EXPORTED: fc.Arbitrary<Exported> = fc
  .record({
    record: RECORD,
    picks: fc.array(fc.nat(100), { minLength: 1, maxLength: 8 }),
    count: fc.nat(1000),
  })
  .map(({ record, picks, count }) => {
    const events = walk(record, picks);
    const folded = fold(events);
    if (!folded.ok) throw new Error('a legal walk folds');
    const { accounts } = record.data;
    return {
      record,
      events,
      state: folded.state,
      ends_at: record.limits.expires_at,
      use: { count, last_used_at: count === 0 ? null : '2026-02-01T00:00:00.000Z' },
      principal_ref: 'a'.repeat(64),
      account_refs:
        accounts === 'ALL' ? accounts : accounts.map((_, n) => `${n}`.padStart(64, 'b')),
      moment: '2026-03-01T00:00:00.000Z',
    };
  });

describe('every export of a sound record and history', () => {
  it.each([
    ['ts27560', TS27560, (each: Exported) => exportTs27560(each, PARTIES)],
    ['rebit', REBIT, (each: Exported) => exportRebit(each, 'header.payload.signature')],
    ['rfc9396', RFC9396, (each: Exported) => exportRfc9396(each, [])],
  ] as const)('as %s is whole, and names nobody', (_, schema, make) => {
    const shape = Compile(schema);
    fc.assert(
      fc.property(EXPORTED, (exported) => {
        expect(recordProblems(exported.record)).toEqual([]);
        const made = JSON.parse(JSON.stringify(make(exported)));
        expect(shape.Errors(made)).toEqual([]);
        const text = JSON.stringify(made);
        const { accounts } = exported.record.data;
        const hidden = [...SECRETS, ...(accounts === 'ALL' ? [] : accounts)];
        expect(hidden.filter((secret) => text.includes(secret))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

const ONE: Exported = {
  record: sampleRecord(),
  events: walk(sampleRecord(), [1]),
  state: 'given',
  ends_at: null,
  use: { count: 2, last_used_at: '2026-02-01T00:00:00.000Z' },
  principal_ref: 'a'.repeat(64),
  account_refs: 'ALL',
  moment: '2026-03-01T00:00:00.000Z',
};

describe('the terms of each standard', () => {
  it('say the state in the words of each', () => {
    const renewed = { ...ONE, record: sampleRecord({ supersedes: ONE.record.authorisation_id }) };
    const stateOf = (each: Exported) => exportTs27560(each, PARTIES).event[0]?.event_state;
    expect(stateOf(ONE)).toBe('dpv:ConsentGiven');
    expect(stateOf(renewed)).toBe('dpv:RenewedConsentGiven');
    const statuses = Object.values(EVENT_STATES).map((state) => [
      state,
      exportRebit({ ...ONE, state }, 's').status,
    ]);
    expect(Object.fromEntries(statuses)).toEqual({
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
    });
  });

  it('name what is not configured where the standard makes it mandatory', () => {
    const missing = (parties: Parties, record = ONE.record) => {
      try {
        exportTs27560({ ...ONE, record }, parties);
        return null;
      } catch (error) {
        return (error as Error).message;
      }
    };
    const { provider = {} } = PARTIES;
    const { contact: _, ...silent } = provider;
    expect(missing({})).toMatch('--storage-location');
    expect(missing({ ...PARTIES, provider: {} })).toMatch('--contact');
    expect(missing({ ...PARTIES, provider: silent })).toMatch('--contact');
    expect(missing({ ...PARTIES, recipient: { name: 'Registry' } })).toMatch('--recipient-address');
    const { jurisdiction: __, ...nowhere } = PARTIES;
    expect(missing(nowhere)).toBeNull();
    expect(missing(nowhere, sampleRecord({ profile: 'STRICT' }))).toMatch('--jurisdiction');
  });

  it('carry a late month alone as a filter, and one time as its own purpose code', () => {
    const adverse = sampleRecord({ purpose: { code: 'F2' }, limits: { fetch: 'ONETIME' } });
    const detail = rebitDetail({ ...ONE, record: adverse });
    expect(detail.Purpose.code).toBe('105');
    expect(detail.DataFilter).toEqual([{ type: 'DAYSPASTDUE', operator: '>', value: '0' }]);
    const [rar] = exportRfc9396({ ...ONE, record: adverse }, [
      'https://r.test',
    ]).authorization_details;
    expect(rar).toMatchObject({ actions: ['furnish_adverse'], locations: ['https://r.test'] });
  });
});
