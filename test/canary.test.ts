/**
 * No identity value in any output: people with names and numbers found nowhere else go through
 * everything that works and everything that fails, then every report, error, log line and table
 * is searched for them, in clear and in hexadecimal.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { csvLines } from '../src/cli/csv-lines.ts';
import type { Database } from '../src/database/database.ts';
import { explainAccount } from '../src/gateway/explain.ts';
import { EXPORT_FORMS, exportAuthorisation } from '../src/gateway/exports.ts';
import { FAULT_COLUMNS, tapeFaults } from '../src/gateway/faults.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { noticesDue } from '../src/gateway/notices-due.ts';
import { sweep } from '../src/gateway/sweep.ts';
import { AssentError } from '../src/model/error.ts';
import { previewErasure } from '../src/registry/erasures.ts';
import { listIdentityEvents, merge } from '../src/registry/identity-actions.ts';
import { listCases } from '../src/registry/identity-cases.ts';
import { correctIdentity } from '../src/registry/identity-correction.ts';
import { compareWaiting } from '../src/registry/identity-pieces.ts';
import { makePerson } from '../src/world/people.ts';
import { seeded } from '../src/world/seeded.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIOD = '2026-01';
let pair: Pair;
const log: string[] = [];
beforeAll(async () => {
  pair = await Pair.open('pglite', 'canary', { write: (line) => log.push(line) });
});
afterAll(() => pair.close());

const random = seeded(7);
const people = Array.from({ length: 6 }, (_, n) => {
  const person = makePerson(random, n, false);
  return { ...person, name: `${person.name}金丝雀` };
});
const outputs: string[] = [];

function keep(value: unknown): void {
  if (value instanceof AssentError)
    outputs.push(value.message, value.detail, value.remedy, value.stack ?? '', String(value.cause));
  else outputs.push(typeof value === 'string' ? value : JSON.stringify(value));
}

async function dump(db: Database): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')`,
  );
  const texts: string[] = [];
  for (const { name } of rows) {
    const table = await db.query<{ line: string }>(`select t::text as line from "${name}" t`);
    texts.push(...table.rows.map((row) => row.line));
  }
  return texts.join('\n');
}

function rowOf(n: number, over: Record<string, string> = {}): Record<string, string> {
  const person = people[n];
  if (!person) throw new Error('no such person');
  return {
    ...monthRow(n, PERIOD),
    identity_kind: 'cn_resident_id',
    identity_number: person.number,
    name: person.name,
    birth_date: person.birth_date,
    ...over,
  };
}

it('finds no canary in any report, error, log line or table', async () => {
  const wrongDigit = (number: string) => number.slice(0, 17) + (number.endsWith('1') ? '2' : '1');
  const number = (n: number) => people[n]?.number ?? '';
  const tape = tapeText([
    rowOf(0),
    rowOf(1),
    rowOf(2, { identity_number: wrongDigit(number(2)) }),
    rowOf(3, { account_ref: number(3) }),
    rowOf(4, { identity_kind: 'us_ssn' }),
    rowOf(5, { balance_minor: people[5]?.name ?? '', status: number(5) }),
  ]);
  const report = await load(pair.gateway, tape);
  keep(report);
  for await (const page of tapeFaults(pair.gateway.db, report.tape_id))
    keep(csvLines(page, FAULT_COLUMNS));
  for (const broken of [
    tape.slice(0, tape.length / 2).concat('"'),
    Buffer.from(tape, 'utf16le'),
    tape.replace('identity_number', number(1)),
  ])
    keep(await load(pair.gateway, broken).catch((error: unknown) => error));
  const approvals = approvalsText([
    { n: 0, events: ['given'] },
    { n: 1, events: ['given'] },
    { n: 9, events: ['given'] },
  ]);
  keep(await importAuthorisations(pair.gateway, bytesOf(approvals)));
  keep(
    await importAuthorisations(
      pair.gateway,
      bytesOf(approvals.replaceAll('c0', number(0)).replaceAll('PERIODIC', number(1))),
    ),
  );
  const handed = await handOver(pair.gateway, pair.link(), PERIOD);
  keep(handed);
  expect(handed.receipt?.outcomes.month.accepted).toBe(2);
  keep(await explainAccount(pair.gateway, 'a0', PERIOD, new Date()));
  const parties = {
    provider: { name: 'L', address: 'A', contact: 'C' },
    storage_locations: ['CN'],
  };
  for (const form of EXPORT_FORMS)
    keep(
      await exportAuthorisation(
        { ...pair.gateway, parties },
        '00000000-0000-4000-8000-000000000000',
        form,
      ),
    );
  keep(await compareWaiting(pair.registry));
  keep(await listCases(pair.registry, { state: null, after: '', limit: 100 }));
  const { rows: held } = await pair.registry.db.query<{ subject_id: string }>(
    'select subject_id from subject order by subject_id',
  );
  const [from_id = '', into_id = ''] = held.map((row) => row.subject_id);
  const decision = { by_party: from_id, why: 'papers', evidence_sha256: 'a'.repeat(64) };
  keep(await merge(pair.registry, { from_id, into_id }, decision));
  const { name = '', number: canary = '', birth_date = '' } = people[5] ?? {};
  const given = {
    kind: 'cn_resident_id' as const,
    country: null,
    number: canary,
    name,
    birth_date,
  };
  const wrong = { ...given, number: wrongDigit(canary) };
  keep(
    await correctIdentity(pair.registry, into_id, wrong, decision).catch((error: unknown) => error),
  );
  keep(await correctIdentity(pair.registry, into_id, given, decision));
  keep(await listIdentityEvents(pair.registry, null, 100));
  keep(await pair.registry.db.transaction((s) => previewErasure(pair.registry, s, into_id)));
  keep(await sweep(pair.gateway));
  keep(await noticesDue(pair.gateway.db, 0, 10));
  const api = pair.client();
  keep(await api.json({ method: 'GET', path: '/v1/submissions' }));
  keep(
    await api
      .send({ method: 'GET', path: `/v1/submissions/${encodeURIComponent(number(0))}` })
      .catch((error: unknown) => error),
  );
  keep(
    await api
      .json({
        method: 'POST',
        path: '/v1/files',
        json: {
          reason: 'a look',
          identity: { kind: 'cn_resident_id', country: null, number: number(0) },
        },
      })
      .catch((error: unknown) => error),
  );
  outputs.push(await dump(pair.gateway.db), await dump(pair.registry.db), ...log);
  expect(log.length).toBeGreaterThan(5);
  expect(outputs.some((text) => text.includes('V03'))).toBe(true);
  const all = outputs.join('\n');
  const canaries = people.flatMap((person) => [person.number, person.name]);
  const spelt = canaries.flatMap((text) => [text, Buffer.from(text).toString('hex')]);
  expect(spelt.filter((text) => all.includes(text)).length).toBe(0);
});
