/**
 * Behind the link: what a person was offered, how each purpose stands, the answers, the
 * withdrawal.
 *
 * What must stay true: an answer counts only for the words that were shown; sent twice it counts
 * once; when two answers meet, in two windows or long after each other, refusing and withdrawing
 * win; every kind of link that does not open is the same nothing.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { isLanguage, type Language } from '../model/notice.ts';
import { tokenHash } from './asking.ts';
import { appendEvent } from './authorisations.ts';
import type { Gateway } from './gateway.ts';
import { askedAgainBefore, documentHash, findNotice, type Notice } from './notices.ts';
import { type Offer, type OfferedPurpose, pageHash } from './offer.ts';

/** One purpose of a request, as it stands. */
export interface AskedPurpose extends OfferedPurpose {
  readonly state: string;
  /** It can be answered now. */
  readonly is_open: boolean;
  /** When it was approved; null: it never was. */
  readonly given_at: string | null;
  /** When it came into its state. */
  readonly state_at: string;
  readonly record_sha256: string;
  /** Hash of the newest event: the head of the chain. */
  readonly event_sha256: string;
}

/** What a link opens. */
export interface OpenRequest {
  readonly subject_id: string;
  readonly request_id: string;
  readonly notice: Notice;
  readonly offer: Offer;
  readonly languages: readonly Language[];
  readonly first_shown_at: Date | null;
  readonly purposes: readonly AskedPurpose[];
}

interface Link {
  readonly subject_id: string;
  readonly request_id: string;
  readonly offer: Offer;
  readonly first_shown_at: Date | null;
  readonly expires_at: Date;
}

interface Standing {
  readonly authorisation_id: string;
  readonly state: string;
  readonly record_sha256: string;
  readonly event_sha256: string;
  readonly state_at: Date;
  readonly given_at: Date | null;
}

async function standings(session: Session, link: Link): Promise<Map<string, Standing>> {
  const { rows } = await session.query<Standing>(
    `select a.authorisation_id, a.state, encode(a.record_sha256, 'hex') as record_sha256,
       encode(e.hash, 'hex') as event_sha256, e.at as state_at,
       (select min(g.at) from authorisation_event g where g.subject_id = a.subject_id
          and g.authorisation_id = a.authorisation_id and g.type = 'given') as given_at
     from request_purpose p
     join authorisation a on a.subject_id = p.subject_id
       and a.authorisation_id = p.authorisation_id
     join authorisation_event e on e.subject_id = a.subject_id
       and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
     where p.subject_id = $1 and p.request_id = $2`,
    [link.subject_id, link.request_id],
  );
  return new Map(rows.map((row) => [row.authorisation_id, row]));
}

async function findLink(session: Session, token: string): Promise<Link | null> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return null;
  const { rows: links } = await session.query<{ subject_id: string; request_id: string }>(
    'select subject_id, request_id from request_link where token_sha256 = $1',
    [tokenHash(token)],
  );
  const [found] = links;
  if (!found) return null;
  const { rows } = await session.query<Link>(
    `select subject_id, request_id, offer, first_shown_at, expires_at from request
     where subject_id = $1 and request_id = $2`,
    [found.subject_id, found.request_id],
  );
  return rows[0] ?? null;
}

/**
 * Opens a link. Null for whatever does not open: a token that is unknown, cut short, spelt
 * otherwise; a request that nobody answered in time, or whose notice no longer counts. What was
 * answered stays open for ever, because withdrawing must.
 */
export async function openRequest(gateway: Gateway, token: string): Promise<OpenRequest | null> {
  const { db } = gateway;
  const link = await findLink(db, token);
  if (!link) return null;
  const now = gateway.now();
  const { offer } = link;
  const notice = await findNotice(db, offer.notice.id, offer.notice.version);
  const oldest = await askedAgainBefore(db, gateway, now);
  const isCurrent = now < link.expires_at && notice.version >= (oldest[notice.notice_id] ?? 0);
  const known = await standings(db, link);
  const purposes = offer.purposes.flatMap((offered): AskedPurpose[] => {
    const standing = known.get(offered.authorisation_id);
    if (!standing) return [];
    const { state, state_at } = standing;
    // Its end is not an event until the next sweep; to the person it has ended.
    const end = offered.expires_at;
    const hasEnded = end !== null && new Date(end) <= now && ['given', 'paused'].includes(state);
    return [
      {
        ...offered,
        ...standing,
        ...(hasEnded ? { state: 'expired', state_at: end } : { state_at: state_at.toISOString() }),
        is_open: isCurrent && state === 'requested',
        given_at: standing.given_at?.toISOString() ?? null,
      },
    ];
  });
  const isAnswered = purposes.some(({ state }) => !['requested', 'lapsed'].includes(state));
  if (!isAnswered && !purposes.some(({ is_open }) => is_open)) return null;
  return {
    subject_id: link.subject_id,
    request_id: link.request_id,
    notice,
    offer,
    languages: Object.keys(notice.document.texts).filter(isLanguage),
    first_shown_at: link.first_shown_at,
    purposes,
  };
}

