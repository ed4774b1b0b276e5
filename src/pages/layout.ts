/** The frame of every page: language, title, style, header, footer. No script anywhere. */

import { type Html, html, styleElement } from '../model/html.ts';
import type { Language } from '../model/notice.ts';
import { STYLE } from './style.ts';
import type { RequestView } from './view.ts';
import { WORDS } from './words.ts';

const STYLE_ELEMENT = styleElement(STYLE);

export interface Frame {
  readonly language: Language;
  readonly title: string;
  /** Who speaks, at the top; nothing on a page that belongs to no request. */
  readonly owner: string;
  /** The same page in the other languages. */
  readonly elsewhere: readonly { readonly language: Language; readonly address: string }[];
  readonly main: Html;
  readonly end: Html | null;
}

export function frame({ language, title, owner, elsewhere, main, end }: Frame): string {
  const links = elsewhere.map(
    (each) =>
      html`<a href="${each.address}" lang="${WORDS[each.language].lang}" hreflang="${WORDS[each.language].lang}">${WORDS[each.language].name}</a>`,
  );
  return html`<!doctype html>
<html lang="${WORDS[language].lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, nofollow">
<meta name="format-detection" content="telephone=no">
<title>${title}</title>
${STYLE_ELEMENT}
</head>
<body${!owner && html` class="bare"`}>
${owner && html`<header class="top"><div><p>${owner}</p>${links.length > 0 && html`<nav aria-label="Language / 语言">${links}</nav>`}</div></header>`}
<main>
${main}
</main>
${end && html`<footer class="end">${end}</footer>`}
</body>
</html>
`.toString();
}

/** A page of a request, with links to itself in the other languages. @param at path after the link */
export function requestFrame(view: RequestView, title: string, at: string, main: Html): string {
  const words = WORDS[view.language];
  const elsewhere = view.languages
    .filter((language) => language !== view.language)
    .map((language) => ({ language, address: `${view.path}${at}?lang=${language}` }));
  const end = html`
<p class="small"><strong>${words.contact}:</strong> ${view.text.contact}</p>
<p class="small"><strong>${words.complaint}:</strong> ${view.text.complaint}</p>`;
  return frame({
    language: view.language,
    title,
    owner: view.text.lender,
    elsewhere,
    main,
    end,
  });
}
