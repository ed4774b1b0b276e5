/**
 * Proofs of single authorisations from the manifest that its furnisher signed, or from what the
 * registry signed of an enquirer's, with the enquirer's own signature beside it.
 *
 * What must stay true: a furnisher sees its own alone, an enquirer what it brought, and another's is
 * answered like none; the look leaves its trace in the person's file before the proof is returned.
 */
import { type AuthorisationProof, proveAuthorisation } from '../authorisation/proof.ts';
import type { Session } from '../database/database.ts';
import { traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export interface ProofLook {
  readonly participant_id: string;
  /** Furnisher: what it provides; enquirer: what it brought; null: everything. */
  readonly own: 'furnisher' | 'enquirer' | null;
}

/** The newest signature of the enquirer that brought an authorisation; null: nobody did. */
async function broughtOf(session: Session, subjectId: string, id: string): Promise<string | null> {
  const { rows } = await session.query<{ signed: string }>(
    `select signed from brought_authorisation where subject_id = $1 and authorisation_id = $2
     order by seq desc limit 1`,
    [subjectId, id],
  );
  return rows[0]?.signed ?? null;
}

/**
 * @param look who asks, and whose authorisation it must be
 * @throws authorisation_unknown, authorisation_unproven
 */
export async function readProof(
  registry: Registry,
  authorisationId: string,
  look: ProofLook,
): Promise<AuthorisationProof> {
  return registry.db.transaction(async (session) => {
    const { subject_id, proof } = await proveAuthorisation(session, {
      authorisation_id: authorisationId,
      provider_id: { furnisher: look.participant_id, enquirer: registry.registry_id, all: null }[
        look.own ?? 'all'
      ],
      ...(look.own === 'enquirer' ? { recipient_id: look.participant_id } : {}),
    });
    const brought = await broughtOf(session, subject_id, authorisationId);
    await traceAct(registry, session, subject_id, {
      participant_id: look.participant_id,
      purpose: 'authorisation_proof',
      reason: `proof of authorisation ${authorisationId}`,
    });
    return brought === null ? proof : { ...proof, brought };
  });
}
