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

/** Values kept by field: names and days come again and again, and hashing each anew costs most. */
const KEPT = 50_000;

/** What one value of a field gives. */
interface ValueFeatures {
  /** `field=value`, with the names of fields that stand in for each other made one. */
  readonly named: string;
  readonly pieces: readonly number[];
  readonly term: number;
}

/** Makes features under one key. */
export class FeatureMaker {
  readonly #hash: KeyedHash;
  /** By field and value as it came; null: nothing is left of it. */
  readonly #values = new Map<Field, Map<string, ValueFeatures | null>>();
  /** Hashes of single pieces and of keys of one field: few. */
  readonly #hashes = new Map<string, number>();

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  #whole(context: string, text: string): number {
    return Buffer.from(this.#hash(context, text)).readUIntBE(0, 6);
  }

  #kept(name: string, make: () => number): number {
    const known = this.#hashes.get(name);
    if (known !== undefined) return known;
    if (this.#hashes.size >= KEPT) this.#hashes.clear();
    const made = make();
    this.#hashes.set(name, made);
    return made;
  }

  #make(field: Field, value: string): ValueFeatures | null {
    const text = foldText(value);
    if (text === null) return null;
    const named = `${alias(field)}=${text}`;
    const pieces = piecesOf(field, text).map((each) => {
      const piece = `${alias(field)} ${each}`;
      return this.#kept(piece, () => Buffer.from(this.#hash('match piece', piece)).readInt32BE(0));
    });
    return { named, pieces, term: this.#whole('match term', named) };
  }

  #valueOf(field: Field, value: string): ValueFeatures | null {
    const known = this.#values.get(field) ?? new Map<string, ValueFeatures | null>();
    const before = known.get(value);
    if (before !== undefined) return before;
    if (known.size >= KEPT) known.clear();
    const made = this.#make(field, value);
    known.set(value, made);
    this.#values.set(field, known);
    return made;
  }

  /** The key of a block; null: one of its fields is not known. */
  #keyOf(block: readonly Field[], values: readonly (ValueFeatures | null)[]): number | null {
    const parts: string[] = [];
    for (const field of block) {
      const value = values[FIELDS.indexOf(field)];
      if (!value) return null;
      parts.push(value.named);
    }
    const [first = ''] = parts;
    if (parts.length === 1) return this.#kept(first, () => this.#whole('match key', first));
    return this.#whole('match key', parts.sort().join('\n'));
  }

  of(person: Person): Features {
    const values = FIELDS.map((field) => {
      const value = person[field];
      return value ? this.#valueOf(field, value) : null;
    });
    const keys = new Set<number>();
    for (const block of BLOCKS) {
      const key = this.#keyOf(block, values);
      if (key !== null) keys.add(key);
    }
    return {
      pieces: values.map((value) => value?.pieces ?? null),
      terms: values.map((value) => value?.term ?? null),
      keys: [...keys].sort((a, b) => a - b),
    };
  }
}
