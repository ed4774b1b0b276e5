/**
 * The guard: what was found wrong in a dispute, or was purged, is not shown and does not come back
 * with next month's file.
 *
 * What must stay true: keyed by account, period (none for a field of the account), field and
 * value: another value is a correction and passes; placed under the furnisher's lock and clock, so
 * that a part of months that was judged before is judged again; lifted by the furnisher's
 * certificate alone, one of identity theft by the registry alone, and what was purged by nothing.
 * Source: FCRA 611(a)(5)(B) (U7), lessons 22; domain facts 8.2.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { firstDay } from '../model/period.ts';
import { ACCOUNT_FIELDS, MONTH_FIELDS } from '../wire/claim.ts';
import { holdPerson, tellPerson } from './person.ts';
import type { Registry } from './registry.ts';
import { lockAuthorisations, tickClock } from './serialise.ts';

/** Stands for the period of a field of the account. */
export const NO_PERIOD = '0001-01-01';
/** Stands for the value of a whole month or account. */
export const WHOLE = '*';

const isWhole = (field: string) => field === 'month' || field === 'account';

/** The text of each field of a row as the guard compares it: nothing is the empty text. */
const valueSql = (fields: readonly string[], row: string) =>
  `case g.field ${fields
    .filter((field) => !isWhole(field))
    .map((field) => `when '${field}' then coalesce(${row}.${field}::text, '')`)
    .join(' ')} else '${WHOLE}' end`;

const IN_FORCE = 'g.certified_at is null';

/** Guards on the month row `m` of the person and account of `l`, in a period; a `from` list. */
const guardsOfMonth = (m: string, l: string, period: string) => `reinsertion_guard g
  where g.subject_id = ${l}.subject_id and g.account_id = ${l}.account_id and ${IN_FORCE}
    and (g.period = ${period} or (g.period = '${NO_PERIOD}' and g.field = 'account'))
    and g.value = ${valueSql(MONTH_FIELDS, m)}`;

/** True for a month row that must not come back. */
export const isGuardedMonth = (m: string, l: string, period: string) =>
  `exists (select 1 from ${guardsOfMonth(m, l, period)})`;
/** True when what must not come back was purged. */
export const isPurgedMonth = (m: string, l: string, period: string) =>
  `exists (select 1 from ${guardsOfMonth(m, l, period)} and g.cause = 'purged')`;

/** True for a row of an account `k` whose fields must not come back. */
export const isGuardedAccount = (k: string) => `exists (select 1 from reinsertion_guard g
  where g.subject_id = ${k}.subject_id and g.account_id = ${k}.known_id and ${IN_FORCE}
    and g.period = '${NO_PERIOD}' and g.value = ${valueSql(ACCOUNT_FIELDS, k)})`;

/**
 * The fields of a month `n` that are not to be shown, as text[]; null when there are none. `month`
 * or `account` among them stands for all. Whoever shows months reads this beside them.
 */
export const REFUTED_OF_MONTH = `(select array_agg(g.field order by g.field)
  from ${guardsOfMonth('n', 'n', 'n.period')})`;
/** The same of an account `k`. */
export const REFUTED_OF_ACCOUNT = `(select array_agg(g.field order by g.field)
  from reinsertion_guard g where g.subject_id = k.subject_id and g.account_id = k.account_id
    and ${IN_FORCE} and g.period = '${NO_PERIOD}' and g.value = ${valueSql(ACCOUNT_FIELDS, 'k')})`;
/** True for a month `n` that is refuted as a whole, or its account. */
export const IS_REFUTED = `exists (select 1 from reinsertion_guard g
  where g.subject_id = n.subject_id and g.account_id = n.account_id and ${IN_FORCE}
    and ((g.period = n.period and g.field = 'month')
      or (g.period = '${NO_PERIOD}' and g.field = 'account')))`;

/** True for a look of `access` that was not the person's: it is nobody's business any more. */
export const isRefutedLook = (access: string) => `exists (select 1 from claim f
  where f.subject_id = ${access}.subject_id and f.access_id = ${access}.access_id
    and f.field = 'look' and f.state in ('upheld', 'deleted'))`;

