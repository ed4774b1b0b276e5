/**
 * Bins of a characteristic as PMML attributes, and back.
 *
 * What must stay true: attributes are read in their order, the first that holds decides (PMML
 * 4.4, Scorecard); what could be read in two ways is refused.
 */
import { AssentError } from '../model/error.ts';
import type { Characteristic, Direction } from './card.ts';
import { reasonFor } from './reason-words.ts';
import { element, type XmlElement } from './xml.ts';

export function refuse(detail: string): never {
  throw new AssentError('pmml_unsupported', { detail });
}

/** Decimal text of a scaled whole number, exactly. */
function decimalText(value: number, decimals: number): string {
  if (decimals === 0) return String(value);
  const digits = String(Math.abs(value)).padStart(decimals + 1, '0');
  return `${value < 0 ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

const attribute = (points: number, predicate: XmlElement) =>
  element('Attribute', { partialScore: points }, [predicate]);

const simple = (field: string, operator: string, value?: string) =>
  element('SimplePredicate', { field, operator, ...(value === undefined ? {} : { value }) });

/** Texts of a PMML array: quoted, quotes within by a backslash. */
const arrayText = (values: readonly string[]) =>
  values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(' ');

function arrayValues(text: string): string[] {
  const values = [...text.matchAll(/"((?:\\.|[^"\\])*)"|(\S+)/gs)];
  return values.map(([, quoted, bare]) => quoted?.replace(/\\(.)/gs, '$1') ?? bare ?? '');
}

/** The attributes of a characteristic: missing first, then the bins in order. */
export function attributesOf(each: Characteristic): XmlElement[] {
  const missing = attribute(each.missing.points, simple(each.name, 'isMissing'));
  if (each.kind === 'category') {
    const bins = each.bins.map(({ values, points }) => {
      const array = element('Array', { n: values.length, type: 'string' }, [], arrayText(values));
      const set = element('SimpleSetPredicate', { field: each.name, booleanOperator: 'isIn' }, [
        array,
      ]);
      return attribute(points, set);
    });
    return [missing, ...bins, attribute(each.other.points, element('True'))];
  }
  const bins = each.bins.map(({ upto, points }, at) => {
    const from = each.bins[at - 1]?.upto ?? null;
    const parts = [
      ...(from === null
        ? []
        : [simple(each.name, 'greaterThan', decimalText(from, each.decimals))]),
      ...(upto === null
        ? []
        : [simple(each.name, 'lessOrEqual', decimalText(upto, each.decimals))]),
    ];
    const [only] = parts;
    if (!only) return attribute(points, element('True'));
    return attribute(
      points,
      parts.length === 1 ? only : element('CompoundPredicate', { booleanOperator: 'and' }, parts),
    );
  });
  return [missing, ...bins];
}

const NO_FACTS = { count: 0, bad: 0, woe_e4: 0 };

interface Read {
  readonly points: number;
  readonly predicate: XmlElement;
}

function readAttribute(name: string, { attributes, children }: XmlElement): Read {
  const predicates = children.filter((child) => child.name !== 'Extension');
  const [predicate] = predicates;
  if (predicates.length !== 1 || !predicate)
    refuse(`${name}: an Attribute has one predicate and no ComplexPartialScore`);
  const points = Number(attributes['partialScore'] ?? Number.NaN);
  if (!Number.isInteger(points)) refuse(`${name}: a partialScore is a whole number`);
  return { points, predicate };
}

function fieldOf(predicate: XmlElement): string[] {
  const own = predicate.attributes['field'];
  return [...(own === undefined ? [] : [own]), ...predicate.children.flatMap(fieldOf)];
}

/** The field that all predicates of a characteristic look at. */
export function fieldOfCharacteristic(name: string, attributes: readonly XmlElement[]): string {
  const fields = [...new Set(attributes.flatMap((each) => each.children.flatMap(fieldOf)))];
  const [field] = fields;
  return fields.length === 1 && field !== undefined
    ? field
    : refuse(`${name}: looks at ${fields.length} fields, and one is understood`);
}

/** The values of a threshold as a decimal: digits and how many of them stand behind the point. */
const decimalsIn = (text: string) => /^-?\d+(?:\.(\d{1,9}))?$/.exec(text)?.[1]?.length ?? 0;

interface Interval {
  /** Above this; null: no end. */
  readonly from: number | null;
  readonly upto: number | null;
  readonly points: number;
}

function interval(name: string, { predicate, points }: Read, decimals: number): Interval {
  if (predicate.name === 'True') return { from: null, upto: null, points };
  const isCompound = predicate.name === 'CompoundPredicate';
  if (isCompound && predicate.attributes['booleanOperator'] !== 'and')
    refuse(`${name}: of compound predicates only "and" is understood`);
  const parts = isCompound ? predicate.children : [predicate];
  let from: number | null = null;
  let upto: number | null = null;
  for (const part of parts) {
    const { operator, value = '' } = part.attributes;
    const number = Math.round(Number(value) * 10 ** decimals);
    if (
      part.name !== 'SimplePredicate' ||
      !/^-?\d+(\.\d{1,9})?$/.test(value) ||
      !Number.isSafeInteger(number)
    )
      refuse(`${name}: a bin of a number compares it with a decimal number`);
    if (operator === 'lessOrEqual') upto = number;
    else if (operator === 'lessThan') upto = number - 1;
    else if (operator === 'greaterThan') from = number;
    else if (operator === 'greaterOrEqual') from = number - 1;
    else refuse(`${name}: the operator ${operator ?? ''} is not understood for a number`);
  }
  return { from, upto, points };
}

function directionOf(points: readonly number[]): Direction {
  const steps = points.slice(1).map((own, at) => own - (points[at] ?? own));
  if (steps.every((step) => step <= 0)) return 'more_is_worse';
  return steps.every((step) => step >= 0) ? 'more_is_better' : 'free';
}

function numberFrom(name: string, missing: number, reads: readonly Read[]): Characteristic {
  const values = reads.flatMap(({ predicate }) =>
    [predicate, ...predicate.children].flatMap((p) => p.attributes['value'] ?? []),
  );
  const decimals = Math.max(0, ...values.map(decimalsIn));
  const intervals = reads.map((read) => interval(name, read, decimals));
  let end: number | null = null;
  const bins = intervals.map(({ from, upto, points }, at) => {
    // A bin that names no lower end begins where the one before has ended: the first that holds.
    const isNext = from === end || (from === null && at > 0 && end !== null);
    const isLast = at === intervals.length - 1;
    if (!isNext || (upto === null) !== isLast)
      refuse(`${name}: the bins do not follow one another from the least to the greatest`);
    end = upto;
    return { upto, points, ...NO_FACTS };
  });
  const direction = directionOf(bins.map(({ points }) => points));
  return {
    kind: 'number',
    name,
    decimals,
    direction,
    bins,
    missing: { points: missing, ...NO_FACTS },
    reason: reasonFor(name, direction, {}),
  };
}

function categoryFrom(name: string, missing: number, reads: readonly Read[]): Characteristic {
  const last = reads.at(-1);
  if (last?.predicate.name !== 'True')
    refuse(`${name}: the last Attribute of a category is True, for all other values`);
  const bins = reads.slice(0, -1).map(({ predicate, points }) => {
    const { booleanOperator, operator, value } = predicate.attributes;
    if (predicate.name === 'SimplePredicate' && operator === 'equal' && value !== undefined)
      return { values: [value], points, ...NO_FACTS };
    if (predicate.name !== 'SimpleSetPredicate' || booleanOperator !== 'isIn')
      refuse(`${name}: ${predicate.name} is not understood for a category`);
    return { values: arrayValues(predicate.children[0]?.text ?? ''), points, ...NO_FACTS };
  });
  return {
    kind: 'category',
    name,
    bins,
    other: { points: last.points, ...NO_FACTS },
    missing: { points: missing, ...NO_FACTS },
    reason: reasonFor(name, 'category', {}),
  };
}

/** @throws pmml_unsupported, naming the characteristic */
export function characteristicFrom(
  name: string,
  attributes: readonly XmlElement[],
  isNumber: boolean,
): Characteristic {
  const reads = attributes.map((each) => readAttribute(name, each));
  const isMissing = ({ predicate }: Read) => predicate.attributes['operator'] === 'isMissing';
  const [missing, ...more] = reads.filter(isMissing);
  if (more.length > 0) refuse(`${name}: has two Attributes for missing`);
  if (!missing) refuse(`${name}: no Attribute says what a missing value gives (isMissing)`);
  const rest = reads.filter((read) => !isMissing(read));
  return isNumber
    ? numberFrom(name, missing.points, rest)
    : categoryFrom(name, missing.points, rest);
}
