/**
 * The facts of a person's file, read in one statement that stays within one person (one shard).
 *
 * What must stay true: a month is in the facts only when it is visible (`visibility.ts`); what the
 * statement reads it reads of one moment; the words of the person are opened with the person's key.
 */
import { reportRulesOf } from '../authorisation/report-rules.ts';
import type { Session, SqlValue } from '../database/database.ts';
import type {
  AccountFacts,
  BlockFacts,
  ClaimMark,
  FileFacts,
  HiddenMonth,
  LookFacts,
  MonthFacts,
  StatementFacts,
} from '../model/file-facts.ts';
import { GRID_MONTHS } from '../model/grid.ts';
import { isRefutedLook, REFUTED_OF_ACCOUNT, REFUTED_OF_MONTH } from './guard.ts';
import type { Registry } from './registry.ts';
import { statementPlace } from './statements.ts';
import {
  HIDING_RULE,
  incompleteSinceSql,
  MONTHS_OF_SUBJECT,
  VISIBILITY_PARAMS,
  VISIBLE,
  visibilityParams,
  visibleSql,
} from './visibility.ts';

const PEOPLE = `$${VISIBILITY_PARAMS + 1}::uuid[]`;
const LOOKS_SHOWN = `$${VISIBILITY_PARAMS + 2}::int`;
const iso = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** The figures of a month in the order of `readMonth`. */
const MONTH = `n.as_of, n.balance_minor, n.borrowed_minor, n.days_past_due, n.due_minor,
  n.first_delinquency_on, n.five_class, n.last_paid_on, n.limit_minor, n.paid_minor,
  n.past_due_minor, to_char(n.period, 'YYYY-MM'), n.revision, n.status, ${REFUTED_OF_MONTH}`;
/** Periods that a grid has room for, the running one included. */
const IN_WINDOW = `n.period > (date_trunc('month', $1::timestamptz at time zone 'UTC')
  - make_interval(months => ${GRID_MONTHS}))::date`;
const STANDING = '(select c.* from month c where c.account_id = n.account_id)';

/**
 * An account is shown by its months: one of which none may be shown is not, nor is one of which
 * none is left or none was ever taken.
 */
const ACCOUNTS = `
  with month as materialized (
    select distinct on (m.account_id, m.period) m.* from account_month m
    where m.subject_id = s.subject_id order by m.account_id, m.period, m.revision desc),
  known as materialized (
    select distinct on (a.account_id) a.* from account a
    where a.subject_id = s.subject_id order by a.account_id, a.revision desc),
  shown as (
    select n.account_id, count(*) filter (where ${IN_WINDOW}) as held,
      json_agg(json_build_array(${MONTH}) order by n.period)
        filter (where ${IN_WINDOW} and ${visibleSql(STANDING)}) as months
    from month n join known k on k.account_id = n.account_id group by n.account_id)
  select count(*) filter (where w.held is null or w.held > 0) as known_accounts,
    json_agg(json_build_array(k.account_id, k.brand, k.closed_on, k.currency, k.kind,
      f.licence_id, f.name, f.participant_id, k.opened_on, k.original_amount_minor, k.term_months,
      w.months, ${REFUTED_OF_ACCOUNT}, k.agreement_ends_on, k.agreement_id,
      k.agreement_limit_minor, k.agreement_opened_on) order by k.opened_on, k.account_id)
      filter (where w.months is not null) as accounts
  from known k join participant f on f.participant_id = k.furnisher_id
  left join shown w on w.account_id = k.account_id`;

const CLAIMS = `
  select json_agg(json_build_array(c.account_id, c.claim_id, c.field, ${iso('c.opened_at')},
    to_char(c.period, 'YYYY-MM')) order by c.opened_at, c.claim_id)
  from claim c where c.subject_id = s.subject_id
    and c.state in ('open', 'forwarded', 'answered')`;
const BLOCKS = `
  select json_agg(json_build_array(${iso('b.expires_at')}, b.kind, ${iso('b.placed_at')})
    order by b.placed_at, b.block_id)
  from subject_block b where b.subject_id = s.subject_id and b.placed_at <= $1::timestamptz
    and (b.lifted_at is null or b.lifted_at > $1::timestamptz)
    and (b.expires_at is null or b.expires_at > $1::timestamptz)`;
