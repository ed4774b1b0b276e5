/**
 * An authorisation as an enquirer signed it when it brought it to the registry: record and events
 * in one JWS, kept as it came, and served with the proof.
 *
 * What must stay true: a verifier answers with what is wrong on any input and never throws; what
 * the registry appended later (a withdrawal there) is not under the enquirer's signature, and the
 * state that is verified is that of the events which are.
 */
import { canonicalBytes, type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import type { AuthorisationProof, Signer, Verified } from './proof.ts';
import { fold } from './record.ts';
import { isWireEntry, type WireEntry } from './schema.ts';

/** `typ` of its signature (JWS) over `{ record, events }`. */
export const BROUGHT_TYP = 'assent-authorisation+jws';

/**
 * Record and events of one that was brought; null when the payload is something else.
 * @param subjectRef the enquirer's number of the person, which is not under the signature
 * @throws signature_invalid
 */
export async function readBrought(
  signed: string,
  keys: VerifyingKeys,
  subjectRef: string,
): Promise<WireEntry | null> {
  const payload = await verifyJws(signed, keys, { typ: BROUGHT_TYP });
  const entry: unknown = { ...payload, subject_ref: subjectRef };
  return isWireEntry(entry) ? entry : null;
}

function isSame(left: object, right: object): boolean {
  try {
    return Buffer.from(canonicalBytes(left)).equals(canonicalBytes(right));
  } catch {
    return false; // It has no canonical form, so nobody signed it.
  }
}

/** Verifies the enquirer's signature of a proof that has one, with the enquirer's keys. */
export async function verifyBrought(
  proof: AuthorisationProof,
  signed: string,
  signer: Signer,
): Promise<Verified> {
  const { authorisation_id, parties } = proof.record;
  const known = { authorisation_id, state: null, collector_id: parties.recipient_id };
  let entry: WireEntry | null;
  try {
    entry = await readBrought(signed, signer.keys, proof.subject_ref);
  } catch (error) {
    if (!(error instanceof AssentError)) throw error;
    return { problems: [`the enquirer's signature does not hold: ${error.detail}`], ...known };
  }
  if (!entry) return { problems: ['what the enquirer signed is not { record, events }'], ...known };
  const problems: string[] = [];
  if (!isSame(entry.record, proof.record))
    problems.push('the record is not the one that the enquirer signed');
  if (!isSame(entry.events, proof.events.slice(0, entry.events.length)))
    problems.push('the events do not begin with those that the enquirer signed');
  if (signer.participant_id !== null && signer.participant_id !== parties.recipient_id)
    problems.push('the keys are of another participant than the recipient of the record');
  const folded = fold(entry.events);
  if (!folded.ok) problems.push(`event ${folded.seq} may not follow the events before it`);
  return { problems, ...known, state: folded.ok ? folded.state : null };
}
