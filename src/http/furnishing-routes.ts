/**
 * The scores of a run told to those who watch an account (Q2), over HTTP; they read them in their
 * feeds.
 *
 * What must stay true: long work is done a few seconds at a time, so that a caller sees how far it
 * is; the answer is counts, about nobody.
 */
import { Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';
import { furnishScores } from '../registry/furnish-scores.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';

/** How long one call tells before it answers how far it is. */
const CALL_MS = 5_000;
const UUID = Type.String({ pattern: UUID_PATTERN });

/** Adds the route to the registry's server. */
export function furnishingRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    app.post(
      '/v1/scoring-runs/:run_id/furnishing',
      {
        config: { access: { roles: ['operator'], scope: 'scorecards:write' } },
        schema: {
          summary: 'Tell the scores of a run to who watches an account: begins, or goes on',
          params: Type.Object({ run_id: UUID }),
          response: {
            200: Type.Object({
              run_id: UUID,
              enquirers: Type.Integer(),
              enquirers_done: Type.Integer(),
              told: Type.Integer(),
              passed_over: Type.Record(Type.String(), Type.Integer()),
              is_done: Type.Boolean(),
            }),
          },
        },
      },
      async (request) => {
        const until = performance.now() + CALL_MS;
        return furnishScores(registry, request.params.run_id, () => performance.now() < until);
      },
    );
  };
}
