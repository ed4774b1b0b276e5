/** The asking page over HTTP, without a browser: every good path and every bad one. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildGatewayServer } from '../src/cli/home.ts';
import type { Asked } from '../src/gateway/asking.ts';
import { publishNotice } from '../src/gateway/notices.ts';
import { askingPages } from '../src/http/asking-pages.ts';
import type { Server } from '../src/http/instance.ts';
import { buildServer } from '../src/http/server.ts';
import { makeTokenKeys } from '../src/http/test-server.ts';
import { openParticipantStore } from '../src/participants/participant.ts';
import { AskingWorld, sampleNotice } from './asking-world.ts';

let world: AskingWorld;
let server: Server;
let asked: Asked;
let person = 0;

beforeAll(async () => {
  world = await AskingWorld.open(60);
  const open = { gateway: world.gateway } as Parameters<typeof buildGatewayServer>[0];
  server = await buildGatewayServer(open, 'http://gateway.test');
});
afterAll(async () => {
  await server.close();
  await world.close();
});
beforeEach(async () => {
  person += 1;
  asked = await world.ask({ subject_ref: `c${person}` });
});

const get = (url: string, language = 'en') =>
  server.inject({ method: 'GET', url, headers: { 'accept-language': language } });
const post = (url: string, fields: Record<string, string> | string) =>
  server.inject({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: typeof fields === 'string' ? fields : new URLSearchParams(fields).toString(),
  });
const states = () => world.states(`c${person}`);

/** The hidden fields of a page. */
async function formOf(path: string, language = 'en'): Promise<Record<string, string>> {
  const { body } = await get(path, language);
  const fields = body.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, value]));
}

const F1 = () => asked.authorisations[0]?.authorisation_id ?? '';
const Q1 = () => asked.authorisations[1]?.authorisation_id ?? '';
const choices = (f1: string, q1: string) => ({ [`choice.${F1()}`]: f1, [`choice.${Q1()}`]: q1 });

describe('the page', () => {
  it('offers each purpose by itself, with nothing chosen, in the language of the browser', async () => {
    const page = await get(asked.path, 'en-GB,en;q=0.9,zh;q=0.8');
    expect(page.statusCode).toBe(200);
    expect(page.body).toContain('<html lang="en">');
    expect(page.body.match(/<fieldset/g)).toHaveLength(2);
    expect(page.body.match(/type="radio"/g)).toHaveLength(4);
    expect(page.body).not.toMatch(/ checked|<script|\son\w+=/);
    expect((await get(asked.path, 'fr, zh;q=0.2, en;q=0.1')).body).toContain('<html lang="zh-CN">');
    expect((await get(`${asked.path}?lang=zh`, 'en')).body).toContain('<html lang="zh-CN">');
    // A browser that likes neither gets the language in which the lender asked.
    expect((await get(asked.path, 'fr')).body).toContain('<html lang="zh-CN">');
  });

  it('is kept by no cache, told to no other site, drawn in no other page, found by no robot', async () => {
    const { headers } = await get(asked.path);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['x-robots-tag']).toContain('noindex');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(headers['set-cookie']).toBeUndefined();
  });

  it('holds no name, no document, no account number', async () => {
    const path = (await world.ask({ subject_ref: `c${person}`, accounts: [`a${person}`] })).path;
    const { body } = await get(path);
    expect(body).not.toContain(`c${person}<`);
    expect(body).toContain('Only those whose number ends in');
  });

  it('does not count as shown when only its head is asked for', async () => {
    const shownAt = async () => {
      const { rows } = await world.gateway.db.query<{ first_shown_at: Date | null }>(
        'select first_shown_at from request where request_id = $1',
        [asked.request_id],
      );
      return rows[0]?.first_shown_at ?? null;
    };
    await server.inject({ method: 'HEAD', url: asked.path });
    expect(await shownAt()).toBeNull();
    const first = world.clock.at;
    await get(asked.path);
    world.later({ seconds: 60 });
    await get(asked.path);
    expect(await shownAt()).toEqual(first);
  });
});

