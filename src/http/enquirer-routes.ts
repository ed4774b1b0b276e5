/**
 * What an enquirer may call at the registry: bring the person's authorisation, ask leave to look.
 *
 * What must stay true: the identity document stands in a body and in no answer; another's
 * authorisation is answered like one that does not exist.
 */

import { Type } from 'typebox';
import { LOOK_PURPOSES } from '../authorisation/record.ts';
import { IDENTITY_KINDS } from '../model/record.ts';
import { UUID_PATTERN } from '../model/uuid.ts';
import { findOrThrow } from '../participants/participant.ts';
import { recordForEnquirer } from '../registry/enquirer-authorisations.ts';
import { claimPermit } from '../registry/permits.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';

const UUID = Type.String({
  pattern: UUID_PATTERN,
  description: 'UUID, lower case',
});
/** A person as an enquirer describes one. */
export const PERSON = Type.Object(
  {
    kind: Type.Enum(IDENTITY_KINDS.filter((kind) => kind !== 'furnisher_reference')),
    country: Type.Union([Type.String({ minLength: 2, maxLength: 2 }), Type.Null()]),
    number: Type.String({ minLength: 1, maxLength: 64 }),
    name: Type.String({ minLength: 1, maxLength: 200 }),
    birth_date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
  },
  { additionalProperties: false },
);

function addTerms(app: Server, registry: Registry): void {
  app.get(
    '/v1/registry',
    {
      config: { access: { roles: ['enquirer'], scope: 'authorisations:bring' } },
      schema: {
        summary:
          'What an authorisation for looks must name: this registry as its provider, its law',
        response: {
          200: Type.Object({
            registry_id: UUID,
            profile: Type.Union([Type.String(), Type.Null()]),
          }),
        },
      },
    },
    async () => ({ registry_id: registry.registry_id, profile: registry.profile?.name ?? null }),
  );
}

/** Adds the enquirer's routes to the registry's server. */
export function enquirerRoutes(registry: Registry): (app: Server) => void {
  return (app) => {
    addTerms(app, registry);
    app.post(
      '/v1/authorisations',
      {
        config: { access: { roles: ['enquirer'], scope: 'authorisations:bring' } },
        schema: {
          summary: "Bring a person's authorisation for looks, signed by the enquirer",
          body: Type.Object(
            { signed: Type.String({ maxLength: 100_000 }), person: PERSON },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Object({
              authorisation_id: UUID,
              state: Type.String(),
              result: Type.Enum(['stored', 'unchanged']),
            }),
          },
        },
      },
      async (request) => {
        const { participant_id } = request.caller;
        const participant = await findOrThrow(registry.db, participant_id);
        return recordForEnquirer(registry, {
          ...request.body,
          enquirer_id: participant_id,
          keys: participant.jwks,
        });
      },
    );
    app.post(
      '/v1/permits',
      {
        config: { access: { roles: ['enquirer'], scope: 'permits:claim' } },
        schema: {
          summary: 'Ask leave to look at a file under an authorisation; a permitted look is a use',
          body: Type.Object(
            {
              authorisation_id: UUID,
              purpose: Type.Enum([...LOOK_PURPOSES]),
              use_id: UUID,
            },
            { additionalProperties: false },
          ),
          response: {
            200: Type.Object({
              use_id: UUID,
              permitted: Type.Boolean(),
              reason: Type.Union([Type.String(), Type.Null()]),
              accounts: Type.Integer(),
            }),
          },
        },
      },
      async (request) =>
        claimPermit(registry, {
          ...request.body,
          enquirer_id: request.caller.participant_id,
        } as Parameters<typeof claimPermit>[1]),
    );
  };
}
