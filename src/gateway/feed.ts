/**
 * The registry's feed, read by cursor: what happened to an authorisation at the registry happens
 * here too.
 *
 * What must stay true: an entry is believed only if the registry signed it for this gateway and
 * it comes next; applying it and moving the cursor are one transaction, so each counts once; one
 * that cannot be applied is traced and does not stop those behind it.
 */
import { Check } from 'typebox/value';
import { type LearnContext, learnEvent } from '../authorisation/learn.ts';
import type { AuthorisationState } from '../authorisation/record.ts';
import { type Entry, entriesOf, lockWriters } from '../authorisation/store.ts';
import { answeredAt, givenAt, isInForce, wasSuperseded } from '../authorisation/succession.ts';
import type { Session } from '../database/database.ts';
import { verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import {
  FEED_CLAIMS,
  FEED_TYP,
  type FeedClaims,
  type FeedPage,
  NEWS_CLAIMS,
  type NewsClaims,
} from '../wire/feed.ts';
import { inOneBatch, storeInBatch } from './collect.ts';
import type { Gateway } from './gateway.ts';
import type { Registry } from './hand-over.ts';
import { takeNews } from './news.ts';
import { type PushReport, pushEvents } from './outbox.ts';

/** Entries of one page, which is one transaction. */
const PAGE = 200;
const FEED = 'registry';

export interface PullReport {
  /** Entries read, and the events and news among them that were new here. */
  readonly entries: number;
  readonly learnt: number;
  /** News of a kind that this gateway has no use for. */
  readonly skipped: number;
  /** Traced in `authorisation_refusal`: unknown here, or not as they must be. */
  readonly refused: number;
  readonly position: number;
}

function wrong(detail: string): never {
  throw new AssentError('feed_wrong', { detail });
}

interface Entered {
  readonly claims: FeedClaims | NewsClaims;
  readonly signed: string;
}

async function fetchPage(
  gateway: Gateway,
  registry: Registry,
  after: number,
): Promise<readonly Entered[]> {
  const page = await registry.api.json<FeedPage>({
    method: 'GET',
    path: '/v1/feed',
    query: { after: String(after), limit: String(PAGE) },
    idempotent: true,
  });
  if (page.head < after)
    wrong(`it ends at ${page.head}, and was read here up to ${after}: it is another feed`);
  const entered: Entered[] = [];
  for (const [index, { signed }] of page.entries.entries()) {
    const claims = await verifyJws(signed, registry.keys, { typ: FEED_TYP });
    if (!Check(FEED_CLAIMS, claims) && !Check(NEWS_CLAIMS, claims))
      wrong('an entry has not the documented form');
    if (claims.aud !== gateway.furnisher_id) wrong('an entry is for another recipient');
    if (claims.position !== after + 1 + index) wrong(`position ${after + 1 + index} is missing`);
    entered.push({ claims, signed });
  }
  return entered;
}

/** The registry makes ends alone; it never speaks for this lender (docs/FEED.md, "Convergence"). */
type EndThere = 'withdrawn' | 'revoked';
const isEndThere = (type: string): type is EndThere => type === 'withdrawn' || type === 'revoked';

/**
 * What was renewed here meanwhile has ended at the registry. A withdrawal means the renewal,
 * unless the person answered to it afterwards. What was revoked leaves what had taken its place,
 * but not what the lender narrowed by its own hand since, or what the registry has not heard of:
 * it refuses that, for to its knowledge the lender brings back by its own hand what had ended.
 */
async function endRenewals(
  session: Session,
  gateway: Gateway,
  entry: Entry,
  { type, at }: { readonly type: EndThere; readonly at: string },
): Promise<void> {
  const { rows } = await session.query<{
    authorisation_id: string;
    state: AuthorisationState;
    is_told: boolean;
  }>(
    `select a.authorisation_id, a.state, exists (select 1 from furnished_authorisation f
       where f.authorisation_id = a.authorisation_id) as is_told
     from authorisation a
     where a.subject_id = $1 and a.arrangement_id = $2 order by a.authorisation_id for update of a`,
    [entry.subject_id, entry.record.arrangement_id],
  );
  const found = new Map(rows.map((row) => [row.authorisation_id, row]));
  const all = await entriesOf(session, [...found.keys()]);
  const byId = new Map(all.map((each) => [each.record.authorisation_id, each]));
  const renewals = all.filter((each) => {
    const row = found.get(each.record.authorisation_id);
    const answered = answeredAt(each, byId);
    if (!row || !isInForce(row.state) || answered > at) return false;
    const given = givenAt(each.events) ?? '';
    return type === 'withdrawn' || (answered < given && (given > at || !row.is_told));
  });
  const ended = renewals.map((each): Entry => {
    const last = each.events.at(-1);
    const event = {
      seq: each.events.length + 1,
      type,
      at: last && last.at > at ? last.at : at,
      by_party: gateway.furnisher_id,
      reason: `arrangement_${type}`,
    };
    return { ...each, events: [...each.events, event] };
  });
  await inOneBatch(session, gateway, (batch) => storeInBatch(session, gateway, ended, batch));
}

type Applied = 'learnt' | 'known' | 'refused' | 'skipped';

async function apply(
  session: Session,
  gateway: Gateway,
  { claims, signed }: Entered,
): Promise<Applied> {
  if (Check(FEED_CLAIMS, claims)) return applyEvent(session, gateway, claims, signed);
  const known = await takeNews(session, gateway, claims as NewsClaims);
  return known === 'taken' ? 'learnt' : known;
}

async function applyEvent(
  session: Session,
  gateway: Gateway,
  claims: FeedClaims,
  signed: string,
): Promise<Applied> {
  const { type, at, by_party } = claims.event;
  const mayBeTold = isEndThere(type) && by_party !== gateway.furnisher_id;
  const context: LearnContext = {
    provider_id: gateway.furnisher_id,
    signed,
    recorded_at: gateway.now(),
    store: async (inner, entry) => {
      const ended = await inOneBatch(inner, gateway, (batch) =>
        storeInBatch(inner, gateway, [entry], batch),
      );
      return ended.stored.length > 0;
    },
  };
  const learnt = mayBeTold
    ? await learnEvent(session, claims, context)
    : ({ result: 'not_theirs' } as const);
  if (learnt.result === 'unchanged') return 'known';
  if (learnt.result === 'stored') {
    if (mayBeTold && wasSuperseded(learnt.entry.events))
      await endRenewals(session, gateway, learnt.entry, { type, at });
    return 'learnt';
  }
  await session.query(
    `insert into authorisation_refusal (refusal_id, authorisation_id, by_party, at, why)
     values ($1, $2, $3, $4, $5)`,
    [
      gateway.newId(),
      claims.authorisation_id,
      by_party,
      gateway.now(),
      `feed ${claims.position}: ${learnt.result}`,
    ],
  );
  return 'refused';
}

async function readCursor(session: Session): Promise<number> {
  const { rows } = await session.query<{ position: number }>(
    'select position from feed_cursor where feed = $1 for update',
    [FEED],
  );
  return rows[0]?.position ?? 0;
}

async function applyPage(gateway: Gateway, page: readonly Entered[]): Promise<Applied[]> {
  return gateway.db.transaction(async (session) => {
    await lockWriters(session); // Before any row: whoever appends takes it first as well.
    await session.query(
      'insert into feed_cursor (feed, position) values ($1, 0) on conflict (feed) do nothing',
      [FEED],
    );
    const cursor = await readCursor(session);
    const results: Applied[] = [];
    // Another reader may have been faster.
    for (const each of page.filter(({ claims }) => claims.position > cursor))
      results.push(await apply(session, gateway, each));
    const last = page.at(-1)?.claims.position ?? cursor;
    await session.query('update feed_cursor set position = $2 where feed = $1', [
      FEED,
      Math.max(cursor, last),
    ]);
    return results;
  });
}

/**
 * Reads the registry's feed to its end and applies what is new.
 * @throws registry_unreachable; feed_wrong, when an entry cannot be believed: nothing of its page
 * is applied
 */
export async function pullFeed(gateway: Gateway, registry: Registry): Promise<PullReport> {
  let position = await readCursor(gateway.db);
  const results: Applied[] = [];
  for (;;) {
    const page = await fetchPage(gateway, registry, position);
    if (page.length > 0) results.push(...(await applyPage(gateway, page)));
    position += page.length;
    if (page.length < PAGE) break;
  }
  return {
    entries: results.length,
    learnt: results.filter((each) => each === 'learnt').length,
    skipped: results.filter((each) => each === 'skipped').length,
    refused: results.filter((each) => each === 'refused').length,
    position,
  };
}

/**
 * Both directions, ours first: before every decision, and before what was decided is cut.
 * @throws registry_unreachable, feed_wrong
 */
export async function exchangeEvents(
  gateway: Gateway,
  registry: Registry,
): Promise<{ readonly push: PushReport; readonly pull: PullReport }> {
  const push = await pushEvents(gateway, registry);
  if (!push.is_reachable)
    throw new AssentError('registry_unreachable', {
      detail: `${push.pending} events wait to be told`,
    });
  return { push, pull: await pullFeed(gateway, registry) };
}