describe('an answer', () => {
  it('counts purpose by purpose, leaves a receipt and a document that the event names', async () => {
    const form = await formOf(asked.path);
    const answer = await post(asked.path, { ...form, ...choices('approve', 'refuse') });
    expect(answer.statusCode).toBe(303);
    expect(await states()).toEqual({ F1: 'given', Q1: 'refused' });
    const receipt = await get(String(answer.headers.location));
    expect(receipt.body).toContain(F1());
    const { rows } = await world.gateway.db.query<{ reason: string; answer_sha256: string }>(
      `select e.reason, w.answer_sha256 from authorisation_event e
       join answer w on w.request_id = $2 where e.authorisation_id = $1 and e.type = 'given'`,
      [F1(), asked.request_id],
    );
    expect(rows[0]?.reason).toBe(`answer sha256:${rows[0]?.answer_sha256}`);
    const file = await get(`${asked.path}/receipt.json`);
    expect(file.headers['content-disposition']).toContain('attachment');
    expect(JSON.parse(file.body)).toMatchObject({
      request_id: asked.request_id,
      authorisations: [{ state: 'given' }, { state: 'refused', given_at: null }],
    });
    expect(file.body).not.toContain(asked.path.slice(5));
  });

  it('sent twice counts once', async () => {
    const form = await formOf(asked.path);
    const fields = { ...form, ...choices('approve', 'approve') };
    await Promise.all([post(asked.path, fields), post(asked.path, fields)]);
    const again = await post(asked.path, fields);
    expect(again.statusCode).toBe(303);
    const { rows } = await world.gateway.db.query<{ n: number }>(
      'select count(*) as n from authorisation_event where authorisation_id = $1',
      [F1()],
    );
    expect(rows[0]?.n).toBe(2);
  });

  it.each([1, 2, 3, 4])('from two windows at once ends in the refusal (%i)', async (round) => {
    const form = await formOf(asked.path);
    const yes = { ...form, ...choices('approve', 'approve') };
    const no = { ...form, ...choices('refuse', 'refuse') };
    await Promise.all(
      (round % 2 ? [yes, no] : [no, yes]).map((fields) => post(asked.path, fields)),
    );
    const ended = Object.values(await states());
    expect(ended.every((state) => state === 'refused' || state === 'withdrawn')).toBe(true);
  });

  it('refused stays refused when an old window approves; approved is withdrawn when one refuses', async () => {
    const form = await formOf(asked.path);
    await post(asked.path, { ...form, ...choices('refuse', 'approve') });
    await post(asked.path, { ...form, ...choices('approve', 'refuse') });
    expect(await states()).toEqual({ F1: 'refused', Q1: 'withdrawn' });
  });

  it('that leaves a question out brings the page back with what was chosen', async () => {
    const form = await formOf(asked.path);
    const page = await post(asked.path, { ...form, [`choice.${F1()}`]: 'refuse' });
    expect(page.statusCode).toBe(422);
    expect(page.body).toContain('role="alert"');
    expect(page.body.match(/ checked/g)).toHaveLength(1);
    expect(await states()).toEqual({ F1: 'requested', Q1: 'requested' });
  });

  it('that says both says no', async () => {
    const form = await formOf(asked.path);
    const body = `${new URLSearchParams({ ...form, ...choices('approve', 'approve') })}&choice.${F1()}=refuse`;
    await post(asked.path, body);
    expect(await states()).toEqual({ F1: 'refused', Q1: 'given' });
  });

  it.each([
    ['no anti-forgery token', { form: '' }],
    ['a wrong anti-forgery token', { form: 'A'.repeat(43) }],
    ['a page that was not shown', { page: 'a'.repeat(64) }],
    ['the page of another language', { lang: 'zh' }],
  ])('with %s counts for nothing', async (_what, over) => {
    const form = await formOf(asked.path);
    const page = await post(asked.path, { ...form, ...choices('approve', 'approve'), ...over });
    expect(page.statusCode).toBe(400);
    expect(page.headers['content-type']).toContain('text/html');
    expect(await states()).toEqual({ F1: 'requested', Q1: 'requested' });
  });

  it("cannot use another person's form, nor answer for another", async () => {
    const other = await world.ask({ subject_ref: 'c60' });
    const form = await formOf(other.path);
    const fields = { ...form, ...choices('approve', 'approve') };
    expect((await post(asked.path, fields)).statusCode).toBe(400);
    const page = await post(other.path, fields);
    expect(page.statusCode).toBe(422);
    expect(await states()).toEqual({ F1: 'requested', Q1: 'requested' });
  });
});

describe('withdrawing', () => {
  const approve = async () => {
    const form = await formOf(asked.path);
    await post(asked.path, { ...form, ...choices('approve', 'approve') });
  };

  it('takes one page, for one approval or for all', async () => {
    await approve();
    const standing = await get(asked.path);
    expect(standing.body).toContain(`${asked.path}/withdraw/${F1()}`);
    const path = `${asked.path}/withdraw/${F1()}`;
    expect((await get(path)).body).toContain('Withdraw your approval?');
    expect(await states()).toEqual({ F1: 'given', Q1: 'given' });
    const form = await formOf(path);
    expect((await post(path, form)).statusCode).toBe(303);
    expect(await states()).toEqual({ F1: 'withdrawn', Q1: 'given' });
    const all = `${asked.path}/withdraw/all`;
    expect((await post(all, form)).statusCode).toBe(303);
    expect(await states()).toEqual({ F1: 'withdrawn', Q1: 'withdrawn' });
    expect((await post(all, form)).statusCode).toBe(303);
    expect((await get(asked.path)).body).toContain('Withdrawn');
  });

  it('works long after the link could be answered', async () => {
    await approve();
    world.later({ days: 400 });
    const path = `${asked.path}/withdraw/${F1()}`;
    expect((await post(path, await formOf(path))).statusCode).toBe(303);
    expect(await states()).toEqual({ F1: 'withdrawn', Q1: 'given' });
    // The other one ended by itself meanwhile, and says so.
    expect((await get(asked.path)).body).toContain('Ended on 2 February 2027.');
    expect((await get(`${asked.path}/withdraw/${Q1()}`)).statusCode).toBe(303);
  });

  it('knows no approval of another request', async () => {
    await approve();
    const other = await world.ask({ subject_ref: 'c60' });
    const id = other.authorisations[0]?.authorisation_id;
    expect((await get(`${asked.path}/withdraw/${id}`)).statusCode).toBe(404);
    expect((await get(`${asked.path}/withdraw/${F1().toUpperCase()}`)).statusCode).toBe(404);
    expect((await get(`${asked.path}/withdraw/nothing`)).statusCode).toBe(404);
  });

  it('needs the form', async () => {
    await approve();
    expect((await post(`${asked.path}/withdraw/all`, {})).statusCode).toBe(400);
    expect(await states()).toEqual({ F1: 'given', Q1: 'given' });
  });
});

