/**
 * Campaigns on a real database: who is chosen, how many a day, when, what goes out, and that
 * each message exists once whatever dies in between.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { csvLines } from '../src/cli/csv-lines.ts';
import { Crash, crashing } from '../src/database/crashing.ts';
import { answerRequest, type Choice, openRequest } from '../src/gateway/answering.ts';
import { linkToken } from '../src/gateway/asking.ts';
import {
  campaignProgress,
  createCampaign,
  moveCampaign,
  type Plan,
} from '../src/gateway/campaigns.ts';
import { funnel } from '../src/gateway/funnel.ts';
import { MESSAGE_COLUMNS, readOutbox } from '../src/gateway/messages.ts';
import { publishNotice } from '../src/gateway/notices.ts';
import { pageHash } from '../src/gateway/offer.ts';
import { advanceCampaign } from '../src/gateway/wave.ts';
import { AssentError } from '../src/model/error.ts';
import { AskingWorld, sampleNotice } from './asking-world.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

const PLAN: Plan = {
  name: 'spring',
  notice_id: 'credit-record',
  language: 'zh',
  states: ['never_asked', 'lapsed', 'expired', 'outdated'],
  per_day: 4,
  time_zone: 'Asia/Shanghai',
  ask_refused_after: 0,
};
const NOON = new Date('2026-11-02T04:00:00.000Z');

describe.each(BACKENDS.filter((backend) => backend === 'pglite' || SERVER_URL))(
  'a campaign on %s',
  (backend) => {
    let world: AskingWorld;
    beforeAll(async () => {
      world = await AskingWorld.open(10, backend, 'campaigns');
    });
    afterAll(() => world.close());
    beforeEach(async () => {
      world.clock.at = NOON;
      await world.gateway.db.query(
        `truncate notice, request, request_purpose, request_link, answer, campaign,
           campaign_member, outbox_message, outbox_place, authorisation, authorisation_record, authorisation_event`,
      );
      await publishNotice(world.gateway, sampleNotice());
    });

    const start = async (changes: Partial<Plan> = {}) => {
      const plan = { ...PLAN, ...changes };
      await createCampaign(world.gateway, plan);
      await moveCampaign(world.gateway, plan.name, 'start');
    };
    const advance = (name = PLAN.name) => advanceCampaign(world.gateway, name);
    const outbox = (after = 0) => readOutbox(world.gateway, after, 100);
    const answer = async (path: string, choice: Choice) => {
      const token = path.slice('/ask/'.length);
      const open = await openRequest(world.gateway, token);
      if (!open) throw new Error('the link does not open');
      const choices = new Map(open.purposes.map((each) => [each.authorisation_id, choice]));
      const page_sha256 = pageHash(open.notice, open.offer, 'zh');
      await answerRequest(world.gateway, token, { language: 'zh', page_sha256, choices });
    };

    it('asks so many a day in waves, and nobody twice', async () => {
      await start();
      expect(await advance()).toEqual({ outcome: 'asked', asked: 4, reminded: 0 });
      expect(await advance()).toEqual({ outcome: 'asked', asked: 0, reminded: 0 });
      const first = await outbox();
      expect(first.messages).toHaveLength(4);
      world.later({ days: 1 });
      expect((await advance()).asked).toBe(4);
      world.later({ days: 1 });
      expect((await advance()).asked).toBe(2);
      world.later({ days: 1 });
      expect((await advance()).asked).toBe(0);
      const rest = await outbox(first.next);
      const people = [...first.messages, ...rest.messages].map(({ subject_ref }) => subject_ref);
      expect(new Set(people).size).toBe(10);
      expect(people).toHaveLength(10);
    });

    it('gives the same messages for the same place, and each its own place', async () => {
      await start();
      await advance();
      const first = await readOutbox(world.gateway, 0, 3);
      expect(await readOutbox(world.gateway, 0, 3)).toEqual(first);
      const second = await readOutbox(world.gateway, first.next, 3);
      expect(second.messages.map(({ position }) => position)).toEqual([4]);
      expect(csvLines(second.messages, MESSAGE_COLUMNS).split('\r\n')).toHaveLength(2);
      const opened = first.messages.map(({ path }) =>
        openRequest(world.gateway, path.slice('/ask/'.length)),
      );
      expect((await Promise.all(opened)).every(Boolean)).toBe(true);
    });

    it('is silent in the quiet hours, also for messages that were ready before', async () => {
      await start();
      await advance();
      world.clock.at = new Date('2026-11-02T13:00:00Z'); // 21:00 in Shanghai.
      expect((await outbox()).messages).toEqual([]);
      world.clock.at = new Date('2026-11-02T23:59:00Z'); // 07:59 the next day.
      expect((await advance()).outcome).toBe('quiet_hours');
      world.clock.at = new Date('2026-11-03T00:00:00Z');
      expect((await outbox()).messages).toHaveLength(4);
    });

    it('hands nothing out once it is paused or stopped, and a stop is for ever', async () => {
      await start();
      await advance();
      await moveCampaign(world.gateway, 'spring', 'pause');
      expect((await outbox()).messages).toEqual([]);
      expect((await advance()).outcome).toBe('not_running');
      await moveCampaign(world.gateway, 'spring', 'start');
      const { next } = await readOutbox(world.gateway, 0, 1);
      await moveCampaign(world.gateway, 'spring', 'stop');
      expect((await outbox(next)).messages).toEqual([]);
      expect((await outbox()).messages).toEqual([]);
      await expect(moveCampaign(world.gateway, 'spring', 'start')).rejects.toThrow(AssentError);
      const [progress] = await campaignProgress(world.gateway.db, 'spring');
      expect(progress?.messages).toEqual({ handed_out: 1, waiting: 0, dropped: 3 });
    });

    it('reminds whoever did not answer, as often and as late as the law says, and no more', async () => {
      await start();
      await advance();
      let { messages, next } = await outbox();
      await answer(messages[0]?.path ?? '', 'approve');
      await answer(messages[1]?.path ?? '', 'refuse');
      world.later({ days: 6 });
      expect((await advance()).reminded).toBe(0);
      world.later({ days: 1 });
      expect((await advance()).reminded).toBe(2);
      await answer(messages[2]?.path ?? '', 'refuse'); // Before the reminder went out.
      const reminders = await outbox(next);
      next = reminders.next;
      const sent = reminders.messages.filter(({ kind }) => kind === 'reminder');
      expect(sent.map(({ path }) => path)).toEqual([messages[3]?.path]);
      for (const expected of [1, 0, 0]) {
        world.later({ days: 7 });
        await advance();
        const page = await outbox(next);
        next = page.next;
        const again = page.messages.filter(({ path }) => path === messages[3]?.path);
        expect(again).toHaveLength(expected);
      }
      messages = [];
    });

    it('never asks again whoever refused or withdrew, unless the plan says after how long', async () => {
      await start({ per_day: 10 });
      await advance();
      const { messages } = await outbox();
      for (const { path } of messages.slice(0, 3)) await answer(path, 'refuse');
      for (const { path } of messages.slice(3, 6)) await answer(path, 'approve');
      for (const { path } of messages.slice(3, 4)) await answer(path, 'refuse'); // Withdraws.
      await moveCampaign(world.gateway, 'spring', 'stop');
      // A new version: the approvals are outdated, the requests are not open any more.
      await publishNotice(world.gateway, sampleNotice({ version: 2 }));
      world.later({ days: 10 });
      await start({ name: 'again', per_day: 10 });
      expect((await advance('again')).asked).toBe(2); // The two that approved and kept it.
      await start({ name: 'later', per_day: 10, ask_refused_after: 30 });
      expect((await advance('later')).asked).toBe(0);
      world.later({ days: 21 });
      expect((await advance('later')).asked).toBe(4);
    });

    it('drops a message about what the person refused elsewhere meanwhile', async () => {
      await start({ per_day: 10 });
      await advance();
      const { path } = await world.ask({ subject_ref: 'c1', purposes: ['F1'] });
      await answer(path, 'refuse');
      const people = (await outbox()).messages.map(({ subject_ref }) => subject_ref);
      expect(people).toHaveLength(9);
      expect(people).not.toContain('c1');
    });

    it('stops asking with words that a material version has replaced', async () => {
      await start();
      await advance();
      await publishNotice(world.gateway, sampleNotice({ version: 2 }));
      expect((await advance()).outcome).toBe('notice_outdated');
      expect((await outbox()).messages).toEqual([]);
    });

    it('does not ask minors', async () => {
      await world.gateway.db.query(
        `update customer set adult_from = '2030-01-01' where subject_ref in ('c1', 'c2')`,
      );
      await start({ per_day: 100 });
      expect((await advance()).asked).toBe(8);
      await world.gateway.db.query('update customer set adult_from = null');
      await expect(
        createCampaign(world.gateway, { ...PLAN, name: 'x', time_zone: 'Mars/Olympus' }),
      ).rejects.toThrow(/time zone/);
      await expect(createCampaign(world.gateway, { ...PLAN, per_day: 5 })).rejects.toThrow(/taken/);
    });

    it('adds up in the funnel', async () => {
      await start({ per_day: 10 });
      await advance();
      const { messages } = await outbox();
      for (const { path } of messages.slice(0, 3)) await answer(path, 'approve');
      for (const { path } of messages.slice(0, 1)) await answer(path, 'refuse');
      for (const { path } of messages.slice(3, 5)) await answer(path, 'refuse');
      const lines = await funnel(world.gateway.db);
      expect(lines).toHaveLength(4); // Two purposes, two products.
      for (const line of lines) {
        const { given, refused, lapsed, no_answer, invalidated } = line;
        expect(given + refused + lapsed + no_answer + invalidated).toBe(line.asked);
        expect(line).toMatchObject({
          campaign: 'spring',
          asked: 10,
          shown: 5,
          given: 3,
          refused: 2,
          no_answer: 5,
          withdrawn: 1,
        });
      }
    });

    it('survives two schedulers at once', async () => {
      await start();
      const runs = await Promise.allSettled([advance(), advance(), advance()]);
      expect(runs.map(({ status }) => status)).toContain('fulfilled');
      await advance();
      expect((await outbox()).messages).toHaveLength(4);
      const { rows } = await world.gateway.db.query<{ n: number }>(
        'select count(*) as n from authorisation',
      );
      expect(rows[0]?.n).toBe(8);
    });
  },
);

describe('a campaign that dies', () => {
  it('before or after any statement leaves each person asked once', async () => {
    const world = await AskingWorld.open(4);
    const { db } = world.gateway;
    await createCampaign(world.gateway, { ...PLAN, per_day: 3 });
    await moveCampaign(world.gateway, PLAN.name, 'start');
    const reset = () =>
      db.query(
        `truncate request, request_purpose, request_link, campaign_member, outbox_message, outbox_place,
           authorisation, authorisation_record, authorisation_event`,
      );
    const step = async (gateway: typeof world.gateway) => {
      await advanceCampaign(gateway, PLAN.name);
      await readOutbox(gateway, 0, 100);
    };
    const counting = crashing(db, { statement: Number.POSITIVE_INFINITY, when: 'before' });
    await step({ ...world.gateway, db: counting });
    expect(counting.count()).toBeGreaterThan(20);
    for (let statement = 1; statement <= counting.count(); statement++) {
      for (const when of ['before', 'after'] as const) {
        await reset();
        const dying = crashing(db, { statement, when });
        await expect(step({ ...world.gateway, db: dying })).rejects.toThrow(Crash);
        await step(world.gateway);
        const { messages, next } = await readOutbox(world.gateway, 0, 100);
        const at = `statement ${statement}, ${when}`;
        expect(new Set(messages.map(({ subject_ref }) => subject_ref)).size, at).toBe(3);
        expect(messages, at).toHaveLength(3);
        expect(next, at).toBe(3);
        const { rows } = await db.query<{ n: number }>('select count(*) as n from authorisation');
        expect(rows[0]?.n, at).toBe(6);
        const [message] = messages;
        const id = message?.message_id.slice(0, -2) ?? '';
        expect(message?.path, at).toBe(`/ask/${linkToken(world.gateway, id)}`);
      }
    }
    await world.close();
  }, 300_000);
});
