/**
 * A real disk that is really full: TEST_SMALL_DISK names an empty folder, the server's own, on a
 * file system of a few megabytes; TEST_DATABASE_URL must be a superuser's.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresql } from '../src/database/postgresql.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { resumeProcessing } from '../src/registry/intake.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

const SMALL = process.env['TEST_SMALL_DISK'];
const PERIOD = '2026-01';
const ROWS = 30_000;
const skipped = !SMALL || !SERVER_URL;
const because = skipped ? ' (skipped: TEST_SMALL_DISK or TEST_DATABASE_URL is not set)' : '';

describe('a full disk', () => {
  let pair: Pair;
  beforeAll(async () => {
    if (skipped) return;
    const bare = await openPostgresql(SERVER_URL ?? '');
    await bare.query('drop schema if exists full_gateway cascade');
    await bare.query('drop schema if exists full_registry cascade');
    await bare.query('drop tablespace if exists assent_small');
    // sql: a folder of the test's own machine; DDL takes no parameters.
    await bare.query(`create tablespace assent_small location '${SMALL}'`);
    await bare.close();
    pair = await Pair.open('postgresql', 'full');
  });
  afterAll(async () => {
    if (!skipped) await pair.close();
  });

  it.skipIf(skipped)(
    `stops the load and the intake, and both go on when there is room${because}`,
    async () => {
      const clients = Array.from({ length: ROWS }, (_, n) => n + 1);
      const tape = tapeText(clients.map((n) => monthRow(n, PERIOD)));
      const { gateway, registry } = pair;
      await gateway.db.query('alter table stage_month set tablespace assent_small');
      await expect(load(gateway, tape)).rejects.toMatchObject({ code: 'database_full' });
      const { rows } = await gateway.db.query(
        'select 1 from account_month union all select 1 from tape',
      );
      expect(rows).toEqual([]);
      await gateway.db.query('alter table stage_month set tablespace pg_default');
      expect((await load(gateway, tape)).counts.new).toBe(ROWS);

      const approvals = approvalsText(clients.map((n) => ({ n, events: ['given'] })));
      await importAuthorisations(gateway, bytesOf(approvals));
      await registry.db.query('alter table account_month set tablespace assent_small');
      await expect(handOver(gateway, pair.link(), PERIOD)).rejects.toMatchObject({
        code: 'registry_unreachable',
      });
      await pair.work;
      expect(pair.failures).toMatchObject([{ code: 'database_full' }]);
      await registry.db.query('alter table account_month_2026_01 set tablespace pg_default');
      await resumeProcessing(registry);
      const report = await handOver(gateway, pair.link(), PERIOD);
      expect(report.receipt?.outcomes.month).toMatchObject({ declared: ROWS, accepted: ROWS });
    },
    300_000,
  );
});
