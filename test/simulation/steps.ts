/**
 * The steps of an episode: each does one thing to the world and to the ledger, and compares what
 * can be compared at once. Chance comes from the steps' own generator, so a seed is a history.
 */
import { AUTHORISATION_COLUMNS, OPTIONAL_COLUMNS } from '../../src/authorisation/from-columns.ts';
import {
  type AuthorisationRecord,
  EVENT_STATES,
  type EventType,
  NEXT_EVENTS,
} from '../../src/authorisation/record.ts';
import { appendEvent } from '../../src/gateway/authorisations.ts';
import { importAuthorisations } from '../../src/gateway/import-authorisations.ts';
import { loadTape } from '../../src/gateway/load-tape.ts';
import { AssentError } from '../../src/model/error.ts';
import type { Seeded } from '../../src/world/seeded.ts';
import { bytesOf, canonical, tapeText } from '../pair.ts';
import { fail } from './hand-over-check.ts';
import type { Account, Answer, BookMonth, Ledger, Person } from './ledger.ts';
import { narrowedRecord } from './life.ts';
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

const DAY_MS = 86_400_000;
const START = '2026-01-10T00:00:00.000Z';
/** Fewer restrictions of an approval have to do with days of a life than with the steps. */
const calendar = {
  day: (n: number) => new Date(Date.parse(START) + n * DAY_MS).toISOString(),
  periods: ['2026-01', '2026-02', '2026-03'] as const,
  waves: [],
};

export function say(episode: Episode, text: string): void {
  episode.log.push(`${episode.world.clock} ${text}`);
}

