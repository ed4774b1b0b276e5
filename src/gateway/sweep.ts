/**
 * The sweep: what time alone ends. Approvals that reached their end expire, requests that nobody
 * answered lapse, what a guardian answered for a ward ends when the ward comes of age, and
 * nothing of a person who died stays in force; whoever must be told is listed, once.
 *
 * What must stay true: running it again changes nothing; an event and its notice are written in
 * one transaction; the gate withholds what has ended whether the sweep has run or not.
 * Source: design.md 6, lessons 17 (expiry notifies like withdrawal does), the profile's clocks.
 */
import { addSpan } from '../authorisation/moment.ts';
import type { EventType } from '../authorisation/record.ts';
import type { Session } from '../database/database.ts';
import { type Addition, appendEach, retried } from './append.ts';
import type { Gateway, Progress } from './gateway.ts';

/** A key of our own in the advisory lock space ("swee"): one sweep at a time gives out positions. */
const SWEEP_LOCK = 0x73776565;
/** Authorisations ended in one transaction, for each cause. */
const PAGE = 2_000;

type Cause = 'death' | 'of_age' | 'expired' | 'lapsed';

export interface SweepReport {
  readonly expired: number;
  readonly lapsed: number;
  readonly of_age: number;
  readonly death: number;
  /** People to be told, now listed. */
  readonly notices: number;
}

/** When an approval ends: by its own words or by the profile's bound ($2), whichever is first. */
const ENDS = 'least(a.expires_at, a.starts_at + make_interval(months => $2::int))';
const COLUMNS = 'a.subject_id, a.authorisation_id, a.state, e.at as last_at';
const LAST = `join authorisation_event e on e.subject_id = a.subject_id
  and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq`;

/**
 * $1 now, $2 months an approval lasts, $3 days a request waits, $4 no approval that began later
 * has reached the profile's bound (coarsely: it spares the reading of the others).
 */
const DUE = `
  (select 'death' as cause, ${COLUMNS}, d.reported_at as due_at
   from subject_death d
   join authorisation a on a.subject_id = d.subject_id
     and a.state in ('requested', 'given', 'paused')
   ${LAST}
   where d.mistaken_at is null limit ${PAGE})
  union all
  (select 'of_age', ${COLUMNS}, c.adult_from::timestamp at time zone 'UTC'
   from authorisation a
   join customer c on c.subject_id = a.subject_id
   join authorisation_event f on f.subject_id = a.subject_id
     and f.authorisation_id = a.authorisation_id and f.seq = 1
   ${LAST}
   where a.state in ('requested', 'given', 'paused')
     and a.by_guardian
     and c.adult_from::timestamp at time zone 'UTC' <= $1::timestamptz
     and f.at < c.adult_from::timestamp at time zone 'UTC' limit ${PAGE})
  union all
  (select 'expired', ${COLUMNS}, ${ENDS}
   from authorisation a ${LAST}
   where a.state in ('given', 'paused')
     and (a.expires_at <= $1::timestamptz or a.starts_at <= $4::timestamptz)
     and ${ENDS} <= $1::timestamptz limit ${PAGE})
  union all
  (select 'lapsed', ${COLUMNS}, least(${ENDS}, e.at + make_interval(days => $3::int))
   from authorisation a ${LAST}
   where a.state = 'requested'
     and least(${ENDS}, e.at + make_interval(days => $3::int)) <= $1::timestamptz limit ${PAGE})`;

/**
 * Who is to be told that the end comes near: of the days that the profile names ($5), the nearest
 * that has come and lies within the approval's life.
 */
const EXPIRING = `
  insert into authorisation_notice_due (subject_id, authorisation_id, kind, days_before, position,
    ends_at, written_at)
  select n.subject_id, n.authorisation_id, 'expiring', n.days,
         $6::bigint + row_number() over (order by n.ends_at, n.authorisation_id), n.ends_at, $1
  from (select a.subject_id, a.authorisation_id, ${ENDS} as ends_at,
          (select min(day) from unnest($5::int[]) as day
           where ${ENDS} - make_interval(days => day) between a.starts_at and $1::timestamptz) as days
        from authorisation a
        where a.state in ('given', 'paused')
          and (a.expires_at <= $3::timestamptz or a.starts_at <= $4::timestamptz)
          and ${ENDS} > $1::timestamptz and ${ENDS} <= $3::timestamptz) n
  where n.days is not null
    and not exists (select 1 from authorisation_notice_due k where k.subject_id = n.subject_id
      and k.authorisation_id = n.authorisation_id and k.kind = 'expiring'
      and k.days_before = n.days)`;

