/** A person's own score: what it is, what cost points, what would help, and contesting it. */
import { type Html, html } from '../model/html.ts';
import { day, form, type MeView, mePage } from './me-layout.ts';
import { SCORE_WORDS } from './score-words.ts';

export interface ScoreView extends MeView {
  readonly sufficiency: 'no_hit' | 'thin' | 'scored' | 'suppressed';
  /** Null: there is none. */
  readonly score: {
    readonly value: number;
    readonly lowest: number;
    readonly highest: number;
    readonly from: number;
    readonly to: number;
    /** Of a hundred people, as text. */
    readonly percent: string;
    /** What the card predicts, in the card's own words. */
    readonly means: string;
    readonly card: { readonly id: string; readonly version: number };
    readonly reasons: readonly { readonly says: string; readonly points_lost: number }[];
  } | null;
  readonly improvements: readonly {
    readonly does: string;
    readonly score: number;
    readonly gain: number;
  }[];
  /** What can be tried: ids with their meaning. */
  readonly choices: readonly { readonly id: string; readonly meaning: string }[];
  readonly tried: {
    readonly id: string;
    readonly to: string;
    readonly score: number | null;
  } | null;
  readonly evaluations: readonly {
    readonly evaluation_id: string;
    readonly recipient: string | null;
    readonly issued_at: Date;
  }[];
  readonly reviews: readonly {
    readonly state: 'open' | 'upheld' | 'changed';
    readonly due_at: Date;
    readonly why: string | null;
  }[];
}

/** The scale as a bar: words say the same, so it is hidden from readers. */
function scale({ value, lowest, highest }: NonNullable<ScoreView['score']>): Html {
  const place = Math.round((100 * (value - lowest)) / (highest - lowest));
  return html`<svg class="scale" viewBox="0 0 100 8" role="presentation" aria-hidden="true" preserveAspectRatio="none"><rect class="bar" x="0" y="3" width="100" height="2"/><rect class="mark" x="${Math.min(Math.max(place, 1), 99) - 1}" y="0" width="2" height="8"/></svg>`;
}

function scorePart(view: ScoreView): Html {
  const words = SCORE_WORDS[view.language];
  const { score } = view;
  if (!score)
    return html`<p>${words.sufficiency[view.sufficiency]}</p>${view.sufficiency === 'scored' && html`<p>${words.noCard}</p>`}`;
  const reasons = score.reasons.map(
    ({ says, points_lost }) =>
      html`<li>${says} <span class="small">(${words.lost(points_lost)})</span></li>`,
  );
  return html`<p class="figure"><strong>${words.score(score.value, score.lowest, score.highest)}</strong></p>
${scale(score)}
<p>${words.range(score.from, score.to)} ${words.probability(score.percent, score.means)}</p>
<p class="small">${words.sufficiency[view.sufficiency]} ${words.card(score.card.id, score.card.version)}</p>
<h2>${words.reasons}</h2>
${reasons.length === 0 ? html`<p>${words.reasonsNone}</p>` : html`<ol>${reasons}</ol>`}`;
}

function helpPart(view: ScoreView): Html | null {
  const words = SCORE_WORDS[view.language];
  if (view.improvements.length === 0) return null;
  const lines = view.improvements.map(
    ({ does, score, gain }) =>
      html`<li>${does} <span class="small">(${words.gain(score, gain)})</span></li>`,
  );
  return html`<h2>${words.improve}</h2><ul>${lines}</ul>`;
}

function tryPart(view: ScoreView): Html | null {
  const words = SCORE_WORDS[view.language];
  const { tried } = view;
  if (!view.score) return null;
  const options = view.choices.map(
    ({ id, meaning }) =>
      html`<option value="${id}"${tried?.id === id && html` selected`}>${meaning}</option>`,
  );
  return html`<h2 id="try">${words.tryTitle}</h2><p>${words.tryLead}</p>
${tried && tried.score !== null && html`<p role="status"><strong>${words.tried(tried.score)}</strong></p>`}
<form method="get" action="/me/score#try"><input type="hidden" name="lang" value="${view.language}">
<div class="field"><label for="change">${words.tryWhat}</label><select id="change" name="change">${options}</select></div>
<div class="field"><label for="to">${words.tryTo}</label><input id="to" name="to" type="text" inputmode="numeric" pattern="-?[0-9]{1,7}" required value="${tried?.to}"></div>
<button class="button plain" type="submit">${words.tryButton}</button></form>`;
}

function contestPart(view: ScoreView): Html {
  const words = SCORE_WORDS[view.language];
  const box = (id: string) =>
    html`<div class="field"><label for="${id}">${words.contestWords}</label><textarea id="${id}" name="words" rows="4" maxlength="2000" required></textarea></div><button class="button" type="submit">${words.contestButton}</button>`;
  const given = view.evaluations.filter(({ recipient }) => recipient !== null);
  const cards = given.map(({ evaluation_id, recipient, issued_at }) => {
    const title = words.contestOf(recipient ?? words.own, day(view, issued_at));
    const inner = html`<input type="hidden" name="evaluation" value="${evaluation_id}">${box(`words-${evaluation_id}`)}`;
    return html`<li class="card"><details><summary>${title}</summary>${form(view, '/me/score/contest', inner)}</details></li>`;
  });
  const reviews = view.reviews.map(
    ({ state, due_at, why }) =>
      html`<li class="card"><p><strong>${words.review[state]}</strong>${state === 'open' && html` – ${words.due(day(view, due_at))}`}</p>${why && html`<p>${why}</p>`}</li>`,
  );
  return html`${view.score && html`<h2>${words.contest}</h2><p>${words.contestLead}</p>${form(view, '/me/score/contest', box('words'))}`}
<h2>${words.given}</h2>${given.length === 0 ? html`<p>${words.givenNone}</p>` : html`<ul class="bare-list">${cards}</ul>`}
${reviews.length > 0 && html`<h2>${words.reviews}</h2><ul class="bare-list">${reviews}</ul>`}`;
}

/** The page of the score. */
export function scorePage(view: ScoreView): string {
  const words = SCORE_WORDS[view.language];
  const main = html`<p class="lead">${words.lead}</p>${scorePart(view)}${helpPart(view)}${tryPart(view)}${contestPart(view)}`;
  return mePage(view, { section: 'score', path: '/me/score', title: words.title, main });
}
