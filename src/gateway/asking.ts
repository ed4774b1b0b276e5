/**
 * Asking: one person gets one link, behind which each purpose is offered by itself.
 *
 * What must stay true: the same request again gives the same link and changes nothing; a link
 * exists only once every authorisation behind it is recorded as `requested`; the token stands
 * nowhere, only its hash: it is an HMAC under the gateway's key, so it can be written again and
 * never be guessed.
 */
import { createHash } from 'node:crypto';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { recordOne } from './authorisations.ts';
import type { Gateway } from './gateway.ts';
import { documentHash, findNotice, type Notice } from './notices.ts';
import { columnsOf, makeOffer, type Offer, type OfferContext, type Wanted } from './offer.ts';

/** A request as the lender's app sends it; `request_id` is the app's, and makes a retry one. */
export interface AskedFor extends Wanted {
  readonly request_id: string;
  readonly subject_ref: string;
}

export interface Asked {
  readonly request_id: string;
  /** Path of the page; the token in it is a secret of the person. */
  readonly path: string;
  readonly answer_by: string;
  readonly authorisations: readonly {
    readonly authorisation_id: string;
    readonly purpose: string;
  }[];
  readonly result: 'asked' | 'unchanged';
}

/** 256 bits, base64url: what follows `/ask/` in the link of a request. */
export function linkToken(gateway: Gateway, requestId: string): string {
  const hash = gateway.ring.keyedHash('assent/asking/link/1', requestId);
  return Buffer.from(hash).toString('base64url');
}

