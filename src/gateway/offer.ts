/**
 * An offer: what one person is asked for, purpose by purpose, with every term and date, before
 * anything is answered. The authorisation's record is made of it, and so is the page.
 *
 * What must stay true: pure; an offer may narrow its notice, never widen it; what is offered,
 * shown and agreed are the same words, because all three are read from here (lesson 9).
 */

import type { AuthorisationColumns } from '../authorisation/from-columns.ts';
import { addSpan } from '../authorisation/moment.ts';
import type { Profile } from '../authorisation/profile.ts';
import { AssentError } from '../model/error.ts';
import type { Language, NoticePurpose, NoticeText } from '../model/notice.ts';
import { documentHash, type Notice } from './notices.ts';

/** What the lender asks for; what it does not name is as the notice says. */
export interface Wanted {
  readonly notice_id: string;
  readonly language: Language;
  readonly purposes?: readonly string[];
  readonly products?: readonly string[];
  /** The lender's account numbers; without it every account of the products. */
  readonly accounts?: readonly string[];
  /** `YYYY-MM`, inclusive. */
  readonly range_from?: string;
  readonly range_to?: string;
  /** When an approval ends: no later than the notice says. */
  readonly expires_at?: string;
  /** Until when it can be answered: no later than the profile says. */
  readonly answer_by?: string;
  /** How surely the lender's app knew the person when it asked; L1 when nothing is said. */
  readonly auth_level?: string;
}

export interface OfferedPurpose
  extends Omit<NoticePurpose, 'recipient_id' | 'products' | 'validity_months'> {
  readonly authorisation_id: string;
  readonly arrangement_id: string;
  readonly recipient_id: string | null;
  readonly products: readonly string[];
  readonly accounts: 'ALL' | readonly string[];
  readonly range_from: string | null;
  readonly range_to: string | null;
  readonly starts_at: string;
  readonly expires_at: string | null;
  /** What happens, on withdrawal, to what the recipient already has. */
  readonly withdrawal_effect: string;
}

export interface Offer {
  readonly notice: { readonly id: string; readonly version: number; readonly sha256: string };
  readonly language: Language;
  readonly auth_level: string;
  readonly asked_at: string;
  readonly answer_by: string;
  readonly purposes: readonly OfferedPurpose[];
}

/** Facts that an offer is made from, besides what is wanted. */
export interface OfferContext {
  readonly notice: Notice;
  readonly furnisher_id: string;
  readonly profile: Pick<Profile, 'request_lapses_days' | 'withdrawal_effect'>;
  readonly now: Date;
  readonly newId: () => string;
}

function refuse(detail: string): never {
  throw new AssentError('request_unfit', { detail });
}

/** A list that must lie within another; the whole of that when nothing is said. */
function within(wanted: readonly string[] | undefined, all: readonly string[], what: string) {
  if (wanted === undefined) return [...all];
  const foreign = wanted.some((each) => !all.includes(each));
  if (foreign || wanted.length === 0) refuse(`${what} beyond those of the notice`);
  return all.filter((each) => wanted.includes(each));
}

/** The earlier of what is wanted and what is allowed; wanting more, or the past, is refused. */
function until(wanted: string | undefined, most: Date | null, now: Date, what: string) {
  if (wanted === undefined) return most;
  const moment = new Date(wanted);
  const isFit = moment > now && (most === null || moment <= most);
  return isFit ? moment : refuse(`${what} must be later than now and within what is allowed`);
}

/** Terms end at midnight UTC: the page names days, and never a later one than it means. */
function midnight(moment: Date): Date {
  return new Date(Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), moment.getUTCDate()));
}

function latestEnd(now: Date, months: number | null): Date | null {
  return months === null ? null : midnight(addSpan(now, { n: months, unit: 'MONTH' }));
}

