/**
 * Events of authorisations at the registry: ended here on the person's request, or pushed by the
 * furnisher at whose gateway they happened.
 *
 * What must stay true: an event, its effect on what is held and its entries in the feeds are one
 * transaction, serialised against the months that are being stored (`serialise.ts`); another's
 * authorisation and one that does not exist are answered alike; whatever is refused leaves a
 * trace.
 */
import { Check } from 'typebox/value';
import { learnEvent, lockEntry, type Told } from '../authorisation/learn.ts';
import { type AuthorisationEvent, hasEnded, mayFollow, stateOf } from '../authorisation/record.ts';
import { type Entry, entriesOf } from '../authorisation/store.ts';
import { wasSuperseded } from '../authorisation/succession.ts';
import type { Session } from '../database/database.ts';
import { type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { EVENT_CLAIMS, EVENT_TYP, type EventAnswer, type EventClaims } from '../wire/feed.ts';
import { takeEffect } from './effects.ts';
import { appendToFeeds } from './feed.ts';
import type { Registry } from './registry.ts';
import { lockAuthorisations, tickClock } from './serialise.ts';
import { storeSigned, storeSignedJudged } from './store-signed.ts';

/** Why an authorisation is ended at the registry. */
export const END_REASONS = {
  withdrawn: ['subject_request', 'guardian_request'],
  revoked: ['court_order', 'death', 'identity_misuse'],
} as const;

export interface EndRequest {
  readonly type: keyof typeof END_REASONS;
  readonly reason: string;
  /** SHA-256 of the request as it was received (the letter, the recording), lower-case hex. */
  readonly evidence_sha256: string;
  /** Who writes it down. */
  readonly by_party: string;
  /** Whose it must be; null for the operator, who acts for anyone who asked. */
  readonly subject_id: string | null;
}

export interface EndAnswer {
  readonly authorisation_id: string;
  readonly state: string;
  readonly result: 'stored' | 'unchanged';
}

/** What follows from an event, in its transaction. */
async function settle(
  registry: Registry,
  session: Session,
  entry: Entry,
  change: { readonly before: string; readonly at: string },
): Promise<void> {
  const state = stateOf(entry.events);
  if (state === change.before) return;
  await tickClock(session, entry.record.parties.provider_id, [entry.subject_id]);
  await takeEffect(registry, session, entry, { state, since: change.at });
}

async function trace(
  registry: Registry,
  session: Session,
  refusal: { readonly id: string; readonly by_party: string; readonly why: string },
): Promise<void> {
  await session.query(
    `insert into authorisation_refusal (refusal_id, authorisation_id, by_party, at, why)
     values ($1, $2, $3, $4, $5)`,
    [registry.newId(), refusal.id, refusal.by_party, registry.now(), refusal.why],
  );
}

async function nameOfNewest(session: Session, entry: Entry) {
  const { rows } = await session.query<{
    event_id: string;
    prev_hash: string | null;
    record_sha256: string;
  }>(
    `select encode(e.hash, 'hex') as event_id, encode(e.prev_hash, 'hex') as prev_hash,
       encode(a.record_sha256, 'hex') as record_sha256
     from authorisation a join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
     where a.subject_id = $1 and a.authorisation_id = $2`,
    [entry.subject_id, entry.record.authorisation_id],
  );
  const [row] = rows;
  if (!row) throw new Error('the event was just stored');
  return row;
}

/** Appends one event of the registry's own to a locked authorisation. */
async function appendOwn(
  registry: Registry,
  session: Session,
  entry: Entry,
  own: Pick<AuthorisationEvent, 'type' | 'by_party' | 'reason'>,
): Promise<string> {
  const now = registry.now();
  const last = entry.events.findLast((each) => each.by_party === own.by_party);
  const at = last && last.at > now.toISOString() ? last.at : now.toISOString();
  const event: AuthorisationEvent = { seq: entry.events.length + 1, at, ...own };
  const grown = { ...entry, events: [...entry.events, event] };
  const { result } = await storeSigned(registry, session, grown, own.by_party);
  if (result !== 'stored') throw new Error('an event that may follow is stored');
  await settle(registry, session, grown, { before: stateOf(entry.events), at });
  const { provider_id, recipient_id } = entry.record.parties;
  await appendToFeeds(
    registry,
    session,
    recipient_id === null ? [provider_id] : [provider_id, recipient_id],
    {
      authorisation_id: entry.record.authorisation_id,
      event,
      ...(await nameOfNewest(session, grown)),
    },
  );
  return stateOf(grown.events);
}

/** Records of the same arrangement that a superseded one was renewed by. */
async function renewalsOf(session: Session, entry: Entry): Promise<Entry[]> {
  const { rows } = await session.query<{ authorisation_id: string }>(
    `select authorisation_id from authorisation where subject_id = $1 and arrangement_id = $2
       and authorisation_id <> $3 and provider_id = $4 and state in ('given', 'paused')
     order by authorisation_id`,
    [
      entry.subject_id,
      entry.record.arrangement_id,
      entry.record.authorisation_id,
      entry.record.parties.provider_id,
    ],
  );
  return entriesOf(
    session,
    rows.map((row) => row.authorisation_id),
  );
}

/**
 * Ends an authorisation at the registry, at once. One that has ended as strictly already is
 * `unchanged`. Withdrawing a record that was renewed withdraws the renewal too.
 * @throws authorisation_unknown; authorisation_invalid: it was never given, or the reason is not
 * one of `END_REASONS`
 */
export async function endAuthorisation(
  registry: Registry,
  id: string,
  request: EndRequest,
): Promise<EndAnswer> {
  const { type, by_party } = request;
  const reasons: readonly string[] = END_REASONS[type];
  if (!reasons.includes(request.reason)) {
    throw new AssentError('authorisation_invalid', {
      detail: `the reasons of ${type} are ${reasons.join(', ')}`,
    });
  }
  const answer = await registry.db.transaction(async (session): Promise<EndAnswer> => {
    const { rows } = await session.query<{ provider_id: string; subject_id: string }>(
      'select provider_id, subject_id from authorisation where authorisation_id = $1',
      [id],
    );
    const [owner] = rows;
    const isTheirs = request.subject_id === null || owner?.subject_id === request.subject_id;
    if (!owner || !isTheirs) throw new AssentError('authorisation_unknown');
    await lockAuthorisations(session, owner.provider_id);
    const entry = await lockEntry(session, id);
    if (!entry) throw new AssentError('authorisation_unknown');
    const before = stateOf(entry.events);
    if (!mayFollow(before, type)) {
      if (!hasEnded(before))
        throw new AssentError('authorisation_invalid', { detail: `it is ${before}` });
      return { authorisation_id: id, state: before, result: 'unchanged' };
    }
    // The hash chain covers the evidence with the reason.
    const reason = `${request.reason} sha256:${request.evidence_sha256}`;
    const state = await appendOwn(registry, session, entry, { type, by_party, reason });
    if (wasSuperseded(entry.events) && type === 'withdrawn') {
      for (const renewal of await renewalsOf(session, entry))
        await appendOwn(registry, session, renewal, { type, by_party, reason });
    }
    return { authorisation_id: id, state, result: 'stored' };
  });
  registry.announce?.();
  return answer;
}

/** Keeps an event whose record one of the furnisher's own submissions is bringing. */
async function keep(
  session: Session,
  pushed: Pushed,
  claims: EventClaims,
): Promise<'kept' | 'altered' | 'unknown'> {
  const { furnisher_id, submission_id } = pushed;
  const { rows: live } = await session.query(
    `select 1 from submission where submission_id = $1 and furnisher_id = $2
       and state in ('open', 'processing')`,
    [submission_id, furnisher_id],
  );
  if (live.length === 0) return 'unknown';
  await session.query(
    `insert into travelling_event (furnisher_id, authorisation_id, told_seq, event_id,
       submission_id, claims, signed)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (furnisher_id, authorisation_id, told_seq) do update set
       submission_id = excluded.submission_id
     where travelling_event.event_id = excluded.event_id`,
    [
      furnisher_id,
      claims.authorisation_id,
      claims.event.seq,
      claims.event_id,
      submission_id,
      JSON.stringify(claims),
      pushed.signed,
    ],
  );
  const { rows } = await session.query<{ event_id: string }>(
    `select event_id from travelling_event
     where furnisher_id = $1 and authorisation_id = $2 and told_seq = $3`,
    [furnisher_id, claims.authorisation_id, claims.event.seq],
  );
  return rows[0]?.event_id === claims.event_id ? 'kept' : 'altered';
}

export interface Pushed {
  readonly furnisher_id: string;
  /** As the address names it. */
  readonly event_id: string;
  /** JWS of typ `assent-event+jws`. */
  readonly signed: string;
  /** The submission that is bringing the record, if one is. */
  readonly submission_id: string | null;
  readonly keys: VerifyingKeys;
}

async function learn(
  registry: Registry,
  session: Session,
  told: Told,
  context: { readonly furnisher_id: string; readonly signed: string },
) {
  const learnt = await learnEvent(session, told, {
    provider_id: context.furnisher_id,
    signed: context.signed,
    recorded_at: registry.now(),
    store: async (inner, entry) => {
      const { result } = await storeSignedJudged(registry, inner, entry, {
        party: context.furnisher_id,
        owner: { provider_id: context.furnisher_id, recipient_id: null },
        supersedes: false, // Nothing is ended here in a lender's name.
      });
      return result?.result === 'stored';
    },
  });
  if (learnt.result === 'stored') {
    const { entry, before } = learnt;
    await settle(registry, session, entry, { before, at: told.event.at });
    const { recipient_id } = entry.record.parties;
    if (recipient_id !== null && recipient_id !== context.furnisher_id)
      await appendToFeeds(registry, session, [recipient_id], told);
  }
  return learnt;
}

const REFUSALS = {
  unknown: 'authorisation_unknown',
  altered: 'authorisation_altered',
  out_of_order: 'event_out_of_order',
  invalid: 'authorisation_invalid',
} as const;

/**
 * Takes in an event that a furnisher pushed. The same again is `unchanged`.
 * @throws signature_invalid; authorisation_altered: the event is not what its name says, or
 * another of the same number is known; authorisation_unknown; event_out_of_order;
 * authorisation_invalid
 */
export async function receiveEvent(registry: Registry, pushed: Pushed): Promise<EventAnswer> {
  const { furnisher_id, event_id, signed } = pushed;
  const claims = await verifyJws(signed, pushed.keys, { typ: EVENT_TYP });
  if (!Check(EVENT_CLAIMS, claims))
    throw new AssentError('authorisation_invalid', { detail: 'the event has not its form' });
  const isOwn = claims.iss === furnisher_id && claims.event.by_party === furnisher_id;
  const isAsNamed = isOwn && claims.event_id === event_id;
  const answer = await registry.db.transaction(async (session) => {
    await lockAuthorisations(session, furnisher_id);
    const learnt = isAsNamed
      ? await learn(registry, session, claims, { furnisher_id, signed })
      : ({ result: 'altered' } as const);
    let { result }: { result: EventAnswer['result'] | keyof typeof REFUSALS } = learnt;
    if (result === 'unknown' && pushed.submission_id !== null)
      result = await keep(session, pushed, claims);
    if (result !== 'stored' && result !== 'unchanged' && result !== 'kept') {
      const why = `event pushed: ${result}`;
      await trace(registry, session, { id: claims.authorisation_id, by_party: furnisher_id, why });
      return { code: REFUSALS[result] };
    }
    return { event_id, result, state: 'state' in learnt ? learnt.state : null };
  });
  // Thrown here, so that the trace is committed.
  if ('code' in answer) throw new AssentError(answer.code);
  registry.announce?.();
  return answer;
}

/**
 * Applies events that came before their records, and the effects of entries that came in with an
 * end. Call it where records were stored, with `lockAuthorisations`.
 */
export async function settleEntries(
  registry: Registry,
  session: Session,
  furnisherId: string,
  entries: readonly Entry[],
): Promise<void> {
  for (const entry of entries) {
    const last = entry.events.at(-1);
    if (last) await settle(registry, session, entry, { before: 'given', at: last.at });
  }
  const { rows } = await session.query<{ claims: EventClaims; signed: string }>(
    `delete from travelling_event where furnisher_id = $1 and authorisation_id = any($2::uuid[])
     returning claims, signed`,
    [furnisherId, entries.map((entry) => entry.record.authorisation_id)],
  );
  const inOrder = rows.sort((a, b) => a.claims.event.seq - b.claims.event.seq);
  for (const { claims, signed } of inOrder) {
    const told = await learn(registry, session, claims, { furnisher_id: furnisherId, signed });
    if (told.result !== 'stored' && told.result !== 'unchanged') {
      const why = `event kept for its record: ${told.result}`;
      await trace(registry, session, { id: claims.authorisation_id, by_party: furnisherId, why });
    }
  }
}

/** After a submission ended: events whose record it did not bring are let go. */
export async function dropTravelling(registry: Registry, submissionId: string): Promise<void> {
  await registry.db.query('delete from travelling_event where submission_id = $1', [submissionId]);
}
