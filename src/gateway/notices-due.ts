/**
 * Who is to be told of the end of an approval: read by the lender's app, which tells them.
 *
 * What must stay true: a reader that goes on after the last position it saw misses nothing and
 * sees nothing twice; no identity is in it, only the lender's own number of the person.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';

export interface NoticeDue {
  /** Where to go on: `after` of the next request. */
  readonly position: number;
  /** `expiring`: the end comes near; `expired`: it has come; `of_age`: the person answers now. */
  readonly kind: 'expiring' | 'expired' | 'of_age';
  readonly days_before: number;
  readonly subject_ref: string;
  readonly authorisation_id: string;
  readonly arrangement_id: string;
  readonly purpose: string;
  readonly language: string;
  readonly channel: string;
  /** ISO 8601, UTC. */
  readonly ends_at: string;
  /** The state now: one that was renewed or withdrawn meanwhile needs no telling. */
  readonly state: string;
}

export const NOTICE_COLUMNS = [
  'position',
  'kind',
  'days_before',
  'subject_ref',
  'authorisation_id',
  'arrangement_id',
  'purpose',
  'language',
  'channel',
  'ends_at',
  'state',
] as const satisfies readonly (keyof NoticeDue)[];

/**
 * Notices after a position, oldest first.
 * @param after 0 for the first
 * @param limit at most this many
 */
export async function noticesDue(
  session: Session,
  after: number,
  limit: number,
): Promise<NoticeDue[]> {
  if (!Number.isSafeInteger(after) || after < 0)
    throw new AssentError('argument_invalid', { detail: 'after is no position' });
  const { rows } = await session.query<Omit<NoticeDue, 'ends_at'> & { ends_at: Date }>(
    `select n.position, n.kind, n.days_before, c.subject_ref, n.authorisation_id, a.arrangement_id,
            a.purpose, w.record ->> 'language' as language,
            w.record -> 'notice' ->> 'channel' as channel, n.ends_at, a.state
     from authorisation_notice_due n
     join authorisation a on a.subject_id = n.subject_id
       and a.authorisation_id = n.authorisation_id
     join authorisation_record w on w.subject_id = a.subject_id
       and w.authorisation_id = a.authorisation_id
     join customer c on c.subject_id = n.subject_id
     where n.position > $1 order by n.position limit $2`,
    [after, limit],
  );
  return rows.map((row) => ({ ...row, ends_at: row.ends_at.toISOString() }));
}

const PAGE = 10_000;

/** All notices after a position, in pages. */
export async function* noticePages(session: Session, after: number): AsyncGenerator<NoticeDue[]> {
  for (let from = after; ; ) {
    const page = await noticesDue(session, from, PAGE);
    if (page.length === 0) return;
    yield page;
    from = page.at(-1)?.position ?? from;
  }
}