export function tokenHash(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

export const linkPath = (token: string) => `/ask/${token}`;

/** A request as it is stored. */
export interface StoredRequest {
  readonly subject_id: string;
  readonly request_id: string;
  readonly campaign_id: string | null;
  readonly offer: Offer;
  readonly asked_sha256: string;
}

/** Stores requests with their purposes, each once. */
export async function insertRequests(
  session: Session,
  requests: readonly StoredRequest[],
): Promise<void> {
  const rows = requests.map(({ offer, ...request }) => ({
    ...request,
    notice_id: offer.notice.id,
    notice_version: offer.notice.version,
    language: offer.language,
    offer,
    created_at: offer.asked_at,
    expires_at: offer.answer_by,
  }));
  await session.query(
    `insert into request (subject_id, request_id, campaign_id, notice_id, notice_version, language,
       offer, asked_sha256, created_at, expires_at)
     select subject_id, request_id, campaign_id, notice_id, notice_version, language, offer,
       asked_sha256, created_at, expires_at
     from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, request_id uuid, campaign_id uuid,
       notice_id text, notice_version int, language text, offer jsonb, asked_sha256 text,
       created_at timestamptz, expires_at timestamptz)
     on conflict (subject_id, request_id) do nothing`,
    [JSON.stringify(rows)],
  );
  const purposes = requests.flatMap(({ subject_id, request_id, offer }) =>
    offer.purposes.map(({ authorisation_id }, position) => ({
      subject_id,
      request_id,
      authorisation_id,
      position,
    })),
  );
  await session.query(
    `insert into request_purpose (subject_id, authorisation_id, request_id, position)
     select subject_id, authorisation_id, request_id, position
     from jsonb_to_recordset($1::jsonb) as t (subject_id uuid, authorisation_id uuid,
       request_id uuid, position int)
     on conflict (subject_id, authorisation_id) do nothing`,
    [JSON.stringify(purposes)],
  );
}

/** Opens the links of requests whose authorisations are recorded. */
export async function openLinks(
  session: Session,
  gateway: Gateway,
  requests: readonly Pick<StoredRequest, 'subject_id' | 'request_id'>[],
): Promise<void> {
  const rows = requests.map(({ subject_id, request_id }) => ({
    subject_id,
    request_id,
    token_sha256: Buffer.from(tokenHash(linkToken(gateway, request_id))).toString('hex'),
  }));
  await session.query(
    `insert into request_link (token_sha256, subject_id, request_id)
     select decode(token_sha256, 'hex'), subject_id, request_id
     from jsonb_to_recordset($1::jsonb) as t (token_sha256 text, subject_id uuid, request_id uuid)
     on conflict (token_sha256) do nothing`,
    [JSON.stringify(rows)],
  );
}

/** What offers of a notice are made from. @throws profile_unset */
export function offerContext(gateway: Gateway, notice: Notice, now: Date): OfferContext {
  const { profile, furnisher_id, newId } = gateway;
  if (!profile) throw new AssentError('profile_unset');
  return { notice, furnisher_id, now, newId, profile };
}

interface Person {
  readonly subject_id: string;
  readonly adult_from: string | null;
}

async function findAdult(session: Session, subjectRef: string, now: Date): Promise<Person> {
  const { rows } = await session.query<Person>(
    'select subject_id, adult_from from customer where subject_ref = $1',
    [subjectRef],
  );
  const [person] = rows;
  if (!person) throw new AssentError('request_unfit', { detail: 'subject_ref is not in the book' });
  if (person.adult_from !== null && person.adult_from > now.toISOString().slice(0, 10))
    throw new AssentError('request_unfit', { detail: 'a minor is not asked by a link' });
  return person;
}

/** Accounts that are named must be the person's own, of a product that is offered. */
async function checkAccounts(session: Session, subjectId: string, offer: Offer): Promise<void> {
  for (const { accounts, products } of offer.purposes) {
    if (accounts === 'ALL') continue;
    const { rows } = await session.query<{ n: number }>(
      `select count(*) as n from account
       where subject_id = $1 and account_ref = any($2::text[]) and kind = any($3::text[])`,
      [subjectId, [...accounts], [...products]],
    );
    if (rows[0]?.n !== accounts.length)
      throw new AssentError('request_unfit', { detail: "accounts must be the person's own" });
  }
}

async function findRequest(session: Session, requestId: string): Promise<StoredRequest | null> {
  const { rows } = await session.query<StoredRequest>(
    `select subject_id, request_id, campaign_id, offer, asked_sha256 from request
     where request_id = $1`,
    [requestId],
  );
  return rows[0] ?? null;
}

/**
 * Asks one person. An exact retry answers with the same link.
 * @throws request_unfit, request_altered, notice_unknown, profile_unset
 */
export async function askOne(gateway: Gateway, asked: AskedFor): Promise<Asked> {
  const { db } = gateway;
  const now = gateway.now();
  const asked_sha256 = documentHash(asked);
  let stored = await findRequest(db, asked.request_id);
  const result = stored ? 'unchanged' : 'asked';
  if (!stored) {
    const person = await findAdult(db, asked.subject_ref, now);
    const notice = await findNotice(db, asked.notice_id);
    const offer = makeOffer(asked, offerContext(gateway, notice, now));
    const { request_id } = asked;
    const { subject_id } = person;
    await checkAccounts(db, subject_id, offer);
    const request = { subject_id, request_id, campaign_id: null, offer, asked_sha256 };
    await db.transaction((session) => insertRequests(session, [request]));
    // Another call with the same id may have been first: what is stored counts.
    stored = await findRequest(db, asked.request_id);
  }
  if (stored?.asked_sha256 !== asked_sha256) throw new AssentError('request_altered');
  const { offer } = stored;
  const notice = await findNotice(db, offer.notice.id, offer.notice.version);
  for (const purpose of offer.purposes)
    await recordOne(gateway, columnsOf(notice, offer, purpose, asked.subject_ref));
  await openLinks(db, gateway, [stored]);
  return {
    request_id: stored.request_id,
    path: linkPath(linkToken(gateway, stored.request_id)),
    answer_by: offer.answer_by,
    authorisations: offer.purposes.map(({ authorisation_id, code }) => ({
      authorisation_id,
      purpose: code,
    })),
    result,
  };
}
