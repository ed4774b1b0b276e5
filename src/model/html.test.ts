import fc from 'fast-check';
import { expect, it } from 'vitest';
import { html, styleElement } from './html.ts';

it('escapes whatever is put in, in text and in attributes', () => {
  const bad = `<script>alert("1" & '2')</script>`;
  const page = html`<p title="${bad}">${bad}</p>`.toString();
  expect(page).toBe(
    `<p title="&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;">&lt;script&gt;alert(&quot;1&quot; &amp; &#39;2&#39;)&lt;/script&gt;</p>`,
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(html`<i>${text}</i>`.toString().slice(3, -4)).not.toMatch(/[<>"']/);
    }),
  );
});

it('takes HTML of its own as it is, lists one after another, and nothing for nothing', () => {
  const inner = html`<b>${'&'}</b>`;
  expect(html`${[inner, 1, null]}${false}${undefined}`.toString()).toBe('<b>&amp;</b>1');
  // An object that looks like HTML is not.
  const forged = { toString: () => '<script>' } as never;
  expect(() => html`${forged}`.toString()).toThrow();
});

it('takes no stylesheet that could end early', () => {
  expect(() => styleElement('a{}</style><script>')).toThrow();
});
