/**
 * HTML and SVG as a tagged template: whatever is put in is text and is escaped, except HTML made
 * here. Pages and reports are made with it.
 *
 * What must stay true: there is no way to put a string in unescaped; attribute values are always
 * written in double quotes, where the same escaping holds.
 */
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** HTML that is safe to send: only this file makes it. */
class SafeHtml {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  toString(): string {
    return this.#text;
  }
}
export type Html = SafeHtml;

/** Null, undefined and false show nothing; a list shows its members one after another. */
export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

function show(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof SafeHtml) return value.toString();
  if (typeof value === 'object') return value.map(show).join('');
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** Makes HTML of a template. */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const parts = strings.map((part, index) => part + show(values[index]));
  return new SafeHtml(parts.join(''));
}

/** A style element; its text goes out byte for byte, as its hash needs. @throws when it could end early */
export function styleElement(css: string): Html {
  if (css.includes('<')) throw new Error('a stylesheet holds no markup');
  return new SafeHtml(`<style>${css}</style>`);
}
