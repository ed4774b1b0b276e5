/**
 * A person's approvals at the registry: how each stands, and withdrawing one: one tap, one page
 * that says what happens, one tap.
 */
import { type Html, html } from '../model/html.ts';
import { at, day, fact, form, type MeView, mePage } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { WORDS } from './words.ts';

export interface AuthorisationView {
  readonly authorisation_id: string;
  readonly purpose: string;
  readonly provider: string | null;
  readonly recipient: string | null;
  readonly recipient_class: string;
  readonly products: readonly string[];
  readonly state: string;
  readonly state_at: Date;
  readonly given_at: Date | null;
  readonly expires_at: Date | null;
  readonly may_withdraw: boolean;
  readonly effect: string;
  readonly uses: number;
}

const isInForce = ({ state }: AuthorisationView) => state === 'given' || state === 'paused';

function facts(view: MeView, each: AuthorisationView): Html {
  const words = ME_WORDS[view.language];
  const { comma } = WORDS[view.language];
  const products = each.products.map((product) => words.products[product] ?? product);
  return html`<dl>
${fact(words.provider, each.provider ?? words.recipients['registry'])}
${fact(words.recipient, each.recipient ?? words.recipients[each.recipient_class])}
${fact(words.productsName, products.join(comma))}
${each.given_at && fact(words.given, day(view, each.given_at))}
${isInForce(each) && fact(words.ends, each.expires_at ? day(view, each.expires_at) : words.openEnd)}
${each.uses > 0 && fact(words.uses, each.uses)}
</dl>`;
}

function card(view: MeView, each: AuthorisationView): Html {
  const words = ME_WORDS[view.language];
  const states: Readonly<Record<string, string>> = WORDS[view.language].states;
  const purpose = words.purposes[each.purpose] ?? each.purpose;
  const name = `${purpose} (${each.recipient ?? each.provider ?? ''})`;
  const address = at(view, `/me/authorisations/${each.authorisation_id}/withdraw`);
  return html`<li class="card" id="${each.authorisation_id}">
<p class="state${isInForce(each) && ' in-force'}">${states[each.state] ?? each.state}</p>
<h2>${purpose}</h2>
${facts(view, each)}
${isInForce(each) && html`<p class="step"><a class="button plain" href="${address}" aria-label="${words.withdrawOf(name)}">${words.withdraw}</a></p>`}
</li>`;
}

/** The page of approvals. */
export function authorisationsPage(view: MeView, all: readonly AuthorisationView[]): string {
  const words = ME_WORDS[view.language];
  const list = html`<ul class="bare-list">${all.map((each) => card(view, each))}</ul>`;
  const main = html`<p class="lead">${words.approvalsLead}</p>
${all.length === 0 ? html`<p>${words.approvalsNone}</p>` : list}`;
  const page = { section: 'authorisations', path: '/me/authorisations' } as const;
  return mePage(view, { ...page, title: words.approvalsTitle, main });
}

/** The one page between the wish to withdraw and its being done. */
export function withdrawOwnPage(view: MeView, each: AuthorisationView): string {
  const words = ME_WORDS[view.language];
  const { effects, withdrawLead, noPenalty, confirmWithdraw, keep } = WORDS[view.language];
  const path = `/me/authorisations/${each.authorisation_id}/withdraw`;
  const buttons = html`<div class="pair">
<button class="button" type="submit">${confirmWithdraw}</button>
<a class="button plain" href="${at(view, '/me/authorisations')}">${keep}</a>
</div>`;
  const main = html`<section class="card"><h2>${words.purposes[each.purpose] ?? each.purpose}</h2>${facts(view, each)}</section>
<p>${withdrawLead}</p>
<p>${(effects as Readonly<Record<string, string>>)[each.effect]}</p>
<p>${noPenalty}</p>
${form(view, path, buttons)}`;
  return mePage(view, { section: 'authorisations', title: words.withdrawTitle, path, main });
}
