/**
 * A notice: what a person reads before answering, in every language, and the terms it speaks of.
 *
 * What must stay true: everything the person is told stands here; a version never changes, and
 * its hash is over all of it. Source: PIPL 14, 16, 17, 23 (domain facts 2.1 C19 to C22),
 * Australian CDR rule 4.9 (domain facts 3.5), ISO/IEC TS 27560.
 */
import type { AccountKind } from './record.ts';

/** Languages in which the asking page speaks; a notice has one of them or more. BCP 47. */
export const LANGUAGES = ['en', 'zh'] as const;
export type Language = (typeof LANGUAGES)[number];

export function isLanguage(text: unknown): text is Language {
  return LANGUAGES.some((language) => language === text);
}

/** True for the IANA name of a time zone that this machine knows. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** What a person reads about one purpose. `necessity` and `alternative`: where service depends on it. */
export interface PurposeText {
  readonly title: string;
  /** Who gets it, and how to reach them. */
  readonly recipient: string;
  readonly data: string;
  readonly reason: string;
  readonly duration: string;
  readonly refusal: string;
  readonly withdrawal: string;
  readonly necessity?: string;
  readonly alternative?: string;
}

/** What a person reads, in one language. */
export interface NoticeText {
  readonly title: string;
  readonly introduction: string;
  /** The lender, and how to reach it. */
  readonly lender: string;
  readonly contact: string;
  /** Where to complain. */
  readonly complaint: string;
  readonly purposes: Readonly<Record<string, PurposeText>>;
}

/** The terms of one purpose; a request may narrow them, never widen them. */
export interface NoticePurpose {
  readonly code: string;
  readonly recipient_class: string;
  /** One recipient; `self`: the lender; null: any of the class that the text names. */
  readonly recipient_id: string | null;
  readonly classes: readonly string[];
  readonly products: readonly AccountKind[];
  readonly sensitive: boolean;
  readonly mode: string;
  readonly fetch: string;
  readonly frequency: { readonly n: number; readonly unit: string } | null;
  readonly data_life: { readonly n: number; readonly unit: string } | null;
  readonly condition: string | null;
  /** The longest an approval lasts; null: until it is withdrawn. */
  readonly validity_months: number | null;
  readonly service_conditional: boolean;
}

export interface NoticeDocument {
  readonly notice_id: string;
  readonly version: number;
  /** A change of purpose, recipient, data or method: older approvals need a new answer. */
  readonly material: boolean;
  /** Where else a person can withdraw, besides the link; null: nowhere. */
  readonly withdrawal_uri: string | null;
  /** IANA name: days on the page are meant there. */
  readonly time_zone: string;
  readonly purposes: readonly NoticePurpose[];
  readonly texts: Partial<Readonly<Record<Language, NoticeText>>>;
}
