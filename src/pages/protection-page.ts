/** Holding others off: freeze, fraud alert, credit ban; each is placed and lifted in one step. */
import { BLOCK_KINDS, type BlockKind } from '../model/file-facts.ts';
import { type Html, html } from '../model/html.ts';
import { FILE_WORDS } from './file-words.ts';
import { day, form, type MeView, mePage } from './me-layout.ts';
import { RIGHTS_WORDS } from './rights-words.ts';

export interface ProtectionView extends MeView {
  /** Those in force. */
  readonly blocks: readonly {
    readonly block_id: string;
    readonly kind: BlockKind;
    readonly placed_at: Date;
    readonly expires_at: Date | null;
  }[];
  /** The kind whose months were no number, when that was sent. */
  readonly wrong: BlockKind | null;
}

function placing(view: ProtectionView, kind: BlockKind): Html {
  const words = RIGHTS_WORDS[view.language];
  const reasons = Object.entries(words.reasons).map(
    ([reason, name]) => html`<option value="${reason}">${name}</option>`,
  );
  const months =
    kind === 'credit_ban' &&
    html`<div class="field"><label for="months">${words.monthsLabel}</label><p class="hint" id="months-hint">${words.monthsHint}</p>${view.wrong === kind && html`<p class="wrong" role="alert">${words.problems.months}</p>`}<input type="text" inputmode="numeric" id="months" name="months" maxlength="4" aria-describedby="months-hint" autocomplete="off"></div>`;
  return form(
    view,
    `/me/protection/${kind}`,
    html`<div class="field"><label for="reason-${kind}">${words.reason}</label><p class="hint" id="hint-${kind}">${words.reasonHint}</p><select id="reason-${kind}" name="reason" aria-describedby="hint-${kind}">${reasons}</select></div>
${months}
<button class="button" type="submit">${words.place[kind]}</button>`,
  );
}

function section(view: ProtectionView, kind: BlockKind): Html {
  const words = RIGHTS_WORDS[view.language];
  const block = view.blocks.find((each) => each.kind === kind);
  const until = block?.expires_at ? day(view, block.expires_at) : null;
  const state = block ? words.inForce(day(view, block.placed_at), until) : words.notInForce;
  const lifting =
    block &&
    form(
      view,
      `/me/protection/${block.block_id}/lift`,
      html`<button class="button plain" type="submit">${words.lift[kind]}</button>`,
    );
  return html`<section class="card"><h2>${FILE_WORDS[view.language].blockKinds[kind]}</h2>
<p class="state${block && ' in-force'}">${state}</p>
<p>${words.blockLeads[kind]}</p>
<div class="step">${lifting ?? placing(view, kind)}</div></section>`;
}

/** The page of protection. */
export function protectionPage(view: ProtectionView): string {
  const words = RIGHTS_WORDS[view.language];
  const main = html`<p class="lead">${words.protectionLead}</p>${BLOCK_KINDS.map((kind) => section(view, kind))}`;
  const page = { section: 'protection', path: '/me/protection' } as const;
  return mePage(view, {
    ...page,
    title: words.protectionTitle,
    main,
    isAnswer: view.wrong !== null,
  });
}
