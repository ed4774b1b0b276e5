/**
 * A lender's file → identity, account and month rows, or faults.
 *
 * What must stay true: streaming; every fault of a record is reported; a record that fails in one
 * section loses only that section's row; seen rows = yielded + lost, for every kind.
 */
import { AssentError } from '../model/error.ts';
import type { Fault } from '../model/fault.ts';
import { parseMoney } from '../model/money.ts';
import { isDate, isPeriod, lastDay } from '../model/period.ts';
import { type Field, RECORD_FIELDS, type RecordKind } from '../model/record.ts';
import type { NumberedRow } from './copy-text.ts';
import { readCsv } from './csv.ts';
import { decodeText } from './decode.ts';
import type { Mapping, Source } from './mapping.ts';

export type TapeRow = NumberedRow;

export interface TapeBatch {
  readonly identities: TapeRow[];
  readonly accounts: TapeRow[];
  readonly months: TapeRow[];
  readonly faults: Fault[];
  /** Rows that faults took, by kind. */
  readonly lost: Record<RecordKind, number>;
  /** Records and bytes of the file read so far. */
  records: number;
  bytes: number;
}

const BATCH_RECORDS = 5_000;
const TEXT_MAX = 200;

/** A field read: the value, or which reader rule it breaks and the class of what was found. */
type Reading = string | null | { readonly rule: string; readonly found: string };
type Reader = (fields: readonly string[]) => Reading;

function isControl(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 32 || code === 127) return true;
  }
  return false;
}

/** Rearranges a date by its format into ISO order. */
function isoDate(text: string, format: string): string {
  if (format === 'YYYY-MM-DD') return text;
  const digits = format.includes('/') ? text.split('/') : null;
  if (format === 'YYYYMMDD') return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
  const [a = '', b = '', c = ''] = digits ?? [];
  if (format === 'YYYY/MM/DD') return `${a}-${b.padStart(2, '0')}-${c.padStart(2, '0')}`;
  return format === 'DD/MM/YYYY'
    ? `${c}-${b.padStart(2, '0')}-${a.padStart(2, '0')}`
    : `${c}-${a.padStart(2, '0')}-${b.padStart(2, '0')}`;
}

const NOT_A_DATE = { rule: 'T03', found: 'not a date' } as const;
const COUNT = /^(0|[1-9][0-9]{0,8})$/;

function converter(mapping: Mapping, field: Field, source: Source): (text: string) => Reading {
  const format = source.format;
  switch (field.type) {
    case 'date':
      return (text) => {
        const date = isoDate(text, format ?? 'YYYY-MM-DD');
        return isDate(date) ? date : NOT_A_DATE;
      };
    case 'period':
      return (text) => {
        const period =
          format === 'YYYYMM' ? `${text.slice(0, 4)}-${text.slice(4)}` : text.slice(0, 7);
        const isWhole = text.length === (format ?? 'YYYY-MM').length;
        return isWhole && isPeriod(period) ? period : { rule: 'T03', found: 'not a period' };
      };
    case 'count':
      return (text) => (COUNT.test(text) ? text : { rule: 'T04', found: 'not a whole number' });
    case 'money': {
      const form = {
        unit: source.unit ?? 'minor',
        currency: mapping.file.currency ?? 'CNY',
        decimal: mapping.file.decimal ?? '.',
        ...(mapping.file.grouping ? { grouping: mapping.file.grouping } : {}),
      } as const;
      return (text) => {
        const amount = parseMoney(text, form);
        return typeof amount === 'number' ? String(amount) : { rule: 'T04', found: amount };
      };
    }
    case 'code':
      return (text) =>
        field.codes?.includes(text) ? text : { rule: 'T05', found: 'unknown code' };
    default:
      return (text) => {
        if (text.length > TEXT_MAX) return { rule: 'T06', found: 'too long' };
        return isControl(text) ? { rule: 'T06', found: 'control character' } : text;
      };
  }
}

interface Compiler {
  readonly mapping: Mapping;
  readonly header: ReadonlyMap<string, number>;
  readonly missing: Set<string>;
}

function compileField(
  { mapping, header, missing }: Compiler,
  field: Field,
  source: Source | undefined,
  wide: { period: string; columns: Record<string, string> } | null,
): Reader {
  if (!source) return field.name === 'period' && wide ? () => wide.period : () => null;
  if (source.constant !== undefined) {
    const constant = source.constant;
    return () => constant;
  }
  const column =
    source.wide !== undefined ? (wide?.columns[source.wide] ?? '') : (source.column ?? '');
  const index = header.get(column);
  if (index === undefined && source.optional) return () => null;
  if (index === undefined) missing.add(column);
  const at = index ?? -1;
  const empty = new Set(['', ...(mapping.file.empty ?? [])]);
  const convert = converter(mapping, field, source);
  const table = source.table === undefined ? null : (mapping.tables?.[source.table] ?? null);
  const output = source.output ?? '';
  return (fields) => {
    const text = (fields[at] ?? '').trim();
    if (empty.has(text)) return null;
    if (!table) return convert(source.prefix === undefined ? text : source.prefix + text);
    const outputs = Object.hasOwn(table, text) ? table[text] : undefined;
    return outputs?.[output] ?? { rule: 'T05', found: 'code not in table' };
  };
}

