/**
 * Events of authorisations as they travel between gateway and registry, one by one and signed.
 *
 * What must stay true: an event is named by its hash in the chain of the side where it happened,
 * so whoever alters it names another event; a signature for one direction never passes for the
 * other (`typ`), nor one recipient's entry for another's (`aud`); nothing here tells who the
 * person is.
 */

import { type Static, Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';

/** What a furnisher signs: an event that happened at its gateway. */
export const EVENT_TYP = 'assent-event+jws';
/** What the registry signs: an entry of one recipient's feed. */
export const FEED_TYP = 'assent-feed+jws';

const UUID = Type.String({
  pattern: UUID_PATTERN,
});
const SHA256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const TOLD_EVENT = {
  authorisation_id: UUID,
  record_sha256: SHA256,
  event: closed({
    seq: Type.Integer({ minimum: 1, maximum: 100_000 }),
    type: Type.String({ pattern: '^[a-z]{1,20}$' }),
    at: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' }),
    by_party: UUID,
    reason: Type.Union([Type.String({ maxLength: 2000 }), Type.Null()]),
  }),
  /** Hash of the event before in the chain of the side that tells; null before the first. */
  prev_hash: Type.Union([SHA256, Type.Null()]),
  /** The event's own hash there: its name. */
  event_id: SHA256,
};

/** An event as one side tells it to the other. */
const TOLD = closed(TOLD_EVENT);
export type ToldEvent = Readonly<Static<typeof TOLD>>;

/** Payload of `assent-event+jws`. */
export const EVENT_CLAIMS = closed({
  ...TOLD_EVENT,
  iss: UUID,
  /** The event before that its teller made itself: it must have been told before this one. */
  after: Type.Union([SHA256, Type.Null()]),
});
export type EventClaims = Readonly<Static<typeof EVENT_CLAIMS>>;

/** Payload of `assent-feed+jws`. Positions of one recipient are 1, 2, 3 … without a gap. */
export const FEED_CLAIMS = closed({
  ...TOLD_EVENT,
  iss: Type.String({ maxLength: 500 }),
  aud: UUID,
  position: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** Unix seconds at which the registry took it in. */
  iat: Type.Integer({ minimum: 0 }),
});
export type FeedClaims = Readonly<Static<typeof FEED_CLAIMS>>;

/**
 * The other payload of `assent-feed+jws`: news that is no event of an authorisation, in the same
 * order of positions. Both forms are closed, so that neither passes for the other.
 */
export const NEWS_CLAIMS = closed({
  iss: Type.String({ maxLength: 500 }),
  aud: UUID,
  position: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  /** Unix seconds at which it was written. */
  iat: Type.Integer({ minimum: 0 }),
  /** `subject.verb`, such as `claim.forwarded`; a reader skips those it does not know. */
  type: Type.String({ pattern: '^[a-z_]{1,30}\\.[a-z_]{1,30}$' }),
  /** What it is about or a name of its own: the same news again has the same one. */
  event_id: Type.String({ pattern: '^[0-9a-f-]{36,64}$' }),
  /** By type (docs/FEED.md); holds no identity. */
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type NewsClaims = Readonly<Static<typeof NEWS_CLAIMS>>;

/** One page of a feed. */
export interface FeedPage {
  readonly entries: readonly { readonly position: number; readonly signed: string }[];
  /** The newest position of the feed: a reader that has more was told of it by another registry. */
  readonly head: number;
}

/** How the registry took an event that was pushed. */
export interface EventAnswer {
  readonly event_id: string;
  /** `kept`: its record is still travelling with a hand-over; the event is applied with it. */
  readonly result: 'stored' | 'unchanged' | 'kept';
  readonly state: string | null;
}

/** Body of a webhook (Standard Webhooks): that there is news, never what it says of whom. */
export interface WebhookBody {
  readonly type: 'feed.entry';
  readonly timestamp: string;
  readonly data: {
    readonly position: number;
    readonly event_id: string;
    readonly event_type: string;
  };
}
