/**
 * The one stylesheet of the pages, inline so that nothing is fetched from anywhere.
 *
 * What must stay true: made for a phone first; text has a contrast of 7:1, borders of controls
 * 3:1 (WCAG 2.2, 1.4.6 and 1.4.11); whatever is tapped is at least 48 pixels high; the two
 * choices look the same. The server allows the text by its hash.
 */
export const STYLE = `
:root {
  color-scheme: light;
  --ink: #14202e; --soft: #435160; --line: #d7dee5; --edge: #6f7f8f; --paper: #ffffff;
  --ground: #f2f5f7; --accent: #0a4a66; --tint: #e6f0f4; --warn: #8a1c1c; --warn-tint: #fdf0ef;
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  overflow-wrap: break-word;
}
:lang(zh) { line-height: 1.7; }
.top { background: var(--accent); color: #fff; }
.top div, main, .end { max-width: 38rem; margin: 0 auto; padding: 0 1.125rem; }
.top div { display: flex; gap: 1rem; align-items: center; justify-content: space-between; min-height: 3.5rem; }
.top p { margin: .625rem 0; font-weight: 600; font-size: .9375rem; line-height: 1.35; text-wrap: balance; }
.top a { color: #fff; white-space: nowrap; padding: .75rem 0 .75rem .5rem; font-size: .9375rem; }
.bare { border-top: .375rem solid var(--accent); }
main { padding-top: 1.75rem; padding-bottom: 1rem; }
h1 { font-size: 1.625rem; line-height: 1.25; letter-spacing: -.01em; margin: 0 0 .75rem; text-wrap: balance; }
h2 { font-size: 1.1875rem; line-height: 1.35; margin: 0; text-wrap: balance; }
h1:lang(zh), h2:lang(zh), .top p:lang(zh) { text-wrap: wrap; line-height: 1.4; }
h2 + p { margin-top: .5rem; }
.card > p:last-child { margin-bottom: 0; }
p { margin: 0 0 1rem; }
.lead { color: var(--soft); margin-bottom: 1.5rem; }
a { color: var(--accent); text-underline-offset: .15em; }
.card {
  border: 1px solid var(--line); border-radius: .875rem; background: var(--paper);
  padding: 1.25rem 1.125rem 1.125rem; margin: 0 0 1.125rem; min-width: 0;
}
fieldset.card { display: block; }
legend { float: left; width: 100%; padding: 0; margin: 0 0 1rem; }
legend + * { clear: both; }
.count { display: block; font-size: .8125rem; font-weight: 600; color: var(--soft); letter-spacing: .02em; margin-bottom: .25rem; }
dl { margin: 0; }
dt { font-size: .875rem; font-weight: 600; color: var(--soft); }
dd { margin: .125rem 0 0; }
dl > div + div { margin-top: .9375rem; }
.end-date { display: block; margin-top: .375rem; font-weight: 600; }
.condition { border-left: 4px solid var(--accent); padding-left: .75rem; }
.choices { display: grid; grid-template-columns: 1fr 1fr; gap: .625rem; margin-top: 1.125rem; padding-top: 1.125rem; border-top: 1px solid var(--line); }
.choice {
  display: flex; align-items: center; justify-content: center; gap: .5rem; min-height: 3.25rem;
  padding: .5rem .625rem; border: 2px solid var(--edge); border-radius: .625rem; background: var(--paper);
  font-weight: 600; cursor: pointer; text-align: center; line-height: 1.3;
}
.choice input { width: 1.25rem; height: 1.25rem; margin: 0; flex: none; accent-color: var(--accent); }
.choice:has(input:checked) { border-color: var(--accent); background: var(--tint); }
.choice:focus-within { outline: 3px solid #1b6fa8; outline-offset: 2px; }
.choice input:focus-visible { outline: none; }
.button {
  display: flex; align-items: center; justify-content: center; width: 100%; min-height: 3.25rem;
  padding: .625rem 1rem; border: 2px solid var(--accent); border-radius: .625rem; background: var(--accent);
  color: #fff; font: inherit; font-weight: 600; line-height: 1.3; text-align: center; text-decoration: none; cursor: pointer;
}
.button.plain { background: var(--paper); color: var(--accent); }
.button:hover { text-decoration: underline; }
:focus-visible { outline: 3px solid #1b6fa8; outline-offset: 2px; }
.top :focus-visible { outline-color: #fff; }
.pair { display: grid; gap: .625rem; }
.small { font-size: .875rem; color: var(--soft); line-height: 1.5; }
.note { margin: .75rem 0 1.25rem; }
.state { display: inline-block; font-size: .875rem; font-weight: 600; padding: .125rem .625rem; border-radius: 1rem; border: 1px solid var(--edge); background: var(--paper); margin: 0 0 .625rem; }
.state.in-force { background: var(--accent); border-color: var(--accent); color: #fff; }
.problem { border: 2px solid var(--warn); border-radius: .875rem; background: var(--warn-tint); padding: 1rem 1.125rem; margin-bottom: 1.25rem; }
.problem p, .problem ul { margin: .25rem 0 0; }
.problem h2, .problem a { color: var(--warn); }
.problem ul { padding-left: 1.25rem; }
.missing { border: 2px solid var(--warn); }
.missing-note { color: var(--warn); font-weight: 600; margin: 1rem 0 0; }
.missing-note + .choices { margin-top: .625rem; }
.done { border-left: 4px solid var(--accent); background: var(--tint); border-radius: .25rem .625rem .625rem .25rem; padding: .875rem 1rem; margin-bottom: 1.25rem; }
.done p { margin: 0; }
code { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace; word-break: break-all; color: var(--soft); }
details { margin-top: .75rem; }
summary { cursor: pointer; min-height: 3rem; display: flex; align-items: center; font-weight: 600; color: var(--accent); }
summary::before { content: "+"; width: 1.25rem; font-weight: 600; }
details[open] summary::before { content: "\\2212"; }
.end { padding-top: .25rem; padding-bottom: 2.5rem; }
.end p { margin-bottom: .5rem; }
.plain-list { list-style: none; font-weight: 600; }
.plain-list li + li { margin-top: .5rem; }
.other { border-top: 1px solid var(--line); margin-top: 1.75rem; padding-top: 1.75rem; }
.menu { margin: -.75rem 0 1.5rem; }
.menu ul { list-style: none; display: flex; flex-wrap: wrap; gap: .375rem; margin: 0; padding: 0; }
.menu a { display: flex; align-items: center; min-height: 3rem; padding: .25rem .75rem; border: 1px solid var(--edge); border-radius: .625rem; background: var(--paper); font-size: .9375rem; text-decoration: none; }
.menu a[aria-current] { background: var(--accent); border-color: var(--accent); color: #fff; font-weight: 600; }
.bare-list { list-style: none; padding: 0; margin: 0; }
h2 + .bare-list { margin-top: 1rem; }
.step { margin-top: 1rem; }
.small ~ .step, .card dl + .step { margin-top: 1.125rem; }
h3 { font-size: 1.0625rem; line-height: 1.35; margin: 0; }
h3 + p { margin: .375rem 0; }
form + h2, ul + h2, ol + h2 { margin-top: 1.75rem; }
.figure { font-size: 1.25rem; margin-bottom: .5rem; }
.scale { width: 100%; height: 1rem; margin-bottom: .75rem; }
.scale .bar { fill: var(--edge); }
.scale .mark { fill: var(--accent); }
.card p { margin: .375rem 0; }
.mark { color: var(--warn); font-weight: 600; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.facts { display: grid; gap: .5rem 1.25rem; margin: .75rem 0 1rem; grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }
.facts > div + div { margin-top: 0; }
.report h2 { border-top: 1px solid var(--line); margin-top: 1.5rem; padding-top: 1.5rem; }
.report h3 { margin-top: 1.5rem; }
.report h2 + h3 { margin-top: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-size: .875rem; color: var(--soft); padding-bottom: .375rem; }
th { font-weight: 600; color: var(--soft); }
.grid { table-layout: fixed; width: 100%; font-size: .8125rem; text-align: center; border-spacing: 2px; border-collapse: separate; position: relative; }
.grid th:first-child { width: 2.5rem; text-align: left; }
.grid th { padding: 0; }
.grid td { padding: .125rem 0; position: relative; }
.cell { border-radius: .25rem; }
.cell.quiet { background: var(--ground); color: var(--soft); }
.cell.paid { background: #e3f1e6; color: #14401f; }
.cell.late { background: #fbe3c4; color: #5a3200; font-weight: 700; }
.cell.worst { background: #8a1c1c; color: #fff; font-weight: 700; }
.legend { list-style: none; padding: 0; margin: 0; font-size: .9375rem; }
.legend li { margin: .375rem 0; }
.legend .cell { display: inline-block; min-width: 1.75rem; text-align: center; margin-right: .375rem; }
.scroll { overflow-x: auto; margin: 1rem 0; position: relative; }
.figures { width: 100%; font-size: .875rem; }
.figures th, .figures td { text-align: right; padding: .375rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
.figures th:first-child { text-align: left; padding-left: 0; }
.field { margin: 0 0 1.125rem; }
.field label, .field legend { display: block; font-weight: 600; margin-bottom: .25rem; }
.field input[type=text], .field select, .field textarea, .field input[type=file] { width: 100%; min-height: 3rem; font: inherit; color: inherit; background: var(--paper); border: 2px solid var(--edge); border-radius: .625rem; padding: .5rem .75rem; }
.field .hint { font-size: .875rem; color: var(--soft); margin: 0 0 .375rem; }
.field .wrong { color: var(--warn); font-weight: 600; margin: 0 0 .375rem; }
.field .choice { display: flex; justify-content: flex-start; text-align: left; margin-bottom: .5rem; padding: .5rem .875rem; }
@media (min-width: 34rem) {
  .pair { grid-template-columns: 1fr 1fr; }
  .card { padding: 1.5rem 1.5rem 1.375rem; }
  h1 { font-size: 1.875rem; }
}
@media print {
  body { background: #fff; } .top { background: none; color: #000; border-bottom: 1px solid #000; }
  .top a, .button, .menu, .end form { display: none; } .scroll { overflow: visible; } .cell { print-color-adjust: exact; } details > * { display: block; } .card { break-inside: avoid; }
}
`;
