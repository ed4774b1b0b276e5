/** `assent registry furnish-scores`: the scores of a run, told to who watches an account (Q2). */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Furnishing } from '../registry/furnish-scores.ts';
import type { ApiClient } from '../wire/api-client.ts';
import { operatorClient } from './home.ts';
import { type HomeOptions, homeOptions } from './home-options.ts';
import { print } from './print.ts';
import { progressBar } from './progress.ts';

/** Tells the scores of a run to the end. @throws scoring_run_unknown, scoring_run_unfit */
export async function furnishToEnd(client: ApiClient, runId: string): Promise<Furnishing> {
  const bar = progressBar();
  for (;;) {
    const found = await client.json<Furnishing>({
      method: 'POST',
      path: `/v1/scoring-runs/${encodeURIComponent(runId)}/furnishing`,
      idempotent: true,
    });
    bar('scores told', found.told, null);
    if (found.is_done) return found;
  }
}

export function furnishedText({ enquirers, told, passed_over }: Furnishing): string {
  const passed = Object.entries(passed_over).map(([reason, n]) => `${reason} ${n}`);
  const not = passed.length === 0 ? '' : `; not told: ${passed.join(', ')}`;
  return `${told} scores told to ${enquirers} enquirers${not}`;
}

/** Adds the registry's command of this file. */
export function addFurnishing(registry: Command): void {
  homeOptions('registry')(registry.command('furnish-scores'))
    .argument('<run_id>', 'of score-everybody')
    .description('tell the scores of a run to the enquirers that watch an account of the person')
    .action(async (runId: string, options: HomeOptions) => {
      const found = await furnishToEnd(operatorClient(resolve(options.home)), runId);
      print(found, options.json === true, furnishedText);
    });
}