interface Section {
  readonly kind: RecordKind;
  readonly period: string | null;
  readonly fields: readonly Field[];
  readonly readers: readonly Reader[];
  /** Index of as_of when it is the period's last day. */
  readonly periodEndAt: number;
}

function compileSections(mapping: Mapping, headerFields: readonly string[]): Section[] {
  const header = new Map(headerFields.map((name, index) => [name.trim(), index]));
  const compiler: Compiler = { mapping, header, missing: new Set() };
  const sections: Section[] = [];
  for (const kind of ['identity', 'account', 'month'] as const) {
    const sources = mapping[kind];
    if (!sources) continue;
    const fields: readonly Field[] = RECORD_FIELDS[kind];
    const steps = kind === 'month' && mapping.wide ? mapping.wide : [null];
    for (const wide of steps) {
      sections.push({
        kind,
        period: wide?.period ?? null,
        fields,
        readers: fields.map((field) => {
          const source = sources[field.name];
          return source?.period_end ? () => null : compileField(compiler, field, source, wide);
        }),
        periodEndAt: fields.findIndex((field) => sources[field.name]?.period_end === true),
      });
    }
  }
  if (compiler.missing.size > 0) {
    throw new AssentError('tape_header_missing', { detail: [...compiler.missing].join(', ') });
  }
  return sections;
}

const ROWS_OF = { identity: 'identities', account: 'accounts', month: 'months' } as const;

/** Reads one section of one record into the batch: a row, or its faults. */
function readSection(
  section: Section,
  row: number,
  fields: readonly string[],
  batch: TapeBatch,
): void {
  const values: (string | null)[] = [];
  let isGood = true;
  for (const [index, field] of section.fields.entries()) {
    let reading: Reading = section.readers[index]?.(fields) ?? null;
    if (index === section.periodEndAt) {
      const period = values[1];
      reading = period ? lastDay(period) : null;
    }
    if (reading === null && field.required) reading = { rule: 'T02', found: 'empty' };
    if (reading !== null && typeof reading === 'object') {
      isGood = false;
      batch.faults.push({
        rule: reading.rule,
        severity: 'reject',
        kind: section.kind,
        row,
        period: section.period,
        field: field.name,
        found: reading.found,
      });
      values.push(null);
    } else values.push(reading);
  }
  if (isGood) batch[ROWS_OF[section.kind]].push({ row, values });
  else batch.lost[section.kind] += 1;
}

function newBatch(): TapeBatch {
  return {
    identities: [],
    accounts: [],
    months: [],
    faults: [],
    lost: { identity: 0, account: 0, month: 0 },
    records: 0,
    bytes: 0,
  };
}

/**
 * Reads a whole tape in batches of some thousand records.
 * @throws tape_* when the file as a whole cannot be read; nothing of it should be kept then.
 */
export async function* readTape(
  source: AsyncIterable<Uint8Array>,
  mapping: Mapping,
): AsyncGenerator<TapeBatch> {
  let bytes = 0;
  async function* counted() {
    for await (const chunk of source) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  const text = decodeText(counted(), mapping.file.encoding ?? 'utf-8');
  let sections: Section[] | null = null;
  let width = 0;
  let batch = newBatch();
  let records = 0;
  for await (const { row, fields } of readCsv(text, mapping.file.delimiter ?? ',')) {
    if (fields === null) continue;
    if (!sections) {
      sections = compileSections(mapping, fields);
      width = fields.length;
      continue;
    }
    records += 1;
    if (fields.length !== width) {
      batch.faults.push({
        rule: 'T01',
        severity: 'reject',
        kind: 'file',
        row,
        period: null,
        field: null,
        found: fields.length < width ? 'too few fields' : 'too many fields',
      });
      for (const section of sections) batch.lost[section.kind] += 1;
    } else for (const section of sections) readSection(section, row, fields, batch);
    if (records % BATCH_RECORDS === 0) {
      yield Object.assign(batch, { records, bytes });
      batch = newBatch();
    }
  }
  if (!sections) throw new AssentError('tape_empty', { detail: 'the file has no header' });
  yield Object.assign(batch, { records, bytes });
}
