/**
 * The steps of an episode that hand over: quietly, with withdrawals in flight, with a database
 * that dies, two at a time; each is compared when it has ended.
 *
 * What must stay true: the moments at which a hand-over was decided, cut and judged are taken from
 * its requests on the wire, before whatever else happens there.
 */
import { crashing } from '../../src/database/crashing.ts';
import { handOver } from '../../src/gateway/hand-over.ts';
import { resumeProcessing } from '../../src/registry/intake.ts';
import type { ApiRequest } from '../../src/wire/api-client.ts';
import { happen } from './asking-steps.ts';
import { type Case, checkHandovers, type Moments, type Stored } from './hand-over-check.ts';
import { checkHeld, checkShown } from './held-check.ts';
import { checkTold, fail, learn } from './knowledge.ts';
import type { LookAnswer } from './look-steps.ts';
import { endThere } from './registry-steps.ts';
import { type Episode, say, tick } from './steps.ts';
import { checkUsesCounted } from './uses-check.ts';
import type { Watch } from './world.ts';

export interface EndToEndTally {
  readonly histories: number;
  /** Rows compared, one for each row of the book and hand-over of its period. */
  rows: number;
  handovers: number;
  deaths: number;
  /** Rows that the registry judged, by how they ended. */
  readonly outcomes: Record<string, number>;
  /** Rows kept back between the decision and their leaving. */
  late: number;
  /** Rows that the registry held, counted at each comparison. */
  kept: number;
  /** Months of files that were looked at. */
  shown: number;
  /** Looks that were asked for, and those that were let through. */
  looks: number;
  seen: number;
  /** Webhooks that were sent, and those that made a gateway read the feed. */
  knocks: number;
  heard: number;
}

export interface Run extends Episode {
  /** The second lender hands over whatever it likes. */
  readonly isDishonest: boolean;
  /** What people let enquirers see. */
  readonly looks: LookAnswer[];
  readonly moments: Map<string, Moments>;
  readonly tally: EndToEndTally;
}

export const quiet: Watch = async () => {};

/** After a failed try the gateway waits at most ten minutes (docs/FEED.md). */
const BACKOFF_MS = 10 * 60_000;

/** People whose files are looked at after a hand-over. */
const LOOKS = 3;

function periodOf({ random, ledgers }: Run, side: 0 | 1): string | null {
  const periods = ledgers[side].periods();
  // Mostly the newest, of which most is still to go.
  const index = random.chance(0.6) ? periods.length - 1 : random.between(0, periods.length - 1);
  return periods[index] ?? null;
}

/** An exchange that was asked for and whose end is not seen yet. */
interface Open {
  push: string | null;
  pull: string | null;
  last: string | null;
  /** Events pushed that were not answered. */
  unanswered: number;
}

function noteExchange(run: Run, side: 0 | 1, open: Open, { path, method }: ApiRequest): void {
  const { clock } = run.world;
  const ledger = run.ledgers[side];
  const isPull = path === '/v1/feed';
  const isPush = path.startsWith('/v1/authorisation-events/');
  if (isPush) {
    open.unanswered += 1;
    return;
  }
  // Whatever is asked after a pull or a push is asked when that is done.
  if (open.pull !== null) ledger.pulls.push({ asked: open.pull, settled: clock });
  open.pull = isPull ? clock : null;
  if (open.push !== null && (isPull || path.endsWith('/completion'))) {
    if (open.unanswered === 0) ledger.pushes.push({ asked: open.push, settled: clock });
    open.push = null;
  }
  if (method === 'PUT' && path.includes('/parts/')) open.push = clock;
}

function noteMoments(run: Run, open: Open, request: ApiRequest): void {
  const { clock } = run.world;
  const [, id = '', rest = ''] = /^\/v1\/submissions\/([^/]+)(.*)$/.exec(request.path) ?? [];
  if (id === '') return;
  open.last = id;
  const moments = run.moments.get(id) ?? { planned: clock, cut: new Map(), completed: clock };
  run.moments.set(id, moments);
  const [, part] = /^\/parts\/(\d+)$/.exec(rest) ?? [];
  if (part !== undefined && request.query?.['kind'] === 'month')
    moments.cut.set(Number(part), clock);
  else if (part !== undefined) moments.cut.set(-Number(part), clock);
}

/** Notes the moments of a hand-over from its requests, before whatever else happens there. */
export function noting(run: Run, side: 0 | 1, watch: Watch): Watch {
  const open: Open = { push: run.world.clock, pull: null, last: null, unanswered: 0 };
  return async (request, phase) => {
    if (phase === 'before') {
      noteExchange(run, side, open, request);
      noteMoments(run, open, request);
    }
    if (phase === 'after' && request.path.startsWith('/v1/authorisation-events/'))
      open.unanswered -= 1;
    await watch(request, phase);
    const moments = run.moments.get(open.last ?? '');
    const { clock } = run.world;
    // The plan is made when the feed has been read once more.
    if (phase === 'after' && request.path === '/v1/feed' && moments) moments.planned = clock;
    if (phase === 'after' && request.path.includes('/parts/') && open.push !== null)
      open.push = clock;
    if (phase === 'before' && request.path.endsWith('/completion') && moments)
      moments.completed = clock;
  };
}

const caseOf = (run: Run, side: 0 | 1, beside: readonly string[] = []): Case => ({
  world: run.world,
  side,
  ledger: run.ledgers[side],
  moments: run.moments,
  beside,
  isDishonest: run.isDishonest && side === 1,
});

