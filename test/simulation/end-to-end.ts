/**
 * End-to-end level: an episode is some months in the lives of some people at two lenders, over the
 * registry's real API; each hand-over is compared with the oracle, row by row, at the moments at
 * which it was decided, cut and judged, and so is all that the registry then holds and shows.
 *
 * What must stay true: a history is one person's episode; whatever dies is resumed, and then the
 * same is true as if it had not died.
 */
import { loadProfile, PROFILE_NAMES, type Profile } from '../../src/authorisation/profile.ts';
import { exchangeEvents } from '../../src/gateway/feed.ts';
import { handOver } from '../../src/gateway/hand-over.ts';
import { audit } from '../../src/registry/audit.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { ask, happen, raiseNotice } from './asking-steps.ts';
import {
  check,
  compareHeld,
  type EndToEndTally,
  handOverDying,
  handOverOne,
  handOverTwo,
  interrupted,
  noting,
  quiet,
  type Run,
} from './hand-over-steps.ts';
import { checkShown } from './held-check.ts';
import { knock, register } from './knock-steps.ts';
import { fail, learn } from './knowledge.ts';
import { Ledger, type Person } from './ledger.ts';
import { changeThenLook, lookAround } from './look-around.ts';
import { allow } from './look-steps.ts';
import { DISHONEST, mutated } from './mutants.ts';
import { endThere, pry, replayPush } from './registry-steps.ts';
import { renew } from './renewal-steps.ts';
import { drawn, type Shares } from './shares.ts';
import { loadSome, say, tick } from './steps.ts';
import { die, publish } from './turning-steps.ts';
import { FURNISHERS, type World } from './world.ts';

export type { EndToEndTally } from './hand-over-steps.ts';

/** Set-based work costs the same for many people as for few. */
export const PEOPLE = 40;
const STEPS = 32;

/** An episode that went wrong: what was done until then, and what differs. */
export class EpisodeFailed extends Error {
  override readonly name = 'EpisodeFailed';
}

/** A law, with what it says of months that are held often made another: the shipped ones agree. */
function lawOf(random: Seeded): Profile {
  const shipped = loadProfile(random.pick(PROFILE_NAMES));
  if (random.chance(0.3)) return shipped;
  const others = (['expired', 'revoked_by_other', 'invalidated'] as const).filter(() =>
    random.chance(0.25),
  );
  return {
    ...shipped,
    withdrawal_effect: random.pick(['STOP_NEW', 'STOP_NEW', 'STOP_AND_RESTRICT', 'STOP_AND_ERASE']),
    effect_after: others,
    // So short that it runs out while the episode lasts.
    adverse_retention: {
      months: random.between(1, 3),
      from: random.pick(['end_of_event', 'first_delinquency'] as const),
    },
  };
}

function runOf(world: World, random: Seeded, profiles: readonly Profile[], seed: number): Run {
  const people = Array.from({ length: PEOPLE }, (_, number): Person => {
    const birth_date = random.chance(0.12) ? `2008-0${random.between(1, 6)}-11` : '1980-05-05';
    return { number, birth_date };
  });
  const laws = profiles.map(
    ({ name, withdrawal_effect, effect_after, adverse_retention }) =>
      `${name} ${withdrawal_effect} also after [${effect_after}] ${JSON.stringify(adverse_retention)}`,
  );
  const outcomes = {};
  return {
    world,
    random,
    people,
    ledgers: [new Ledger(FURNISHERS[0]), new Ledger(FURNISHERS[1])],
    log: [`profiles of both lenders and the registry: ${laws.join('; ')}`],
    isDishonest: seed % 3 === 0,
    looks: [],
    moments: new Map(),
    tally: {
      histories: PEOPLE,
      rows: 0,
      handovers: 0,
      deaths: 0,
      outcomes,
      late: 0,
      kept: 0,
      shown: 0,
      looks: 0,
      seen: 0,
      knocks: 0,
      heard: 0,
    },
  };
}

