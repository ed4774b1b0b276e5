/** The reader on the real client set, on spoilt files, and on arbitrary bytes. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssentError } from '../model/error.ts';
import { copyText, readCopyField } from './copy-text.ts';
import { type Mapping, parseMapping } from './mapping.ts';
import { readTape, type TapeBatch } from './read-tape.ts';

const ROOT = new URL('../../', import.meta.url);
const UCI = new URL('../shared/data/uci_default_credit_card/UCI_Credit_Card.csv.gz', ROOT);

function mappingOf(name: string): Mapping {
  return parseMapping(
    JSON.parse(readFileSync(new URL(`examples/${name}.mapping.json`, ROOT), 'utf8')),
  );
}

async function* bytesOf(...pieces: (string | Uint8Array)[]) {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}

async function readAll(source: AsyncIterable<Uint8Array>, mapping: Mapping): Promise<TapeBatch[]> {
  const batches: TapeBatch[] = [];
  for await (const batch of readTape(source, mapping)) batches.push(batch);
  return batches;
}

const SMALL = parseMapping({
  assent_mapping: 1,
  name: 'small',
  file: { currency: 'CNY' },
  month: {
    account_ref: { column: 'no' },
    period: { column: 'period' },
    as_of: { period_end: true },
    status: { constant: 'open' },
    balance_minor: { column: 'owed', unit: 'major' },
    days_past_due: { column: 'late' },
  },
});
const HEAD = 'no,period,owed,late\r\n';

async function failure(run: Promise<unknown>): Promise<string> {
  return run.then(
    () => 'no failure',
    (error) => (error instanceof AssentError ? error.code : String(error)),
  );
}

describe('the real client set', () => {
  const missing = !existsSync(UCI);
  it.skipIf(missing)('gives every client and month, and the published means', async () => {
    const batches = await readAll(createReadStream(UCI), mappingOf('uci-default-credit-card'));
    const months = batches.flatMap((batch) => batch.months);
    expect(batches.flatMap((batch) => batch.identities)).toHaveLength(30_000);
    expect(batches.flatMap((batch) => batch.accounts)).toHaveLength(30_000);
    expect(months).toHaveLength(180_000);
    expect(batches.flatMap((batch) => batch.faults)).toEqual([]);
    const september = months.filter((row) => row.values[1] === '2005-09');
    const mean = (index: number) =>
      september.reduce((sum, row) => sum + Number(row.values[index]), 0) / september.length / 100;
    expect(mean(6)).toBeCloseTo(51_223.3309, 3);
    expect(mean(4)).toBeCloseTo(167_484.3227, 3);
    expect(mean(8)).toBeCloseTo(5_663.5805, 3);
  });
});

describe('records', () => {
  it('reads quotes, CRLF, BOM and gzip alike', async () => {
    const text = `\ufeff${HEAD}"a""1",2026-01,"12.34",0\r\n`;
    for (const bytes of [Buffer.from(text), gzipSync(text)]) {
      const [batch] = await readAll(bytesOf(bytes), SMALL);
      expect(batch?.months.map((row) => row.values.slice(0, 7))).toEqual([
        ['a"1', '2026-01', '2026-01-31', 'open', null, null, '1234'],
      ]);
    }
  });

  it('reports every fault of a record and loses only that record', async () => {
    const [batch] = await readAll(
      bytesOf(`${HEAD},2026-13,x,-1\nb,2026-01,1\nc,2026-02,1,0\n`),
      SMALL,
    );
    expect(batch?.faults.map((fault) => [fault.row, fault.rule, fault.field])).toEqual([
      [2, 'T02', 'account_ref'],
      [2, 'T03', 'period'],
      [2, 'T02', 'as_of'],
      [2, 'T04', 'balance_minor'],
      [2, 'T04', 'days_past_due'],
      [3, 'T01', null],
    ]);
    expect(batch?.months.map((row) => row.row)).toEqual([4]);
    expect(batch?.lost.month).toBe(2);
  });

  it('reads GB18030', async () => {
    const mapping = { ...SMALL, file: { ...SMALL.file, encoding: 'gb18030' as const } };
    // 账 in GB18030 is D5 CB.
    const bytes = Buffer.concat([
      Buffer.from(HEAD),
      Buffer.from([0xd5, 0xcb]),
      Buffer.from('1,2026-01,1,0\n'),
    ]);
    const [batch] = await readAll(bytesOf(bytes), mapping);
    expect(batch?.months[0]?.values[0]).toBe('账1');
  });
});

/** Everything a lender's export may do at once, in GB18030 and compressed. */
describe('a hard file', () => {
  const mapping = parseMapping({
    assent_mapping: 1,
    name: 'hard',
    file: { encoding: 'gb18030', delimiter: ';', decimal: ',', grouping: '.', currency: 'CNY' },
    identity: {
      subject_ref: { column: '客户号' },
      identity_kind: { constant: 'furnisher_reference' },
      identity_number: { column: '客户号' },
      name: { column: '姓名' },
    },
    month: {
      account_ref: { column: '账号' },
      period: { column: '期', format: 'YYYYMM' },
      as_of: { period_end: true },
      status: { constant: 'open' },
      balance_minor: { column: '余额', unit: 'major' },
      days_past_due: { constant: '0' },
    },
  });
  const text = [
    '客户号;姓名;账号;期;余额;备注\r\n',
    'c1;"欧阳;明";a1;202601;1.234,50;"两行\r\n备注 ""好"""\r\n',
    'c2;李雷;a2;202601;-0,5;\n',
    'c3;韩梅梅;a3;202601;12.34,5;x\r',
    '\r\n',
    'c4;"断\n行";a4;202601;7;',
  ].join('');
  const decoder = new TextDecoder('gb18030');
  const table = new Map<string, Buffer>();
  for (let high = 0x81; high <= 0xfe; high++)
    for (let low = 0x40; low <= 0xfe; low++) {
      const pair = Buffer.from([high, low]);
      if (low !== 0x7f) table.set(decoder.decode(pair), pair);
    }
  const plain = Buffer.concat(
    [...text].map((letter) => table.get(letter) ?? Buffer.from(letter, 'ascii')),
  );

  it.each([
    ['plain', plain],
    ['compressed', gzipSync(plain)],
    ['with a BOM', Buffer.concat([Buffer.from([0x84, 0x31, 0x95, 0x33]), plain])],
  ])('is read as it was meant, %s', async (_, bytes) => {
    const [batch] = await readAll(bytesOf(bytes), mapping);
    expect(batch?.identities.map(({ row, values }) => [row, values[4]])).toEqual([
      [2, '欧阳;明'],
      [3, '李雷'],
      [4, '韩梅梅'],
    ]);
    expect(batch?.months.map(({ row, values }) => [row, values[0], values[1], values[6]])).toEqual([
      [2, 'a1', '2026-01', '123450'],
      [3, 'a2', '2026-01', '-50'],
      [5, 'a4', '2026-01', '700'],
    ]);
    expect(batch?.faults.map(({ row, rule, field }) => [row, rule, field])).toEqual([
      [4, 'T04', 'balance_minor'],
      [5, 'T06', 'name'],
    ]);
  });

  it('is the same wherever the disk cuts it', async () => {
    const [whole] = await readAll(bytesOf(plain), mapping);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(plain.length), { maxLength: 8 }), async (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), plain.length];
        const pieces = places.slice(1).map((to, index) => plain.subarray(places[index], to));
        const [batch] = await readAll(bytesOf(...pieces), mapping);
        expect(batch).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });
});

