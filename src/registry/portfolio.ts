/**
 * The portfolio of an enquirer: the people whose authorisations to monitor (Q2) it brought. Read
 * page by page; refreshed many at a time, each look traced and counted like one alone.
 *
 * What must stay true: a person is in it only while their authorisation is given; the rows of the
 * people of a page are held in one order; the same use_id gives the same answers.
 */
import { purposeOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { type Answered, type Asked, answerLooks, onceMoreIfMoved } from './answer-looks.ts';
import { answerAgain, enquiryIdOf, type KnownEnquiry } from './enquiries.ts';
import { lockPerson } from './person.ts';
import type { Registry } from './registry.ts';
import { activeCards } from './scorecards.ts';

export const PORTFOLIO_PAGE = 100;

export interface PortfolioEntry {
  readonly authorisation_id: string;
  readonly starts_at: Date;
  readonly expires_at: Date | null;
  /** When alerts last looked; null: not yet. */
  readonly seen_at: Date | null;
}

export interface Page {
  /** The authorisation after which the page begins; null: the first. */
  readonly after: string | null;
  readonly limit: number;
}

const NONE = '00000000-0000-0000-0000-000000000000';

interface PortfolioRow extends PortfolioEntry {
  readonly subject_id: string;
}

async function readPage(
  registry: Registry,
  session: Session,
  enquirerId: string,
  { after, limit }: Page,
): Promise<PortfolioRow[]> {
  const { rows } = await session.query<PortfolioRow>(
    `select a.subject_id, a.authorisation_id, a.starts_at, a.expires_at, m.seen_at
     from authorisation a
     left join monitor m on m.subject_id = a.subject_id
       and m.authorisation_id = a.authorisation_id
     where a.recipient_id = $1::uuid and a.provider_id = $2::uuid and a.purpose = 'Q2'
       and a.state = 'given' and a.authorisation_id > $3::uuid
     order by a.authorisation_id limit $4`,
    [enquirerId, registry.registry_id, after ?? NONE, limit],
  );
  return rows;
}

const nextOf = (rows: readonly PortfolioRow[], limit: number) =>
  rows.length < limit ? null : (rows.at(-1)?.authorisation_id ?? null);

/** One page of the portfolio; `next` is null at its end. */
export async function listPortfolio(
  registry: Registry,
  enquirerId: string,
  page: Page,
): Promise<{ readonly entries: readonly PortfolioEntry[]; readonly next: string | null }> {
  const rows = await readPage(registry, registry.db, enquirerId, page);
  const entries = rows.map(({ subject_id: _, ...entry }) => entry);
  return { entries, next: nextOf(rows, page.limit) };
}

export interface RefreshRequest extends Page {
  readonly enquirer_id: string;
  readonly use_id: string;
  readonly purpose: string;
  readonly form: 'summary' | 'evaluation';
}

/** What was answered under these ids before. @throws enquiry_altered: for another purpose */
async function knownOf(
  session: Session,
  { enquirer_id, purpose }: RefreshRequest,
  ids: readonly string[],
): Promise<Map<string, KnownEnquiry>> {
  const { rows } = await session.query<KnownEnquiry & { readonly purpose: string }>(
    `select enquiry_id, authorisation_id, outcome, reason, report_id, purpose from enquiry
     where enquirer_id = $1::uuid and enquiry_id = any($2::uuid[])`,
    [enquirer_id, [...ids]],
  );
  if (rows.some((row) => row.purpose !== purpose)) throw new AssentError('enquiry_altered');
  return new Map(rows.map((row) => [row.enquiry_id, row]));
}

/**
 * Summaries of the people of a page, each a look of its own.
 * @throws enquiry_altered: the use_id was used for another purpose; report_unknown
 */
export function refreshPortfolio(
  registry: Registry,
  request: RefreshRequest,
): Promise<{ readonly answers: readonly Answered[]; readonly next: string | null }> {
  const { enquirer_id, use_id, purpose, form } = request;
  const isEvaluation = form === 'evaluation';
  const refresh = async (session: Session) => {
    const rows = await readPage(registry, session, enquirer_id, request);
    const idOf = (row: PortfolioRow) => enquiryIdOf(enquirer_id, use_id, row.authorisation_id);
    const known = await knownOf(session, request, rows.map(idOf));
    const fresh = rows.filter((row) => !known.has(idOf(row)));
    // Person by person: one statement cannot hold rows on several shards.
    for (const id of [...new Set(fresh.map((row) => row.subject_id))].sort())
      await lockPerson(session, id);
    const looks = fresh.map((row): Asked => {
      const parts = [use_id, row.authorisation_id, purpose, ...(isEvaluation ? [form] : [])];
      const hash = registry.ring.keyedHash('refresh', ...parts);
      return {
        ...{ enquiry_id: idOf(row), use_id, authorisation_id: row.authorisation_id },
        request_hash: Buffer.from(hash).toString('hex'),
        subject_id: row.subject_id,
        refused: null,
      };
    });
    const by = {
      ...{ enquirer_id, form, purpose_code: purpose },
      purpose: purposeOf(registry.profile, purpose, isEvaluation ? 'evaluation' : 'report'),
      evaluation: isEvaluation
        ? { cards: await activeCards(registry, session), application: null }
        : null,
      moment: registry.now(),
    };
    const answered = looks.length > 0 ? await answerLooks(registry, session, by, looks) : [];
    const again: Answered[] = [];
    for (const each of known.values())
      again.push(await answerAgain(registry, session, enquirer_id, each));
    const answers = [...answered, ...again].sort((left, right) =>
      left.authorisation_id < right.authorisation_id ? -1 : 1,
    );
    return { answers, next: nextOf(rows, request.limit) };
  };
  return onceMoreIfMoved(() => registry.db.transaction(refresh));
}
