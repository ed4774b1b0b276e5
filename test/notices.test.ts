/** Notices: a version never changes, and a material one takes effect at once, in the gate. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerRequest, openRequest } from '../src/gateway/answering.ts';
import { previewGate } from '../src/gateway/gate.ts';
import { findNotice, listNotices, publishNotice } from '../src/gateway/notices.ts';
import { pageHash } from '../src/gateway/offer.ts';
import { AskingWorld, sampleNotice } from './asking-world.ts';

describe('a notice', () => {
  let world: AskingWorld;
  beforeAll(async () => {
    world = await AskingWorld.open(1);
  });
  afterAll(() => world.close());
  const publish = (changes: object) => publishNotice(world.gateway, sampleNotice(changes));

  it('stays as it was published', async () => {
    expect((await publish({})).result).toBe('unchanged');
    await expect(publish({ withdrawal_uri: 'https://lender.example/privacy' })).rejects.toThrow(
      /notice_altered/,
    );
    await expect(publish({ version: 2, purposes: [] })).rejects.toThrow(/notice_invalid/);
    await expect(findNotice(world.gateway.db, 'credit-record', 9)).rejects.toThrow(/unknown/);
  });

  it('outdates approvals with a material version alone, from its moment on', async () => {
    const { path } = await world.ask({ purposes: ['F1'] });
    const token = path.slice('/ask/'.length);
    const open = await openRequest(world.gateway, token);
    if (!open) throw new Error('the link does not open');
    const id = open.purposes[0]?.authorisation_id ?? '';
    await answerRequest(world.gateway, token, {
      language: 'en',
      page_sha256: pageHash(open.notice, open.offer, 'en'),
      choices: new Map([[id, 'approve']]),
    });
    const withheld = async (at = world.clock.at) =>
      (await previewGate(world.gateway, '2026-01', at)).withheld;
    expect(await withheld()).toEqual({});
    world.later({ days: 1 });
    await publish({ version: 2, material: false });
    expect(await withheld()).toEqual({});
    world.later({ days: 1 });
    const before = world.clock.at;
    world.later({ days: 1 });
    await publish({ version: 3 });
    expect(await withheld()).toEqual({ notice_outdated: 1 });
    // A past moment is decided with the notices of that moment.
    expect(await withheld(before)).toEqual({});
    await expect(publish({ version: 2, material: true })).rejects.toThrow(/notice_altered/);
    expect((await listNotices(world.gateway.db)).map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  it('is asked for with no more than it says', async () => {
    const wrong = [
      { subject_ref: 'nobody' },
      { notice_id: 'nothing' },
      { purposes: ['E1'] },
      { products: ['mortgage'] },
      { accounts: ['not-this-person'] },
      { expires_at: '2040-01-01T00:00:00Z' },
      { expires_at: '2020-01-01T00:00:00Z' },
      { answer_by: '2040-01-01T00:00:00Z' },
      { answer_by: 'soon' },
    ];
    for (const changes of wrong)
      await expect(world.ask(changes)).rejects.toThrow(/request_unfit|notice_unknown/);
  });

  it('asked for twice is one request, and with other words a refused one', async () => {
    const request_id = 'aaaaaaaa-0000-4000-8000-000000000001';
    const first = await world.ask({ request_id });
    expect(await world.ask({ request_id })).toEqual({ ...first, result: 'unchanged' });
    await expect(world.ask({ request_id, purposes: ['Q1'] })).rejects.toThrow(/request_altered/);
  });
});
