/**
 * A withdrawal on either side while a hand-over is in flight, at whatever statement of either
 * program: no row is stored after the registry's withdrawal took effect, the receipt says so, and
 * every row is accounted for. RACE_STEP=1 stops at every statement; CI takes every thirteenth.
 */

import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../src/database/database.ts';
import { appendEvent } from '../src/gateway/authorisations.ts';
import { exchangeEvents } from '../src/gateway/feed.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { pushEvents } from '../src/gateway/outbox.ts';
import { AssentError } from '../src/model/error.ts';
import { audit } from '../src/registry/audit.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
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

const PERIOD = '2026-01';
const CLIENTS = [1, 2, 3, 4];
const LEAVER = 3;
const LEAVING = `00000000-0000-4000-8000-${String(LEAVER).padStart(12, '0')}`;
const STEP = Number(process.env['RACE_STEP'] ?? 13);
const LIMIT_MS = STEP === 1 ? 3_600_000 : 600_000;

/** A database that begins something else before its nth statement, without waiting for its end. */
function interrupted(db: Database, statement: number, begin: () => void) {
  let count = 0;
  const wrapped = attended(db, async () => {
    count += 1;
    if (count !== statement) return;
    begin();
    await setTimeout(db.backend === 'postgresql' ? 25 : 0);
  });
  return { db: wrapped, count: () => count };
}