/** Compares all that the registry holds. @param stored what a side's hand-overs brought */
export async function compareHeld(
  run: Run,
  stored: { readonly side: 0 | 1; readonly rows: readonly Stored[] } | null = null,
): Promise<void> {
  const { tally, world, ledgers } = run;
  for (const side of [0, 1] as const) {
    const ledger = ledgers[side];
    if (stored === null) await learn({ world, side, ledger });
    tally.kept += await checkHeld(world, side, ledger, stored?.side === side ? stored.rows : []);
  }
}

/** Compares what has ended since the last time, all that is held, and some files. */
export async function check(run: Run, side: 0 | 1, beside: readonly string[] = []): Promise<void> {
  const { tally, world, ledgers, people, random } = run;
  if (world.failures.length > 0) fail('processing failed', { failures: world.failures });
  for (const each of [0, 1] as const) await learn({ world, side: each, ledger: ledgers[each] });
  checkTold({ world, side, ledger: ledgers[side] });
  const { rows, late, outcomes, stored } = await checkHandovers(caseOf(run, side, beside));
  tally.rows += rows;
  tally.late += late;
  for (const outcome of outcomes) tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  await compareHeld(run, { side, rows: stored });
  await checkUsesCounted(world, side, ledgers[side], run.isDishonest && side === 1);
  for (let n = 0; n < LOOKS; n += 1) {
    const person = people[random.between(0, people.length - 1)];
    if (person) tally.shown += await checkShown(world, ledgers, person);
  }
}

export async function handOverOne(
  run: Run,
  side: 0 | 1,
  watch: Watch,
  period = periodOf(run, side),
): Promise<void> {
  if (period === null) return;
  say(run, `furnisher ${side} hands over ${period}`);
  const gateway = run.world.gateways[side];
  await handOver(gateway, run.world.link(gateway, noting(run, side, watch)), period);
  run.tally.handovers += 1;
  await check(run, side);
}

/** Time moves and people withdraw, here or at the registry, at some request in flight. */
export function interrupted(run: Run, side: 0 | 1): Watch {
  let until = run.random.between(0, 20);
  return async (_request, phase) => {
    until -= 1;
    if (until !== 0) return;
    tick(run, run.random.pick([0, 1, 30]));
    say(run, `… ${phase} a request in flight`);
    const isThere = run.random.chance(0.4);
    for (let n = run.random.between(1, 12); n > 0; n -= 1) {
      await (isThere ? endThere(run, side) : happen(run, side, 'withdrawn'));
      tick(run, 0);
    }
    if (run.random.chance(0.3)) await happen(run, side, null);
    tick(run, 0);
  };
}

/** One of the two databases dies at some statement; later the hand-over is resumed. */
export async function handOverDying(run: Run, side: 0 | 1): Promise<void> {
  const period = periodOf(run, side);
  if (period === null) return;
  const { world, random } = run;
  const store = random.pick([world.stores.gateways[side], world.stores.registry]);
  const isGateway = store !== world.stores.registry;
  const healthy = store.current;
  const when = random.pick(['before', 'after'] as const);
  const statement = random.between(1, isGateway ? 110 : 90);
  const dying = crashing(healthy, { statement, when });
  const who = isGateway ? 'gateway' : 'registry';
  say(
    run,
    `furnisher ${side} hands over ${period}; the ${who} dies ${when} statement ${statement}`,
  );
  const gateway = world.gateways[side];
  store.current = dying;
  try {
    await handOver(gateway, world.link(gateway, noting(run, side, quiet)), period);
  } catch (error) {
    if (!dying.isDead()) throw error;
    run.tally.deaths += 1;
  } finally {
    await world.idle();
    store.current = healthy;
  }
  world.failures.length = 0;
  world.clock = new Date(Date.parse(world.clock) + BACKOFF_MS).toISOString();
  tick(run, random.pick([0, 2]));
  for (let n = random.between(0, 3); n > 0; n -= 1) {
    await (random.chance(0.4) ? endThere(run, side) : happen(run, side, 'withdrawn'));
    tick(run, 0);
  }
  await resumeProcessing(world.registry);
  tick(run, 0);
  await handOver(gateway, world.link(gateway, noting(run, side, quiet)), period);
  run.tally.handovers += 1;
  await check(run, side);
}

/** Two periods at the same time. */
export async function handOverTwo(run: Run, side: 0 | 1): Promise<void> {
  const periods = run.ledgers[side].periods().slice(-2);
  if (periods.length < 2) return;
  say(run, `furnisher ${side} hands over ${periods.join(' and ')} at the same time`);
  const gateway = run.world.gateways[side];
  const reports = await Promise.all(
    periods.map((period) =>
      handOver(gateway, run.world.link(gateway, noting(run, side, quiet)), period),
    ),
  );
  run.tally.handovers += reports.length;
  const ids = reports.flatMap((report) => report.handover_id ?? []);
  await checkBeside(run, side, ids);
}

/** Of two hand-overs side by side either may have used an approval first. */
async function checkBeside(run: Run, side: 0 | 1, ids: readonly string[]): Promise<void> {
  await check(run, side, ids);
  for (const { record, uses } of run.ledgers[side].answers) {
    for (const whose of ['gateway', 'registry'] as const) {
      if (whose === 'gateway' && run.isDishonest && side === 1) continue;
      const made = uses[whose].filter((use) => ids.includes(use.use_id));
      const { fetch } = record.limits;
      if (fetch === 'ONETIME' && made.length > 1) fail('one time was twice', { record, made });
    }
  }
}
