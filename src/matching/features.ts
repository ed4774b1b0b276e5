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

/** There are a few thousand pieces; hashing each again would take most of the time. */
const PIECES_KEPT = 100_000;

/** Makes features under one key. */
export class FeatureMaker {
  readonly #hash: KeyedHash;
  readonly #pieces = new Map<string, number>();

  constructor(hash: KeyedHash) {
    this.#hash = hash;
  }

  #piece(field: string, piece: string): number {
    const name = `${field} ${piece}`;
    const known = this.#pieces.get(name);
    if (known !== undefined) return known;
    const hashed = Buffer.from(this.#hash('match piece', field, piece)).readInt32BE(0);
    if (this.#pieces.size < PIECES_KEPT) this.#pieces.set(name, hashed);
    return hashed;
  }

  #whole(context: string, ...parts: readonly string[]): number {
    return Buffer.from(this.#hash(context, ...parts)).readUIntBE(0, 6);
  }

  of(person: Person): Features {
    const folded = new Map<Field, string>();
    for (const field of FIELDS) {
      const text = foldText(person[field]);
      if (text !== null) folded.set(field, text);
    }
    const keys = new Set<number>();
    for (const block of BLOCKS) {
      const values = block.map((field) => folded.get(field));
      if (values.some((value) => value === undefined)) continue;
      const parts = block.map((field, place) => `${alias(field)}=${values[place]}`).sort();
      keys.add(this.#whole('match key', ...parts));
    }
    return {
      pieces: FIELDS.map((field) => {
        const text = folded.get(field);
        if (text === undefined) return null;
        return piecesOf(field, text).map((piece) => this.#piece(alias(field), piece));
      }),
      terms: FIELDS.map((field) => {
        const text = folded.get(field);
        return text === undefined ? null : this.#whole('match term', alias(field), text);
      }),
      keys: [...keys].sort((a, b) => a - b),
    };
  }
}
