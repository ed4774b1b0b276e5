/**
 * A merge while a hand-over is in flight, at whatever statement of the registry: every row is
 * stored once, with the person who is left, and undoing it parts them again.
 * RACE_STEP=1 stops at every statement; CI takes every seventeenth.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { audit } from '../src/registry/audit.ts';
import { merge, undo } from '../src/registry/identity-actions.ts';
import { attended } from './attended.ts';
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

const CLIENTS = [1, 2, 3];
const STEP = Number(process.env['RACE_STEP'] ?? 17);
const decision = { by_party: randomUUID(), why: 'papers', evidence_sha256: null };

describe.each(BACKENDS)('a merge during a hand-over, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'merging');
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });

  /** One month row a part. */
  const hand = (period: string) => handOver({ ...pair.gateway, partRows: 1 }, pair.link(), period);

  async function ownersOf(table: string): Promise<string[]> {
    // sql: a constant of this file.
    const { rows } = await pair.registry.db.query<{ id: string }>(
      `select subject_id as id from ${table} order by 1`,
    );
    return rows.map(({ id }) => id);
  }

  /** Two of three people, who are there with one month each. */
  async function begin(): Promise<[string, string]> {
    await pair.empty();
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, '2026-01'))));
    const approvals = approvalsText(CLIENTS.map((n) => ({ n, events: ['given'] })));
    await importAuthorisations(pair.gateway, bytesOf(approvals));
    await hand('2026-01');
    const [one = '', other = ''] = await ownersOf('subject');
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, '2026-02'))));
    return [one, other];
  }

  async function check(from_id: string, into_id: string, event: string, where: string) {
    expect(pair.failures, where).toEqual([]);
    const months = await ownersOf('account_month');
    expect(months.length, where).toBe(2 * CLIENTS.length);
    expect(months.filter((id) => id === into_id).length, where).toBe(4);
    for (const table of [
      'account',
      'account_locator',
      'subject_locator',
      'authorisation',
      'authorisation_record',
    ])
      expect((await ownersOf(table)).includes(from_id), `${where} ${table}`).toBe(false);
    const wrong = async () =>
      (await audit(pair.registry)).filter(({ violations }) => violations > 0);
    expect(await wrong(), where).toEqual([]);
    await undo(pair.registry, event, decision);
    const parted = await ownersOf('account_month');
    expect(parted.filter((id) => id === from_id).length, where).toBe(2);
    expect(await wrong(), where).toEqual([]);
  }

  it.skipIf(missing)(
    'at any statement of the registry',
    async () => {
      for (let statement = 1; ; statement += STEP) {
        const [from_id, into_id] = await begin();
        const healthy = pair.registryStore.current;
        let count = 0;
        let merging: Promise<string> | null = null;
        pair.registryStore.current = attended(healthy, async () => {
          count += 1;
          if (count !== statement) return;
          merging = merge(pair.registry, { from_id, into_id }, decision);
          merging.catch(() => {}); // Awaited below.
          await setTimeout(backend === 'postgresql' ? 25 : 0);
        });
        await hand('2026-02');
        await pair.work;
        const isOver = count < statement;
        pair.registryStore.current = healthy; // The late merge's own statements are not counted.
        if (isOver) merging = merge(pair.registry, { from_id, into_id }, decision);
        const event = await (merging ?? '');
        await check(from_id, into_id, event, `statement ${statement}`);
        if (isOver) break;
      }
    },
    600_000,
  );

  // PGlite has one connection: nothing comes in between.
  it.skipIf(missing || backend === 'pglite')('committed after a part was judged', async () => {
    const [from_id, into_id] = await begin();
    const healthy = pair.registryStore.current;
    let isMonth = false;
    let merging: Promise<string> | null = null;
    pair.registryStore.current = attended(healthy, async (text) => {
      isMonth ||= text.startsWith('create temp table stage_month');
      if (merging || !isMonth || !text.startsWith('select pg_advisory_xact_lock_shared')) return;
      merging = merge({ ...pair.registry, db: healthy }, { from_id, into_id }, decision);
      await merging;
    });
    await handOver(pair.gateway, pair.link(), '2026-02');
    await pair.work;
    pair.registryStore.current = healthy;
    await check(from_id, into_id, (await merging) ?? '', 'after the judgement');
  });
});
