/**
 * The asking page: each purpose by itself, everything a person needs to decide, two choices that
 * look the same, one button. Once something is answered it shows how each answer stands, and
 * withdraws.
 *
 * What must stay true: nothing is chosen beforehand; refusing takes the same taps as approving,
 * withdrawing no more; whatever is shown here is in the hash that comes back with the answer.
 */
import { type Html, html } from '../model/html.ts';
import { requestFrame } from './layout.ts';
import type { PurposeView, RequestView } from './view.ts';
import { dateWords, monthWords, WORDS, type Words } from './words.ts';

/** What was wrong with an answer that came in: the choices that were made, and that some are missing. */
export interface Incomplete {
  readonly choices: ReadonlyMap<string, string>;
}

function term(name: string, text: Html | string | undefined | null, style = ''): Html | null {
  return text
    ? html`<div${style && html` class="${style}"`}><dt>${name}</dt><dd>${text}</dd></div>`
    : null;
}

function productWords(words: Words, purpose: PurposeView): string {
  const names: Readonly<Record<string, string>> = words.products;
  return purpose.products.map((product) => names[product] ?? product).join(words.comma);
}

/** Which accounts, by no more of their numbers than a person needs to tell them apart. */
export function scopeWords(words: Words, purpose: PurposeView): string {
  if (purpose.accounts === 'ALL') return words.allAccounts(productWords(words, purpose));
  return words.someAccounts(purpose.accounts.map((ref) => ref.slice(-4)).join(words.comma));
}

/** Which months; null: any. */
export function rangeWords(view: RequestView, purpose: PurposeView): string | null {
  const words = WORDS[view.language];
  const from = purpose.range_from && monthWords(view.language, purpose.range_from);
  const to = purpose.range_to && monthWords(view.language, purpose.range_to);
  if (from && to) return words.monthsFromTo(from, to);
  if (from) return words.monthsFrom(from);
  return to ? words.monthsTo(to) : null;
}

function terms(view: RequestView, purpose: PurposeView): Html {
  const words = WORDS[view.language];
  const text = view.text.purposes[purpose.code];
  const end = purpose.expires_at ? words.ends(dateWords(view, purpose.expires_at)) : words.endless;
  return html`<dl>
${term(words.recipient, text?.recipient)}
${term(words.data, text?.data)}
${term(words.scope, scopeWords(words, purpose))}
${term(words.months, rangeWords(view, purpose))}
${term(words.reason, text?.reason)}
${term(words.duration, html`${text?.duration} <span class="end-date">${end}</span>`)}
${term(words.necessity, text?.necessity, 'condition')}
${term(words.alternative, text?.alternative, 'condition')}
${term(words.refusal, text?.refusal)}
${term(words.withdrawal, text?.withdrawal)}
</dl>`;
}

function choices(view: RequestView, purpose: PurposeView, chosen: string | undefined): Html {
  const words = WORDS[view.language];
  const { authorisation_id: id } = purpose;
  const one = (value: string, label: string, place: string) =>
    html`<label class="choice"><input type="radio" id="${place}${id}" name="choice.${id}" value="${value}" required${chosen === value && html` checked`}><span>${label}</span></label>`;
  return html`<div class="choices">${one('approve', words.approve, 'a-')}${one('refuse', words.refuse, 'r-')}</div>`;
}

function question(
  view: RequestView,
  purpose: PurposeView,
  place: { readonly n: number; readonly all: number; readonly incomplete: Incomplete | null },
): Html {
  const words = WORDS[view.language];
  const chosen = place.incomplete?.choices.get(purpose.authorisation_id);
  const isMissing = place.incomplete !== null && chosen === undefined;
  return html`<fieldset class="card${isMissing && ' missing'}">
<legend><span class="count">${place.all > 1 && words.purposeOf(place.n, place.all)}</span><h2>${view.text.purposes[purpose.code]?.title}</h2></legend>
${terms(view, purpose)}
${isMissing && html`<p class="missing-note">${words.missing}</p>`}
${choices(view, purpose, chosen)}
</fieldset>`;
}

function missingSummary(view: RequestView, open: readonly PurposeView[], incomplete: Incomplete) {
  const words = WORDS[view.language];
  const missing = open.filter(({ authorisation_id }) => !incomplete.choices.has(authorisation_id));
  return html`<div class="problem" role="alert" tabindex="-1"><h2>${words.missingTitle}</h2><ul>${missing.map(
    ({ authorisation_id, code }) =>
      html`<li><a href="#a-${authorisation_id}">${view.text.purposes[code]?.title}</a></li>`,
  )}</ul></div>`;
}

