/**
 * Who knows of which event: what each side's table says, held against what happened and against
 * what went over the wire.
 *
 * What must stay true: an event that is known happened, once and in the order of its party; what
 * a side made by itself (the sweep) was due; what one side made is known to the other by the end
 * of the first exchange after it. Only the moment of learning is taken from the system.
 * Source: docs/FEED.md, "The bound" and "Convergence".
 */
import {
  type Answer,
  adultFrom,
  answeredAt,
  approvalOf,
  arrangementOf,
  givenAt,
  type Known,
  type Ledger,
  type Side,
} from './ledger.ts';
import { monthsLater, stateAt } from './oracle.ts';
import type { World } from './world.ts';

/** Said once, at the head of the history, or of no help. */
const LEFT_OUT = ['law', 'keeping', 'receipt', 'schema_version', 'sha256', 'language'];
const ON_ONE_LINE = 150;

/** JSON for a reader: whatever fits on a line stands on one. */
function readable(value: unknown, indent = ''): string {
  const line = JSON.stringify(value, (key, each) => (LEFT_OUT.includes(key) ? undefined : each));
  if (line === undefined || line.length <= ON_ONE_LINE || typeof value !== 'object') return line;
  const deeper = `${indent} `;
  const entries = Object.entries(value ?? {}).filter(([key]) => !LEFT_OUT.includes(key));
  const isList = Array.isArray(value);
  const parts = entries.map(
    ([key, each]) => `${deeper}${isList ? '' : `${key}: `}${readable(each, deeper)}`,
  );
  return `${isList ? '[' : '{'}\n${parts.join('\n')}\n${indent}${isList ? ']' : '}'}`;
}

/** The system and the oracle differ, or the system with itself. @throws always */
export function fail(what: string, facts: object): never {
  throw new Error(`${what}\n${readable(facts)}`);
}

interface Place {
  readonly world: World;
  readonly side: 0 | 1;
  readonly ledger: Ledger;
  /** What a side has stored, by authorisation. */
  readonly stored?: ReadonlyMap<string, readonly StoredEvent[]>;
}

interface StoredEvent {
  readonly authorisation_id: string;
  readonly seq: number;
  readonly type: string;
  readonly at: Date;
  readonly recorded_at: Date;
  readonly by_party: string;
}

async function storedEvents(place: Place, whose: Side): Promise<StoredEvent[]> {
  const { world, side, ledger } = place;
  const { db } = whose === 'gateway' ? world.gateways[side] : world.registry;
  const { rows } = await db.query<StoredEvent>(
    `select e.authorisation_id, e.seq, e.type, e.at, e.recorded_at, e.by_party
     from authorisation_event e
     join authorisation a on a.subject_id = e.subject_id and a.authorisation_id = e.authorisation_id
     where a.provider_id = $1 order by e.authorisation_id, e.seq`,
    [ledger.furnisher_id],
  );
  return rows;
}

/** The end that time makes of an approval in this state, and since when it is due; null: none. */
function dueEnd({ world, side }: Place, answer: Answer, state: string, last: Known) {
  const { profile } = world.gateways[side];
  const { limits, principal } = answer.record;
  const isOpen = state === 'given' || state === 'paused';
  const months = profile?.validity_months ?? null;
  const ends = [
    ...(limits.expires_at === null ? [] : [limits.expires_at]),
    ...(months === null ? [] : [monthsLater(limits.starts_at, months)]),
  ].sort();
  const due: { type: string; since: string }[] = [];
  // Whoever came of age answers for themselves: what a guardian said before ends.
  const adult = `${adultFrom(answer.person.birth_date, profile?.adult_age ?? 18)}T00:00:00.000Z`;
  const [first] = answer.known.gateway;
  if (
    principal.on_behalf_of !== null &&
    (isOpen || state === 'pending') &&
    (first?.at ?? '') < adult
  )
    due.push({ type: 'invalidated', since: adult });
  if (isOpen && ends[0] !== undefined) due.push({ type: 'expired', since: ends[0] });
  if (state === 'pending') {
    const days = profile?.request_lapses_days ?? 0;
    const unanswered = new Date(Date.parse(last.at) + days * 86_400_000).toISOString();
    due.push({ type: 'lapsed', since: [...ends, unanswered].sort()[0] ?? unanswered });
  }
  return due;
}

