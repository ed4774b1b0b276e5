/**
 * What the simulation itself knows of an episode: who there is, what was loaded, answered and
 * handed over. The oracle reads this and nothing of the system's, save what only the system can
 * know: which of several covering approvals it took, and when each side learned of an event.
 */
import type { AuthorisationRecord } from '../../src/authorisation/record.ts';
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

export interface Answer {
  readonly record: AuthorisationRecord;
  readonly person: Person;
  /** As the gateway learned of them. */
  readonly happenings: Happening[];
  /** When the registry learned of the first `n`, in order. */
  readonly told: string[];
  /** Uses as each side counts them. */
  readonly uses: { readonly gateway: Use[]; readonly registry: Use[] };
}
interface Use {
  readonly use_id: string;
  readonly used_at: string;
}

/** One lender's side of an episode. */
export class Ledger {
  readonly accounts: Account[] = [];
  /** Newest last, by account and period. */
  readonly book = new Map<string, BookMonth[]>();
  readonly answers: Answer[] = [];
  /** How a revision that went ended, by account, period and revision. */
  readonly outcomes = new Map<string, string>();
  /** Ids of hand-overs that were checked. */
  readonly checked = new Set<string>();
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
  approvals(person: Person, side: 'gateway' | 'registry'): Approval[] {
    return this.answers
      .filter((answer) => answer.person === person)
      .map(({ record, happenings, told, uses }) => ({
        terms: record,
        happenings:
          side === 'gateway'
            ? happenings
            : told.flatMap((recorded_at, index) => {
                const known = happenings[index];
                return known ? [{ ...known, recorded_at }] : [];
              }),
        uses: uses[side],
      }))
      .filter(({ happenings: known }) => known.length > 0);
  }

  answer(id: string): Answer {
    const answer = this.answers.find((each) => each.record.authorisation_id === id);
    if (!answer) throw new Error(`nobody gave ${id}`);
    return answer;
  }
}

/** All that is kept in the clear of a birth date: the month after the birthday. */
export function adultFrom(birthDate: string, age: number): string {
  return `${monthsLater(`${birthDate}T`, age * 12 + 1).slice(0, 7)}-01`;
}
