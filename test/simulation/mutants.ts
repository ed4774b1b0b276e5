/**
 * Deliberate faults, each of which the simulation must find.
 *
 * The seam: SQL reaches the database through one port, so a fault is an edit of SQL text on its
 * way there, and no line of `src/` knows of it. For what is no SQL (the one-row form, the order of
 * events) a value is exchanged while the simulation runs.
 *
 * What must stay true: an edit that changes no statement is an error, not a mutant that survived.
 */
import { AUTHORISATION_CHECKS, type Check, ROW_CHECKS } from '../../src/authorisation/check.ts';
import { checkInSet } from '../../src/authorisation/decide.ts';
import { type EventType, NEXT_EVENTS } from '../../src/authorisation/record.ts';
import type { Database, Session } from '../../src/database/database.ts';

export interface Mutant {
  readonly fault: string;
  /** A piece of a statement; `to` takes its place wherever it stands. */
  readonly from: string;
  readonly to: string;
}

export interface MutantDatabase extends Database {
  /** Statements that the edit changed. */
  readonly edits: () => number;
}

export function mutated(db: Database, mutants: readonly Mutant[]): MutantDatabase {
  let edits = 0;
  const edited = (text: string) => {
    const changed = mutants.reduce((sql, { from, to }) => sql.replaceAll(from, to), text);
    if (changed !== text) edits += 1;
    return changed;
  };
  const over = (session: Session): Session => ({
    query: (text, params) => session.query(edited(text), params),
    copyIn: (text, chunks) => session.copyIn(edited(text), chunks),
    copyOut: (text) => session.copyOut(edited(text)),
  });
  return {
    ...over(db),
    backend: db.backend,
    concurrency: db.concurrency,
    edits: () => edits,
    transaction: (run) => db.transaction((session) => run(over(session))),
    close: () => db.close(),
  };
}

/** A check as the gate's statements hold it. */
const checkText = (sql: string) => `(${checkInSet(sql)})`;
/** True whatever it says; its parameters stay in the statement. */
const passing = (sql: string) => `(${sql} or true)`;

/** Every check, as if it always passed. */
export const CHECK_MUTANTS: readonly Mutant[] = [...ROW_CHECKS, ...AUTHORISATION_CHECKS].map(
  ({ name, sql }) => ({
    fault: `check ${name} always passes`,
    from: checkText(sql),
    to: passing(checkText(sql)),
  }),
);

/** Slips of the pen, and forgetting what must not be forgotten. */
export const OTHER_MUTANTS: readonly Mutant[] = [
  {
    fault: 'an approval still holds at the moment it expires',
    from: 'a.expires_at > $1::timestamptz',
    to: 'a.expires_at >= $1::timestamptz',
  },
  {
    fault: 'an approval begins one moment late',
    from: 'a.starts_at <= $1::timestamptz',
    to: 'a.starts_at < $1::timestamptz',
  },
  {
    fault: 'validity ends one moment late',
    from: 'make_interval(months => $10::int) > $1::timestamptz',
    to: 'make_interval(months => $10::int) >= $1::timestamptz',
  },
  {
    fault: 'a child is an adult one day late',
    from: 'r.adult_from <= ($1',
    to: 'r.adult_from < ($1',
  },
  {
    fault: 'events count before this side learned of them',
    from: 'recorded_at <= $1::timestamptz and at',
    to: 'at',
  },
  {
    fault: 'events count before they happen',
    from: 'and at <= $1::timestamptz',
    to: '',
  },
  {
    fault: 'the first event is taken for the last',
    from: 'order by subject_id, authorisation_id, seq desc',
    to: 'order by subject_id, authorisation_id, seq',
  },
  {
    fault: 'the last period of a range is left out',
    from: 'r.period <= a.range_to',
    to: 'r.period < a.range_to',
  },
  {
    fault: 'the first period of a range is left out',
    from: 'r.period >= a.range_from',
    to: 'r.period > a.range_from',
  },
  {
    fault: 'one day late counts as more than one',
    from: 'r.days_past_due > 1',
    to: 'r.days_past_due > 0',
  },
  {
    fault: 'F2 covers months that are not late',
    from: `(a.purpose <> 'F2' or r.adverse)`,
    to: 'true',
  },
  {
    fault: 'one named recipient is taken for any',
    from: '(a.recipient_id is null or a.recipient_id = $11::uuid)',
    to: passing('(a.recipient_id is null or a.recipient_id = $11::uuid)'),
  },
  {
    fault: "another lender's approval counts",
    from: 'and a.provider_id = $2::uuid',
    to: 'and (a.provider_id = $2::uuid or true)',
  },
  { fault: 'the future is counted as use', from: 'and u.used_at <= $1::timestamptz', to: '' },
  {
    fault: 'its own use counts against a hand-over',
    from: 'and u.use_id <> $9::uuid',
    to: 'and (u.use_id <> $9::uuid or true)',
  },
  { fault: 'one use too many', from: 'a.frequency_n > (select', to: 'a.frequency_n >= (select' },
  {
    fault: 'a use exactly one unit ago counts',
    from: 'u.used_at > $1::timestamptz - a.frequency_window',
    to: 'u.used_at >= $1::timestamptz - a.frequency_window',
  },
  {
    fault: 'the oldest revision of a month is decided',
    from: 'order by account_id, revision desc',
    to: 'order by account_id, revision',
  },
  { fault: 'a necessity is taken as read', from: 'a.has_necessity', to: 'true' },
  { fault: 'an alternative is taken as read', from: 'a.has_alternative', to: 'true' },
  {
    fault: 'a refusal elsewhere is forgotten, a withdrawal is not',
    from: `d.state in ('refused', 'withdrawn')`,
    to: `d.state = 'withdrawn'`,
  },
  {
    fault: 'an old version speaks before the new one',
    from: `a.state = 'superseded', a.starts_at`,
    to: 'a.starts_at',
  },
];

/** Runs with one check's one-row form always passing, and puts it back. */
export async function withBlindCheck(
  check: Check<never>,
  run: () => Promise<unknown>,
): Promise<void> {
  const seeing = check.passes;
  const open = check as unknown as { passes: (facts: never) => boolean };
  open.passes = () => true;
  try {
    await run();
  } finally {
    open.passes = seeing;
  }
}

/** Runs with a withdrawal that a weaker end may follow, and puts it back. */
export async function withWeakWithdrawals(run: () => Promise<unknown>): Promise<void> {
  const open = NEXT_EVENTS as Record<string, readonly EventType[]>;
  open['withdrawn'] = ['expired', 'superseded'];
  try {
    await run();
  } finally {
    delete open['withdrawn'];
  }
}
/** A lender whose gate and last look let everything through. */
export const DISHONEST: readonly Mutant[] = [
  ...CHECK_MUTANTS,
  {
    fault: 'the last look sees nothing',
    from: 'is not true) ended',
    to: 'is not true and false) ended',
  },
];
