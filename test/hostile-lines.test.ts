/**
 * A furnisher may send anything: true lines with one field replaced, over every kind of part. The
 * submission always ends, each row with one outcome, and nothing that was stored before changes.
 */
import { createHash, randomUUID } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { signJws } from '../src/keys/jws.ts';
import { rootOf } from '../src/log/merkle.ts';
import { leavesOf } from '../src/registry/authorisation-intake.ts';
import type { Outcome, PartKind, SubmissionView } from '../src/wire/part.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIOD = '2026-01';
let pair: Pair;
/** True parts as the gateway cuts them, by kind. */
const texts = new Map<PartKind, string>();

beforeAll(async () => {
  pair = await Pair.open('pglite', 'hostile');
  await load(pair.gateway, tapeText([1, 2, 3].map((n) => monthRow(n, PERIOD))));
  const approvals = approvalsText([1, 2, 3].map((n) => ({ n, events: ['given'] })));
  await importAuthorisations(pair.gateway, bytesOf(approvals));
  const link = pair.link();
  const recording = {
    ...link,
    api: {
      ...link.api,
      send: (request: Parameters<typeof link.api.send>[0]) => {
        const kind = request.query?.['kind'] as PartKind | undefined;
        if (kind && request.bytes) texts.set(kind, gunzipSync(request.bytes).toString('utf8'));
        return link.api.send(request);
      },
    },
  };
  const report = await handOver(pair.gateway, recording, PERIOD);
  expect(report.receipt?.outcomes.month.accepted).toBe(3);
  expect([...texts.keys()]).toEqual(['subject', 'account', 'authorisation', 'month']);
});
afterAll(() => pair.close());

/** What an honest signer says of the lines, whatever they hold. */
function treeOver(text: string): { size: number; root: string } {
  const leaves = leavesOf(text.split('\n').slice(0, -1), 1);
  return { size: leaves.length / 32, root: Buffer.from(rootOf(leaves)).toString('base64') };
}

async function submit(kind: PartKind, text: string): Promise<SubmissionView> {
  const id = randomUUID();
  const body = gzipSync(text);
  const rows = { subject: 0, account: 0, authorisation: 0, month: 0 };
  rows[kind] = Buffer.from(text).filter((byte) => byte === 10).length;
  const sha256 = createHash('sha256').update(text).digest('hex');
  const manifest = {
    submission_id: id,
    furnisher_id: pair.gateway.furnisher_id,
    period: PERIOD,
    rows,
    parts: [{ part_number: 1, kind, rows: rows[kind], sha256 }],
    authorisation_tree: treeOver(kind === 'authorisation' ? text : ''),
  };
  const api = pair.client();
  const path = `/v1/submissions/${id}`;
  await api.json({ method: 'PUT', path, json: { period: PERIOD } });
  await api.send({
    method: 'PUT',
    path: `${path}/parts/1`,
    query: { kind },
    bytes: body,
    headers: {
      'content-type': 'application/octet-stream',
      'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    },
  });
  const signed = await signJws(manifest, pair.gateway.ring, { typ: 'assent-manifest+jws' });
  await api.json({ method: 'POST', path: `${path}/completion`, json: { manifest: signed } });
  await pair.work;
  return api.json<SubmissionView>({ method: 'GET', path });
}

async function stored(): Promise<string> {
  const tables = [
    'account_month',
    'account',
    'subject',
    'authorisation',
    'authorisation_event',
    'authorisation_record',
  ];
  const texts = [];
  for (const table of tables) {
    const { rows } = await pair.registry.db.query<{ n: number; sum: string }>(
      `select count(*) as n, coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as sum
       from ${table} t`,
    );
    texts.push(JSON.stringify(rows[0]));
  }
  return texts.join();
}

const NASTY = fc.oneof(
  fc.constantFrom(
    '',
    '\\N',
    '\u0000',
    'NaN',
    '-0',
    '01',
    '1e9',
    '99999999999999999999',
    '2147483648',
    '2026-02-30',
    '0000-01-01',
    'infinity',
    '\\x00',
    '\\',
    "';drop table subject;--",
    '{}',
    'null',
    '\u{1F600}',
    '\ufeff',
  ),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
);
const clean = (text: string) => text.replace(/[\n\r]/g, ' ');

it('ends every submission, whatever a field holds', async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<PartKind>('subject', 'account', 'authorisation', 'month'),
      fc.nat(2),
      fc.nat(30),
      NASTY,
      async (kind, line, field, nasty) => {
        const lines = (texts.get(kind) ?? '').split('\n').slice(0, -1);
        if (kind === 'authorisation') {
          // A value somewhere inside the JSON of the line.
          const parts = (lines[line] ?? '').split('"');
          parts[(field * 2 + 1) % parts.length] = clean(nasty);
          lines[line] = parts.join('"');
        } else {
          const fields = (lines[line] ?? '').split('\t');
          fields[field % fields.length] = clean(nasty);
          lines[line] = fields.join('\t');
        }
        const before = await stored();
        const view = await submit(kind, `${lines.join('\n')}\n`);
        expect(pair.failures).toEqual([]);
        expect(['received', 'received_with_faults', 'rejected']).toContain(view.state);
        if (view.outcomes) {
          const { declared, ...ends } = view.outcomes[kind] as Outcome;
          expect(Object.values(ends).reduce((sum, n) => sum + n, 0)).toBe(declared);
          accepted += ends.accepted;
        }
        if (view.outcomes?.[kind].accepted === 0) expect(await stored()).toBe(before);
      },
    ),
    { numRuns: Number(process.env['HOSTILE_RUNS'] ?? 150) },
  );
  expect(accepted).toBeGreaterThan(0);
}, 600_000);

it.each([
  ['authorisation', '1\t{"subject_ref":"x"}\n'],
  ['authorisation', '1\tnull\n'],
  [
    'authorisation',
    '1\t{"subject_ref":"00000000-0000-4000-8000-000000000001","record":{"authorisation_id":"00000000-0000-4000-8000-000000000001"},"events":[]}\n',
  ],
  ['account', 'again'],
  ['month', ''],
] as const)('a %s part of %j ends too', async (kind, text) => {
  const account = (texts.get('account') ?? '').split('\n')[0] ?? '';
  const twice = `${account}\n${account.replace(/^1/, '2')}\n`;
  const view = await submit(kind, text === 'again' ? twice : text);
  expect(pair.failures).toEqual([]);
  expect(['received', 'received_with_faults', 'rejected']).toContain(view.state);
});
