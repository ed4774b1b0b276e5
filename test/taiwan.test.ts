/**
 * The hand-over on 30,000 real card clients, 12,345 of whom approved; the others spread over
 * every other state. On PGlite, and on PostgreSQL when TEST_DATABASE_URL is set.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AUTHORISATION_COLUMNS } from '../src/authorisation/from-columns.ts';
import {
  connectGateway,
  createGatewayHome,
  createRegistryHome,
  openGateway,
  openRegistry,
  operatorClient,
} from '../src/cli/home.ts';
import { coverage } from '../src/gateway/coverage.ts';
import type { Gateway } from '../src/gateway/gateway.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { loadTape } from '../src/gateway/load-tape.ts';
import { type Mapping, parseMapping } from '../src/tape/mapping.ts';
import { freePort } from './free-port.ts';
import { ownDatabase, SERVER_URL } from './pair.ts';

const ROOT = new URL('..', import.meta.url);
const TAPE = new URL('../shared/data/uci_default_credit_card/UCI_Credit_Card.csv.gz', ROOT);
const PERIODS = ['2005-04', '2005-05', '2005-06', '2005-07', '2005-08', '2005-09'];
const APPROVED = 12_345;
const OTHERS = [
  'requested',
  'refused',
  'lapsed',
  'withdrawn',
  'paused',
  'revoked',
  'invalidated',
  'expired',
  'never',
];

const mapping = parseMapping(
  JSON.parse(readFileSync(new URL('examples/uci-default-credit-card.mapping.json', ROOT), 'utf8')),
);

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const LATELY = new Date(Date.now() - 86_400_000).toISOString();

/** Events after `requested` and `given` at fixed times; `extra` is one more event for some. */
function authorisationsCsv(extra: ((client: number) => string | null) | null): string {
  const lines = [AUTHORISATION_COLUMNS.join(',')];
  for (let client = 1; client <= 30_000; client++) {
    const state = client <= APPROVED ? 'given' : (OTHERS[client % OTHERS.length] ?? 'never');
    if (state === 'never') continue;
    const events = ['requested'];
    if (['refused', 'lapsed'].includes(state)) events.push(state);
    else if (state !== 'requested') events.push('given');
    if (!events.includes(state)) events.push(state);
    const more = extra?.(client);
    if (more) events.push(more);
    events.forEach((event, index) => {
      const record: Record<string, string> =
        index > 0
          ? {}
          : {
              purpose: 'F1',
              products: 'revolving_line',
              accounts: 'ALL',
              fetch: 'PERIODIC',
              starts_at: '2005-01-01T00:00:00Z',
              notice_id: 'n',
              notice_version: '1',
              notice_sha256: 'a'.repeat(64),
              language: 'zh',
              channel: 'app',
              evidence_method: 'click',
              evidence_sha256: 'b'.repeat(64),
              service_conditional: 'false',
            };
      const row: Record<string, string> = {
        ...record,
        authorisation_id: uuidOf(`client ${client}`),
        subject_ref: String(client),
        event,
        // Who has not answered yet was asked lately: an old request lapses.
        event_at: state === 'requested' ? LATELY : `2005-01-0${index + 1}T00:00:00Z`,
      };
      lines.push(AUTHORISATION_COLUMNS.map((column) => row[column] ?? '').join(','));
    });
  }
  return `${lines.join('\n')}\n`;
}

async function* bytesOf(text: string) {
  yield Buffer.from(text);
}

async function load(gateway: Gateway, with_: Mapping, name: string) {
  const source = {
    bytes: createReadStream(TAPE),
    name,
    size: null,
    mapping: with_,
    mapping_sha256: name,
  };
  return loadTape(gateway, source, { check: false, sign_off: null, progress: () => {} });
}

