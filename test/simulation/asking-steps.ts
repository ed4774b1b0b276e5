/**
 * The steps of an episode in which people answer at a lender: asked, paused, resumed, withdrawn;
 * and the same told again, exactly, altered, or of an id that is none.
 *
 * What must stay true: what is told again changes nothing, and what is altered is refused.
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
import { AssentError } from '../../src/model/error.ts';
import { bytesOf } from '../pair.ts';
import { fail, learn } from './knowledge.ts';
import {
  type Account,
  type Answer,
  approvalOf,
  arrangementOf,
  type Ledger,
  type Made,
  ofRenewed,
  type Person,
} from './ledger.ts';
import { narrowedRecord } from './life.ts';
import { stateAt } from './oracle.ts';
import { DAY_MS, despiteDeath, type Episode, say } from './steps.ts';

const START = '2026-01-10T00:00:00.000Z';
/** Fewer restrictions of an approval have to do with days of a life than with the steps. */
const calendar = {
  day: (n: number) => new Date(Date.parse(START) + n * DAY_MS).toISOString(),
  periods: ['2026-01', '2026-02', '2026-03'] as const,
  waves: [],
};

const spanText = (span: { n: number; unit: string } | null) =>
  span === null ? '' : `${span.n}/${span.unit}`;

/** Every column of the import that a record fills. */
function columnsOf(record: AuthorisationRecord): Record<string, string> {
  const { data, evidence, limits, notice, parties, principal, purpose, withdrawal } = record;
  return {
    legal_basis: record.legal_basis,
    auth_level: principal.auth_level,
    on_behalf_of: principal.on_behalf_of ?? '',
    purpose: purpose.code,
    recipient_class: parties.recipient_class,
    recipient_id: parties.recipient_id ?? '',
    brand: parties.brand ?? '',
    products: data.products.join(';'),
    accounts: data.accounts === 'ALL' ? 'ALL' : data.accounts.join(';'),
    classes: data.classes.join(';'),
    sensitive: String(data.sensitive),
    range_from: data.range_from ?? '',
    range_to: data.range_to ?? '',
    mode: limits.mode,
    fetch: limits.fetch,
    frequency: spanText(limits.frequency),
    data_life: spanText(limits.data_life),
    onward: limits.onward === 'NONE' ? 'NONE' : limits.onward.join(';'),
    starts_at: limits.starts_at,
    expires_at: limits.expires_at ?? '',
    condition: limits.condition ?? '',
    notice_id: notice.id,
    notice_version: String(notice.version),
    notice_sha256: notice.sha256,
    shown_at: notice.shown_at ?? '',
    language: record.language,
    channel: notice.channel,
    evidence_method: evidence.method,
    evidence_sha256: evidence.sha256,
    evidence_witness: evidence.witness ?? '',
    service_conditional: String(purpose.service_conditional),
    necessity_text: purpose.necessity_text ?? '',
    alternative_offered: purpose.alternative_offered ?? '',
    withdrawal_effect: withdrawal.effect,
    withdrawal_uri: withdrawal.method_uri ?? '',
  };
}

/** An authorisation as lines of the import, one an event. */
export function linesOf(record: AuthorisationRecord, number: number, events: readonly EventAt[]) {
  return events.map(
    ({ type, at }, index): Record<string, string> => ({
      authorisation_id: record.authorisation_id,
      arrangement_id: record.arrangement_id,
      supersedes: record.supersedes ?? '',
      subject_ref: `c${number}`,
      event: type,
      event_at: at,
      ...(index === 0 ? columnsOf(record) : {}),
    }),
  );
}
type EventAt = Pick<Made, 'type' | 'at'>;

const COLUMNS = [...AUTHORISATION_COLUMNS, ...Object.keys(OPTIONAL_COLUMNS)];
const csv = (lines: readonly Record<string, string>[]) =>
  [COLUMNS, ...lines.map((line) => COLUMNS.map((column) => line[column] ?? ''))]
    .map((fields) => fields.join(','))
    .join('\n');

export async function importLines(
  episode: Episode,
  side: 0 | 1,
  lines: readonly Record<string, string>[],
) {
  return importAuthorisations(episode.world.gateways[side], bytesOf(`${csv(lines)}\n`));
}