function form(
  view: RequestView,
  open: readonly PurposeView[],
  incomplete: Incomplete | null,
): Html {
  const words = WORDS[view.language];
  return html`<form method="post" action="${view.path}"${incomplete && html` novalidate`}>
<input type="hidden" name="lang" value="${view.language}">
<input type="hidden" name="page" value="${view.page_sha256}">
<input type="hidden" name="form" value="${view.form_token}">
${open.map((purpose, index) => question(view, purpose, { n: index + 1, all: open.length, incomplete }))}
<p class="small">${words.nothingYet}</p>
<button class="button" type="submit">${open.length > 1 ? words.send : words.sendOne}</button>
<p class="small note">${words.answerBy(dateWords(view, view.answer_by))}</p>
</form>`;
}

function fineprint(view: RequestView): Html {
  const words = WORDS[view.language];
  return html`<details><summary>${words.fineprint}</summary>
<p class="small">${words.noticeVersion(view.notice.id, view.notice.version)} ${words.fingerprint}<br><code>${view.notice.sha256}</code></p></details>`;
}

/** How one answer stands, in a sentence or two. */
export function stateWords(view: RequestView, purpose: PurposeView): string {
  const words = WORDS[view.language];
  const names: Readonly<Record<string, string>> = words.states;
  const name = names[purpose.state] ?? purpose.state;
  const on = words.on(name, dateWords(view, purpose.state_at));
  if (!isInForce(purpose)) return `${on}${words.gap}${words.notInForce}`;
  const { expires_at } = purpose;
  return `${on}${words.gap}${expires_at ? words.endsOn(dateWords(view, expires_at)) : words.openEnd}`;
}

/** An approval that can be withdrawn. */
export function isInForce({ state }: PurposeView): boolean {
  return state === 'given' || state === 'paused';
}

function stateChip(view: RequestView, purpose: PurposeView): Html {
  const names: Readonly<Record<string, string>> = WORDS[view.language].states;
  const style = isInForce(purpose) ? ' in-force' : '';
  return html`<p class="state${style}">${names[purpose.state] ?? purpose.state}</p>`;
}

function answered(view: RequestView, purpose: PurposeView): Html {
  const words = WORDS[view.language];
  const title = view.text.purposes[purpose.code]?.title ?? purpose.code;
  const address = `${view.path}/withdraw/${purpose.authorisation_id}?lang=${view.language}`;
  const isFinal = ['refused', 'withdrawn'].includes(purpose.state);
  return html`<section class="card">
${stateChip(view, purpose)}
<h2>${title}</h2>
<p>${stateWords(view, purpose)}${isFinal && html`${words.gap}${words.changeMind}`}</p>
${isInForce(purpose) && html`<a class="button plain" href="${address}" aria-label="${words.withdrawOf(title)}">${words.withdraw}</a>`}
</section>`;
}

function standing(view: RequestView, purposes: readonly PurposeView[]): Html {
  const words = WORDS[view.language];
  const inForce = purposes.filter(isInForce);
  const query = `?lang=${view.language}`;
  return html`${purposes.map((purpose) => answered(view, purpose))}
<div class="pair">
<a class="button plain" href="${view.path}/receipt${query}">${words.toReceipt}</a>
${inForce.length > 1 && html`<a class="button plain" href="${view.path}/withdraw/all${query}">${words.withdrawAll}</a>`}
</div>`;
}

/**
 * The page behind the link: questions that are open, and how the answered ones stand.
 * @param incomplete the answers that came in, when one is missing
 */
export function askingPage(view: RequestView, incomplete: Incomplete | null = null): string {
  const words = WORDS[view.language];
  const open = view.purposes.filter(({ is_open }) => is_open);
  const closed = view.purposes.filter(({ is_open }) => !is_open);
  const isAsking = open.length > 0;
  const title = isAsking ? view.text.title : words.answersTitle;
  const main = html`
${isAsking && incomplete && missingSummary(view, open, incomplete)}
<h1>${title}</h1>
<p class="lead">${isAsking ? view.text.introduction : words.answersLead}</p>
${isAsking && form(view, open, incomplete)}
${isAsking && closed.length > 0 && html`<h2 class="other">${words.answersTitle}</h2><p class="lead">${words.answersLead}</p>`}
${closed.length > 0 && standing(view, closed)}
${fineprint(view)}`;
  const prefix = isAsking && incomplete ? words.errorPrefix : '';
  return requestFrame(view, `${prefix}${title} – ${view.text.lender}`, '', main);
}
