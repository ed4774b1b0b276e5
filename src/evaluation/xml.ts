/** XML elements as a tree, read and written by fast-xml-parser. No entity is ever fetched. */
import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import { AssentError } from '../model/error.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  readonly text: string;
}

/** An element by hand. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  children: readonly XmlElement[] = [],
  text = '',
): XmlElement {
  const texts = Object.entries(attributes).map(([key, value]): [string, string] => [
    key,
    String(value),
  ]);
  return { name, attributes: Object.fromEntries(texts), children, text };
}

const OPTIONS = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  trimValues: false,
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: true,
} as const;

type Node = Record<string, unknown>;

function fromNode(node: Node): XmlElement | null {
  const name = Object.keys(node).find((key) => key !== ':@' && key !== '#text');
  if (name === undefined || name.startsWith('?')) return null;
  const inner = node[name] as Node[];
  const text = inner.map((child) => child['#text'] ?? '').join('');
  const children = inner.flatMap((child) => fromNode(child) ?? []);
  return { name, attributes: (node[':@'] ?? {}) as Record<string, string>, children, text };
}

/** Line ends and tabs of an attribute would be read back as spaces (XML 1.0, 3.3.3). */
const escaped = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[\t\n\r]/g, (letter) => `&#${letter.charCodeAt(0)};`);

function toNode({ name, attributes, children, text }: XmlElement): Node {
  const escapedAttributes = Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, escaped(value)]),
  );
  return {
    [name]: [...(text === '' ? [] : [{ '#text': escaped(text) }]), ...children.map(toNode)],
    ':@': escapedAttributes,
  };
}

/** The root element. @throws pmml_unsupported when the text is no XML or declares a DOCTYPE */
export function parseXml(text: string): XmlElement {
  const refuse = (detail: string): never => {
    throw new AssentError('pmml_unsupported', { detail });
  };
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) refuse('a DOCTYPE or ENTITY is never read');
  let nodes: Node[] = [];
  try {
    nodes = new XMLParser({ ...OPTIONS, htmlEntities: true }).parse(text, true) as Node[];
  } catch {
    refuse('the file is no XML');
  }
  const [root] = nodes.flatMap((node) => fromNode(node) ?? []);
  return root ?? refuse('the file holds no element');
}

export function writeXml(root: XmlElement): string {
  const builder = new XMLBuilder({
    ...OPTIONS,
    processEntities: false, // Escaped above, line ends included.
    format: true,
    indentBy: ' ',
    suppressEmptyNode: true,
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${String(builder.build([toNode(root)])).trim()}\n`;
}
