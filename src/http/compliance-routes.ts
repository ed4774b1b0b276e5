/**
 * What a compliance officer asks of a gateway about the law. The registry never calls it.
 *
 * What must stay true: counts alone, no person and no account by itself; nothing is changed.
 */
import { Type } from 'typebox';
import type { Gateway } from '../gateway/gateway.ts';
import { whatIf } from '../gateway/what-if.ts';
import type { Server } from './instance.ts';

const PERIOD = Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' });
const DAY = Type.String({ format: 'date', description: 'YYYY-MM-DD' });
const SHARE = Type.Union([Type.Number(), Type.Null()]);
const COUNT = Type.Object({ persons: Type.Integer(), accounts: Type.Integer() });
const COUNTS = Type.Record(Type.String(), COUNT);
const COVERAGE = Type.Object({
  accounts: Type.Integer(),
  of_in_scope: SHARE,
  of_eligible: SHARE,
});

const PRODUCT = Type.Object({
  product: Type.String(),
  in_scope: COUNT,
  eligible: COUNT,
  standing: COUNTS,
  would_lose: Type.Object({
    persons: Type.Integer(),
    accounts: Type.Integer(),
    by_reason: COUNTS,
    balances: Type.Array(Type.Object({ currency: Type.String(), balance_minor: Type.Integer() })),
  }),
  at_accept_rate: Type.Object({ approve: COUNT, lose: COUNT }),
  coverage: Type.Object({
    today: COVERAGE,
    unchanged: COVERAGE,
    if_all_approve: COVERAGE,
    at_accept_rate: COVERAGE,
  }),
});

const ANSWER = Type.Object({
  profile: Type.String(),
  from: DAY,
  period: PERIOD,
  at: Type.String(),
  accept_rate: Type.Number(),
  worth: Type.Object({
    verdict: Type.Enum(['valid', 'flagged', 'void']),
    needs: Type.Array(Type.String()),
    conditionality: Type.String(),
    source: Type.String(),
  }),
  products: Type.Array(PRODUCT),
});

/** Adds the officer's routes to a gateway's server. */
export function complianceRoutes(app: Server, gateway: Gateway): void {
  app.get(
    '/v1/what-if',
    {
      config: { access: { roles: ['officer'], scope: 'coverage:read' } },
      schema: {
        summary:
          'If approval became a condition of service from a day: coverage, who would lose the ' +
          'product, what the approvals would be worth',
        querystring: Type.Object({
          profile: Type.String({ maxLength: 20 }),
          from: DAY,
          accept_rate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
          period: Type.Optional(PERIOD),
        }),
        response: { 200: ANSWER },
      },
    },
    async (request) => {
      const { profile, from, accept_rate = 1, period = null } = request.query;
      return (await whatIf(gateway, { profile, from, accept_rate, period })) as never;
    },
  );
}
