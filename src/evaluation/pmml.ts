/**
 * Cards as PMML 4.4 (Data Mining Group, Scorecard model), out and in.
 *
 * What must stay true: our own export comes back as the same card, hash included; what the card
 * says beyond PMML travels in an Extension, which is refused when it contradicts the bins beside
 * it; a file of others is taken only when every part of it is understood.
 */
import { type Card, type Characteristic, cardText, DEFAULT_SCALE, parseCard } from './card.ts';
import { logistic } from './measure.ts';
import { attributesOf, characteristicFrom, fieldOfCharacteristic, refuse } from './pmml-bins.ts';
import { NO_RECIPE } from './recipe-schema.ts';
import { element, parseXml, writeXml, type XmlElement } from './xml.ts';

const EXTENSION = 'assent-scorecard';
const REASONS = 4;

function dataField({ kind, name }: Characteristic, decimals: number): XmlElement {
  return kind === 'category'
    ? element('DataField', { name, optype: 'categorical', dataType: 'string' })
    : element('DataField', {
        name,
        optype: 'continuous',
        dataType: decimals === 0 ? 'integer' : 'double',
      });
}

function outputOf(): XmlElement {
  const score = element('OutputField', {
    name: 'score',
    feature: 'predictedValue',
    optype: 'continuous',
    dataType: 'integer',
  });
  const reasons = Array.from({ length: REASONS }, (_, at) =>
    element('OutputField', {
      name: `reason_${at + 1}`,
      feature: 'reasonCode',
      rank: at + 1,
      optype: 'categorical',
      dataType: 'string',
    }),
  );
  return element('Output', {}, [score, ...reasons]);
}

/** The card as a PMML document. The score of PMML is not cut to the scale. */
export function exportPmml(card: Card): string {
  const { characteristics } = card;
  const fields = characteristics.map((each) =>
    dataField(each, each.kind === 'number' ? each.decimals : 0),
  );
  const schema = characteristics.map(({ name }) =>
    element('MiningField', { name, usageType: 'active' }),
  );
  const bins = characteristics.map((each) => {
    const best = Math.max(
      ...attributesOf(each).map(({ attributes }) => Number(attributes['partialScore'])),
    );
    return element(
      'Characteristic',
      { name: each.name, reasonCode: each.reason.id, baselineScore: best },
      attributesOf(each),
    );
  });
  const scorecard = element(
    'Scorecard',
    {
      modelName: card.name,
      functionName: 'regression',
      initialScore: card.base_points,
      useReasonCodes: 'true',
      reasonCodeAlgorithm: 'pointsBelow',
      baselineMethod: 'max',
    },
    [
      element('Extension', { extender: 'assent', name: EXTENSION, value: cardText(card) }),
      element('MiningSchema', {}, schema),
      outputOf(),
      element('Characteristics', {}, bins),
    ],
  );
  return writeXml(
    element('PMML', { version: '4.4', xmlns: 'http://www.dmg.org/PMML-4_4' }, [
      element('Header', { description: card.bad_means }, [
        element('Application', { name: 'Assent' }),
      ]),
      element('DataDictionary', { numberOfFields: fields.length }, fields),
      scorecard,
    ]),
  );
}

function childOf(parent: XmlElement, name: string): XmlElement {
  const found = parent.children.filter((child) => child.name === name);
  const [only] = found;
  return found.length === 1 && only
    ? only
    : refuse(`${parent.name} has ${found.length} elements ${name}, and one is understood`);
}

const isNumeric = (type: string | undefined) => ['integer', 'double', 'float'].includes(type ?? '');

function characteristicsIn(root: XmlElement, scorecard: XmlElement): Characteristic[] {
  const types = new Map(
    childOf(root, 'DataDictionary').children.map(({ attributes }) => [
      attributes['name'],
      attributes['dataType'],
    ]),
  );
  return childOf(scorecard, 'Characteristics').children.map((each) => {
    if (each.name !== 'Characteristic')
      refuse(`${each.name} among the characteristics is not understood`);
    const attributes = each.children.filter((child) => child.name !== 'Extension');
    const name = fieldOfCharacteristic(each.attributes['name'] ?? '?', attributes);
    if (!types.has(name))
      refuse(`${name}: there is no such DataField; derived fields are not understood`);
    return characteristicFrom(name, attributes, isNumeric(types.get(name)));
  });
}

