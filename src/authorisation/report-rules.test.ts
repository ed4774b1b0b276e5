/** The rules of reports that ship are sound; each way to be wrong is found; none is no list. */
import { describe, expect, it } from 'vitest';
import { loadProfile, PROFILE_NAMES } from './profile.ts';
import { profileDigest, purposeOf, reportRulesOf, reportRulesProblems } from './report-rules.ts';

const CN = reportRulesOf({ name: 'CN' });
const copy = (changes: object) => ({ ...structuredClone(CN), ...changes });

describe('the report rules that ship', () => {
  it.each(PROFILE_NAMES)('of %s are whole, and permit looks for new credit by Q1', (name) => {
    const rules = reportRulesOf({ name });
    expect(reportRulesProblems(rules)).toEqual([]);
    expect(rules?.name).toBe(name);
    const fresh = rules?.purposes.filter(({ kind }) => kind === 'new_credit') ?? [];
    expect(fresh.length).toBeGreaterThan(0);
    for (const { looks } of fresh) expect(looks).toContain('Q1');
    expect(rules?.blocks.freeze).toContain('new_credit');
    expect(rules?.blocks.credit_ban).toContain('new_credit');
    expect(rules?.blocks.freeze).not.toContain('account_management');
  });

  it('keep the codes of the People’s Bank apart by kind', () => {
    const kinds = (kind: string) =>
      CN?.purposes.filter((each) => each.kind === kind).map(({ code }) => code);
    expect(kinds('new_credit')).toEqual(['02', '03', '08', '20', '24', '26']);
    expect(kinds('account_management')).toEqual(['01', '21']);
  });

  it('permit nothing without a profile, and nothing that is not in the list', () => {
    expect(purposeOf(null, '02', 'report')).toBe(null);
    expect(purposeOf(loadProfile('CN'), 'marketing', 'report')).toBe(null);
    expect(purposeOf(loadProfile('CN'), '02', 'report')).toMatchObject({ kind: 'new_credit' });
  });

  it('have a digest that changes with a profile', () => {
    const digests = PROFILE_NAMES.map((name) => profileDigest(loadProfile(name)));
    expect(new Set(digests).size).toBe(PROFILE_NAMES.length);
    expect(profileDigest(loadProfile('CN'))).toBe(digests[0]);
    expect(profileDigest({ ...loadProfile('CN'), adult_age: 19 })).not.toBe(digests[0]);
  });
});

describe('report rules are refused', () => {
  const [purpose] = CN?.purposes ?? [];
  const [rule] = CN?.suppressions ?? [];
  it.each([
    [{ more: 1 }, '/: '],
    [{ grid: 'stars' }, '/grid'],
    [{ purposes: [] }, '/purposes'],
    [{ purposes: [purpose, purpose] }, '01 is listed twice'],
    [{ purposes: [{ ...purpose, looks: ['F1'] }] }, '/purposes/0/looks'],
    [{ purposes: [{ ...purpose, kind: 'own' }] }, '/purposes/0/kind'],
    [{ purposes: [{ ...purpose, source: '' }] }, '/purposes/0/source'],
    [{ blocks: { freeze: ['everything'], fraud_alert: [], credit_ban: [] } }, '/blocks/freeze'],
    [{ suppressions: [{ ...rule, period_from: '2026-01-01' }] }, 'do not follow each other'],
    [{ suppressions: [{ ...rule, repaid_by: '2026-02-30' }] }, 'do not follow each other'],
    [{ sources: { ...CN?.sources, grids: 'a slip of the pen' } }, 'grids is no field'],
    [{ sources: { ...CN?.sources, thin: undefined } }, 'thin'],
  ])('when they are wrong: %j', (changes, problem) => {
    const document: unknown = JSON.parse(JSON.stringify(copy(changes)));
    expect(reportRulesProblems(document).join('; ')).toContain(problem);
  });
});
