import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readCsv } from './csv.ts';

async function* pieces(text: string, size: number): AsyncGenerator<string> {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
}

async function recordsOf(text: AsyncIterable<string>) {
  const records = [];
  for await (const record of readCsv(text, ',')) records.push(record);
  return records;
}

const QUIET = fc.constantFrom('a', 'b,', ',', '\n', '\r\n', '\r', ' ', '七', '\ufeff', 'x\n');
const QUOTED = fc.constantFrom('"q"', '"a,b"', '"a\nb"', '\n"""x"""', 'it"s');

it('gives the same records by cutting as by the parser, however the text is cut up', async () => {
  const text = fc
    .array(fc.oneof({ weight: 9, arbitrary: QUIET }, { weight: 1, arbitrary: QUOTED }), {
      maxLength: 40,
    })
    .map((parts) => `h,i\n${parts.join('')}`);
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 60 }), async (whole, size) => {
      const parsed: string[][] | null = (() => {
        try {
          return parse(whole, {
            relax_column_count: true,
            skip_empty_lines: true,
            relax_quotes: true,
            record_delimiter: ['\r\n', '\n', '\r'],
          });
        } catch {
          return null;
        }
      })();
      const read = await recordsOf(pieces(whole, size)).catch(() => null);
      expect(read?.map(({ fields }) => fields) ?? null).toEqual(parsed);
      expect(read?.map(({ row }) => row) ?? []).toEqual((parsed ?? []).map((_, n) => n + 1));
    }),
    { numRuns: 500 },
  );
});

it('refuses a line longer than the limit, whole or in pieces', async () => {
  const text = `h\n${'x'.repeat(1024 * 1024 + 1)}\ny\n`;
  for (const size of [text.length, 65_536])
    await expect(recordsOf(Readable.from(pieces(text, size)))).rejects.toMatchObject({
      code: 'tape_record_too_long',
    });
});
