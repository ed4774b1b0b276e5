/** Who looked at a person's file: when, why, under what; and the person's own looks. */

import { type Html, html } from '../model/html.ts';
import { FILE_WORDS } from './file-words.ts';
import { at, day, fact, form, type MeView, mePage, time } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';

export interface LookView {
  readonly access_id: string;
  readonly at: Date;
  /** Null: the person. */
  readonly who: string | null;
  readonly purpose: string;
  readonly reason: string;
  /** new_credit, account_management, other, own; null: it is no enquiry. */
  readonly kind: string | null;
  readonly outcome: string | null;
  /** What was approved that it stood under, by its purpose and day; null: under nothing of the kind. */
  readonly authorisation_id: string | null;
}

export interface LooksView extends MeView {
  readonly others: readonly LookView[];
  readonly own: readonly LookView[];
  readonly own_count: number;
  readonly since: Date | null;
}

const REFUSED = /^not permitted: (\w+)$/;

function other(view: LooksView, look: LookView): Html {
  const words = ME_WORDS[view.language];
  const refused = REFUSED.exec(look.reason)?.[1];
  const file = FILE_WORDS[view.language];
  const kind = file.lookKinds[look.kind ?? ''];
  const purpose = words.purposes[look.purpose] ?? `${kind ?? ''}${file.code(look.purpose)}`;
  const under =
    look.authorisation_id &&
    html`<a href="${at(view, '/me/authorisations')}#${look.authorisation_id}">${words.approval}</a>`;
  return html`<li class="card">
<h2>${look.who}</h2>
<dl>
${fact(words.when, time(view, look.at))}
${fact(words.why, purpose)}
${fact(words.under, under)}
${fact(words.outcome, refused ? words.refused(words.refusals[refused] ?? refused) : look.outcome === null ? null : words.granted)}
</dl>
<div class="step">${form(view, `/me/looks/${look.access_id}/not-me`, html`<button class="button plain" type="submit" aria-label="${words.notMeOf(`${look.who ?? ''}, ${time(view, look.at)}`)}">${words.notMe}</button>`)}</div>
</li>`;
}

/** The page of looks. */
export function looksPage(view: LooksView): string {
  const words = ME_WORDS[view.language];
  const own = view.own.map(
    (look) =>
      html`<li>${time(view, look.at)}: ${words.parts[look.reason] ?? words.purposes[look.purpose] ?? look.reason}</li>`,
  );
  const main = html`
<p class="lead">${words.looksLead}${view.since && html` ${words.looksSince(day(view, view.since))}`}</p>
${view.others.length === 0 ? html`<p>${words.looksNone}</p>` : html`<ul class="bare-list">${view.others.map((look) => other(view, look))}</ul>`}
<details><summary>${words.ownLooks(view.own_count)}</summary>
<p class="small">${words.ownLooksLead}</p><ul>${own}</ul></details>`;
  return mePage(view, { section: 'looks', title: words.looksTitle, path: '/me/looks', main });
}