/**
 * The ends that end others of an arrangement: a withdrawal at the registry of what was renewed here
 * ends the renewal that was given before it; a revocation there, what the lender made of it by its
 * own hand since or without the registry's knowing; a withdrawal here of what the registry does not
 * know is told to it as one of the superseded that it does know.
 */
function dueByOthers(place: Place, answer: Answer, event: StoredEvent, state: string | null) {
  const answered = answeredAt(answer);
  const given = givenAt(answer);
  const isOpen = state === 'given' || state === 'paused';
  return arrangementOf(place.ledger, answer).flatMap((other) => {
    const rows = place.stored?.get(other.record.authorisation_id) ?? [];
    return rows.flatMap((row) => {
      const { type } = row;
      if (other === answer || row.recorded_at.getTime() !== event.recorded_at.getTime()) return [];
      const isOwn = row.by_party === place.ledger.furnisher_id;
      const since = row.at.toISOString();
      const isReached = isOpen && !isOwn && answered <= since;
      const isDue =
        type === 'withdrawn'
          ? isReached || (state === 'superseded' && isOwn)
          : type === 'revoked' && isReached && answered < given;
      return isDue ? [{ type, since }] : [];
    });
  });
}

/** What no step did: the sweep ended it, or another's end. It must have been due. */
function takeSwept(place: Place, answer: Answer, event: StoredEvent, before: readonly Known[]) {
  const recorded_at = event.recorded_at.toISOString();
  const at = event.at.toISOString();
  const last = before.at(-1);
  const known = { ...answer, known: { ...answer.known, gateway: before } };
  const state = stateAt(approvalOf(known, 'gateway'), recorded_at);
  const due = [
    ...(last && state ? dueEnd(place, known, state, last) : []),
    ...dueByOthers(place, answer, event, state),
  ];
  const later = (since: string) => (last && last.at > since ? last.at : since);
  const isDue = due.some(
    ({ type, since }) => type === event.type && since <= recorded_at && later(since) === at,
  );
  if (!isDue) fail('an event that did not happen', { event, due, state, answer });
  answer.made.push({ type: event.type, at, by: 'gateway', made_at: recorded_at });
}

/** Nothing that time had ended was still open when the gateway decided. */
export function checkSwept(place: Place, decided_at: string): void {
  for (const answer of place.ledger.answers) {
    const state = stateAt(approvalOf(answer, 'gateway'), decided_at);
    const last = answer.known.gateway.findLast((each) => each.recorded_at <= decided_at);
    if (state === null || !last) continue;
    const due = dueEnd(place, answer, state, last).filter(({ since }) => since <= decided_at);
    if (due.length > 0) fail('what time has ended was not ended', { answer, due, decided_at });
  }
}

function known(place: Place, answer: Answer, whose: Side, rows: readonly StoredEvent[]): Known[] {
  const list: Known[] = [];
  const count = { gateway: 0, registry: 0 };
  for (const [index, row] of rows.entries()) {
    const by = row.by_party === place.ledger.furnisher_id ? 'gateway' : 'registry';
    const isOwn = by === whose;
    let made = answer.made.filter((each) => each.by === by)[count[by]];
    if (!made && isOwn && whose === 'gateway') {
      takeSwept(place, answer, row, list);
      made = answer.made.at(-1);
    }
    const at = row.at.toISOString();
    const recorded_at = row.recorded_at.toISOString();
    const isSame = made?.type === row.type && made.at === at && row.seq === index + 1;
    if (!made || !isSame) fail(`the ${whose} knows an event that did not happen`, { row, answer });
    if (isOwn ? recorded_at !== made.made_at : recorded_at < made.made_at)
      fail(`the ${whose} knew at another moment`, { row, made });
    count[by] += 1;
    list.push({ seq: row.seq, type: row.type, at, recorded_at, by });
  }
  const own = answer.made.filter((each) => each.by === whose).length;
  if (count[whose] < own && (rows.length > 0 || whose === 'gateway'))
    fail(`the ${whose} lost an event of its own`, { rows, answer });
  return list;
}

