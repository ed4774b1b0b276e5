/**
 * What is filled in a transaction is counted before it is walked: a planner that takes 50,000 rows
 * for a few looks through all of them for each of them. PGlite has nobody who counts later.
 */
import { expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { attended } from './attended.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const CLIENTS = [1, 2, 3, 4, 5];

it('the list of a hand-over is counted before its parts are cut', async () => {
  const pair = await Pair.open('pglite', 'statistics');
  try {
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, PERIOD))));
    const approvals = approvalsText(CLIENTS.map((n) => ({ n, events: ['given'] })));
    await importAuthorisations(pair.gateway, bytesOf(approvals));
    const counted: number[] = [];
    pair.gatewayStore.current = attended(pair.gatewayStore.current, async (text, session) => {
      if (!/update handover_row set withheld_since = ended/.test(text)) return;
      const { rows } = await session.query<{ n: number }>(
        `select reltuples::bigint as n from pg_class where relname = 'handover_sent'`,
      );
      counted.push(rows[0]?.n ?? -1);
    });
    await handOver(pair.gateway, pair.link(), PERIOD);
    // Five people, five accounts, five approvals; looked at once for each kind and for the months.
    expect(counted).toEqual([15, 15, 15, 15]);
  } finally {
    await pair.close();
  }
});