describe('files that cannot be read', () => {
  const gzip = gzipSync(HEAD + 'a,2026-01,1,0\n'.repeat(10_000));
  it.each([
    ['tape_empty', [new Uint8Array(0)]],
    ['tape_header_missing', ['a,b\n1,2\n']],
    ['tape_binary', [`${HEAD}\0\u0001`]],
    ['tape_encoding', [HEAD, Buffer.from([0xff, 0xfe, 0x41]), 'x,1\n']],
    ['tape_encoding', [Buffer.from([0xff, 0xfe, 0x41, 0x00])]],
    ['tape_truncated', [gzip.subarray(0, gzip.length - 20)]],
    ['tape_quote_open', [`${HEAD}"a,2026-01,1,0\n`]],
  ])('%s', async (code, pieces) => {
    expect(await failure(readAll(bytesOf(...pieces), SMALL))).toBe(code);
  });

  it('gives up on one endless line with flat memory', async () => {
    let sent = 0;
    async function* endless() {
      yield Buffer.from(HEAD);
      for (; sent < 2_000; sent++) yield Buffer.alloc(1024 * 1024, 0x61);
    }
    expect(await failure(readAll(endless(), SMALL))).toBe('tape_record_too_long');
    expect(sent).toBeLessThan(20);
  });

  it('never fails but with a code, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const outcome = await failure(readAll(bytesOf(HEAD, bytes), SMALL));
        expect(outcome).toMatch(/^(no failure|tape_[a-z_]+)$/);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a mapping', () => {
  it('lists every mistake with its place', () => {
    const bad = {
      assent_mapping: 1,
      name: 'bad',
      file: {},
      month: {
        account_ref: { column: 'a', constant: 'b' },
        colour: { column: 'c' },
        status: { constant: 'ajar' },
      },
    };
    try {
      parseMapping(bad);
      expect.unreachable();
    } catch (error) {
      const detail = (error as AssentError).detail;
      for (const place of [
        '/month/account_ref',
        '/month/colour',
        '/month/status',
        'required period',
      ]) {
        expect(detail).toContain(place);
      }
    }
  });
});

describe('COPY text', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'binary' }), { nil: null }), { minLength: 1 }),
        (values) => {
          const clean = values.map((value) => value?.replaceAll('\0', '') ?? null);
          const line = Buffer.from(copyText([{ row: 7, values: clean }])).toString('utf8');
          const fields = line.slice(0, -1).split('\t').slice(1).map(readCopyField);
          expect(fields).toEqual(
            clean.map((value) => (value === null ? null : Buffer.from(value).toString('utf8'))),
          );
        },
      ),
    );
  });
});
