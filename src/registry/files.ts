/**
 * A person's file, for an operator. The trace is written in the same transaction, before a byte
 * is returned; without it there is no file.
 *
 * What must stay true: only visible months are shown (`visibility.ts`), and an account that has
 * none is not; nor is a field that a dispute found wrong (`guard.ts`); whose approval a person withdrew is not named.
 */
import { AssentError } from '../model/error.ts';
import { checkIdentityNumber } from '../model/identity-number.ts';
import type { IdentityKind } from '../model/record.ts';
import { REFUTED_OF_ACCOUNT, REFUTED_OF_MONTH } from './guard.ts';
import { livingSubject } from './people.ts';
import { traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { INCOMPLETE_SINCE, SUBJECT, VISIBLE, visibilityParams } from './visibility.ts';

export interface Look {
  readonly participant_id: string;
  readonly purpose: string;
  readonly reason: string;
}

export type Sought =
  | { readonly subject_id: string }
  | { readonly account_ref: string; readonly furnisher_id: string }
  | { readonly kind: IdentityKind; readonly country: string | null; readonly number: string };

export interface FileView {
  readonly subject_id: string;
  readonly identity: Record<string, unknown>;
  /** Day since which the history is incomplete by choice of the subject, `YYYY-MM-DD`; or null. */
  readonly incomplete_since: string | null;
  /** The same in words. */
  readonly remark: string | null;
  readonly accounts: readonly Record<string, unknown>[];
  readonly authorisations: readonly Record<string, unknown>[];
}

/** The person sought; null: nobody is found. */
export async function findSubject(registry: Registry, sought: Sought): Promise<string | null> {
  if ('subject_id' in sought) return livingSubject(registry.db, sought.subject_id);
  if ('account_ref' in sought) {
    const { rows } = await registry.db.query<{ subject_id: string }>(
      'select subject_id from account_locator where account_ref = $1::uuid and furnisher_id = $2::uuid',
      [sought.account_ref, sought.furnisher_id],
    );
    return rows[0]?.subject_id ?? null;
  }
  const today = registry.now().toISOString().slice(0, 10);
  const checked = checkIdentityNumber(sought.kind, sought.number, {
    country: sought.country,
    today,
  });
  if (!checked.ok || sought.kind === 'furnisher_reference') return null;
  const hash = registry.ring.keyedHash(
    'document',
    sought.kind,
    sought.country ?? '',
    '',
    checked.normalised,
  );
  const { rows } = await registry.db.query<{ subject_id: string }>(
    'select subject_id from subject_document where document_hash = $1',
    [hash],
  );
  return rows[0]?.subject_id ?? null;
}

const ACCOUNTS = `
  select k.account_id, k.kind, k.brand, k.currency, k.opened_on, k.closed_on,
    k.original_amount_minor, k.term_months, k.agreement_id, k.agreement_limit_minor,
    k.agreement_opened_on, k.agreement_ends_on, f.name as furnisher, shown.months,
    coalesce(${REFUTED_OF_ACCOUNT}, '{}') as refuted
  from (select distinct on (account_id) * from account where subject_id = ${SUBJECT}
        order by account_id, revision desc) k
  join participant f on f.participant_id = k.furnisher_id
  cross join lateral (
    select jsonb_agg(jsonb_build_object('period', to_char(n.period, 'YYYY-MM'),
      'revision', n.revision, 'as_of', n.as_of, 'status', n.status, 'limit_minor', n.limit_minor,
      'borrowed_minor', n.borrowed_minor, 'balance_minor', n.balance_minor,
      'due_minor', n.due_minor, 'paid_minor', n.paid_minor, 'days_past_due', n.days_past_due,
      'past_due_minor', n.past_due_minor, 'first_delinquency_on', n.first_delinquency_on,
      'five_class', n.five_class, 'authorisation_id', n.authorisation_id)
        - coalesce(${REFUTED_OF_MONTH}, '{}') order by n.period)
      filter (where ${VISIBLE}) as months
    from (select distinct on (m.period) m.* from account_month m
          where m.subject_id = ${SUBJECT} and m.account_id = k.account_id
          order by m.period, m.revision desc) n) shown
  where shown.months is not null
    and not 'account' = any(coalesce(${REFUTED_OF_ACCOUNT}, '{}'))
  order by k.opened_on, k.account_id`;

/** Whom a person gave an approval is not told of one that they withdrew. */
const AUTHORISATIONS = `
  select a.authorisation_id, a.purpose, a.state, a.starts_at, a.expires_at,
    case when w.by_subject then null else f.name end as provider
  from authorisation a
  left join participant f on f.participant_id = a.provider_id
  left join authorisation_effect w on w.subject_id = a.subject_id
    and w.authorisation_id = a.authorisation_id
  where a.subject_id = $1 order by a.starts_at, a.authorisation_id`;

type AccountRow = Record<string, unknown> & { readonly refuted: readonly string[] };

/** What a dispute found wrong of an account is not shown; its months come without theirs. */
const withoutRefuted = ({ refuted, ...account }: AccountRow) =>
  Object.fromEntries(Object.entries(account).filter(([field]) => !refuted.includes(field)));

/** @throws file_unknown when nobody is found; that look leaves no trace, as there is no person. */
export async function readFile(registry: Registry, sought: Sought, look: Look): Promise<FileView> {
  const subjectId = await findSubject(registry, sought);
  if (subjectId === null) throw new AssentError('file_unknown');
  return registry.db.transaction(async (session) => {
    const { rows: people } = await session.query<{
      subject_id: string;
      wrapped_key: Uint8Array;
      identity_sealed: Uint8Array;
    }>('select subject_id, wrapped_key, identity_sealed from subject where subject_id = $1::uuid', [
      subjectId,
    ]);
    const [person] = people;
    if (!person) throw new AssentError('file_unknown');
    await traceAct(registry, session, subjectId, look);
    const opened = registry.ring.open(
      person.wrapped_key,
      person.identity_sealed,
      `subject ${person.subject_id}`,
    );
    const accounts = await session.query<AccountRow>(ACCOUNTS, [
      ...visibilityParams(registry),
      subjectId,
    ]);
    const authorisations = await session.query(AUTHORISATIONS, [subjectId]);
    const { rows: gaps } = await session.query<{ since: string | null }>(INCOMPLETE_SINCE, [
      subjectId,
    ]);
    const since = gaps[0]?.since ?? null;
    return {
      subject_id: person.subject_id,
      identity: JSON.parse(Buffer.from(opened).toString('utf8')) as Record<string, unknown>,
      incomplete_since: since,
      remark: since === null ? null : `history incomplete by choice of the subject since ${since}`,
      accounts: accounts.rows.map(withoutRefuted),
      authorisations: authorisations.rows,
    };
  });
}
