/**
 * The receipt, as a page and as a file: what was decided, for whom, for what, until when, how to
 * withdraw, and the numbers and fingerprints by which anybody can find and check the record.
 * Source: Australian CDR receipts on establishing, withdrawing, ending (domain facts 3.5).
 */

import { type Html, type HtmlValue, html } from '../model/html.ts';
import { isInForce, rangeWords, scopeWords, stateWords } from './asking-page.ts';
import { requestFrame } from './layout.ts';
import type { PurposeView, RequestView } from './view.ts';
import { dateWords, timeWords, WORDS } from './words.ts';

const pair = (name: string, text: HtmlValue) => html`<div><dt>${name}</dt><dd>${text}</dd></div>`;

function entry(view: RequestView, purpose: PurposeView): Html {
  const words = WORDS[view.language];
  const text = view.text.purposes[purpose.code];
  const until = purpose.expires_at ? dateWords(view, purpose.expires_at) : words.openEnd;
  const months = rangeWords(view, purpose);
  return html`<section class="card">
<h2>${text?.title}</h2>
<p class="note"><strong>${stateWords(view, purpose)}</strong></p>
<dl>
${pair(words.toWhom, text?.recipient)}
${pair(words.what, text?.data)}
${pair(words.scope, scopeWords(words, purpose))}
${months && pair(words.months, months)}
${pair(words.reason, text?.reason)}
${isInForce(purpose) && [pair(words.until, until), pair(words.howToWithdraw, text?.withdrawal)]}
</dl>
<details><summary>${words.ids}</summary>
<dl>
${purpose.given_at && pair(words.states.given, timeWords(view, purpose.given_at))}
${pair(words.lastStep, timeWords(view, purpose.state_at))}
${pair(words.recordId, html`<code>${purpose.authorisation_id}</code>`)}
${pair(words.arrangementId, html`<code>${purpose.arrangement_id}</code>`)}
${pair(words.recordHash, html`<code>${purpose.record_sha256}</code>`)}
${pair(words.eventHash, html`<code>${purpose.event_sha256}</code>`)}
</dl></details>
</section>`;
}

export function receiptPage(view: RequestView): string {
  const words = WORDS[view.language];
  const query = `?lang=${view.language}`;
  const main = html`
<h1>${words.receiptTitle}</h1>
<div class="done" role="status"><p><strong>${words.recorded}</strong>${words.gap}${words.receiptLead}</p></div>
${view.purposes.map((purpose) => entry(view, purpose))}
<div class="pair">
<a class="button" href="${view.path}/receipt.json${query}" download>${words.download}</a>
<a class="button plain" href="${view.path}${query}">${words.toAnswers}</a>
</div>
<p class="small note">${words.requestId} <code>${view.request_id}</code><br>${words.noticeVersion(view.notice.id, view.notice.version)}<br><code>${view.notice.sha256}</code></p>`;
  return requestFrame(view, `${words.receiptTitle} – ${view.text.lender}`, '/receipt', main);
}

/** The receipt for machines and archives; holds no name, no document and no way in. */
export function receiptDocument(view: RequestView): Record<string, unknown> {
  return {
    form: 'assent/receipt/1',
    request_id: view.request_id,
    language: view.language,
    lender: view.text.lender,
    contact: view.text.contact,
    complaint: view.text.complaint,
    notice: view.notice,
    authorisations: view.purposes.map((purpose) => {
      const text = view.text.purposes[purpose.code];
      return {
        authorisation_id: purpose.authorisation_id,
        arrangement_id: purpose.arrangement_id,
        purpose: purpose.code,
        title: text?.title,
        recipient: text?.recipient,
        data: text?.data,
        reason: text?.reason,
        withdrawal: text?.withdrawal,
        products: purpose.products,
        range_from: purpose.range_from,
        range_to: purpose.range_to,
        state: purpose.state,
        state_at: purpose.state_at,
        given_at: purpose.given_at,
        until: purpose.expires_at,
        record_sha256: purpose.record_sha256,
        event_sha256: purpose.event_sha256,
      };
    }),
  };
}