const STATEMENTS = `
  select json_agg(json_build_array(t.account_id, t.language, ${iso('t.made_at')}, t.statement_id,
    encode(t.text_sealed, 'hex')) order by t.made_at, t.statement_id)
  from subject_statement t where t.subject_id = s.subject_id and t.withdrawn_at is null`;
const LOOKS = `
  select json_agg(json_build_array(${iso('l.at')}, e.name, l.participant_id, l.kind, l.purpose)
    order by l.at, l.access_id)
  from access l join participant e on e.participant_id = l.participant_id
  where l.subject_id = s.subject_id and l.outcome = 'report' and not ${isRefutedLook('l')}
    and l.at > $1::timestamptz - make_interval(months => ${LOOKS_SHOWN})`;

/**
 * One row for each person asked for. Its parameters are `factsParams`.
 * @param more further columns over `s.subject_id` and `s.wrapped_key`
 */
export const factsSql = (more = '') => `
  select s.subject_id, s.wrapped_key, x.known_accounts, x.accounts, (${CLAIMS}) as claims,
    (${BLOCKS}) as blocks, (${STATEMENTS}) as statements, (${LOOKS}) as looks,
    (${incompleteSinceSql('s.subject_id')}) as incomplete_since${more}
  from subject s cross join lateral (${ACCOUNTS}) x
  where s.subject_id = any(${PEOPLE})`;
const FACTS = factsSql();

/** How many parameters `factsParams` gives: those of `more` come after. */
export const FACTS_PARAMS = VISIBILITY_PARAMS + 2;

export function factsParams(registry: Registry, people: readonly string[]): SqlValue[] {
  const shown = reportRulesOf(registry.profile)?.enquiries_shown_months ?? 0;
  return [...visibilityParams(registry), [...people], shown];
}

type Cells = readonly (string | number | null)[];

export interface FactsRow {
  readonly subject_id: string;
  readonly wrapped_key: Uint8Array;
  readonly known_accounts: number;
  readonly accounts: readonly (readonly unknown[])[] | null;
  readonly claims: readonly Cells[] | null;
  readonly blocks: readonly Cells[] | null;
  readonly statements: readonly Cells[] | null;
  readonly looks: readonly Cells[] | null;
  readonly incomplete_since: string | null;
}

/** Without one of these a month says nothing that can be relied on, and an account nothing at all. */
const NEEDED_OF_MONTH = ['as_of', 'balance_minor', 'days_past_due', 'status'];
const NEEDED_OF_ACCOUNT = ['account', 'currency', 'kind'];

/**
 * What a dispute found wrong is not shown: the field is empty, or none of the row where it is
 * needed. @param refuted names of fields; null: none
 */
function withoutRefuted<T extends object>(
  row: T,
  refuted: readonly string[] | null,
  needed: readonly string[],
): T[] {
  if (refuted === null) return [row];
  if (refuted.some((field) => needed.includes(field))) return [];
  const kept = Object.entries(row).map(([field, value]) => [
    field,
    refuted.includes(field) ? null : value,
  ]);
  return [Object.fromEntries(kept) as T];
}

function readMonth(c: readonly unknown[]): MonthFacts[] {
  const month = {
    as_of: c[0],
    balance_minor: c[1],
    borrowed_minor: c[2],
    days_past_due: c[3],
    due_minor: c[4],
    first_delinquency_on: c[5],
    five_class: c[6],
    last_paid_on: c[7],
    limit_minor: c[8],
    paid_minor: c[9],
    past_due_minor: c[10],
    period: c[11],
    revision: c[12],
    status: c[13],
  } as MonthFacts;
  return withoutRefuted(month, c[14] as string[] | null, NEEDED_OF_MONTH);
}

/** An account of which every month is refuted is not shown either. */
function readAccount(c: readonly unknown[], claims: readonly ClaimMark[]): AccountFacts[] {
  const held = c[11] as unknown[][] | null;
  const months = (held ?? []).flatMap(readMonth);
  if (held !== null && months.length === 0) return [];
  const account = {
    account_id: c[0],
    agreement_ends_on: c[13],
    agreement_id: c[14],
    agreement_limit_minor: c[15],
    agreement_opened_on: c[16],
    brand: c[1],
    claims: claims.filter(({ account_id }) => account_id === c[0]),
    closed_on: c[2],
    currency: c[3],
    kind: c[4],
    lender: { licence_id: c[5], name: c[6], participant_id: c[7] },
    months,
    opened_on: c[8],
    original_amount_minor: c[9],
    term_months: c[10],
  } as AccountFacts;
  return withoutRefuted(account, c[12] as string[] | null, NEEDED_OF_ACCOUNT);
}