function newTerms(episode: Episode, ledger: Ledger, account: Account): AuthorisationRecord {
  const { random } = episode;
  const draft = { random, calendar, accounts: [{ account_id: account.ref }] };
  const record = narrowedRecord(draft, random.uuid(), random.pick([0, 0, 0, 0, 1, 1, 2]));
  const { accounts } = record.data;
  // A number that is not in the book would be a fault of the file.
  const isNamed = accounts !== 'ALL' && accounts.includes(account.ref);
  const others = ledger.accounts.filter((each) => isInBook(ledger, each));
  const named = accounts === 'ALL' || isNamed ? accounts : [others[0]?.ref ?? account.ref];
  const effect = random.pick([
    'STOP_NEW',
    'STOP_AND_RESTRICT',
    'STOP_AND_RESTRICT',
    'STOP_AND_ERASE',
  ] as const);
  // Half of the approvals of the young are a guardian's, for what that is worth here.
  const isGuarded = account.person.birth_date > '2000' && random.chance(0.5);
  const on_behalf_of = isGuarded ? 'guardian-1' : record.principal.on_behalf_of;
  return {
    ...record,
    principal: { ...record.principal, on_behalf_of },
    notice: { ...record.notice, ...noticeOf(episode, ledger, record) },
    parties: { ...record.parties, provider_id: ledger.furnisher_id },
    data: { ...record.data, accounts: named },
    limits: { ...record.limits, data_life: random.pick([null, null, { n: 5, unit: 'YEAR' }]) },
    withdrawal: { ...record.withdrawal, effect },
  };
}

/** So many times somebody is asked; the answers come as an import. */
export async function ask(episode: Episode, side: 0 | 1, times: number): Promise<void> {
  const { random, world } = episode;
  const ledger = episode.ledgers[side];
  const inBook = ledger.accounts.filter((account) => isInBook(ledger, account));
  const lines: Record<string, string>[] = [];
  const fresh: Answer[] = [];
  // Often those who said no before, and now say yes.
  const isBack = ({ person }: Account) =>
    ledger.answers.some(
      (each) => each.person === person && ['withdrawn', 'revoked'].includes(lastOf(each)),
    );
  const back = inBook.filter(isBack);
  const ofDead = inBook.filter(({ person }) => ledger.dead.has(person));
  let dead = 0;
  for (let n = times; n > 0; n -= 1) {
    const among = back.length > 0 && random.chance(0.5) ? back : inBook;
    const from = ofDead.length > 0 && random.chance(0.1) ? ofDead : among;
    const account = from[random.between(0, Math.max(0, from.length - 1))];
    if (!account) return;
    const record = newTerms(episode, ledger, account);
    const type: EventType = random.chance(0.85) ? 'given' : 'requested';
    const made: Made = { type, at: earlier(episode, 3), by: 'gateway', made_at: world.clock };
    lines.push(...linesOf(record, account.person.number, [made]));
    if (ledger.dead.has(account.person)) dead += 1;
    else fresh.push(answerOf(record, account.person, made));
  }
  const report = await importLines(episode, side, lines);
  say(episode, `furnisher ${side} asks ${fresh.map((each) => told(each)).join(', ')}`);
  const deceased = report.faults.filter(({ code }) => code === 'subject_deceased').length;
  if (report.stored !== fresh.length) fail('an import was not taken', { report, lines });
  if (deceased !== dead || report.faults.length !== dead)
    fail('somebody was asked who is dead', { report, lines, dead });
  ledger.answers.push(...fresh);
  const again = await importLines(episode, side, lines);
  if (again.stored !== 0 || again.unchanged !== fresh.length) fail('imported twice', { again });
}

/** An answer of which nobody but the lender knows yet. */
export const answerOf = (
  record: AuthorisationRecord,
  person: Person,
  made: Made,
  before: Answer | null = null,
  anew = true,
): Answer => ({
  ...{ record, person, before, anew },
  made: [made],
  known: { gateway: [], registry: [] },
  uses: { gateway: [], registry: [] },
});

const lastOf = ({ made }: Answer) => made.at(-1)?.type ?? '';

export const told = (answer: Answer) => {
  const { record, person } = answer;
  const id = record.authorisation_id.slice(0, 8);
  return `c${person.number} ${record.purpose.code} ${lastOf(answer)} (${id})`;
};

export const isInBook = (ledger: Ledger, account: Account) =>
  ledger.periods().some((period) => ledger.months(account.ref, period).length > 0);

/** A notice that was configured or published; now and then the one before the newest. */
function noticeOf({ world, random }: Episode, ledger: Ledger, record: AuthorisationRecord) {
  if (record.notice.id !== 'n') return {};
  const published = ledger.notices.at(-1)?.version ?? 0;
  const isPublished = published > 0 && random.chance(0.6);
  const current = isPublished ? published : (world.notices['n'] ?? 2);
  const version = Math.max(1, random.chance(0.9) ? current : current - 1);
  return { id: isPublished ? 'p' : 'n', version };
}

