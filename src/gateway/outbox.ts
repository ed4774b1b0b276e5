/**
 * The outbox: what happened to an authorisation here and must be known at the registry at once.
 *
 * What must stay true: an event and its place in the outbox are one transaction; only events of
 * authorisations that the registry knows, or that are on their way to it, are told; the events of
 * one authorisation are told in their order; telling one twice does no harm.
 */
import type { AuthorisationEvent } from '../authorisation/record.ts';
import type { Session } from '../database/database.ts';
import { signJws } from '../keys/jws.ts';
import { allEnded } from '../model/all-ended.ts';
import { AssentError } from '../model/error.ts';
import { EVENT_TYP, type EventAnswer, type EventClaims } from '../wire/feed.ts';
import type { Gateway } from './gateway.ts';
import type { Registry } from './hand-over.ts';

/** Wait after the first failure; doubles up to the longest. */
const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 10 * 60_000;
/** Authorisations told side by side, and those taken at a time. */
const LANES = 4;
const ROUND = 200;

export interface PushReport {
  /** Events that the registry has, told in this run. */
  readonly sent: number;
  /** Told; the registry applies them with the record that a hand-over is bringing. */
  readonly kept: number;
  /** Not told yet, whatever the reason. */
  readonly pending: number;
  readonly is_reachable: boolean;
  /** What the registry would not take, by its code; tried again later. */
  readonly refused: readonly { readonly authorisation_id: string; readonly code: string }[];
}

/** What the registry has of an authorisation, or will have with the hand-over on its way. */
const KNOWN_THERE = `
  select t.authorisation_id, max(t.last_seq) as last_seq from (
    select f.authorisation_id, f.last_seq from furnished_authorisation f
    where f.authorisation_id = any($1::uuid[])
    union all
    select s.ref, s.version from handover h
    join handover_sent s on s.handover_id = h.handover_id and s.kind = 'authorisation'
    where h.state = 'decided' and s.ref = any($1::uuid[])) t
  group by t.authorisation_id`;

/** Queues the events of these authorisations that the registry has not. Call it in the
 * transaction that stores them. */
export async function queueEvents(
  session: Session,
  ids: readonly string[],
  now: Date,
): Promise<void> {
  if (ids.length === 0) return;
  await session.query(
    `insert into outbox (subject_id, authorisation_id, seq, event_id, type, queued_at, attempts,
       next_try_at)
     select e.subject_id, e.authorisation_id, e.seq, encode(e.hash, 'hex'), e.type,
       $2::timestamptz, 0, $2::timestamptz
     from (${KNOWN_THERE}) k
     join authorisation a on a.authorisation_id = k.authorisation_id
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq > k.last_seq
     left join learnt_event l on l.subject_id = e.subject_id
       and l.authorisation_id = e.authorisation_id and l.seq = e.seq
     where l.seq is null
     on conflict (subject_id, authorisation_id, seq) do nothing`,
    [[...ids], now],
  );
}

/** Queues what changed behind the back of a hand-over after it was cut. */
export async function queueTravelling(gateway: Gateway, handoverId: string): Promise<void> {
  await gateway.db.transaction(async (session) => {
    const { rows } = await session.query<{ ref: string }>(
      `select s.ref from handover_sent s join authorisation a on a.authorisation_id = s.ref
       where s.handover_id = $1 and s.kind = 'authorisation' and a.last_seq > s.version`,
      [handoverId],
    );
    await queueEvents(
      session,
      rows.map((row) => row.ref),
      gateway.now(),
    );
  });
}

/** After a hand-over ended: queues what it did not bring, forgets what never arrived. */
export async function settleOutbox(session: Session, handoverId: string, now: Date): Promise<void> {
  const { rows } = await session.query<{ ref: string }>(
    `select s.ref from handover_sent s
     join furnished_authorisation f on f.authorisation_id = s.ref
     join authorisation a on a.authorisation_id = s.ref and a.last_seq > f.last_seq
     where s.handover_id = $1 and s.kind = 'authorisation'`,
    [handoverId],
  );
  await queueEvents(
    session,
    rows.map((row) => row.ref),
    now,
  );
  await session.query(
    `delete from outbox o where o.sent_at is null
       and not exists (select 1 from furnished_authorisation f
         where f.authorisation_id = o.authorisation_id)
       and not exists (select 1 from handover h join handover_sent s
         on s.handover_id = h.handover_id and s.kind = 'authorisation'
         where h.state = 'decided' and h.handover_id <> $1::uuid and s.ref = o.authorisation_id)`,
    [handoverId],
  );
}

interface Pending {
  readonly seq: number;
  readonly attempts: number;
  readonly event_id: string;
  readonly event: AuthorisationEvent;
  readonly record_sha256: string;
  readonly prev_hash: string | null;
  readonly after: string | null;
  readonly submission_id: string | null;
}

async function pendingOf(session: Session, id: string): Promise<Pending[]> {
  const { rows } = await session.query<Pending>(
    `select o.seq, o.attempts, o.event_id, encode(a.record_sha256, 'hex') as record_sha256,
       encode(e.prev_hash, 'hex') as prev_hash,
       jsonb_build_object('seq', e.seq, 'type', e.type,
         'at', to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'by_party', e.by_party, 'reason', e.reason) as event,
       (select encode(p.hash, 'hex') from authorisation_event p
        where p.subject_id = e.subject_id and p.authorisation_id = e.authorisation_id
          and p.seq < e.seq and not exists (select 1 from learnt_event l
            where l.subject_id = p.subject_id and l.authorisation_id = p.authorisation_id
              and l.seq = p.seq)
        order by p.seq desc limit 1) as after,
       (select h.handover_id from handover h join handover_sent s
          on s.handover_id = h.handover_id and s.kind = 'authorisation'
        where h.state = 'decided' and s.ref = o.authorisation_id limit 1) as submission_id
     from outbox o
     join authorisation a on a.subject_id = o.subject_id
       and a.authorisation_id = o.authorisation_id
     join authorisation_event e on e.subject_id = o.subject_id
       and e.authorisation_id = o.authorisation_id and e.seq = o.seq
     where o.authorisation_id = $1 and o.sent_at is null order by o.seq`,
    [id],
  );
  return rows;
}