/** Reads what both sides know by now. */
export async function learn(place: Place): Promise<void> {
  for (const whose of ['gateway', 'registry'] as const) {
    const rows = await storedEvents(place, whose);
    const byId = Map.groupBy(rows, (row) => row.authorisation_id);
    for (const id of byId.keys()) place.ledger.answer(id);
    for (const answer of place.ledger.answers) {
      const own = byId.get(answer.record.authorisation_id) ?? [];
      answer.known[whose] = known({ ...place, stored: byId }, answer, whose, own);
    }
  }
}

/** When a side learned of the other's event number `n` (from 0); undefined: not yet. */
const learntAt = (answer: Answer, whose: Side, by: Side, n: number) =>
  answer.known[whose].filter((each) => each.by === by)[n]?.recorded_at;

/**
 * Nothing stays in force whose predecessor the person withdrew at the registry afterwards, or that
 * the lender made by its own hand of what had been revoked there.
 */
function checkRenewals({ ledger, world }: Place, answer: Answer): void {
  const state = stateAt(approvalOf(answer, 'gateway'), world.clock) ?? '';
  if (!['given', 'paused'].includes(state)) return;
  const answered = answeredAt(answer);
  const given = givenAt(answer);
  for (const other of arrangementOf(ledger, answer)) {
    const { gateway } = other.known;
    const end = gateway.find(
      ({ type, by, at }) =>
        by === 'registry' && (type === 'withdrawn' || (type === 'revoked' && at < given)),
    );
    const wasSuperseded = gateway.some(
      ({ type, seq }) => type === 'superseded' && seq < (end?.seq ?? 0),
    );
    if (end && wasSuperseded && end.at >= answered)
      fail('a renewal outlived the end of what it renewed', { answer, other });
  }
}

/**
 * Whoever withdraws the newest of an arrangement withdraws from the registry, though that may know
 * the superseded ones alone.
 */
function checkArrangementTold({ ledger }: Place, answer: Answer): void {
  const [first] = answer.known.registry;
  const superseded = answer.made.find(({ type }) => type === 'superseded');
  if (!first || !superseded || stateAfterAll(answer) !== 'superseded') return;
  const all = arrangementOf(ledger, answer);
  const withdrawn = all.flatMap(({ made }) =>
    made.filter(({ type, by }) => type === 'withdrawn' && by === 'gateway'),
  );
  for (const event of withdrawn) {
    const isLater = event.made_at >= superseded.made_at && event.made_at > first.recorded_at;
    const push = ledger.pushes.find((each) => each.asked > event.made_at);
    // What the registry itself had withdrawn ends others at the lender, of which it need not hear.
    const isHeard = all.some(({ known }) =>
      known.registry.some(
        ({ type, by, at, recorded_at }) =>
          type === 'withdrawn' &&
          (by === 'registry' ? at >= superseded.made_at : recorded_at >= event.made_at),
      ),
    );
    if (isLater && push && !isHeard)
      fail('the registry was not told of a withdrawal in the arrangement', { event, push, all });
  }
}
const stateAfterAll = (answer: Answer) => stateAt(approvalOf(answer, 'registry'), '9999');

/** What was made before an exchange is known at its end. */
export function checkTold(place: Place): void {
  const { ledger } = place;
  for (const answer of ledger.answers) {
    checkRenewals(place, answer);
    checkArrangementTold(place, answer);
    const there = answer.known.registry[0]?.recorded_at;
    if (there === undefined) continue; // It learns of nothing that no row needed.
    for (const [n, event] of answer.made.filter((each) => each.by === 'gateway').entries()) {
      const push = ledger.pushes.find(
        (each) => each.asked > event.made_at && each.settled >= there,
      );
      const learnt = learntAt(answer, 'registry', 'gateway', n);
      if (push && (learnt === undefined || learnt > push.settled))
        fail('the registry was not told', { event, push, learnt, answer });
    }
    for (const [n, event] of answer.made.filter((each) => each.by === 'registry').entries()) {
      const pull = ledger.pulls.find((each) => each.asked > event.made_at);
      const learnt = learntAt(answer, 'gateway', 'registry', n);
      if (pull && (learnt === undefined || learnt > pull.settled))
        fail('the gateway was not told', { event, pull, learnt, answer });
    }
  }
}
