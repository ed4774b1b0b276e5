/**
 * Notices of this lender: published, read, and which versions still carry an approval.
 *
 * What must stay true: a version never changes once it is published; a material one makes older
 * approvals `notice_outdated` from its moment on, in every process at once, because the gate asks
 * the table; a past moment is decided with the notices of that moment.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';
import { canonicalBytes } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import type { NoticeDocument } from '../model/notice.ts';
import type { Gateway } from './gateway.ts';
import { noticeProblems } from './notice-form.ts';

export interface Notice {
  readonly notice_id: string;
  readonly version: number;
  /** SHA-256 over the document's canonical JSON (RFC 8785), hex. */
  readonly sha256: string;
  readonly material: boolean;
  readonly published_at: Date;
  readonly document: NoticeDocument;
}

/** SHA-256 over the canonical JSON (RFC 8785) of a value, hex. */
export function documentHash(document: unknown): string {
  return createHash('sha256').update(canonicalBytes(document)).digest('hex');
}

const READ = 'select notice_id, version, sha256, material, published_at, document from notice';

/**
 * Publishes a version. The same document again changes nothing.
 * @throws notice_invalid, listing every problem; notice_altered: the version is there with other
 * words, or is not newer than the newest.
 */
export async function publishNotice(
  gateway: Gateway,
  document: unknown,
): Promise<{ readonly notice: Notice; readonly result: 'published' | 'unchanged' }> {
  const problems = noticeProblems(document, gateway.profile);
  if (problems.length > 0) throw new AssentError('notice_invalid', { detail: problems.join('; ') });
  const notice = document as NoticeDocument;
  const sha256 = documentHash(notice);
  return gateway.db.transaction(async (session) => {
    // Two versions published at once: the second waits, and sees the first.
    await session.query('lock table notice in share row exclusive mode');
    const { rows } = await session.query<Notice>(
      `${READ} where notice_id = $1 order by version desc`,
      [notice.notice_id],
    );
    const known = rows.find(({ version }) => version === notice.version);
    if (known?.sha256 === sha256) return { notice: known, result: 'unchanged' };
    if (known || (rows[0] && rows[0].version > notice.version)) {
      throw new AssentError('notice_altered', {
        detail: `the newest version of ${notice.notice_id} is ${rows[0]?.version}`,
      });
    }
    const published_at = gateway.now();
    await session.query(
      `insert into notice (notice_id, version, sha256, material, document, published_at)
       values ($1, $2, $3, $4, $5::jsonb, $6)`,
      [
        notice.notice_id,
        notice.version,
        sha256,
        notice.material,
        JSON.stringify(notice),
        published_at,
      ],
    );
    const { notice_id, version, material } = notice;
    return {
      notice: { notice_id, version, sha256, material, published_at, document: notice },
      result: 'published',
    };
  });
}

/** Every version of every notice, by id, newest first. */
export async function listNotices(session: Session): Promise<Notice[]> {
  const { rows } = await session.query<Notice>(`${READ} order by notice_id, version desc`);
  return rows;
}

/** One version; the newest when none is named. @throws notice_unknown */
export async function findNotice(
  session: Session,
  id: string,
  version: number | null = null,
): Promise<Notice> {
  const { rows } = await session.query<Notice>(
    `${READ} where notice_id = $1 and ($2::int is null or version = $2::int)
     order by version desc limit 1`,
    [id, version],
  );
  const [notice] = rows;
  if (!notice) throw new AssentError('notice_unknown');
  return notice;
}

/**
 * The oldest version of each notice that authorised at a moment: the newest material one, or
 * what the configuration asks for, whichever is later.
 */
export async function oldestNotices(
  session: Session,
  gateway: Pick<Gateway, 'notices'>,
  moment: Date,
): Promise<Record<string, number>> {
  const { rows } = await session.query<{ notice_id: string; version: number }>(
    `select notice_id, max(version) as version from notice
     where material and published_at <= $1::timestamptz group by notice_id`,
    [moment],
  );
  const oldest: Record<string, number> = { ...gateway.notices };
  for (const { notice_id, version } of rows)
    oldest[notice_id] = Math.max(version, oldest[notice_id] ?? 0);
  return oldest;
}

/** The same where the profile has people asked again; elsewhere no version is ever outdated. */
export async function askedAgainBefore(
  session: Session,
  gateway: Pick<Gateway, 'notices' | 'profile'>,
  moment: Date,
): Promise<Record<string, number>> {
  if (gateway.profile?.notice_change !== 'ask_again') return {};
  return oldestNotices(session, gateway, moment);
}
