/**
 * The steps of an episode in which the registry knocks at gateways: webhooks are lost, come twice,
 * come late and out of order.
 *
 * What must stay true: a webhook that arrives makes the gateway read the feed to its end, however
 * often and in whatever order it comes; one that is lost costs time alone.
 */
import { pullFeed } from '../../src/gateway/feed.ts';
import { deliverWebhooks, type PostWebhook, registerWebhook } from '../../src/registry/webhooks.ts';
import { check, quiet, type Run } from './hand-over-steps.ts';
import { fail } from './knowledge.ts';
import { despiteDeath, say } from './steps.ts';
import { FURNISHERS } from './world.ts';

type Webhook = Parameters<PostWebhook>[0];
type Fate = 'arrives' | 'lost' | 'refused' | 'twice' | 'late' | 'unanswered';
/** A webhook whose signature is older is not believed. */
const BELIEVED_MS = 5 * 60_000;

const urlOf = (side: 0 | 1) => `http://127.0.0.1:1/${side}`;
const sideOf = ({ url }: Webhook): 0 | 1 => (url.endsWith('1') ? 1 : 0);

/** A gateway names its endpoint, again and again. */
export async function register(run: Run, side: 0 | 1): Promise<void> {
  const { world, ledgers } = run;
  const { registry } = world;
  await registerWebhook(registry, FURNISHERS[side], urlOf(side), true);
  ledgers[side].registered ??= world.clock;
  say(run, `furnisher ${side} registers its endpoint`);
}

/** The newest thing that the registry did of which a gateway was not told before. */
const newestThere = ({ ledgers }: Run, side: 0 | 1): string =>
  ledgers[side].answers
    .flatMap(({ made }) => made.filter(({ by }) => by === 'registry').map(({ made_at }) => made_at))
    .sort()
    .at(-1) ?? '';

/** What is due is delivered, each with a fate of its own; who was knocked at reads the feed. */
export async function knock(run: Run): Promise<void> {
  const { random, world, ledgers, tally } = run;
  const isLossless = random.chance(0.4);
  const held: { readonly webhook: Webhook; readonly at: string }[] = [];
  const sent: Webhook[] = [];
  const post: PostWebhook = async (webhook) => {
    const fates: readonly [Fate, ...Fate[]] = isLossless
      ? ['arrives']
      : ['arrives', 'arrives', 'lost', 'refused', 'twice', 'late', 'unanswered'];
    const fate = random.pick(fates);
    sent.push(webhook);
    if (fate === 'lost') return null;
    if (fate === 'refused') return 503;
    if (fate === 'late') {
      held.push({ webhook, at: world.clock });
      return null;
    }
    const status = await world.receive(sideOf(webhook), webhook);
    if (fate === 'twice') await world.receive(sideOf(webhook), webhook);
    return fate === 'unanswered' ? null : status;
  };
  const tried = ([0, 1] as const).map((side) => ledgers[side].tried);
  await deliverWebhooks(world.registry, post);
  tally.knocks += sent.length;
  say(run, `${sent.length} webhooks${isLossless ? '' : ', some lost or late'}`);
  for (const side of [0, 1] as const) {
    const { registered } = ledgers[side];
    const newest = newestThere(run, side);
    const isNew = registered !== null && newest > registered && newest > (tried[side] ?? '');
    if (isLossless && isNew && !world.knocked[side])
      fail('a gateway was not knocked at', { side, newest, registered, sent });
    ledgers[side].tried = world.clock;
  }
  await readWhoHeard(run);
  // Those held back come now, the last one first, some of them too late to be believed.
  if (held.length > 0 && random.chance(0.5)) later(run, random.pick([1_000, 2 * BELIEVED_MS]));
  for (const { webhook, at } of held.reverse()) {
    const age = Date.parse(world.clock) - Date.parse(at);
    const status = await world.receive(sideOf(webhook), webhook);
    if (age <= BELIEVED_MS / 2 ? status !== 204 : age > BELIEVED_MS && status === 204)
      fail('a late webhook was not answered as it must be', { age, status, webhook });
  }
  await readWhoHeard(run);
  // All of it once more: each is known by its id.
  for (const webhook of sent.slice(0, 3)) await world.receive(sideOf(webhook), webhook);
  if (held.length === 0 && isLossless && world.knocked.some((is) => is))
    fail('the same webhook knocked twice', { sent });
  await readWhoHeard(run);
}

function later({ world }: Run, ms: number): void {
  world.clock = new Date(Date.parse(world.clock) + ms).toISOString();
}

/** Whoever heard a knock reads the feed; it may die doing so, and be knocked at again. */
async function readWhoHeard(run: Run): Promise<void> {
  const { world, ledgers, tally } = run;
  for (const side of [0, 1] as const) {
    if (!world.knocked[side]) continue;
    world.knocked[side] = false;
    tally.heard += 1;
    const gateway = world.gateways[side];
    const asked = world.clock;
    await despiteDeath(run, world.stores.gateways[side], () =>
      pullFeed(gateway, world.link(gateway, quiet)),
    );
    ledgers[side].pulls.push({ asked, settled: world.clock });
    await check(run, side);
  }
}
