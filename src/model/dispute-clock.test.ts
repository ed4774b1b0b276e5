/** The clocks of a dispute: in order, never on a weekend where business days count, moved once. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, daysLate, dueMoments, extended, lateMoments } from './dispute-clock.ts';

const moment = fc.date({
  min: new Date('2000-01-01'),
  max: new Date('2090-01-01'),
  noInvalidDate: true,
});
const days = fc.integer({ min: 0, max: 90 });
const rules = fc
  .record({
    forward: fc.record({ days, business: fc.boolean() }),
    furnisher: days,
    answer: days,
    extension: days,
    business: fc.boolean(),
  })
  .filter(({ furnisher, answer }) => furnisher <= answer);

describe('the clock', () => {
  it('runs through its stages in order, from the opening on', () => {
    fc.assert(
      fc.property(moment, rules, (openedAt, clock) => {
        const due = dueMoments(openedAt, clock);
        const times = [openedAt, due.forward_due_at, due.furnisher_due_at, due.answer_due_at].map(
          (each) => each.getTime(),
        );
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }),
    );
  });

  it('of a letter begins when it came, and leaves its furnisher a day at least', () => {
    const waited = fc.integer({ min: 0, max: 400 * 86_400_000 });
    fc.assert(
      fc.property(moment, rules, waited, (receivedAt, clock, ms) => {
        const now = new Date(receivedAt.getTime() + ms);
        const due = lateMoments(receivedAt, now, clock);
        const fresh = dueMoments(now, clock);
        expect(due.answer_due_at).toEqual(dueMoments(receivedAt, clock).answer_due_at);
        const least = Math.min(fresh.furnisher_due_at.getTime(), now.getTime() + 86_400_000);
        expect(due.furnisher_due_at.getTime()).toBeGreaterThanOrEqual(least);
        expect(due.furnisher_due_at.getTime()).toBeLessThanOrEqual(
          fresh.furnisher_due_at.getTime(),
        );
        expect(due.forward_due_at.getTime()).toBeLessThanOrEqual(due.furnisher_due_at.getTime());
        if (ms === 0 && clock.answer > 0) expect(due).toEqual(fresh);
      }),
    );
  });

  it('counts business days as somebody with a calendar does', () => {
    // A Friday: the next business days are Monday, Tuesday.
    const friday = new Date('2026-11-27T10:00:00Z');
    expect(addDays(friday, 1, true).toISOString()).toBe('2026-11-30T10:00:00.000Z');
    expect(addDays(friday, 5, true).toISOString()).toBe('2026-12-04T10:00:00.000Z');
    expect(addDays(friday, 5, false).toISOString()).toBe('2026-12-02T10:00:00.000Z');
    fc.assert(
      fc.property(moment, fc.integer({ min: 1, max: 90 }), (from, n) => {
        const to = addDays(from, n, true);
        expect([0, 6]).not.toContain(to.getUTCDay());
        let counted = 0;
        for (let t = from.getTime() + 86_400_000; t <= to.getTime(); t += 86_400_000)
          if (![0, 6].includes(new Date(t).getUTCDay())) counted += 1;
        expect(counted).toBe(n);
      }),
    );
  });

  it('is extended later or not at all', () => {
    fc.assert(
      fc.property(moment, rules, (due, clock) => {
        const later = extended(due, clock);
        if (clock.extension === 0) expect(later).toBeNull();
        else expect((later?.getTime() ?? 0) > due.getTime()).toBe(true);
      }),
    );
  });

  it('counts a day late from its first moment', () => {
    const due = new Date('2026-01-01T00:00:00Z');
    expect(daysLate(due, due)).toBe(0);
    expect(daysLate(due, new Date('2026-01-01T00:00:01Z'))).toBe(1);
    expect(daysLate(due, new Date('2026-01-03T00:00:00Z'))).toBe(2);
    expect(daysLate(due, new Date('2025-12-01T00:00:00Z'))).toBe(0);
  });
});
