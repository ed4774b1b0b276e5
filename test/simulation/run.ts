/**
 * `npm run simulate -- [--level gate] [--histories 100000] [--seed 1] [--backend pglite]`
 *
 * Lives histories and prints progress, rate and time left; a batch that fails is told with the
 * command that replays it, and the others go on. The exit code is 1 when any failed.
 */
import { parseArgs } from 'node:util';
import { BACKENDS, SERVER_URL } from '../pair.ts';
import { FAULTS, type Fault } from './end-to-end-mutants.ts';
import {
  addTo,
  batchesOf,
  failureText,
  LEVELS,
  type Level,
  type LevelName,
  openLevel,
  replayOf,
} from './levels.ts';

const USAGE = `npm run simulate -- [--level ${LEVELS.join('|')}] [--histories 100000] [--seed 1]
  [--backend ${BACKENDS.join('|')}] (end to end; postgresql needs TEST_DATABASE_URL)
  [--fault NAME] (end to end: how soon a fault of docs/TESTING.md is found)`;
/** Prints at most this often. */
const EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    level: { type: 'string', default: 'gate' },
    histories: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    backend: { type: 'string', default: 'pglite' },
    fault: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);

function refuse(problem: string): never {
  say(`${problem}\n${USAGE}`);
  process.exit(64);
}

function number(name: 'histories' | 'seed'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  return refuse(`--${name} must be a whole number above 0`);
}

function oneOf<T extends string>(name: 'level' | 'backend', all: readonly T[]): T {
  return all.find((each) => each === values[name]) ?? refuse(`--${name} must be one of ${all}`);
}

/** The fault to look for; null: none is to be found. */
function faultOf(name: LevelName): Fault | null {
  if (values.fault === undefined) return null;
  if (name !== 'end-to-end') refuse('--fault is for --level end-to-end');
  return FAULTS.find(({ fault }) => fault === values.fault) ?? refuse('no such --fault');
}

async function simulate(level: Level, batches: number, seed: number): Promise<number[]> {
  say(`seed ${seed}; any batch again: ${replayOf(level, seed).replace(/seed \d+/, 'seed N')}`);
  const failed: number[] = [];
  const totals: Record<string, number> = {};
  const began = Date.now();
  let printed = began;
  for (let n = 0; n < batches; n += 1) {
    try {
      addTo(totals, await level.live(seed + n));
    } catch (error) {
      failed.push(seed + n);
      say(`FAILED: ${replayOf(level, seed + n)}\n${failureText(error)}`);
      if (values.fault !== undefined) return failed; // It is found.
    }
    const done = n + 1;
    if (Date.now() - printed < EVERY_MS && done < batches) continue;
    printed = Date.now();
    const seconds = (printed - began) / 1000;
    const left = Math.round((seconds / done) * (batches - done));
    const rate = Math.round(((done * level.batch) / seconds) * 60);
    const of = `${done * level.batch} of ${batches * level.batch} histories`;
    const memory = `${Math.round(process.memoryUsage.rss() / 1e6)} MB`;
    const found = `${failed.length} failed`;
    say(`${level.name}: ${of}, ${rate} a minute, ${left} s left, ${memory}, ${found}`);
  }
  say(JSON.stringify(totals));
  return failed;
}

if (values.help) {
  say(USAGE);
} else {
  const [histories, seed] = [number('histories'), number('seed')];
  const backend = oneOf('backend', BACKENDS);
  if (backend === 'postgresql' && !SERVER_URL) refuse('TEST_DATABASE_URL is not set');
  const name = oneOf('level', LEVELS);
  const level = await openLevel(name, backend, faultOf(name));
  const failed = await simulate(level, batchesOf(level, histories), seed);
  await level.close();
  for (const each of failed) say(`failed: ${replayOf(level, each)}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