const homes: string[] = [];
afterAll(() => {
  delete process.env['DATABASE_URL'];
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

async function prepare(backend: string) {
  delete process.env['DATABASE_URL'];
  const url = await ownDatabase(backend, 'assent_taiwan');
  if (url) process.env['DATABASE_URL'] = url;
  const home = mkdtempSync(join(tmpdir(), 'assent-taiwan-'));
  homes.push(home);
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  await createRegistryHome(join(home, 'r'), { url: address, profile: 'EU' });
  const failures: unknown[] = [];
  const registry = await openRegistry(join(home, 'r'), (error) => failures.push(error));
  await registry.server.listen({ port, host: '127.0.0.1' });
  createGatewayHome(join(home, 'g'), { name: 'Taiwan cards', profile: 'EU' });
  const card = JSON.parse(readFileSync(join(home, 'g', 'participant.json'), 'utf8')) as object;
  const operator = operatorClient(join(home, 'r'));
  await operator.json({
    method: 'POST',
    path: '/v1/participants',
    json: { ...card, role: 'furnisher', licence_id: 'x', brands: [] },
  });
  await connectGateway(join(home, 'g'), address);
  const open = await openGateway(join(home, 'g'));
  return { open, registry, operator, failures };
}

describe.each(['pglite', 'postgresql'])('30,000 card clients on %s', (backend) => {
  const reason = !existsSync(TAPE)
    ? 'the data set is not here'
    : backend === 'postgresql' && !SERVER_URL
      ? 'TEST_DATABASE_URL is not set'
      : null;
  it.skipIf(reason !== null)(
    `hands over exactly the ${APPROVED} who approved${reason ? ` (skipped: ${reason})` : ''}`,
    async () => {
      const { open, registry, operator, failures } = await prepare(backend);
      const { gateway } = open;
      const tape = await load(gateway, mapping, 'first');
      const { counts } = tape;
      expect(counts.rows).toBe(180_000);
      expect(counts.new + counts.rejected + counts.held + counts.unreadable + counts.repeated).toBe(
        180_000,
      );
      const imported = await importAuthorisations(gateway, bytesOf(authorisationsCsv(null)));
      expect(imported.faults).toEqual([]);
      for (const period of PERIODS) {
        const report = await handOver(gateway, open.link(), period);
        const month = report.receipt?.outcomes.month;
        const withheld = Object.values(report.withheld).reduce((sum, n) => sum + n, 0);
        expect(month?.declared).toBe(report.released);
        expect(report.released + withheld).toBe(report.in_scope);
        expect(month?.accepted).toBe(report.released);
        expect(Object.keys(report.withheld).sort()).toEqual([
          'expired',
          'invalidated',
          'lapsed',
          'never_asked',
          'paused',
          'pending',
          'refused',
          'revoked',
          'withdrawn',
        ]);
      }
      const stored = async () =>
        (
          await registry.registry.db.query<{ clients: number; months: number }>(
            'select count(distinct subject_id) as clients, count(*) as months from account_month',
          )
        ).rows[0];
      const first = await stored();
      expect(first?.clients).toBe(APPROVED);
      expect(first?.months).toBe(APPROVED * PERIODS.length);
      const again = await load(gateway, mapping, 'first');
      expect(again.state).toBe('already_loaded');
      expect((await importAuthorisations(gateway, bytesOf(authorisationsCsv(null)))).stored).toBe(
        0,
      );
      for (const period of PERIODS)
        expect((await handOver(gateway, open.link(), period)).state).toBe('nothing_to_hand_over');
      expect(await stored()).toEqual(first);
      // A thousand withdraw; the next month of those stays at the gateway.
      await importAuthorisations(
        gateway,
        bytesOf(authorisationsCsv((client) => (client <= 1000 ? 'withdrawn' : null))),
      );
      const next: Mapping = {
        ...mapping,
        wide: [
          { period: '2005-10', columns: { pay: 'PAY_0', bill: 'BILL_AMT1', paid: 'PAY_AMT1' } },
        ],
      };
      await load(gateway, next, 'second');
      const report = await handOver(gateway, open.link(), '2005-10');
      expect(report.receipt?.outcomes.month.accepted).toBe(APPROVED - 1000);
      const [line] = await coverage(gateway, '2005-10');
      const before = await coverage(gateway, '2005-09');
      expect(line?.withheld['withdrawn']).toBe(before[0]?.withheld['withdrawn']);
      expect(line?.handed_over).toBe(APPROVED - 1000);
      const { checks } = await operator.json<{ checks: { checked: number; violations: number }[] }>(
        { method: 'POST', path: '/v1/audits', json: {} },
      );
      expect(checks.filter((check) => check.violations > 0 || check.checked === 0)).toEqual([]);
      expect(failures).toEqual([]);
      await open.close();
      await registry.close();
    },
    600_000,
  );
});
