/**
 * `npm run simulate -- [--histories 100000] [--seed 1] [--level gate|end-to-end]`
 *
 * Lives histories and prints progress, rate and time left; a batch that fails is told with the
 * command that replays it, and the others go on. The exit code is 1 when any failed.
 */
import { parseArgs } from 'node:util';
import { batchesOf, LEVELS, type Level, openLevel, replayOf } from './levels.ts';

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    level: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const say = (text: string) => process.stdout.write(`${text}\n`);

function number(name: 'histories' | 'seed'): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  say(`--${name} must be a whole number above 0`);
  process.exit(64);
}

/** Prints at most this often. */
const EVERY_MS = 5_000;

async function live(level: Level, batches: number, seed: number): Promise<number[]> {
  const failed: number[] = [];
  const totals: Record<string, number> = {};
  const began = Date.now();
  let printed = began;
  for (let n = 0; n < batches; n += 1) {
    try {
      for (const [name, count] of Object.entries(await level.live(seed + n)))
        totals[name] = (totals[name] ?? 0) + count;
    } catch (error) {
      failed.push(seed + n);
      say(`FAILED: ${replayOf(level, seed + n)}`);
      say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const done = n + 1;
    if (Date.now() - printed < EVERY_MS && done < batches) continue;
    printed = Date.now();
    const seconds = (printed - began) / 1000;
    const left = Math.round((seconds / done) * (batches - done));
    const rate = Math.round(((done * level.batch) / seconds) * 60);
    const of = `${done * level.batch} of ${batches * level.batch} histories`;
    say(`${level.name}: ${of}, ${rate} a minute, ${left} s left, ${failed.length} failed`);
  }
  say(`${level.name}: ${JSON.stringify(totals)}`);
  return failed;
}

if (values.help) {
  say('npm run simulate -- [--histories 100000] [--seed 1] [--level gate|end-to-end]');
  process.exit(0);
}
const names = LEVELS.filter((name) => values.level === undefined || values.level === name);
if (names.length === 0) {
  say(`--level must be one of ${LEVELS.join(', ')}`);
  process.exit(64);
}
let failures = 0;
for (const name of names) {
  const level = await openLevel(name);
  const share = names.length === 1 ? 1 : level.share;
  const batches = batchesOf({ ...level, share }, number('histories'));
  const failed = await live(level, batches, number('seed'));
  for (const seed of failed) say(`failed: ${replayOf(level, seed)}`);
  failures += failed.length;
  await level.close();
}
process.exitCode = failures > 0 ? 1 : 0;
