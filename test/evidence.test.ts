/**
 * Evidence for authorisations, end to end: what is stored stands under a signed root, can be
 * proven at either side and verified offline; replays are idempotent or refused with a trace;
 * whoever alters the store is found out.
 */
import { spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditBatches } from '../src/authorisation/audit-batches.ts';
import {
  type AuthorisationProof,
  proveAuthorisation,
  verifyProof,
} from '../src/authorisation/proof.ts';
import { crashing } from '../src/database/crashing.ts';
import { appendEvent, recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { signJws } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { rootOf } from '../src/log/merkle.ts';
import { AssentError } from '../src/model/error.ts';
import { leavesOf } from '../src/registry/authorisation-intake.ts';
import type { PartKind, RowFault, SubmissionView } from '../src/wire/part.ts';
import {
  approvalColumns,
  approvalsText,
  BACKENDS,
  bytesOf,
  load,
  monthRow,
  Pair,
  SERVER_URL,
  tapeText,
} from './pair.ts';

const ASSENT = new URL('../bin/assent.ts', import.meta.url).pathname;
const PERIOD = '2026-01';
const CLIENTS = [1, 2, 3, 4, 5];
const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const ALL_GIVEN = CLIENTS.map((n) => ({ n, events: ['given'] }));

const columnsOf = (n: number, over: object = {}) => approvalColumns(n, idOf(n), over);

async function codeOf(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof AssentError ? `${error.code} ${error.detail}` : 'none';
}

describe.each(BACKENDS)('evidence on %s', (backend) => {
  const missing = backend === 'postgresql' && !SERVER_URL;
  const name = (text: string) =>
    missing ? `${text} (skipped: TEST_DATABASE_URL is not set)` : text;
  let pair: Pair;

  beforeAll(async () => {
    if (!missing) pair = await Pair.open(backend, 'evidence');
  }, 120_000);
  afterAll(async () => {
    if (!missing) await pair.close();
  });
  beforeEach(async () => {
    if (missing) return;
    await pair.empty();
    await load(pair.gateway, tapeText(CLIENTS.map((n) => monthRow(n, PERIOD))));
  }, 120_000);
  const test = (text: string, run: () => Promise<void>) =>
    it.skipIf(missing)(name(text), run, 120_000);

  const importAll = (text: string) => importAuthorisations(pair.gateway, bytesOf(text));
  const proofAt = async (n: number) =>
    (await proveAuthorisation(pair.gateway.db, { authorisation_id: idOf(n), provider_id: null }))
      .proof;
  const signer = () => ({
    participant_id: pair.gateway.furnisher_id,
    keys: { keys: pair.gateway.ring.publicKeys },
  });
  const batches = async () =>
    (
      await pair.gateway.db.query<{ size: number; is_signed: boolean }>(
        'select size, signed is not null as is_signed from authorisation_batch order by opened_at, size desc',
      )
    ).rows;
  const traced = async (side: 'gateway' | 'registry') =>
    (
      await pair[side].db.query<{ authorisation_id: string | null; why: string; by_party: string }>(
        'select authorisation_id, why, by_party from authorisation_refusal order by at, why',
      )
    ).rows.map(({ authorisation_id, why }) => [authorisation_id, why]);
  const violations = async (side: 'gateway' | 'registry') =>
    (await auditBatches(pair[side].db)).map((line) => line.violations);

  test('an import is one signed batch, an answer a batch of one, and each is proven', async () => {
    await importAll(approvalsText(ALL_GIVEN.slice(0, 4)));
    await recordOne(pair.gateway, columnsOf(5));
    await appendEvent(pair.gateway, idOf(1), {
      event: 'withdrawn',
      event_at: '2025-02-01T00:00:00Z',
      event_reason: 'asked by phone',
    });
    expect(await batches()).toEqual([
      { size: 4, is_signed: true },
      { size: 1, is_signed: true },
      { size: 1, is_signed: true },
    ]);
    for (const n of CLIENTS) {
      const proof = await proofAt(n);
      const verified = await verifyProof(JSON.parse(JSON.stringify(proof)), signer());
      expect(verified.problems).toEqual([]);
      expect(verified.state).toBe(n === 1 ? 'withdrawn' : 'given');
      expect(JSON.stringify(proof)).not.toMatch(/"c\d"|"a\d"/);
    }
    expect(await violations('gateway')).toEqual([0, 0, 0]);
  });

  test('nothing of a proof can be altered unnoticed', async () => {
    await importAll(approvalsText(ALL_GIVEN));
    const proof = await proofAt(2);
    const other = await proofAt(3);
    const { record } = proof;
    const altered: Record<string, unknown> = {
      ...{ record: { ...proof, record: { ...record, language: 'en' } } },
      events: {
        ...proof,
        events: proof.events.map((e) => ({ ...e, at: '2025-01-02T00:00:00.000Z' })),
      },
      later: {
        ...proof,
        events: [...proof.events, { ...proof.events[0], seq: 2, type: 'paused' }],
      },
      person: { ...proof, subject_ref: other.subject_ref },
      place: { ...proof, leaf_index: other.leaf_index },
      path: { ...proof, path: [...proof.path].reverse() },
      signature: { ...proof, signed: `${proof.signed.slice(0, -4)}AAAA` },
      shape: { ...proof, more: 1, version: 'x' },
      nothing: null,
    };
    for (const [what, value] of Object.entries(altered)) {
      const { problems } = await verifyProof(value, signer());
      expect(problems.length, what).toBeGreaterThan(0);
    }
    const stranger = pair.newRing(`stranger-${randomUUID()}`);
    const others = { participant_id: null, keys: { keys: stranger.publicKeys } };
    expect((await verifyProof(proof, others)).problems.join()).toContain('signature');
    const wrongCard = { ...signer(), participant_id: randomUUID() };
    expect((await verifyProof(proof, wrongCard)).problems.join()).toContain('another participant');
  });

  test('the command says what holds and what does not, by its exit code', async () => {
    await importAll(approvalsText(ALL_GIVEN));
    const folder = mkdtempSync(join(tmpdir(), 'assent-proof-'));
    const file = (what: string, value: unknown) => {
      const path = join(folder, what);
      writeFileSync(path, JSON.stringify(value));
      return path;
    };
    const proof = await proofAt(1);
    const { participant_id, keys } = signer();
    const good = file('good.json', proof);
    const bad = file('bad.json', { ...proof, leaf_index: 1 });
    const card = file('participant.json', { participant_id, name: 'Lender', jwks: keys });
    const verify = (path: string, by: string) =>
      spawnSync(process.execPath, [ASSENT, 'verify-authorisation', path, '--keys', by], {
        encoding: 'utf8',
      });
    for (const by of [card, file('jwks.json', keys)])
      expect(verify(good, by)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^proven/),
      });
    expect(verify(bad, card)).toMatchObject({ status: 1, stdout: expect.stringMatching(/^NOT/) });
    expect(verify(good, file('none.json', {}))).toMatchObject({ status: 2 });
    rmSync(folder, { recursive: true });
  });

  test('an import that dies in the middle is finished and signed by the next one', async () => {
    const many = Array.from({ length: 5_000 }, (_, n) => ({ n: n + 10, events: ['given'] }));
    await pair.gateway.db.query(
      `insert into customer (subject_id, subject_ref, identity_kind, identity_hash, identity_version,
         wrapped_key, identity_sealed, tape_id)
       select gen_random_uuid(), 'c' || n, 'x', '', 1, '', '', gen_random_uuid()
       from generate_series(10, 5009) n`,
    );
    const healthy = pair.gatewayStore.current;
    const count = crashing(healthy, { statement: Number.POSITIVE_INFINITY, when: 'before' });
    pair.gatewayStore.current = count;
    await importAll(approvalsText(many.slice(0, 10)));
    const statements = count.count();
    // Past the first chunk of 2,000, before the end.
    pair.gatewayStore.current = crashing(healthy, { statement: statements + 6, when: 'after' });
    await expect(importAll(approvalsText(many))).rejects.toThrow('died');
    pair.gatewayStore.current = healthy;
    const open = (await batches()).filter(({ is_signed }) => !is_signed);
    expect(open).toHaveLength(1);
    const proven = proveAuthorisation(healthy, { authorisation_id: idOf(100), provider_id: null });
    expect(await codeOf(proven)).toContain('authorisation_unproven');
    const report = await importAll(approvalsText(many));
    expect(report.stored + report.unchanged).toBe(5_000);
    expect(report.unchanged).toBeGreaterThan(1_000);
    const sizes = await batches();
    expect(sizes.every(({ is_signed }) => is_signed)).toBe(true);
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBe(5_000);
    expect(await violations('gateway')).toEqual([0, 0, 0]);
  });

  test('the audit finds an altered record, event, person, leaf and signature', async () => {
    const alterations = [
      `update authorisation_record set record = replace(record::text, '"zh"', '"en"')::json`,
      `update authorisation_event set at = at + interval '1 hour'`,
      'update authorisation set subject_ref = gen_random_uuid()',
      'delete from authorisation_leaves',
      'update authorisation_batch set signed = null',
      'update authorisation_event set batch_id = null',
      `update authorisation_event set leaf_index = 4 - leaf_index`,
    ];
    for (const alteration of alterations) {
      await pair.gateway.db.query('delete from authorisation');
      await pair.gateway.db.query('delete from authorisation_record');
      await pair.gateway.db.query('delete from authorisation_event');
      await pair.gateway.db.query('delete from authorisation_batch');
      await pair.gateway.db.query('delete from authorisation_leaves');
      await importAll(approvalsText(ALL_GIVEN));
      expect(await violations('gateway')).toEqual([0, 0, 0]);
      await pair.gateway.db.query(alteration);
      const found = await violations('gateway');
      expect(
        found.reduce((sum, n) => sum + n, 0),
        alteration,
      ).toBeGreaterThan(0);
    }
  });

  test('replays through the API and the import: idempotent, or refused and traced', async () => {
    const { gateway } = pair;
    await recordOne(gateway, columnsOf(1));
    const withdrawn = { event: 'withdrawn', event_at: '2025-03-01T00:00:00Z' };
    await appendEvent(gateway, idOf(1), { event: 'paused', event_at: '2025-02-01T00:00:00Z' });
    await appendEvent(gateway, idOf(1), withdrawn);
    // Exact retries, also of fewer events than are held by now.
    expect((await recordOne(gateway, columnsOf(1))).result).toBe('unchanged');
    expect((await appendEvent(gateway, idOf(1), withdrawn)).result).toBe('unchanged');
    const paused = { event: 'paused', event_at: '2025-02-01T00:00:00Z' };
    expect((await appendEvent(gateway, idOf(1), paused)).result).toBe('unchanged');
    const again = approvalsText([{ n: 1, events: ['given'] }]);
    expect(await importAll(again)).toMatchObject({ stored: 0, unchanged: 1, faults: [] });
    expect(await traced('gateway')).toEqual([]);

    // Altered: the record, a past event in a shorter list, the person; through both doors.
    const past = [{ event: 'given', event_at: '2025-01-01T00:00:01Z' }];
    const alterations: [object, string][] = [
      [{ language: 'en' }, 'record'],
      [{ events: past }, 'events'],
      [{ events: [...past, { event: 'withdrawn', event_at: '2025-04-01T00:00:00Z' }] }, 'events'],
      [{ subject_ref: 'c2' }, 'person'],
    ];
    for (const [over] of alterations)
      expect(await codeOf(recordOne(gateway, columnsOf(1, over)))).toContain('altered');
    const report = await importAll(again.replace(',c1,', ',c3,'));
    expect(report.faults.map(({ row, field }) => [row, field])).toEqual([[2, 'authorisation_id']]);
    expect(await codeOf(appendEvent(gateway, idOf(1), paused).then(() => null))).toBe('none');
    const invalid = { event: 'refused', event_at: '2025-05-01T00:00:00Z' };
    expect(await codeOf(appendEvent(gateway, idOf(1), invalid))).toContain('event_not_next');
    const whys = [...alterations.map(([, why]) => why), 'person', 'event'];
    expect((await traced('gateway')).sort()).toEqual(whys.map((why) => [idOf(1), why]).sort());
    expect(await violations('gateway')).toEqual([0, 0, 0]);
  });

  test('the same id twice in one file: the same, longer, or altered', async () => {
    const [header, one = ''] = approvalsText([{ n: 1, events: ['given'] }]).split('\n');
    const [, two] = approvalsText([{ n: 2, events: ['given'] }]).split('\n');
    const longer = approvalsText([{ n: 1, events: ['given', 'withdrawn'] }])
      .split('\n')
      .slice(1, 3);
    const lines = [header, one, two, one, two, ...longer, two, one.replace('zh', 'en')];
    const report = await importAll(`${lines.join('\n')}\n`);
    expect(report).toMatchObject({ stored: 3, unchanged: 3 });
    expect(report.faults.map(({ row }) => row)).toEqual([9]);
    expect(await traced('gateway')).toEqual([[idOf(1), 'record']]);
    const { rows } = await pair.gateway.db.query(
      'select state, last_seq from authorisation order by authorisation_id',
    );
    expect(rows).toEqual([
      { state: 'withdrawn', last_seq: 2 },
      { state: 'given', last_seq: 1 },
    ]);
    expect(await violations('gateway')).toEqual([0, 0, 0]);
  });

  test('other ids are refused alike, whether they exist or not', async () => {
    await recordOne(
      pair.gateway,
      columnsOf(1, { authorisation_id: 'aaaaaaaa-0000-4000-8000-00000000000a' }),
    );
    const known = 'aaaaaaaa-0000-4000-8000-00000000000a';
    const event = { event: 'withdrawn', event_at: '2025-03-01T00:00:00Z' };
    const asked = [known.toUpperCase(), known.slice(0, -1), randomUUID(), 'x'];
    const answers = [];
    for (const id of asked) answers.push(await codeOf(appendEvent(pair.gateway, id, event)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('authorisation_unknown');
    expect((await traced('gateway')).map(([, why]) => why)).toEqual(asked.map(() => 'unknown'));
  });

  /** Hands over, and keeps the parts' texts by kind. */
  async function handOverRecording(): Promise<Map<PartKind, string>> {
    const texts = new Map<PartKind, string>();
    const link = pair.link();
    const send: typeof link.api.send = (request) => {
      const kind = request.query?.['kind'] as PartKind | undefined;
      if (kind && request.bytes) texts.set(kind, gunzipSync(request.bytes).toString('utf8'));
      return link.api.send(request);
    };
    const report = await handOver(pair.gateway, { ...link, api: { ...link.api, send } }, PERIOD);
    expect(report.receipt?.outcomes.month.accepted).toBe(CLIENTS.length);
    return texts;
  }

  interface Sender {
    readonly participant_id: string;
    readonly ring: KeyRing;
  }

  /** Submits parts made by hand, with a tree over the lines or the one given. */
  async function submit(
    sender: Sender,
    parts: readonly [PartKind, string][],
    over: object = {},
  ): Promise<{ view: SubmissionView; faults: RowFault[] }> {
    const api = pair.client(sender);
    const id = randomUUID();
    const path = `/v1/submissions/${id}`;
    await api.json({ method: 'PUT', path, json: { period: PERIOD } });
    const rows = { subject: 0, account: 0, authorisation: 0, month: 0 };
    const listed = [];
    for (const [index, [kind, text]] of parts.entries()) {
      const body = gzipSync(text);
      rows[kind] = text.split('\n').length - 1;
      const sha256 = createHash('sha256').update(text).digest('hex');
      listed.push({ part_number: index + 1, kind, rows: rows[kind], sha256 });
      await api.send({
        method: 'PUT',
        path: `${path}/parts/${index + 1}`,
        query: { kind },
        bytes: body,
        headers: {
          'content-type': 'application/octet-stream',
          'content-digest': `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
        },
      });
    }
    const text = parts.find(([kind]) => kind === 'authorisation')?.[1] ?? '';
    const root = Buffer.from(rootOf(leavesOf(text.split('\n').slice(0, -1), 1))).toString('base64');
    const manifest = {
      submission_id: id,
      furnisher_id: sender.participant_id,
      period: PERIOD,
      rows,
      parts: listed,
      authorisation_tree: { size: rows.authorisation, root },
      ...over,
    };
    const signed = await signJws(manifest, sender.ring, { typ: 'assent-manifest+jws' });
    await api.json({ method: 'POST', path: `${path}/completion`, json: { manifest: signed } });
    await pair.work;
    expect(pair.failures).toEqual([]);
    const view = await api.json<SubmissionView>({ method: 'GET', path });
    const query = { limit: '100' };
    const page = await api.json<{ faults: RowFault[] }>({
      method: 'GET',
      path: `${path}/faults`,
      query,
    });
    return { view, faults: page.faults };
  }

  const own = (): Sender => ({
    participant_id: pair.gateway.furnisher_id,
    ring: pair.gateway.ring,
  });
  const ask = (sender: Sender, path: string) =>
    pair.client(sender).json<AuthorisationProof>({ method: 'GET', path });
  async function admitted(role: 'furnisher' | 'operator'): Promise<Sender> {
    const participant_id = randomUUID();
    const ring = pair.newRing(`${role}-${participant_id}`);
    await pair.admit(role, participant_id, ring);
    return { participant_id, ring };
  }

  test('the registry proves each authorisation from the manifest, to whom it may', async () => {
    await importAll(approvalsText(ALL_GIVEN));
    await handOverRecording();
    const operator = await admitted('operator');
    for (const n of CLIENTS) {
      const mine = await ask(own(), `/v1/authorisations/${idOf(n)}/proof`);
      expect((await verifyProof(mine, signer())).problems).toEqual([]);
      expect(await ask(operator, `/v1/all/authorisations/${idOf(n)}/proof`)).toEqual(mine);
    }
    const other = await admitted('furnisher');
    const answers = [];
    for (const [sender, id] of [
      [other, idOf(1)],
      [other, randomUUID()],
      [own(), idOf(1).slice(1)],
      [own(), idOf(77)],
    ] as const)
      answers.push(await codeOf(ask(sender, `/v1/authorisations/${id}/proof`)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('authorisation_unknown');
    const { rows } = await pair.registry.db.query<{ n: number }>(
      `select count(*) as n from access where purpose = 'authorisation_proof'`,
    );
    expect(rows[0]?.n).toBe(2 * CLIENTS.length);
    expect(await violations('registry')).toEqual([0, 0, 0]);
  });

  test('a manifest with another root rejects the submission before anything is kept', async () => {
    await importAll(approvalsText(ALL_GIVEN));
    const texts = await handOverRecording();
    await pair.registry.db.query('delete from authorisation_batch');
    await pair.registry.db.query('delete from authorisation');
    await pair.registry.db.query('delete from authorisation_record');
    const parts = [['authorisation', texts.get('authorisation') ?? '']] as [PartKind, string][];
    const root = Buffer.alloc(32, 7).toString('base64');
    const wrong = await submit(own(), parts, { authorisation_tree: { size: 5, root } });
    expect(wrong.view.state).toBe('rejected');
    expect(wrong.view.why).toContain('Merkle root');
    const { rows } = await pair.registry.db.query(
      'select (select count(*) from authorisation) as records, (select count(*) from authorisation_batch) as batches',
    );
    expect(rows).toEqual([{ records: 0, batches: 0 }]);
    const size = await codeOf(submit(own(), parts, { authorisation_tree: { size: 4, root } }));
    expect(size).toContain('manifest_wrong');
  });

  test('replays at the registry: idempotent, or refused and traced', async () => {
    await importAll(approvalsText(ALL_GIVEN));
    const texts = await handOverRecording();
    const lines = (texts.get('authorisation') ?? '').split('\n').slice(0, -1);
    const entry = (n: number) => JSON.parse(lines[n - 1]?.split('\t')[1] ?? '');
    const text = (...entries: object[]) =>
      entries.map((each, n) => `${n + 1}\t${JSON.stringify(each)}\n`).join('');
    const exact = await submit(own(), [['authorisation', texts.get('authorisation') ?? '']]);
    expect(exact.view.outcomes?.authorisation).toMatchObject({ declared: 5, unchanged: 5 });
    expect(await traced('registry')).toEqual([]);

    const [given] = entry(2).events;
    const altered = text(
      { ...entry(1), record: { ...entry(1).record, language: 'en' } },
      { ...entry(2), events: [{ ...given, at: '2025-01-01T00:00:01.000Z' }] },
      { ...entry(3), subject_ref: entry(4).subject_ref },
    );
    const refused = await submit(own(), [['authorisation', altered]]);
    expect(refused.faults.map(({ row_number, rule }) => [row_number, rule])).toEqual([
      [1, 'A_ALTERED'],
      [2, 'A_ALTERED'],
      [3, 'A_ALTERED'],
    ]);
    expect((await traced('registry')).sort()).toEqual(
      [
        [idOf(1), 'record'],
        [idOf(2), 'events'],
        [idOf(3), 'person'],
      ].sort(),
    );
    expect(await violations('registry')).toEqual([0, 0, 0]);

    // Another furnisher: an id of ours looks to it like a line that cannot be read.
    const other = await admitted('furnisher');
    const theirs = (id: string) => ({
      ...entry(1),
      record: {
        ...entry(1).record,
        authorisation_id: id,
        parties: { ...entry(1).record.parties, provider_id: other.participant_id },
      },
    });
    const fresh = randomUUID();
    const both = text(theirs(idOf(1)), theirs(fresh), entry(2), theirs('x'));
    const subjects = texts.get('subject') ?? '';
    const stolen = await submit(other, [
      ['subject', subjects],
      ['authorisation', both],
    ]);
    const said = stolen.faults.filter(({ kind }) => kind === 'authorisation');
    expect(said.map(({ row_number, rule, field }) => [row_number, rule, field])).toEqual([
      [3, 'W01', null],
      [1, 'W01', null],
      [4, 'W01', null],
    ]);
    const { rows } = await pair.registry.db.query<{ why: string; by_party: string }>(
      `select why, by_party from authorisation_refusal where by_party = $1`,
      [other.participant_id],
    );
    expect(rows.map(({ why }) => why)).toEqual(['provider', 'provider']);
    expect(
      (
        await verifyProof(await ask(other, `/v1/authorisations/${fresh}/proof`), {
          participant_id: other.participant_id,
          keys: { keys: other.ring.publicKeys },
        })
      ).problems,
    ).toEqual([]);
    expect(await violations('registry')).toEqual([0, 0, 0]);
  });
});
