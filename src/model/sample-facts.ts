/** Test support: sound facts that a test changes where it wants. */
import type { AccountFacts, FileFacts, MonthFacts } from './file-facts.ts';

/** An open month, current, with a hundred owed. @param period `YYYY-MM` */
export function sampleMonth(period: string, over: Partial<MonthFacts> = {}): MonthFacts {
  return {
    as_of: `${period}-28`,
    balance_minor: 100,
    borrowed_minor: null,
    days_past_due: 0,
    due_minor: null,
    first_delinquency_on: null,
    five_class: null,
    last_paid_on: null,
    limit_minor: null,
    paid_minor: null,
    past_due_minor: null,
    period,
    revision: 1,
    status: 'open',
    ...over,
  };
}

/** A revolving line opened on New Year's Day 2020, without months. */
export function sampleAccount(over: Partial<AccountFacts> = {}): AccountFacts {
  return {
    account_id: '00000000-0000-4000-8000-0000000000a1',
    brand: null,
    claims: [],
    closed_on: null,
    currency: 'CNY',
    kind: 'revolving_line',
    lender: {
      licence_id: 'L1',
      name: 'Lender',
      participant_id: '00000000-0000-4000-8000-0000000000f1',
    },
    months: [],
    opened_on: '2020-01-01',
    original_amount_minor: null,
    term_months: null,
    ...over,
  };
}

/** A file of nothing but what the test puts in. */
export function sampleFacts(over: Partial<FileFacts> = {}): FileFacts {
  return {
    accounts: [],
    at: '2026-03-05T00:00:00.000Z',
    blocks: [],
    claims: [],
    hidden: [],
    incomplete_since: null,
    known_accounts: over.accounts?.length ?? 0,
    looks: [],
    statements: [],
    ...over,
  };
}