/** A moment in the last days: what is known now may have happened a while ago. */
export function earlier({ world, random }: Episode, days: number): string {
  return new Date(Date.parse(world.clock) - random.between(0, days) * DAY_MS).toISOString();
}

/** Where the oracle has another word for a state. */
const STORED_STATE: Readonly<Record<string, string>> = {
  pending: 'requested',
  revoked: 'revoked_by_other',
};

/** The events that may follow at the gateway, as it knows the approval now. */
function nextOf(answer: Answer, now: string): readonly EventType[] {
  const state = stateAt(approvalOf(answer, 'gateway'), now) ?? '';
  return NEXT_EVENTS[STORED_STATE[state] ?? state] ?? [];
}

/**
 * Whom an event meets: a withdrawal of what was superseded means what has taken its place. Null:
 * nothing of the arrangement is in force.
 */
function reachedBy(ledger: Ledger, answer: Answer, type: string, now: string): Answer | null {
  const stateOf = (each: Answer) => stateAt(approvalOf(each, 'gateway'), now) ?? '';
  const wasSuperseded = answer.known.gateway.some((each) => each.type === 'superseded');
  if (type !== 'withdrawn' || !wasSuperseded) return answer;
  const isInForce = (each: Answer) => ['given', 'paused'].includes(stateOf(each));
  return arrangementOf(ledger, answer).find(isInForce) ?? null;
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
  const ledger = episode.ledgers[side];
  await learn({ world, side, ledger });
  const isWanted = (type: EventType) => wanted === null || type === wanted;
  const all = ledger.answers.filter((each) => nextOf(each, world.clock).some(isWanted));
  const open = ofRenewed(random, ledger.answers, all);
  const answer = open[random.between(0, Math.max(0, open.length - 1))];
  if (!answer) return;
  const { record } = answer;
  const [first, ...others] = nextOf(answer, world.clock).filter(isWanted);
  if (first === undefined) return;
  const type = random.pick([first, ...others]);
  const reached = reachedBy(ledger, answer, type, world.clock);
  // Whether a request may take another's place is asked where that is judged.
  if (reached === null || (type === 'given' && answer.before !== null)) return;
  const { made } = reached;
  const last = made.findLast((each) => each.by === 'gateway');
  const guess = earlier(episode, 2);
  const at = last && last.at > guess ? last.at : guess;
  const event = { event: type, event_at: at };
  const gateway = world.gateways[side];
  const append = () => appendEvent(gateway, record.authorisation_id, event);
  const { value: stored, hasDied } = await despiteDeath(
    episode,
    world.stores.gateways[side],
    append,
  );
  made.push({ type, at, by: 'gateway', made_at: world.clock });
  say(episode, `furnisher ${side}: ${told(answer)}`);
  // It may have died after all was done.
  const isTaken = stored.result === 'stored' || (hasDied && stored.result === 'unchanged');
  if (!isTaken || stored.state !== EVENT_STATES[type])
    fail('an event was not taken', { stored, event });
  if (random.chance(0.3)) {
    const again = await appendEvent(gateway, record.authorisation_id, event);
    if (again.result !== 'unchanged') fail('an exact replay changed something', { again, event });
  }
  if (random.chance(0.3)) await replayAltered(episode, side, answer);
}

/** The same id with other terms, or another past: refused, and nothing of it is kept. */
async function replayAltered(episode: Episode, side: 0 | 1, answer: Answer): Promise<void> {
  const { random, world } = episode;
  const { record, made } = answer;
  const own = made.filter((each) => each.by === 'gateway');
  const [first, ...rest] = own;
  if (!first) return;
  const limits = {
    ...record.limits,
    mode: 'STORE',
    expires_at: '2099-01-01T00:00:00.000Z',
  } as const;
  const lines = random.chance(0.5)
    ? linesOf({ ...record, limits }, answer.person.number, own)
    : linesOf(record, answer.person.number, [
        { ...first, at: '2025-01-01T00:00:00.000Z' },
        ...rest,
      ]);
  const report = await importLines(episode, side, lines);
  if (report.stored !== 0 || report.faults[0]?.field !== 'authorisation_id')
    fail('an altered replay was not refused', { report, lines });
  // Another party's, another case's, nobody's: one answer.
  const other = episode.ledgers[side === 0 ? 1 : 0].answers.at(0)?.record.authorisation_id;
  const upper = record.authorisation_id.toUpperCase();
  const id = random.pick([random.uuid(), upper, other ?? upper, upper.slice(0, 35)]);
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
