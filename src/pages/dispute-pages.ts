/**
 * Disputes: what is running and how it ended, and saying that a figure is wrong.
 *
 * What must stay true: the figure is picked from what the file holds, so nobody needs to know its
 * name; a form that is sent with a mistake comes back as it was filled in, with the mistake beside
 * its field.
 */
import type { Letter } from '../model/dispute-letter.ts';
import { type Html, html } from '../model/html.ts';
import { at, day, fact, form, type MeView, mePage } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { RIGHTS_WORDS } from './rights-words.ts';

export interface DisputeLine {
  readonly dispute_id: string;
  readonly state: string;
  readonly opened_at: Date;
  readonly furnisher_due_at: Date;
  readonly answer_due_at: Date;
  readonly ended_at: Date | null;
  /** Until when what is said to be identity theft is blocked. */
  readonly block_due_at: Date | null;
  readonly block_state: string | null;
  readonly claims: readonly { readonly evidence: readonly unknown[] }[];
}

const pathOf = ({ dispute_id }: Pick<DisputeLine, 'dispute_id'>) => `/me/disputes/${dispute_id}`;

function clock(view: MeView, each: DisputeLine): Html {
  const words = RIGHTS_WORDS[view.language];
  const isOpen = each.state === 'open';
  const isAsked = isOpen && each.block_state === 'asked';
  return html`<dl class="facts">
${isAsked && each.block_due_at && fact(words.blockBy, day(view, each.block_due_at))}
${isOpen && fact(words.lenderBy, day(view, each.furnisher_due_at))}
${isOpen && fact(words.answerBy, day(view, each.answer_due_at))}
${each.ended_at && fact(words.ended, day(view, each.ended_at))}
</dl>`;
}

const chip = (view: MeView, { state }: DisputeLine) =>
  html`<p class="state${state === 'open' && ' in-force'}">${RIGHTS_WORDS[view.language].disputeStates[state] ?? state}</p>`;

/** The list, newest first; what each is about in the headings of its letter. */
export function disputesPage(
  view: MeView,
  disputes: readonly (DisputeLine & { readonly letter: Letter })[],
): string {
  const words = RIGHTS_WORDS[view.language];
  const list = disputes.map((each) => {
    const title = words.disputeOf(day(view, each.opened_at));
    return html`<li class="card">${chip(view, each)}<h2>${title}</h2>
<ul>${each.letter.claims.map(({ heading }) => html`<li>${heading}</li>`)}</ul>
${clock(view, each)}
<p class="step"><a class="button plain" href="${at(view, pathOf(each))}" aria-label="${words.follow}: ${title}">${words.follow}</a></p></li>`;
  });
  const main = html`<p class="lead">${words.disputesLead}</p>
<p>${words.disputesHow} <a href="${at(view, '/me/file')}">${words.toFile}</a></p>
<p><a href="${at(view, '/me/statement')}">${words.statementTitle}</a></p>
${disputes.length === 0 ? html`<p>${words.disputesNone}</p>` : html`<ul class="bare-list">${list}</ul>`}`;
  return mePage(view, {
    section: 'disputes',
    title: words.disputesTitle,
    path: '/me/disputes',
    main,
  });
}

/** One dispute: its clock, and the letter as it stands. */
export function disputePage(view: MeView, each: DisputeLine, letter: Letter): string {
  const words = RIGHTS_WORDS[view.language];
  const files = each.claims.reduce((sum, claim) => sum + claim.evidence.length, 0);
  const button = html`<button class="button plain" type="submit">${words.withdrawDispute}</button>`;
  const claims = letter.claims.map(
    ({ heading, sentences }) =>
      html`<section class="card"><h2>${heading}</h2>${sentences.map((sentence) => html`<p>${sentence}</p>`)}</section>`,
  );
  const main = html`${chip(view, each)}
<p>${letter.opening}</p>
${clock(view, each)}
${claims}
${files > 0 && html`<p class="small">${words.evidence(files)}</p>`}
${letter.closing.map((sentence) => html`<p>${sentence}</p>`)}
${each.state === 'open' && html`<div class="other"><p>${words.withdrawDisputeLead}</p>${form(view, `${pathOf(each)}/withdraw`, button)}</div>`}`;
  const title = words.disputeOf(day(view, each.opened_at));
  return mePage(view, { section: 'disputes', title, path: pathOf(each), main });
}

