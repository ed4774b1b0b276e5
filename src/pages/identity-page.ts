/** A person's own identity as it is held: asking for a correction, and for being erased. */

import { type Html, html } from '../model/html.ts';
import { blocksHtml } from './blocks-html.ts';
import type { ClaimProblem } from './dispute-pages.ts';
import { type Identity, identityFacts } from './file-blocks.ts';
import { at, day, fact, form, type MeView, mePage, time } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { RIGHTS_WORDS } from './rights-words.ts';

export interface IdentityView extends MeView {
  readonly identity: Identity;
  /** As it was sent, when something was wrong with it; else null. */
  readonly sent: {
    readonly chosen: string;
    readonly value: string;
    readonly problem: ClaimProblem;
  } | null;
}

const PLACES: Readonly<Record<ClaimProblem, string>> = {
  field: 'what',
  running: 'what',
  value: 'value',
  same: 'value',
  evidence: 'files',
  // Not said here.
  theft: 'what',
};

function correction(view: IdentityView): Html {
  const words = RIGHTS_WORDS[view.language];
  const { sent } = view;
  const place = sent && PLACES[sent.problem];
  const wrong = (here: string) =>
    place === here && sent && html`<p class="wrong">${words.problems[sent.problem]}</p>`;
  const options = Object.entries(words.correctable).map(
    ([field, name]) =>
      html`<option value="${field}"${sent?.chosen === field && html` selected`}>${name}</option>`,
  );
  return form(
    view,
    '/me/identity/correction',
    html`
<div class="field"><label for="what">${words.correctWhat}</label>${wrong('what')}<select id="what" name="field">${options}</select></div>
<div class="field"><label for="value">${words.should}</label><p class="hint" id="value-hint">${words.identityShouldHint}</p>${wrong('value')}<input type="text" id="value" name="value" maxlength="200" required value="${sent?.value}" aria-describedby="value-hint" autocomplete="off"></div>
<div class="field"><label for="files">${words.files}</label><p class="hint" id="files-hint">${words.identityFilesHint}</p>${wrong('files')}<input type="file" id="files" name="files" multiple accept="application/pdf,image/png,image/jpeg" aria-describedby="files-hint"></div>
<button class="button" type="submit">${words.correct}</button>`,
    'files',
  );
}

/** The page of the identity. */
export function identityPage(view: IdentityView): string {
  const words = RIGHTS_WORDS[view.language];
  const { sent } = view;
  const summary =
    sent &&
    html`<div class="problem" role="alert"><h2>${ME_WORDS[view.language].problemTitle}</h2><ul><li><a href="#${PLACES[sent.problem]}">${words.problems[sent.problem]}</a></li></ul></div>`;
  const main = html`${summary}<p class="lead">${words.identityLead}</p>
<section class="card">${blocksHtml(view.language, [identityFacts(view.language, view.identity)])}</section>
<section class="card"><h2>${words.correctTitle}</h2><p>${words.correctLead}</p>${correction(view)}</section>
<section class="card"><h2>${words.eraseTitle}</h2><p>${words.eraseLead}</p>
<p class="step"><a class="button plain" href="${at(view, '/me/identity/erasure')}">${words.eraseSee}</a></p></section>`;
  const page = { section: 'identity', path: '/me/identity', isAnswer: sent !== null } as const;
  return mePage(view, { ...page, title: words.identityTitle, main });
}

export interface ErasureView extends MeView {
  readonly months_going: number;
  readonly stays: readonly {
    readonly reason: string;
    readonly rows: number;
    readonly until: string | null;
  }[];
  readonly notice_hours: number;
  /** Null: it was not asked for. */
  readonly asked: { readonly request_id: string; readonly due_at: Date } | null;
}

/** What would go and stay; the wish itself, or what became of it. */
export function erasurePage(view: ErasureView): string {
  const words = RIGHTS_WORDS[view.language];
  const { stays, asked } = view;
  const lines = stays.map(({ reason, rows, until }) => {
    const date = until === null ? null : day(view, `${until}T00:00:00Z`);
    return html`<li>${words.stayLine(words.stays[reason] ?? reason, rows, date)}</li>`;
  });
  const staying = html`<p>${words.eraseGoes(view.months_going)}</p><p>${words.eraseStays}</p><ul>${lines}</ul><p>${words.eraseLater}</p>`;
  const wish = form(
    view,
    '/me/identity/erasure',
    html`<p>${words.eraseWhen(view.notice_hours)}</p><div class="pair"><button class="button" type="submit">${words.erase}</button>
<a class="button plain" href="${at(view, '/me/identity')}">${ME_WORDS[view.language].no}</a></div>`,
  );
  const done =
    asked &&
    html`<div class="done" role="status"><p><strong>${words.eraseAsked}</strong> ${words.eraseNumber}</p></div><dl>${fact(words.eraseDue, time(view, asked.due_at))}</dl><p><code>${asked.request_id}</code></p>`;
  const main = html`${done}${stays.length === 0 ? html`<p>${words.eraseAll}</p>` : staying}${!asked && wish}`;
  const page = { section: 'identity', path: '/me/identity/erasure' } as const;
  return mePage(view, { ...page, title: words.eraseTitle, main });
}
