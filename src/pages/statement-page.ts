/** A person's own words about their file: those that stand, and adding some. */
import { type Html, html } from '../model/html.ts';
import { day, form, type MeView, mePage } from './me-layout.ts';
import { ME_WORDS } from './me-words.ts';
import { RIGHTS_WORDS } from './rights-words.ts';

export interface StatementsView extends MeView {
  readonly statements: readonly {
    readonly statement_id: string;
    readonly text: string;
    readonly about: string | null;
    readonly made_at: Date;
  }[];
  /** What a statement can be about, besides the whole file. */
  readonly accounts: readonly { readonly account_id: string; readonly name: string }[];
  readonly words_max: number;
  /** As it was sent, when something was wrong with it; else null. */
  readonly sent: { readonly text: string; readonly account_id: string } | null;
}

function standing(view: StatementsView, each: StatementsView['statements'][number]): Html {
  const words = RIGHTS_WORDS[view.language];
  const date = day(view, each.made_at);
  const button = html`<button class="button plain" type="submit" aria-label="${words.statementTakeOf(date)}">${words.statementTake}</button>`;
  return html`<li class="card"><p>${each.text}</p><p class="small">${each.about ?? words.statementFile} · ${date}</p>
<div class="step">${form(view, `/me/statement/${each.statement_id}/withdraw`, button)}</div></li>`;
}

/** The page of statements. */
export function statementPage(view: StatementsView): string {
  const words = RIGHTS_WORDS[view.language];
  const { sent } = view;
  const options = view.accounts.map(
    ({ account_id, name }) =>
      html`<option value="${account_id}"${sent?.account_id === account_id && html` selected`}>${name}</option>`,
  );
  const inner = html`
<div class="field"><label for="about">${words.statementAbout}</label><select id="about" name="account"><option value="">${words.statementFile}</option>${options}</select></div>
<div class="field"><label for="text">${words.statementText}</label><p class="hint" id="text-hint">${words.statementHint(view.words_max)}</p>${sent && html`<p class="wrong">${words.problems.text}</p>`}<textarea id="text" name="text" rows="6" required aria-describedby="text-hint">${sent?.text}</textarea></div>
<button class="button" type="submit">${words.statementAdd}</button>`;
  const list = html`<ul class="bare-list">${view.statements.map((each) => standing(view, each))}</ul>`;
  const summary =
    sent &&
    html`<div class="problem" role="alert"><h2>${ME_WORDS[view.language].problemTitle}</h2><ul><li><a href="#text">${words.problems.text}</a></li></ul></div>`;
  const main = html`${summary}<p class="lead">${words.statementLead}</p>
${view.statements.length === 0 ? html`<p>${words.statementsNone}</p>` : list}
<div class="other">${form(view, '/me/statement', inner)}</div>`;
  const page = { section: null, path: '/me/statement', isAnswer: sent !== null };
  return mePage(view, { ...page, title: words.statementTitle, main });
}
