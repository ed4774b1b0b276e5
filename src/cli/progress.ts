/**
 * Progress of long work on standard error: step, bar, amount, rate, time left. On a terminal
 * alone, in one line that is gone when the result is printed.
 */
import type { Progress } from '../gateway/gateway.ts';

const WIDTH = 24;
const SHOW_EVERY_MS = 250;
/** Before this much time a rate says nothing. */
const RATE_AFTER_MS = 1_000;

type Unit = NonNullable<Parameters<Progress>[3]>;

interface Step {
  readonly name: string;
  readonly startedAt: number;
  readonly from: number;
  done: number;
  total: number | null;
  unit: Unit;
}

let clear: (() => void) | null = null;

/** Takes the line away; whoever prints a result or a failure calls it first. */
export function clearProgress(): void {
  clear?.();
  clear = null;
}

function amountText(amount: number, unit: Unit): string {
  if (unit !== 'bytes') return `${Math.round(amount).toLocaleString('en')} ${unit}`;
  return `${(amount / 1e6).toLocaleString('en', { maximumFractionDigits: 1 })} MB`;
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  return whole < 90 ? `${whole} s` : `${Math.ceil(whole / 60)} min`;
}

/** One line, without its end. @param now milliseconds on the clock of `startedAt` */
export function progressLine(step: Step, now: number): string {
  const elapsed = now - step.startedAt;
  const parts = [step.name];
  if (step.total !== null && step.total > 0) {
    const share = Math.min(1, step.done / step.total);
    const filled = Math.floor(share * WIDTH);
    parts.push(`${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`);
    parts.push(`${Math.floor(share * 100)} %`);
  }
  if (step.done > 0) parts.push(amountText(step.done, step.unit));
  const gone = step.done - step.from;
  if (gone > 0 && elapsed > RATE_AFTER_MS) {
    const perSecond = (gone / elapsed) * 1000;
    if (step.unit !== 'parts') parts.push(`${amountText(perSecond, step.unit)}/s`);
    if (step.total !== null && step.total >= step.done)
      parts.push(`${timeText((step.total - step.done) / perSecond)} left`);
  } else if (elapsed > RATE_AFTER_MS) parts.push(timeText(elapsed / 1000));
  return parts.join('  ');
}

/** A progress that shows itself; silent when standard error is no terminal. */
export function progressBar(): Progress {
  if (!process.stderr.isTTY) return () => {};
  let step: Step | null = null;
  let shownAt = 0;
  const show = () => {
    if (!step) return;
    shownAt = Date.now();
    process.stderr.write(`\r\x1b[K${progressLine(step, shownAt)}`);
  };
  // Steps of the database alone report nothing on the way: the seconds show that it lives.
  const ticking = setInterval(show, 1_000);
  ticking.unref();
  clearProgress();
  clear = () => {
    clearInterval(ticking);
    step = null;
    process.stderr.write('\r\x1b[K');
  };
  return (name, done, total, unit = 'rows') => {
    const isNew = step?.name !== name;
    if (isNew) step = { name, startedAt: Date.now(), from: done, done, total, unit };
    else if (step) Object.assign(step, { done, total, unit });
    if (isNew || Date.now() - shownAt >= SHOW_EVERY_MS) show();
  };
}
