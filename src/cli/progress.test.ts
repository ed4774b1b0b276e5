/** The line of progress that people see. */
import { expect, it } from 'vitest';
import { progressLine } from './progress.ts';

const step = {
  name: 'reading',
  startedAt: 0,
  from: 0,
  done: 0,
  total: null,
  unit: 'rows',
} as const;

it('shows share, amount, rate and time left', () => {
  const half = { ...step, done: 500e6, total: 1000e6, unit: 'bytes' } as const;
  expect(progressLine(half, 10_000)).toBe(
    `reading  ${'█'.repeat(12)}${'░'.repeat(12)}  50 %  500 MB  50 MB/s  10 s left`,
  );
});

it('counts from where a step went on, not from nothing', () => {
  const resumed = { ...step, from: 900, done: 1000, total: 1100 } as const;
  expect(progressLine(resumed, 10_000)).toContain('10 rows/s  10 s left');
});

it('shows the seconds of a step that says nothing of itself', () => {
  expect(progressLine(step, 500)).toBe('reading');
  expect(progressLine(step, 65_000)).toBe('reading  65 s');
  expect(progressLine(step, 200_000)).toBe('reading  4 min');
});

it('never passes the whole', () => {
  expect(progressLine({ ...step, done: 12, total: 10 }, 5_000)).toContain('100 %');
});
