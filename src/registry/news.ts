/**
 * News in the feeds: whatever a participant must know that is no event of an authorisation, such
 * as a claim to answer or a correction of what it was shown.
 *
 * What must stay true: written in the transaction that made it true, beside the events and in the
 * same order of positions; it names accounts and claims, never who the person is.
 */
import type { Session } from '../database/database.ts';
import { appendEntries, appendEntry, type EntryBody } from './feed.ts';
import type { Registry } from './registry.ts';

export interface News {
  /** `subject.verb`, from docs/FEED.md. */
  readonly type: string;
  /** A UUID or a SHA-256: the same news has the same id in every feed. */
  readonly event_id: string;
  /** No identity: this is stored as it is signed, in every recipient's feed. */
  readonly data: Readonly<Record<string, unknown>>;
}

const entryOf = ({ type, event_id, data }: News): EntryBody => ({
  type,
  event_id,
  authorisation_id: null,
  claims: { type, event_id, data },
});

/**
 * Appends news to the feeds of its recipients and queues their webhooks. Call
 * `registry.announce?.()` after the commit, so that webhooks leave at once.
 */
export function appendNews(
  registry: Registry,
  session: Session,
  recipients: readonly string[],
  news: News,
): Promise<void> {
  return appendEntry(registry, session, recipients, entryOf(news));
}

/** As `appendNews`, of many news to one recipient: set-based, and one webhook for all. */
export function appendManyNews(
  registry: Registry,
  session: Session,
  recipient: string,
  news: readonly News[],
): Promise<void> {
  return appendEntries(registry, session, recipient, news.map(entryOf));
}