/**
 * Lives one episode.
 * @throws EpisodeFailed
 */
export async function liveEndToEnd(world: World, seed: number): Promise<EndToEndTally> {
  const random = seeded(seed);
  const home = lawOf(random);
  // Mostly one jurisdiction; sometimes a lender and the registry stand under different laws.
  const other = () => (random.chance(0.25) ? lawOf(random) : home);
  const profiles = [home, other(), other()] as const;
  world.clock = '2026-01-10T00:00:00.000Z';
  await world.begin(seed, profiles, random.pick([5, 17, 1_000]));
  const run = runOf(world, random, profiles, seed);
  const store = world.stores.gateways[1];
  const honest = store.current;
  if (run.isDishonest) {
    store.current = mutated(honest, DISHONEST);
    say(run, 'the gate of furnisher 1 is open');
  }
  try {
    for (const side of [0, 1] as const) {
      await loadSome(run, side);
      await loadSome(run, side);
      await ask(run, side, PEOPLE);
      if (random.chance(0.8)) await register(run, side);
    }
    for (let n = 0; n < PEOPLE / 4; n += 1) await allow(run);
    const mix = mixOf(random);
    for (let n = 0; n < STEPS; n += 1) await step(run, mix);
    await settle(run);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new EpisodeFailed(`${abridged(run.log, what).join('\n')}\n${what}`);
  } finally {
    store.current = honest;
  }
  return run.tally;
}

