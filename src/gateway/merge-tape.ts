/**
 * A checked tape enters the book: customers, accounts, months. Runs in the transaction of the
 * check, so a tape is in the book whole or not at all.
 *
 * What must stay true: a month that says something new is a new revision, nothing is overwritten;
 * a tape loaded twice changes nothing.
 */
import type { Session } from '../database/database.ts';

const CONTENT = [
  'as_of',
  'status',
  'limit_minor',
  'borrowed_minor',
  'balance_minor',
  'due_minor',
  'paid_minor',
  'days_past_due',
  'past_due_minor',
  'first_delinquency_on',
  'last_paid_on',
  'five_class',
  'adverse_notice_on',
];
const STAGED_CONTENT = CONTENT.map((column) => `m.${column}`).join(', ');
const BOOK_CONTENT = CONTENT.map((column) => `h.${column}`).join(', ');
const CONTENT_COLUMNS = CONTENT.join(', ');

async function mergeCustomers(session: Session, tapeId: string): Promise<void> {
  await session.query(
    `insert into customer (subject_id, subject_ref, identity_kind, identity_hash, identity_version,
                           wrapped_key, identity_sealed, adult_from, tape_id)
     select subject_id, subject_ref, identity_kind, identity_hash, 1, wrapped_key, identity_sealed,
            adult_from, $1::uuid
     from (select distinct on (subject_ref) * from stage_customer
           order by subject_ref, row_number desc) newest
     where wrapped_key is not null
     on conflict (subject_ref) do update set
       identity_kind = excluded.identity_kind, identity_hash = excluded.identity_hash,
       identity_version = customer.identity_version + 1, wrapped_key = excluded.wrapped_key,
       identity_sealed = excluded.identity_sealed, adult_from = excluded.adult_from,
       tape_id = excluded.tape_id
     where customer.identity_hash <> excluded.identity_hash`,
    [tapeId],
  );
}

/** What a tape tells of an account, beside its agreement's id, and may tell otherwise later. */
const TOLD = [
  ...['brand', 'opened_on', 'closed_on', 'original_amount_minor', 'term_months'],
  ...['agreement_limit_minor', 'agreement_opened_on', 'agreement_ends_on'],
];
const toldOf = (row: string) => TOLD.map((column) => `${row}.${column}`).join(', ');

/** Gives an id to each agreement that the book does not know. */
async function nameAgreements(session: Session): Promise<void> {
  await session.query(
    `insert into agreement (subject_id, agreement_ref, agreement_id)
     select subject_id, agreement_ref, gen_random_uuid() from (
       select distinct c.subject_id, t.agreement_ref
       from tape_account t join customer c on c.subject_ref = t.subject_ref
       where t.agreement_ref is not null
         and not exists (select 1 from bad_account x where x.account_ref = t.account_ref)) named
     on conflict (subject_id, agreement_ref) do nothing`,
  );
}

/** Accounts that say what the book says already are not touched, nor locked: they are nearly all. */
async function mergeAccounts(session: Session, tapeId: string): Promise<void> {
  await nameAgreements(session);
  // sql: the columns are constants of this file.
  await session.query(
    `insert into account (account_id, account_ref, subject_id, revision, kind, currency, tape_id,
                          agreement_id, ${TOLD.join(', ')})
     select gen_random_uuid(), t.account_ref, c.subject_id, 1, t.kind, t.currency, $1::uuid,
            g.agreement_id, ${toldOf('t')}
     from tape_account t join customer c on c.subject_ref = t.subject_ref
     left join agreement g on g.subject_id = c.subject_id and g.agreement_ref = t.agreement_ref
     left join account k on k.account_ref = t.account_ref
     where not exists (select 1 from bad_account x where x.account_ref = t.account_ref)
       and (k.account_ref is null or (k.agreement_id, ${toldOf('k')})
         is distinct from (g.agreement_id, ${toldOf('t')}))
     on conflict (account_ref) do update set
       revision = account.revision + 1, tape_id = excluded.tape_id,
       ${['agreement_id', ...TOLD].map((column) => `${column} = excluded.${column}`).join(', ')}`,
    [tapeId],
  );
}

export interface MonthCounts {
  readonly new: number;
  readonly corrected: number;
  readonly unchanged: number;
}

async function mergeMonths(session: Session, tapeId: string, lost: string[]): Promise<MonthCounts> {
  // sql: the interpolated texts are constant lists of columns of this file.
  await session.query(
    `create temp table good_month on commit drop as
     select b.account_id, m.period, ${STAGED_CONTENT}, newest.revision as newest_revision,
            newest.same
     from stage_month m
     join account b on b.account_ref = m.account_ref
     left join lateral (
       select h.revision, (${BOOK_CONTENT}) is not distinct from (${STAGED_CONTENT}) as same
       from account_month h where h.period = m.period and h.account_id = b.account_id
       order by h.revision desc limit 1
     ) newest on true
     where not exists (select 1 from month_fault f where f.row_number = m.row_number
                       and f.period = m.period and f.rule = any($1::text[]))`,
    [lost],
  );
  await session.query(
    `insert into account_month (account_id, period, revision, ${CONTENT_COLUMNS}, tape_id)
     select m.account_id, m.period, coalesce(m.newest_revision, 0) + 1, ${STAGED_CONTENT}, $1::uuid
     from good_month m where m.same is not true order by m.period, m.account_id`,
    [tapeId],
  );
  const { rows } = await session.query<MonthCounts>(
    `select count(*) filter (where newest_revision is null) as new,
            count(*) filter (where not same) as corrected,
            count(*) filter (where same) as unchanged from good_month`,
  );
  const [counts] = rows;
  if (!counts) throw new Error('count without a row');
  return counts;
}

/** Merges what `checkStagedTape` left. `lost` lists the rules whose rows stay out of the book. */
export async function mergeStagedTape(
  session: Session,
  tapeId: string,
  lost: string[],
): Promise<MonthCounts> {
  await mergeCustomers(session, tapeId);
  await mergeAccounts(session, tapeId);
  const counts = await mergeMonths(session, tapeId, lost);
  // The gate runs right after a load: what it plans by must not be the empty book of before.
  await session.query('analyze customer, account, account_month');
  return counts;
}
