/**
 * Moments and spans of calendar time, in UTC, as PostgreSQL reckons them: a month after the 31st
 * is the last day of a shorter month.
 */
import type { Span } from './record.ts';

const HOUR_MS = 3_600_000;

/** The moment `span` later (earlier, when `n` is negative). */
export function addSpan(moment: Date, span: Span): Date {
  const { n, unit } = span;
  if (unit === 'HOUR') return new Date(moment.getTime() + n * HOUR_MS);
  if (unit === 'DAY') return new Date(moment.getTime() + n * 24 * HOUR_MS);
  const shifted = new Date(moment);
  const months = unit === 'YEAR' ? 12 * n : n;
  shifted.setUTCDate(1);
  shifted.setUTCMonth(shifted.getUTCMonth() + months);
  const days = new Date(
    Date.UTC(shifted.getUTCFullYear(), shifted.getUTCMonth() + 1, 0),
  ).getUTCDate();
  shifted.setUTCDate(Math.min(moment.getUTCDate(), days));
  return shifted;
}

/** `YYYY-MM` of a moment. */
export const monthOf = (moment: Date) => moment.toISOString().slice(0, 7);

/** A span as PostgreSQL reads an interval; null stays null. */
export const intervalText = (span: Span | null) =>
  span === null ? null : `${span.n} ${span.unit.toLowerCase()}`;