describe.each(BACKENDS)('a withdrawal during a hand-over, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'races');
  }, 60_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  /** One month row a part. */
  const gateway = () => ({ ...pair.gateway, partRows: 1 });

  async function withdrawAt(side: 'gateway' | 'registry'): Promise<'done' | 'unknown there'> {
    if (side === 'gateway') {
      await appendEvent(pair.gateway, LEAVING, {
        event: 'withdrawn',
        event_at: new Date().toISOString(),
      });
      await pushEvents(pair.gateway, pair.link(), [LEAVING]);
      return 'done';
    }
    try {
      await endAuthorisation(pair.registry, LEAVING, {
        type: 'withdrawn',
        reason: 'subject_request',
        evidence_sha256: 'a'.repeat(64),
        by_party: randomUUID(),
        subject_id: null,
      });
      return 'done';
    } catch (error) {
      if (error instanceof AssentError && error.code === 'authorisation_unknown')
        return 'unknown there';
      throw error;
    }
  }

  async function rowOfLeaver() {
    const { rows: there } = await pair.registry.db.query<{ n: number; months: number }>(
      `select count(*) filter (where authorisation_id = $1) as n, count(*) as months
       from account_month`,
      [LEAVING],
    );
    const { rows: here } = await pair.gateway.db.query<{ ending: string }>(
      `select coalesce(r.withheld_since, f.outcome) as ending from handover_row r
       left join furnished_month f on f.account_id = r.account_id and f.handover_id = r.handover_id
       where r.authorisation_id = $1`,
      [LEAVING],
    );
    return {
      stored: there[0]?.n,
      others: (there[0]?.months ?? 0) - (there[0]?.n ?? 0),
      // No row of the hand-over: withheld when it was decided.
      ending: here[0]?.ending ?? 'withdrawn',
    };
  }

  async function stateOf(side: 'gateway' | 'registry') {
    const { rows } = await pair[side].db.query<{ state: string }>(
      'select state from authorisation where authorisation_id = $1',
      [LEAVING],
    );
    return rows[0]?.state ?? null;
  }

  async function fillBook(): Promise<void> {
    await pair.empty();
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, PERIOD))));
    await importAuthorisations(
      pair.gateway,
      bytesOf(approvalsText(CLIENTS.map((n) => ({ n, events: ['given'] })))),
    );
  }

  async function race(
    store: 'gatewayStore' | 'registryStore',
    side: 'gateway' | 'registry',
    statement: number,
  ): Promise<{ count: number; ending: string | null; refused: number }> {
    await fillBook();
    const healthy = pair[store].current;
    let withdrawing: Promise<'done' | 'unknown there'> | null = null;
    const { db, count } = interrupted(healthy, statement, () => {
      withdrawing = withdrawAt(side);
      withdrawing.catch(() => {}); // Awaited below.
    });
    pair[store].current = db;
    const report = await handOver(gateway(), pair.link(), PERIOD);
    await pair.work;
    const outcome = await withdrawing;
    pair[store].current = healthy;
    const where = `${store} ${statement}, withdrawn at the ${side}`;
    expect(pair.failures, where).toEqual([]);
    if (outcome === 'unknown there' || outcome === null)
      return { count: count(), ending: null, refused: 0 };
    await exchangeEvents(gateway(), pair.link());
    const { stored, others, ending } = await rowOfLeaver();
    expect(others, where).toBe(CLIENTS.length - 1);
    expect(stored, where).toBe(ending === 'accepted' ? 1 : 0);
    expect(['accepted', 'refused', 'withdrawn'], where).toContain(ending);
    expect(await stateOf('gateway'), where).toBe('withdrawn');
    expect(['withdrawn', null], where).toContain(await stateOf('registry'));
    if (stored === 1) expect(await stateOf('registry'), where).toBe('withdrawn');
    const { receipt } = report;
    const refused = receipt?.refused_by_reason['withdrawn'] ?? 0;
    if (ending === 'refused') expect(refused, where).toBe(1);
    const { month } = receipt?.outcomes ?? { month: { declared: 0, accepted: 0 } };
    expect(month.accepted + refused, where).toBe(month.declared);
    const violated = (await audit(pair.registry)).filter((check) => check.violations > 0);
    expect(violated, where).toEqual([]);
    const again = await handOver(gateway(), pair.link(), PERIOD);
    expect(again.state, where).toBe('nothing_to_hand_over');
    return { count: count(), ending, refused };
  }

  const apart = backend === 'postgresql'; // PGlite has one connection: nothing comes in between.
  const LOCK = 'select pg_advisory_xact_lock_shared';
  for (const moment of [LOCK, 'update submission_part set processed'] as const) {
    it.skipIf(missing || !apart)(
      `committed after the part was judged, before \`${moment}\``,
      async () => {
        await fillBook();
        const healthy = pair.registryStore.current;
        let withdrawing: Promise<unknown> | null = null;
        let isMonth = false; // Parts of people and accounts share a lock of their own.
        pair.registryStore.current = attended(healthy, async (text) => {
          isMonth ||= text.startsWith('create temp table stage_month');
          if (withdrawing || !isMonth || !text.startsWith(moment)) return;
          withdrawing = withdrawAt('registry');
          // Before the lock nothing holds it back; at the end of the part it waits for the commit.
          if (moment === LOCK) await withdrawing;
          else await setTimeout(50);
        });
        const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
        pair.registryStore.current = healthy;
        await withdrawing;
        const isBefore = moment === LOCK;
        expect(receipt?.refused_by_reason).toEqual(isBefore ? { withdrawn: 1 } : {});
        expect(await rowOfLeaver()).toMatchObject({ stored: isBefore ? 0 : 1, others: 3 });
        expect(pair.failures).toEqual([]);
        const violated = (await audit(pair.registry)).filter((check) => check.violations > 0);
        expect(violated).toEqual([]);
      },
      LIMIT_MS,
    );
  }

  for (const side of ['registry', 'gateway'] as const) {
    for (const store of ['registryStore', 'gatewayStore'] as const) {
      const text = `at the ${side}, at any statement of the ${store === 'registryStore' ? 'registry' : 'gateway'}`;
      it.skipIf(missing)(
        missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text,
        async () => {
          const endings = new Map<string, number>();
          const offset = side === 'registry' ? 1 : 3;
          for (let statement = offset; ; statement += STEP) {
            const { count, ending } = await race(store, side, statement);
            if (ending) endings.set(ending, (endings.get(ending) ?? 0) + 1);
            if (count < statement) break;
          }
          // Early enough to be withheld or refused, and late enough to be stored.
          expect([...endings.keys()].length, JSON.stringify([...endings])).toBeGreaterThan(0);
          if (process.env['RACE_SHOW'])
            process.stderr.write(`${backend} ${text}: ${JSON.stringify([...endings])}\n`);
        },
        LIMIT_MS,
      );
    }
  }
});