/** What PMML itself says of a characteristic; the rest is the extension's. */
function bare(each: Characteristic): unknown {
  const bins =
    each.kind === 'number'
      ? each.bins.map(({ upto, points }) => [upto, points])
      : each.bins.map(({ values, points }) => [values, points]);
  return [
    each.kind,
    each.name,
    bins,
    each.missing.points,
    each.kind === 'category' ? each.other.points : null,
  ];
}

/** A card whose PMML says nothing of facts: the default scale, and its odds as the probability. */
function plainCard(
  name: string,
  base: number,
  characteristics: Characteristic[],
  text: string,
): unknown {
  const scale = DEFAULT_SCALE;
  const factor = scale.double / Math.LN2;
  const bad_ppm = Array.from({ length: scale.highest - scale.lowest + 1 }, (_, at) =>
    Math.round(1e6 * logistic(-Math.log(scale.odds) - (scale.lowest + at - scale.score) / factor)),
  );
  const plain = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return {
    schema_version: 1,
    name: plain || 'imported',
    version: 1,
    kind: 'full',
    bad_means: 'not said by the PMML',
    scale,
    base_points: base,
    characteristics,
    bad_ppm,
    range: { by: null, steps: [{ upto: null, half_width: 0 }] },
    recipe: NO_RECIPE,
    inputs: characteristics.map((each) => ({
      name: each.name,
      kind: each.kind,
      decimals: each.kind === 'number' ? each.decimals : 0,
    })),
    training: {
      data_sha256: text,
      rows: 0,
      bad: 0,
      parameters: { imported: 'PMML 4.4' },
      auc_e4: null,
      ks_e4: null,
      score_bands: [],
    },
  };
}

const UNDERSTOOD = [
  'Extension',
  'MiningSchema',
  'Output',
  'Characteristics',
  'ModelStats',
  'ModelVerification',
  'Targets',
];

function checkScorecard({ attributes, children }: XmlElement): void {
  const strange = children.find(({ name }) => !UNDERSTOOD.includes(name));
  if (strange) refuse(`${strange.name} in the Scorecard is not understood`);
  if (attributes['functionName'] !== 'regression')
    refuse('the functionName of a Scorecard is regression');
  if (attributes['isScorable'] === 'false') refuse('the Scorecard says that it is not scorable');
}

function extensionOf(scorecard: XmlElement): unknown {
  const own = scorecard.children.find(
    ({ name, attributes }) => name === 'Extension' && attributes['name'] === EXTENSION,
  );
  if (!own) return null;
  try {
    return JSON.parse(own.attributes['value'] ?? '');
  } catch {
    return refuse('the Extension of the card is no JSON');
  }
}

/** Stands where the digest of unknown training data would. */
const NO_DATA = '0'.repeat(64);

/** @throws pmml_unsupported, scorecard_invalid; nothing is taken in part */
export function importPmml(text: string): Card {
  const root = parseXml(text);
  if (root.name !== 'PMML') refuse('the root element is not PMML');
  const version = root.attributes['version'] ?? '';
  if (!/^4\.[1-4]/.test(version))
    refuse(`version ${version} of PMML is not understood, 4.1 to 4.4 are`);
  const strange = root.children.find(
    ({ name }) =>
      !['Header', 'DataDictionary', 'Scorecard', 'Extension', 'MiningBuildTask'].includes(name),
  );
  if (strange) refuse(`${strange.name} is not understood: only a Scorecard over plain fields is`);
  const scorecard = childOf(root, 'Scorecard');
  checkScorecard(scorecard);
  const characteristics = characteristicsIn(root, scorecard);
  const base = Number(scorecard.attributes['initialScore'] ?? 0);
  if (!Number.isInteger(base)) refuse('the initialScore is no whole number');
  const extension = extensionOf(scorecard);
  if (extension === null)
    return parseCard(
      plainCard(scorecard.attributes['modelName'] ?? '', base, characteristics, NO_DATA),
    );
  const card = parseCard(extension);
  const said = JSON.stringify([base, characteristics.map(bare)]);
  if (said !== JSON.stringify([card.base_points, card.characteristics.map(bare)]))
    refuse('the bins and the Extension of the card contradict each other');
  return card;
}
