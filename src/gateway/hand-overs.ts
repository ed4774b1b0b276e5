/**
 * The hand-overs that were: their states, their receipts, and the rows the registry did not
 * simply accept, named by the lender's own numbers.
 */
import type { Session } from '../database/database.ts';
import { type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { firstDay } from '../model/period.ts';
import { ruleText } from '../tape/rule-book.ts';
import type { Outcome, PartKind, Receipt } from '../wire/part.ts';

/** @param period `YYYY-MM`. @throws period_unknown: the book holds no month of it */
export async function requirePeriod(session: Session, period: string): Promise<void> {
  const { rows } = await session.query('select 1 from account_month where period = $1 limit 1', [
    firstDay(period),
  ]);
  if (rows.length === 0) throw new AssentError('period_unknown', { detail: period });
}

/** What became of a hand-over, in words for people. */
export const HAND_OVER_STATES = {
  decided: 'interrupted: the same command goes on with it',
  received: 'received: the registry answered with a receipt',
  nothing: 'nothing to hand over: no released row was new',
  rejected: 'rejected whole by the registry: the period can be handed over again',
} as const;

export interface HandOverLine {
  readonly handover_id: string;
  readonly period: string;
  readonly state: keyof typeof HAND_OVER_STATES;
  readonly decided_at: Date;
  readonly ended_at: Date | null;
  readonly in_scope: number;
  readonly already_handed_over: number;
  readonly released: number;
  readonly withheld: Readonly<Record<string, number>>;
  /** From the receipt; null while there is none. */
  readonly outcomes: Readonly<Record<PartKind, Outcome>> | null;
}

/** Hand-overs, newest first. @param period `YYYY-MM`, or null for every period */
export async function listHandOvers(
  session: Session,
  period: string | null,
  limit: number,
): Promise<HandOverLine[]> {
  const { rows } = await session.query<HandOverLine>(
    `select handover_id, to_char(period, 'YYYY-MM') as period,
            case when state = 'received' and receipt is null then 'nothing' else state end as state,
            decided_at, ended_at, in_scope, already_handed_over, released, withheld,
            counts as outcomes
     from handover where $1::date is null or period = $1::date
     order by decided_at desc, handover_id limit $2`,
    [period === null ? null : firstDay(period), limit],
  );
  return rows;
}

export interface SignedReceipt {
  readonly handover_id: string;
  readonly period: string;
  readonly ended_at: Date;
  /** The compact JWS, as the registry signed it. */
  readonly compact: string;
  /** What it says, after its signature was checked again. */
  readonly receipt: Receipt;
}

/**
 * The newest receipt of a period.
 * @param keys the registry's pinned keys
 * @throws receipt_unknown; signature_invalid when the stored receipt was altered
 */
export async function findReceipt(
  session: Session,
  period: string,
  keys: VerifyingKeys,
): Promise<SignedReceipt> {
  const { rows } = await session.query<Omit<SignedReceipt, 'receipt'>>(
    `select handover_id, to_char(period, 'YYYY-MM') as period, ended_at, receipt as compact
     from handover where period = $1 and receipt is not null order by ended_at desc limit 1`,
    [firstDay(period)],
  );
  const [row] = rows;
  if (!row) throw new AssentError('receipt_unknown', { detail: period });
  const payload = await verifyJws(row.compact, keys, { typ: 'assent-receipt+jws' });
  return { ...row, receipt: payload as unknown as Receipt };
}

/** A row that the registry did not simply accept. `ref` is the lender's number of what the row is. */
export interface HandOverFault {
  readonly kind: string;
  readonly row_number: number;
  readonly ref: string | null;
  readonly outcome: string;
  readonly rule: string;
  readonly field: string | null;
  readonly explanation: string;
  readonly remedy: string;
}

export const HAND_OVER_FAULT_COLUMNS = [
  'kind',
  'row_number',
  'ref',
  'outcome',
  'rule',
  'field',
  'explanation',
  'remedy',
] as const satisfies readonly (keyof HandOverFault)[];

const PAGE = 10_000;

/** Whose row it was: the account's, the person's or the authorisation's number. */
const FAULTS = `
  select f.fault_number, f.kind, f.row_number, f.outcome, f.rule, f.field,
         coalesce(k.account_ref, c.subject_ref, s.ref::text) as ref
  from handover_fault f
  left join (select account_id, row_number() over (order by row_number) as wire_number
             from handover_row where handover_id = $1 and withheld_since is null) h
    on f.kind = 'month' and h.wire_number = f.row_number
  left join handover_sent s
    on s.handover_id = f.handover_id and s.kind = f.kind and s.row_number = f.row_number
  left join account k
    on k.account_id = coalesce(h.account_id, case when f.kind = 'account' then s.ref end)
  left join customer c on f.kind = 'subject' and c.subject_id = s.ref
  where f.handover_id = $1 and f.fault_number > $2
  order by f.fault_number limit ${PAGE}`;

const TEXT_OF_OUTCOME: Readonly<Record<string, readonly [string, string]>> = {
  unchanged: ['The registry had exactly this row.', 'Nothing to do.'],
  refused: [
    'The registry found no authorisation that covers the row at that moment.',
    'See the state of the authorisation; `assent gateway gate` says what holds now.',
  ],
};

/** True when there is such a hand-over. */
export async function isHandOver(session: Session, id: string): Promise<boolean> {
  const { rows } = await session.query('select 1 from handover where handover_id = $1', [id]);
  return rows.length > 0;
}

/** Faults of a hand-over in the registry's order, in pages. */
export async function* handOverFaults(
  session: Session,
  id: string,
): AsyncGenerator<HandOverFault[]> {
  for (let after = 0; ; ) {
    const { rows } = await session.query<
      Omit<HandOverFault, 'explanation' | 'remedy'> & { fault_number: number }
    >(FAULTS, [id, after]);
    if (rows.length === 0) return;
    after = rows.at(-1)?.fault_number ?? after;
    yield rows.map(({ fault_number: _, ...row }) => {
      const rule = ruleText(row.rule);
      const [explanation = '', remedy = ''] = TEXT_OF_OUTCOME[row.outcome] ?? [];
      return {
        ...row,
        explanation: rule?.explanation ?? explanation,
        remedy: rule?.remedy ?? remedy,
      };
    });
  }
}
