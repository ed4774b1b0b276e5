/** The pages around a session: opening it, having left, and nothing being held. */

import { html } from '../model/html.ts';
import type { Language } from '../model/notice.ts';
import { type MeView, mePage, outsidePage } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';

/** One button: a link that is merely fetched, by a preview or a scanner, uses nothing. */
export function enterPage(language: Language, ticket: string): string {
  const words = ME_WORDS[language];
  const main = html`
<p class="lead">${words.enterLead}</p>
<form method="post" action="/me/enter">
<input type="hidden" name="ticket" value="${ticket}">
<input type="hidden" name="lang" value="${language}">
<button class="button" type="submit">${words.enter}</button>
</form>
<p class="small note">${words.enterOnce}</p>`;
  return outsidePage(language, { title: words.enterTitle, path: `/me/enter/${ticket}`, main });
}

/** After leaving. */
export function leftPage(language: Language): string {
  const words = ME_WORDS[language];
  const main = html`<p>${words.leftLead}</p>`;
  return outsidePage(language, { title: words.leftTitle, path: '/me/left', main });
}

/** Somebody was identified of whom nothing is held, or nothing under exactly these details. */
export function nothingPage(view: MeView): string {
  const words = ME_WORDS[view.language];
  const main = html`<p class="lead">${words.nothingLead}</p><p>${words.nothingDoubt}</p>`;
  return mePage(view, { section: null, title: words.nothingTitle, path: '/me', main });
}
