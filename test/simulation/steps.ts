/**
 * The steps of an episode that have to do with time and with the book: each does one thing to the
 * world and to the ledger, and compares what can be compared at once.
 *
 * What must stay true: chance comes from the steps' own generator, so a seed is a history.
 */
import { crashing } from '../../src/database/crashing.ts';
import { loadTape } from '../../src/gateway/load-tape.ts';
import type { Seeded } from '../../src/world/seeded.ts';
import { bytesOf, canonical, type Switch, tapeText } from '../pair.ts';
import { fail } from './knowledge.ts';
import type { Account, BookMonth, Ledger, Person } from './ledger.ts';
import { monthsLater } from './oracle.ts';
import type { World } from './world.ts';

export interface Episode {
  readonly world: World;
  /** The steps' own. */
  readonly random: Seeded;
  readonly people: readonly Person[];
  readonly ledgers: readonly [Ledger, Ledger];
  /** What was done, in words. */
  readonly log: string[];
}

export const DAY_MS = 86_400_000;
export function say(episode: Episode, text: string): void {
  episode.log.push(`${episode.world.clock} ${text}`);
}

/** Time moves forward; at least so much that two steps are told apart. */
export function tick({ world, random }: Episode, days: number): void {
  const ms = 1 + Math.floor(random.unit() * days) * DAY_MS + (days > 0 ? random.between(0, 5) : 0);
  world.clock = new Date(Date.parse(world.clock) + ms).toISOString();
}

/** Runs it; now and then the database dies at some statement first, and it is asked again. */
export async function despiteDeath<T>(
  { random }: Episode,
  store: Switch,
  run: () => Promise<T>,
): Promise<{ readonly value: T; readonly hasDied: boolean }> {
  const healthy = store.current;
  if (!random.chance(0.2)) return { value: await run(), hasDied: false };
  const when = random.pick(['before', 'after'] as const);
  const dying = crashing(healthy, { statement: random.between(1, 25), when });
  store.current = dying;
  try {
    return { value: await run(), hasDied: false };
  } catch (error) {
    if (!dying.isDead()) throw error;
  } finally {
    store.current = healthy;
  }
  return { value: await run(), hasDied: true };
}

function openAccounts(episode: Episode, side: 0 | 1): void {
  const ledger = episode.ledgers[side];
  for (const person of episode.people) {
    for (let n = episode.random.between(0, 2); n > 0; n -= 1) {
      const kind = episode.random.pick(['revolving_line', 'instalment_loan'] as const);
      ledger.accounts.push({ ref: `f${side}p${person.number}a${n}`, person, kind });
    }
  }
}

function tapeRow(account: Account, period: string, month: BookMonth, isBroken: boolean) {
  const { person, kind } = account;
  const isLoan = kind === 'instalment_loan';
  const isLate = month.days_past_due > 0;
  return {
    subject_ref: `c${person.number}`,
    identity_kind: 'passport',
    identity_country: 'CN',
    identity_number: `E${String(10_000_000 + person.number)}`,
    name: `Person ${person.number}`,
    birth_date: person.birth_date,
    account_ref: account.ref,
    kind,
    currency: 'CNY',
    opened_on: '2020-01-01',
    original_amount_minor: isLoan ? '500000' : '',
    term_months: isLoan ? '24' : '',
    period,
    as_of: `${period}-28`,
    status: month.open ? 'open' : 'closed',
    limit_minor: isLoan ? '' : '100000',
    balance_minor: String(month.open ? month.balance : 0),
    paid_minor: String(month.balance),
    days_past_due: String(month.days_past_due),
    // A current month with an amount past due breaks V05, whatever else it says.
    past_due_minor: isBroken ? '-5' : isLate && month.open ? '50' : '',
    adverse_notice_on: isLate && month.told ? `${period}-20` : '',
  };
}

/** A tape of one period: new months, months that are missing, corrections, rows that are wrong. */
export async function loadSome(episode: Episode, side: 0 | 1): Promise<void> {
  const { random, world } = episode;
  const ledger = episode.ledgers[side];
  if (ledger.accounts.length === 0) openAccounts(episode, side);
  const known = ledger.periods();
  const newest = known.at(-1);
  const next = newest ? monthsLater(`${newest}-01`, 1).slice(0, 7) : '2025-12';
  const isNext = newest === undefined || random.chance(0.6);
  const period = isNext ? next : (known[random.between(0, known.length - 1)] ?? next);
  const gateway = world.gateways[side];
  const expected = { rows: 0, rejected: 0, held: 0, new: 0, corrected: 0, unchanged: 0 };
  const lines = [];
  const taken: [Account, BookMonth][] = [];
  for (const account of ledger.accounts) {
    if (random.chance(0.15)) continue;
    const before = ledger.months(account.ref, period);
    const last = before.at(-1);
    const isSame = last !== undefined && random.chance(0.4);
    const isBroken = !isSame && random.chance(0.06);
    const month = isSame ? last : newMonth(random, before.length + 1);
    lines.push(tapeRow(account, period, month, isBroken));
    expected.rows += 1;
    const isUntold =
      gateway.profile?.adverse_notice === 'prior' && month.days_past_due > 0 && !month.told;
    if (isBroken) expected.rejected += 1;
    else if (isUntold || hasGap(ledger, account, period)) expected.held += 1;
    else if (isSame) expected.unchanged += 1;
    else {
      expected[last === undefined ? 'new' : 'corrected'] += 1;
      taken.push([account, month]);
    }
  }
  if (lines.length === 0) return;
  say(episode, `furnisher ${side} loads ${period}: ${JSON.stringify(expected)}`);
  // The same file again is known by its bytes: a name nobody reads makes it another one.
  const source = {
    bytes: bytesOf(tapeText(lines)),
    name: 'tape',
    size: null,
    mapping: canonical,
    mapping_sha256: `m${episode.log.length}`,
  };
  const options = { check: false, sign_off: 'simulated', progress: () => {} };
  const { counts } = await loadTape(gateway, source, options);
  for (const [name, n] of Object.entries(expected)) {
    if (counts[name as keyof typeof expected] !== n)
      fail(`the tape's ${name} is not ${n}`, { period, counts, expected, lines });
  }
  for (const [account, month] of taken) {
    const key = `${account.ref} ${period}`;
    ledger.book.set(key, [...ledger.months(account.ref, period), month]);
  }
}

function newMonth(random: Seeded, revision: number): BookMonth {
  return {
    revision,
    days_past_due: random.pick([0, 0, 0, 1, 2, 35]),
    open: random.chance(0.8),
    told: random.chance(0.7),
    // Another amount each time, so that a new revision is one.
    balance: random.between(1, 90_000),
  };
}

/** V13: an earlier month is there, the one right before is not. */
function hasGap(ledger: Ledger, account: Account, period: string): boolean {
  const before = monthsLater(`${period}-01`, -1).slice(0, 7);
  const earlier = ledger
    .periods()
    .filter((each) => each < period && ledger.months(account.ref, each).length > 0);
  return earlier.length > 0 && !earlier.includes(before);
}
