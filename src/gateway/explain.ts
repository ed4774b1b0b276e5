/**
 * Why a row was released or withheld, at any moment: the decision, each authorisation that was
 * considered with the first check it failed, and the events behind it.
 *
 * What must stay true: the answer is that of the gate, by the one-row form of the same checks over
 * what this gateway knew at the moment (a property test compares them); of the book it sees the
 * newest revision, as the gate does. No identity is in it.
 */
import {
  type Act,
  AUTHORISATION_CHECKS,
  type AuthorisationFacts,
  ROW_CHECKS,
  type RowFacts,
  reasonOf,
} from '../authorisation/check.ts';
import { decideOne } from '../authorisation/decide.ts';
import { checkWords, reasonWords, type Words } from '../authorisation/plain-words.ts';
import type { AuthorisationEvent, AuthorisationRecord } from '../authorisation/record.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { firstDay, isPeriod } from '../model/period.ts';
import { furnishing, NO_USE } from './gate.ts';
import type { Gateway } from './gateway.ts';

/** One authorisation beside one row. */
export interface Candidate {
  readonly authorisation_id: string;
  /** The first check that failed, by name; null: all hold. */
  readonly check: string | null;
  readonly reason: string | null;
  readonly words: Words;
}

export interface ExplainedRow {
  readonly account_ref: string;
  readonly period: string;
  /** Set when released. */
  readonly authorisation_id: string | null;
  /** Null when released. */
  readonly reason: string | null;
  readonly words: Words;
  /** The check that bars the row whatever was approved; null when none does. */
  readonly barred_by: string | null;
  readonly candidates: readonly Candidate[];
}

export interface ExplainedEvent extends AuthorisationEvent {
  /** When this gateway learned of it. */
  readonly recorded_at: string;
  /** Of the event, chained to those before; lower-case hex. */
  readonly hash: string;
}

export interface ExplainedAuthorisation {
  readonly authorisation_id: string;
  readonly arrangement_id: string;
  readonly supersedes: string | null;
  readonly purpose: string;
  /** At the moment. */
  readonly state: string;
  readonly events: readonly ExplainedEvent[];
}

export interface Explanation {
  readonly moment: string;
  readonly profile: string | null;
  readonly rows: readonly ExplainedRow[];
  readonly authorisations: readonly ExplainedAuthorisation[];
}

interface BookRow extends RowFacts {
  readonly tape_ref: string;
}

/** Rows of one person: $1 the person, $2 one account and $3 one period, or null for all. */
const ROWS_OF_PERSON = `
  select k.subject_id, k.account_id as account_ref, k.account_ref as tape_ref, k.kind,
         to_char(m.period, 'YYYY-MM') as period, m.days_past_due, m.status = 'open' as active,
         c.adult_from
  from account k
  join customer c on c.subject_id = k.subject_id
  join (select distinct on (m.account_id, m.period) m.account_id, m.period, m.days_past_due,
               m.status
        from account_month m join account o on o.account_id = m.account_id
        where o.subject_id = $1::uuid and ($2::uuid is null or o.account_id = $2::uuid)
          and ($3::date is null or m.period = $3::date)
        order by m.account_id, m.period, m.revision desc) m on m.account_id = k.account_id
  where k.subject_id = $1::uuid
  order by k.account_ref, m.period`;

/** What was known of a person's authorisations at $3: events that had happened and were recorded. */
const AUTHORISATIONS_OF_PERSON = `
  select r.record, jsonb_agg(jsonb_build_object('seq', e.seq, 'type', e.type,
           'at', to_char(e.at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'recorded_at', to_char(e.recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
           'by_party', e.by_party, 'reason', e.reason, 'state', e.state,
           'hash', encode(e.hash, 'hex')) order by e.seq) as events
  from authorisation a
  join authorisation_record r on r.subject_id = a.subject_id
    and r.authorisation_id = a.authorisation_id
  join authorisation_event e on e.subject_id = a.subject_id
    and e.authorisation_id = a.authorisation_id
  where a.subject_id = $1::uuid and a.recipient_class = $2
    and e.recorded_at <= $3::timestamptz and e.at <= $3::timestamptz
  group by r.subject_id, r.authorisation_id
  order by r.authorisation_id`;

interface Known extends AuthorisationFacts {
  readonly events: readonly (ExplainedEvent & { readonly state: string })[];
}

