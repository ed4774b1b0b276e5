/** docs/AUTHORISATION.md and docs/DATA.md say what the code does: the vector, every field, every column. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { canonicalRecord } from '../src/authorisation/canonical-record.ts';
import { AUTHORISATION_COLUMNS, OPTIONAL_COLUMNS } from '../src/authorisation/from-columns.ts';
import { leafOfEntry } from '../src/authorisation/hash.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  EVENT_STATES,
  eventProblems,
  fold,
  recordProblems,
} from '../src/authorisation/record.ts';
import { sampleRecord } from '../src/authorisation/sample-record.ts';

const read = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8');
const page = read('AUTHORISATION.md');

interface Vector {
  readonly canonical: string;
  readonly record_sha256: string;
  readonly subject_ref: string;
  readonly events: readonly AuthorisationEvent[];
  readonly event_hashes: readonly string[];
  readonly leaf_hash: string;
}

const vector = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? 'null') as Vector;

/** The layout as the page describes it, written again from the page. */
function lengthPrefixed(...fields: readonly string[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field, 'utf8');
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('the test vector of the page', () => {
  const record = JSON.parse(vector.canonical) as AuthorisationRecord;
  const id = record.authorisation_id;

  it('is a sound authorisation', () => {
    expect(recordProblems(record)).toEqual([]);
    expect(eventProblems(vector.events)).toEqual([]);
    expect(fold(vector.events)).toMatchObject({ ok: true, state: 'withdrawn' });
  });

  it('follows from the bytes that the page describes', () => {
    expect(sha256(Buffer.from(vector.canonical, 'utf8'))).toBe(vector.record_sha256);
    let before = '';
    for (const [index, event] of vector.events.entries()) {
      const { seq, type, at, by_party, reason } = event;
      const said = reason === null ? '-' : `+${reason}`;
      const fields = [id, vector.record_sha256, String(seq), type, at, by_party, said, before];
      before = sha256(lengthPrefixed('assent/event/1', ...fields));
      expect(before).toBe(vector.event_hashes[index]);
    }
    const fields = [id, vector.subject_ref, String(vector.events.length), before];
    const leaf = Buffer.concat([Buffer.of(0), lengthPrefixed('assent/authorisation/1', ...fields)]);
    expect(sha256(leaf)).toBe(vector.leaf_hash);
  });

  it('is what the code computes', () => {
    expect(canonicalRecord(record)).toBe(vector.canonical);
    const { subject_ref, events } = vector;
    const leaf = Buffer.from(leafOfEntry({ subject_ref, record, events }));
    expect(leaf.toString('hex')).toBe(vector.leaf_hash);
  });
});

describe('the pages name', () => {
  it('every field of the record', () => {
    const table = page.slice(page.indexOf('## The record'), page.indexOf('## Events'));
    const missing = Object.entries(sampleRecord()).flatMap(([section, value]) => {
      const isSection = typeof value === 'object' && value !== null;
      if (!isSection) return table.includes(`\`${section}\``) ? [] : [section];
      return Object.keys(value).filter(
        (member) => !new RegExp(`\`${section}\\.[^|]*\\b${member}\``).test(table),
      );
    });
    expect(missing).toEqual([]);
  });

  it('every event', () => {
    const table = page.slice(page.indexOf('## Events'), page.indexOf('## Bytes'));
    const missing = Object.keys(EVENT_STATES).filter((type) => !table.includes(`\`${type}\``));
    expect(missing).toEqual([]);
  });

  it('every column of the import, with what its absence means', () => {
    const data = read('DATA.md');
    const columns = AUTHORISATION_COLUMNS.filter((column) => !data.includes(`\`${column}\``));
    expect(columns).toEqual([]);
    const optional = Object.entries(OPTIONAL_COLUMNS).filter(([column, absent]) => {
      const row = data.split('\n').find((line) => line.startsWith(`| \`${column}\` |`)) ?? '';
      return !row.includes(absent === '' ? '|' : `\`${absent}\``);
    });
    expect(optional).toEqual([]);
  });
});
