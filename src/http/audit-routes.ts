/** The route of the audit: whoever may run it learns what was checked and how much was violated. */
import { Type } from 'typebox';
import { audit } from '../registry/audit.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';
import { answerSlowly } from './slow-answer.ts';

const LINE = Type.Object({
  promise: Type.Integer(),
  check: Type.String(),
  checked: Type.Integer(),
  violations: Type.Integer(),
});

/** Adds the route to the registry's server. */
export function auditRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    app.post(
      '/v1/audits',
      {
        config: { access: { roles: ['operator', 'auditor'], scope: 'audits:run' } },
        schema: {
          summary: 'Check promises 1 to 3 against what is stored',
          description: 'Spaces go out before the answer while a large registry is looked through.',
          response: { 200: Type.Object({ checks: Type.Array(LINE) }) },
        },
      },
      (_request, reply) =>
        answerSlowly(
          reply,
          audit(registry).then((checks) => ({ checks })),
        ),
    );
  };
}
