/**
 * `npm run simulate -- [--histories 100000] [--seed 1]`
 *
 * Lives histories and prints progress, rate and time left; a batch that fails is told with the
 * command that replays it, and the others go on. The exit code is 1 when any failed.
 */
import { parseArgs } from 'node:util';
import { addTo, BATCH, batchesOf, failureText, openBatches, replayOf } from './batch.ts';

const USAGE = 'npm run simulate -- [--histories 100000] [--seed 1]';
/** Prints at most this often. */
const EVERY_MS = 5_000;

const { values } = parseArgs({
  options: {
    histories: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
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

async function simulate(batches: number, seed: number): Promise<number[]> {
  const failed: number[] = [];
  const totals: Record<string, number> = {};
  const { live, close } = await openBatches();
  const began = Date.now();
  let printed = began;
  for (let n = 0; n < batches; n += 1) {
    try {
      addTo(totals, await live(seed + n));
    } catch (error) {
      failed.push(seed + n);
      say(`FAILED: ${replayOf(seed + n)}\n${failureText(error)}`);
    }
    const done = n + 1;
    if (Date.now() - printed < EVERY_MS && done < batches) continue;
    printed = Date.now();
    const seconds = (printed - began) / 1000;
    const left = Math.round((seconds / done) * (batches - done));
    const rate = Math.round(((done * BATCH) / seconds) * 60);
    const of = `${done * BATCH} of ${batches * BATCH} histories`;
    say(`${of}, ${rate} a minute, ${left} s left, ${failed.length} failed`);
  }
  say(JSON.stringify(totals));
  await close();
  return failed;
}

if (values.help) {
  say(USAGE);
} else {
  const failed = await simulate(batchesOf(number('histories')), number('seed'));
  for (const seed of failed) say(`failed: ${replayOf(seed)}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