/** Time moves forward; at least so much that two steps are told apart. */
export function tick({ world, random }: Episode, days: number): void {
  const ms = 1 + Math.floor(random.unit() * days) * DAY_MS + (days > 0 ? random.between(0, 5) : 0);
  world.clock = new Date(Date.parse(world.clock) + ms).toISOString();
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

/** An authorisation as lines of the import, one an event. */
function linesOf(record: AuthorisationRecord, answer: Pick<Answer, 'person' | 'happenings'>) {
  const { purpose, data, limits, notice, parties } = record;
  const first: Record<string, string> = {
    legal_basis: record.legal_basis,
    purpose: purpose.code,
    recipient_class: parties.recipient_class,
    recipient_id: parties.recipient_id ?? '',
    products: data.products.join(';'),
    accounts: data.accounts === 'ALL' ? 'ALL' : data.accounts.join(';'),
    classes: data.classes.join(';'),
    range_from: data.range_from ?? '',
    range_to: data.range_to ?? '',
    mode: limits.mode,
    fetch: limits.fetch,
    frequency: limits.frequency ? `${limits.frequency.n}/${limits.frequency.unit}` : '',
    starts_at: limits.starts_at,
    expires_at: limits.expires_at ?? '',
    condition: limits.condition ?? '',
    notice_id: notice.id,
    notice_version: String(notice.version),
    notice_sha256: notice.sha256,
    language: record.language,
    channel: notice.channel,
    evidence_method: 'click',
    evidence_sha256: record.evidence.sha256,
    service_conditional: String(purpose.service_conditional),
    necessity_text: purpose.necessity_text ?? '',
    alternative_offered: purpose.alternative_offered ?? '',
  };
  return answer.happenings.map(
    ({ type, at }, index): Record<string, string> => ({
      authorisation_id: record.authorisation_id,
      subject_ref: `c${answer.person.number}`,
      event: type,
      event_at: at,
      ...(index === 0 ? first : {}),
    }),
  );
}

const COLUMNS = [...AUTHORISATION_COLUMNS, ...Object.keys(OPTIONAL_COLUMNS)];
const csv = (lines: readonly Record<string, string>[]) =>
  [COLUMNS, ...lines.map((line) => COLUMNS.map((column) => line[column] ?? ''))]
    .map((fields) => fields.join(','))
    .join('\n');

async function importLines(episode: Episode, side: 0 | 1, lines: Record<string, string>[]) {
  return importAuthorisations(episode.world.gateways[side], bytesOf(`${csv(lines)}\n`));
}

/** So many times somebody is asked; the answers come as an import. */
export async function ask(episode: Episode, side: 0 | 1, times: number): Promise<void> {
  const { random, world } = episode;
  const ledger = episode.ledgers[side];
  const known = ledger.accounts.filter((account) => isInBook(ledger, account));
  const lines: Record<string, string>[] = [];
  const fresh: Answer[] = [];
  for (let n = times; n > 0; n -= 1) {
    const account = known[random.between(0, Math.max(0, known.length - 1))];
    if (!account) return;
    const draft = { random, calendar, accounts: [{ account_id: account.ref }] };
    const record = narrowedRecord(draft, random.uuid(), random.pick([0, 0, 0, 1, 1, 2]));
    const { accounts } = record.data;
    // A number that is not in the book would be a fault of the file.
    const isNamed = accounts !== 'ALL' && accounts.includes(account.ref);
    const named = accounts === 'ALL' || isNamed ? accounts : [known[0]?.ref ?? account.ref];
    const terms = {
      ...record,
      notice: { ...record.notice, version: noticeVersion(episode) },
      parties: { ...record.parties, provider_id: ledger.furnisher_id },
      data: { ...record.data, accounts: named },
    };
    const type: EventType = random.chance(0.75) ? 'given' : 'requested';
    const happening = { seq: 1, type, at: earlier(episode, 3), recorded_at: world.clock };
    const answer: Answer = {
      record: terms,
      person: account.person,
      happenings: [happening],
      told: [],
      uses: { gateway: [], registry: [] },
    };
    fresh.push(answer);
    lines.push(...linesOf(terms, answer));
  }
  const report = await importLines(episode, side, lines);
  say(episode, `furnisher ${side} asks ${fresh.map((each) => told(each)).join(', ')}`);
  if (report.stored !== fresh.length) fail('an import was not taken', { report, lines });
  ledger.answers.push(...fresh);
  const again = await importLines(episode, side, lines);
  if (again.stored !== 0 || again.unchanged !== fresh.length) fail('imported twice', { again });
}

const told = ({ record, person, happenings }: Answer) =>
  `c${person.number} ${record.purpose.code} ${happenings.at(-1)?.type} (${record.authorisation_id.slice(0, 8)})`;

const isInBook = (ledger: Ledger, account: Account) =>
  ledger.periods().some((period) => ledger.months(account.ref, period).length > 0);

function noticeVersion({ world, random }: Episode): number {
  const current = world.notices['n'] ?? 2;
  return random.chance(0.9) ? current : current - 1;
}

/** A moment in the last days: what is known now may have happened a while ago. */
function earlier({ world, random }: Episode, days: number): string {
  return new Date(Date.parse(world.clock) - random.between(0, days) * DAY_MS).toISOString();
}

/**
 * Something happens to an approval, through the API's function; sometimes it is then told again,
 * exactly (nothing changes) or altered (refused, whatever it is).
 */
export async function happen(
  episode: Episode,
  side: 0 | 1,
  wanted: EventType | null,
): Promise<void> {
  const { random, world } = episode;
  const open = episode.ledgers[side].answers.filter(({ happenings }) =>
    nextOf(happenings).some((type) => wanted === null || type === wanted),
  );
  const answer = open[random.between(0, Math.max(0, open.length - 1))];
  if (!answer) return;
  const { happenings, record } = answer;
  const [first, ...others] = nextOf(happenings).filter((type) => !wanted || type === wanted);
  if (first === undefined) return;
  const last = happenings.at(-1);
  const seq = happenings.length + 1;
  const type = random.pick([first, ...others]);
  const guess = earlier(episode, 2);
  const at = last && last.at > guess ? last.at : guess;
  const event = { event: type, event_at: at };
  const gateway = world.gateways[side];
  const stored = await appendEvent(gateway, record.authorisation_id, event);
  happenings.push({ seq, type, at, recorded_at: world.clock });
  say(episode, `furnisher ${side}: ${told(answer)}`);
  if (stored.result !== 'stored' || stored.state !== EVENT_STATES[type])
    fail('an event was not taken', { stored, event });
  if (random.chance(0.3)) {
    const again = await appendEvent(gateway, record.authorisation_id, event);
    if (again.result !== 'unchanged') fail('an exact replay changed something', { again, event });
  }
  if (random.chance(0.3)) await replayAltered(episode, side, answer);
}

const nextOf = (happenings: Answer['happenings']): readonly EventType[] => {
  const last = happenings.at(-1)?.type as EventType | undefined;
  return NEXT_EVENTS[last === undefined ? '' : EVENT_STATES[last]] ?? [];
};

/** The same id with other terms, or another past: refused, and nothing of it is kept. */
async function replayAltered(episode: Episode, side: 0 | 1, answer: Answer): Promise<void> {
  const { random, world } = episode;
  const { record, happenings } = answer;
  const isTerms = random.chance(0.5);
  const altered = isTerms
    ? {
        ...record,
        limits: { ...record.limits, mode: 'STORE', expires_at: '2099-01-01T00:00:00.000Z' },
      }
    : record;
  const first = happenings[0];
  const past = first ? [{ ...first, at: '2025-01-01T00:00:00.000Z' }, ...happenings.slice(1)] : [];
  const lines = linesOf(altered as AuthorisationRecord, {
    person: answer.person,
    happenings: isTerms ? happenings : past,
  });
  const report = await importLines(episode, side, lines);
  if (report.stored !== 0 || report.faults[0]?.field !== 'authorisation_id')
    fail('an altered replay was not refused', { report, lines });
  const isRandom = random.chance(0.5);
  const id = isRandom ? random.uuid() : record.authorisation_id.toUpperCase();
  const event = { event: 'withdrawn', event_at: world.clock };
  const error = await appendEvent(world.gateways[side], id, event).catch(
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AssentError && error.code === 'authorisation_unknown'))
    fail('an id that is none was answered', { id });
}

/** A notice changes: approvals of older versions no longer count where the law says so. */
export function raiseNotice(episode: Episode): void {
  const { notices } = episode.world;
  notices['n'] = (notices['n'] ?? 2) + 1;
  say(episode, `the notice is now version ${notices['n']}`);
}
