/**
 * A portfolio is refreshed many people at a time, each traced like one alone; what changes there
 * is told once, and names no other lender.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { AssentError } from '../src/model/error.ts';
import { alertsBetween, findAlerts, type Seen } from '../src/registry/alerts.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { type Answer, Enquirer, identifiedRow, personOf } from './enquirer.ts';
import { approvalColumns, BACKENDS, load, Pair, SERVER_URL, tapeText } from './pair.ts';

const CLIENTS = [1, 2, 3];

const SEEN: Seen = {
  ...{ is_given: true, late: ['a'], lenders: ['L'], utilisation: 1000, looks: 0, blocks: [] },
};

describe('what is told', () => {
  const kinds = (now: Partial<Seen>, before: Seen | null = SEEN) =>
    alertsBetween(before, { ...SEEN, ...now }).alerts.map(({ kind }) => kind);
  it('is what is new, and nothing the first time', () => {
    expect(kinds({})).toEqual([]);
    expect(kinds({ late: ['a', 'b'], lenders: ['L', 'M'] })).toEqual([
      'late_elsewhere',
      'new_lender',
    ]);
    expect(kinds({ late: [] })).toEqual([]);
    expect(kinds({ looks: 3 })).toEqual([]);
    expect(kinds({ looks: 4 })).toEqual(['enquiry_burst']);
    expect(kinds({ looks: 5 }, { ...SEEN, looks: 4 })).toEqual([]);
    expect(kinds({ blocks: ['fraud_alert', 'freeze'] })).toEqual(['freeze']);
    expect(kinds({ blocks: ['freeze'] }, { ...SEEN, blocks: ['freeze'] })).toEqual([]);
    expect(kinds({ is_given: false, late: ['z'] })).toEqual(['authorisation_ended']);
    expect(kinds({ late: ['z'] }, null)).toEqual([]);
  });

  it('counts a use of credit from its lowest, also when it rises in small steps', () => {
    expect(kinds({ utilisation: 2999 })).toEqual([]);
    expect(kinds({ utilisation: 3000 })).toEqual(['utilisation_up']);
    let seen: Seen = SEEN;
    const told = [2000, 2900, 3100, 3200].map((utilisation) => {
      const step = alertsBetween(seen, { ...SEEN, utilisation });
      seen = step.seen;
      return step.alerts.length;
    });
    expect(told).toEqual([0, 0, 1, 0]);
  });
});

describe.each(BACKENDS)('a portfolio on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let lender: Enquirer;
  let other: Enquirer;
  const ids = new Map<number, string>();
  async function furnish(period: string, over: Record<string, string> = {}): Promise<void> {
    const rows = CLIENTS.map((n) => identifiedRow(n, period, n === 1 ? over : {}));
    await load(pair.gateway, tapeText(rows));
    const { receipt } = await handOver(pair.gateway, pair.link(), period);
    expect(receipt?.outcomes.month.accepted).toBe(CLIENTS.length);
  }
  const refresh = (over: object = {}) =>
    lender.api.json<{ answers: Answer[]; next: string | null }>({
      method: 'POST',
      path: '/v1/portfolio/refresh',
      json: { use_id: randomUUID(), purpose: 'running_credit', ...over },
    });
  const alerts = async (by = lender, after = 0) =>
    (
      await by.api.json<{ alerts: { position: number; kind: string; authorisation_id: string }[] }>(
        { method: 'GET', path: '/v1/alerts', query: { after: String(after) } },
      )
    ).alerts;
  async function traces(outcome: string): Promise<number> {
    const { rows } = await pair.registry.db.query<{ n: number }>(
      'select count(*) as n from access where participant_id = $1 and outcome = $2',
      [lender.id, outcome],
    );
    return rows[0]?.n ?? 0;
  }

  beforeAll(async () => {
    pair = await Pair.open(backend, 'portfolio');
    [lender, other] = [await Enquirer.admit(pair), await Enquirer.admit(pair)];
    // Another legal lender than the furnisher, which the tests admit under one licence with it.
    await pair.registry.db.query(
      `update participant set licence_id = 'another' where participant_id = any($1::uuid[])`,
      [[lender.id, other.id]],
    );
    await load(pair.gateway, tapeText(CLIENTS.map((n) => identifiedRow(n, '2026-01'))));
    for (const n of CLIENTS) await recordOne(pair.gateway, approvalColumns(n, randomUUID()));
    await furnish('2026-01');
    for (const n of CLIENTS)
      ids.set(n, await lender.bring({ purpose: { code: 'Q2' } }, personOf(n)));
    await lender.bring({}, personOf(1)); // For new credit: no part of it.
    await other.bring({ purpose: { code: 'Q2' } }, personOf(1));
  });
  afterAll(() => pair.close());

  it('is what was brought to monitor, page by page', async () => {
    const sorted = [...ids.values()].sort();
    const page = (query: Record<string, string>) =>
      lender.api.json<{ entries: { authorisation_id: string }[]; next: string | null }>({
        method: 'GET',
        path: '/v1/portfolio',
        query,
      });
    const first = await page({ limit: '2' });
    expect(first.entries.map((each) => each.authorisation_id)).toEqual(sorted.slice(0, 2));
    const second = await page({ limit: '2', after: first.next ?? '' });
    expect(second.entries.map((each) => each.authorisation_id)).toEqual(sorted.slice(2));
    expect(second.next).toBe(null);
  });

  it('is refreshed at once, each person traced and counted; the same again is the same', async () => {
    const before = await traces('report');
    const use_id = randomUUID();
    const first = await refresh({ use_id });
    expect(first.answers).toHaveLength(3);
    for (const answer of first.answers)
      expect(answer).toMatchObject({ outcome: 'report', report: { form: 'summary' } });
    expect(await traces('report')).toBe(before + 3);
    expect(await refresh({ use_id })).toEqual(first);
    expect(await traces('report')).toBe(before + 3);
    const altered = await refresh({ use_id, purpose: 'arrears' }).catch((error: unknown) => error);
    expect(altered).toBeInstanceOf(AssentError);
    // A purpose that the authorisations are not for opens nothing.
    const { answers } = await refresh({ purpose: 'creditworthiness' });
    expect(new Set(answers.map(({ reason }) => reason))).toEqual(new Set(['out_of_scope']));
  });

  it('tells once what changed, to who monitors, and leaves a trace', async () => {
    expect(await findAlerts(pair.registry)).toBe(0);
    expect(await findAlerts(pair.registry)).toBe(0);
    const late = { days_past_due: '45', past_due_minor: '500', first_delinquency_on: '2026-01-15' };
    await furnish('2026-02', { ...late, balance_minor: '60000' });
    expect(await findAlerts(pair.registry)).toBe(4); // Two for each of the two who monitor.
    expect(await findAlerts(pair.registry)).toBe(0);
    const told = await alerts();
    const named = { authorisation_id: ids.get(1) };
    expect(told).toMatchObject([
      { position: 1, kind: 'late_elsewhere', facts: { accounts: 1 }, ...named },
      { position: 2, kind: 'utilisation_up', facts: { from: 100, to: 6000 }, ...named },
    ]);
    expect(JSON.stringify(told)).not.toContain(pair.gateway.furnisher_id);
    expect(await traces('alert')).toBe(1);
    expect(await alerts(lender, 2)).toEqual([]);
    const news = await pair.registry.db.query(
      `select 1 from feed_entry where participant_id = $1 and type = 'alert.raised'`,
      [lender.id],
    );
    expect(news.rows).toHaveLength(2);
  });

  it('tells of a burst of enquiries, a freeze and the end of an authorisation', async () => {
    for (let n = 0; n < 4; n += 1) await other.ask(await other.bring({}, personOf(2)));
    await pair.registry.db.query(
      `insert into subject_block (subject_id, block_id, kind, reason, placed_at)
       select subject_id, $2::uuid, 'freeze', 'other', $3::timestamptz from authorisation
       where authorisation_id = $1::uuid`,
      [ids.get(3) ?? '', randomUUID(), new Date(Date.now() - 1)],
    );
    await endAuthorisation(pair.registry, ids.get(1) ?? '', {
      ...{ type: 'withdrawn', reason: 'subject_request', evidence_sha256: 'c'.repeat(64) },
      ...{ by_party: randomUUID(), subject_id: null },
    });
    await findAlerts(pair.registry);
    const kinds = (await alerts(lender, 2)).map(({ kind, authorisation_id }) => [
      kind,
      [...ids].find(([, id]) => id === authorisation_id)?.[0],
    ]);
    expect(kinds.sort()).toEqual([
      ['authorisation_ended', 1],
      ['enquiry_burst', 2],
      ['freeze', 3],
    ]);
    await findAlerts(pair.registry);
    expect(await alerts(lender, 5)).toEqual([]);
    // Who withdrew is no part of the portfolio any more.
    expect((await refresh()).answers).toHaveLength(2);
  });
});
