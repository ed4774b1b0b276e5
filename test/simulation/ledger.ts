/**
 * What the simulation itself knows of an episode: who there is, what was loaded, answered, ended
 * and handed over. The oracles read this and nothing of the system's, save what only the system
 * can know: which of several covering approvals it took, and when each side learned of an event
 * (`knowledge.ts`, which holds it against the wire).
 */
import type { AuthorisationRecord } from '../../src/authorisation/record.ts';
import type { Seeded } from '../../src/world/seeded.ts';
import type { Held } from './file-oracle.ts';
import { type Approval, type Happening, monthsLater, type Row } from './oracle.ts';

export interface Person {
  readonly number: number;
  /** `YYYY-MM-DD` */
  readonly birth_date: string;
}

export interface Account {
  readonly ref: string;
  readonly person: Person;
  readonly kind: 'revolving_line' | 'instalment_loan';
}

export interface BookMonth {
  readonly revision: number;
  readonly days_past_due: number;
  readonly open: boolean;
  /** The person was told before (rule V14). */
  readonly told: boolean;
  readonly balance: number;
}

/** The two programs; each makes events of its own. */
export type Side = 'gateway' | 'registry';

/** Something that happened to an approval, and the moment at which its side wrote it down. */
export interface Made {
  readonly type: string;
  readonly at: string;
  readonly by: Side;
  readonly made_at: string;
}

/** As one side knows it. */
export interface Known extends Happening {
  readonly by: Side;
}

export interface Use {
  readonly use_id: string;
  readonly used_at: string;
}

export interface Answer {
  readonly record: AuthorisationRecord;
  /** In whose place it was given, or is asked for. */
  readonly before: Answer | null;
  /** The person answered to it, and not the lender by an answer to the one before. */
  readonly anew: boolean;
  readonly person: Person;
  /** In the order in which it was made. */
  readonly made: Made[];
  /** In the order in which each side learned of it. */
  readonly known: { gateway: readonly Known[]; registry: readonly Known[] };
  /** Uses of its own as each side counts them; those of the one before may count as well. */
  readonly uses: { readonly gateway: Use[]; readonly registry: Use[] };
}

/** What was asked for at `asked` and was done at `settled`: a push, or a pull of the feed. */
export interface Exchange {
  readonly asked: string;
  readonly settled: string;
}

/** One lender's side of an episode. */
export class Ledger {
  readonly accounts: Account[] = [];
  /** Newest last, by account and period. */
  readonly book = new Map<string, BookMonth[]>();
  readonly answers: Answer[] = [];
  /** How a revision that went ended, by account, period and revision. */
  readonly outcomes = new Map<string, string>();
  /** What the registry must hold of this lender, by account and period. */
  readonly held = new Map<string, Held>();
  /** Accounts of which the registry stored a month, ever. */
  readonly stored = new Set<string>();
  /** Since when this gateway has an endpoint for webhooks, and when some were delivered last. */
  registered: string | null = null;
  tried = '';
  /** How many events of each approval the registry knew when what it holds was compared last. */
  readonly settled = new Map<Answer, number>();
  /** Who is recorded as dead here, and since when. */
  readonly dead = new Map<Person, string>();
  /** Versions of this lender's notice `p`, oldest first. */
  readonly notices: { version: number; material: boolean; published_at: string }[] = [];
  /** Ids of hand-overs that were checked. */
  readonly checked = new Set<string>();
  /** Exchanges with the registry that came to their end. */
  readonly pushes: Exchange[] = [];
  readonly pulls: Exchange[] = [];
  readonly furnisher_id: string;

  constructor(furnisher_id: string) {
    this.furnisher_id = furnisher_id;
  }

  months(account: string, period: string): BookMonth[] {
    return this.book.get(`${account} ${period}`) ?? [];
  }

  periods(): string[] {
    return [...new Set([...this.book.keys()].map((key) => key.split(' ')[1] ?? ''))].sort();
  }

  /** Accounts with a month in the period. */
  rows(period: string): Account[] {
    return this.accounts.filter((account) => this.months(account.ref, period).length > 0);
  }

  row(account: Account, period: string, month: BookMonth, adultAge: number | null): Row {
    return {
      account: account.ref,
      kind: account.kind,
      period,
      days_past_due: month.days_past_due,
      open: month.open,
      adult_from: adultAge === null ? null : adultFrom(account.person.birth_date, adultAge),
    };
  }

  /** Approvals of a person, as one side knows them. */
  approvals(person: Person, side: Side): Approval[] {
    return this.answers
      .filter((answer) => answer.person === person)
      .map((answer) => approvalOf(answer, side))
      .filter(({ happenings }) => happenings.length > 0);
  }

  answer(id: string): Answer {
    const answer = this.answers.find((each) => each.record.authorisation_id === id);
    if (!answer) throw new Error(`nobody gave ${id}`);
    return answer;
  }

  /** The oldest version of each notice that authorised here at a moment. */
  noticesAt(now: string, configured: Readonly<Record<string, number>>): Record<string, number> {
    const material = this.notices.filter((each) => each.material && each.published_at <= now);
    return { ...configured, p: material.at(-1)?.version ?? 0 };
  }

  /** What the registry must hold of an account, oldest period first. */
  heldOf(account: string): Held[] {
    return [...this.held.values()]
      .filter((month) => month.account === account)
      .sort((left, right) => (left.period < right.period ? -1 : 1));
  }
}

/** Own uses, and those of the one before where nobody answered anew: the arrangement goes on. */
function usesOf({ uses, before, anew }: Answer, side: Side): readonly Use[] {
  return before === null || anew ? uses[side] : [...usesOf(before, side), ...uses[side]];
}

export const approvalOf = (answer: Answer, side: Side): Approval => ({
  terms: answer.record,
  happenings: answer.known[side],
  uses: usesOf(answer, side),
});

/** When it was given, by whom ever; empty before that. */
export const givenAt = ({ made }: Answer): string =>
  made.find(({ type }) => type === 'given')?.at ?? '';

/** When the person answered to it; what nobody answered to rests on the answer before. */
export const answeredAt = (answer: Answer): string =>
  answer.before === null || answer.anew ? givenAt(answer) : answeredAt(answer.before);

/** Those of the same arrangement, itself among them. */
export const arrangementOf = (ledger: Ledger, { record }: Answer): Answer[] =>
  ledger.answers.filter((each) => each.record.arrangement_id === record.arrangement_id);

/** Some of these, now and then those alone of which there was another before or after them. */
export function ofRenewed<T extends { readonly before: T | null }>(
  random: Seeded,
  all: readonly T[],
  list: readonly T[],
): readonly T[] {
  const replaced = new Set(all.map(({ before }) => before));
  const ofMany = list.filter((each) => each.before !== null || replaced.has(each));
  return ofMany.length > 0 && random.chance(0.5) ? ofMany : list;
}

/** Whether a side knows that it was given, ever. */
export const wasGiven = ({ known }: Answer, side: Side): boolean =>
  known[side].some(({ type }) => type === 'given');

/** All that is kept in the clear of a birth date: the month after the birthday. */
export function adultFrom(birthDate: string, age: number): string {
  return `${monthsLater(`${birthDate}T`, age * 12 + 1).slice(0, 7)}-01`;
}
