/**
 * Proofs of single authorisations, of both programs: what a lender, an operator or an auditor can
 * carry away and anybody can verify (docs/AUTHORISATION.md).
 *
 * What must stay true: no identity in an address or an answer; what is no id, is not here or is
 * another participant's is answered alike.
 */
import { Type } from 'typebox';
import { proveAuthorisation } from '../authorisation/proof.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Role } from '../participants/role.ts';
import { readProof } from '../registry/authorisation-proofs.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';

const PARAMS = Type.Object({ authorisation_id: Type.String({ maxLength: 200 }) });
const PROOF = Type.Object({
  version: Type.String(),
  subject_ref: Type.String(),
  record: Type.Record(Type.String(), Type.Unknown()),
  events: Type.Array(Type.Record(Type.String(), Type.Unknown())),
  leaf_index: Type.Integer(),
  path: Type.Array(Type.String()),
  signed: Type.String(),
  brought: Type.Optional(Type.String()),
});
const SUMMARY = 'Prove an authorisation from a signed root, to be verified offline';

/** Adds the gateway's route. */
export function gatewayProofRoutes(gateway: Gateway): (app: Server) => void {
  return (app) => {
    app.get(
      '/v1/authorisations/:authorisation_id/proof',
      {
        config: { access: { roles: ['app', 'officer'], scope: 'authorisations:read' } },
        schema: { summary: SUMMARY, params: PARAMS, response: { 200: PROOF } },
      },
      async (request) => {
        const { authorisation_id } = request.params;
        const sought = { authorisation_id, provider_id: null };
        return (await proveAuthorisation(gateway.db, sought)).proof as never;
      },
    );
  };
}

/** Adds the registry's routes: one's own, and everybody's. */
export function registryProofRoutes(registry: Registry): (app: Server) => void {
  const own: readonly Role[] = ['furnisher', 'enquirer'];
  const all: readonly Role[] = ['operator', 'auditor'];
  return (app) => {
    for (const [prefix, roles] of [
      ['/v1', own],
      ['/v1/all', all],
    ] as const) {
      app.get(
        `${prefix}/authorisations/:authorisation_id/proof`,
        {
          config: { access: { roles: [...roles], scope: 'authorisations:prove' } },
          schema: { summary: SUMMARY, params: PARAMS, response: { 200: PROOF } },
        },
        async (request) => {
          const { participant_id, role } = request.caller;
          const asks = role === 'furnisher' || role === 'enquirer' ? role : null;
          const look = { participant_id, own: roles === own ? asks : null };
          return (await readProof(registry, request.params.authorisation_id, look)) as never;
        },
      );
    }
  };
}
