/**
 * The frame of a person's own pages: where they are, where they can go, leaving, failures.
 *
 * What must stay true: leaving is a button on every page; a page tells its language and links to
 * itself in the other; nothing about the person stands in an address.
 */

import { type Html, html } from '../model/html.ts';
import { LANGUAGES, type Language } from '../model/notice.ts';
import { frame } from './layout.ts';
import { ME_WORDS, type MeWords } from './me-words.ts';
import { dateWords, timeWords } from './words.ts';

/** What every own page is drawn from. */
export interface MeView {
  readonly language: Language;
  /** Proves that a form was drawn here, in this session. */
  readonly form_token: string;
  /** What was just done, to be said at the top. */
  readonly done: string | null;
  readonly unread: number;
}

export type MeSection = keyof MeWords['nav'];

const SECTIONS: readonly MeSection[] = [
  'overview',
  'file',
  'score',
  'looks',
  'authorisations',
  'messages',
  'disputes',
  'protection',
  'identity',
  'download',
];

const pathOf = (section: MeSection) => (section === 'overview' ? '/me' : `/me/${section}`);

/** An address of these pages in the language of the view. */
export const at = ({ language }: Pick<MeView, 'language'>, path: string): string =>
  `${path}${path.includes('?') ? '&' : '?'}lang=${language}`;

/** A form that comes back to this session, with a button. */
export function form(
  view: MeView,
  path: string,
  inner: Html,
  kind: 'plain' | 'files' = 'plain',
): Html {
  return html`<form method="post" action="${path}"${kind === 'files' && html` enctype="multipart/form-data"`}>
<input type="hidden" name="form" value="${view.form_token}">
<input type="hidden" name="lang" value="${view.language}">
${inner}
</form>`;
}

function navigation(view: MeView, section: MeSection | null): Html {
  const words = ME_WORDS[view.language];
  const links = SECTIONS.map((each) => {
    const mark = each === 'messages' && view.unread > 0 ? ` (${view.unread})` : '';
    return html`<li><a href="${at(view, pathOf(each))}"${each === section && html` aria-current="page"`}>${words.nav[each]}${mark}</a></li>`;
  });
  return html`<nav class="menu" aria-label="${words.menu}"><ul>${links}</ul></nav>`;
}

export interface MePage {
  /** Null: none of the menu's. */
  readonly section: MeSection | null;
  readonly title: string;
  /** The address of this page, without the language. */
  readonly path: string;
  readonly main: Html;
  /** The address of another language is another one: a page that answers a form. */
  readonly isAnswer?: boolean;
}

const elsewhere = (language: Language, path: string) =>
  LANGUAGES.filter((each) => each !== language).map((each) => ({
    language: each,
    address: at({ language: each }, path),
  }));

/** A page of somebody who is identified. */
export function mePage(view: MeView, { section, title, path, main, isAnswer }: MePage): string {
  const words = ME_WORDS[view.language];
  const end = html`${form(view, '/me/leave', html`<button class="button plain" type="submit">${words.leave}</button>`)}
<p class="small note">${words.times}</p>`;
  return frame({
    language: view.language,
    title: `${title} – ${words.owner}`,
    owner: words.owner,
    elsewhere: isAnswer ? [] : elsewhere(view.language, path),
    main: html`${navigation(view, section)}${view.done && html`<div class="done" role="status"><p><strong>${view.done}</strong></p></div>`}<h1>${title}</h1>${main}`,
    end,
  });
}

/** A page of somebody who is not, or not any more. */
export function outsidePage(
  language: Language,
  page: { readonly title: string; readonly path: string; readonly main: Html },
): string {
  const words = ME_WORDS[language];
  return frame({
    language,
    title: `${page.title} – ${words.owner}`,
    owner: words.owner,
    elsewhere: elsewhere(language, page.path),
    main: html`<h1>${page.title}</h1>${page.main}`,
    end: null,
  });
}

export type MeFailure = keyof MeWords['failures'];

/** What a person sees when a page does not open: in every language at once. */
export function meFailurePage(reason: MeFailure, first: Language): string {
  const order = [first, ...LANGUAGES.filter((language) => language !== first)];
  const parts = order.map((language, index) => {
    const [title, text] = ME_WORDS[language].failures[reason];
    const heading = index === 0 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`;
    return html`<section lang="${language === 'zh' ? 'zh-CN' : language}" class="${index > 0 && 'other'}">${heading}<p>${text}</p></section>`;
  });
  const title = order.map((language) => ME_WORDS[language].failures[reason][0]).join(' · ');
  return frame({
    language: first,
    title,
    owner: '',
    elsewhere: [],
    main: html`${parts}`,
    end: null,
  });
}

/** One line of facts; nothing for nothing. */
export function fact(name: string, value: Html | string | number | null | undefined): Html | null {
  return value === null || value === undefined || value === ''
    ? null
    : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
}

/** The place where dates are read; the registry keeps no other. */
const place = ({ language }: Pick<MeView, 'language'>) => ({ language, time_zone: 'UTC' });
export const day = (view: Pick<MeView, 'language'>, moment: Date | string): string =>
  dateWords(place(view), new Date(moment).toISOString());
export const time = (view: Pick<MeView, 'language'>, moment: Date | string): string =>
  timeWords(place(view), new Date(moment).toISOString());
