/**
 * Killed before and after every statement of the tape load, the hand-over and the intake, then
 * resumed: exactly once (promise 3). A death is a database that answers nothing any more.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditBatches } from '../src/authorisation/audit-batches.ts';
import { crashing } from '../src/database/crashing.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { audit } from '../src/registry/audit.ts';
import { resumeProcessing } from '../src/registry/intake.ts';
import { atEvery } from './at-every.ts';
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
const CLIENTS = [1, 2, 3, 4, 5, 6];
const APPROVED = [1, 2, 3, 4];
const TAPE = tapeText(CLIENTS.map((n) => monthRow(n, PERIOD)));
const APPROVALS = approvalsText(APPROVED.map((n) => ({ n, events: ['given'] })));

describe.each(BACKENDS)('killed at any statement, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'crash');
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });

  async function stored() {
    const { rows } = await pair.registry.db.query<{ months: number; people: number; seen: number }>(
      `select (select count(*) from account_month) as months, (select count(*) from subject) as people,
              (select count(*) from authorisation_event) as seen`,
    );
    return rows[0];
  }

  async function checkOnce(where: string, approved = APPROVED.length) {
    expect(await stored(), where).toEqual({ months: approved, people: approved, seen: approved });
    const { rows } = await pair.gateway.db.query<{ n: number; running: number }>(
      `select (select count(*) from furnished_month where outcome in ('accepted', 'unchanged')) as n,
              (select count(*) from handover where state = 'decided') as running`,
    );
    expect(rows[0], where).toEqual({ n: approved, running: 0 });
    const checks = await audit(pair.registry);
    expect(
      checks.filter((check) => check.violations > 0 || check.checked === 0),
      where,
    ).toEqual([]);
    const again = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(again.state, where).toBe('nothing_to_hand_over');
    expect(await stored(), where).toEqual({ months: approved, people: approved, seen: approved });
  }

  const fillBook = async () => {
    await load(pair.gateway, TAPE);
    await importAuthorisations(pair.gateway, bytesOf(APPROVALS));
  };
  const finishHandOver = async () => {
    await resumeProcessing(pair.registry);
    await handOver(pair.gateway, pair.link(), PERIOD);
  };

  it.skipIf(missing)(
    name('the tape enters the book exactly once'),
    async () => {
      const statements = await atEvery(pair, 'gatewayStore', {
        prepare: async () => {},
        work: async () => void (await load(pair.gateway, TAPE)),
        resume: async () => void (await load(pair.gateway, TAPE)),
        check: async (where) => {
          const { rows } = await pair.gateway.db.query(
            `select (select count(*) from customer) as people, (select count(*) from account) as accounts,
                  (select count(*) from account_month) as months, (select count(*) from tape) as tapes`,
          );
          expect(rows[0], where).toEqual({ people: 6, accounts: 6, months: 6, tapes: 1 });
        },
      });
      expect(statements).toBeGreaterThan(20);
    },
    600_000,
  );

  it.skipIf(missing)(
    name('authorisations are imported exactly once'),
    async () => {
      const statements = await atEvery(pair, 'gatewayStore', {
        prepare: async () => void (await load(pair.gateway, TAPE)),
        work: async () => void (await importAuthorisations(pair.gateway, bytesOf(APPROVALS))),
        resume: async () => void (await importAuthorisations(pair.gateway, bytesOf(APPROVALS))),
        check: async (where) => {
          const { rows } = await pair.gateway.db.query(
            `select (select count(*) from authorisation) as records,
                  (select count(*) from authorisation_event) as events`,
          );
          expect(rows[0], where).toEqual({ records: 4, events: 4 });
          for (const { checked, violations } of await auditBatches(pair.gateway.db)) {
            expect(checked, where).toBeGreaterThan(0);
            expect(violations, where).toBe(0);
          }
        },
      });
      expect(statements).toBeGreaterThan(6);
    },
    600_000,
  );

  it.skipIf(missing)(
    name('the gateway dies during the hand-over'),
    async () => {
      const statements = await atEvery(pair, 'gatewayStore', {
        prepare: fillBook,
        work: async () => void (await handOver(pair.gateway, pair.link(), PERIOD)),
        resume: finishHandOver,
        check: checkOnce,
      });
      expect(statements).toBeGreaterThan(30);
    },
    900_000,
  );

  it.skipIf(missing)(
    name('the registry dies during upload or intake'),
    async () => {
      const statements = await atEvery(pair, 'registryStore', {
        prepare: fillBook,
        work: async () => void (await handOver(pair.gateway, pair.link(), PERIOD)),
        resume: finishHandOver,
        check: checkOnce,
      });
      expect(statements).toBeGreaterThan(60);
    },
    900_000,
  );

  it.skipIf(missing)(
    name('a borrower who withdraws while the hand-over lies dead stays'),
    async () => {
      await pair.empty();
      await fillBook();
      const healthy = pair.registryStore.current;
      // Dead at the upload of the last part: the others are there.
      const dying = crashing(healthy, { statement: Number.POSITIVE_INFINITY, when: 'before' });
      pair.registryStore.current = dying;
      const api = pair.client();
      const link = {
        ...pair.link(),
        api: {
          ...api,
          send: (request: Parameters<typeof api.send>[0]) =>
            request.path.endsWith('/parts/4')
              ? Promise.reject(new Error('the line is cut'))
              : api.send(request),
        },
      };
      await expect(handOver(pair.gateway, link, PERIOD)).rejects.toThrow('the line is cut');
      pair.registryStore.current = healthy;
      await importAuthorisations(
        pair.gateway,
        bytesOf(approvalsText(APPROVED.map((n) => ({ n, events: ['given', 'withdrawn'] })))),
      );
      const report = await handOver(pair.gateway, pair.link(), PERIOD);
      expect(report.receipt?.outcomes.month.declared).toBe(0);
      expect(await stored()).toEqual({ months: 0, people: 0, seen: 0 });
    },
  );
});
