/**
 * End-to-end level: an episode is some months in the lives of some people at two lenders, over the
 * registry's real API; each hand-over is compared with the oracle, row by row, at the moments at
 * which it was decided, cut and judged.
 *
 * What must stay true: a history is one person's episode; whatever dies is resumed, and then the
 * same is true as if it had not died.
 */

import { PROFILE_NAMES } from '../../src/authorisation/profile.ts';
import { crashing } from '../../src/database/crashing.ts';
import { handOver } from '../../src/gateway/hand-over.ts';
import { audit } from '../../src/registry/audit.ts';
import { readFile } from '../../src/registry/files.ts';
import { resumeProcessing } from '../../src/registry/intake.ts';
import { seeded } from '../../src/world/seeded.ts';
import { type Case, checkHandovers, fail, type Moments } from './hand-over-check.ts';
import { Ledger, type Person } from './ledger.ts';
import { ask, type Episode, happen, loadSome, raiseNotice, say, tick } from './steps.ts';
import { FURNISHERS, type Watch, type World } from './world.ts';

/** Set-based work costs the same for many people as for few. */
export const PEOPLE = 40;
const STEPS = 24;

/** An episode that went wrong: what was done until then, and what differs. */
export class EpisodeFailed extends Error {
  override readonly name = 'EpisodeFailed';
}

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
}

interface Run extends Episode {
  readonly moments: Map<string, Moments>;
  readonly tally: EndToEndTally;
}

/**
 * Lives one episode.
 * @throws EpisodeFailed
 */
export async function liveEndToEnd(world: World, seed: number): Promise<EndToEndTally> {
  const random = seeded(seed);
  const home = random.pick(PROFILE_NAMES);
  // Mostly one jurisdiction; sometimes a lender and the registry stand under different laws.
  const other = () => (random.chance(0.25) ? random.pick(PROFILE_NAMES) : home);
  const profiles = [home, other(), other()] as const;
  world.clock = '2026-01-10T00:00:00.000Z';
  await world.begin(seed, profiles);
  const people = Array.from({ length: PEOPLE }, (_, number): Person => {
    const birth_date = random.chance(0.12) ? `2008-0${random.between(1, 9)}-11` : '1980-05-05';
    return { number, birth_date };
  });
  const run: Run = {
    world,
    random,
    people,
    ledgers: [new Ledger(FURNISHERS[0]), new Ledger(FURNISHERS[1])],
    log: [`profiles ${profiles.join(', ')}`],
    moments: new Map(),
    tally: { histories: PEOPLE, rows: 0, handovers: 0, deaths: 0, outcomes: {}, late: 0 },
  };
  try {
    for (const side of [0, 1] as const) {
      await loadSome(run, side);
      await loadSome(run, side);
      await ask(run, side, PEOPLE);
    }
    for (let n = 0; n < STEPS; n += 1) await step(run);
    await settle(run);
  } catch (error) {
    const what = error instanceof Error ? (error.stack ?? error.message) : String(error);
    throw new EpisodeFailed(`${abridged(run.log, what).join('\n')}\n${what}`);
  }
  return run.tally;
}

