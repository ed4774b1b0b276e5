/**
 * Erasure of a person: what must stay is told and stays; when nothing must, no byte of the person
 * is left in the files of the database, nor in a dump made afterwards.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../src/database/database.ts';
import { migrate } from '../src/database/migrate.ts';
import { openPglite } from '../src/database/pglite.ts';
import { openPostgresql } from '../src/database/postgresql.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { loadKeyFile, rotateKeyFile } from '../src/keys/key-file.ts';
import { audit } from '../src/registry/audit.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { readCertificate, requestErasure, sweepErasures } from '../src/registry/erasures.ts';
import { merge } from '../src/registry/identity-actions.ts';
import { listCases } from '../src/registry/identity-cases.ts';
import { correctIdentity } from '../src/registry/identity-correction.ts';
import { compareWaiting } from '../src/registry/identity-pieces.ts';
import { allOwnedTables } from '../src/registry/owned-tables.ts';
import type { Registry } from '../src/registry/registry.ts';
import { rotateSubjectKeys } from '../src/registry/rotate-keys.ts';
import { makePerson } from '../src/world/people.ts';
import { seeded } from '../src/world/seeded.ts';
import { locate, registryOver, type Sent, send } from './identity-world.ts';
import {
  approvalsText,
  BACKENDS,
  bytesOf,
  lateMonthRow,
  load,
  monthRow,
  ownDatabase,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const operator = randomUUID();
const decision = { by_party: operator, why: 'the letter', evidence_sha256: 'a'.repeat(64) };
const asked = { by_party: operator, evidence_sha256: 'b'.repeat(64) };

/** The ways in which a text may stand in a file; base64 at each of its three alignments. */
function formsOf(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const aligned = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4)
      .slice(0, -4),
  );
  return [
    bytes,
    Buffer.from(text, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    ...aligned.map((each) => Buffer.from(each)),
  ];
}

function* filesUnder(folder: string): Generator<string> {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name);
    if (statSync(path, { throwIfNoEntry: false })?.isFile()) yield path;
  }
}

/** Which of the needles stand in the files of a folder, by their names. */
function foundIn(folder: string, needles: ReadonlyMap<string, readonly Buffer[]>): string[] {
  const found = new Set<string>();
  for (const path of filesUnder(folder)) {
    const bytes = readFileSync(path);
    for (const [name, forms] of needles)
      if (forms.some((form) => bytes.includes(form))) found.add(name);
  }
  return [...found].sort();
}