/** Remembers when the page was first shown. */
export async function markShown(gateway: Gateway, request: OpenRequest): Promise<void> {
  if (request.first_shown_at !== null) return;
  await gateway.db.query(
    `update request set first_shown_at = $3
     where subject_id = $1 and request_id = $2 and first_shown_at is null`,
    [request.subject_id, request.request_id, gateway.now()],
  );
}

export type Choice = 'approve' | 'refuse';

/** The event that a choice makes of a state; null: nothing, it stands already or cannot. */
function eventOf(choice: Choice, purpose: Pick<AskedPurpose, 'state' | 'is_open'>): string | null {
  const { state, is_open } = purpose;
  if (choice === 'approve') return is_open ? 'given' : null;
  if (state === 'requested') return 'refused';
  return state === 'given' || state === 'paused' ? 'withdrawn' : null;
}

/** As many events as can come in between while one answer is written. */
const ATTEMPTS = 5;

/** How an event is refused that another has come before. */
const OVERTAKEN: readonly string[] = ['event_not_next', 'event_backdated', 'authorisation_invalid'];

/**
 * Makes one choice count, whatever comes in between: the state is read again whenever the event
 * no longer fits, so that a refusal that meets an approval becomes a withdrawal.
 */
async function settle(
  gateway: Gateway,
  token: string,
  of: { readonly id: string; readonly choice: Choice; readonly reason: string },
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const request = await openRequest(gateway, token);
    const purpose = request?.purposes.find(({ authorisation_id }) => authorisation_id === of.id);
    const event = purpose ? eventOf(of.choice, purpose) : null;
    if (!purpose || event === null) return;
    const at = Math.max(gateway.now().getTime(), Date.parse(purpose.state_at));
    try {
      await appendEvent(gateway, of.id, {
        event,
        event_at: new Date(at).toISOString(),
        event_reason: of.reason,
      });
      return;
    } catch (error) {
      const isOvertaken = error instanceof AssentError && OVERTAKEN.includes(error.code);
      if (!isOvertaken || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Answers as they come from the page. */
export interface Answers {
  readonly language: Language;
  /** Hash of the page that was answered. */
  readonly page_sha256: string;
  readonly choices: ReadonlyMap<string, Choice>;
}

/**
 * Records answers: first the document of what was shown and chosen, then one event for each
 * purpose that names the document's hash, so that the chain of events holds it.
 * @returns false when the page is not the one that the offer makes: nothing counts then
 */
export async function answerRequest(
  gateway: Gateway,
  token: string,
  answers: Answers,
): Promise<boolean> {
  const request = await openRequest(gateway, token);
  if (!request?.languages.includes(answers.language)) return false;
  const shown = pageHash(request.notice, request.offer, answers.language);
  if (shown !== answers.page_sha256) return false;
  const isNew = request.purposes.some((purpose) => {
    const choice = answers.choices.get(purpose.authorisation_id);
    return choice !== undefined && eventOf(choice, purpose) !== null;
  });
  if (!isNew) return true;
  const answered_at = gateway.now();
  const document = {
    form: 'assent/answer/1',
    request_id: request.request_id,
    page_sha256: shown,
    language: answers.language,
    channel: 'web',
    shown_at: (request.first_shown_at ?? answered_at).toISOString(),
    answered_at: answered_at.toISOString(),
    choices: Object.fromEntries(answers.choices),
  };
  const sha256 = documentHash(document);
  await gateway.db.query(
    `insert into answer (subject_id, answer_sha256, request_id, answered_at, document)
     values ($1, $2, $3, $4, $5::jsonb) on conflict (subject_id, answer_sha256) do nothing`,
    [request.subject_id, sha256, request.request_id, answered_at, JSON.stringify(document)],
  );
  // Refusals first: should the process die in between, what was refused is on record.
  const inOrder = [...answers.choices].sort(([, left], [, right]) => right.localeCompare(left));
  for (const [id, choice] of inOrder)
    await settle(gateway, token, { id, choice, reason: `answer sha256:${sha256}` });
  return true;
}

/** Withdraws approvals of a request; those that are not in force stay as they are. */
export async function withdrawApprovals(
  gateway: Gateway,
  token: string,
  ids: readonly string[],
): Promise<void> {
  const request = await openRequest(gateway, token);
  const given = request?.purposes.filter(
    ({ authorisation_id, state }) =>
      ids.includes(authorisation_id) && (state === 'given' || state === 'paused'),
  );
  for (const { authorisation_id: id } of given ?? [])
    await settle(gateway, token, { id, choice: 'refuse', reason: 'withdrawn on the asking page' });
}