/** Whether anything of this furnisher is guarded that a month of the period could bring back. */
export async function isGuarded(
  session: Session,
  furnisherId: string,
  periods: readonly string[],
): Promise<boolean> {
  const { rows } = await session.query<{ guarded: boolean }>(
    `select exists (select 1 from reinsertion_guard g where g.furnisher_id = $1 and ${IN_FORCE}
       and g.period = any($2::date[])) as guarded`,
    [furnisherId, [NO_PERIOD, ...periods]],
  );
  return rows[0]?.guarded !== false;
}

export interface Guarded {
  readonly subject_id: string;
  readonly account_id: string;
  readonly furnisher_id: string;
  /** First day of the month, `YYYY-MM-DD`; null: a field of the account. */
  readonly period: string | null;
  readonly field: string;
  readonly value: string | null;
  readonly cause: 'corrected' | 'deleted' | 'upheld' | 'identity_theft';
  readonly claim_id: string;
}

/** Places a guard, in the transaction that found the value wrong; with the person held. */
export async function placeGuard(
  registry: Registry,
  session: Session,
  guarded: Guarded,
): Promise<void> {
  const { subject_id, account_id, furnisher_id, field, cause, claim_id } = guarded;
  await lockAuthorisations(session, furnisher_id);
  await session.query(
    `insert into reinsertion_guard (subject_id, account_id, period, field, value, furnisher_id,
       cause, claim_id, made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (subject_id, account_id, period, field, value) do update set
       cause = excluded.cause, claim_id = excluded.claim_id, made_at = excluded.made_at,
       certified_at = null, certificate_sha256 = null, certified_reason = null
     where reinsertion_guard.cause <> 'purged'`,
    [
      subject_id,
      account_id,
      guarded.period ?? NO_PERIOD,
      field,
      isWhole(field) ? WHOLE : (guarded.value ?? ''),
      furnisher_id,
      cause,
      claim_id,
      registry.now(),
    ],
  );
  await tickClock(session, furnisher_id, [subject_id]);
}

export interface Certificate {
  readonly furnisher_id: string;
  /** As in its hand-overs. */
  readonly account_ref: string;
  /** `YYYY-MM`; null: a field of the account. */
  readonly period: string | null;
  readonly field: string;
  /** Null: that the field is empty. */
  readonly value: string | null;
  readonly source_sha256: string;
  readonly reason: string;
}

/**
 * The furnisher certifies that a value is right after all: it may be furnished again and is shown
 * again, and the person is told. The same again changes nothing.
 * @throws guard_unknown: nothing of that name is held back from this furnisher
 */
export async function certify(
  registry: Registry,
  certificate: Certificate,
): Promise<{ readonly certified_at: Date }> {
  const { furnisher_id, account_ref, field } = certificate;
  return registry.db.transaction(async (session) => {
    const { rows: accounts } = await session.query<{ subject_id: string; account_id: string }>(
      `select subject_id, account_id from account_locator
       where account_ref = $1::uuid and furnisher_id = $2`,
      [account_ref, furnisher_id],
    );
    const [account] = accounts;
    if (!account) throw new AssentError('guard_unknown');
    const { subject_id, account_id } = account;
    await holdPerson(session, subject_id);
    const period = certificate.period === null ? NO_PERIOD : firstDay(certificate.period);
    const value = isWhole(field) ? WHOLE : (certificate.value ?? '');
    const key = [subject_id, account_id, period, field, value, furnisher_id] as const;
    const { rows: guards } = await session.query<{ certified_at: Date | null }>(
      `select certified_at from reinsertion_guard where subject_id = $1 and account_id = $2
         and period = $3 and field = $4 and value = $5 and furnisher_id = $6
         and cause not in ('purged', 'identity_theft')`,
      key,
    );
    const [guard] = guards;
    if (!guard) throw new AssentError('guard_unknown');
    if (guard.certified_at !== null) return { certified_at: guard.certified_at };
    const certified_at = registry.now();
    await session.query(
      `update reinsertion_guard set certified_at = $7, certificate_sha256 = $8,
         certified_reason = $9
       where subject_id = $1 and account_id = $2 and period = $3 and field = $4 and value = $5
         and furnisher_id = $6`,
      [...key, certified_at, certificate.source_sha256, certificate.reason],
    );
    await tellPerson(registry, session, subject_id, {
      kind: 'reinsertion_certified',
      facts: { account_id, period: certificate.period, field, reason: certificate.reason },
    });
    return { certified_at };
  });
}
