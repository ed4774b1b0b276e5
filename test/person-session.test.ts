/**
 * Who may see a file, and for how long: tickets, sessions, forms, and what is learnt by trying.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reinstateParticipant, suspendParticipant } from '../src/participants/participant.ts';
import { findSession, identify, openSession } from '../src/registry/sessions.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';
import { PersonWorld } from './person-world.ts';

const MINUTE_MS = 60_000;

describe.each(BACKENDS)('a person on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let world: PersonWorld;
  beforeAll(async () => {
    world = await PersonWorld.open(backend, 'person_session');
  }, 120_000);
  afterAll(() => world?.close());

  /** The registry so many minutes later. */
  const later = (minutes: number) => ({
    ...world.pair.registry,
    now: () => new Date(Date.now() + minutes * MINUTE_MS),
  });
  const traces = async () =>
    (
      await world.pair.registry.db.query<{ purpose: string; reason: string }>(
        'select purpose, reason from access order by at, access_id',
      )
    ).rows;

  it('enters with a ticket, once, and the identification is traced', async () => {
    const ticket = await world.ticket(0);
    expect((await traces()).at(-1)).toEqual({
      purpose: 'identification',
      reason: `high sha256:${'e'.repeat(64)}`,
    });
    const shown = await world.page(null, `/me/enter/${ticket}`);
    expect(shown.statusCode).toBe(200);
    const entered = await world.post(null, '/me/enter', { ticket, lang: 'zh' });
    expect(entered.statusCode).toBe(303);
    expect(entered.headers.location).toBe('/me?lang=zh');
    expect(String(entered.headers['set-cookie'])).toMatch(
      /^assent=[\w-]{43}; Path=\/; Max-Age=28(800|799); HttpOnly; SameSite=Strict$/,
    );
    const token = /assent=([^;]+)/.exec(String(entered.headers['set-cookie']))?.[1] ?? '';
    expect((await world.page(token, '/me/looks')).statusCode).toBe(200);
    // Neither way in opens a second time.
    expect((await world.post(null, '/me/enter', { ticket })).statusCode).toBe(404);
    expect((await world.page(null, `/me/enter/${ticket}`)).statusCode).toBe(404);
    const again = await world.api(null, 'POST', '/v1/me/session', { ticket });
    expect(again.json()).toMatchObject({ code: 'ticket_unknown' });
  });

  it('of two that use one ticket at the same moment, lets one in', async () => {
    const ticket = await world.ticket(0);
    const both = await Promise.allSettled(
      [1, 2, 3].map(() => openSession(world.pair.registry, ticket)),
    );
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('is let in by no guess, no late ticket and no hash', async () => {
    const ticket = await world.ticket(0);
    const { rows } = await world.pair.registry.db.query<{ hash: string }>(
      `select encode(ticket_hash, 'hex') as hash from person_session`,
    );
    const guesses = ['A'.repeat(43), ticket.slice(0, -1), `${ticket}A`, rows[0]?.hash ?? '', ''];
    for (const guess of guesses)
      await expect(openSession(world.pair.registry, guess)).rejects.toMatchObject({
        code: 'ticket_unknown',
      });
    await expect(openSession(later(5), ticket)).rejects.toMatchObject({ code: 'ticket_unknown' });
    await expect(openSession(later(4), ticket)).resolves.toBeDefined();
  });

  it('stays in for 20 idle minutes and 8 hours, and no minute longer', async () => {
    const token = await world.enter(0);
    expect(await findSession(later(20), token)).toBeNull();
    for (let minute = 19; minute < 480; minute += 19)
      expect(await findSession(later(minute), token), `${minute}`).not.toBeNull();
    expect(await findSession(later(480), token)).toBeNull();
  });

  it('leaves at once: here, or everywhere', async () => {
    const [here, there, other] = [await world.enter(0), await world.enter(0), await world.enter(1)];
    const form = await world.formToken(here);
    const left = await world.post(here, '/me/leave', { form, lang: 'en' });
    expect(left.headers.location).toBe('/me/left?lang=en');
    expect(String(left.headers['set-cookie'])).toContain('Max-Age=0');
    expect((await world.page(here, '/me/looks')).statusCode).toBe(401);
    expect((await world.page(there, '/me/looks')).statusCode).toBe(200);
    const ticket = await world.ticket(0);
    const ended = await world.api(there, 'DELETE', '/v1/me/sessions');
    expect((ended.json() as { ended: number }).ended).toBeGreaterThanOrEqual(2);
    expect((await world.page(there, '/me/looks')).statusCode).toBe(401);
    expect((await world.post(null, '/me/enter', { ticket })).statusCode).toBe(404);
    expect((await world.page(other, '/me/looks')).statusCode).toBe(200);
  });

  it('is out while the identifier is suspended', async () => {
    const token = await world.enter(0);
    const ticket = await world.ticket(0);
    await suspendParticipant(world.pair.registry.db, world.identifier_id);
    expect((await world.page(token, '/me/looks')).statusCode).toBe(401);
    await expect(openSession(world.pair.registry, ticket)).rejects.toBeDefined();
    await reinstateParticipant(world.pair.registry.db, world.identifier_id);
    expect((await world.page(token, '/me/looks')).statusCode).toBe(200);
  });

  it('must be identified anew once somebody was merged with them or split from them', async () => {
    const [token, other] = [await world.enter(0), await world.enter(1)];
    const ticket = await world.ticket(0);
    const { subject_id } = await world.account(0);
    await world.pair.registry.db.query(
      `insert into identity_event (event_id, kind, from_id, to_id, at, by_party, why, moved,
         prior_keys)
       values ($1, 'split', $2, $3, $4, $5, 'a mixed file', '{}', '[]')`,
      [randomUUID(), subject_id, randomUUID(), new Date(), randomUUID()],
    );
    expect((await world.page(token, '/me/looks')).statusCode).toBe(401);
    await expect(openSession(world.pair.registry, ticket)).rejects.toBeDefined();
    expect((await world.page(other, '/me/looks')).statusCode).toBe(200);
    expect((await world.page(await world.enter(0), '/me/looks')).statusCode).toBe(200);
  });

  it('is shown nothing when a detail differs, and whoever identifies cannot tell', async () => {
    const { number: unknown } = (await import('../src/world/people.ts')).makePerson(
      (await import('../src/world/seeded.ts')).seeded(99),
      5,
      false,
    );
    const before = (await traces()).length;
    const cases = [
      { name: 'Somebody Else' },
      { name: world.people[1]?.name ?? '' },
      { kind: 'passport' as const, country: 'DE', number: 'C01X00T47' },
      {
        number: unknown,
        birth_date: `${unknown.slice(6, 10)}-${unknown.slice(10, 12)}-${unknown.slice(12, 14)}`,
      },
    ];
    const by = { participant_id: world.identifier_id };
    for (const over of cases) {
      const known = await identify(world.pair.registry, world.verified(0), by);
      const answer = await identify(world.pair.registry, world.verified(0, over), by);
      // The same members of the same form.
      const form = (each: typeof known) => Object.entries(each).map(([k, v]) => [k, v.length]);
      expect(form(answer)).toEqual(form(known));
      const { token } = await openSession(world.pair.registry, answer.ticket);
      const page = await world.page(token, '/me?lang=en');
      expect(page.statusCode).toBe(200);
      expect(page.body).toContain('Nothing is held about you here');
      for (const path of ['/me/looks', '/me/authorisations', '/me/messages'])
        expect((await world.page(token, path)).statusCode).toBe(404);
      const asked = await world.api(token, 'GET', '/v1/me/looks');
      expect(asked.json()).toMatchObject({ code: 'nothing_held' });
    }
    // Only the known ones left a trace.
    expect((await traces()).length).toBe(before + cases.length);
    await expect(
      identify(world.pair.registry, world.verified(0, { number: '11999919800101123X' }), by),
    ).rejects.toMatchObject({ code: 'not_identified' });
    await expect(
      identify(world.pair.registry, world.verified(0, { birth_date: '1900-01-01' }), by),
    ).rejects.toMatchObject({ code: 'not_identified' });
  });

  it('traces every reading, of the trace too', async () => {
    const token = await world.enter(1);
    const before = (await traces()).length;
    for (const path of ['/me/looks', '/me/looks', '/me/authorisations'])
      expect((await world.page(token, path)).statusCode).toBe(200);
    await world.api(token, 'GET', '/v1/me/looks');
    const grown = (await traces())
      .slice(before)
      .map(({ purpose, reason }) => `${purpose} ${reason}`);
    expect(grown.sort()).toEqual(
      ['authorisations', 'looks', 'looks', 'looks'].map((part) => `own_file ${part}`),
    );
  });

  it("withdraws one's own, at once and once, and never another's", async () => {
    const [token, other] = [await world.enter(0), await world.enter(1)];
    const id = '00000000-0000-4000-8000-000000000000';
    const path = `/me/authorisations/${id}/withdraw`;
    const stranger = await world.page(other, path);
    const nothing = await world.page(other, path.replace(id, randomUUID()));
    expect([stranger.statusCode, stranger.body]).toEqual([404, nothing.body]);
    const form = await world.formToken(token);
    const foreign = await world.post(other, path, { form: await world.formToken(other) });
    expect(foreign.statusCode).toBe(404);
    expect((await world.page(token, `${path}?lang=en`)).body).toContain('Withdraw this approval?');
    for (const _twice of [1, 2]) {
      const done = await world.post(token, path, { form, lang: 'en' });
      expect(done.headers.location).toBe('/me/authorisations?done=withdrawn&lang=en');
    }
    const listed = await world.api(token, 'GET', '/v1/me/authorisations');
    expect(listed.json()).toMatchObject({
      authorisations: [{ authorisation_id: id, state: 'withdrawn', may_withdraw: false }],
    });
    const { rows } = await world.pair.registry.db.query<{ n: number }>(
      `select count(*) as n from authorisation_event where authorisation_id = $1
         and type = 'withdrawn'`,
      [id],
    );
    expect(rows[0]?.n).toBe(1);
    const api = await world.api(other, 'POST', `/v1/me/authorisations/${id}/withdrawal`);
    expect(api.json()).toMatchObject({ code: 'authorisation_unknown' });
  });

  it('takes no form from another session, another site or a guess', async () => {
    const [token, other] = [await world.enter(1), await world.enter(1)];
    const id = '00000000-0000-4000-8000-000000000001';
    const path = `/me/authorisations/${id}/withdraw`;
    const forms = [await world.formToken(other), 'A'.repeat(43), ''];
    for (const form of forms)
      expect((await world.post(token, path, { form })).statusCode).toBe(400);
    const good = await world.formToken(token);
    for (const site of ['cross-site', 'same-site']) {
      const sent = await world.pair.server.inject({
        method: 'POST',
        url: path,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          'sec-fetch-site': site,
          cookie: `assent=${token}`,
        },
        payload: `form=${good}`,
      });
      expect(sent.statusCode).toBe(400);
    }
    // A cookie opens no API, a bearer no page, and of two cookies none counts.
    const { server } = world.pair;
    const asked = [
      { url: '/v1/me/looks', headers: { cookie: `assent=${token}` } },
      { url: '/me/looks', headers: { authorization: `Bearer ${token}` } },
      { url: '/me/looks', headers: { cookie: `assent=${token}; assent=${other}` } },
    ];
    for (const each of asked) expect((await server.inject(each)).statusCode).toBe(401);
    const listed = await world.api(token, 'GET', '/v1/me/authorisations');
    expect(listed.json()).toMatchObject({ authorisations: [{ state: 'given' }] });
  });
});
