/**
 * An enquirer's portfolio and its alerts over HTTP.
 *
 * What must stay true: everybody sees their own alone; reports go out as the bytes that were hashed.
 */
import { Type } from 'typebox';
import { UUID_PATTERN } from '../model/uuid.ts';
import { ALERT_KINDS, readAlerts } from '../registry/alerts.ts';
import { answerText } from '../registry/answer-looks.ts';
import { listPortfolio, PORTFOLIO_PAGE, refreshPortfolio } from '../registry/portfolio.ts';
import type { Registry } from '../registry/registry.ts';
import { ANSWER, sendJson } from './enquiry-routes.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
const NEXT = Type.Union([UUID, Type.Null()], {
  description: '`after` of the next page; null: none',
});
const config = { access: { roles: ['enquirer'] as const, scope: 'files:read' as const } };
const LIMIT = Type.Integer({ minimum: 1, maximum: PORTFOLIO_PAGE, default: PORTFOLIO_PAGE });

function addPortfolio(app: Server, registry: Registry): void {
  app.get(
    '/v1/portfolio',
    {
      config,
      schema: {
        summary: 'The people one monitors: by the authorisations (Q2) that one brought',
        querystring: Type.Object({ after: Type.Optional(UUID), limit: Type.Optional(LIMIT) }),
        response: {
          200: Type.Object({
            entries: Type.Array(
              Type.Object({
                authorisation_id: UUID,
                starts_at: Type.String(),
                expires_at: Type.Union([Type.String(), Type.Null()]),
                seen_at: Type.Union([Type.String(), Type.Null()]),
              }),
            ),
            next: NEXT,
          }),
        },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      const page = { after: after ?? null, limit: limit ?? PORTFOLIO_PAGE };
      const found = await listPortfolio(registry, request.caller.participant_id, page);
      const entries = found.entries.map(({ authorisation_id, starts_at, expires_at, seen_at }) => ({
        authorisation_id,
        starts_at: starts_at.toISOString(),
        expires_at: expires_at?.toISOString() ?? null,
        seen_at: seen_at?.toISOString() ?? null,
      }));
      return { entries, next: found.next };
    },
  );
  app.post(
    '/v1/portfolio/refresh',
    {
      config,
      schema: {
        summary: 'Summaries of a page of the portfolio; each is a look, traced and counted',
        body: Type.Object(
          {
            use_id: UUID,
            form: Type.Optional(Type.Enum(['summary', 'evaluation'])),
            purpose: Type.String({ minLength: 1, maxLength: 40, description: 'docs/REPORT.md' }),
            after: Type.Optional(UUID),
            limit: Type.Optional(LIMIT),
          },
          { additionalProperties: false },
        ),
        response: { 200: Type.Object({ answers: Type.Array(ANSWER), next: NEXT }) },
      },
    },
    async (request, reply) => {
      const { use_id, purpose, form, after, limit } = request.body;
      const { answers, next } = await refreshPortfolio(registry, {
        ...{ use_id, purpose, enquirer_id: request.caller.participant_id },
        form: form ?? 'summary',
        ...{ after: after ?? null, limit: limit ?? PORTFOLIO_PAGE },
      });
      const texts = answers.map(answerText).join(',');
      return sendJson(reply, `{"answers":[${texts}],"next":${JSON.stringify(next)}}`);
    },
  );
}

/** Adds the routes of portfolios and alerts to the registry's server. */
export function portfolioRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addPortfolio(app, registry);
    app.get(
      '/v1/alerts',
      {
        config,
        schema: {
          summary: 'What changed about the people one monitors, after a position',
          querystring: Type.Object({
            after: Type.Optional(Type.Integer({ minimum: 0, default: 0 })),
            limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 500 })),
          }),
          response: {
            200: Type.Object({
              alerts: Type.Array(
                Type.Object({
                  position: Type.Integer(),
                  authorisation_id: UUID,
                  kind: Type.Enum([...ALERT_KINDS]),
                  facts: Type.Record(Type.String(), Type.Number()),
                  at: Type.String(),
                }),
              ),
              head: Type.Integer(),
            }),
          },
        },
      },
      async (request) => {
        const { after, limit } = request.query;
        const page = { after: after ?? 0, limit: limit ?? 500 };
        const found = await readAlerts(registry, request.caller.participant_id, page);
        const alerts = found.alerts.map((each) => ({ ...each, at: each.at.toISOString() }));
        return { alerts, head: found.head };
      },
    );
  };
}
