import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cardDigest } from './card.ts';
import { exportPmml, importPmml } from './pmml.ts';
import { ANY_CARD, sampleCard } from './sample-card.ts';
import { scoreRecord } from './score.ts';

const RECORD = { days_past_due_max: 30, purpose: 'car', enquiries_6m: null };

/** As another program would write it: without what only we say. */
const ofOthers = (text: string) => text.replace(/<Extension [^>]*\/>/, '');

describe('PMML', () => {
  it('of any card comes back as the same card', () => {
    fc.assert(
      fc.property(ANY_CARD, (card) => {
        expect(cardDigest(importPmml(exportPmml(card)))).toBe(cardDigest(card));
      }),
    );
  });

  it('of others gives the same points', () => {
    const card = importPmml(ofOthers(exportPmml(sampleCard())));
    expect(scoreRecord(card, RECORD).points_total).toBe(
      scoreRecord(sampleCard(), RECORD).points_total,
    );
    expect(card.characteristics[0]).toMatchObject({ direction: 'more_is_worse' });
  });

  it.each<[string, (text: string) => string, RegExp]>([
    [
      'a contradiction of its extension',
      (text) => text.replace('partialScore="60"', 'partialScore="61"'),
      /contradict/,
    ],
    [
      'a fraction',
      (text) => ofOthers(text).replace('partialScore="60"', 'partialScore="60.5"'),
      /whole number/,
    ],
    [
      'a DOCTYPE',
      (text) => text.replace('<PMML', '<!DOCTYPE x [<!ENTITY y "z">]><PMML'),
      /DOCTYPE/,
    ],
    [
      'a complex partial score',
      (text) =>
        ofOthers(text).replace(
          /<SimplePredicate field="purpose" operator="isMissing"\/>/,
          '$&<ComplexPartialScore/>',
        ),
      /ComplexPartialScore/,
    ],
    ['another model', (text) => text.replaceAll('Scorecard', 'TreeModel'), /TreeModel/],
    [
      'bins with a gap',
      (text) =>
        ofOthers(text).replace(
          'operator="greaterThan" value="29"',
          'operator="greaterThan" value="40"',
        ),
      /follow one another/,
    ],
    [
      'nothing for missing',
      (text) =>
        ofOthers(text).replace(
          'field="purpose" operator="isMissing"',
          'field="purpose" operator="equal" value="x"',
        ),
      /missing/,
    ],
    ['another version', (text) => text.replace('version="4.4"', 'version="3.0"'), /version 3/],
    ['no XML', () => 'score: 1', /XML|element/],
  ])('with %s is refused', (_, change, message) => {
    const text = exportPmml(sampleCard());
    expect(change(text)).not.toBe(text);
    expect(() => importPmml(change(text))).toThrow(message);
  });
});
