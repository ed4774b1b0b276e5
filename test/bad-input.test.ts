/**
 * What goes wrong at the edges: files that are none, senders who may not, disks that are full.
 * Each ends in an error with a code or in a state that resumes; nothing accepted is lost; no
 * identity value comes out anywhere (the canaries look).
 */
import { createHash, randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tapeFaults } from '../src/gateway/faults.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { signJws } from '../src/keys/jws.ts';
import { emptyRoot } from '../src/log/merkle.ts';
import { AssentError, type ErrorCode } from '../src/model/error.ts';
import { PART_BYTES_MAX } from '../src/wire/part.ts';
import { approvalsText, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIOD = '2026-01';
const GOOD = tapeText([1, 2, 3].map((n) => monthRow(n, PERIOD)));

let pair: Pair;
beforeAll(async () => {
  pair = await Pair.open('pglite', 'bad');
});
beforeEach(() => pair.empty());
afterAll(() => pair.close());

async function failure(run: Promise<unknown>): Promise<AssentError> {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AssentError) return error;
  throw new Error('it did not fail, or not with an AssentError', { cause: error });
}

const bookSize = async () => {
  const { rows } = await pair.gateway.db.query<{ n: number }>(
    'select count(*) as n from account_month',
  );
  return rows[0]?.n;
};

async function* endlessLine(read: { bytes: number }): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let n = 0; n < 2048; n++) {
    read.bytes += piece.length;
    yield piece;
  }
}

describe('files', () => {
  const gzipped = gzipSync(GOOD);
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(GOOD, 'utf16le')]);
  const cases: [string, string | Uint8Array, ErrorCode][] = [
    ['an empty file', '', 'tape_empty'],
    ['a header alone', GOOD.slice(0, GOOD.indexOf('\n') + 1), 'tape_empty'],
    ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 0]), 'tape_binary'],
    ['UTF-16', utf16, 'tape_encoding'],
    ['GB18030 read as UTF-8', Buffer.from([0x61, 0x2c, 0xd6, 0xd0, 0x0a]), 'tape_encoding'],
    ['a truncated gzip', gzipped.subarray(0, gzipped.length - 9), 'tape_truncated'],
    ['a gzip with a broken middle', Buffer.from(gzipped).fill(7, 20, 40), 'tape_truncated'],
    ['missing columns', 'account_ref,period\na1,2026-01\n', 'tape_header_missing'],
    ['a quote that never closes', `${GOOD}"`, 'tape_quote_open'],
  ];
  it.each(cases)('%s is refused and the book stays as it was', async (_, bytes, code) => {
    await load(pair.gateway, tapeText([monthRow(9, PERIOD)]));
    const error = await failure(load(pair.gateway, bytes));
    expect(error.code).toBe(code);
    expect(error.remedy.length).toBeGreaterThan(10);
    expect(await bookSize()).toBe(1);
  });

  it('a single line of 2 GB is refused after the first megabytes', async () => {
    const read = { bytes: 0 };
    const error = await failure(load(pair.gateway, endlessLine(read)));
    expect(error.code).toBe('tape_record_too_long');
    expect(read.bytes).toBeLessThan(16 << 20);
  });

  // A million by hand: BAD_ROWS=1000000 npx vitest run test/bad-input.test.ts -t 'bad rows'
  const bad = Number(process.env['BAD_ROWS'] ?? 5_000);
  it(`${bad} bad rows are all reported and one good row still goes in`, async () => {
    const header = GOOD.slice(0, GOOD.indexOf('\n') + 1);
    const goodLine = GOOD.split('\n')[1] ?? '';
    async function* rows() {
      yield Buffer.from(`${header}${goodLine}\n`);
      for (let n = 0; n < bad; n += 1000) {
        const wrong = Array.from({ length: 1000 }, (_, k) =>
          goodLine
            .replaceAll('c1', `c${n + k + 10}`)
            .replace('a1', `a${n + k + 10}`)
            .replace(PERIOD, '2026-13'),
        );
        yield Buffer.from(`${wrong.join('\n')}\n`);
      }
    }
    const report = await load(pair.gateway, rows());
    expect(report.counts.new).toBe(1);
    expect(report.counts.unreadable).toBe(bad);
    expect(report.counts.faults_by_rule['T03']).toBe(bad);
    let listed = 0;
    for await (const page of tapeFaults(pair.gateway.db, report.tape_id))
      listed += page.filter((fault) => fault.rule === 'T03').length;
    expect(listed).toBe(bad);
  }, 900_000);

  it('authorisations that cannot be taken are named by row; the others go in', async () => {
    await load(pair.gateway, GOOD);
    const text = approvalsText([
      { n: 1, events: ['given'] },
      { n: 77, events: ['given'] },
      { n: 2, events: ['refused', 'given'] },
      { n: 3, events: ['given', 'paused'] },
    ]);
    const report = await importAuthorisations(pair.gateway, bytesOf(text));
    expect(report.stored).toBe(2);
    expect(report.faults.map((fault) => fault.row).sort()).toEqual([3, 4]);
    for (const bytes of ['', 'a,b\n'])
      await failure(importAuthorisations(pair.gateway, bytesOf(bytes)));
  });
});

