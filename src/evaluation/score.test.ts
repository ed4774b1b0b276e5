import { PGlite } from '@electric-sql/pglite';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bestPoints, type Card, cardDigest, parseCard } from './card.ts';
import { ANY_CARD, anyRecord, sampleCard } from './sample-card.ts';
import { type CharacteristicRecord, scoreRecord } from './score.ts';
import { scoreSql } from './score-sql.ts';

const CARD_AND_RECORDS = ANY_CARD.chain((card) =>
  fc.tuple(fc.constant(card), fc.array(anyRecord(card), { minLength: 1, maxLength: 20 })),
);

describe('a card', () => {
  it('is known by its canonical form, whatever the order of its fields', () => {
    const card = sampleCard();
    const turned = Object.fromEntries(Object.entries(card).reverse());
    expect(cardDigest(parseCard(turned))).toBe(cardDigest(card));
    expect(cardDigest({ ...card, version: 2 })).not.toBe(cardDigest(card));
  });

  it.each<[string, (card: Card) => unknown, RegExp]>([
    ['a fraction', (card) => ({ ...card, base_points: 0.5 }), /base_points/],
    ['a field too many', (card) => ({ ...card, extra: 1 }), /additional/],
    [
      'points against the direction',
      (card) => {
        const [first, ...rest] = structuredClone(card.characteristics);
        if (first?.bins[0]) first.bins[0].points = -900;
        return { ...card, characteristics: [first, ...rest] };
      },
      /characteristics\/0: the points turn/,
    ],
    [
      'a characteristic that comes twice',
      (card) => ({ ...card, characteristics: [...card.characteristics, card.characteristics[0]] }),
      /twice/,
    ],
    ['a short table', (card) => ({ ...card, bad_ppm: card.bad_ppm.slice(1) }), /bad_ppm/],
  ])('with %s is refused by name of the place', (_, change, message) => {
    expect(() => parseCard(change(sampleCard()))).toThrow(message);
  });
});

describe('a score', () => {
  it('is the sum of its points, and its reasons explain the gap to the best', () => {
    fc.assert(
      fc.property(CARD_AND_RECORDS, ([card, records]) => {
        const best = card.characteristics.reduce((sum, c) => sum + bestPoints(c), card.base_points);
        for (const record of records) {
          const scored = scoreRecord(card, record);
          const sum = scored.points.reduce((total, { points }) => total + points, card.base_points);
          const lost = scored.points.reduce((total, { points_lost }) => total + points_lost, 0);
          expect(scored.points_total).toBe(sum);
          expect(lost).toBe(best - scored.points_total);
          expect(scored.score).toBeGreaterThanOrEqual(card.scale.lowest);
          expect(scored.score).toBeLessThanOrEqual(card.scale.highest);
          const names = scored.reasons.map(({ characteristic }) => characteristic);
          expect(new Set(names).size).toBe(names.length);
          expect(names.length).toBeLessThanOrEqual(5);
        }
      }),
    );
  });

  it('names enquiries as a fifth reason when they cost points', () => {
    const card = sampleCard();
    const [days, , enquiries] = card.characteristics;
    const more = Array.from({ length: 4 }, (_, at) => ({
      ...structuredClone(days),
      name: `days_${at}`,
      reason: { ...days?.reason, id: `DAYS_${at}` },
    }));
    const wide = parseCard({ ...card, characteristics: [...more, enquiries] });
    const late = { days_0: 90, days_1: 90, days_2: 90, days_3: 90 };
    const ids = (record: CharacteristicRecord) =>
      scoreRecord(wide, record).reasons.map(({ id }) => id);
    expect(ids({ ...late, enquiries_6m: 9 }).at(4)).toBe('ENQUIRIES_6M');
    expect(ids({ ...late, enquiries_6m: 0 })).toHaveLength(4);
  });

  it('takes no value that the card does not hold, and never names it', () => {
    const record = { days_past_due_max: 0, purpose: 'car', enquiries_6m: 0 };
    const without = { days_past_due_max: 0, purpose: 'car' };
    expect(() => scoreRecord(sampleCard(), without)).toThrow(/enquiries_6m/);
    expect(() => scoreRecord(sampleCard(), { ...record, days_past_due_max: 0.5 })).toThrow(
      /days_past_due_max: a whole number/,
    );
    expect(() => scoreRecord(sampleCard(), { ...record, purpose: 7 })).toThrow(/purpose: a text/);
  });
});

describe('the SQL text of a card', () => {
  let db: PGlite;
  beforeAll(async () => {
    db = await PGlite.create();
  });
  afterAll(() => db.close());

  it('gives the same points, scores and probabilities as TypeScript', async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(CARD_AND_RECORDS, async ([card, records]) => {
        const names = card.characteristics.map((each) => ({
          quoted: `"${each.name.replaceAll('"', '""')}"`,
          type: each.kind === 'number' ? 'bigint' : 'text',
        }));
        const columns = names.map(
          ({ quoted, type }, at) => `($1::jsonb -> i ->> ${at})::${type} as ${quoted}`,
        );
        const rows = records.map((record) => card.characteristics.map(({ name }) => record[name]));
        const from = `(select i, ${columns.join(', ')} from generate_series(0, ${rows.length - 1}) as i) as c`;
        const { text, values } = scoreSql(card, { from, key: ['i'], firstParameter: 2 });
        const { rows: found } = await db.query<{
          score: number;
          points_total: number;
          bad_ppm: number;
          points: number[];
        }>(`${text} order by i`, [JSON.stringify(rows), ...values]);
        expect(found).toHaveLength(records.length);
        for (const [at, row] of found.entries()) {
          const scored = scoreRecord(card, records[at] ?? {});
          expect(row.points).toEqual(scored.points.map(({ points }) => points));
          expect(row.points_total).toBe(scored.points_total);
          expect(row.score).toBe(scored.score);
          expect(row.bad_ppm).toBe(scored.bad_ppm);
          compared += 1;
        }
      }),
      { numRuns: 150 },
    );
    expect(compared).toBeGreaterThan(300);
  });
});
