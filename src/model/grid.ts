/**
 * The monthly grid of an account: one letter a month, oldest first, derived from days past due and
 * status by the scale of the profile. Days and amounts are stored; a letter never is.
 *
 * What must stay true: a month before the opening is never a month after it; an end stands once,
 * last; a level is the level of the days. What the tape does not carry is not guessed: PBOC's `M`,
 * `D`, `Z` and `A` are never written.
 * Source: domain facts 1.5 (PBOC), 4.2 (payment history of Metro 2).
 */
import { metro2PaymentRating, pbocGridLetter } from './days-past-due.ts';
import type { MonthFacts } from './file-facts.ts';
import { addMonths, monthsBetween, periodOf, periodsBetween } from './period.ts';

export const GRID_SCALES = ['pboc', 'metro2', 'bands'] as const;
export type GridScale = (typeof GRID_SCALES)[number];

export const GRID_MONTHS = 60;

export interface Grid {
  readonly scale: GridScale;
  /** First and last period `YYYY-MM`, both included. */
  readonly from: string;
  readonly to: string;
  /** One letter for each period from `from` to `to`. */
  readonly letters: string;
}

type GridMonth = Pick<
  MonthFacts,
  'period' | 'status' | 'days_past_due' | 'balance_minor' | 'due_minor'
>;

/** Bands of thirty days from the first day late: 0, 1-29, 30-59 … 150-179, 180 and over. */
const BAND_FIRST_DAYS = [1, 30, 60, 90, 120, 150, 180];
const bandLetter = (days: number) =>
  String(BAND_FIRST_DAYS.filter((first) => days >= first).length);

interface Scale {
  /** Every letter, the best first: of several accounts in one month the last of these counts. */
  readonly order: string;
  readonly before_opening: string;
  readonly missing: string;
  readonly open: (month: GridMonth) => string;
  readonly closed: string;
  readonly transferred: string;
  readonly written_off: string;
}

const isIdle = (month: GridMonth) => month.balance_minor === 0 && month.days_past_due === 0;

const SCALES: Readonly<Record<GridScale, Scale>> = {
  pboc: {
    order: '/C*N#1234567GB',
    before_opening: '/',
    missing: '#',
    open: (month) =>
      isIdle(month) && month.due_minor === 0 ? '*' : pbocGridLetter(month.days_past_due),
    closed: 'C',
    transferred: 'G',
    written_off: 'B',
  },
  metro2: {
    order: 'BE0D123456L',
    before_opening: 'B',
    missing: 'D',
    open: (month) => (isIdle(month) ? 'E' : metro2PaymentRating(month.days_past_due)),
    // An account that ended has no letter of its own: nothing is owed, or it is another's.
    closed: 'E',
    transferred: 'D',
    written_off: 'L',
  },
  bands: {
    order: '.C0-1234567TW',
    before_opening: '.',
    missing: '-',
    open: (month) => bandLetter(month.days_past_due),
    closed: 'C',
    transferred: 'T',
    written_off: 'W',
  },
};

const hasEnded = (month: GridMonth | undefined) =>
  month?.status === 'closed' || month?.status === 'transferred';

const IDLE: GridMonth = {
  balance_minor: 0,
  days_past_due: 0,
  due_minor: 0,
  period: '',
  status: 'open',
};

/** The last month of the grid: an end that is repeated month after month stands once. */
function lastIndex(months: readonly GridMonth[]): number {
  let index = months.length - 1;
  while (index > 0 && hasEnded(months[index]) && hasEnded(months[index - 1])) index -= 1;
  return index;
}

function letterOf(scale: Scale, month: GridMonth, isLast: boolean): string {
  if (month.status === 'written_off') return scale.written_off;
  // Reinstated afterwards: the end was none.
  if (!hasEnded(month) || !isLast) return scale.open(month);
  return month.status === 'closed' ? scale.closed : scale.transferred;
}

/**
 * The grid of an account; null when no month of it is shown.
 * @param months ascending by period, one each
 * @param openedOn `YYYY-MM-DD`; when it is not known, the account begins with its first month
 */
export function gridOf(
  scale: GridScale,
  openedOn: string | null,
  months: readonly GridMonth[],
): Grid | null {
  const end = lastIndex(months);
  const last = months[end];
  const [first] = months;
  if (!last || !first) return null;
  const opened = openedOn === null ? first.period : periodOf(openedOn);
  const isOpened = (period: string) => period >= opened || period >= first.period;
  const from = addMonths(last.period, 1 - GRID_MONTHS);
  const known = new Map(months.slice(0, end + 1).map((month) => [month.period, month]));
  const chosen = SCALES[scale];
  let letters = '';
  for (const period of periodsBetween(from, last.period)) {
    const month = known.get(period);
    if (month) letters += letterOf(chosen, month, month === last);
    else letters += isOpened(period) ? chosen.missing : chosen.before_opening;
  }
  return { scale, from, to: last.period, letters };
}

/** The grid of one account, and whether it goes on after its last month. */
export interface GridPart {
  readonly grid: Grid;
  readonly is_open: boolean;
}

/** The letter of one month of several accounts. */
function worstOf(parts: readonly GridPart[], period: string, isLast: boolean, scale: Scale) {
  const letters = parts.flatMap(({ grid, is_open }) => {
    if (period > grid.to) return is_open ? [scale.missing] : [];
    return [grid.letters[monthsBetween(grid.from, period)] ?? scale.missing];
  });
  const opened = letters.filter((letter) => letter !== scale.before_opening);
  const worst = Math.max(...opened.map((letter) => scale.order.indexOf(letter)));
  const letter = scale.order[worst];
  // Nothing runs between what was paid off and what is drawn next; an end stands once, last.
  const hasGap = letter === undefined && letters.length < parts.length;
  if (hasGap || (letter === scale.closed && !isLast)) return scale.open(IDLE);
  return letter ?? scale.before_opening;
}

/**
 * The grid of several accounts together: of each month the worst letter. One that ended says
 * nothing of the months after; one that goes on without a month says that it is not known.
 * @param parts all of one scale; null of none
 */
export function combineGrids(parts: readonly GridPart[]): Grid | null {
  const [last] = parts.map(({ grid }) => grid).toSorted((a, b) => (a.to < b.to ? 1 : -1));
  if (!last) return null;
  const { scale, to } = last;
  const from = addMonths(to, 1 - GRID_MONTHS);
  const letters = periodsBetween(from, to).map((period) =>
    worstOf(parts, period, period === to, SCALES[scale]),
  );
  return { scale, from, to, letters: letters.join('') };
}
