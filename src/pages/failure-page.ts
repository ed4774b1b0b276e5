/**
 * What a person sees when a link does not open or something failed: the same for every reason
 * that is not theirs to know, in every language at once.
 */

import { html } from '../model/html.ts';
import { LANGUAGES, type Language } from '../model/notice.ts';
import { frame } from './layout.ts';
import { WORDS, type Words } from './words.ts';

export type FailureReason = keyof Words['failures'];

/** @param first the language that comes first */
export function failurePage(reason: FailureReason, first: Language): string {
  const order = [first, ...LANGUAGES.filter((language) => language !== first)];
  const parts = order.map((language, index) => {
    const words = WORDS[language];
    const [title, text] = words.failures[reason];
    return html`<section lang="${words.lang}" class="${index > 0 && 'other'}">
${index === 0 ? html`<h1>${title}</h1>` : html`<h2>${title}</h2>`}
<p>${text}</p>
</section>`;
  });
  const title = order.map((language) => WORDS[language].failures[reason][0]).join(' · ');
  return frame({
    language: first,
    title,
    owner: '',
    elsewhere: [],
    main: html`${parts}`,
    end: null,
  });
}
