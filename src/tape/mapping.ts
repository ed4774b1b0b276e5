/**
 * The mapping: which column of a lender's file is what. JSON, validated before a byte is read.
 *
 * What must stay true: every mistake is listed at once with its place; a mapping that passes
 * cannot name a field, a code or a table that does not exist.
 */
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { currencyExponent } from '../model/money.ts';
import { isPeriod } from '../model/period.ts';
import { type Field, RECORD_FIELDS, type RecordKind } from '../model/record.ts';

const SOURCE = Type.Object(
  {
    column: Type.Optional(Type.String({ minLength: 1 })),
    wide: Type.Optional(Type.String({ minLength: 1 })),
    constant: Type.Optional(Type.String()),
    period_end: Type.Optional(Type.Literal(true)),
    table: Type.Optional(Type.String()),
    output: Type.Optional(Type.String()),
    format: Type.Optional(
      Type.Enum([
        'YYYY-MM-DD',
        'YYYYMMDD',
        'YYYY/MM/DD',
        'DD/MM/YYYY',
        'MM/DD/YYYY',
        'YYYY-MM',
        'YYYYMM',
      ]),
    ),
    unit: Type.Optional(Type.Enum(['minor', 'major'])),
    prefix: Type.Optional(Type.String()),
    optional: Type.Optional(Type.Literal(true)),
  },
  { additionalProperties: false },
);
const SECTION = Type.Record(Type.String(), SOURCE);
const MAPPING = Type.Object(
  {
    assent_mapping: Type.Literal(1),
    name: Type.String({ pattern: '^[a-z0-9_-]{1,64}$' }),
    comment: Type.Optional(Type.String()),
    file: Type.Object(
      {
        encoding: Type.Optional(Type.Enum(['utf-8', 'gb18030'])),
        delimiter: Type.Optional(Type.Enum([',', ';', '\t', '|'])),
        decimal: Type.Optional(Type.Enum(['.', ','])),
        grouping: Type.Optional(Type.Enum(['.', ',', ' ', "'"])),
        currency: Type.Optional(Type.String({ pattern: '^[A-Z]{3}$' })),
        empty: Type.Optional(Type.Array(Type.String())),
      },
      { additionalProperties: false },
    ),
    identity: Type.Optional(SECTION),
    account: Type.Optional(SECTION),
    month: Type.Optional(SECTION),
    wide: Type.Optional(
      Type.Array(
        Type.Object(
          { period: Type.String(), columns: Type.Record(Type.String(), Type.String()) },
          { additionalProperties: false },
        ),
        { minItems: 1 },
      ),
    ),
    tables: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Record(Type.String(), Type.Record(Type.String(), Type.String())),
      ),
    ),
  },
  { additionalProperties: false },
);

/** Names of every part, for the documentation: of a file `file.x`, of a source plain. */
export const MAPPING_OPTIONS: readonly string[] = [
  ...Object.keys(MAPPING.properties).filter((name) => name !== 'file'),
  ...Object.keys(MAPPING.properties.file.properties).map((name) => `file.${name}`),
  ...Object.keys(SOURCE.properties),
];

export type Mapping = Static<typeof MAPPING>;
export type Source = Static<typeof SOURCE>;

const KINDS: readonly RecordKind[] = ['identity', 'account', 'month'];

function checkSource(mapping: Mapping, place: string, field: Field, source: Source): string[] {
  const problems: string[] = [];
  const given = ['column', 'wide', 'constant', 'period_end'].filter((key) => key in source);
  if (given.length !== 1)
    problems.push(`${place}: give exactly one of column, wide, constant, period_end`);
  if (source.optional && (field.required || source.column === undefined))
    problems.push(`${place}: optional is for a column of a field that is not required`);
  if (source.period_end && field.name !== 'as_of')
    problems.push(`${place}: period_end is for as_of`);
  if (source.wide !== undefined) {
    for (const [index, step] of (mapping.wide ?? []).entries()) {
      if (!(source.wide in step.columns))
        problems.push(`/wide/${index}/columns: lacks "${source.wide}"`);
    }
    if (!mapping.wide) problems.push(`${place}: there is no /wide list`);
  }
  if ((source.table === undefined) !== (source.output === undefined)) {
    problems.push(`${place}: table and output go together`);
  }
  if (source.table !== undefined && source.output !== undefined) {
    const table = mapping.tables?.[source.table];
    if (!table) return [...problems, `${place}: there is no /tables/${source.table}`];
    for (const [code, outputs] of Object.entries(table)) {
      const value = outputs[source.output];
      if (value === undefined)
        problems.push(`/tables/${source.table}/${code}: lacks "${source.output}"`);
      else
        problems.push(
          ...checkConstant(`/tables/${source.table}/${code}/${source.output}`, field, value),
        );
    }
  }
  if (source.constant !== undefined) problems.push(...checkConstant(place, field, source.constant));
  if (source.unit && field.type !== 'money') problems.push(`${place}: unit is for money`);
  if (source.format && field.type !== 'date' && field.type !== 'period')
    problems.push(`${place}: format is for dates and periods`);
  return problems;
}

function checkConstant(place: string, field: Field, value: string): string[] {
  if (field.codes && !field.codes.includes(value))
    return [`${place}: must be one of ${field.codes.join(', ')}`];
  if (field.type === 'count' && !/^(0|[1-9]\d*)$/.test(value))
    return [`${place}: must be a whole number`];
  return [];
}

function checkSection(mapping: Mapping, kind: RecordKind): string[] {
  const section = mapping[kind];
  if (!section) return [];
  const fields: readonly Field[] = RECORD_FIELDS[kind];
  const problems: string[] = [];
  for (const [name, source] of Object.entries(section)) {
    const field = fields.find((candidate) => candidate.name === name);
    if (!field)
      problems.push(
        `/${kind}/${name}: is no field; the fields are ${fields.map((f) => f.name).join(', ')}`,
      );
    else problems.push(...checkSource(mapping, `/${kind}/${name}`, field, source));
  }
  for (const field of fields) {
    const isWidePeriod = kind === 'month' && field.name === 'period' && mapping.wide !== undefined;
    if (field.required && !(field.name in section) && !isWidePeriod)
      problems.push(`/${kind}: lacks the required ${field.name}`);
  }
  const hasMajor = Object.values(section).some((source) => source.unit === 'major');
  if (hasMajor && !mapping.file.currency)
    problems.push('/file/currency: is needed to read amounts in major units');
  return problems;
}

/** Validates a mapping document. @throws mapping_invalid with every mistake and its place. */
export function parseMapping(document: unknown): Mapping {
  const shape = Errors(MAPPING, document);
  const problems = shape.map((error) => `${error.instancePath || '/'}: ${error.message}`);
  if (problems.length === 0) {
    const mapping = document as Mapping;
    for (const kind of KINDS) problems.push(...checkSection(mapping, kind));
    if (!KINDS.some((kind) => mapping[kind]))
      problems.push('/: needs at least one of identity, account, month');
    for (const [index, step] of (mapping.wide ?? []).entries()) {
      if (!isPeriod(step.period)) problems.push(`/wide/${index}/period: must be YYYY-MM`);
    }
    const { currency, grouping, decimal = '.' } = mapping.file;
    if (grouping === decimal) problems.push('/file/grouping: must not be the decimal sign');
    if (currency && currencyExponent(currency) === undefined)
      problems.push('/file/currency: is no ISO 4217 code');
  }
  if (problems.length > 0) {
    throw new AssentError('mapping_invalid', { detail: [...new Set(problems)].join('; ') });
  }
  return document as Mapping;
}
