/**
 * How a scorecard does, over HTTP: on one day, and month by month.
 *
 * What must stay true: figures about nobody.
 */
import { Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { isPeriod } from '../model/period.ts';
import type { Registry } from '../registry/registry.ts';
import { monitorMonths, monitorScorecard } from '../registry/scorecard-monitoring.ts';
import { readScorecard } from '../registry/scorecards.ts';
import type { Server } from './instance.ts';
import { CARD_PARAMS, DAY, dayOf } from './scorecard-routes.ts';
import { answerSlowly } from './slow-answer.ts';

const ANY = Type.Unsafe<Record<string, unknown>>(
  Type.Object({}, { additionalProperties: true, description: 'docs/EVALUATION.md' }),
);
const PERIOD = Type.String({ pattern: '^\\d{4}-\\d{2}$' });
const config = {
  access: {
    roles: ['operator', 'auditor', 'supervisor'] as const,
    scope: 'scorecards:read' as const,
  },
};

/** Adds the routes to the registry's server. */
export function monitoringRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    app.get(
      '/v1/scorecards/:scorecard_id/:version/monitoring',
      {
        config,
        schema: {
          summary: 'How a scorecard does on everybody as of a day, and how it did a year before',
          params: CARD_PARAMS,
          querystring: Type.Object({ day: DAY }),
          response: { 200: ANY },
        },
      },
      async (request, reply) => {
        const { card } = await readScorecard(registry, request.params);
        const found = monitorScorecard(registry, card, dayOf(request.query.day));
        return answerSlowly(reply, found as Promise<unknown> as Promise<Record<string, unknown>>);
      },
    );
    app.get(
      '/v1/scorecards/:scorecard_id/:version/monitoring/months',
      {
        config,
        schema: {
          summary: 'Stability, and of months whose year is over AUC and calibration, by month',
          params: CARD_PARAMS,
          querystring: Type.Object({ from: PERIOD, to: PERIOD }),
          response: { 200: Type.Object({ months: Type.Array(ANY) }) },
        },
      },
      async (request, reply) => {
        const { from, to } = request.query;
        if (!isPeriod(from) || !isPeriod(to))
          throw new AssentError('request_invalid', { detail: 'from and to are months, YYYY-MM' });
        const { card } = await readScorecard(registry, request.params);
        const found = monitorMonths(registry, card, { from, to }).then((months) => ({
          months: months as unknown as Record<string, unknown>[],
        }));
        return answerSlowly(reply, found);
      },
    );
  };
}