/** Where something is wrong: a month of an account, or the account itself. */
export function wrongForm(
  view: MeView,
  account: { readonly account_id: string; readonly periods: readonly string[] },
): Html {
  const words = RIGHTS_WORDS[view.language];
  const months = account.periods.map(
    (period) => html`<option value="${period}">${period}</option>`,
  );
  return html`<section class="card"><h2>${words.wrongTitle}</h2><p>${words.wrongLead}</p>
<form method="get" action="/me/disputes/new">
<input type="hidden" name="lang" value="${view.language}">
<input type="hidden" name="account" value="${account.account_id}">
<div class="field"><label for="period">${words.wrongWhere}</label><select id="period" name="period">${months}<option value="">${words.wrongAccount}</option></select></div>
<button class="button plain" type="submit">${words.next}</button>
</form></section>`;
}

export interface ClaimChoice {
  readonly field: string;
  readonly name: string;
  /** As the file says it; null: it is about the whole. */
  readonly held: string | null;
}

export type ClaimProblem = 'field' | 'value' | 'same' | 'running' | 'evidence' | 'theft';

export interface ClaimForm {
  readonly account: { readonly account_id: string; readonly name: string };
  /** Null: the account itself. */
  readonly period: string | null;
  readonly choices: readonly ClaimChoice[];
  /** As it was sent. */
  readonly chosen: string;
  readonly value: string;
  /** It is said to be identity theft. */
  readonly theft: boolean;
  readonly problem: ClaimProblem | null;
}

/** The field that each problem is beside. */
const TARGETS: Readonly<Record<ClaimProblem, string>> = {
  field: 'field',
  running: 'field',
  value: 'value',
  same: 'value',
  evidence: 'files',
  theft: 'theft',
};

const choice = (each: ClaimChoice, index: number, chosen: string) =>
  html`<label class="choice"><input type="radio"${index === 0 && html` id="field"`} name="field" value="${each.field}" required${chosen === each.field && html` checked`}><span>${each.name}${each.held !== null && `: ${each.held}`}</span></label>`;

/** What is wrong, what it should be, and what shows it. */
export function claimPage(view: MeView, claim: ClaimForm): string {
  const words = RIGHTS_WORDS[view.language];
  const { problem } = claim;
  const wrong = problem && html`<p class="wrong" id="wrong">${words.problems[problem]}</p>`;
  const beside = (...problems: ClaimProblem[]) =>
    problem !== null && problems.includes(problem) ? wrong : null;
  const inner = html`
<input type="hidden" name="account" value="${claim.account.account_id}">
<input type="hidden" name="period" value="${claim.period}">
<fieldset class="card field"><legend>${words.which}</legend>${beside('field', 'running')}${claim.choices.map((each, index) => choice(each, index, claim.chosen))}</fieldset>
<div class="field"><label for="value">${words.should}</label><p class="hint" id="value-hint">${words.shouldHint}</p>${beside('value', 'same')}<input type="text" id="value" name="value" maxlength="200" value="${claim.value}" aria-describedby="value-hint" autocomplete="off"></div>
<div class="field"><label for="files">${words.files}</label><p class="hint" id="files-hint">${words.filesHint}</p>${beside('evidence')}<input type="file" id="files" name="files" multiple accept="application/pdf,image/png,image/jpeg" aria-describedby="files-hint"></div>
<div class="field">${beside('theft')}<label class="choice"><input type="checkbox" id="theft" name="theft" value="yes" aria-describedby="theft-hint"${claim.theft && html` checked`}><span>${words.theft}</span></label><p class="hint" id="theft-hint">${words.theftHint}</p></div>
<p class="small">${words.openEffect}</p>
<button class="button" type="submit">${words.open}</button>`;
  const target = problem && TARGETS[problem];
  const summary =
    problem &&
    html`<div class="problem" role="alert"><h2>${ME_WORDS[view.language].problemTitle}</h2><ul><li><a href="#${target}">${words.problems[problem]}</a></li></ul></div>`;
  const main = html`${summary}
<p class="lead">${claim.account.name}${claim.period !== null && `, ${claim.period}`}</p>
<p>${words.newLead}</p>
${form(view, '/me/disputes', inner, 'files')}`;
  const query = `account=${claim.account.account_id}&period=${claim.period ?? ''}`;
  return mePage(view, {
    section: 'disputes',
    title: words.newTitle,
    path: `/me/disputes/new?${query}`,
    main,
    isAnswer: problem !== null,
  });
}
