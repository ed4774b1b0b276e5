/** The dispute rules that ship are sound and sourced; each way to be wrong is found. */
import { describe, expect, it } from 'vitest';
import { disputeRulesOf, disputeRulesProblems } from './dispute-rules.ts';
import { loadProfile, PROFILE_NAMES } from './profile.ts';

describe('dispute rules', () => {
  it.each(PROFILE_NAMES)('of %s are whole, and fit the clock of the profile', (name) => {
    const rules = disputeRulesOf({ name });
    expect(rules.name).toBe(name);
    expect(disputeRulesProblems(rules)).toEqual([]);
    // Five business days are a week: forwarding never takes the furnisher's whole share.
    expect(rules.forward_days.days * 1.4).toBeLessThan(loadProfile(name).dispute_days.furnisher);
  });

  it('are none without a profile', () => {
    expect(() => disputeRulesOf(null)).toThrow(
      expect.objectContaining({ code: 'profile_unknown' }),
    );
  });

  const base = structuredClone(disputeRulesOf({ name: 'CN' }));
  it.each([
    [{ upheld_effect: 'maybe' }, '/upheld_effect'],
    [{ more: 1 }, '/'],
    [{ fraud_alert_months: { initial: 9, extended: 8 } }, '/fraud_alert_months'],
    [{ free_report_extras: [{ from: '2026-06-31', to: '2026-07-01', reports: 1 }] }, '/free_rep'],
    [{ sources: { ...base.sources, more: 'a source of nothing' } }, '/sources'],
    [{ sources: {} }, '/sources'],
  ])('with %j are refused', (change, place) => {
    const problems = disputeRulesProblems({ ...base, ...change });
    expect(problems.some((problem) => problem.startsWith(place))).toBe(true);
  });
});