async function tell(
  gateway: Gateway,
  registry: Registry,
  id: string,
  row: Pending,
): Promise<EventAnswer> {
  const claims: EventClaims = {
    iss: gateway.furnisher_id,
    authorisation_id: id,
    record_sha256: row.record_sha256,
    event: row.event,
    prev_hash: row.prev_hash,
    event_id: row.event_id,
    after: row.after,
  };
  const signed = await signJws(claims, gateway.ring, { typ: EVENT_TYP });
  return registry.api.json<EventAnswer>({
    method: 'PUT',
    path: `/v1/authorisation-events/${row.event_id}`,
    json: { signed, submission_id: row.submission_id },
    idempotent: true,
  });
}

async function recordAnswer(
  gateway: Gateway,
  id: string,
  row: Pending,
  answer: string,
): Promise<void> {
  const isSent = answer === 'stored' || answer === 'unchanged';
  const wait =
    answer === 'kept'
      ? FIRST_WAIT_MS
      : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(row.attempts, 10));
  const now = gateway.now();
  await gateway.db.query(
    `update outbox set attempts = attempts + 1, last_answer = $3, sent_at = $4, next_try_at = $5
     where authorisation_id = $1 and seq = $2`,
    [id, row.seq, answer, isSent ? now : null, new Date(now.getTime() + wait)],
  );
}

/** The registry has less than was told: everything is told again, from the first event. */
async function queueAgain(gateway: Gateway, id: string): Promise<void> {
  await gateway.db.query(
    `insert into outbox (subject_id, authorisation_id, seq, event_id, type, queued_at, attempts,
       next_try_at)
     select e.subject_id, e.authorisation_id, e.seq, encode(e.hash, 'hex'), e.type,
       $2::timestamptz, 0, $2::timestamptz
     from authorisation a
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id
     left join learnt_event l on l.subject_id = e.subject_id
       and l.authorisation_id = e.authorisation_id and l.seq = e.seq
     where a.authorisation_id = $1 and l.seq is null
     on conflict (subject_id, authorisation_id, seq) do update set sent_at = null`,
    [id, gateway.now()],
  );
}

interface Tally {
  sent: number;
  kept: number;
  isReachable: boolean;
  refused: { authorisation_id: string; code: string }[];
}

async function pushOne(
  gateway: Gateway,
  registry: Registry,
  id: string,
  tally: Tally,
): Promise<void> {
  for (const row of await pendingOf(gateway.db, id)) {
    let answer: string;
    try {
      answer = (await tell(gateway, registry, id, row)).result;
    } catch (error) {
      if (!(error instanceof AssentError)) throw error;
      answer = error.code;
      if (answer === 'registry_unreachable') tally.isReachable = false;
      else tally.refused.push({ authorisation_id: id, code: answer });
    }
    await recordAnswer(gateway, id, row, answer);
    if (answer === 'kept') tally.kept += 1;
    else if (answer === 'stored' || answer === 'unchanged') tally.sent += 1;
    else {
      if (answer === 'event_out_of_order') await queueAgain(gateway, id);
      return; // Those behind it wait for it.
    }
  }
}

/** Withdrawals go before the rest; @param ids these alone, due or not; null: all that are due. */
async function nextRound(gateway: Gateway, ids: readonly string[] | null): Promise<string[]> {
  const { rows } = await gateway.db.query<{ authorisation_id: string }>(
    `select authorisation_id from outbox
     where sent_at is null and ($1::uuid[] is not null or next_try_at <= $2)
       and ($1::uuid[] is null or authorisation_id = any($1::uuid[]))
     group by authorisation_id
     order by bool_or(type = 'withdrawn') desc, min(queued_at), authorisation_id
     limit $3::int`,
    [ids === null ? null : [...ids], gateway.now(), ROUND],
  );
  return rows.map((row) => row.authorisation_id);
}

/**
 * Tells the registry what it has not heard yet. Never throws for the registry's sake: what could
 * not be told stays pending.
 * @param ids these authorisations alone, at once; without, all that are due
 */
export async function pushEvents(
  gateway: Gateway,
  registry: Registry,
  ids: readonly string[] | null = null,
): Promise<PushReport> {
  const tally: Tally = { sent: 0, kept: 0, isReachable: true, refused: [] };
  for (;;) {
    const round = await nextRound(gateway, ids);
    const lane = async () => {
      for (let id = round.shift(); id && tally.isReachable; id = round.shift())
        await pushOne(gateway, registry, id, tally);
    };
    const isLast = round.length < ROUND || ids !== null;
    await allEnded(Array.from({ length: LANES }, lane));
    if (isLast || !tally.isReachable) break;
  }
  const { rows } = await gateway.db.query<{ n: number }>(
    `select count(*) as n from outbox where sent_at is null
       and ($1::uuid[] is null or authorisation_id = any($1::uuid[]))`,
    [ids === null ? null : [...ids]],
  );
  return {
    sent: tally.sent,
    kept: tally.kept,
    pending: rows[0]?.n ?? 0,
    is_reachable: tally.isReachable,
    refused: tally.refused,
  };
}
