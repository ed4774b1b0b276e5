/**
 * Proofs of single authorisations from the manifest that its furnisher signed.
 *
 * What must stay true: a furnisher sees its own alone, and another's is answered like none; the
 * look leaves its trace in the person's file before the proof is returned.
 */
import { type AuthorisationProof, proveAuthorisation } from '../authorisation/proof.ts';
import type { Registry } from './registry.ts';

/**
 * @param look who asks, and whose authorisation it must be (null: any provider's)
 * @throws authorisation_unknown, authorisation_unproven
 */
export async function readProof(
  registry: Registry,
  authorisationId: string,
  look: { readonly participant_id: string; readonly provider_id: string | null },
): Promise<AuthorisationProof> {
  return registry.db.transaction(async (session) => {
    const { subject_id, proof } = await proveAuthorisation(session, {
      authorisation_id: authorisationId,
      provider_id: look.provider_id,
    });
    await session.query(
      `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
       values ($1, $2, $3, 'authorisation_proof', $4, $5)`,
      [
        subject_id,
        registry.newId(),
        look.participant_id,
        `proof of authorisation ${authorisationId}`,
        registry.now(),
      ],
    );
    return proof;
  });
}
