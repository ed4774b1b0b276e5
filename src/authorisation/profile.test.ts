/** The profiles that ship are sound; each way to be wrong is found; STRICT is the strictest. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  basisTexts,
  CONDITIONALITIES,
  isInForce,
  loadProfile,
  PROFILE_FIELDS,
  PROFILE_NAMES,
  type Profile,
  profileFlags,
  profileProblems,
} from './profile.ts';
import { WITHDRAWAL_EFFECTS } from './record.ts';

const CN = loadProfile('CN');
const copy = (changes: object = {}) => ({ ...structuredClone(CN), ...changes });

describe('the profiles that ship', () => {
  it.each(PROFILE_NAMES)('%s is whole, and each value names its source', (name) => {
    const profile = loadProfile(name.toLowerCase());
    expect(profile.name).toBe(name);
    expect(profileProblems(profile)).toEqual([]);
    for (const [field, source] of Object.entries(profile.sources))
      expect(source.length, field).toBeGreaterThan(8);
  });

  it('let consent authorise furnishing everywhere, and in China nothing else', () => {
    for (const name of PROFILE_NAMES) {
      const texts = basisTexts(loadProfile(name));
      expect(texts).toEqual(expect.arrayContaining(['consent:F1', 'consent:F2']));
    }
    expect(CN.legal_bases.map(({ basis }) => basis)).toEqual(['consent']);
  });

  it('are in force from their first day on', () => {
    expect(isInForce(CN, new Date('2021-12-31T23:59:59.999Z'))).toBe(false);
    expect(isInForce(CN, new Date('2022-01-01T00:00:00.000Z'))).toBe(true);
  });

  it('are asked for by their name alone', () => {
    expect(() => loadProfile('FR')).toThrow(expect.objectContaining({ code: 'profile_unknown' }));
    expect(() => loadProfile('../profiles/cn')).toThrow(
      expect.objectContaining({ code: 'profile_unknown' }),
    );
  });

  it('give the checks no flag when there is none', () => {
    expect(profileFlags(null)).toEqual([]);
    expect(basisTexts(null)).toEqual([]);
  });
});

describe('a profile is refused', () => {
  it.each(PROFILE_FIELDS)('without %s', (field) => {
    const { [field]: _, ...rest } = copy();
    expect(profileProblems(rest).length).toBeGreaterThan(0);
  });

  it.each(PROFILE_FIELDS)('with a value of another kind in %s', (field) => {
    expect(profileProblems(copy({ [field]: { other: 'kind' } })).join()).toContain(`/${field}`);
  });

  const sourced = PROFILE_FIELDS.filter((field) => !['name', 'title', 'sources'].includes(field));
  it.each(sourced)('without a source of %s, or with a promise of one', (field) => {
    const { [field]: _, ...sources } = CN.sources;
    expect(profileProblems(copy({ sources }))).toEqual([`/sources: names no source of ${field}`]);
    const promised = { ...CN.sources, [field]: 'to be named' };
    expect(profileProblems(copy({ sources: promised }))).toEqual([`/sources/${field}: names none`]);
  });

  const consent = { basis: 'consent', purposes: ['F1'], rows: 'all' };
  it.each([
    [{ more: 1 }, '/: '],
    [{ sources: { ...CN.sources, adlt_age: 'a slip of the pen' } }, 'adlt_age is no field'],
    [{ effective_from: '2023-02-30' }, '/effective_from: is no day'],
    [{ effective_from: 'soon' }, '/effective_from'],
    [{ conditionality: 'perhaps' }, '/conditionality'],
    [{ validity_months: 0 }, '/validity_months'],
    [{ validity_months: 1, expiry_notice_days: [30, 7] }, '/expiry_notice_days: must fit'],
    [{ expiry_notice_days: [7, 30] }, '/expiry_notice_days: must fall'],
    [{ expiry_notice_days: [7, 7] }, '/expiry_notice_days: must fall'],
    [{ asking_hours: { from: 21, to: 8 } }, '/asking_hours: must begin'],
    [{ reminders: { most: 20, days_between: 30 } }, '/reminders: must fit'],
    [{ dispute_days: { answer: 10, furnisher: 11, extension: 0 } }, '/dispute_days: the share'],
    [{ legal_bases: [] }, '/legal_bases'],
    [{ legal_bases: [{ ...consent, purposes: [] }] }, '/legal_bases/0/purposes'],
    [{ legal_bases: [{ ...consent, purposes: ['S1'] }] }, '/legal_bases/0/purposes'],
    [{ legal_bases: [{ ...consent, basis: 'silence' }] }, '/legal_bases/0/basis'],
    [{ legal_bases: [{ ...consent, purposes: ['F1', 'F1'] }] }, 'consent for F1 is listed twice'],
    [{ legal_bases: [consent, { ...consent, rows: 'adverse' }] }, 'F1 contradicts itself'],
  ])('when it is wrong: %j', (changes, problem) => {
    expect(profileProblems(copy(changes)).join('; ')).toContain(problem);
  });

  it('whenever two of its bases say different things of one purpose', () => {
    const entry = fc.record({
      basis: fc.constantFrom('consent', 'contract', 'legal_obligation'),
      purposes: fc.uniqueArray(fc.constantFrom('F1', 'F2', 'Q1'), { minLength: 1 }),
      rows: fc.constantFrom('all', 'adverse'),
    });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 4 }), (legal_bases) => {
        const pairs = legal_bases.flatMap(({ basis, purposes }) =>
          purposes.map((purpose) => `${basis} ${purpose}`),
        );
        const isClear = new Set(pairs).size === pairs.length;
        expect(profileProblems(copy({ legal_bases })).length === 0).toBe(isClear);
      }),
    );
  });
});

type Value = Profile[keyof Profile];
const never = (months: number | null) => months ?? Number.POSITIVE_INFINITY;
const lowest = <T>(values: readonly T[], rank: (value: T) => number): T =>
  [...values].sort((left, right) => rank(left) - rank(right))[0] as T;

/** The strictest value of a field among profiles: the one that protects the person most. */
const STRICTEST: Readonly<Record<string, (all: readonly Profile[]) => Value>> = {
  effective_from: (all) =>
    all
      .map((p) => p.effective_from)
      .sort()
      .at(-1) ?? '',
  adult_age: (all) => Math.max(...all.map((p) => p.adult_age)),
  guardian_may_answer: (all) => all.every((p) => p.guardian_may_answer),
  conditionality: (all) =>
    lowest(
      all.map((p) => p.conditionality),
      (each) => -CONDITIONALITIES.indexOf(each),
    ),
  written_consent: (all) => all.some((p) => p.written_consent),
  notice_change: (all) =>
    all.some((p) => p.notice_change === 'ask_again') ? 'ask_again' : 'inform',
  separate_per_recipient: (all) => all.some((p) => p.separate_per_recipient),
  adverse_notice: (all) => (all.some((p) => p.adverse_notice === 'prior') ? 'prior' : 'none'),
  expiry_notice_days: (all) =>
    lowest(
      all.map((p) => p.expiry_notice_days),
      (days) => -days.length,
    ),
  request_lapses_days: (all) => Math.min(...all.map((p) => p.request_lapses_days)),
  reminders: (all) => ({
    most: Math.min(...all.map((p) => p.reminders.most)),
    days_between: Math.max(...all.map((p) => p.reminders.days_between)),
  }),
  asking_hours: (all) => ({
    from: Math.max(...all.map((p) => p.asking_hours.from)),
    to: Math.min(...all.map((p) => p.asking_hours.to)),
  }),
  withdrawal_effect: (all) =>
    lowest(
      all.map((p) => p.withdrawal_effect),
      (each) => -WITHDRAWAL_EFFECTS.indexOf(each),
    ),
  effect_after: (all) => [...new Set(all.flatMap((p) => p.effect_after))],
  record_kept_months: (all) => Math.max(...all.map((p) => p.record_kept_months)),
  sensitive_warning: (all) => all.some((p) => p.sensitive_warning),
  adverse_entry_notice_days: (all) => Math.min(...all.map((p) => p.adverse_entry_notice_days)),
  adverse_retention: (all) => ({
    months: Math.min(...all.map((p) => p.adverse_retention.months)),
    from: all.some((p) => p.adverse_retention.from === 'first_delinquency')
      ? 'first_delinquency'
      : 'end_of_event',
  }),
  dispute_days: (all) => ({
    answer: Math.min(...all.map((p) => p.dispute_days.answer)),
    furnisher: Math.min(...all.map((p) => p.dispute_days.furnisher)),
    extension: Math.min(...all.map((p) => p.dispute_days.extension)),
  }),
  free_reports_per_year: (all) =>
    lowest(
      all.map((p) => p.free_reports_per_year),
      (each) => -never(each),
    ),
  access_history_months: (all) =>
    lowest(
      all.map((p) => p.access_history_months),
      (each) => -never(each),
    ),
  erasure_notice_hours: (all) => Math.max(...all.map((p) => p.erasure_notice_hours)),
  breach_notice_hours: (all) => Math.min(...all.map((p) => p.breach_notice_hours)),
};

describe('STRICT', () => {
  const others = PROFILE_NAMES.filter((name) => name !== 'STRICT').map(loadProfile);
  const strict = loadProfile('STRICT');
  const apart = ['name', 'title', 'sources', 'legal_bases', 'validity_months'];

  it.each(PROFILE_FIELDS.filter((field) => !apart.includes(field)))(
    'has the strictest %s of all the others',
    (field) => {
      expect(strict[field]).toEqual(STRICTEST[field]?.(others));
    },
  );

  it('allows the bases that all the others allow', () => {
    const all = others.map((profile) => new Set(basisTexts(profile)));
    const shared = basisTexts(others[0] ?? null).filter((text) =>
      all.every((own) => own.has(text)),
    );
    expect(basisTexts(strict).sort()).toEqual(shared.sort());
  });

  it('bounds an approval no longer than any other, and bounds it where none does', () => {
    const bounds = others.map((profile) => never(profile.validity_months));
    expect(strict.validity_months).not.toBe(null);
    expect(never(strict.validity_months)).toBeLessThanOrEqual(Math.min(...bounds));
  });
});