describe('the wire', () => {
  const id = () => randomUUID();
  const body = gzipSync('1\tx\n');
  const put = (
    submission: string,
    part: number,
    digest?: string,
    client = pair.client(),
    bytes: Buffer = body,
  ) =>
    client.send({
      method: 'PUT',
      path: `/v1/submissions/${submission}/parts/${part}`,
      query: { kind: 'month' },
      bytes,
      headers: {
        'content-type': 'application/octet-stream',
        'content-digest': digest ?? `sha-256=:${createDigest(bytes, 'base64')}:`,
      },
    });
  const declare = (submission: string, client = pair.client()) =>
    client.json({
      method: 'PUT',
      path: `/v1/submissions/${submission}`,
      json: { period: PERIOD },
    });
  const complete = (submission: string, manifest: string) =>
    pair.client().json<{ state: string }>({
      method: 'POST',
      path: `/v1/submissions/${submission}/completion`,
      json: { manifest },
    });
  const sign = (manifest: object) =>
    signJws(manifest, pair.gateway.ring, { typ: 'assent-manifest+jws' });
  const manifestOf = (submission: string, rows: number, sha256: string) => ({
    submission_id: submission,
    furnisher_id: pair.gateway.furnisher_id,
    period: PERIOD,
    rows: { subject: 0, account: 0, authorisation: 0, month: rows },
    parts: [{ part_number: 1, kind: 'month', rows, sha256 }],
    authorisation_tree: { size: 0, root: Buffer.from(emptyRoot()).toString('base64') },
  });
  const view = (submission: string) =>
    pair.client().json<{ state: string; why: string | null }>({
      method: 'GET',
      path: `/v1/submissions/${submission}`,
    });

  it('a body that is not what its digest says is refused', async () => {
    const submission = id();
    await declare(submission);
    const wrong = await failure(put(submission, 1, `sha-256=:${'A'.repeat(43)}=:`));
    expect(wrong.code).toBe('digest_mismatch');
    expect((await view(submission)).state).toBe('open');
  });

  it.each([
    ['a wrong digest', 1, '0'.repeat(64), 'has not the digest'],
    ['a wrong declared count', 2, null, 'has 1 rows, the manifest says 2'],
  ])('%s in the manifest rejects the whole submission', async (_, rows, sha256, why) => {
    const submission = id();
    await declare(submission);
    await put(submission, 1);
    const digest = sha256 ?? createDigest(Buffer.from('1\tx\n'), 'hex');
    await complete(submission, await sign(manifestOf(submission, rows, digest)));
    await pair.work;
    const ended = await view(submission);
    expect(ended.state).toBe('rejected');
    expect(ended.why).toContain(why);
  });

  it.each([
    ['no gzip', Buffer.from('1\tx\n'), 'is no gzip'],
    ['half a gzip', body.subarray(0, -9), 'is no gzip'],
    ['more than a part may be', gzipSync(Buffer.alloc(PART_BYTES_MAX + 1)), 'is larger than'],
  ])('bytes that unfold to %s reject the whole submission', async (_, bytes, why) => {
    const submission = id();
    await declare(submission);
    await put(submission, 1, undefined, pair.client(), bytes);
    await complete(submission, await sign(manifestOf(submission, 1, '0'.repeat(64))));
    await pair.work;
    const ended = await view(submission);
    expect(ended.state).toBe('rejected');
    expect(ended.why).toContain(why);
  });

  it('parts whose accounts do not follow one another reject the whole submission', async () => {
    const submission = id();
    await declare(submission);
    const texts = ['2', '1'].map((n) => `1\t${n.repeat(8)}-0000-4000-8000-000000000000\tx\n`);
    for (const [index, text] of texts.entries())
      await put(submission, index + 1, undefined, pair.client(), gzipSync(text));
    const manifest = manifestOf(submission, 2, '');
    const parts = texts.map((text, index) => ({
      ...{ part_number: index + 1, kind: 'month', rows: 1 },
      sha256: createDigest(Buffer.from(text), 'hex'),
    }));
    await complete(submission, await sign({ ...manifest, parts }));
    await pair.work;
    expect((await view(submission)).why).toContain('does not begin after');
  });

  it('a part uploaded before its facts were kept is opened and checked', async () => {
    const submission = id();
    await declare(submission);
    await put(submission, 1);
    await pair.registry.db.query('update submission_part set unfolded = null');
    const digest = createDigest(Buffer.from('1\tx\n'), 'hex');
    await complete(submission, await sign(manifestOf(submission, 1, digest)));
    await pair.work;
    expect((await view(submission)).state).toBe('received_with_faults');
  });

  it.each([
    ['another shape', { submission_id: 'x' }],
    ['no object', []],
  ])('a signed manifest of %s is refused', async (_, manifest) => {
    const submission = id();
    await declare(submission);
    const error = await failure(sign(manifest).then((signed) => complete(submission, signed)));
    expect(['manifest_wrong', 'signature_invalid', 'argument_invalid']).toContain(error.code);
  });

  it('a manifest that names parts which were not uploaded is refused', async () => {
    const submission = id();
    await declare(submission);
    const signed = await sign(manifestOf(submission, 1, '0'.repeat(64)));
    expect((await failure(complete(submission, signed))).code).toBe('manifest_wrong');
  });

  it('rubbish rows are each rejected, and the submission ends with a receipt', async () => {
    const submission = id();
    await declare(submission);
    await put(submission, 1);
    const digest = createDigest(Buffer.from('1\tx\n'), 'hex');
    await complete(submission, await sign(manifestOf(submission, 1, digest)));
    await pair.work;
    expect(await view(submission)).toMatchObject({ state: 'received_with_faults' });
  });

  it("another furnisher's submission is answered like one that does not exist", async () => {
    const ring = pair.newRing(`other-${id()}`);
    const participant_id = id();
    await pair.admit('furnisher', participant_id, ring);
    const other = pair.client({ participant_id, ring });
    const mine = id();
    await declare(mine);
    await put(mine, 1);
    const asked = [mine, id()].map(async (submission) => {
      const answers = [
        await failure(put(submission, 1, undefined, other)),
        await failure(other.send({ method: 'GET', path: `/v1/submissions/${submission}` })),
        await failure(other.send({ method: 'GET', path: `/v1/submissions/${submission}/faults` })),
        await failure(other.send({ method: 'GET', path: `/v1/submissions/${submission}/receipt` })),
      ];
      return answers.map((error) => `${error.code} ${error.detail}`);
    });
    const [there, nowhere] = await Promise.all(asked);
    expect(there).toEqual(nowhere);
    expect((await failure(declare(mine, other))).code).toBe('submission_unknown');
  });

  it('a stranger gets no token', async () => {
    const ring = pair.newRing(`stranger-${id()}`);
    const stranger = pair.client({ participant_id: id(), ring });
    expect((await failure(declare(id(), stranger))).code).toBe('not_authenticated');
  });

  it('a stopped registry leaves a hand-over that resumes', async () => {
    await load(pair.gateway, GOOD);
    await importAuthorisations(pair.gateway, bytesOf(approvalsText([{ n: 1, events: ['given'] }])));
    const dead = pair.client();
    const link = {
      ...pair.link(),
      api: {
        ...dead,
        json: () => Promise.reject(new AssentError('registry_unreachable')),
        send: () => Promise.reject(new AssentError('registry_unreachable')),
      },
    };
    const error = await failure(handOver(pair.gateway, link, PERIOD));
    expect(error.code).toBe('registry_unreachable');
    const report = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(report.receipt?.outcomes.month.accepted).toBe(1);
  });
});

function createDigest(bytes: Uint8Array, encoding: 'base64' | 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding);
}
