/** Two windows answer at the same moment, on real connections: the refusal wins, every time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  answerRequest,
  type Choice,
  openRequest,
  withdrawApprovals,
} from '../src/gateway/answering.ts';
import { pageHash } from '../src/gateway/offer.ts';
import { AskingWorld } from './asking-world.ts';
import { BACKENDS, SERVER_URL } from './pair.ts';

const ROUNDS = 12;

describe.each(BACKENDS.filter((backend) => backend === 'pglite' || SERVER_URL))(
  'answers that meet, on %s',
  (backend) => {
    let world: AskingWorld;
    beforeAll(async () => {
      world = await AskingWorld.open(ROUNDS, backend, 'asking_race');
    });
    afterAll(() => world.close());

    it('end in a refusal or a withdrawal', async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        const { path } = await world.ask({ subject_ref: `c${round}` });
        const token = path.slice('/ask/'.length);
        const open = await openRequest(world.gateway, token);
        if (!open) throw new Error('the link does not open');
        const ids = open.purposes.map(({ authorisation_id }) => authorisation_id);
        const answer = (choice: Choice) =>
          answerRequest(world.gateway, token, {
            language: 'zh',
            page_sha256: pageHash(open.notice, open.offer, 'zh'),
            choices: new Map(ids.map((id) => [id, choice])),
          });
        const withdraw = () => withdrawApprovals(world.gateway, token, ids);
        const runs = [() => answer('approve'), () => answer('refuse'), () => answer('approve')];
        if (round % 3 === 0) runs.reverse();
        const ended = await Promise.allSettled([...runs.map((run) => run()), withdraw()]);
        expect(ended.filter(({ status }) => status === 'rejected')).toEqual([]);
        const states = Object.values(await world.states(`c${round}`));
        expect(states).toHaveLength(2);
        for (const state of states) expect(['refused', 'withdrawn']).toContain(state);
      }
    });
  },
);
