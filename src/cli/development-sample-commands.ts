/**
 * `assent registry development-sample`: the sample of a fit, fetched part by part.
 *
 * What must stay true: one part is held at a time, so a sample of any size passes; what is written
 * is one CSV that `scorecard fit` reads.
 */
import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { AssentError } from '../model/error.ts';
import { isDate } from '../model/period.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print } from './print.ts';
import { progressBar } from './progress.ts';

interface Part {
  readonly parts: number;
  readonly csv: string;
  readonly good: number;
  readonly bad: number;
  readonly left_out: Readonly<Record<string, number>>;
}

/** How many people a sample has, and why others are not in it. */
export interface SampleCounts {
  good: number;
  bad: number;
  readonly left_out: Record<string, number>;
}

/** The bytes of a sample as CSV; `counts` is whole once all of them were read. */
export function fetchSample(
  client: ApiClient,
  day: string,
): { readonly bytes: AsyncIterable<Uint8Array>; readonly counts: SampleCounts } {
  const counts: SampleCounts = { good: 0, bad: 0, left_out: {} };
  const bar = progressBar();
  async function* bytes(): AsyncGenerator<Uint8Array> {
    let parts: number | null = null;
    for (let part = 0; part < (parts ?? 1); part += 1) {
      const query = { day, part: String(part), ...(parts !== null && { parts: String(parts) }) };
      const found: Part = await client.json<Part>({
        method: 'GET',
        path: '/v1/development-sample',
        query,
      });
      parts = found.parts;
      counts.good += found.good;
      counts.bad += found.bad;
      for (const [why, n] of Object.entries(found.left_out))
        counts.left_out[why] = (counts.left_out[why] ?? 0) + n;
      bar('reading the history', part + 1, parts, 'parts');
      if (found.csv !== '') yield Buffer.from(found.csv);
    }
  }
  return { bytes: bytes(), counts };
}

export function countsText({ good, bad, left_out }: SampleCounts): string {
  const out = Object.entries(left_out).map(([why, n]) => `${why} ${n}`);
  return `${good} good, ${bad} bad; left out: ${out.join(', ')}`;
}

/** @throws argument_invalid: no day of the calendar */
export function dayOf(text: string): string {
  if (isDate(text)) return text;
  throw new AssentError('argument_invalid', { detail: '--day is a day, YYYY-MM-DD' });
}

/** Adds the registry's command of this file. */
export function addDevelopmentSample(registry: Command): void {
  homeOptions('registry')(registry.command('development-sample'))
    .description('write the sample that fit-scorecard fits on, as CSV for `scorecard fit`')
    .requiredOption('--day <day>', 'what was known then, and became of people in a year', dayOf)
    .requiredOption('--out <file>', 'the CSV')
    .action(async (options: HomeOptions & { day: string; out: string }) => {
      const { bytes, counts } = fetchSample(operatorClient(resolve(options.home)), options.day);
      await pipeline(Readable.from(bytes), createWriteStream(options.out, { mode: 0o600 }));
      print(
        { ...counts, written: options.out },
        options.json === true,
        () => `${countsText(counts)}\nwritten: ${options.out}`,
      );
    });
}