/** Makes an offer, with new ids. @throws request_unfit: it would widen the notice */
export function makeOffer(wanted: Wanted, context: OfferContext): Offer {
  const { notice, now } = context;
  const { document } = notice;
  if (!document.texts[wanted.language]) refuse('the notice does not have that language');
  const codes = within(
    wanted.purposes,
    document.purposes.map(({ code }) => code),
    'purposes',
  );
  const answerMost = midnight(
    addSpan(now, { n: context.profile.request_lapses_days, unit: 'DAY' }),
  );
  const answerBy = until(wanted.answer_by, answerMost, now, 'answer_by') ?? answerMost;
  const purposes = document.purposes
    .filter(({ code }) => codes.includes(code))
    .map(({ validity_months, ...terms }): OfferedPurpose => {
      const most = latestEnd(now, validity_months);
      // The first of an arrangement gives it its id; a later renewal keeps that.
      const authorisation_id = context.newId();
      return {
        ...terms,
        authorisation_id,
        arrangement_id: authorisation_id,
        recipient_id: terms.recipient_id === 'self' ? context.furnisher_id : terms.recipient_id,
        products: within(wanted.products, terms.products, 'products'),
        accounts: wanted.accounts ?? 'ALL',
        range_from: wanted.range_from ?? null,
        range_to: wanted.range_to ?? null,
        starts_at: now.toISOString(),
        expires_at: until(wanted.expires_at, most, now, 'expires_at')?.toISOString() ?? null,
        withdrawal_effect: context.profile.withdrawal_effect,
      };
    });
  return {
    notice: { id: notice.notice_id, version: notice.version, sha256: notice.sha256 },
    language: wanted.language,
    auth_level: wanted.auth_level ?? 'L1',
    asked_at: now.toISOString(),
    answer_by: answerBy.toISOString(),
    purposes,
  };
}

/** The words of a notice in a language it has. */
export function textOf(notice: Notice, language: Language): NoticeText {
  const text = notice.document.texts[language];
  if (!text) throw new Error('the language was checked before');
  return text;
}

/**
 * SHA-256 of the page as it is shown: the words of the notice in one language, every term and
 * date of the offer, the two choices and that none is chosen beforehand. Canonical JSON.
 */
export function pageHash(notice: Notice, offer: Offer, language: Language): string {
  return documentHash({
    form: 'assent/asking-page/1',
    notice: offer.notice,
    language,
    text: textOf(notice, language),
    time_zone: notice.document.time_zone,
    answer_by: offer.answer_by,
    purposes: offer.purposes,
    choices: ['approve', 'refuse'],
    chosen_beforehand: null,
  });
}

/** The authorisation of one purpose of an offer, asked for and not yet answered. */
export function columnsOf(
  notice: Notice,
  offer: Offer,
  purpose: OfferedPurpose,
  subjectRef: string,
): AuthorisationColumns {
  const text = textOf(notice, offer.language).purposes[purpose.code];
  const span = (value: { n: number; unit: string } | null) =>
    value === null ? '' : `${value.n}/${value.unit}`;
  return {
    authorisation_id: purpose.authorisation_id,
    arrangement_id: purpose.arrangement_id,
    subject_ref: subjectRef,
    purpose: purpose.code,
    recipient_class: purpose.recipient_class,
    recipient_id: purpose.recipient_id ?? '',
    classes: purpose.classes,
    products: purpose.products,
    accounts: purpose.accounts,
    range_from: purpose.range_from ?? '',
    range_to: purpose.range_to ?? '',
    sensitive: purpose.sensitive,
    mode: purpose.mode,
    fetch: purpose.fetch,
    frequency: span(purpose.frequency),
    data_life: span(purpose.data_life),
    condition: purpose.condition ?? '',
    starts_at: purpose.starts_at,
    expires_at: purpose.expires_at ?? '',
    notice_id: offer.notice.id,
    notice_version: offer.notice.version,
    notice_sha256: offer.notice.sha256,
    language: offer.language,
    channel: 'web',
    auth_level: offer.auth_level,
    evidence_method: 'click',
    evidence_sha256: pageHash(notice, offer, offer.language),
    service_conditional: purpose.service_conditional,
    necessity_text: text?.necessity ?? '',
    alternative_offered: text?.alternative ?? '',
    withdrawal_effect: purpose.withdrawal_effect,
    withdrawal_uri: notice.document.withdrawal_uri ?? '',
    events: [{ event: 'requested', event_at: offer.asked_at }],
  };
}