async function dump(db: Database): Promise<Buffer> {
  const { rows } = await db.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = current_schema()::regnamespace
       and relkind = 'r' and relname not like 'schema_%'`,
  );
  const chunks: Uint8Array[] = [];
  for (const { name } of rows)
    for await (const chunk of db.copyOut(`copy "${name}" to stdout`)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const HOUR = 3_600_000;

describe.each(BACKENDS)('the erasure of a person, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const folder = mkdtempSync(join(tmpdir(), 'assent-erasure-'));
  const home = join(folder, 'database');
  let at = new Date('2026-03-01T00:00:00Z');
  let place = home;
  let registry: Registry;
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function open(): Promise<Database> {
    if (backend === 'pglite') return openPglite(home);
    const url = (await ownDatabase(backend, 'assent_erasure')) ?? '';
    const db = await openPostgresql(url);
    const { rows } = await db.query<{ place: string }>(
      `select current_setting('data_directory') || '/base/' || oid as place from pg_database
       where datname = current_database()`,
    );
    place = rows[0]?.place ?? '';
    return db;
  }

  const person = makePerson(seeded(5), 1, false);
  const name = `${person.name}·Ærfugl`;
  const one: Sent = { ...person, ref: randomUUID(), kind: 'cn_resident_id', name };
  const passport: Sent = { ...one, ref: randomUUID(), kind: 'passport', number: 'C01X00T47' };

  async function secretsOf(id: string): Promise<Map<string, Buffer[]>> {
    const needles = new Map<string, Buffer[]>([
      ['name', formsOf(name)],
      ['number', formsOf(person.number)],
      ['birth date', formsOf(person.birth_date)],
      ['passport', formsOf('C01X00T47')],
    ]);
    const { rows } = await registry.db.query<Record<string, Uint8Array>>(
      `select s.wrapped_key, s.identity_sealed, s.details_hash, d.document_hash
       from subject s join subject_document d on d.subject_id = s.subject_id
       where s.subject_id = $1`,
      [id],
    );
    for (const row of rows)
      for (const [column, value] of Object.entries(row)) {
        const bytes = Buffer.from(value);
        const forms = [
          bytes,
          Buffer.from(bytes.toString('hex')),
          Buffer.from(bytes.toString('base64')),
        ];
        needles.set(column, [...(needles.get(column) ?? []), ...forms]);
      }
    return needles;
  }

  async function others(): Promise<void> {
    const world = seeded(8);
    const people = Array.from({ length: 30 }, (_, n) => makePerson(world, n + 10, false));
    await send(
      registry,
      randomUUID(),
      people.map((each) => ({ ...each, ref: randomUUID(), kind: 'cn_resident_id' })),
    );
  }

  it.skipIf(missing)('leaves no byte in the files or in a dump', async () => {
    const db = await open();
    await migrate(db, 'registry', () => at);
    registry = registryOver(db, folder, () => at);
    const furnisher = randomUUID();
    await send(registry, furnisher, [one]);
    const id = await locate(db, one.ref);
    const before = await secretsOf(id);
    await send(registry, furnisher, [passport, { ...one, ref: randomUUID(), name: 'Another' }]);
    const from_id = await locate(db, passport.ref);
    for (const [column, forms] of await secretsOf(from_id))
      before.set(column, [...(before.get(column) ?? []), ...forms]);
    await others();
    await compareWaiting(registry);
    expect((await listCases(registry, { state: 'open', after: '', limit: 9 })).cases.length).toBe(
      2,
    );
    await merge(registry, { from_id, into_id: id }, decision);
    const identity = { ...person, kind: 'cn_resident_id' as const, country: null, name };
    await correctIdentity(registry, id, { ...identity, name: `${name} II` }, decision);
    await db.query(
      `insert into subject_statement (subject_id, statement_id, language, text_sealed, made_at)
       select subject_id, $2, 'zh', identity_sealed, $3 from subject where subject_id = $1`,
      [id, randomUUID(), at],
    );
    for (const [column, forms] of await secretsOf(id))
      before.set(column, [...(before.get(column) ?? []), ...forms]);
    await db.query('analyze');
    await db.query('checkpoint');
    // The search finds what there is: hashes and wrapped keys, and never the identity itself.
    const isReadable = existsSync(place);
    const sealed = ['details_hash', 'document_hash', 'identity_sealed', 'wrapped_key'];
    if (isReadable) expect(foundIn(place, before)).toEqual(sealed);
    const answer = await requestErasure(registry, id, asked);
    expect(answer.stays).toEqual([]);
    expect((await requestErasure(registry, from_id, asked)).request_id).toBe(answer.request_id);
    expect(await sweepErasures(registry, true)).toEqual({ erased: 0, partly: 0 });
    at = new Date(at.getTime() + ((registry.profile?.erasure_notice_hours ?? 0) + 1) * HOUR);
    expect(await sweepErasures(registry, true)).toEqual({ erased: 1, partly: 0 });
    const dumped = await dump(db);
    const left = [...before].filter(([, forms]) => forms.some((form) => dumped.includes(form)));
    expect(left.map(([column]) => column)).toEqual([]);
    for (const { name: table } of await allOwnedTables(db)) {
      if (['erasure', 'authorisation_change'].includes(table)) continue;
      const { rows } = await db.query<{ n: number }>(
        `select count(*) as n from "${table}" where subject_id = any($1::uuid[])`,
        [[id, from_id]],
      );
      expect([table, rows[0]?.n]).toEqual([table, 0]);
    }
    const certificate = await readCertificate(registry, answer.request_id);
    expect(certificate.erased_rows).toMatchObject({ subject: 2, subject_document: 2 });
    await db.query('checkpoint');
    await db.close();
    if (!isReadable) return;
    expect(foundIn(place, before)).toEqual([]);
  });
});

describe.each(BACKENDS)('what must stay when a person asks to be erased, on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  let pair: Pair;
  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'erasing');
  });
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  const authorisationOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const end = (n: number) =>
    endAuthorisation(pair.registry, authorisationOf(n), {
      type: 'withdrawn',
      reason: 'subject_request',
      evidence_sha256: 'a'.repeat(64),
      by_party: operator,
      subject_id: null,
    });

  it.skipIf(missing)('is told with its reason, and the certificate counts what went', async () => {
    await load(pair.gateway, tapeText([monthRow(1, '2026-01'), lateMonthRow(2, '2026-01')]));
    const approvals = approvalsText([1, 2].map((n) => ({ n, events: ['given'] })));
    await importAuthorisations(pair.gateway, bytesOf(approvals));
    await handOver(pair.gateway, pair.link(), '2026-01');
    const { db } = pair.registry;
    const { rows } = await db.query<{ subject_id: string; authorisation_id: string }>(
      'select subject_id, authorisation_id from authorisation order by authorisation_id',
    );
    const [good = '', late = ''] = rows.map((row) => row.subject_id);
    const reasons = async (id: string) =>
      (await requestErasure(pair.registry, id, asked)).stays.map((each) => each.reason);
    expect(await reasons(good)).toEqual(['covered', 'live_authorisation']);
    expect(await reasons(late)).toEqual(['statutory_clock', 'live_authorisation']);
    await end(1);
    await end(2);
    expect(await reasons(good)).toEqual([]);
    expect(await reasons(late)).toEqual(['statutory_clock']);
    const hours = pair.registry.profile?.erasure_notice_hours ?? 0;
    const sweepAfter = (ms: number) =>
      sweepErasures({ ...pair.registry, now: () => new Date(Date.now() + ms) }, false);
    expect(await sweepAfter((hours + 1) * HOUR)).toEqual({ erased: 1, partly: 1 });
    expect(await sweepAfter((hours + 2) * HOUR)).toEqual({ erased: 0, partly: 1 });
    const left = await db.query<{ subject_id: string }>('select subject_id from subject');
    expect(left.rows).toEqual([{ subject_id: late }]);
    const months = await db.query<{ subject_id: string }>('select subject_id from account_month');
    expect(months.rows).toEqual([{ subject_id: late }]);
    expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
    // The records of what was approved stay for their years, of nobody.
    const records = async () =>
      (await db.query<{ subject_id: string }>('select subject_id from authorisation')).rows;
    expect((await records()).map((row) => row.subject_id).sort()).toEqual([good, late].sort());
    // The clocks run out in the end.
    expect(await sweepAfter(20 * 365 * 24 * HOUR)).toEqual({ erased: 1, partly: 0 });
    expect(await records()).toEqual([]);
    expect((await audit(pair.registry)).filter((line) => line.violations > 0)).toEqual([]);
  });
});

it('the keys of all people go under a new sealing key, and an old one is needed no more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'assent-rotation-'));
  const db = await openPglite();
  await migrate(db, 'registry', () => new Date());
  const registry = registryOver(db, folder);
  const world = seeded(6);
  const people = Array.from({ length: 7 }, (_, n) => ({
    ...makePerson(world, n, false),
    ref: randomUUID(),
    kind: 'cn_resident_id',
  }));
  await send(registry, randomUUID(), [...people, { ...people[0], name: 'Other' } as Sent]);
  const random = (bytes: number) => Buffer.alloc(bytes, Math.random().toString());
  rotateKeyFile(join(folder, 'keys.json'), 'sealing', { random, now: () => new Date() });
  const ring = loadKeyFile(join(folder, 'keys.json'), { random });
  expect(await rotateSubjectKeys(db, ring)).toBe(8);
  expect(await rotateSubjectKeys(db, ring)).toBe(0);
  const { rows } = await db.query<Record<string, Uint8Array>>('select wrapped_key from subject');
  for (const { wrapped_key = new Uint8Array() } of rows)
    expect(() => registry.ring.rewrap(wrapped_key)).toThrow('sealed_unreadable');
  await db.close();
  rmSync(folder, { recursive: true, force: true });
});
