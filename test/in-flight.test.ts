/**
 * A borrower withdraws at the gateway while a hand-over is in flight, at each stage of it, whether
 * the hand-over goes on or dies there and is resumed. The race is decided in favour of the person:
 * whatever had not left stays, and what left before counts once, as the receipt says.
 *
 * A withdrawal from another side is one more entry of SIDES.
 */
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { appendEvent } from '../src/gateway/authorisations.ts';
import { coverage } from '../src/gateway/coverage.ts';
import { type HandOverReport, handOver, type Registry } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { audit } from '../src/registry/audit.ts';
import type { ApiRequest } from '../src/wire/api-client.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIODS = ['2026-01', '2026-02'] as const;
const AUTHORISATION = '00000000-0000-4000-8000-000000000001';

/** Who tells whom that client 1 withdrew. */
const SIDES: Readonly<Record<string, (pair: Pair) => Promise<void>>> = {
  'at the gateway': async (pair) => {
    await appendEvent(pair.gateway, AUTHORISATION, {
      event: 'withdrawn',
      event_at: pair.gateway.now().toISOString(),
    });
  },
};

interface Stage {
  readonly stage: string;
  readonly at: 'before' | 'after';
  readonly request: RegExp;
  /** Kinds of lines about client 1 that had left by then. */
  readonly left: readonly string[];
}

const PART = (kind: string) => new RegExp(`^PUT .*/parts/\\d+\\?${kind}$`);
const STAGES: readonly Stage[] = [
  { stage: 'decided', at: 'before', request: /^PUT \/v1\/submissions\/[^/]+$/, left: [] },
  { stage: 'declared', at: 'after', request: /^PUT \/v1\/submissions\/[^/]+$/, left: [] },
  // Of whoever travelled, the registry shall learn that the approval ended.
  {
    stage: 'the people uploaded',
    at: 'after',
    request: PART('subject'),
    left: ['subject', 'authorisation'],
  },
  {
    stage: 'the accounts uploaded',
    at: 'after',
    request: PART('account'),
    left: ['subject', 'account', 'authorisation'],
  },
  {
    stage: 'the authorisations uploaded',
    at: 'after',
    request: PART('authorisation'),
    left: ['subject', 'account', 'authorisation'],
  },
  {
    stage: 'the months cut',
    at: 'before',
    request: PART('month'),
    left: ['subject', 'account', 'authorisation', 'month'],
  },
  {
    stage: 'the months uploaded',
    at: 'after',
    request: PART('month'),
    left: ['subject', 'account', 'authorisation', 'month'],
  },
  {
    stage: 'completed and in processing',
    at: 'after',
    request: /^POST .*\/completion$/,
    left: ['subject', 'account', 'authorisation', 'month'],
  },
  {
    stage: 'processed, its receipt not yet fetched',
    at: 'before',
    request: /^GET .*\/receipt$/,
    left: ['subject', 'account', 'authorisation', 'month'],
  },
  {
    stage: 'its receipt fetched, not yet recorded',
    at: 'after',
    request: /^GET .*\/receipt$/,
    left: ['subject', 'account', 'authorisation', 'month'],
  },
];

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open('pglite', 'in_flight');
});
afterAll(() => pair.close());
beforeEach(async () => {
  await pair.empty();
  const rows = PERIODS.flatMap((period) => [1, 2].map((n) => monthRow(n, period)));
  await load(pair.gateway, tapeText(rows));
  const approvals = approvalsText([1, 2].map((n) => ({ n, events: ['given'] })));
  await importAuthorisations(pair.gateway, bytesOf(approvals));
});

class Died extends Error {}

/** A link on which something happens at one stage, once; every line that leaves is written down. */
function watched(stage: Stage, happen: () => Promise<void>, left: Map<string, string[]>): Registry {
  const link = pair.link();
  let isOver = false;
  const nameOf = ({ method, path, query }: ApiRequest) =>
    `${method} ${path}${query?.['kind'] ? `?${query['kind']}` : ''}`;
  async function around<T>(request: ApiRequest, run: () => Promise<T>): Promise<T> {
    const isNow = !isOver && stage.request.test(nameOf(request));
    if (isNow) isOver = true;
    if (isNow && stage.at === 'before') await happen();
    if (request.bytes) {
      const kind = request.query?.['kind'] ?? '';
      left.set(kind, [...(left.get(kind) ?? []), gunzipSync(request.bytes).toString('utf8')]);
    }
    const answer = await run();
    if (isNow && stage.at === 'after') await happen();
    return answer;
  }
  const { api } = link;
  return {
    ...link,
    api: {
      send: (request) => around(request, () => api.send(request)),
      json: <T>(request: ApiRequest) => around(request, () => api.json<T>(request)),
    },
  };
}

