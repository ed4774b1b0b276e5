/** The one stylesheet of the report: reads on a screen, prints on A4; contrast of text 7:1. */
export const REPORT_STYLE = `
:root { color-scheme: light; --ink: #14202e; --soft: #435160; --line: #d7dee5; --paper: #fff; --ground: #f2f5f7; --accent: #0a4a66; --tint: #e6f0f4; --bad: #8a1c1c; --bad-tint: #f7dedc; --amber: #7a4b00; --amber-tint: #fff2d9; --green: #14532d; --green-tint: #e4f3e8; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC", "Noto Sans CJK SC", sans-serif; overflow-wrap: break-word; }
header { background: var(--accent); color: #fff; padding: 2.25rem 1.5rem 2rem; }
header > div { max-width: 63rem; margin: 0 auto; } main { max-width: 66rem; margin: 0 auto; }
header h1 { margin: 0 0 .25rem; font-size: 1.875rem; letter-spacing: -.01em; line-height: 1.2; }
header p { margin: .25rem 0 0; }
header code { color: #d9e8ef; }
main { padding: 1.5rem; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: .875rem; padding: 1.375rem 1.5rem; margin: 0 0 1.25rem; }
h2 { font-size: 1.25rem; margin: 0 0 .75rem; line-height: 1.3; }
h3 { font-size: 1rem; margin: 1.5rem 0 .375rem; }
p { margin: 0 0 .75rem; max-width: 46rem; }
.small, figure p { font-size: .875rem; color: var(--soft); margin: .25rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .75rem; margin: 0; }
.tiles div { background: var(--tint); border-radius: .625rem; padding: .75rem .875rem; }
.tiles dt { font-size: .8125rem; color: var(--soft); font-weight: 600; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.25; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr)); gap: 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: .25rem; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .name { fill: var(--ink); }
.grid { stroke: #e6ebef; } .axis, .tick { stroke: #8593a1; }
.main { fill: none; stroke: var(--accent); stroke-width: 2.25; }
.bad { fill: none; stroke: var(--bad); stroke-width: 2.25; stroke-dasharray: 6 3; }
.area { fill: var(--accent); fill-opacity: .1; } .bad-area { fill: var(--bad); fill-opacity: .1; }
.chance { fill: none; stroke: #8593a1; stroke-dasharray: 4 4; }
.gap { stroke: var(--ink); stroke-width: 2; } .error { stroke: var(--accent); } .dot, .bar { fill: var(--accent); } .bar-bad { fill: var(--bad); }
.spark { width: 5rem; height: .75rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0 .375rem; font-size: 1rem; }
th, td { text-align: left; padding: .3125rem .625rem .3125rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-size: .8125rem; }
tbody th { color: var(--ink); font-weight: 600; font-size: inherit; }
.n { text-align: right; white-space: nowrap; }
tr.own td, tr.own th { background: var(--tint); font-weight: 600; }
.light { display: inline-block; border-radius: 1rem; padding: 0 .5rem; font-weight: 600; font-size: .8125rem; border: 1px solid currentColor; }
.light.green { color: var(--green); background: var(--green-tint); } .light.amber { color: var(--amber); background: var(--amber-tint); } .light.red { color: var(--bad); background: var(--bad-tint); } .light.unknown { color: var(--soft); }
.warnings { border-left: 4px solid var(--amber); background: var(--amber-tint); border-radius: .25rem .625rem .625rem .25rem; padding: .75rem 1rem; margin: 0; list-style-position: inside; }
.warnings li + li { margin-top: .25rem; }
code { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; word-break: break-all; }
details summary { cursor: pointer; font-weight: 600; color: var(--accent); min-height: 2.25rem; display: flex; align-items: center; }
nav { margin: 0 0 1rem; } nav a { color: var(--accent); margin-right: 1rem; white-space: nowrap; }
@media print { body { background: #fff; font-size: .875rem; } header { background: none; color: #000; border-bottom: 2px solid #000; padding: 0 0 .75rem; } header code { color: #000; } main { padding: 1rem 0; } nav { display: none; } section { border: 0; padding: 0; } figure, tr, .tiles div { break-inside: avoid; } .plots { grid-template-columns: 1fr 1fr; } }
`;