/** The history of the person whose row is wrong: what others did is left out. */
function abridged(log: readonly string[], what: string): string[] {
  const [, number] = /"f\dp(\d+)a\d"/.exec(what) ?? [];
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

async function step(run: Run): Promise<void> {
  const { random } = run;
  const side = random.pick([0, 1] as const);
  tick(run, random.pick([0, 1, 1, 4, 12]));
  const what = random.unit();
  if (what < 0.14) await loadSome(run, side);
  else if (what < 0.28) await ask(run, side, random.between(1, PEOPLE / 2));
  else if (what < 0.38) await happenOften(run, side, null);
  else if (what < 0.44) await happenOften(run, side, 'withdrawn');
  else if (what < 0.46) raiseNotice(run);
  else if (what < 0.5) await look(run);
  else if (what < 0.64) await handOverOne(run, side, quiet);
  else if (what < 0.8) await handOverOne(run, side, interrupted(run, side));
  else if (what < 0.93) await handOverDying(run, side);
  else await handOverTwo(run, side);
}

async function happenOften(run: Run, side: 0 | 1, wanted: 'withdrawn' | null): Promise<void> {
  for (let n = run.random.between(1, 6); n > 0; n -= 1) {
    await happen(run, side, wanted);
    tick(run, 0);
  }
}

const quiet: Watch = async () => {};

function periodOf({ random, ledgers }: Run, side: 0 | 1): string | null {
  const periods = ledgers[side].periods();
  // Mostly the newest, of which most is still to go.
  const index = random.chance(0.6) ? periods.length - 1 : random.between(0, periods.length - 1);
  return periods[index] ?? null;
}

/** Notes the moments of a hand-over from its requests, before whatever else happens there. */
function noting(run: Run, watch: Watch): Watch {
  return async (request, phase) => {
    const now = run.world.clock;
    const [, id = '', rest = ''] = /^\/v1\/submissions\/([^/]+)(.*)$/.exec(request.path) ?? [];
    if (phase === 'before') {
      const moments = run.moments.get(id) ?? {
        declared: now,
        planned: now,
        cut: new Map(),
        judged: now,
      };
      run.moments.set(id, moments);
      const isAfterPlan = rest.startsWith('/parts') || rest === '/completion';
      if (isAfterPlan) moments.planned = moments.declared;
      if (rest.startsWith('/parts')) moments.cut.set(request.query?.['kind'] ?? '', now);
      if (rest === '/completion') moments.judged = now;
    }
    await watch(request, phase);
    const moments = run.moments.get(id);
    if (phase === 'after' && request.method === 'PUT' && rest === '' && moments)
      moments.declared = run.world.clock;
    if (phase === 'before' && rest === '/completion' && moments) moments.judged = run.world.clock;
  };
}

const caseOf = (run: Run, side: 0 | 1, beside: readonly string[] = []): Case => ({
  world: run.world,
  side,
  ledger: run.ledgers[side],
  moments: run.moments,
  beside,
});

async function compare({ tally }: Run, each: Case): Promise<void> {
  const { rows, late, outcomes } = await checkHandovers(each);
  tally.rows += rows;
  tally.late += late;
  for (const outcome of outcomes) tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
}

async function check(run: Run, side: 0 | 1): Promise<void> {
  if (run.world.failures.length > 0) fail('processing failed', { failures: run.world.failures });
  await compare(run, caseOf(run, side));
}

async function handOverOne(run: Run, side: 0 | 1, watch: Watch): Promise<void> {
  const period = periodOf(run, side);
  if (period === null) return;
  say(run, `furnisher ${side} hands over ${period}`);
  const gateway = run.world.gateways[side];
  await handOver(gateway, run.world.link(gateway, noting(run, watch)), period);
  run.tally.handovers += 1;
  await check(run, side);
}

/** Time moves and people withdraw at some request of a hand-over in flight. */
function interrupted(run: Run, side: 0 | 1): Watch {
  let until = run.random.between(0, 14);
  return async (_request, phase) => {
    until -= 1;
    if (until !== 0) return;
    tick(run, run.random.pick([0, 1, 30]));
    say(run, `… ${phase} a request in flight`);
    for (let n = run.random.between(1, 12); n > 0; n -= 1) await happen(run, side, 'withdrawn');
    if (run.random.chance(0.3)) await happen(run, side, null);
    tick(run, 0);
  };
}

/** One of the two databases dies at some statement; later the hand-over is resumed. */
async function handOverDying(run: Run, side: 0 | 1): Promise<void> {
  const period = periodOf(run, side);
  if (period === null) return;
  const { world, random } = run;
  const store = random.pick([world.stores.gateways[side], world.stores.registry]);
  const isGateway = store !== world.stores.registry;
  const healthy = store.current;
  const when = random.pick(['before', 'after'] as const);
  const statement = random.between(1, isGateway ? 80 : 60);
  const dying = crashing(healthy, { statement, when });
  const who = isGateway ? 'gateway' : 'registry';
  say(
    run,
    `furnisher ${side} hands over ${period}; the ${who} dies ${when} statement ${statement}`,
  );
  const gateway = world.gateways[side];
  store.current = dying;
  try {
    await handOver(gateway, world.link(gateway, noting(run, quiet)), period);
  } catch (error) {
    if (!dying.isDead()) throw error;
    run.tally.deaths += 1;
  } finally {
    store.current = healthy;
  }
  world.failures.length = 0;
  tick(run, random.pick([0, 2]));
  if (random.chance(0.5)) await happen(run, side, 'withdrawn');
  tick(run, 0);
  for (const moments of run.moments.values())
    if (await isProcessing(run, moments)) moments.judged = world.clock;
  await resumeProcessing(world.registry);
  await handOver(gateway, world.link(gateway, noting(run, quiet)), period);
  run.tally.handovers += 1;
  await check(run, side);
}

/** Whether the registry has still to judge the hand-over of these moments. */
async function isProcessing({ world, moments }: Run, of: Moments): Promise<boolean> {
  const [id] = [...moments].find(([, each]) => each === of) ?? [];
  const { rows } = await world.registry.db.query<{ n: number }>(
    `select count(*) as n from submission where submission_id = $1 and state = 'processing'`,
    [id ?? null],
  );
  return (rows[0]?.n ?? 0) > 0;
}

/** Two periods at the same time. */
async function handOverTwo(run: Run, side: 0 | 1): Promise<void> {
  const periods = run.ledgers[side].periods().slice(-2);
  if (periods.length < 2) return;
  say(run, `furnisher ${side} hands over ${periods.join(' and ')} at the same time`);
  const gateway = run.world.gateways[side];
  const reports = await Promise.all(
    periods.map((period) => handOver(gateway, run.world.link(gateway, noting(run, quiet)), period)),
  );
  run.tally.handovers += reports.length;
  const ids = reports.flatMap((report) => report.handover_id ?? []);
  await checkBeside(run, side, ids);
}

/** Of two hand-overs side by side either may have used an approval first. */
async function checkBeside(run: Run, side: 0 | 1, ids: readonly string[]): Promise<void> {
  await compare(run, caseOf(run, side, ids));
  for (const { record, uses } of run.ledgers[side].answers) {
    for (const whose of ['gateway', 'registry'] as const) {
      const made = uses[whose].filter((use) => ids.includes(use.use_id));
      const { fetch } = record.limits;
      if (fetch === 'ONETIME' && made.length > 1) fail('one time was twice', { record, made });
    }
  }
}

/** An operator's look: every month shown is one that is stored, and the look leaves a trace. */
async function look(run: Run): Promise<void> {
  const { world, people, random } = run;
  const person = people[random.between(0, people.length - 1)];
  if (!person) return;
  say(run, `somebody looks at person ${person.number}`);
  const traces = async () =>
    (await world.registry.db.query<{ n: number }>('select count(*) as n from access')).rows[0]?.n ??
    0;
  const before = await traces();
  const number = `E${String(10_000_000 + person.number)}`;
  const sought = { kind: 'passport' as const, country: 'CN', number };
  const reading = {
    participant_id: FURNISHERS[0],
    purpose: 'operator_review',
    reason: 'simulated',
  };
  const file = await readFile(world.registry, sought, reading).catch(() => null);
  if ((await traces()) - before !== (file ? 1 : 0)) fail('a look without a trace', {});
  const shown = (file?.accounts ?? []).flatMap(
    (account) => (account['months'] as { period: string; authorisation_id: string }[] | null) ?? [],
  );
  const answers = run.ledgers.flatMap((ledger) => ledger.answers);
  for (const month of shown) {
    const answer = answers.find(({ record }) => record.authorisation_id === month.authorisation_id);
    if (answer?.person !== person) fail('shown under nobody’s approval', { month });
  }
  const expected = run.ledgers.flatMap((ledger) =>
    [...ledger.outcomes]
      .filter(([key, outcome]) => key.includes(`p${person.number}a`) && outcome === 'accepted')
      .map(([key]) => key.split(' ').slice(0, 2).join(' ')),
  );
  if (shown.length !== new Set(expected).size)
    fail('what is shown is not what is stored', { shown, expected });
}

/** The end: everything is handed over once more, and then again, which changes nothing. */
async function settle(run: Run): Promise<void> {
  tick(run, 1);
  for (const side of [0, 1] as const) {
    const gateway = run.world.gateways[side];
    const link = run.world.link(gateway, noting(run, quiet));
    for (const period of run.ledgers[side].periods()) {
      await handOver(gateway, link, period);
      await check(run, side);
    }
  }
  const before = await fingerprint(run);
  for (const side of [0, 1] as const) {
    const gateway = run.world.gateways[side];
    const link = run.world.link(gateway, noting(run, quiet));
    for (const period of run.ledgers[side].periods().slice(-1)) {
      const again = await handOver(gateway, link, period);
      // Rows refused at the registry are tried again; nothing may come of it.
      if (again.receipt && again.receipt.outcomes.month.accepted > 0)
        fail('re-running stored something', { again });
      await check(run, side);
    }
  }
  if ((await fingerprint(run)) !== before) fail('re-running changed what is stored', {});
  const lines = await audit(run.world.registry);
  const broken = lines.filter((line) => line.violations > 0);
  if (broken.length > 0) fail('the audit finds violations', { broken });
}

/** Everything of people that the registry holds. */
async function fingerprint({ world }: Run): Promise<string> {
  const sums = [];
  for (const table of ['account_month', 'account', 'subject', 'authorisation_event']) {
    // sql: the table is one of the four names above.
    const { rows } = await world.registry.db.query<{ sum: string }>(
      `select coalesce(md5(string_agg(t::text, ',' order by t::text)), '') as sum from ${table} t`,
    );
    sums.push(rows[0]?.sum);
  }
  return sums.join();
}
