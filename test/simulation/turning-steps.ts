/**
 * The steps of an episode that turn many approvals at once: somebody dies, or a lender publishes
 * another version of its notice.
 *
 * What must stay true: a death ends whatever is asked of or in force for the person at that lender,
 * in one moment, and revives nothing when it turns out to be a mistake.
 */
import { readFileSync } from 'node:fs';
import { recordDeath } from '../../src/gateway/death.ts';
import { publishNotice } from '../../src/gateway/notices.ts';
import type { NoticeDocument } from '../../src/model/notice.ts';
import { fail, learn } from './knowledge.ts';
import { approvalOf, type Ledger, type Person } from './ledger.ts';
import { stateAt } from './oracle.ts';
import { despiteDeath, type Episode, say } from './steps.ts';

const SAMPLE = new URL('../../examples/credit-record.notice.json', import.meta.url);
const NOTICE = JSON.parse(readFileSync(SAMPLE, 'utf8')) as NoticeDocument;

/** People whom the lender has in its book. */
function customers(ledger: Ledger): Person[] {
  const isInBook = (ref: string) =>
    ledger.periods().some((period) => ledger.months(ref, period).length > 0);
  return [...new Set(ledger.accounts.filter(({ ref }) => isInBook(ref)).map((a) => a.person))];
}

/** Ends whatever is open of a person, as the law of deaths has it. @returns how many */
function endAll({ world }: Episode, ledger: Ledger, person: Person): number {
  let ended = 0;
  for (const answer of ledger.answers.filter((each) => each.person === person)) {
    const state = stateAt(approvalOf(answer, 'gateway'), world.clock) ?? '';
    if (!['pending', 'given', 'paused'].includes(state)) continue;
    const moments = [...answer.known.gateway.map((each) => each.at), world.clock];
    const at = moments.sort().at(-1) ?? '';
    const type = state === 'pending' ? 'invalidated' : 'revoked';
    answer.made.push({ type, at, by: 'gateway', made_at: world.clock });
    ended += 1;
  }
  return ended;
}

/** Somebody's death is reported to a lender, or was reported by mistake. */
export async function die(episode: Episode, side: 0 | 1): Promise<void> {
  const { world, random } = episode;
  const ledger = episode.ledgers[side];
  await learn({ world, side, ledger });
  const dead = [...ledger.dead.keys()];
  const isMistaken = dead.length > 0 && random.chance(0.4);
  const from = isMistaken ? dead : customers(ledger);
  const person = from[random.between(0, Math.max(0, from.length - 1))];
  if (!person) return;
  const death = {
    subject_ref: `c${person.number}`,
    evidence_sha256: 'd'.repeat(64),
    mistaken: isMistaken,
  };
  const isKnown = !isMistaken && ledger.dead.has(person);
  const { value: report, hasDied } = await despiteDeath(episode, world.stores.gateways[side], () =>
    recordDeath(world.gateways[side], death),
  );
  say(episode, `furnisher ${side}: c${person.number} ${isMistaken ? 'lives' : 'has died'}`);
  const ended = isMistaken || isKnown ? 0 : endAll(episode, ledger, person);
  if (isMistaken) ledger.dead.delete(person);
  else if (!isKnown) ledger.dead.set(person, world.clock);
  const isStored = report.result === 'stored' || (hasDied && report.result === 'unchanged');
  if (isStored === isKnown && !hasDied) fail('a death was not taken', { report, person, death });
  if (report.ended !== ended && !hasDied)
    fail('a death ended other approvals than it must', { report, ended, person });
}

/** A lender publishes its own notice once more; a material change outdates what came before. */
export async function publish(episode: Episode, side: 0 | 1): Promise<void> {
  const { world, random } = episode;
  const { notices } = episode.ledgers[side];
  const { profile } = world.gateways[side];
  const isLawful = profile?.legal_bases.some(
    ({ basis, purposes }) => basis === 'consent' && purposes.includes('F1'),
  );
  if (!profile || !isLawful) return;
  const version = (notices.at(-1)?.version ?? 0) + 1;
  const material = random.chance(0.6);
  const purposes = NOTICE.purposes
    .filter(({ code }) => code === 'F1')
    .map((each) => ({ ...each, validity_months: profile.validity_months ?? 12 }));
  const { en } = NOTICE.texts;
  const { F1 } = en?.purposes ?? {};
  if (!en || !F1) throw new Error('the sample notice speaks no English');
  const document = {
    ...{ ...NOTICE, notice_id: 'p', version, material, purposes },
    texts: { en: { ...en, purposes: { F1 } } },
  };
  const { value } = await despiteDeath(episode, world.stores.gateways[side], () =>
    publishNotice(world.gateways[side], document),
  );
  notices.push({ version, material, published_at: value.notice.published_at.toISOString() });
  say(episode, `furnisher ${side} publishes version ${version}${material ? ', material' : ''}`);
  const altered = await publishNotice(world.gateways[side], { ...document, material: !material })
    .then(() => 'published')
    .catch((error: unknown) => String(error));
  if (!altered.includes('notice_altered')) fail('a version was published twice', { altered });
}
