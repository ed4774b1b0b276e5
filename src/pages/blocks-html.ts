/** Blocks of a report as HTML: tables that a screen reader can walk, letters with their meaning. */

import { type Html, html } from '../model/html.ts';
import type { Language } from '../model/notice.ts';
import type { Block, GridCell } from './file-blocks.ts';
import { FILE_WORDS } from './file-words.ts';

const MONTHS = Array.from({ length: 12 }, (_, index) => index + 1);

function cell(each: GridCell | null): Html {
  if (each === null) return html`<td></td>`;
  return html`<td class="cell ${each.tone}"><span aria-hidden="true">${each.letter}</span><span class="hidden">${each.meaning}</span></td>`;
}

function grid(language: Language, block: Extract<Block, { is: 'grid' }>): Html {
  return html`<table class="grid"><caption>${block.caption}</caption>
<thead><tr><th scope="col">${FILE_WORDS[language].year}</th>${MONTHS.map((n) => html`<th scope="col">${n}</th>`)}</tr></thead>
<tbody>${block.years.map(
    ({ year, cells }) => html`<tr><th scope="row">${year}</th>${cells.map(cell)}</tr>`,
  )}</tbody></table>`;
}

function legend(language: Language, block: Extract<Block, { is: 'legend' }>): Html {
  const entries = block.entries.map(
    ({ letter, meaning, tone }) =>
      html`<li><span class="cell ${tone}">${letter}</span> ${meaning}</li>`,
  );
  return html`<details><summary>${FILE_WORDS[language].legend}</summary><ul class="legend">${entries}</ul></details>`;
}

function table(block: Extract<Block, { is: 'table' }>): Html {
  const head = block.head.map((name) => html`<th scope="col">${name}</th>`);
  const rows = block.rows.map(([first, ...others]) => {
    const cells = others.map((value) => html`<td>${value}</td>`);
    return html`<tr><th scope="row">${first}</th>${cells}</tr>`;
  });
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${block.caption}"><table class="figures"><caption>${block.caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function facts(block: Extract<Block, { is: 'facts' }>): Html {
  const pairs = block.pairs.map(
    ([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  );
  return html`<dl class="facts">${pairs}</dl>`;
}

function one(language: Language, block: Block): Html {
  if (block.is === 'heading')
    return block.level === 2 ? html`<h2>${block.text}</h2>` : html`<h3>${block.text}</h3>`;
  if (block.is === 'text')
    return html`<p${block.tone !== 'plain' && html` class="${block.tone === 'mark' ? 'mark' : 'small'}"`}>${block.text}</p>`;
  if (block.is === 'facts') return facts(block);
  if (block.is === 'table') return table(block);
  return block.is === 'grid' ? grid(language, block) : legend(language, block);
}

/** Blocks, one after another. */
export function blocksHtml(language: Language, blocks: readonly Block[]): Html {
  return html`${blocks.map((block) => one(language, block))}`;
}
