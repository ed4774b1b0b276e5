/**
 * Rows that the registry does not take: fetched page by page, shown by the lender's own numbers;
 * and a receipt that does not agree with them is not believed.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { coverage } from '../src/gateway/coverage.ts';
import { handOver, type Registry as Link } from '../src/gateway/hand-over.ts';
import { handOverFaults, listHandOvers } from '../src/gateway/hand-overs.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { AssentError } from '../src/model/error.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const CLIENTS = [1, 2, 3, 4, 5];
/** Those whose accounts the registry lost. */
const LOST = ['a2', 'a4', 'a5'];
let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open('pglite', 'faults');
});
afterAll(() => pair.close());

/** A second period of which the registry will reject the months of LOST. */
beforeEach(async () => {
  await pair.empty();
  const { gateway, registry } = pair;
  await load(gateway, tapeText(CLIENTS.map((n) => monthRow(n, '2026-01'))));
  const approvals = approvalsText(CLIENTS.map((n) => ({ n, events: ['given'] })));
  await importAuthorisations(gateway, bytesOf(approvals));
  await handOver(gateway, pair.link(), '2026-01');
  await load(gateway, tapeText(CLIENTS.map((n) => monthRow(n, '2026-02'))));
  const { rows } = await gateway.db.query<{ id: string }>(
    'select account_id as id from account where account_ref = any($1::text[])',
    [LOST],
  );
  await registry.db.query('delete from account_locator where account_ref = any($1::uuid[])', [
    rows.map((row) => row.id),
  ]);
});

/** The link, with the answer to each request for faults changed. */
function withFaults(change: (query: Record<string, string>) => object | null): Link {
  const link = pair.link();
  const json: Link['api']['json'] = async (request) => {
    if (!request.path.endsWith('/faults')) return link.api.json(request);
    const query = { ...request.query };
    const answer = change(query);
    return (answer ?? (await link.api.json({ ...request, query }))) as never;
  };
  return { ...link, api: { ...link.api, json } };
}

it('keeps every fault, one page at a time, and names the accounts', async () => {
  let pages = 0;
  const link = withFaults((query) => {
    pages += 1;
    query['limit'] = '1';
    return null;
  });
  const report = await handOver(pair.gateway, link, '2026-02');
  expect(report.receipt?.outcomes.month).toMatchObject({ declared: 5, accepted: 2, rejected: 3 });
  expect(pages).toBe(4);
  const faults = [];
  for await (const page of handOverFaults(pair.gateway.db, report.handover_id ?? ''))
    faults.push(...page);
  expect(faults.map(({ ref }) => ref).sort()).toEqual(LOST);
  expect(faults[0]).toMatchObject({ kind: 'month', outcome: 'rejected', rule: 'V01_ACCOUNT' });
  expect(faults.every((fault) => fault.remedy !== '')).toBe(true);
  const [line] = await coverage(pair.gateway, '2026-02');
  expect(line).toMatchObject({ in_scope: 5, authorised: 5, handed_over: 2, of_authorised: 0.4 });
});

it.each([
  ['hides', { faults: [], next: null }],
  [
    'adds to',
    {
      faults: [1, 2, 3, 4, 5].map((row_number) => ({
        kind: 'month',
        row_number,
        outcome: 'rejected',
        rule: 'V01_ACCOUNT',
        severity: 'reject',
        field: null,
      })),
      next: null,
    },
  ],
])('does not believe a registry that %s its faults, and asks again later', async (_, answer) => {
  const failed = await handOver(
    pair.gateway,
    withFaults(() => answer),
    '2026-02',
  ).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(AssentError);
  expect((failed as AssentError).code).toBe('receipt_wrong');
  const [running] = await listHandOvers(pair.gateway.db, '2026-02', 10);
  expect(running?.state).toBe('decided');
  const report = await handOver(pair.gateway, pair.link(), '2026-02');
  expect(report.receipt?.outcomes.month.accepted).toBe(2);
});

it('does not count what was withdrawn since above the whole', async () => {
  await handOver(pair.gateway, pair.link(), '2026-02');
  const withdrawn = approvalsText(
    CLIENTS.map((n) => ({ n, events: n <= 2 ? ['given', 'withdrawn'] : ['given'] })),
  );
  await importAuthorisations(pair.gateway, bytesOf(withdrawn));
  const [line] = await coverage(pair.gateway, '2026-01');
  expect(line).toMatchObject({
    in_scope: 5,
    authorised: 3,
    handed_over: 5,
    of_in_scope: 1,
    of_authorised: 1,
    withheld: { withdrawn: 2 },
  });
});