/** An authorisation that something ends, and when that came. */
export interface Due {
  readonly cause: Cause;
  readonly subject_id: string;
  readonly authorisation_id: string;
  readonly state: string;
  readonly last_at: Date;
  readonly due_at: Date;
}

/** No event may lie before the one it follows, though the end may have come before that one. */
const later = (left: Date, right: Date) => (left > right ? left : right);

function typeOf({ cause, state }: Due): EventType {
  if (cause === 'expired' || cause === 'lapsed') return cause;
  return cause === 'death' && state !== 'requested' ? 'revoked' : 'invalidated';
}

/** The event that ends it. */
export const additionOf = (due: Due): Addition => ({
  authorisation_id: due.authorisation_id,
  type: typeOf(due),
  at: later(due.due_at, due.last_at),
  reason: due.cause === 'death' || due.cause === 'of_age' ? due.cause : null,
});

/** Of several causes for one authorisation, the one that came first. */
function firstCauses(rows: readonly Due[]): Due[] {
  const first = new Map<string, Due>();
  for (const due of rows) {
    const known = first.get(due.authorisation_id);
    if (!known || due.due_at < known.due_at) first.set(due.authorisation_id, due);
  }
  return [...first.values()];
}

async function lastPosition(session: Session): Promise<number> {
  const { rows } = await session.query<{ position: number | null }>(
    'select max(position) as position from authorisation_notice_due',
  );
  return rows[0]?.position ?? 0;
}

/** Lists those who are to be told that their approval, or their guardian's, has ended. */
async function listEnded(session: Session, ended: readonly Due[], now: Date): Promise<number> {
  const told = ended.filter(({ cause }) => cause === 'expired' || cause === 'of_age');
  if (told.length === 0) return 0;
  const { affected } = await session.query(
    `insert into authorisation_notice_due (subject_id, authorisation_id, kind, days_before,
       position, ends_at, written_at)
     select t.subject_id, t.authorisation_id, t.kind, 0, $5::bigint + t.n, t.ends_at, $6
     from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[]) with ordinality
       as t (subject_id, authorisation_id, kind, ends_at, n)
     on conflict (subject_id, authorisation_id, kind, days_before) do nothing`,
    [
      told.map((each) => each.subject_id),
      told.map((each) => each.authorisation_id),
      told.map((each) => each.cause),
      told.map((each) => each.due_at),
      await lastPosition(session),
      now,
    ],
  );
  return affected;
}

interface Page {
  readonly ended: readonly Due[];
  readonly notices: number;
  readonly isLast: boolean;
}

/** Longest month less shortest: how far reckoning months backwards can be off. */
const MONTHS_SLACK_DAYS = 4;

async function sweepPage(session: Session, gateway: Gateway, now: Date): Promise<Page> {
  const { profile } = gateway;
  const months = profile?.validity_months ?? null;
  const startedBy = (moment: Date) =>
    months === null
      ? null
      : addSpan(addSpan(moment, { n: -months, unit: 'MONTH' }), {
          n: MONTHS_SLACK_DAYS,
          unit: 'DAY',
        });
  await session.query('select pg_advisory_xact_lock($1)', [SWEEP_LOCK]);
  const { rows } = await session.query<Due>(DUE, [
    now,
    months,
    profile?.request_lapses_days ?? null,
    startedBy(now),
  ]);
  const due = firstCauses(rows);
  if (due.length > 0) {
    const stored = new Set(await appendEach(session, gateway, due.map(additionOf)));
    const ended = due.filter(({ authorisation_id }) => stored.has(authorisation_id));
    return { ended, notices: await listEnded(session, ended, now), isLast: ended.length === 0 };
  }
  const days = profile?.expiry_notice_days ?? [];
  if (days.length === 0) return { ended: [], notices: 0, isLast: true };
  const horizon = addSpan(now, { n: Math.max(...days), unit: 'DAY' });
  const { affected } = await session.query(EXPIRING, [
    now,
    months,
    horizon,
    startedBy(horizon),
    days,
    await lastPosition(session),
  ]);
  return { ended: [], notices: affected, isLast: true };
}

/**
 * Ends what time has ended, as of now, and lists who is to be told. Safe to run at any time, by
 * several at once, and again after a crash.
 */
export async function sweep(gateway: Gateway, progress: Progress = () => {}): Promise<SweepReport> {
  const report = { expired: 0, lapsed: 0, of_age: 0, death: 0, notices: 0 };
  for (let done = 0; ; ) {
    const now = gateway.now();
    const page = await retried(() =>
      gateway.db.transaction((session) => sweepPage(session, gateway, now)),
    );
    for (const { cause } of page.ended) report[cause] += 1;
    report.notices += page.notices;
    if (page.isLast) return report;
    done += page.ended.length;
    progress('sweeping', done, null);
  }
}