describe('a link that does not open', () => {
  it('is one and the same page, whatever the reason', async () => {
    const token = asked.path.slice('/ask/'.length);
    const flipped = [...token].map((c) =>
      c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase(),
    );
    const expired = await world.ask({
      subject_ref: 'c59',
      answer_by: new Date(world.clock.at.getTime() + 60_000).toISOString(),
    });
    world.later({ seconds: 61 });
    const addresses = [
      `/ask/${token.slice(0, -1)}`,
      `/ask/${token}A`,
      `/ask/${flipped.join('')}`,
      `/ask/${'A'.repeat(43)}`,
      `/ask/${token}%20`,
      `/ask/${'A'.repeat(400)}`,
      `/ask/${'A'.repeat(43)}/receipt`,
      `/ask/${'A'.repeat(43)}/receipt.json`,
      `/ask/${'A'.repeat(43)}/withdraw/all`,
      `/ask/${token}/else/where`,
      '/ask/',
      '/ask',
      expired.path,
    ];
    const pages = await Promise.all(addresses.map((url) => get(url)));
    expect(pages.map(({ statusCode }) => statusCode)).toEqual(addresses.map(() => 404));
    expect(new Set(pages.map(({ body }) => body)).size).toBe(1);
    expect(pages[0]?.body).toContain('无法打开此链接');
    const posted = await post(`/ask/${'A'.repeat(43)}`, { form: 'x' });
    expect(posted.body).toBe(pages[0]?.body);
  });

  it('is a page for every wrong way of asking, never JSON', async () => {
    const wrong = [
      await server.inject({ method: 'PUT', url: asked.path }),
      await server.inject({ method: 'POST', url: asked.path, payload: { a: 1 } }),
      await post(asked.path, `form=${'x'.repeat(20_000)}`),
      await get('/ask/%zz'),
      await server.inject({
        method: 'POST',
        url: asked.path,
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        payload: '--x--',
      }),
    ];
    for (const { statusCode, headers, body } of wrong) {
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(statusCode).toBeLessThan(500);
      expect(headers['content-type']).toBe('text/html; charset=utf-8');
      expect(headers['cache-control']).toBe('no-store');
      expect(body).toMatch(/lang="zh-CN"/);
    }
  });

  it('is what an unanswered link becomes when its notice is replaced by a material version', async () => {
    await publishNotice(world.gateway, sampleNotice({ version: 2 }));
    expect((await get(asked.path)).statusCode).toBe(404);
  });
});

describe('the server', () => {
  it('writes the token into no log', async () => {
    const lines: string[] = [];
    const { gateway } = world;
    const logging = await buildServer({
      issuer: 'http://gateway.test',
      audience: 'http://gateway.test',
      keys: await makeTokenKeys(),
      participants: openParticipantStore(gateway.db),
      now: gateway.now,
      random: (bytes) => randomBytes(bytes),
      routes: askingPages(gateway),
      title: 'Test',
      description: 'Test',
      version: 'test',
      probe: async () => true,
      log: { level: 'trace', stream: { write: (line) => void lines.push(line) } },
    });
    const token = asked.path.slice('/ask/'.length);
    for (const url of [asked.path, `${asked.path}/receipt`, `/ask/${token}x`, `/ask/${token}/%zz`])
      await logging.inject({ method: 'GET', url });
    await logging.close();
    expect(lines.length).toBeGreaterThan(6);
    expect(lines.join('')).toContain('/ask/:token');
    expect(lines.join('')).not.toContain(token.slice(0, 20));
  });

  it('slows down whoever asks too often, with a page', async () => {
    const other = await world.ask({ subject_ref: 'c58' });
    let last = await get(other.path);
    for (let n = 0; n < 300 && last.statusCode !== 429; n++)
      last = await server.inject({
        method: 'GET',
        url: `/ask/${randomBytes(32).toString('base64url')}`,
        remoteAddress: '192.0.2.9',
      });
    expect(last.statusCode).toBe(429);
    expect(last.headers['content-type']).toContain('text/html');
  });
});
