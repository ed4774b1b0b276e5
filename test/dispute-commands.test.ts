/** The commands of disputes, as a lender, an operator and an enquirer call them, in this process. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { main } from '../src/cli/commands.ts';
import { type OpenRegistry, openRegistry } from '../src/cli/home.ts';
import { openDispute } from '../src/registry/disputes.ts';
import { PDF, PERIOD } from './dispute-world.ts';
import { freePort } from './free-port.ts';
import { approvalsText, monthRow, tapeText } from './pair.ts';

const MAPPING = new URL('../examples/canonical.mapping.json', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'assent-dispute-'));
const at = (name: string) => join(folder, name);
const R = ['--home', at('r')];
const G = ['--home', at('g')];
const E = ['--home', at('e')];
let open: OpenRegistry;

async function assent(...words: string[]): Promise<string> {
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
    return process.exitCode === 0 ? said.out : said.err;
  } finally {
    process.exitCode = 0;
    out.mockRestore();
    err.mockRestore();
  }
}
const json = async <T>(...words: string[]) => JSON.parse(await assent(...words, '--json')) as T;

beforeAll(async () => {
  delete process.env['DATABASE_URL'];
  const ended = { status: 'closed', closed_on: '2026-01-20', balance_minor: '0' };
  writeFileSync(
    at('tape.csv'),
    tapeText([monthRow(1, PERIOD), { ...monthRow(2, PERIOD), ...ended }]),
  );
  writeFileSync(at('a.csv'), approvalsText([1, 2].map((n) => ({ n, events: ['given'] }))));
  writeFileSync(at('ledger.pdf'), PDF);
  mkdirSync(at('files'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await assent('registry', 'init', '--url', url, '--profile', 'US', ...R);
  open = await openRegistry(at('r'), () => {});
  await open.server.listen({ port, host: '127.0.0.1' });
  await assent('gateway', 'init', '--name', 'Lender', '--profile', 'US', ...G);
  await assent('enquirer', 'init', '--name', 'Bank', ...E);
  await assent('registry', 'admit', at('g/participant.json'), '--licence', '1', ...R);
  const asEnquirer = ['--licence', '2', '--role', 'enquirer'];
  await assent('registry', 'admit', at('e/participant.json'), ...asEnquirer, ...R);
  for (const program of ['gateway', 'enquirer'])
    await assent(program, 'connect', '--registry', url, '--home', at(program.slice(0, 1)));
  await assent('gateway', 'load', at('tape.csv'), '--mapping', MAPPING, ...G);
  await assent('gateway', 'import-authorisations', at('a.csv'), ...G);
  expect(await assent('gateway', 'hand-over', PERIOD, ...G)).toContain('received');
}, 240_000);
afterAll(async () => {
  await open.close();
  rmSync(folder, { recursive: true, force: true });
});

async function dispute(field: string) {
  const { rows } = await open.registry.db.query<{ subject_id: string; account_id: string }>(
    `select subject_id, account_id from account where closed_on is null order by revision limit 1`,
  );
  const [account = { subject_id: '', account_id: '' }] = rows;
  return openDispute(open.registry, account.subject_id, {
    claims: [{ field, account_id: account.account_id, period: PERIOD, evidence: [PDF] }],
  });
}

it('a lender is told, looks, answers, certifies and reinstates', async () => {
  const { claims } = await dispute('balance_minor');
  const id = claims[0]?.claim_id ?? '';
  expect(await assent('gateway', 'claims', ...G)).toMatch(/a1.*2026-01.*balance_minor.*1001/);
  await assent('gateway', 'claim', id, '--evidence', at('files'), ...G);
  const [file = ''] = readdirSync(at('files'));
  expect(file).toMatch(/\.pdf$/);
  expect(readFileSync(join(at('files'), file)).equals(PDF)).toBe(true);
  const answer = ['gateway', 'answer-claim', id, '--field-outcome'];
  expect(await assent(...answer, 'yes', ...G)).toContain('argument_invalid');
  expect(await assent(...answer, 'verified', '--reason', 'r', ...G)).toContain('answer_invalid');
  expect(await assent(...answer, 'corrected', '--value', '7', ...G)).toContain('hand the period');
  expect(await json('gateway', 'claims', ...G)).toEqual([]);
  expect(await json('gateway', 'claims', '--all', ...G)).toMatchObject([{ outcome: 'corrected' }]);

  const about = ['a1', '--field', 'balance_minor', '--period', PERIOD, '--reason', 'the ledger'];
  const certify = ['gateway', 'certify', ...about, '--value', '1001'];
  expect(await assent(...certify, ...G)).toContain('name --source');
  expect(await assent(...certify, '--source', at('ledger.pdf'), ...G)).toContain('certified at');
  const mistake = ['--reason', 'a mistake', '--source-sha256', 'a'.repeat(64), ...G];
  expect(await assent('gateway', 'reinstate', 'a1', ...mistake)).toContain('reinstate_needless');
  expect(await assent('gateway', 'reinstate', 'a2', ...mistake)).toContain(`over: ${PERIOD}`);
}, 120_000);

it('an operator reads, extends, decides, sweeps and purges', async () => {
  const { dispute_id, claims } = await dispute('limit_minor');
  const id = claims[0]?.claim_id ?? '';
  expect(await assent('registry', 'disputes', ...R)).toContain(dispute_id);
  expect(await assent('registry', 'dispute', dispute_id, ...R)).toContain('limit_minor');
  const because = ['--reason', 'as it was shown', ...R];
  expect(await assent('registry', 'decide', id, ...because)).toContain('argument_invalid');
  expect(await assent('registry', 'decide', dispute_id, '--extend', ...because)).toContain('due');
  const verified = ['registry', 'decide', id, '--decision', 'verified', ...because];
  expect(await assent(...verified)).toContain('answer_invalid');
  expect(await assent(...verified.with(4, 'upheld'))).toContain('upheld');
  const letter = await assent('registry', 'dispute', dispute_id, '--letter', 'zh', ...R);
  expect(letter).toContain('您的异议成立');
  expect(await assent('registry', 'sweep', ...R)).toContain('upheld 0');
  expect(await json('registry', 'purge', ...R)).toEqual({
    ...{ adverse_months: 0, access: 0, message: 0, evidence: 0 },
    ...{ report: 0, report_record: 0, enquiry: 0 },
  });
}, 120_000);

it('an operator enters what came by post, blocks identity theft and lifts the block', async () => {
  const { rows } = await open.registry.db.query<{ subject_id: string; account_id: string }>(
    'select subject_id, account_id from account where closed_on is null limit 1',
  );
  const [account = { subject_id: '', account_id: '' }] = rows;
  writeFileSync(at('report.pdf'), PDF);
  const claims = [{ field: 'account', account_id: account.account_id, evidence: ['report.pdf'] }];
  const { subject_id } = account;
  writeFileSync(
    at('letter.json'),
    JSON.stringify({ subject_id, ground: 'identity_theft', claims }),
  );
  writeFileSync(at('bare.json'), JSON.stringify({ subject_id }));
  const today = new Date().toISOString().slice(0, 10);
  const came = ['--channel', 'post', '--received', today, '--reason', 'letter 4711', ...R];
  expect(await assent('registry', 'enter-dispute', at('bare.json'), ...came)).toContain('no list');
  const entered = await json<{ dispute_id: string }>(
    'registry',
    'enter-dispute',
    at('letter.json'),
    ...came,
  );
  const id = entered.dispute_id;
  expect(await assent('registry', 'disputes', ...R)).toContain('identity theft: block by');
  expect(await assent('registry', 'dispute', id, ...R)).toContain(`came by post on ${today}`);
  const theft = ['registry', 'identity-theft', id, '--reason', 'as it was shown', ...R];
  expect(await assent(...theft, '--decision', 'decline')).toContain('theft_invalid');
  expect(await assent(...theft, '--decision', 'block')).toContain('blocked');
  expect(await assent('gateway', 'claims', '--all', ...G)).toContain('identity_theft');
  const lift = [...theft, '--decision', 'lift', '--ground', 'error'];
  expect(await assent(...lift)).toContain('lifted');
}, 120_000);

it('an enquirer reads its feed, each entry verified', async () => {
  const { rows } = await open.registry.db.query<{ subject_id: string; participant_id: string }>(
    `select s.subject_id, p.participant_id from account s, participant p
     where p.role = 'enquirer' and s.closed_on is null limit 1`,
  );
  const [look = { subject_id: '', participant_id: '' }] = rows;
  await open.registry.db.query(
    `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
     values ($1, $1, $2, 'Q1', 'permitted', $3)`,
    [look.subject_id, look.participant_id, new Date()],
  );
  await openDispute(open.registry, look.subject_id, {
    claims: [{ field: 'look', access_id: look.subject_id }],
  });
  expect(await assent('enquirer', 'feed', ...E)).toContain('look.disputed');
  const read = await json<{ entries: { type: string }[]; head: number }>('enquirer', 'feed', ...E);
  expect(read).toMatchObject({ head: 1, entries: [{ type: 'look.disputed' }] });
  expect(await json('enquirer', 'feed', '--after', '1', ...E)).toEqual({ entries: [], head: 1 });
}, 60_000);