/** Ids under which client 1 is known on the wire. */
async function idsOfClient(): Promise<string[]> {
  const { rows } = await pair.gateway.db.query<{ subject_id: string; account_id: string }>(
    `select c.subject_id, k.account_id from customer c
     join account k on k.subject_id = c.subject_id where c.subject_ref = 'c1'`,
  );
  return [rows[0]?.subject_id ?? '', rows[0]?.account_id ?? ''];
}

async function stored() {
  const { rows } = await pair.registry.db.query<{ months: number; state: string | null }>(
    `select (select count(*) from account_month where authorisation_id = $1) as months,
            (select state from authorisation where authorisation_id = $1) as state`,
    [AUTHORISATION],
  );
  return rows[0] ?? { months: 0, state: null };
}

async function checkAccounts(report: HandOverReport): Promise<void> {
  await pair.work;
  expect(pair.failures).toEqual([]);
  const month = report.receipt?.outcomes.month;
  const { rows } = await pair.registry.db.query<{ n: number }>(
    'select count(*) as n from account_month where submission_id = $1',
    [report.handover_id],
  );
  expect(rows[0]?.n).toBe(month?.accepted);
  const checks = await audit(pair.registry);
  expect(checks.filter((check) => check.violations > 0)).toEqual([]);
  // Re-running changes nothing but what the withdrawal withholds.
  const again = await handOver(pair.gateway, pair.link(), report.period);
  expect(again).toMatchObject({ state: 'nothing_to_hand_over', withheld: { withdrawn: 1 } });
}

describe.each(Object.entries(SIDES))('withdrawn %s', (_side, withdraw) => {
  describe.each(STAGES)('when $stage', (stage) => {
    it.each(['goes on', 'dies and is resumed'])('the hand-over %s', async (what) => {
      const left = new Map<string, string[]>();
      const happen = async () => {
        await withdraw(pair);
        if (what !== 'goes on') throw new Died();
      };
      const link = watched(stage, happen, left);
      let report: HandOverReport;
      if (what === 'goes on') report = await handOver(pair.gateway, link, PERIODS[0]);
      else {
        await expect(handOver(pair.gateway, link, PERIODS[0])).rejects.toThrow(Died);
        await pair.work;
        report = await handOver(pair.gateway, pair.link(), PERIODS[0]);
      }

      const ids = await idsOfClient();
      const kinds = [...left].filter(([, texts]) => ids.some((id) => texts.join().includes(id)));
      expect(kinds.map(([kind]) => kind).filter((kind) => !stage.left.includes(kind))).toEqual([]);
      const hadLeft = stage.left.includes('month') && what === 'goes on';
      if (hadLeft) expect(kinds.map(([kind]) => kind)).toContain('month');
      if (!stage.left.includes('month')) expect((await stored()).months).toBe(0);
      await checkAccounts(report);

      // Nothing new appears, and the next hand-over tells the registry.
      const before = (await stored()).months;
      const next = await handOver(pair.gateway, pair.link(), PERIODS[1]);
      expect(next).toMatchObject({ released: 1, withheld: { withdrawn: 1 } });
      const after = await stored();
      expect(after.months).toBe(before);
      expect([null, 'withdrawn']).toContain(after.state);
      // The outbox tells of a withdrawal before the submission is completed: that wins.
      const isTold = stage.stage === 'the months cut' || stage.stage === 'the months uploaded';
      if (hadLeft) expect(after).toEqual({ months: isTold ? 0 : 1, state: 'withdrawn' });
      for (const { withheld } of await coverage(pair.gateway, null))
        expect(withheld).toEqual({ withdrawn: 1 });
    });
  });
});

it('sends a row under the authorisation that covers it now, not the one that ended', async () => {
  const second = '00000000-0000-4000-8000-000000000009';
  const texts = approvalsText([{ n: 1, events: ['given'] }]).replaceAll(AUTHORISATION, second);
  await importAuthorisations(pair.gateway, bytesOf(texts));
  const [stage] = STAGES;
  if (!stage) throw new Error('there are stages');
  // The newer id speaks; the older one covers the row too.
  const end = async () => {
    await appendEvent(pair.gateway, second, {
      event: 'withdrawn',
      event_at: pair.gateway.now().toISOString(),
    });
  };
  const report = await handOver(pair.gateway, watched(stage, end, new Map()), PERIODS[0]);
  expect(report.receipt?.outcomes.month).toMatchObject({ declared: 2, accepted: 2, refused: 0 });
  expect((await stored()).months).toBe(1);
});