/** The history of the person whose row is wrong: what others did is left out. */
function abridged(log: readonly string[], what: string): string[] {
  const [, byAccount, byNumber] = /"f\dp(\d+)a\d"|person: \{"number":(\d+)/.exec(what) ?? [];
  const number = byAccount ?? byNumber;
  if (number === undefined) return [...log];
  const isHim = (text: string) => new RegExp(`\\bc${number} `).test(text);
  return log.flatMap((line) => {
    const [head = '', list] = line.split(' asks ');
    if (list !== undefined) {
      const his = list.split(', ').filter(isHim);
      return his.length > 0 ? [`${head} asks ${his.join(', ')}`] : [];
    }
    return / c\d+ /.test(line) && !isHim(line) ? [] : [line];
  });
}

type Mix = Shares<(run: Run, side: 0 | 1) => Promise<unknown>>;

/** What may happen, each about as often as its share says. */
const STEPS_BY_SHARE: Mix = [
  [14, loadSome],
  [14, (run, side) => ask(run, side, run.random.between(1, PEOPLE / 2))],
  [8, (run, side) => often(run, () => happen(run, side, null))],
  [6, (run, side) => often(run, () => happen(run, side, 'withdrawn'))],
  [8, (run, side) => often(run, () => endThere(run, side))],
  [6, (run, side) => often(run, () => renew(run, side))],
  [8, renewThenWithdraw],
  [4, (run, side) => often(run, () => die(run, side))],
  [5, publishAround],
  [9, (run) => often(run, () => allow(run))],
  [7, (run) => often(run, () => changeThenLook(run))],
  [9, lookAround],
  [2, register],
  [10, knock],
  [2, raised],
  [4, exchange],
  [3, replayPush],
  [2, pry],
  [14, (run, side) => handOverOne(run, side, quiet)],
  [16, (run, side) => handOverOne(run, side, interrupted(run, side))],
  [12, handOverDying],
  [6, handOverTwo],
];

/**
 * The shares of one episode: some steps are frequent in it and some are rare, so that what needs
 * several of one kind comes together in some episode.
 */
const mixOf = (random: Seeded): Mix =>
  STEPS_BY_SHARE.map(([share, make]) => [share * random.pick([0.3, 1, 1, 3]), make]);

async function step(run: Run, mix: Mix): Promise<void> {
  const { random } = run;
  const side = random.pick([0, 1] as const);
  tick(run, random.pick([0, 1, 1, 4, 12]));
  await drawn(random, mix)?.(run, side);
}

/** The poll between hand-overs: both learn of all that the other made, and it takes effect. */
async function exchange(run: Run, side: 0 | 1): Promise<void> {
  const { world, ledgers } = run;
  const ledger = ledgers[side];
  const asked = world.clock;
  const gateway = world.gateways[side];
  const { push } = await exchangeEvents(gateway, world.link(gateway, quiet));
  const exchanged = { asked, settled: world.clock };
  ledger.pulls.push(exchanged);
  if (push.pending === 0) ledger.pushes.push(exchanged);
  say(run, `furnisher ${side} and the registry exchange events`);
  await check(run, side);
}

/** What was held under the notices until now is compared with them. */
async function raised(run: Run): Promise<void> {
  await compareHeld(run);
  raiseNotice(run);
}

/** A notice is published between asking and answering, and before what was agreed to goes. */
async function publishAround(run: Run, side: 0 | 1): Promise<void> {
  const { random } = run;
  if (run.ledgers[side].notices.length === 0) await publish(run, side);
  tick(run, 0);
  if (random.chance(0.6)) await loadSome(run, side);
  if (random.chance(0.8)) await ask(run, side, random.between(4, PEOPLE / 2));
  tick(run, 0);
  await publish(run, side);
  tick(run, 0);
  if (random.chance(0.4)) await often(run, () => happen(run, side, null));
  if (random.chance(0.7)) await handOverOne(run, side, quiet);
}

/** Somebody withdraws right after a renewal, which the registry may know of or not yet. */
async function renewThenWithdraw(run: Run, side: 0 | 1): Promise<void> {
  const { random } = run;
  await often(run, () => renew(run, side));
  if (random.chance(0.6)) {
    await loadSome(run, side);
    await handOverOne(run, side, quiet);
  } else if (random.chance(0.5)) {
    await exchange(run, side);
  }
  tick(run, 0);
  await often(run, () =>
    random.chance(0.5) ? endThere(run, side) : happen(run, side, 'withdrawn'),
  );
}

async function often(run: Run, make: () => Promise<void>): Promise<void> {
  for (let n = run.random.between(1, 6); n > 0; n -= 1) {
    await make();
    tick(run, 0);
  }
}

/** The end: everything is handed over once more, and then again, which changes nothing. */
async function settle(run: Run): Promise<void> {
  const { world, ledgers } = run;
  tick(run, 1);
  for (const side of [0, 1] as const)
    for (const period of ledgers[side].periods()) await handOverOne(run, side, quiet, period);
  const before = await fingerprint(run);
  for (const side of [0, 1] as const) {
    const gateway = world.gateways[side];
    for (const period of ledgers[side].periods().slice(-1)) {
      const again = await handOver(gateway, world.link(gateway, noting(run, side, quiet)), period);
      // Rows refused at the registry are tried again; nothing may come of it.
      if (again.receipt && again.receipt.outcomes.month.accepted > 0)
        fail('re-running stored something', { again });
      await check(run, side);
    }
  }
  if ((await fingerprint(run)) !== before) fail('re-running changed what is stored', {});
  for (const side of [0, 1] as const) await learn({ world, side, ledger: ledgers[side] });
  for (const person of run.people) run.tally.shown += await checkShown(world, ledgers, person);
  const lines = await audit(world.registry);
  const broken = lines.filter((line) => line.violations > 0);
  if (broken.length > 0) fail('the audit finds violations', { broken });
}

/**
 * Everything of people that the registry holds. A row that is tried again may bring another
 * approval along: those are compared elsewhere.
 */
async function fingerprint({ world }: Run): Promise<string> {
  const sums = [];
  for (const table of ['account_month', 'account', 'subject']) {
    // sql: the table is one of the three names above.
    const { rows } = await world.registry.db.query<{ sum: string }>(
      `select coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as sum from ${table} t`,
    );
    sums.push(rows[0]?.sum);
  }
  return sums.join();
}
