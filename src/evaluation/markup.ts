/**
 * Markup of the report as a tagged template: whatever is put in is escaped, except markup made
 * here. The pages have their own (pages/html.ts); rooms do not share it across their wall.
 */
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

class SafeMarkup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export type Markup = SafeMarkup;
type Value = Markup | string | number | null | false | readonly Value[];

function show(value: Value): string {
  if (value === null || value === false) return '';
  if (value instanceof SafeMarkup) return value.text;
  if (typeof value === 'object') return value.map(show).join('');
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

/** Makes markup of a template; null and false show nothing. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  return new SafeMarkup(
    strings
      .map((part, at) => part + (at < values.length ? show(values[at] as Value) : ''))
      .join(''),
  );
}
