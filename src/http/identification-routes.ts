/**
 * Where an identity provider, or the operator at a counter, says who a person is.
 *
 * What must stay true: the identity comes in a body; the answer is the same for people who are
 * known and people who are not, so nobody learns by asking who has a file; it is rate-limited all
 * the same.
 */
import { Type } from 'typebox';
import type { Registry } from '../registry/registry.ts';
import { ASSURANCES, DOCUMENT_KINDS, identify } from '../registry/sessions.ts';
import type { Server } from './instance.ts';
import { PREFIX } from './me-scope.ts';

/** Of one address; a counter or a provider that needs more runs behind more of them. */
const IDENTIFICATIONS_PER_MINUTE = 120;

/** Adds `POST /v1/people/sessions`. */
export function identificationRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    app.post(
      '/v1/people/sessions',
      {
        config: {
          access: { roles: ['identifier', 'operator'], scope: 'people:identify' },
          rateLimit: {
            max: IDENTIFICATIONS_PER_MINUTE,
            timeWindow: 60_000,
            groupId: 'identification',
          },
        },
        schema: {
          summary: 'Say who a person is, and get the one-time ticket to their own file',
          description:
            'Verify the document first. The answer does not tell whether anything is held.',
          body: Type.Object(
            {
              kind: Type.Enum([...DOCUMENT_KINDS]),
              country: Type.Union([Type.String({ pattern: '^[A-Z]{2}$' }), Type.Null()]),
              number: Type.String({ minLength: 1, maxLength: 64 }),
              name: Type.String({ minLength: 1, maxLength: 200 }),
              birth_date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
              assurance: Type.Enum([...ASSURANCES], { description: 'Level of eIDAS, article 8' }),
              evidence_sha256: Type.String({
                pattern: '^[0-9a-f]{64}$',
                description: 'Of what is kept of the verification',
              }),
              purpose: Type.Literal('own_file'),
            },
            { additionalProperties: false },
          ),
          response: {
            201: Type.Object({
              ticket: Type.String({ description: 'Counts once' }),
              address: Type.String({ description: 'Where the person opens the file' }),
              ends_at: Type.String({ description: 'When the ticket ends unused' }),
            }),
          },
        },
      },
      async (request, reply) => {
        const { purpose: _one, ...verified } = request.body;
        const { participant_id } = request.caller;
        const { ticket, ends_at } = await identify(registry, verified, { participant_id });
        const address = `${registry.issuer}${PREFIX}/enter/${ticket}`;
        return reply.code(201).send({ ticket, address, ends_at });
      },
    );
  };
}
