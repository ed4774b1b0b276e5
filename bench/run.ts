/**
 * `npm run bench`: every backend at every size, each in a process of its own, as ratios to the
 * raw COPY of the same run. Nothing here is a test.
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';

const USAGE = `npm run bench -- [--months 100000,1000000,5000000] [--backends pglite,postgresql]

Needs BENCH_DATABASE_URL (a PostgreSQL of which it may drop the schemas assent_gateway and
assent_registry) for the backend postgresql; without it, only PGlite is measured.`;

interface Measured {
  readonly backend: string;
  readonly months: number;
  readonly copy_rate: number;
  readonly intake_rate: number;
  readonly load_rate: number;
  readonly gate_rate: number;
  readonly tape_to_receipt_rate: number;
  readonly first_period_rate: number;
  readonly import_rate: number;
  readonly peak_mebibytes: number;
}

const { values } = parseArgs({
  options: {
    months: { type: 'string', default: '100000,1000000,5000000' },
    backends: {
      type: 'string',
      default: process.env['BENCH_DATABASE_URL'] ? 'pglite,postgresql' : 'pglite',
    },
    help: { type: 'boolean', default: false },
  },
});

function measure(backend: string, months: string): Measured | null {
  const child = spawnSync(
    process.execPath,
    [new URL('measure.ts', import.meta.url).pathname, backend, months],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 24 },
  );
  if (child.status !== 0) return null;
  return JSON.parse(child.stdout) as Measured;
}

const shown = (rate: number) => rate.toLocaleString('en');

if (values.help) process.stdout.write(`${USAGE}\n`);
else {
  const table = new Table({
    head: [
      'backend',
      'months',
      'intake ÷ COPY',
      'tape-to-receipt ÷ COPY',
      'gate ÷ COPY',
      'COPY rows/s',
      'intake rows/s',
      'tape rows/s',
      'gate rows/s',
      'tape-to-receipt rows/s',
      'first period rows/s',
      'approvals/s',
      'peak MiB',
    ],
    style: { head: [], border: [] },
  });
  for (const backend of values.backends.split(',')) {
    for (const months of values.months.split(',')) {
      const one = measure(backend, months);
      if (!one) {
        process.stderr.write(`${backend} at ${months} months failed\n`);
        process.exitCode = 1;
        continue;
      }
      const ratio = (rate: number) => (rate / one.copy_rate).toFixed(2);
      table.push([
        backend,
        shown(one.months),
        ratio(one.intake_rate),
        ratio(one.tape_to_receipt_rate),
        ratio(one.gate_rate),
        shown(one.copy_rate),
        shown(one.intake_rate),
        shown(one.load_rate),
        shown(one.gate_rate),
        shown(one.tape_to_receipt_rate),
        shown(one.first_period_rate),
        shown(one.import_rate),
        shown(one.peak_mebibytes),
      ]);
    }
  }
  process.stdout.write(`${table.toString()}\n`);
}
