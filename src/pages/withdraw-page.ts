/** The one page between the wish to withdraw and its being done: what happens, yes or no. */
import { html } from '../model/html.ts';
import { requestFrame } from './layout.ts';
import type { PurposeView, RequestView } from './view.ts';
import { WORDS } from './words.ts';

/** @param which an authorisation_id, or `all`. @param purposes those that would end, one at least */
export function withdrawPage(
  view: RequestView,
  which: string,
  purposes: readonly PurposeView[],
): string {
  const words = WORDS[view.language];
  const effects: Readonly<Record<string, string>> = words.effects;
  const title = purposes.length > 1 ? words.withdrawAllTitle : words.withdrawTitle;
  const told = [...new Set(purposes.map(({ withdrawal_effect }) => effects[withdrawal_effect]))];
  const main = html`
<h1>${title}</h1>
<ul class="card plain-list">${purposes.map(
    ({ code }) => html`<li>${view.text.purposes[code]?.title}</li>`,
  )}</ul>
<p>${words.withdrawLead}</p>
${told.map((effect) => html`<p>${effect}</p>`)}
<p>${words.noPenalty}</p>
<form method="post" action="${view.path}/withdraw/${which}">
<input type="hidden" name="lang" value="${view.language}">
<input type="hidden" name="form" value="${view.form_token}">
<div class="pair">
<button class="button" type="submit">${words.confirmWithdraw}</button>
<a class="button plain" href="${view.path}?lang=${view.language}">${words.keep}</a>
</div>
</form>`;
  return requestFrame(view, `${title} – ${view.text.lender}`, `/withdraw/${which}`, main);
}
