/**
 * The steps of an episode at the registry: an approval is ended there on the person's word, and
 * requests come again, exactly, altered, or from somebody else.
 *
 * What must stay true: what is told again changes nothing; what is altered or another's is
 * refused, with the answer that an id gets which nobody has (lessons 11 and 14).
 */
import { AssentError } from '../../src/model/error.ts';
import { END_REASONS, endAuthorisation } from '../../src/registry/authorisation-events.ts';
import { told } from './asking-steps.ts';
import { fail, learn } from './knowledge.ts';
import { type Answer, approvalOf, arrangementOf, type Ledger, ofRenewed } from './ledger.ts';
import { stateAt } from './oracle.ts';
import { despiteDeath, type Episode, say } from './steps.ts';
import { OPERATOR } from './world.ts';

/** What the registry may still make of a state; the stricter end wins. */
const MAY_END: Readonly<Record<'withdrawn' | 'revoked', readonly string[]>> = {
  withdrawn: ['given', 'paused', 'superseded', 'expired', 'revoked', 'invalidated'],
  revoked: ['given', 'paused', 'superseded', 'expired'],
};
const ENDED = ['superseded', 'expired', 'revoked', 'invalidated', 'withdrawn'];

const endOf = (type: 'withdrawn' | 'revoked', reason: string) => ({
  type,
  reason,
  evidence_sha256: 'e'.repeat(64),
  by_party: OPERATOR,
  subject_id: null,
});

/** Others of the arrangement that the registry takes to be in force. */
function renewalsThere({ world }: Episode, ledger: Ledger, answer: Answer): Answer[] {
  const isInForce = (each: Answer) =>
    ['given', 'paused'].includes(stateAt(approvalOf(each, 'registry'), world.clock) ?? '');
  return arrangementOf(ledger, answer).filter((each) => each !== answer && isInForce(each));
}

/** Somebody asks the registry, not the lender, to end an approval that it knows. */
export async function endThere(episode: Episode, side: 0 | 1): Promise<void> {
  const { random, world } = episode;
  const ledger = episode.ledgers[side];
  await learn({ world, side, ledger });
  const known = ledger.answers.filter((each) => each.known.registry.length > 0);
  const there = ofRenewed(random, ledger.answers, known);
  const answer = there[random.between(0, Math.max(0, there.length - 1))];
  if (!answer) return refuseUnknown(episode, side);
  const type = random.chance(0.8) ? 'withdrawn' : 'revoked';
  const [first, ...others] = END_REASONS[type];
  const request = endOf(type, random.pick([first, ...others]));
  const id = answer.record.authorisation_id;
  const before = stateAt(approvalOf(answer, 'registry'), world.clock) ?? '';
  const mayEnd = MAY_END[type].includes(before);
  const { value: ended, hasDied } = await despiteDeath(episode, world.stores.registry, () =>
    endAuthorisation(world.registry, id, request).catch((error: unknown) => {
      if (error instanceof AssentError) return { result: error.code };
      throw error;
    }),
  );
  if (mayEnd) {
    // It may have died after all was done.
    const isEnded = ended.result === 'stored' || (hasDied && ended.result === 'unchanged');
    if (!isEnded) fail('the registry ended nothing', { ended, before, answer });
    // Who withdraws what was renewed means the renewal as well.
    const wasSuperseded = answer.known.registry.some((each) => each.type === 'superseded');
    const isOfAll = wasSuperseded && type === 'withdrawn';
    for (const each of [answer, ...(isOfAll ? renewalsThere(episode, ledger, answer) : [])]) {
      const last = each.made.findLast(({ by }) => by === 'registry');
      const at = last && last.at > world.clock ? last.at : world.clock;
      each.made.push({ type, at, by: 'registry', made_at: world.clock });
      say(episode, `the registry: ${told(each)}`);
    }
  } else if (ENDED.includes(before) && ended.result !== 'unchanged') {
    fail('ended twice', { ended, before, answer });
  }
  if (random.chance(0.3)) {
    const again = await endAuthorisation(world.registry, id, request).catch((error) => error);
    if (mayEnd && again.result !== 'unchanged') fail('ended twice', { again, answer });
  }
  if (random.chance(0.3)) await refuseUnknown(episode, side);
}

/** Ids that are none, cut short, of another case, or not known there: all the same answer. */
async function refuseUnknown(episode: Episode, side: 0 | 1): Promise<void> {
  const { random, world } = episode;
  const answers = episode.ledgers[side].answers;
  const unknown = answers.find((each) => each.known.registry.length === 0);
  const ids = [random.uuid(), ...(unknown ? [unknown.record.authorisation_id] : [])];
  for (const id of ids) {
    const error = await endAuthorisation(
      world.registry,
      id,
      endOf('withdrawn', 'subject_request'),
    ).catch((thrown: unknown) => thrown);
    if (!(error instanceof AssentError && error.code === 'authorisation_unknown'))
      fail('the registry ended what it does not know', { id, error });
  }
}

const codeOf = (error: unknown) => (error instanceof AssentError ? error.code : String(error));

/** An event that was pushed before comes again: as it was, under another name, from another. */
export async function replayPush(episode: Episode, side: 0 | 1): Promise<void> {
  const { world, random } = episode;
  const pushed = world.pushed[side];
  const request = pushed[random.between(0, Math.max(0, pushed.length - 1))];
  if (!request) return;
  const path = request.path;
  const wrongName = path.slice(0, -4) + (path.endsWith('0000') ? '1111' : '0000');
  const own = world.link(world.gateways[side], async () => {});
  const other = world.link(world.gateways[side === 0 ? 1 : 0], async () => {});
  const ask = (link: typeof own, over: object) =>
    link.api.json<{ result: string }>({ ...request, ...over }).then(
      ({ result }) => result,
      (error: unknown) => codeOf(error),
    );
  const exact = await ask(own, {});
  // What the registry never took up (its record did not come) it does not know now either.
  if (!['unchanged', 'authorisation_unknown', 'submission_unknown'].includes(exact))
    fail('an exact replay was taken', { exact, request });
  const altered = await ask(own, { path: wrongName });
  if (altered !== 'authorisation_altered')
    fail('an altered replay was taken', { altered, request });
  const stolen = await ask(other, {});
  if (['stored', 'unchanged', 'kept'].includes(stolen))
    fail("another party's event was taken", { stolen, request });
}

/** Another's submission and one that nobody has are one answer. */
export async function pry(episode: Episode, side: 0 | 1): Promise<void> {
  const { world, random } = episode;
  const theirs = [...episode.ledgers[side === 0 ? 1 : 0].checked];
  const id = theirs[random.between(0, Math.max(0, theirs.length - 1))];
  if (id === undefined) return;
  const { api } = world.link(world.gateways[side], async () => {});
  const answers = [];
  for (const each of [id, random.uuid()])
    for (const rest of ['', '/receipt', '/faults'])
      answers.push(
        await api
          .json({ method: 'GET', path: `/v1/submissions/${each}${rest}`, idempotent: true })
          .then(() => 'answered', codeOf),
      );
  if (answers.some((answer) => answer !== 'submission_unknown'))
    fail("another's submission was answered", { answers });
}