async function knownAt(session: Session, subjectId: string, act: Act): Promise<Known[]> {
  const { rows } = await session.query<{
    record: AuthorisationRecord;
    events: Known['events'];
  }>(AUTHORISATIONS_OF_PERSON, [subjectId, act.recipient_class, act.moment]);
  const { rows: uses } = await session.query<{
    authorisation_id: string;
    use_id: string;
    used_at: Date;
  }>(
    `select authorisation_id, use_id, used_at from authorisation_use
     where subject_id = $1::uuid and used_at <= $2::timestamptz`,
    [subjectId, act.moment],
  );
  return rows.map(({ record, events }) => ({
    subject_id: subjectId,
    record,
    events,
    state: events.at(-1)?.state ?? '',
    uses: uses.filter((use) => use.authorisation_id === record.authorisation_id),
  }));
}

function candidateOf(a: Known, r: RowFacts, all: readonly Known[], act: Act): Candidate {
  const failed = AUTHORISATION_CHECKS.find((check) => !check.passes({ a, r, act, all }));
  const reason = failed ? reasonOf(failed, a.state) : null;
  return {
    authorisation_id: a.record.authorisation_id,
    check: failed?.name ?? null,
    reason,
    words: failed ? checkWords(failed.name) : reasonWords(null),
  };
}

function explainRow(row: BookRow, all: readonly Known[], act: Act): ExplainedRow {
  const decision = decideOne(row, all, act);
  return {
    account_ref: row.tape_ref,
    period: row.period,
    ...decision,
    words: reasonWords(decision.reason),
    barred_by: ROW_CHECKS.find((check) => !check.passes({ r: row, act }))?.name ?? null,
    candidates: all
      .filter(({ record }) => record.parties.provider_id === act.provider_id)
      .map((each) => candidateOf(each, row, all, act)),
  };
}

const shownOf = ({ record, events, state }: Known): ExplainedAuthorisation => ({
  authorisation_id: record.authorisation_id,
  arrangement_id: record.arrangement_id,
  supersedes: record.supersedes,
  purpose: record.purpose.code,
  state,
  events: events.map(({ state: _, ...event }) => event),
});

interface Asked {
  readonly subject_id: string;
  readonly account_id: string | null;
  readonly period: string | null;
}

async function explain(gateway: Gateway, asked: Asked, moment: Date): Promise<Explanation> {
  const act = await furnishing(gateway.db, gateway, moment, NO_USE);
  const { rows } = await gateway.db.query<BookRow>(ROWS_OF_PERSON, [
    asked.subject_id,
    asked.account_id,
    asked.period === null ? null : firstDay(asked.period),
  ]);
  const all = await knownAt(gateway.db, asked.subject_id, act);
  return {
    moment: moment.toISOString(),
    profile: gateway.profile?.name ?? null,
    rows: rows.map((row) => explainRow(row, all, act)),
    authorisations: all.map(shownOf),
  };
}

/**
 * Explains one account's row of a period.
 * @param moment any moment, past ones included
 * @throws not_found: the book has no such row; argument_invalid: no period
 */
export async function explainAccount(
  gateway: Gateway,
  accountRef: string,
  period: string,
  moment: Date,
): Promise<Explanation> {
  if (!isPeriod(period))
    throw new AssentError('argument_invalid', { detail: 'the period is no YYYY-MM' });
  const { rows } = await gateway.db.query<{ subject_id: string; account_id: string }>(
    'select subject_id, account_id from account where account_ref = $1',
    [accountRef],
  );
  const [account] = rows;
  const explanation = account ? await explain(gateway, { ...account, period }, moment) : null;
  if (!explanation || explanation.rows.length === 0)
    throw new AssentError('not_found', { detail: 'the book has no such row' });
  return explanation;
}

/**
 * Explains every row of one person.
 * @param subjectRef the lender's number of the person
 * @throws subject_unknown
 */
export async function explainSubject(
  gateway: Gateway,
  subjectRef: string,
  moment: Date,
): Promise<Explanation> {
  const { rows } = await gateway.db.query<{ subject_id: string }>(
    'select subject_id from customer where subject_ref = $1',
    [subjectRef],
  );
  const [subject] = rows;
  if (!subject) throw new AssentError('subject_unknown');
  return explain(gateway, { ...subject, account_id: null, period: null }, moment);
}
