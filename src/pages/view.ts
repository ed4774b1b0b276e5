/** What the pages are drawn from: one request as a person sees it, without a name or a document. */
import type { Language, NoticeText } from '../model/notice.ts';

export interface PurposeView {
  readonly authorisation_id: string;
  readonly arrangement_id: string;
  readonly code: string;
  readonly products: readonly string[];
  readonly accounts: 'ALL' | readonly string[];
  readonly range_from: string | null;
  readonly range_to: string | null;
  readonly expires_at: string | null;
  readonly withdrawal_effect: string;
  readonly state: string;
  readonly is_open: boolean;
  readonly given_at: string | null;
  readonly state_at: string;
  readonly record_sha256: string;
  readonly event_sha256: string;
}

export interface RequestView {
  /** Path of the asking page, with its token. */
  readonly path: string;
  readonly request_id: string;
  readonly language: Language;
  /** Every language of the notice. */
  readonly languages: readonly Language[];
  readonly notice: { readonly id: string; readonly version: number; readonly sha256: string };
  readonly text: NoticeText;
  /** In which the days on the pages are meant. */
  readonly time_zone: string;
  readonly answer_by: string;
  readonly purposes: readonly PurposeView[];
  /** Proves that a form was drawn here, for this request and this page. */
  readonly form_token: string;
  /** Hash of what the page shows; comes back with the answer. */
  readonly page_sha256: string;
}