const readClaim = ([account_id, claim_id, field, opened_at, period]: Cells) =>
  ({ account_id, claim_id, field, opened_at, period }) as ClaimMark;
const readBlock = ([expires_at, kind, placed_at]: Cells) =>
  ({ expires_at, kind, placed_at }) as BlockFacts;
const readLook = ([at, enquirer, enquirer_id, kind, purpose]: Cells) =>
  ({ at, enquirer, enquirer_id, kind, purpose }) as LookFacts;

function readStatement(registry: Registry, row: FactsRow, cells: Cells): StatementFacts {
  const [account_id, language, made_at, statement_id, sealed] = cells;
  const text = registry.ring.open(
    row.wrapped_key,
    Buffer.from(String(sealed), 'hex'),
    statementPlace(String(statement_id)),
  );
  return {
    ...({ account_id, language, made_at, statement_id } as Omit<StatementFacts, 'text'>),
    text: Buffer.from(text).toString('utf8'),
  };
}

/** The facts in a row of `factsSql`. @throws sealed_unreadable: the person's key is another */
export function factsOfRow(registry: Registry, row: FactsRow, moment: Date): FileFacts {
  const claims = (row.claims ?? []).map(readClaim);
  const accounts = (row.accounts ?? []).flatMap((cells) => readAccount(cells, claims));
  const shown = new Set(accounts.map(({ account_id }) => account_id));
  return {
    accounts,
    at: moment.toISOString(),
    blocks: (row.blocks ?? []).map(readBlock),
    // An account that is not shown is not named by a mark either.
    claims: claims.filter(({ account_id }) => account_id === null),
    hidden: [],
    incomplete_since: row.incomplete_since,
    known_accounts: row.known_accounts,
    looks: (row.looks ?? []).map(readLook),
    statements: (row.statements ?? [])
      .filter(([account_id]) => account_id === null || shown.has(String(account_id)))
      .map((cells) => readStatement(registry, row, cells)),
  };
}

const HIDDEN = `
  select h.account_id, to_char(h.period, 'YYYY-MM') as period, h.rule
  from (select n.account_id, n.period, ${HIDING_RULE} as rule from ${MONTHS_OF_SUBJECT}
        where n.days_past_due > 0 and ${IN_WINDOW} and not ${VISIBLE}) h
  where h.rule is not null order by h.account_id, h.period`;

/** The late months that a dated rule keeps from display, for the person's own file. */
export async function readHidden(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<HiddenMonth[]> {
  const params = [...visibilityParams(registry), subjectId];
  // sql: made of the constants above.
  return (await session.query<HiddenMonth>(HIDDEN, params)).rows;
}

/** The facts of one person's file, and the key that seals what is made of them. */
export interface KeyedFacts {
  readonly facts: FileFacts;
  readonly wrapped_key: Uint8Array;
}

/** As `readFacts`, with the person's key, wrapped. @throws sealed_unreadable */
export async function readKeyedFacts(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<KeyedFacts | null> {
  const moment = registry.now();
  const at = { ...registry, now: () => moment };
  // sql: made of the constants above.
  const { rows } = await session.query<FactsRow>(FACTS, factsParams(at, [subjectId]), {
    prepared: true,
  });
  const [row] = rows;
  if (!row) return null;
  const hidden = await readHidden(at, session, subjectId);
  return { facts: { ...factsOfRow(registry, row, moment), hidden }, wrapped_key: row.wrapped_key };
}

/**
 * The facts of one person's file now, for the person, the operator and whatever is computed of it;
 * null: there is no such person. A look at them needs its trace: the caller writes it.
 * @throws sealed_unreadable
 */
export async function readFacts(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<FileFacts | null> {
  return (await readKeyedFacts(registry, session, subjectId))?.facts ?? null;
}
