/** The commands of enquiries and reports, in this process: what people read and machines parse. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { type OpenRegistry, openRegistry } from '../src/cli/home.ts';
import { findAlerts } from '../src/registry/alerts.ts';
import { freePort } from './free-port.ts';

const folder = mkdtempSync(join(tmpdir(), 'assent-enquiry-'));
const at = (name: string) => join(folder, name);
const R = ['--home', at('r')];
const E = ['--home', at('e')];
const NOBODY = '0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f';
let registry: OpenRegistry;
const ids = { Q1: randomUUID(), Q2: randomUUID() };

async function assent(...words: string[]): Promise<{ out: string; err: string; exit: number }> {
  const said = { out: '', err: '' };
  const keep = (to: 'out' | 'err') => (text: unknown) => {
    said[to] += String(text);
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(keep('out') as never);
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(keep('err') as never);
  process.exitCode = 0;
  try {
    await main(['node', 'assent', ...words]);
    return { ...said, exit: Number(process.exitCode) };
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
  }
}
async function json<T>(...words: string[]): Promise<T> {
  const { out, err, exit } = await assent(...words, '--json');
  expect(`${words.join(' ')}: ${exit} ${err}`).toBe(`${words.join(' ')}: 0 `);
  return JSON.parse(out) as T;
}

/** An account of the person with three months, the second of them late. */
async function furnish(): Promise<void> {
  const { db, registry_id } = registry.registry;
  const account = randomUUID();
  const { rows } = await db.query<{ subject_id: string }>('select subject_id from subject');
  const subject = rows[0]?.subject_id ?? '';
  await db.query(
    `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind, brand,
       currency, opened_on, submission_id)
     values ($1, $2, 1, $3, $2, 'revolving_line', 'Some Brand', 'CNY', '2026-08-02', $2)`,
    [subject, account, registry_id],
  );
  for (const [month, days] of [
    ['2026-08', 0],
    ['2026-09', 31],
    ['2026-10', 0],
  ] as const) {
    // sql: a period of this test's own; DDL takes no parameters.
    await db.query(`create table account_month_${month.replace('-', '_')} partition of account_month
      for values from ('${month}-01') to ('${month}-28')`);
    await db.query(
      `insert into account_month (subject_id, account_id, period, revision, as_of, status, limit_minor,
         balance_minor, days_past_due, past_due_minor, authorisation_id, submission_id, row_number)
       values ($1, $2, $3::date, 1, $3::date + 26, 'open', 500000, 123456, $4, 700, $2, $2, 1)`,
      [subject, account, `${month}-01`, days],
    );
  }
}

beforeAll(async () => {
  // Each command listens to both, as one does in a process of its own.
  for (const stream of [process.stdout, process.stderr]) stream.setMaxListeners(0);
  delete process.env['DATABASE_URL'];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await assent('registry', 'init', '--url', url, '--profile', 'CN', ...R);
  registry = await openRegistry(at('r'), (error) => {
    throw error;
  });
  await registry.server.listen({ port, host: '127.0.0.1' });
  await assent('enquirer', 'init', '--name', 'Other Lender', ...E);
  const card = at('e/participant.json');
  await json('registry', 'admit', card, '--licence', '2', '--role', 'enquirer', ...R);
  await json('enquirer', 'connect', '--registry', url, ...E);
  const doc = readFileSync(new URL('../docs/DATA.md', import.meta.url), 'utf8');
  const [, example = ''] = /### An enquirer's[\s\S]*?```json\n([\s\S]*?)```/.exec(doc) ?? [];
  for (const [purpose, authorisation_id] of Object.entries(ids)) {
    const columns = { ...(JSON.parse(example) as object), purpose, authorisation_id };
    writeFileSync(at('authorise.json'), JSON.stringify({ ...columns, fetch: 'PERIODIC' }));
    await json('enquirer', 'authorise', at('authorise.json'), ...E);
  }
  await furnish();
}, 120_000);
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

it('an enquiry prints a report with its grid, and the same again', async () => {
  const ask = ['enquirer', 'enquiry', ids.Q1, '--purpose', '02'];
  const said = await assent(...ask, '--person', at('authorise.json'), ...E);
  expect(said).toMatchObject({ exit: 0, err: '' });
  expect(said.out).toContain('Some Brand (Operator): revolving_line, opened 2026-08-02');
  expect(said.out).toContain('as of 2026-10-27: open, owes');
  expect(said.out).toMatch(/\/ \/ N 2 N\n/);
  expect(said.out).toContain('worst days late in 3, 6, 12, 24, 60 months: 31');
  for (const secret of ['X00000000', 'Nobody Atall', '1990'])
    expect(said.out).not.toContain(secret);
  const answer = await json<{ enquiry_id: string; report: object; report_id: string }>(
    ...ask,
    ...E,
  );
  expect(await json('enquirer', 'report', answer.enquiry_id, ...E)).toEqual(answer.report);
  const rebuilt = await json<{ report: object; sha256: string }>(
    ...['registry', 'rebuild-report', answer.report_id, '--reason', 'a test', ...R],
  );
  expect(rebuilt).toMatchObject({
    report: answer.report,
    sha256: expect.stringMatching(/^\w{64}$/),
  });
});

it('a refusal ends with 1 and names its reason; a wrong call with 2', async () => {
  const refused = await assent('enquirer', 'enquiry', NOBODY, '--purpose', '02', ...E);
  expect([refused.exit, refused.out]).toEqual([1, expect.stringContaining('no_authorisation')]);
  const unknown = await assent('enquirer', 'enquiry', ids.Q1, '--purpose', '99', ...E);
  expect(unknown.out).toContain('refused: purpose_not_permitted');
  const form = await assent('enquirer', 'enquiry', ids.Q1, '--purpose', '02', '--form', 'x', ...E);
  expect([form.exit, form.err]).toEqual([2, expect.stringContaining('full or summary')]);
  const none = await assent('registry', 'rebuild-report', NOBODY, '--reason', 'a test', ...R);
  expect([none.exit, none.err]).toEqual([1, expect.stringContaining('report_unknown')]);
});

it('a portfolio is listed and refreshed, and its alerts are shown', async () => {
  expect((await assent('enquirer', 'portfolio', ...E)).out).toContain(ids.Q2);
  const refreshed = await assent('enquirer', 'refresh', '--purpose', '01', ...E);
  expect(refreshed.out).toContain('thin');
  await findAlerts(registry.registry);
  await registry.registry.db.query(
    `insert into subject_block (subject_id, block_id, kind, reason, placed_at)
     select subject_id, $1, 'freeze', 'other', '2026-01-01' from subject`,
    [randomUUID()],
  );
  await findAlerts(registry.registry);
  expect((await assent('enquirer', 'alerts', ...E)).out).toMatch(/freeze/);
  expect(await json('enquirer', 'alerts', '--after', '1', ...E)).toEqual([]);
  const frozen = await assent('enquirer', 'enquiry', ids.Q1, '--purpose', '02', ...E);
  expect(frozen.out).toContain('refused: frozen');
});

it('the operator sees a report, traced', async () => {
  const { db } = registry.registry;
  const { rows } = await db.query<{ subject_id: string }>('select subject_id from subject');
  const id = rows[0]?.subject_id ?? '';
  const said = await assent('registry', 'report', id, '--reason', 'a question', ...R);
  expect(said.out).toContain('suppressed (frozen)');
  const traces = await db.query(`select 1 from access where reason = 'a question'`);
  expect(traces.rows).toHaveLength(1);
});
