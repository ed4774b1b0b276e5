/**
 * What identities are compared by: each field of a person as keyed hashes of its pieces.
 *
 * What must stay true: nothing but hashes under the registry's index key leaves this file, so the
 * database compares identities that it cannot read; the same value gives the same hashes on every
 * machine. Pieces of text are pairs of neighbouring letters of its Latin form; pieces of a number
 * or date are digits with their place.
 */
import anyAscii from 'any-ascii';

/** In the order of `match_record` and of every list of levels. */
export const FIELDS = [
  'given_name',
  'surname',
  'birth_date',
  'street_number',
  'address_1',
  'address_2',
  'locality',
  'postcode',
  'region',
] as const;
export type Field = (typeof FIELDS)[number];

/** Fields that people and clerks take for one another: the better of both readings counts. */
export const SWAPPED = [
  ['given_name', 'surname'],
  ['address_1', 'address_2'],
] as const satisfies readonly (readonly [Field, Field])[];

const NUMBERS: readonly Field[] = ['birth_date', 'street_number', 'postcode'];

/** What is known of a person; a missing field is null, not ''. */
export type Person = Readonly<Partial<Record<Field, string | null>>>;

/**
 * Records that agree on all fields of one of these are compared. Names, and the two lines of an
 * address, stand in for each other. `birth_date` alone is the only single field that is narrow
 * enough: a day holds some thirty of a million people.
 */
const BLOCKS: readonly (readonly Field[])[] = [
  ['birth_date'],
  ['given_name', 'surname'],
  ['surname', 'postcode'],
  ['given_name', 'postcode'],
  ['surname', 'locality'],
  ['given_name', 'locality'],
  ['surname', 'address_1'],
  ['given_name', 'address_1'],
  ['surname', 'address_2'],
  ['given_name', 'address_2'],
  ['address_1', 'street_number'],
  ['address_1', 'postcode'],
  ['address_2', 'postcode'],
  ['address_1', 'locality'],
  ['address_2', 'locality'],
];

const alias = (field: Field): string =>
  SWAPPED.find(([, second]) => second === field)?.[0] ?? field;

/** Latin letters and digits in lower case, words apart by one blank; null when nothing is left. */
export function foldText(value: string | null | undefined): string | null {
  const folded = anyAscii(value ?? '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim();
  return folded === '' ? null : folded;
}

function piecesOf(field: Field, text: string): string[] {
  if (NUMBERS.includes(field)) {
    return [...text.replaceAll(' ', '')].map((digit, place) => `${place}${digit}`);
  }
  const padded = `_${text}_`;
  return Array.from({ length: padded.length - 1 }, (_, at) => padded.slice(at, at + 2));
}

export interface Features {
  /** By field in the order of FIELDS; null: not known. */
  readonly pieces: readonly (readonly number[] | null)[];
  /** One hash of each known value, 48 bits, by field in the order of FIELDS; null: not known. */
  readonly terms: readonly (number | null)[];
  /** Hashes by which others are found, 48 bits, ascending and once each. */
  readonly keys: readonly number[];
}

/** HMAC over a context and parts, as `KeyRing.keyedHash` gives it. */
export type KeyedHash = (context: string, ...parts: readonly string[]) => Uint8Array;

/** There are a few thousand pieces, and many values come again: hashing each anew costs most. */
const KEPT = 100_000;

/** What `make` gives for a text, from memory when it was asked before; bounded. */
function remembered<T>(make: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = make(text);
    if (known.size >= KEPT) known.clear();
    known.set(text, made);
    return made;
  };
}

const folded = remembered((text) => foldText(text) ?? '');

/** Makes features under one key. */
export class FeatureMaker {
  /** The pieces of a value of a field; of the text `field=value`. */
  readonly #pieces: (named: string) => readonly number[];
  readonly #term: (named: string) => number;
  /** Of one `field=value` or several, in order. */
  readonly #key: (named: string) => number;

  constructor(hash: KeyedHash) {
    const whole = (context: string) =>
      remembered((named: string) => Buffer.from(hash(context, named)).readUIntBE(0, 6));
    const piece = remembered((named: string) =>
      Buffer.from(hash('match piece', named)).readInt32BE(0),
    );
    this.#pieces = remembered((named) => {
      const at = named.indexOf('=');
      const field = named.slice(0, at) as Field;
      return piecesOf(field, named.slice(at + 1)).map((each) => piece(`${field} ${each}`));
    });
    this.#term = whole('match term');
    this.#key = whole('match key');
  }

  of(person: Person): Features {
    const named = new Map<Field, string>();
    for (const field of FIELDS) {
      const text = folded(person[field] ?? '');
      if (text !== '') named.set(field, `${alias(field)}=${text}`);
    }
    const keys = new Set<number>();
    for (const block of BLOCKS) {
      const parts = block.map((field) => named.get(field) ?? '');
      if (!parts.includes('')) keys.add(this.#key(parts.sort().join('\n')));
    }
    const each = <T>(make: (text: string) => T) =>
      FIELDS.map((field) => {
        const text = named.get(field);
        return text === undefined ? null : make(text);
      });
    return {
      pieces: each(this.#pieces),
      terms: each(this.#term),
      keys: [...keys].sort((a, b) => a - b),
    };
  }
}
