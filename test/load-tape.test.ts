/**
 * A tape of several batches enters the book while it is being read: what ends the reading or the
 * staging leaves nothing behind; what the book knows already is not written again; and what each
 * row of a hand-over says of the months before it.
 */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Database, Session } from '../src/database/database.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import {
  approvalsText,
  BACKENDS,
  bytesOf,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const PERIOD = '2026-01';
/** More than two batches. */
const MANY = tapeText(Array.from({ length: 12_000 }, (_, n) => monthRow(n, PERIOD)));

/** The same store, but what a statement copies into a table is spoilt from the second time on. */
function spoiling(db: Database, table: string): Database {
  let copies = 0;
  const over = (session: Session): Session => ({
    ...session,
    query: (text, params, options) => session.query(text, params, options),
    copyOut: (text) => session.copyOut(text),
    copyIn: (text, chunks) =>
      text.startsWith(`copy ${table} `) && ++copies > 1
        ? session.copyIn(text, [Buffer.from('not a row\n')])
        : session.copyIn(text, chunks),
  });
  return { ...db, transaction: (run) => db.transaction((session) => run(over(session))) };
}

describe.each(BACKENDS)('on %s', (backend) => {
  const test = it.skipIf(backend === 'postgresql' && !SERVER_URL);
  let pair: Pair;
  beforeAll(async () => {
    if (backend !== 'postgresql' || SERVER_URL) pair = await Pair.open(backend, 'load_tape');
  });
  beforeEach(() => pair?.empty());
  afterAll(() => pair?.close());

  const countOf = async (table: 'account_month' | 'stage_month' | 'tape_fault' | 'tape') => {
    const { rows } = await pair.gateway.db.query<{ n: number }>(
      `select count(*) as n from ${table}`,
    );
    return rows[0]?.n;
  };
  const expectNothing = async () => {
    for (const table of ['account_month', 'stage_month', 'tape_fault', 'tape'] as const)
      expect(await countOf(table), table).toBe(0);
    const report = await load(pair.gateway, MANY);
    expect(report.counts).toMatchObject({ rows: 12_000, new: 12_000 });
  };

  test('a file that ends badly while a batch is staged leaves nothing', async () => {
    const whole = gzipSync(MANY);
    await expect(load(pair.gateway, whole.subarray(0, whole.length - 9))).rejects.toMatchObject({
      code: 'tape_truncated',
    });
    await expectNothing();
  });

  test('a batch that cannot be staged ends the reading and leaves nothing', async () => {
    let read = 0;
    let isLetGo = false;
    async function* lines() {
      try {
        for (let at = 0; at < MANY.length; at += 10_000) {
          read = at;
          yield Buffer.from(MANY.slice(at, at + 10_000));
        }
      } finally {
        isLetGo = true;
      }
    }
    const gateway = { ...pair.gateway, db: spoiling(pair.gateway.db, 'stage_month') };
    await expect(load(gateway, lines())).rejects.toMatchObject({ code: 'database_failed' });
    expect(isLetGo).toBe(true);
    expect(read).toBeGreaterThan(0);
    await expectNothing();
  });

  test('an account that says nothing new is not written again', async () => {
    const written = async () => {
      const { rows } = await pair.gateway.db.query<{ ref: string; at: string; revision: number }>(
        `select account_ref as ref, ctid::text || xmin::text || xmax::text as at, revision
         from account order by account_ref`,
      );
      return rows;
    };
    await load(pair.gateway, tapeText([1, 2, 3].map((n) => monthRow(n, '2026-01'))));
    const [first, second, third] = await written();
    const closed = { ...monthRow(2, '2026-02'), status: 'closed', closed_on: '2026-02-11' };
    const changed = { ...closed, balance_minor: '0' };
    await load(pair.gateway, tapeText([monthRow(1, '2026-02'), changed, monthRow(3, '2026-02')]));
    expect(await written()).toEqual([
      first,
      { ref: second?.ref, at: expect.not.stringMatching(`^${second?.at}$`), revision: 2 },
      third,
    ]);
  });

  test('a row says whether a month went before it, whatever the order of the periods', async () => {
    const { gateway } = pair;
    const periods = Array.from({ length: 8 }, (_, n) => `2025-0${n + 1}`);
    await load(gateway, tapeText(periods.map((period) => monthRow(1, period))));
    await importAuthorisations(gateway, bytesOf(approvalsText([{ n: 1, events: ['given'] }])));
    const said = async (period: string) => {
      const { handover_id } = await handOver(gateway, pair.link(), period);
      const { rows } = await gateway.db.query<{ preceding: string }>(
        'select preceding from handover_row where handover_id = $1',
        [handover_id],
      );
      return rows.map((row) => row.preceding).join();
    };
    expect(await said('2025-06')).toBe('first');
    expect(await said('2025-03')).toBe('first');
    expect(await said('2025-05')).toBe('withheld');
    expect(await said('2025-04')).toBe('furnished');
    expect(await said('2025-08')).toBe('withheld');
    expect(await said('2025-02')).toBe('first');
  });
});
