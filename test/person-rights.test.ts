/**
 * What a person does about their own file, by page and by program: disputes with evidence,
 * statements, protection, reports; and that it stays theirs.
 */
import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import { freeReportsLeft, issueToPerson } from '../src/registry/own-report.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';
import { PersonWorld } from './person-world.ts';

const PDF_FILE = Buffer.from('%PDF-1.7 a receipt');
const DAY_MS = 86_400_000;
const log: string[] = [];

describe.each(BACKENDS)('own rights on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let world: PersonWorld;
  let [token, other] = ['', ''];
  beforeAll(async () => {
    world = await PersonWorld.open(backend, 'person_rights', {
      stream: { write: (line) => log.push(line) },
    });
    [token, other] = [await world.enter(1), await world.enter(0)];
  }, 120_000);
  afterAll(() => world?.close());

  const location = (answer: { headers: Record<string, unknown> }) =>
    String(answer.headers['location']);
  const idIn = (text: string) =>
    /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0] ?? '';

  /** Sends the form of a claim as a browser does, with files. */
  async function claim(
    fields: Record<string, string>,
    files: readonly Buffer[] = [],
    by: string = token,
  ) {
    const form = new FormData();
    const all = { form: await world.formToken(by), lang: 'en', ...fields };
    for (const [name, value] of Object.entries(all)) form.append(name, value);
    for (const file of files) form.append('files', new Blob([new Uint8Array(file)]), 'a file');
    const encoded = new Response(form);
    return world.pair.server.inject({
      method: 'POST',
      url: '/me/disputes',
      headers: {
        'content-type': encoded.headers.get('content-type') ?? '',
        cookie: `assent=${by}`,
      },
      payload: Buffer.from(await encoded.arrayBuffer()),
    });
  }

  it('disputes a figure with a file, follows the clock, and withdraws', async () => {
    const { account_id } = await world.account(1);
    const at = { account: account_id, period: '2026-03' };
    const page = await world.page(token, `/me/disputes/new?account=${account_id}&period=2026-03`);
    expect(page.body).toContain('Days late: 40');
    const opened = await claim({ ...at, field: 'past_due_minor', value: '0.00' }, [PDF_FILE]);
    expect(opened.statusCode).toBe(303);
    const id = idIn(location(opened));
    const shown = await world.page(token, `/me/disputes/${id}?lang=en`);
    expect(shown.body).toContain('You said: CN¥0.00.');
    expect(shown.body).toContain('1 file sent with it');
    const file = await world.page(token, '/me/file?lang=en');
    expect(file.body).toContain('In dispute: Past due, 2026-03');
    const told = await world.page(token, '/me/messages?lang=en');
    expect(told.body).toContain('Your dispute is open');
    // The same again is refused beside its field; nothing else was opened.
    const again = await claim({ ...at, field: 'past_due_minor', value: '0.00' });
    expect(again.statusCode).toBe(422);
    expect(again.body).toContain('This figure is in dispute already.');
    const json = await world.api(token, 'GET', '/v1/me/disputes');
    expect(json.json()).toMatchObject({
      disputes: [
        {
          dispute_id: id,
          state: 'open',
          claims: [{ field: 'past_due_minor', held_value: '10000', claimed_value: '0' }],
        },
      ],
    });
    const letter = await world.api(token, 'GET', `/v1/me/disputes/${id}/letter?lang=zh`);
    expect(letter.body).toContain('异议');
    for (const path of [`/me/disputes/${id}`, `/v1/me/disputes/${id}/letter`]) {
      const asked = path.startsWith('/v1')
        ? await world.api(other, 'GET', path)
        : await world.page(other, path);
      expect(asked.statusCode).toBe(404);
    }
    const form = await world.formToken(token);
    for (const _twice of [1, 2]) {
      const withdrawn = await world.post(token, `/me/disputes/${id}/withdraw`, { form });
      expect(withdrawn.statusCode).toBe(303);
    }
    expect((await world.page(token, `/me/disputes/${id}?lang=en`)).body).toContain('Withdrawn');
  });

  it('says that an account was opened by a thief, with the report of the crime', async () => {
    const { account_id } = await world.account(1);
    const form = { account: account_id, period: '', field: 'account', theft: 'yes' };
    const bare = await claim(form);
    expect([bare.statusCode, bare.body.includes('with the report of the crime.')]).toEqual([
      422,
      true,
    ]);
    const opened = await claim(form, [PDF_FILE]);
    expect(opened.statusCode).toBe(303);
    const { disputes } = (await world.api(token, 'GET', '/v1/me/disputes')).json() as {
      disputes: Record<string, unknown>[];
    };
    expect(disputes[0]).toMatchObject({ ground: 'identity_theft', block_state: 'asked' });
    const id = idIn(location(opened));
    const page = await world.page(token, `/me/disputes/${id}?lang=en`);
    expect(page.body).toContain('Blocked as identity theft by');
    const sent = { form: await world.formToken(token) };
    expect((await world.post(token, `/me/disputes/${id}/withdraw`, sent)).statusCode).toBe(303);
  });

  it('is told beside the field what is wrong, and nothing is opened', async () => {
    const { account_id } = await world.account(1);
    const at = { account: account_id, period: '2026-03' };
    const wrong: [Record<string, string>, Buffer[], string][] = [
      [{ field: '' }, [], 'Choose one figure.'],
      [{ field: 'balance_minor', value: 'a lot' }, [], 'This figure cannot be that.'],
      [{ field: 'balance_minor', value: '10.01' }, [], 'The file says this already'],
      [
        { field: 'balance_minor', value: '5' },
        [Buffer.from('MZ a program')],
        'A file is too large',
      ],
      [{ field: 'balance_minor', value: '5' }, Array(6).fill(PDF_FILE), 'A file is too large'],
    ];
    for (const [fields, files, problem] of wrong) {
      const sent = await claim({ ...at, ...fields }, files);
      expect([sent.statusCode, sent.body.includes(problem)], problem).toEqual([422, true]);
    }
    const before = await world.api(token, 'GET', '/v1/me/disputes');
    const strangers = await claim({ ...at, field: 'balance_minor', value: '5' }, [], other);
    expect(strangers.statusCode).toBe(404);
    const broken = await world.pair.server.inject({
      method: 'POST',
      url: '/me/disputes',
      headers: { 'content-type': 'multipart/form-data; boundary=x', cookie: `assent=${token}` },
      payload: 'no form',
    });
    expect(broken.statusCode).toBe(400);
    expect((await world.api(token, 'GET', '/v1/me/disputes')).body).toBe(before.body);
  });

  it('says that a look is not known, once, and of own looks alone', async () => {
    const looks = (await world.api(token, 'GET', '/v1/me/looks')).json() as {
      others: { access_id: string; purpose: string }[];
    };
    const [look] = looks.others;
    const form = await world.formToken(token);
    const path = `/me/looks/${look?.access_id}/not-me`;
    const stranger = await world.post(other, path, { form: await world.formToken(other) });
    expect(stranger.statusCode).toBe(400);
    for (const _twice of [1, 2]) {
      const made = await world.post(token, path, { form, lang: 'en' });
      expect(location(made)).toBe('/me/disputes?done=case&lang=en');
    }
    const { disputes } = (await world.api(token, 'GET', '/v1/me/disputes')).json() as {
      disputes: { claims: { field: string; access_id: string }[] }[];
    };
    const cases = disputes.flatMap(({ claims }) => claims).filter(({ field }) => field === 'look');
    expect(cases.map(({ access_id }) => access_id)).toEqual([look?.access_id]);
  });

  it('freezes and lifts, in one step each, by page and by program', async () => {
    const form = await world.formToken(token);
    const place = { form, reason: 'identity_theft', lang: 'en' };
    for (const _twice of [1, 2])
      expect(location(await world.post(token, '/me/protection/freeze', place))).toBe(
        '/me/protection?done=placed&lang=en',
      );
    const { blocks } = (await world.api(token, 'GET', '/v1/me/blocks')).json() as {
      blocks: { block_id: string; kind: string }[];
    };
    expect(blocks.map(({ kind }) => kind)).toEqual(['freeze']);
    const id = blocks[0]?.block_id ?? '';
    const page = await world.page(token, '/me?lang=en');
    expect(page.body).toContain('You have frozen it.');
    expect((await world.api(other, 'DELETE', `/v1/me/blocks/${id}`)).statusCode).toBe(404);
    const lifted = await world.post(token, `/me/protection/${id}/lift`, { form, lang: 'en' });
    expect(location(lifted)).toBe('/me/protection?done=lifted&lang=en');
    const wrong = { form, reason: 'own_finances', months: 'many', lang: 'en' };
    const refused = await world.post(token, '/me/protection/credit_ban', wrong);
    expect(refused.statusCode).toBe(422);
    const made = await world.api(token, 'POST', '/v1/me/blocks', {
      ...{ kind: 'credit_ban', reason: 'own_finances', months: 6 },
    });
    expect(made.json()).toMatchObject({ kind: 'credit_ban', lifted_at: null });
    const { block_id } = made.json() as { block_id: string };
    expect((await world.api(token, 'DELETE', `/v1/me/blocks/${block_id}`)).statusCode).toBe(200);
  });

  it('adds a statement and takes it back', async () => {
    const form = await world.formToken(token);
    const text = 'I was in hospital in March. 我在三月住院。';
    for (const _twice of [1, 2]) {
      const added = await world.post(token, '/me/statement', {
        form,
        text,
        account: '',
        lang: 'en',
      });
      expect(added.statusCode).toBe(303);
    }
    const { statements } = (await world.api(token, 'GET', '/v1/me/statements')).json() as {
      statements: { statement_id: string; text: string }[];
    };
    expect(statements.map((each) => each.text)).toEqual([text]);
    expect((await world.page(token, '/me/file?lang=en')).body).toContain(text);
    const long = await world.post(token, '/me/statement', { form, text: 'word '.repeat(500) });
    expect(long.statusCode).toBe(422);
    const id = statements[0]?.statement_id ?? '';
    expect((await world.api(other, 'DELETE', `/v1/me/statements/${id}`)).statusCode).toBe(404);
    const taken = await world.post(token, `/me/statement/${id}/withdraw`, { form, lang: 'en' });
    expect(location(taken)).toBe('/me/statement?done=taken&lang=en');
    expect((await world.page(token, '/me/file?lang=en')).body).not.toContain(text);
  });

  it('asks for a correction of the identity, which no lender is told of', async () => {
    const form = await world.formToken(token, '/me/identity');
    const sent = await world.pair.server.inject({
      method: 'POST',
      url: '/me/identity/correction',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        cookie: `assent=${token}`,
      },
      payload: new URLSearchParams({ form, field: 'name', value: '王另名', lang: 'en' }).toString(),
    });
    const id = idIn(location(sent));
    const shown = await world.page(token, `/me/disputes/${id}?lang=en`);
    expect(shown.body).toContain('You said: 王另名.');
    const { rows } = await world.pair.registry.db.query<{ claimed_value: string | null }>(
      "select claimed_value from claim where field = 'name'",
    );
    expect(rows).toEqual([{ claimed_value: null }]);
    const wrong = { form, field: 'birth_date', value: 'yesterday', lang: 'en' };
    const refused = await world.post(token, '/me/identity/correction', wrong);
    expect([refused.statusCode, refused.body.includes('This figure cannot be that.')]).toEqual([
      422,
      true,
    ]);
  });

  it('sees what erasing does, asks for it, and is told the same again', async () => {
    const seen = await world.page(other, '/me/identity/erasure?lang=en');
    expect(seen.body).toContain('An approval to hand over your data still stands');
    const form = await world.formToken(other);
    const wished = await world.post(other, '/me/identity/erasure', { form, lang: 'en' });
    expect(location(wished)).toBe('/me/identity/erasure?lang=en');
    const done = await world.page(other, '/me/identity/erasure?lang=en');
    expect(done.body).toContain('Your wish is taken down.');
    const again = await world.api(other, 'POST', '/v1/me/erasure');
    expect(done.body).toContain((again.json() as { request_id: string }).request_id);
  });

  it('has reports that are the same bytes for ever, as JSON, as a page and in print', async () => {
    const form = await world.formToken(token);
    for (const _twice of [1, 2])
      expect((await world.post(token, '/me/reports', { form, lang: 'en' })).statusCode).toBe(303);
    const listed = (await world.api(token, 'GET', '/v1/me/reports')).json() as {
      reports: { report_id: string; sha256: string }[];
      free_left: number | null;
    };
    expect(listed.reports).toHaveLength(1);
    expect(listed.free_left).toBeNull();
    const { report_id = '', sha256 = '' } = listed.reports[0] ?? {};
    const json = await world.page(token, `/me/reports/${report_id}.json`);
    expect(createHash('sha256').update(json.body).digest('hex')).toBe(sha256);
    const api = await world.api(token, 'GET', `/v1/me/reports/${report_id}`);
    expect(api.body).toBe(json.body);
    expect(api.headers['repr-digest']).toContain(Buffer.from(sha256, 'hex').toString('base64'));
    const pdf = async (lang: string) =>
      (await world.page(token, `/me/reports/${report_id}.pdf?lang=${lang}`)).rawPayload;
    const [english, chinese] = [await pdf('en'), await pdf('zh')];
    expect(english.subarray(0, 5).toString()).toBe('%PDF-');
    expect((await pdf('en')).equals(english)).toBe(true);
    // Its text can be selected and read aloud: the embedded subset maps back to characters.
    expect(english.toString('latin1')).toMatch(/\/FontFile3[\s\S]*\/ToUnicode/);
    expect(chinese.equals(english)).toBe(false);
    const print = await world.page(token, `/me/reports/${report_id}?lang=zh`);
    expect(print.body).toContain(sha256);
    expect(print.body).toContain(world.people[1]?.name);
    for (const name of [`${report_id}.json`, `${report_id}.pdf`, report_id, randomUUID(), 'x'])
      expect((await world.page(other, `/me/reports/${name}`)).statusCode).toBe(404);
    const asked = await world.api(other, 'GET', `/v1/me/reports/${report_id}`);
    expect(asked.json()).toMatchObject({ code: 'report_unknown' });
  });

  it('counts printed reports by the profile: two a year in China, and the year begins anew', async () => {
    const { subject_id } = await world.account(0);
    let at = new Date('2027-03-01T00:00:00Z');
    const registry = { ...world.pair.registry, profile: loadProfile('CN'), now: () => at };
    expect(await freeReportsLeft(registry, subject_id)).toBe(2);
    for (const left of [1, 0]) {
      await issueToPerson(registry, subject_id);
      expect(await freeReportsLeft(registry, subject_id)).toBe(left);
      at = new Date(at.getTime() + DAY_MS);
    }
    await expect(issueToPerson(registry, subject_id)).rejects.toMatchObject({
      code: 'reports_used_up',
    });
    at = new Date('2028-01-01T00:00:00Z');
    expect(await freeReportsLeft(registry, subject_id)).toBe(2);
  });

  it("cannot fetch another's account, and no address or log line holds an identity or a key", async () => {
    const { account_id } = await world.account(1);
    expect((await world.page(other, `/me/file/${account_id}`)).statusCode).toBe(404);
    expect((await world.page(token, `/me/file/${account_id}`)).statusCode).toBe(200);
    const ticket = await world.ticket(1);
    await world.page(null, `/me/enter/${ticket}`);
    expect(log.length).toBeGreaterThan(20);
    const lines = log.join('\n');
    const secret = [ticket, token, other, ...world.people.flatMap((p) => [p.number, p.name])];
    expect(secret.filter((text) => lines.includes(text))).toEqual([]);
    // What a page links to names ids alone.
    for (const path of ['/me', '/me/file', '/me/looks', '/me/download', '/me/disputes']) {
      const { body } = await world.page(token, path);
      const addresses = [...body.matchAll(/(?:href|action)="([^"]*)"/g)].map(([, to]) => to ?? '');
      const named = addresses.filter((to) =>
        secret.some((text) => to.includes(text) || to.includes(encodeURIComponent(text))),
      );
      expect(named).toEqual([]);
    }
  });
});
