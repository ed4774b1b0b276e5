import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { canonicalRecord } from './canonical-record.ts';
import type { AuthorisationRecord } from './record.ts';
import { sampleRecord } from './sample-record.ts';

const NASTY = fc.constantFrom('\\ud800', '"', '\\', '\u2028', '\u0007', '\ufeff', '😀', '七');
const HALF = fc.constantFrom('\ud83d', '\udc00');
const PIECE = fc.oneof(
  { weight: 20, arbitrary: NASTY },
  { weight: 20, arbitrary: fc.string({ unit: 'grapheme' }) },
  { weight: 1, arbitrary: HALF },
);
const TEXT = fc.array(PIECE, { maxLength: 6 }).map((all) => all.join(''));
const SPAN = fc.option(fc.record({ unit: fc.constant('DAY' as const), n: fc.nat(1000) }));

/** Any record: sections with members in any order, texts of any characters. */
const RECORDS = fc
  .record({
    language: TEXT,
    id: TEXT,
    version: fc.integer(),
    accounts: fc.oneof(fc.constant('ALL' as const), fc.array(TEXT)),
    condition: fc.option(TEXT),
    frequency: SPAN,
    data_life: SPAN,
    brand: fc.option(TEXT),
    conditional: fc.boolean(),
    order: fc.infiniteStream(fc.nat()),
  })
  .map((given) => {
    const record = sampleRecord({
      language: given.language,
      notice: { id: given.id, version: given.version },
      parties: { brand: given.brand },
      purpose: { service_conditional: given.conditional, necessity_text: given.condition },
      data: { accounts: given.accounts },
      limits: { frequency: given.frequency, data_life: given.data_life },
    });
    return shuffled(record, given.order) as AuthorisationRecord;
  });

function shuffled(value: unknown, order: Iterator<number>): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => ({ name, member, rank: order.next().value as number }))
      .sort((left, right) => left.rank - right.rank)
      .map(({ name, member }) => [name, shuffled(member, order)]),
  );
}

/** The text, or that there is none. */
function textOrNone(write: () => string | undefined): string | undefined {
  try {
    return write();
  } catch {
    return undefined;
  }
}

it('is what the general writer of RFC 8785 writes, for any record', () => {
  let written = 0;
  fc.assert(
    fc.property(RECORDS, (record) => {
      const text = textOrNone(() => canonicalRecord(record));
      if (text !== undefined) written += 1;
      expect(text).toBe(textOrNone(() => canonicalize(record)));
    }),
    { numRuns: 300 },
  );
  expect(written).toBeGreaterThan(100);
});
