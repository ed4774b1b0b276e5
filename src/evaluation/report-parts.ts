/**
 * What reports are made of: figures in words, tables, the page around them.
 *
 * What must stay true: every word of a file goes through `html`; tables have captions and headers,
 * so that they can be read aloud; the page has no script and fetches nothing.
 */
import { type Html, html, styleElement } from '../model/html.ts';
import type { Light } from './monitor.ts';
import { percentText } from './plots.ts';
import { REPORT_STYLE } from './report-style.ts';

export const whole = (value: number): string => value.toLocaleString('en');
export const four = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '–');
export const two = (value: number): string => (Number.isFinite(value) ? value.toFixed(2) : '–');
export const share = (value: number): string => (Number.isFinite(value) ? percentText(value) : '–');
export const light = (value: Light): Html => html`<span class="light ${value}">${value}</span>`;

export type Cell = Html | string;

/** @param numeric which columns hold numbers @param own the row that stands out; -1: none */
export function tableOf(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  numeric: readonly number[],
  own = -1,
): Html {
  const side = (at: number) => (numeric.includes(at) ? 'n' : '');
  return html`<div class="wide"><table><caption>${caption}</caption><thead><tr>${head.map((name, at) => html`<th scope="col" class="${side(at)}">${name}</th>`)}</tr></thead><tbody>${rows.map((row, index) => html`<tr class="${index === own ? 'own' : ''}">${row.map((cell, at) => (at === 0 ? html`<th scope="row" class="${side(at)}">${cell}</th>` : html`<td class="${side(at)}">${cell}</td>`))}</tr>`)}</tbody></table></div>`;
}

/** A whole file. */
export function documentOf(title: string, body: Html): string {
  const page = html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>${styleElement(REPORT_STYLE)}</head><body>${body}</body></html>`;
  return `<!doctype html>\n${page}\n`;
}
